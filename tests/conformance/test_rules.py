# SPDX-License-Identifier: BSD-3-Clause
"""Every registered local rule, and one of a user's own, in every executor; and its parameters set during a run."""

import dataclasses

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import RingBuffer
from networks import random_spikes
from user_rule import Habit

import synergic as sy
from conformance.executors import INTEGERS, assert_agree, conform
from synergic.errors import ParameterError
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.processes import Graph, HybridDense, HybridLIF, running

pytestmark = pytest.mark.alone

RULES = {
    "Hebbian": sy.Hebbian(0.1, 0.1),
    "Oja": sy.Oja(0.05),
    "BCM": sy.BCM(0.1),
    "PairSTDP": sy.PairSTDP(0.2, 0.1),
    "ThreeFactor": sy.ThreeFactor(0.1),
    "Habit": Habit(0.2),
}


def network(rule, n_in=300, steps=5):
    """Two plastic layers, the first over two cores, and plastic feedback to it."""
    rng = np.random.default_rng(4)
    sizes = {"in": n_in, "hidden": 7, "out": 4}

    def connect(name, source, target):
        weights = rng.normal(0, 2 / np.sqrt(sizes[source]), (sizes[target], sizes[source]))
        start = rng.uniform(-0.3, 0.3, weights.shape)
        return sy.Projection(name, source, target, weights, rule, rng.uniform(0, 0.1, sizes[target]), start)

    ways = (connect("c1", "in", "hidden"), connect("c2", "hidden", "out"), connect("back", "out", "hidden"))
    populations = tuple(sy.Population(n, sizes[n], 0.4, 0.5) for n in ("hidden", "out"))
    return sy.Network(sy.Source("in", n_in), populations, ways, "out", steps)


def signal_of(rule, samples, steps):
    """A global signal where the rule hears one."""
    return np.random.default_rng(5).uniform(-2, 2, (samples, steps)) if rule.signalled else None


def test_no_registered_rule_is_forgotten():
    assert {name for name in sy.Rule.registry if not name.startswith("Masked")} == set(RULES)


@pytest.mark.one_in(5)  # the first and a user's own: the generated networks have all others
@pytest.mark.parametrize("name", RULES)
def test_every_rule_agrees_in_every_executor(name):
    net = network(RULES[name])
    spikes = random_spikes(net, samples=2, rate=0.3)
    records = conform(net, spikes, ("chip in lava",), signal_of(RULES[name], 2, net.steps))
    start = {p.name: p.local_weights for p in net.projections}
    for way in ("c1", "c2", "back"):  # every connection has learned something
        assert np.abs(records["reference"].local_weights[way] - start[way]).max() > 0.01
    assert len(records) == 3 + len(INTEGERS)


def halved(rule):
    """Every parameter half as large."""
    return dataclasses.replace(rule, **{n: v // 2 if rule.integer else v / 2 for n, v in rule.values.items()})


@pytest.mark.one_in(4)
@pytest.mark.parametrize("where", ["float", "fixed", "chip"])
@pytest.mark.parametrize("name", RULES)
def test_a_rule_s_parameters_set_during_a_run_act(name, where):
    net = network(RULES[name], n_in=20)
    net = dataclasses.replace(net, populations=net.populations[:1], projections=net.projections[:1], output="hidden")
    spikes, signal = random_spikes(net, samples=2, rate=0.4), signal_of(RULES[name], 2, net.steps)
    if where != "float":
        net = sy.quantise(net)
        signal = None if signal is None else net.encode_signal(signal)
    (way,) = net.projections
    later = dataclasses.replace(net, projections=(dataclasses.replace(way, rule=halved(way.rule)),))
    cfg = ChipSimCfg() if where == "chip" else Loihi2SimCfg(select_tag={"float": "floating_pt"}.get(where, "fixed_pt"))
    graph = Graph(net, spikes, signal)
    dense, lif = graph.projections["c1"], graph.populations["hidden"]
    with running(lif):
        # The first presentation, which lives one step behind its source; then other parameters for the second.
        lif.run(condition=RunSteps(num_steps=net.steps + 1), run_cfg=cfg)
        assert set(dense.theta) == set(way.rule.values)
        for key, value in later.projections[0].rule.values.items():
            dense.theta[key].set(value)
        for key, values in dense.state.items():
            assert np.any(values.get()), f"{key} can be read"
        lif.run(condition=RunSteps(num_steps=net.steps))
        record = graph.record(spikes)
    wants = [sy.simulate(n, spikes, signal=signal).local_weights["c1"] for n in (net, later)]
    for i, want in enumerate(wants):
        assert np.abs(record.local_weights["c1"][i] - want[i]).max() <= (1e-12 if where == "float" else 0)
    assert np.abs(wants[0][1] - wants[1][1]).max() > 0


def test_what_is_out_of_range_or_not_connected_is_refused():
    net = sy.quantise(network(sy.ThreeFactor(0.1), n_in=3))
    signal = np.zeros((1, net.steps), int)
    dense = Graph(net, random_spikes(net, 1), signal).projections["c1"]
    with pytest.raises(ParameterError, match=r"c1.theta\['decay'\]: got \[4097\], allowed 0 to 4096"):
        dense.theta["decay"].set(4097)
    source, lif = RingBuffer(data=np.zeros((3, 2))), HybridLIF(shape=(2,), name="lif")
    dense = HybridDense(weights=np.ones((2, 3)), rule=sy.ThreeFactor(0.1), alpha=0.1, name="dense")
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    lif.u_out.connect(dense.u_in)
    with pytest.raises(ParameterError, match=r"dense.r_in: got no connection"), running(lif):
        lif.run(condition=RunSteps(num_steps=1), run_cfg=Loihi2SimCfg(select_tag="floating_pt"))


def test_the_comparison_would_see_other_rules():
    net = network(sy.Oja(0.05))
    spikes = random_spikes(net, samples=1)
    other = sy.simulate(network(sy.Oja(0.0501)), spikes)
    with pytest.raises(AssertionError):
        assert_agree(sy.simulate(net, spikes), other, 1e-9, "other")
