# SPDX-License-Identifier: BSD-3-Clause
"""Graphs of unusual shape: no input, nobody who reads, one neuron, loops. They run on the chip as on the CPU, or are
refused before anything starts."""

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.proc.io.source import RingBuffer as Source

import synergic as sy
from synergic.errors import UnsupportedError
from synergic.hw_targets import map_network, simulate_on_chip
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.processes import HybridDense, HybridLIF, HybridNeuron, HybridSimCfg, run_in_lava, running

pytestmark = pytest.mark.alone
STEPS = 7


def neurons(rng, name):
    """One to three neurons, which spike by their bias, with or without a current of their own."""
    size = int(rng.integers(1, 4))
    given = {"shape": (size,), "vth": 700, "decay": 3000, "bias": rng.integers(100, 500, size), "name": name}
    if rng.random() < 0.3:
        neuron = sy.CurrentLIF(2000, integer=True)
        return HybridNeuron(neuron=neuron, **given)
    return HybridLIF(**given)


def drawn(seed):
    """One to three populations; each pair, and each with itself, is connected or not; some are fed from outside."""
    rng = np.random.default_rng(seed)
    populations = [neurons(rng, f"p{i}") for i in range(rng.integers(1, 4))]
    share = rng.choice([0.0, 0.3, 0.7])
    for i, a in enumerate(populations):
        for j, b in enumerate(populations):
            if rng.random() < share:
                dense = HybridDense(weights=rng.integers(-30, 60, (b.u.shape[0], a.u.shape[0])), name=f"{i}-{j}")
                a.s_out.connect(dense.s_in)
                dense.a_out.connect(b.a_in)
        if rng.random() < share / 2:
            dense = HybridDense(weights=rng.integers(-30, 60, (a.u.shape[0], 2)), name=f"in-{i}")
            if rng.random() < 0.7:
                Source(data=rng.integers(0, 2, (2, STEPS))).s_out.connect(dense.s_in)
            dense.a_out.connect(a.a_in)
    return populations


def joined(populations):
    """The populations of the graph that the first one is in: Lava runs what is connected."""
    from lava.magma.compiler.compiler_graphs import find_processes

    return [p for p in populations if p in find_processes(populations[0])]


@pytest.mark.one_in(5)
@pytest.mark.parametrize("seed", range(16))
def test_a_graph_of_any_shape_runs_on_the_chip_as_on_the_cpu(seed):
    found = []
    for configuration in (HybridSimCfg, ChipSimCfg):
        populations = joined(drawn(seed))
        chosen = configuration()
        with running(populations[0]):
            populations[0].run(condition=RunSteps(num_steps=STEPS), run_cfg=chosen)
            found.append({p.name: p.u.get().tolist() for p in populations})
    assert found[0] == found[1]
    assert any(value for values in found[0].values() for value in values)
    assert chosen.costs().cores >= len(found[0])


def test_what_the_chip_has_no_place_for_is_refused_before_anything_starts():
    dense = HybridDense(weights=np.ones((2, 3), int), name="alone")
    lif = HybridLIF(shape=(3,), vth=10, decay=0, bias=1, name="lif")
    lif.s_out.connect(dense.s_in)
    for head in (lif, HybridDense(weights=np.ones((2, 3), int), name="alone")):
        with pytest.raises(UnsupportedError, match=r"alone\.a_out: got no connection, allowed one HybridLIF"):
            head.run(condition=RunSteps(num_steps=1), run_cfg=ChipSimCfg())


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 3, 1), (3, 1, 2)])
def test_networks_of_single_neurons_agree_in_all_executors(sizes):
    rng = np.random.default_rng(0)
    first, middle, last = sizes
    network = sy.quantise(
        sy.Network(
            sy.Source("in", first),
            (
                sy.Population("middle", middle, 0.5, 0.5, bias=0.2),
                sy.Population("unread", 2, 0.5, 0.5, bias=0.2),
                sy.Population("out", last, 0.5, 0.5),
            ),
            (
                sy.Projection("a", "in", "middle", rng.normal(0, 1, (middle, first)), sy.Hebbian(0.1, 0.1), 0.3),
                sy.Projection("b", "middle", "unread", rng.normal(0, 1, (2, middle))),
                sy.Projection("c", "middle", "out", rng.normal(0, 1, (last, middle))),
            ),
            "out",
            5,
        )
    )
    spikes = rng.integers(0, 2, (3, 5, first))
    want = sy.simulate(network, spikes)
    on_chip, _ = simulate_on_chip(map_network(network), spikes)
    for got in (run_in_lava(network, spikes), on_chip):
        for name in want.u:
            assert np.array_equal(got.u[name], want.u[name]), name
            assert np.array_equal(got.spikes[name], want.spikes[name]), name
