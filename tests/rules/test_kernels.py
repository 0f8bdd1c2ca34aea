# SPDX-License-Identifier: BSD-3-Clause
"""Compiled forms of rules and neurons: a class declares one by name, also a user's; no exceptions elsewhere."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import plastic_network, random_spikes
from user_rule import Habit

import synergic as sy
from synergic.neurons import KERNELS as KERNELS_OF_NEURONS
from synergic.numerics import _compiled as compiled
from synergic.numerics import fixed, floating
from synergic.reference._presentation import by_input, present, split
from synergic.rules import KERNELS, Kernel, integer_form, rate

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("rho", ["tanh", "identity"])
def test_hebbian_s_own_functions_are_the_equation(rho, masked):
    """`Hebbian.floating` and `fixed`, run as any rule's, against numerics.*.hebbian, which is the specification."""
    rng = np.random.default_rng(3)
    mask = rng.random((5, 7)) < 0.6 if masked else None
    rule = sy.Hebbian(rng.uniform(0, 0.4, 7), rng.uniform(-1, 1, 5), 0.9, rho, -1, 0.5, mask)
    local, s, u = rng.uniform(-0.5, 0.5, (2, 5, 7)), rng.random((2, 7)) < 0.5, rng.normal(0, 3, (2, 5))
    local = local if mask is None else local * mask
    settings = {"rho": rho, "sign": -1, "p_max": 0.5, "vth": 0.35, "mask": rule.mask}
    want, count = floating.hebbian(local, s, u, **rule.values, **settings)
    got, state, clipped = rule.update(floating, local, {}, s, u, None, rule.values, 0.35, rule.mask)
    assert np.array_equal(got, want)
    assert (state, clipped) == ({}, count)
    assert count > 0
    whole = rule.quantise("c", 16, 900, False)
    assert type(whole) is integer_form(sy.Hebbian)
    local, u = np.rint(local * whole.scale).astype(int), np.rint(u * 900 / 0.35).astype(int)
    post = fixed.postsynaptic(u, whole.table, whole.table_scale, whole.beta)
    settings = {"sign": -1, "p_top": whole.p_top, "eta_exp": whole.eta_exp, "mask": whole.mask}
    want, count = fixed.hebbian(local, s, post, eta=whole.eta, lambda_=whole.lambda_, **settings)
    got, state, clipped = whole.update(fixed, local, {}, s, u, None, whole.values, None, whole.mask)
    assert np.array_equal(got, want)
    assert (state, clipped) == ({}, count)
    assert count > 0


CALLS = []


def habit(rule, values, local, s, u, vth, mask, loops, where=()):
    """Habit's equation, as a user would compile it: for one sample, in place."""
    CALLS.append(type(rule).__name__)
    new, _, clipped = type(rule).update(rule, None, local, {}, s, u, None, values, vth, mask)
    local[...] = new
    return clipped


def test_a_user_s_rule_declares_a_compiled_form(monkeypatch):
    monkeypatch.setitem(KERNELS, "quick habit", Kernel(habit, habit))

    @dataclass(frozen=True, eq=False)
    class QuickHabit(Habit):
        eta: Any = rate(0.1)
        kernel = "quick habit"

    try:
        for integer in (False, True):
            nets = []
            for rule in (QuickHabit(0.2), Habit(0.2)):
                net = plastic_network(sizes=(8, 6))
                parts = tuple(sy.Projection("c0", "in", "layer1", p.weights, rule, 0.3) for p in net.projections)
                net = sy.Network(net.source, net.populations, parts, "layer1", net.steps)
                nets.append(sy.quantise(net) if integer else net)
            spikes = random_spikes(nets[0], samples=1)[0]
            CALLS.clear()
            found = []
            for net in nets:
                local = split(np.zeros(48, np.int64 if integer else float), net)
                found.append(present(by_input(net), spikes * (1 if integer else 1.0), local))
            assert [f"{'Int' * integer}QuickHabit"] * nets[0].steps == CALLS
            assert np.array_equal(found[0].local_weights["c0"], found[1].local_weights["c0"])
            assert np.array_equal(found[0].u["layer1"], found[1].u["layer1"])
            assert np.any(found[0].local_weights["c0"])
    finally:
        del sy.Rule.registry["QuickHabit"]


def test_a_subclass_does_not_inherit_the_compiled_form():
    class Other(sy.Hebbian):
        """May compute something else."""

    try:
        assert sy.Hebbian.kernel == "hebbian"
        assert Other(0.1, 0.1).kernel == ""
    finally:
        del sy.Rule.registry["Other"]


def test_lif_s_own_functions_are_the_equation():
    """`LIF.floating` and `fixed` against numerics.*, and the compiled form against both; None means LIF."""
    rng = np.random.default_rng(5)
    for reset in ("subtract", "zero"):
        p = sy.Population("p", 50, 0.35, 0.9, reset, rng.normal(0, 0.1, 50), None)
        assert type(p.neuron) is sy.LIF
        whole = sy.network.IntPopulation("p", 50, 2**23 - 1, 4096, reset, rng.integers(-9, 9, 50), 1.0)
        assert (type(whole.neuron), whole.neuron.integer) == (sy.LIF, True)
        u, acc = rng.normal(0, 1, 50), rng.normal(0, 1, 50)
        want = floating.membrane(u, acc, 0.9, p.bias)
        given = p.neuron.update(u, {}, acc, p, {})
        for got in (given, KERNELS_OF_NEURONS["lif"].floating(compiled, p, u, {}, acc)):
            assert np.array_equal(got[0], want)
            assert np.array_equal(got[1], want > 0.35)
            assert np.array_equal(got[2], floating.reset(want, want > 0.35, 0.35, reset))
        u, acc = rng.integers(2**23 - 99, 2**23, 50), rng.integers(-(2**14), 2**14, 50)
        want, count = fixed.membrane(u, acc, 4096, whole.bias)
        assert 0 < count < 50
        for got in (
            whole.neuron.update(u, {}, acc, whole, {}),
            KERNELS_OF_NEURONS["lif"].fixed(compiled, whole, u, {}, acc),
            (*sy.LIF.fixed(u, {}, fixed.rshift(acc, 6), whole), count),
        ):
            assert np.array_equal(got[0], want)
            assert got[4] == count
            assert np.array_equal(got[2], fixed.reset(want, want > whole.vth, whole.vth, reset))


def test_no_executor_asks_for_a_class_of_rule_or_for_no_neuron():
    asks = re.compile(r"isinstance\([^)]*Hebbian|neuron is (not )?None")
    found = [
        str(path.relative_to(ROOT))
        for folder in ("src/synergic", "processes", "models", "hw_targets")
        for path in (ROOT / folder).rglob("*.py")
        if asks.search(path.read_text())
    ]
    assert found == ["src/synergic/neurons/_lif.py"]  # where None becomes LIF
    assert asks.search("if isinstance(rule, Hebbian | IntHebbian):")
    assert asks.search("if p.neuron is not None:")
