# SPDX-License-Identifier: BSD-3-Clause
"""Bad input is refused where it enters: object.field, the value given, the range allowed, and what to do."""

import dataclasses
import re
from importlib.resources import files

import numpy as np
import pytest
import torch
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.data import rate_encode
from synergic.errors import CapacityError, FormatError, ParameterError, UnsupportedError
from synergic.hw_targets import load_chip, map_network, simulate_on_chip
from synergic.learning import HybridLinear, HybridNet
from synergic.processes._timing import Timing

NET = plastic_network()
INT = sy.quantise(NET)
SPIKES = random_spikes(NET)
RAGGED = [[1.0], [1.0, 2.0]]
WEIGHTS = np.ones((2, 3))


def source(**changes):
    return sy.Source(**{"name": "in", "size": 3, **changes})


def population(**changes):
    return sy.Population(**{"name": "out", "size": 2, "vth": 1.0, "decay": 0.5, **changes})


def rule(**changes):
    return sy.Hebbian(**{"eta": 0.1, "beta": 0.1, **changes})


def masked(mask, **changes):
    return projection(**{"rule": rule(mask=mask), "alpha": 0.1, **changes})


def projection(**changes):
    return sy.Projection(**{"name": "c", "source": "in", "target": "out", "weights": WEIGHTS, **changes})


def network(**changes):
    whole = {"source": source(), "populations": (population(),), "projections": (projection(),)}
    return sy.Network(**{**whole, "output": "out", "steps": 4, **changes})


def quantised(**changes):
    return sy.quantise(network(**changes))


def values_and_spikes():
    parts = (projection(), projection(name="d", source="out", weights=np.ones((2, 2))))
    return sy.quantise(network(source=source(num_message_bits=8), projections=parts))


def fan_in(n_in):
    """A neuron with so many inputs that the partial sum of its local weights could leave 32 bits."""
    plastic = projection(weights=np.ones((1, n_in)), rule=rule())
    wide = network(source=source(size=n_in), populations=(population(size=1),), projections=(plastic,))
    return sy.quantise(wide, local_bits=16)


GRADED = network(source=source(num_message_bits=8))


def wide():
    return sy.quantise(plastic_network(sizes=(10, 12000, 10), steps=1, alpha=0.01))


def on_chip(**changes):
    return simulate_on_chip(**{"mapping": map_network(INT), "spikes": SPIKES, **changes})


def encoded(**changes):
    return rate_encode(**{"values": [[0.5]], "steps": 3, **changes})


def timing(**changes):
    return Timing(**changes).check("Timing")


def linear(**changes):
    return HybridLinear(**{"n_in": 3, "n_out": 2, **changes})


def net(**changes):
    return HybridNet(**{"sizes": (3, 2), **changes})


WHERE = {
    source: "in", population: "out", rule: "Hebbian", projection: "c", network: "Network", on_chip: "simulate_on_chip",
    encoded: "rate_encode", timing: "Timing", linear: "HybridLinear", net: "HybridNet",
}  # fmt: skip


def size(text):
    """What a size or a number of steps may not be, with the text that names it."""
    return [(0, "0"), (-1, "-1"), (2.5, "2.5"), (np.nan, "nan"), (text, repr(text)), (None, "None"), (True, "True")]


NO_NUMBERS = [("0.5", "'0.5'"), (None, "None"), ([0.5], r"[0.5]"), (np.nan, "nan"), (True, "True"), (1j, "1j")]
NO_ARRAYS = [("text", "'text'"), (None, "None"), (RAGGED, "[[1.0], [1.0, 2.0]]"), (1j, "1j"), (True, "True")]


def cases(make, field, allowed, bad, where=None):
    """One test a bad value of one field."""
    where = where or WHERE[make]
    for value, got in bad:
        yield pytest.param(
            lambda value=value: make(**{field: value}), ParameterError, f"{where}.{field}", got, allowed,
            id=f"{where}.{field}={value!r}"[:60],
        )  # fmt: skip


def test_local_weights_off_the_mask_are_refused():
    with pytest.raises(ParameterError, match=r"c.local_weights: got 3 other than 0 off the mask, allowed 0 there"):
        masked(np.array([[1, 1, 1], [0, 0, 0]]), local_weights=WEIGHTS)


FIELDS = [
    *cases(source, "size", "1, 2, ...", size("3")),
    *cases(source, "num_message_bits", "0 (spikes) or 8 (values)", [(4, "4"), ("8", "'8'"), (False, "False")]),
    *cases(source, "name", "str", [(3, "3"), (None, "None")], "Source"),
    *cases(population, "name", "str", [(3, "3")], "Population"),
    *cases(population, "size", "1, 2, ...", size("2")),
    *cases(population, "vth", "(0, 1e+06]", [*NO_NUMBERS, (0, "0"), (-1.0, "-1.0"), (np.inf, "inf")]),
    *cases(population, "decay", "[0, 1]", [*NO_NUMBERS, (1.01, "1.01"), (-0.1, "-0.1")]),
    *cases(population, "reset", "'subtract' or 'zero'", [("soft", "'soft'"), (None, "None"), (["zero"], "['zero']")]),
    *cases(population, "bias", "an array of numbers", NO_ARRAYS),
    *cases(population, "bias", "(2,)", [([1.0], "(1,)"), (np.ones((2, 1)), "(2, 1)"), ([], "(0,)")]),
    *cases(population, "bias", "finite values", [(np.nan, "2 values"), ([0, np.inf], "1 values")]),
    *cases(rule, "eta", "an array of numbers", NO_ARRAYS),
    *cases(rule, "beta", "an array of numbers", NO_ARRAYS),
    *cases(rule, "eta", "() or (n,)", [(WEIGHTS, "(2, 3)"), ([], "(0,)")]),
    *cases(rule, "beta", "finite values", [(np.nan, "1 values")]),
    *cases(rule, "lambda_", "[0, 1]", [*NO_NUMBERS, (2, "2")]),
    *cases(rule, "rho", "'tanh' or 'identity'", [("relu", "'relu'"), (np.tanh, "tanh")]),
    *cases(rule, "sign", "1 (Hebbian) or -1", [(0, "0"), ("+", "'+'"), (True, "True"), (1.0, "1.0")]),
    *cases(rule, "p_max", "(0, 1e+06]", [*NO_NUMBERS, (0, "0")]),
    *cases(rule, "mask", "an array of numbers", [("all", "'all'")]),
    *cases(rule, "mask", "0 and 1", [([[2]], "2"), ([[0.5, 1]], "[0.5]"), (np.array([[-1]]), "-1")]),
    *cases(rule, "mask", "(n_out, n_in)", [([1], "(1,)"), (1, "()")]),
    *cases(masked, "mask", "(2, 3)", [(np.ones((3, 2)), "(3, 2)")], "c.rule"),
    *cases(projection, "name", "str", [(None, "None")], "Projection"),
    *cases(projection, "weights", "an array of numbers", NO_ARRAYS),
    *cases(projection, "weights", "(n_out, n_in)", [([1.0], "(1,)"), ([], "(0,)"), (np.ones((0, 3)), "(0, 3)")]),
    *cases(projection, "weights", "finite values", [([[np.nan, 1, np.inf]], "2 values")]),
    *cases(projection, "weights", "an array of numbers", [(torch.ones(2, 3, requires_grad=True), "tensor")]),
    *cases(projection, "rule", "Rule or None", [("hebbian", "'hebbian'"), (INT.projections[0].rule, "IntHebbian")]),
    *cases(projection, "alpha", "an array of numbers", NO_ARRAYS),
    *cases(projection, "alpha", "() or (2,) or (2, 3)", [([1, 2, 3], "(3,)"), ([], "(0,)")]),
    *cases(projection, "local_weights", "None without a rule", [(WEIGHTS, "an array")]),
    *cases(projection, "plasticity_scope", "'frozen' or 'per_sample' or 'stream'", [("batch", "'batch'"), (0, "0")]),
    *cases(network, "source", "Source", [("in", "'in'"), (None, "None")]),
    *cases(network, "populations", "a tuple", [(None, "None"), ([population()], "[Population")]),
    *cases(network, "populations", "one or more", [((), "none")]),
    *cases(network, "populations", "Population", [((INT.populations[0],), "IntPopulation"), ((None,), "None")]),
    *cases(network, "projections", "one or more", [((), "none")]),
    *cases(network, "projections", "Projection", [((3,), "3"), ((INT.projections[0],), "IntProjection")]),
    *cases(network, "output", "'out'", [("in", "'in'"), (None, "None"), (["out"], "['out']")]),
    *cases(network, "steps", "1, 2, ...", size("4")),
    *cases(network, "readout", "'rank' or 'rate'", [("mean", "'mean'"), (None, "None")]),
    *cases(network, "dt", "(0, 1e+06]", [*NO_NUMBERS, (0, "0")]),
    *cases(network, "tau_w", "(0, inf]", [*NO_NUMBERS, (0, "0"), (-1, "-1")]),
    *cases(lambda **c: sy.quantise(NET, **c), "weight_bits", "2 to 16", [*size("8"), (17, "17")], "quantise"),
    *cases(lambda **c: sy.quantise(NET, **c), "local_bits", "8 to 16", [*size("8")[:5], (7, "7")], "quantise"),
    *cases(sy.quantise, "network", "Network", [(None, "None"), ("net", "'net'"), (INT, "IntNetwork")], "quantise"),
    *cases(lambda **c: sy.simulate(NET, SPIKES, **c), "batch", "1, 2, ...", size("64"), "simulate"),
    *cases(
        lambda **c: sy.simulate(spikes=SPIKES, **c), "network", "Network or IntNetwork", [(None, "None")], "simulate"
    ),
    *cases(encoded, "steps", "1, 2, ...", size("5")),
    *cases(encoded, "values", "an array of numbers", NO_ARRAYS),
    *cases(encoded, "values", "(samples, channels)", [([0.5], "(1,)"), ([[]], "(1, 0)"), (0.5, "()")]),
    *cases(encoded, "values", "0 to 1", [([[0.5, 1.5]], "[1.5]"), ([[-0.5]], "[-0.5]"), ([[np.nan]], "[nan]")]),
    *cases(load_chip, "chip", "str or Path", [(None, "None"), (3, "3"), (["tianjic"], "['tianjic']")], "load_chip"),
    *cases(map_network, "network", "IntNetwork", [(None, "None"), (NET, "Network"), ("net", "'net'")], "map_network"),
    *cases(on_chip, "batch", "1, 2, ...", size("64")),
    *cases(on_chip, "mapping", "Mapping", [(INT, "IntNetwork")]),
    *cases(timing, "onset", "0, 1, ...", size("1")[1:]),
    *cases(timing, "lag", "0, 1, ...", size("1")[1:]),
    *cases(timing, "period", "1, 2, ...", [(0, "0"), (1.5, "1.5"), ("2", "'2'"), (True, "True")]),
    *cases(timing, "presentations", "1, 2, ...", [(0, "0"), (1.5, "1.5"), ("2", "'2'"), (True, "True")]),
    *cases(linear, "n_in", "1, 2, ...", size("3")),
    *cases(linear, "n_out", "1, 2, ...", size("2")),
    *cases(linear, "vth", "(0, 1e+06]", NO_NUMBERS),
    *cases(linear, "decay", "[0, 1]", NO_NUMBERS),
    *cases(linear, "lambda_", "[0, 1]", NO_NUMBERS),
    *cases(linear, "p_max", "(0, 1e+06]", NO_NUMBERS),
    *cases(linear, "sign", "1 (Hebbian) or -1", [(0, "0"), (None, "None")]),
    *cases(linear, "reset", "'subtract' or 'zero'", [("soft", "'soft'"), (None, "None")]),
    *cases(net, "sizes", "(channels, ..., classes)", [((3,), "(3,)"), (3, "3"), (None, "None")]),
    *cases(net, "mode", "'gp' or 'lp' or 'hp'", [("xp", "'xp'"), (None, "None")]),
    *cases(net, "steps", "1, 2, ...", size("4")),
    *cases(net, "tau_w", "(0, inf]", [*NO_NUMBERS, (0, "0")]),
]  # fmt: skip

# fmt: off
TOGETHER = {
    ParameterError: [
        ("Network names", "'out'", "unique", lambda: network(source=source(name="out"))),
        ("Network names", "a/b", "without '/'", lambda: network(source=source(name="a/b"))),
        ("c.weights", "(2, 3)", "(2, 4)", lambda: network(source=source(size=4))),
        ("c.source", "'x'", "'in' or 'out'", lambda: network(projections=(projection(source="x"),))),
        ("c.target", "'in'", "'out'", lambda: network(projections=(projection(target="in"),))),
        ("Network.projections", "['far']", "a path to every population",
         lambda: network(populations=(population(), population(name="far")))),
        ("c.rule.eta", "(2,)", "() or (3,)", lambda: projection(rule=rule(eta=[1, 2]))),
        ("c.rule.beta", "(3,)", "() or (2,)", lambda: projection(rule=rule(beta=[1, 2, 3]))),
        ("c.local_weights", "|P| 1", "p_max = 0.5", lambda: projection(rule=rule(p_max=0.5), local_weights=WEIGHTS)),
        ("out.bias", "8128000000", "-8388608 to 8388607", lambda: quantised(populations=(population(bias=1e6),))),
        ("out.vth", "1e-09", "1 to 8388607", lambda: quantised(populations=(population(vth=1e-9),))),
        ("c.rule.beta", "36864", "-32768 to 32767", lambda: quantised(projections=(projection(rule=rule(beta=9)),))),
        ("c.rule.eta", "5", "below 4", lambda: quantised(projections=(projection(rule=rule(eta=5)),))),
        ("c.alpha", "63501938", "-8388608 to 8388607",
         lambda: quantised(projections=(projection(rule=rule(), alpha=1e6),))),
        ("c.partial sum", "a possible 2147516413", "below 2147483648", lambda: fan_in(65539)),
        ("input", "(3, 3, 12)", "(samples, 6, 12)", lambda: sy.simulate(NET, SPIKES[:, :3])),
        ("input", "(0, 6, 12)", "at least one sample", lambda: sy.simulate(NET, SPIKES[:0])),
        ("input", "[2 2 2]", "0 or 1", lambda: sy.simulate(NET, 2 * SPIKES)),
        ("input", "nan", "0 or 1", lambda: sy.simulate(NET, SPIKES * np.nan)),
        ("input", "[1.5 1.5 1.5]", "0 to 1", lambda: sy.simulate(GRADED, np.full((4, 3), 1.5))),
        ("input", "[0.5 0.5 0.5]", "whole numbers in 0 to 255",
         lambda: sy.simulate(sy.quantise(GRADED), np.full((4, 3), 0.5))),
        ("input", "'spikes'", "an array of numbers", lambda: sy.simulate(INT, "spikes")),
        ("input", "None", "an array of numbers", lambda: simulate_on_chip(map_network(INT), None)),
        ("input", "[1.0, 2.0]", "an array of numbers", lambda: sy.simulate(NET, RAGGED)),
        ("IntNetwork.k", "float64", "integers", lambda: dataclasses.replace(INT, k=INT.k / 4096)),
        ("IntNetwork.k", "values from", "0 to 4096", lambda: dataclasses.replace(INT, k=INT.k * 2)),
        ("IntNetwork.k", "values from -", "0 to 4096", lambda: dataclasses.replace(INT, k=-INT.k)),
        ("encode.values", "[1.5]", "0 to 1", lambda: INT.encode([0.5, 1.5])),
        ("load_chip.chip", "3", "str or Path", lambda: map_network(INT, 3)),
    ],
    UnsupportedError: [
        ("c.alpha", "(2, 3)", "a scalar or one a",
         lambda: quantised(projections=(projection(rule=rule(), alpha=WEIGHTS),))),
        ("out", "spikes by ['d']", "one of the two", values_and_spikes),
        ("c0.weight_bits", "9", "up to 8", lambda: map_network(sy.quantise(NET, 9))),
    ],
    CapacityError: [("cores of the model of tianjic", "282", "156", lambda: map_network(wide()))],
    FormatError: [("load_chip.chip", "'loihi'", "a TOML file", lambda: map_network(INT, "loihi"))],
}
# fmt: on
TOGETHER = [
    pytest.param(make, error, *texts, id=f"{texts[0]}: {texts[1]}")
    for error, rows in TOGETHER.items()
    for *texts, make in rows
]


TEXT = re.compile(
    r"(?P<where>.+?): (got|needed) (?P<got>.+)[,;] (allowed|available) (?P<allowed>.+?)\. (?P<remedy>.+\.)", re.DOTALL
)


@pytest.mark.parametrize(("make", "error", "where", "got", "allowed"), [*FIELDS, *TOGETHER])
def test_it_is_refused_with_place_value_range_and_remedy(make, error, where, got, allowed):
    with pytest.raises(error) as refused:
        make()
    text = str(refused.value)
    parts = re.fullmatch(
        r"(?P<where>.+?): (got|needed) (?P<got>.+)[,;] (?P<allowed>(allowed|available) .+?)\. (?P<remedy>.+\.)",
        text,
        re.DOTALL,
    )
    assert parts, text
    assert parts["where"] == where
    assert got in parts["got"]
    assert allowed in parts["allowed"]
    assert len(parts["remedy"].split()) >= 2, "a remedy is a sentence"


CHIP = (files("synergic.hw_targets") / "chips" / "tianjic.toml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "where", "got", "allowed"),
    [
        ("format_version = 1", "format_version = 2", ".format_version", "2", "1"),
        ("[rows]", "[rows", "", "Expected ']'", "TOML"),
        ("[rows]", "[ranks]", "", "['ranks'] and not ['rows']", "'rows'"),
        ("value = 12\n", "value = 12.5\n", ".rows.value", "12.5", "whole numbers"),
        ("value = 12\n", "value = true\n", ".rows.value", "True", "(0, 1e+15]"),
        ("value = 12\n", "value = nan\n", ".rows.value", "nan", "(0, 1e+15]"),
        ("value = 12\n", "value = 0\n", ".rows.value", "0", "(0, 1e+15]"),
        ("value = 12\n", "value = '12'\n", ".rows.value", "'12'", "(0, 1e+15]"),
        ("value = 12\n", "", ".rows", "'unit': 'cores'", "'value'"),
        ("[rows]", "note = 3\n[rows]", "", "['note'] and not []", "'rows'"),
        ('mark = "assumed"', 'mark = "guessed"', ".accumulator_bits.mark", "'guessed'", "'confirmed' or"),
        ('unit = "Hz"', "unit = 3", ".clock.unit", "3 of type int", "str"),
    ],
)
def test_a_chip_file_is_refused_in_the_same_words(old, new, where, got, allowed, tmp_path):
    assert old in CHIP
    path = tmp_path / "chip.toml"
    path.write_text(CHIP.replace(old, new, 1))
    test_it_is_refused_with_place_value_range_and_remedy(
        lambda: load_chip(path), FormatError, f"{path}{where}", got, allowed
    )
