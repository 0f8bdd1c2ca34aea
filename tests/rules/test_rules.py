# SPDX-License-Identifier: BSD-3-Clause
"""The local rules against numbers worked out by hand, closed forms, and what they are known for."""

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest
from user_rule import Habit

import synergic as sy
from synergic.errors import FormatError, ParameterError, UnsupportedError
from synergic.hw_targets.faults import break_chip, break_network
from synergic.hw_targets.mapping import map_network
from synergic.hw_targets.simulation import Probes, Simulator, simulate_on_chip
from synergic.network import load, save
from synergic.numerics import fixed, floating

VTH = 0.5
RULES = {
    "Oja": sy.Oja(0.125),
    "BCM": sy.BCM(0.25, decay=0.5, floor=0.5, lambda_=0.5),
    "PairSTDP": sy.PairSTDP(0.25, 0.125, 0.5, 0.25),
    "ThreeFactor": sy.ThreeFactor(0.25, decay=0.5, beta=-0.5, lambda_=0.5),
    "Habit": Habit(0.25, 0.5),
}
U_PER_V = 4096
"""Integer units of the membrane to one of the physical ones, in tests of the pure functions."""


def present(rule, s, u, signal=None, start=None, integer=False, bits=16):
    """The rule alone over given spikes (T, n_in) and potentials (T, n_out). Returns P of each step, as real numbers."""
    whole = rule.quantise("c", bits, round(VTH * U_PER_V), False)
    used, numerics = (whole, fixed) if integer else (rule, floating)
    n_out, n_in = np.shape(u)[1], np.shape(s)[1]
    dtype = np.int64 if integer else float
    local = np.zeros((n_out, n_in)) if start is None else start
    local = np.rint(local * whole.scale).astype(np.int64) if integer else local
    signal = np.ones(len(s)) if signal is None else signal
    state, out = used.fresh(n_out, n_in), []
    for s_m, u_m, r in zip(np.array(s, dtype), np.array(u) * (U_PER_V if integer else 1), signal, strict=True):
        u_m = np.rint(u_m).astype(np.int64) if integer else u_m
        r = np.array([round(r * 4096)] if integer else [r])
        local, state, _ = used.update(numerics, local, state, s_m, u_m, r, used.values, VTH, None)
        out.append(local / (whole.scale if integer else 1))
    return np.array(out)


BY_HAND = {  # s = (1, 0) then (1, 1); u / vth = 1.5, which fires, then 0.5, which does not; start 0.5, 0.25
    "Oja": [
        [0.5 + 0.125 * 1.5 * (1 - 0.75), 0.25 + 0.125 * 1.5 * (0 - 0.375)],
        [0.546875 + 0.0625 * (1 - 0.2734375), 0.1796875 + 0.0625 * (1 - 0.08984375)],
    ],
    "BCM": [  # 1.5 (1.5 - 0.5) = 1.5; the threshold then is 1.125, and 0.5 (0.5 - 0.5 - 1.125) = -0.5625
        [0.25 + 0.375, 0.125],
        [0.3125 - 0.140625, 0.0625 - 0.140625],
    ],
    "PairSTDP": [  # both of the first step: the arriving spike has helped; then they come a step after the neuron's
        [0.75, 0.25],
        [0.75 - 0.125 * 0.25, 0.25 - 0.125 * 0.25],
    ],
    "ThreeFactor": [  # e = (1, 0), then (0.5 + 0, 0); the signal is 1 and then -2
        [0.25 + 0.25, 0.125],
        [0.25 - 0.25, 0.0625],
    ],
    "Habit": [[0.25 + 0.25, 0.125], [0.25, 0.0625]],
}


@pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
@pytest.mark.parametrize("name", RULES)
def test_two_steps_by_hand(name, integer):
    s, u = [[1, 0], [1, 1]], [[1.5 * VTH], [0.5 * VTH]]
    got = present(RULES[name], s, u, [1, -2], np.array([[0.5, 0.25]]), integer)
    assert np.abs(got[:, 0] - BY_HAND[name]).max() <= (8e-4 if integer else 1e-15)


@pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
def test_the_window_of_stdp(integer):
    rule = sy.PairSTDP(0.5, 0.25, 0.75, 0.5)
    for lag in range(-10, 11):  # m_post - m_pre
        s, u = np.zeros((21, 1)), np.full((21, 1), 0.0)
        s[10], u[10 + lag] = 1, 2 * VTH
        change = present(rule, s, u, integer=integer)[-1, 0, 0]
        closed = 0.5 * 0.75**lag if lag >= 0 else -0.25 * 0.5**-lag
        assert abs(change - closed) <= (3e-4 if integer else 1e-15), lag
        if abs(lag) <= 3:
            assert (change > 0) == (lag >= 0)  # pre before post potentiates, whatever the formula above says


def test_the_window_of_stdp_in_a_network():
    # Channel 0 drives the neuron alone; channel 1 is seen by the rule only. Its spike comes in step 5.
    rule = sy.PairSTDP(0.5, 0.25, 0.75, 0.5)
    for lag in (-3, -1, 0, 2):
        projection = sy.Projection("c", "in", "out", [[2.0, 0.0]], rule, 0.0)
        network = sy.Network(sy.Source("in", 2), (sy.Population("out", 1, 1.0, 0.0, "zero"),), (projection,), "out", 10)
        spikes = np.zeros((1, 10, 2), int)
        spikes[0, 5 + lag, 0] = spikes[0, 5, 1] = 1
        change = sy.simulate(network, spikes).local_weights["c"][0, 0, 1]
        assert change == (0.5 * 0.75**lag if lag >= 0 else -0.25 * 0.5**-lag)


@pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
def test_oja_finds_the_first_principal_component_at_length_one(integer):
    rng = np.random.default_rng(0)
    patterns = (rng.random((4000, 3)) < [0.7, 0.5, 0.2]).astype(int)
    patterns[:, 1] |= patterns[:, 0]
    rule = sy.Oja(0.02)
    used, numerics = (rule.quantise("c", 16, 2048, False), fixed) if integer else (rule, floating)
    scale = used.scale if integer else 1.0
    local = np.full((1, 3), 0.2) * scale
    local = local.astype(np.int64) if integer else local
    for s in patterns:
        u = (local / scale) @ s * VTH
        u = np.rint(u * U_PER_V).astype(np.int64) if integer else u
        local, _, _ = used.update(numerics, local, {}, s * 1, u, np.zeros(1, int), used.values, VTH, None)
    found = (local / scale)[0]
    first = np.linalg.eigh(patterns.T @ patterns / len(patterns))[1][:, -1]
    assert abs(np.linalg.norm(found) - 1) < 0.05
    assert abs(found @ first) > 0.99 * np.linalg.norm(found)


@pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
def test_bcm_changes_sign_at_its_threshold_which_rises_with_activity(integer):
    rule = sy.BCM(0.5, decay=0.75, floor=1.0)
    for x, sign in ((0.5, -1), (0.9, -1), (1.1, 1), (2.0, 1)):
        assert np.sign(present(rule, [[1]], [[x * VTH]], integer=integer)[0, 0, 0]) == sign
    # At x = 2 in every step the threshold goes to 1 + 4 (1 - 0.75^m): above x from the third step on.
    steps = np.diff(present(rule, [[1]] * 5, [[2 * VTH]] * 5, integer=integer)[:, 0, 0], prepend=0)
    assert np.array_equal(np.sign(steps), [1, 0, -1, -1, -1])
    want = [0.5 * 2 * (2 - 1 - 4 * (1 - 0.75**m)) for m in range(5)]
    assert np.abs(steps - want).max() <= (2e-3 if integer else 1e-12)


@pytest.mark.parametrize("name", RULES)
def test_fixed_stays_within_the_stated_bound_of_floating_point(name):
    # docs/rules.md: with parameters that both hold exactly, 2^-7 of P_max after 20 steps at 16 bits.
    rng = np.random.default_rng(3)
    s, u = rng.random((20, 30)) < 0.3, rng.normal(0.3, 0.4, (20, 5))
    signal = rng.uniform(-1, 1, 20)
    start = rng.uniform(-0.2, 0.2, (5, 30))
    real, whole = (present(RULES[name], s, u, signal, start, integer) for integer in (False, True))
    assert np.abs(real - whole).max() <= 4.0 / 2**7
    assert np.abs(real[-1] - start).max() > 0.05


def network(rule, n_in=6, n_out=3, steps=5, **changes):
    rng = np.random.default_rng(1)
    weights = rng.normal(0.2, 0.4, (n_out, n_in))
    start = rng.uniform(-0.4, 0.4, weights.shape) * (1 if rule.mask is None else rule.mask)
    projection = sy.Projection("c", "in", "out", weights, rule, 0.2, start, **changes)
    return sy.Network(sy.Source("in", n_in), (sy.Population("out", n_out, VTH, 0.5),), (projection,), "out", steps)


def inputs(net, samples=3):
    """Spikes, and a signal if the network hears one: real and in integers."""
    rng = np.random.default_rng(2)
    spikes = (rng.random((samples, net.steps, net.source.size)) < 0.5).astype(int)
    signal = rng.uniform(-1, 1, spikes.shape[:2]) if net.projections[0].rule.signalled else None
    return spikes, signal, None if signal is None else np.rint(signal * 4096).astype(int)


@pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
@pytest.mark.parametrize("name", RULES)
def test_files_hold_any_rule(name, integer, tmp_path):
    net = network(RULES[name])
    spikes, signal, whole = inputs(net)
    net, signal = (sy.quantise(net), whole) if integer else (net, signal)
    save(net, tmp_path / "n.h5")
    back = load(tmp_path / "n.h5")
    assert type(back.projections[0].rule) is type(net.projections[0].rule)
    for other in (back, pickle.loads(pickle.dumps(net))):
        want, got = (sy.simulate(n, spikes, signal=signal) for n in (net, other))
        assert np.array_equal(want.local_weights["c"], got.local_weights["c"])


def test_a_file_with_a_rule_that_nobody_defined_is_refused(tmp_path, monkeypatch):
    save(network(Habit()), tmp_path / "n.h5")
    monkeypatch.delitem(sy.Rule.registry, "Habit")
    with pytest.raises(FormatError, match=r"'Habit'.*Import the module that defines the rule"):
        load(tmp_path / "n.h5")


@pytest.mark.parametrize("name", RULES)
def test_rules_on_chosen_synapses(name):
    mask = np.random.default_rng(0).random((3, 6)) < 0.5
    made = type(f"Masked{name}", (type(RULES[name]),), {"__annotations__": {"mask": "object"}, "mask": None})
    rule = dataclasses.dataclass(frozen=True, eq=False)(made)(mask=mask)
    net = network(rule)
    spikes, signal, whole = inputs(net)
    sy.Rule.registry.pop(made.__name__)
    for n, r in ((net, signal), (sy.quantise(net), whole)):
        local = sy.simulate(n, spikes, signal=r).local_weights["c"]
        assert not local[:, ~mask].any()
        assert local[:, mask].any()


@pytest.mark.parametrize("name", RULES)
def test_theta_uploaded_to_the_chip_acts_from_the_next_presentation(name):
    net = sy.quantise(network(RULES[name]))
    spikes, _, signal = inputs(net)
    old = net.projections[0].rule
    new = {key: value // 2 for key, value in old.values.items()}
    simulator = Simulator(map_network(net), probes=Probes(local_weights=("c",)))
    simulator.run(spikes, signal=signal)
    simulator.upload("c", **new)
    changed = dataclasses.replace(net.projections[0], rule=dataclasses.replace(old, **new))
    want = sy.simulate(dataclasses.replace(net, projections=(changed,)), spikes, signal=signal)
    got = simulator.run(spikes, signal=signal)[0].local_weights["c"]
    assert np.array_equal(got, want.local_weights["c"])
    assert not np.array_equal(got, sy.simulate(net, spikes, signal=signal).local_weights["c"])


@pytest.mark.parametrize("name", ["Hebbian", *RULES])
@pytest.mark.parametrize("rounding", ["nearest", "stochastic"])
def test_a_stream_on_the_chip_begins_each_presentation_with_fresh_traces(name, rounding):
    """Core by core: the parts that several cores write make up the write of the whole matrix."""
    rule = RULES.get(name) or sy.Hebbian(eta=0.1, beta=0.2)
    net = network(rule, n_in=300, n_out=270, steps=3)
    streams = (dataclasses.replace(net.projections[0], plasticity_scope="stream", memory=2),)
    net = sy.quantise(dataclasses.replace(net, projections=streams), rounding=rounding)
    spikes, _, signal = inputs(net, 3)
    want = sy.simulate(net, spikes, signal=signal)
    mapping = map_network(net)
    assert len({t.rows for t in mapping.tiles}) > 1
    for probes in (None, Probes(sums=("c",), local_weights=("c",))):  # with sums every core computes by itself
        got, _ = simulate_on_chip(mapping, spikes, signal=signal, probes=probes)
        assert np.array_equal(got.local_weights["c"], want.local_weights["c"])
        assert got.saturated["c.P"] == want.saturated["c.P"]


@pytest.mark.parametrize("name", RULES)
def test_core_by_core_is_the_same(name):
    net = sy.quantise(network(RULES[name], n_in=600, n_out=270, steps=3))
    spikes, _, signal = inputs(net, 2)
    probes = Probes(sums=("c",), u=("out",), local_weights=("c",))
    mapping = map_network(net)
    assert len({t.rows for t in mapping.tiles}) > 1
    assert len({t.columns for t in mapping.tiles}) > 1
    record = simulate_on_chip(mapping, spikes, probes=probes, signal=signal)[0]
    want = sy.simulate(net, spikes, signal=signal)
    assert np.array_equal(record.local_weights["c"], want.local_weights["c"])
    assert record.saturated == want.saturated


REFUSED = {
    "local_memory": {"local_memory": "history"},
    "across": {"across": "cores"},
    "random_masks": {"random_masks": {"out": 3}},
    "faults": {"faults": lambda mapping: break_chip(mapping, "lost packets", 0.1)},
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_needs_the_compiled_rule_is_refused_by_name(what):
    mapping = map_network(sy.quantise(network(sy.Oja())))
    with pytest.raises(UnsupportedError, match=f"simulate_on_chip.{what}: got .* for c, allowed .*IntOja"):
        Simulator(mapping, **{k: v(mapping) if callable(v) else v for k, v in REFUSED[what].items()})


def test_dead_neurons_need_the_hebbian_rule():
    with pytest.raises(UnsupportedError, match=r"c\.rule: got IntPairSTDP"):
        break_network(sy.quantise(network(sy.PairSTDP())), "dead neurons", 0.5)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: sy.Oja("a"), "Oja.eta"),
        (lambda: sy.BCM(decay=1.5), r"BCM.decay: got \[1.5\], allowed \[0, 1\]"),
        (lambda: sy.BCM(floor=9), r"BCM.floor: got \[9.\], allowed \[-8, 8\]"),
        (lambda: sy.PairSTDP(decay_plus=[0.5, 0.5]), "PairSTDP.decay_plus: got shape"),
        (lambda: sy.PairSTDP(np.nan), "PairSTDP.eta_plus: got 1 values that are NaN"),
        (lambda: sy.Oja(p_max=1e3), r"Oja.p_max: got 1000.0, allowed \[0.0625, 256\]"),
        (lambda: network(sy.Oja([0.1, 0.1])), r"c.rule.eta: got shape \(2,\), allowed \(\) or \(3,\)"),
        (lambda: sy.quantise(network(sy.Oja(5.0))), r"c.rule: got a rate of 5, allowed below 4"),
        (lambda: sy.simulate(network(sy.ThreeFactor()), np.zeros((1, 5, 6))), r"signal: got none.*\['c'\]"),
        (lambda: sy.simulate(network(sy.Oja()), np.zeros((1, 5, 6)), signal=np.zeros((1, 5))), "signal: got a signal"),
        (
            lambda: sy.simulate(network(sy.ThreeFactor()), np.zeros((1, 5, 6)), signal=np.full((1, 5), 9.0)),
            r"signal: got \[9. 9. 9.\], allowed -8 to 8",
        ),
        (lambda: sy.quantise(network(sy.ThreeFactor())).encode_signal([8.5]), r"encode_signal.signal: got \[8.5\]"),
    ],
)
def test_bad_input_is_refused(make, text):
    with pytest.raises(ParameterError, match=text):
        make()


def answering(function, answer):
    """A network whose rule's function returns something else than it should."""
    rule = type("Wrong", (Habit,), {function: staticmethod(answer)})()
    sy.Rule.registry.pop("Wrong")
    net = network(rule)
    return net if function == "floating" else sy.quantise(net)


@pytest.mark.parametrize(
    ("function", "answer", "text"),
    [
        ("fixed", lambda p, state, received, theta: (p * 0.5, state), r"Wrong.fixed: got P of float64 .*allowed int64"),
        ("floating", lambda p, state, received, theta: (p[0], state), r"Wrong.floating: got P of float64 \(3, 6\)"),
        ("floating", lambda p, state, received, theta: (0.0, state), r"Wrong.floating: got P of <class 'float'>"),
        ("floating", lambda p, state, received, theta: (p, {"a": p}), r"Wrong.floating: got state \{'a'.*allowed \{\}"),
    ],
)
def test_a_rule_that_answers_wrongly_is_refused_by_name(function, answer, text):
    with pytest.raises(ParameterError, match=text):
        sy.simulate(answering(function, answer), np.ones((1, 5, 6), int))


def test_the_rule_of_the_documentation_is_the_one_tested():
    root = Path(__file__).parents[2]
    shown = (root / "docs" / "extending" / "rule.md").read_text().split("```python\n# habit.py\n")[1].split("```")[0]
    assert shown in (root / "tests" / "user_rule.py").read_text()
