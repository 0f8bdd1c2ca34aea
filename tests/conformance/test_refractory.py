# SPDX-License-Identifier: BSD-3-Clause
"""Neurons with a refractory period in every executor, behind every rule, and errors planted in each executor."""

import dataclasses

import numpy as np
import pytest

import synergic as sy
from conformance.executors import FLOATS, conform
from conformance.test_specification import compare
from synergic.errors import ParameterError, UnsupportedError
from synergic.hw_targets.mapping._arrange import words
from synergic.interchange import to_lava_dl, to_nir
from synergic.models.hybrid_lif.models import AbstractHybridLIF
from synergic.models.hybrid_neuron.models import AbstractHybridNeuron
from synergic.network import load, save

pytestmark = pytest.mark.alone
N = 300
"""Two soma cores of a tianjic."""
RULES = {
    "Hebbian": sy.Hebbian(0.1, 0.1), "Oja": sy.Oja(0.02), "BCM": sy.BCM(0.02), "PairSTDP": sy.PairSTDP(0.05, 0.04),
    "ThreeFactor": sy.ThreeFactor(0.05), "none": None,
}  # fmt: skip


def resting(rule=None, n=N, reset="zero", decay_i=0.5):
    """A network whose neurons rest for 1 to 4 steps, also where a presentation ends, and its input."""
    rng = np.random.default_rng(3)
    periods = np.arange(n) % 4 + 1
    neuron = sy.RefractoryLIF(periods, decay_i)
    population = sy.Population("out", n, 0.5, 0.8, reset, rng.uniform(0, 0.2, n), neuron)
    local = {} if rule is None else {"rule": rule, "alpha": 0.1}
    projection = sy.Projection("c", "in", "out", rng.normal(0.1, 0.3, (n, 6)), **local)
    feedback = sy.Projection("back", "out", "out", rng.normal(0, 0.1, (n, n)) * (rng.random((n, n)) < 0.02))
    network = sy.Network(sy.Source("in", 6), (population,), (projection, feedback), "out", 7)
    return network, (rng.random((2, 7, 6)) < 0.6).astype(int)


@pytest.mark.one_in(4)  # the generated networks have each neuron behind each rule
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_in_every_executor(rule):
    network, inputs = resting(RULES[rule], 20, "subtract" if rule == "Oja" else "zero")
    records = conform(network, inputs, ("chip in lava",))
    assert 0.05 < records["chip"].spikes["out"].mean() < 0.6


def test_a_population_on_two_cores():
    conform(*resting(), ("chip in lava",))


def test_the_pages_are_enough():
    network, inputs = resting(sy.Oja(0.02), 6, "subtract")
    compare(sy.quantise(network), inputs, None)


PLANTED = {
    "lava": (AbstractHybridNeuron, "begin", AbstractHybridLIF.begin, r"^lava float"),
    "chip": (sy.RefractoryLIF, "values_at", lambda self, values, rows: {n: v[0] for n, v in values.items()}, r"^chip"),
}


@pytest.mark.parametrize("executor", PLANTED)
def test_an_error_planted_in_an_executor_is_found(executor, monkeypatch):
    """Lava: a rest that goes on in the next presentation. Chip: one neuron's period for all."""
    where, name, wrong, found = PLANTED[executor]
    network, inputs = resting(decay_i=np.full(N, 0.5))
    if executor == "lava":
        network, inputs = resting(n=10)
    monkeypatch.setattr(where, name, wrong)
    with pytest.raises(AssertionError, match=found):
        conform(network, inputs, among=FLOATS if executor == "lava" else ("integers", "chip"))


@pytest.mark.parametrize("error", ["a step more", "a step less", "the current rests too"])
def test_an_error_planted_in_the_equation_is_found_by_the_interpreter(error, monkeypatch):
    """C has its own text; tests/conformance/test_c.py plants errors there."""
    right = sy.RefractoryLIF.fixed

    def wrong(u, state, current, theta):
        u, s, after, new = right(u, state, current, theta)
        if error == "the current rests too":
            new["current"] = np.where(state["refractory"] > 0, state["current"], new["current"])
        else:
            new["refractory"] = new["refractory"] + s * (1 if error == "a step more" else -1)
        return u, s, after, new

    network, inputs = resting(n=6)
    network = sy.quantise(network)
    compare(network, inputs, None)
    monkeypatch.setattr(sy.RefractoryLIF, "fixed", staticmethod(wrong))
    with pytest.raises(AssertionError):
        compare(network, inputs, None)


def test_files_memory_and_refusals(tmp_path):
    """A neuron has three numbers on the chip: u, its current and the steps left. A period is whole, and 1 or more."""
    network = resting(n=20)[0]
    for net in (network, sy.quantise(network)):
        save(net, tmp_path / "net.h5")
        assert load(tmp_path / "net.h5") == net
    assert words(sy.quantise(network).populations[0]) == 3
    for wrong in (0, 1.5, -1, 2**15, np.nan, [1, 2.5]):
        with pytest.raises(ParameterError, match=r"RefractoryLIF.refractory_period"):
            sy.RefractoryLIF(wrong)
    with pytest.raises(ParameterError, match="refractory_period"):
        dataclasses.replace(network.populations[0], neuron=sy.RefractoryLIF([1, 2]))
    with pytest.raises(UnsupportedError, match="RefractoryLIF"):
        to_nir(network)
    with pytest.raises(UnsupportedError, match="RefractoryLIF"):
        to_lava_dl(sy.quantise(network), tmp_path / "net.net", lossy=True)
