# SPDX-License-Identifier: BSD-3-Clause
"""A composed Lava script runs on the model of the chip, with Lava's own sources and sinks around it."""

import dataclasses
import multiprocessing

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from networks import plastic_network, random_spikes
from scipy.sparse import block_diag, identity, random

import synergic as sy
from synergic.errors import CapacityError, ExecutionError, ParameterError, UnsupportedError
from synergic.hw_targets.costs import cost
from synergic.hw_targets.lava_bridge import (
    ChipHybridConv,
    ChipHybridDense,
    ChipHybridLIF,
    ChipHybridSparse,
    ChipSimCfg,
)
from synergic.hw_targets.mapping import map_network
from synergic.hw_targets.simulation import simulate_on_chip
from synergic.processes import (
    Graph,
    HybridConv,
    HybridDense,
    HybridLIF,
    HybridSimCfg,
    HybridSparse,
    run_in_lava,
    running,
)

pytestmark = pytest.mark.alone


def script(n_in=5, n_hidden=4, steps=8, data=None, integer=True):
    """Source - HybridDense - HybridLIF - sink, as a user composes it."""
    rng = np.random.default_rng(0)
    data = rng.integers(0, 2, (n_in, steps)) if data is None else data
    weights = rng.integers(-20, 90, (n_hidden, n_in))
    source, sink = Source(data=data), Sink(shape=(n_hidden,), buffer=steps)
    dense = HybridDense(weights=weights if integer else weights / 64, name="dense")
    neurons = HybridLIF(shape=(n_hidden,), vth=64 * 64 if integer else 1.0, decay=2048 if integer else 0.5, name="lif")
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    neurons.s_out.connect(sink.a_in)
    return data, dense, neurons, sink


def test_a_users_script_gives_the_same_spikes_on_the_chip():
    results = []
    for configuration in (HybridSimCfg("fixed_pt"), ChipSimCfg("tianjic")):
        _, _, neurons, sink = script()
        with running(neurons):
            neurons.run(condition=RunSteps(num_steps=8), run_cfg=configuration)
            results.append(sink.data.get().copy())
            model = neurons.model_class
    assert np.array_equal(*results)
    assert results[0].any()
    assert model is ChipHybridLIF


def test_the_chips_models_are_the_ones_that_run():
    net = sy.quantise(plastic_network())
    graph, configuration = Graph(net, random_spikes(net)), ChipSimCfg()
    head = graph.populations["layer1"]
    with running(head):
        head.run(condition=RunSteps(num_steps=2), run_cfg=configuration)
        assert {p.model_class for p in graph.populations.values()} == {ChipHybridLIF}
        assert {p.model_class for p in graph.projections.values()} == {ChipHybridDense}


def test_work_and_costs_are_those_of_the_simulator():
    net = sy.quantise(plastic_network(sizes=(300, 257, 4)))
    spikes = random_spikes(net, samples=1)
    configuration = ChipSimCfg()
    run_in_lava(net, spikes, configuration)
    mapping = map_network(net)
    _, want = simulate_on_chip(mapping, spikes)
    got = configuration.activity()
    assert np.array_equal(want.synaptic, got.synaptic)
    assert (want.spikes, want.membranes, want.local_writes) == (got.spikes, got.membranes, got.local_writes)
    assert got.steps == net.steps + net.depth  # Lava also runs the steps that fill the pipeline
    costs = configuration.costs()
    assert costs.cores == mapping.cores
    assert costs.phases == got.steps * mapping.phases_per_step
    # the same activity, and idle power for `depth` steps more
    idle = mapping.cores * mapping.phases_per_step * net.depth * configuration.chip.power_low.value
    more = idle * configuration.chip.phase_seconds
    assert costs.energy_j == pytest.approx(cost(mapping, want).energy_j + more)


def refused(process, configuration, error, match):
    """The run must be refused, and nothing must have started."""
    with pytest.raises(error, match=match):
        process.run(condition=RunSteps(num_steps=2), run_cfg=configuration)
    assert not multiprocessing.active_children()


def test_what_the_chip_cannot_run_is_refused_before_anything_starts():
    _, _, neurons, _ = script(integer=False)
    refused(neurons, ChipSimCfg(), ParameterError, r"dense.*quantise\(process\)")
    _, _, neurons, _ = script(n_in=4000, n_hidden=3000)
    refused(neurons, ChipSimCfg(), CapacityError, "needed 192, available 156")
    _, _, neurons, _ = script()
    Dense(weights=np.eye(4)).a_out.connect(neurons.a_in)
    refused(neurons, ChipSimCfg(), UnsupportedError, "lif.a_in: got Dense")
    _, dense, neurons, _ = script()
    Source(data=np.ones((5, 8))).s_out.connect(dense.s_in)
    refused(neurons, ChipSimCfg(), UnsupportedError, "dense.s_in.*one source")
    _, dense, neurons, _ = script()
    dense.a_out.connect(Sink(shape=(4,), buffer=8).a_in)
    refused(neurons, ChipSimCfg(), UnsupportedError, "dense.a_out.*one HybridLIF")
    _, dense, neurons, _ = script()
    twin = HybridDense(weights=np.ones((4, 4), int), name="dense")
    neurons.s_out.connect(twin.s_in)
    twin.a_out.connect(neurons.a_in)
    refused(neurons, ChipSimCfg(), ParameterError, "unique names")


def test_graded_input_is_refused_with_its_values():
    _, _, neurons, _ = script(data=np.full((5, 8), 3))
    refused(neurons, ChipSimCfg(), ExecutionError, "dense.s_in: got values from 3 to 3, allowed 0 to 1")


def test_a_configuration_is_for_one_graph():
    configuration = ChipSimCfg()
    with pytest.raises(ParameterError, match="no run yet"):
        configuration.costs()
    _, _, neurons, _ = script()
    with running(neurons):
        neurons.run(condition=RunSteps(num_steps=2), run_cfg=configuration)
    _, _, other, _ = script()
    refused(other, configuration, ParameterError, "second graph")


def test_our_run_configuration_finds_the_tag_and_refuses_a_mixture():
    for integer, tag in ((True, "fixed_pt"), (False, "floating_pt")):
        _, _, neurons, sink = script(integer=integer)
        configuration = HybridSimCfg()
        with running(neurons):
            neurons.run(condition=RunSteps(num_steps=8), run_cfg=configuration)
            assert sink.data.get().any()
        assert configuration.select_tag == tag
    _, dense, neurons, _ = script()
    HybridLIF(shape=(5,), name="floats").s_out.connect(dense.s_in)
    refused(neurons, HybridSimCfg(), ParameterError, "floats")
    with pytest.raises(ParameterError, match="select_tag"):
        HybridSimCfg("fixed")


def learning(rule, mask):
    """Source - HybridSparse - HybridLIF - HybridConv - HybridLIF, both plastic; mask : of the first one's rule."""
    rng = np.random.default_rng(3)
    wide, vth = 300, 64 * 40
    rule = rule.quantise("rule", 16, vth, False)
    weights = random(wide, 40, 0.1, "csr", random_state=1)
    weights.data = rng.integers(-30, 100, weights.nnz)
    chosen = (weights != 0).toarray() & (rng.random(weights.shape) < 0.7) if mask else None
    sparse = HybridSparse(weights=weights, rule=dataclasses.replace(rule, mask=chosen), alpha=90, name="sparse")
    conv = HybridConv(
        weight=rng.integers(-30, 100, (2, 3, 3, 3)), input_shape=(10, 10, 3), stride=3, rule=rule, alpha=90, name="conv"
    )
    source = Source(data=(rng.random((40, 8)) < 0.5).astype(int))
    signal = Source(data=np.full((1, 8), 3000))
    first, last = (HybridLIF(shape=(n,), vth=vth, decay=2048, record=8, name=f"lif{n}") for n in (wide, 18))
    source.s_out.connect(sparse.s_in)
    sparse.a_out.connect(first.a_in)
    first.u_out.connect(sparse.u_in)
    first.s_out.reshape((10, 10, 3)).connect(conv.s_in)
    conv.a_out.flatten().connect(last.a_in)
    last.u_out.reshape(conv.u_in.shape).connect(conv.u_in)
    signal.s_out.connect([sparse.r_in, conv.r_in])
    return sparse, conv, first, last


@pytest.mark.parametrize(
    ("rule", "mask"), [(sy.Hebbian(0.05, 0.1), False), (sy.PairSTDP(0.1, 0.05), False), (sy.ThreeFactor(0.05), True)]
)
def test_chosen_synapses_and_convolutions_are_the_same_on_the_chip(rule, mask):
    seen = []
    for configuration in (HybridSimCfg("fixed_pt"), ChipSimCfg("tianjic")):
        sparse, conv, first, last = learning(rule, mask)
        with running(last):
            last.run(condition=RunSteps(num_steps=5), run_cfg=configuration)
            sparse.weights.set(sparse.weights.get().data // 2)
            conv.weight.set(conv.weight.get() // 2)
            last.run(condition=RunSteps(num_steps=3))
            found = [v.get() for p in (first, last) for v in (p.u_record, p.s_record)]
            for p in (sparse, conv):
                found += [p.saturated.get(), *(v.get() for v in p.state.values()), p.local_weights.get()]
        seen.append([x if isinstance(x, np.ndarray) else x.toarray() for x in found])
    for want, got in zip(*seen, strict=True):
        assert np.array_equal(want, got)
    assert all(x.any() for x in (seen[0][1], seen[0][-1]))
    assert {p.model_class for p in (sparse, conv)} == {ChipHybridSparse, ChipHybridConv}


def test_tiles_without_a_synapse_take_no_core():
    neurons = HybridLIF(shape=(512,), vth=4096, decay=2048, name="lif")
    sparse = HybridSparse(weights=block_diag([np.ones((128, 128), int)] * 4))
    neurons.s_out.connect(sparse.s_in)
    sparse.a_out.connect(neurons.a_in)
    configuration = ChipSimCfg("tianjic")
    with running(neurons):
        neurons.run(condition=RunSteps(num_steps=1), run_cfg=configuration)
    # By hand: a core has 256 inputs and 256 neurons; of the 2 x 2 tiles of 256 the two on the diagonal hold synapses.
    assert len(configuration.mapping.tiles) == 2


def test_connections_too_large_for_a_full_matrix_are_refused():
    neurons = HybridLIF(shape=(5000,), vth=4096, decay=2048)
    sparse = HybridSparse(weights=identity(5000, int), name="large")
    neurons.s_out.connect(sparse.s_in)
    sparse.a_out.connect(neurons.a_in)
    refused(neurons, ChipSimCfg(), UnsupportedError, "large: got 5000 neurons by 5000 inputs .*allowed a product up to")
