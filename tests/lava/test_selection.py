# SPDX-License-Identifier: BSD-3-Clause
"""Lava's stock run configurations find synergic's models for every process, and a wrong tag is refused by name."""

import multiprocessing

import numpy as np
import pytest
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi1SimCfg, Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from networks import plastic_network

import synergic as sy
import synergic.processes
from synergic.data import Value
from synergic.errors import ExecutionError, ParameterError
from synergic.models.delta_encoder.models import PyDeltaEncoderModelFixed, PyDeltaEncoderModelFloat
from synergic.models.encoder.models import PyEncoderModelFixed, PyEncoderModelFloat
from synergic.models.event_source.models import PyEventSourceModelFixed, PyEventSourceModelFloat
from synergic.models.fused_network.models import PyFusedNetworkModelFixed, PyFusedNetworkModelFloat
from synergic.models.hybrid_conv.models import PyHybridConvModelFixed, PyHybridConvModelFloat
from synergic.models.hybrid_dense.models import PyHybridDenseModelFixed, PyHybridDenseModelFloat
from synergic.models.hybrid_lif.models import PyHybridLIFModelFixed, PyHybridLIFModelFloat
from synergic.models.hybrid_network.models import SubHybridNetworkModel
from synergic.models.hybrid_neuron.models import PyHybridNeuronModelFixed, PyHybridNeuronModelFloat
from synergic.models.hybrid_sparse.models import PyHybridSparseModelFixed, PyHybridSparseModelFloat
from synergic.models.readout.models import (
    PyRankReadoutModelFixed,
    PyRankReadoutModelFloat,
    PyRateReadoutModelFixed,
    PyRateReadoutModelFloat,
)
from synergic.processes import (
    DeltaEncoder,
    Encoder,
    EventSource,
    FusedNetwork,
    HybridConv,
    HybridDense,
    HybridLIF,
    HybridNetwork,
    HybridNeuron,
    HybridSimCfg,
    HybridSparse,
    RankReadout,
    RateReadout,
    running,
)

pytestmark = pytest.mark.alone

CONFIGS = pytest.mark.parametrize("config", [Loihi1SimCfg, Loihi2SimCfg])
TAGS = {"floating_pt": False, "fixed_pt": True}
MODELS = {
    ("HybridDense", "floating_pt"): PyHybridDenseModelFloat,
    ("HybridDense", "fixed_pt"): PyHybridDenseModelFixed,
    ("HybridConv", "floating_pt"): PyHybridConvModelFloat,
    ("HybridConv", "fixed_pt"): PyHybridConvModelFixed,
    ("HybridSparse", "floating_pt"): PyHybridSparseModelFloat,
    ("HybridSparse", "fixed_pt"): PyHybridSparseModelFixed,
    ("HybridLIF", "floating_pt"): PyHybridLIFModelFloat,
    ("HybridLIF", "fixed_pt"): PyHybridLIFModelFixed,
    ("HybridNeuron", "floating_pt"): PyHybridNeuronModelFloat,
    ("HybridNeuron", "fixed_pt"): PyHybridNeuronModelFixed,
    ("FusedNetwork", "floating_pt"): PyFusedNetworkModelFloat,
    ("FusedNetwork", "fixed_pt"): PyFusedNetworkModelFixed,
    ("Encoder", "floating_pt"): PyEncoderModelFloat,
    ("Encoder", "fixed_pt"): PyEncoderModelFixed,
    ("DeltaEncoder", "floating_pt"): PyDeltaEncoderModelFloat,
    ("DeltaEncoder", "fixed_pt"): PyDeltaEncoderModelFixed,
    ("EventSource", "floating_pt"): PyEventSourceModelFloat,
    ("EventSource", "fixed_pt"): PyEventSourceModelFixed,
    ("RankReadout", "floating_pt"): PyRankReadoutModelFloat,
    ("RankReadout", "fixed_pt"): PyRankReadoutModelFixed,
    ("RateReadout", "floating_pt"): PyRateReadoutModelFloat,
    ("RateReadout", "fixed_pt"): PyRateReadoutModelFixed,
    ("HybridNetwork", "floating_pt"): SubHybridNetworkModel,
    ("HybridNetwork", "fixed_pt"): SubHybridNetworkModel,
}


def graph(integer):
    """One process of each kind, with an observable output."""
    coder = Encoder(code=Value(), values=np.ones((1, 2), int if integer else float), period=1)
    moved = DeltaEncoder(threshold=1 if integer else 1.0, n=2, form="signed")
    coder.s_out.connect(moved.a_in)
    lif = (
        HybridLIF(shape=(2,), vth=4000, decay=2048, bias=1500)
        if integer
        else HybridLIF(shape=(2,), vth=1.0, decay=0.5, bias=0.4)
    )
    sink, connections = Sink(shape=(2,), buffer=1), {}
    for kind in (HybridDense, HybridSparse):
        made = connections[kind.__name__] = kind(weights=np.eye(2, dtype=int if integer else float))
        lif.s_out.connect(made.s_in)
        made.a_out.connect(sink.a_in)
        moved.s_out.connect(made.s_in)
    conv = HybridConv(weight=np.ones((1, 1, 2, 1), int if integer else float), input_shape=(1, 2, 1))
    lif.s_out.reshape((1, 2, 1)).connect(conv.s_in)
    connections["HybridConv"] = conv
    rank = RankReadout(vth=1 if integer else 1.0, n=2, period=1, presentations=1)
    rate = RateReadout(n=2, period=1, presentations=1)
    lif.u_out.connect([rank.u_in, rate.u_in])
    lif.s_out.connect(rate.s_in)
    none = np.zeros(0, [(name, int) for name in "xytp"])
    camera = EventSource(recordings=[(none, 0)], sensor=(2, 1, 1), period=1, duration=1)
    camera.s_out.connect(connections["HybridDense"].s_in)
    kind = sy.CurrentLIF(0.5)
    neuron = HybridNeuron(shape=(2,), neuron=kind.quantise("", 1.0) if integer else kind, vth=9 if integer else 9.0)
    connections["HybridDense"].a_out.connect(neuron.a_in)
    ours = (camera, lif, neuron, *connections.values(), coder, moved, rank, rate)
    return {type(process).__name__: process for process in ours}, sink


def test_the_tests_know_every_process():
    exported = (getattr(synergic.processes, name) for name in synergic.processes.__all__)
    ours = {each.__name__ for each in exported if isinstance(each, type) and issubclass(each, AbstractProcess)}
    assert {kind for kind, _ in MODELS} == ours
    elsewhere = {"FusedNetwork", "HybridNetwork"}  # test_networks_as_processes
    assert set(graph(False)[0]) == ours - elsewhere
    assert all(issubclass(getattr(synergic.processes, name), AbstractProcess) for name in ours)


@CONFIGS
@pytest.mark.parametrize("tag", TAGS)
def test_stock_configurations_select_our_models(config, tag):
    processes, _ = graph(TAGS[tag])
    head = processes["HybridLIF"]
    with running(head):
        head.run(condition=RunSteps(num_steps=1), run_cfg=config(select_tag=tag))
        for name, process in processes.items():
            assert process.model_class is MODELS[name, tag]
        # bias alone, after one step: the model did run
        assert head.u.get().tolist() == ([1500, 1500] if TAGS[tag] else [0.4, 0.4])


@CONFIGS
@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("kind", [FusedNetwork, HybridNetwork])
def test_a_network_as_a_process_selects_its_model(config, tag, kind):
    network = sy.quantise(plastic_network()) if TAGS[tag] else plastic_network()
    process = kind(network=network)
    with running(process):
        process.run(condition=RunSteps(num_steps=1), run_cfg=config(select_tag=tag))
        assert process.model_class is MODELS[kind.__name__, tag]


@CONFIGS
def test_without_a_tag_lava_takes_the_first_model_the_floating_one(config):
    processes, _ = graph(integer=False)
    head = processes["HybridLIF"]
    with running(head):
        head.run(condition=RunSteps(num_steps=1), run_cfg=config())
        assert {p.model_class for p in processes.values()} == {MODELS[name, "floating_pt"] for name in processes}
    processes, _ = graph(integer=True)
    with pytest.raises(ParameterError, match="fixed_pt"):
        processes["HybridLIF"].run(condition=RunSteps(num_steps=1), run_cfg=config())


@CONFIGS
@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("start", ["HybridLIF", "HybridDense", "sink"])
def test_numbers_of_the_other_kind_are_refused_before_anything_starts(config, tag, start):
    processes, sink = graph(not TAGS[tag])
    head = processes.get(start, sink)  # a run may be started at any process of a graph, Lava's included
    remedy = rf"{'floating_pt' if TAGS[tag] else 'fixed_pt'}.*quantise\(\)"
    with pytest.raises((ParameterError, ExecutionError), match=remedy) as refusal:
        head.run(condition=RunSteps(num_steps=1), run_cfg=config(select_tag=tag))
    assert any(p.name in str(refusal.value) for p in processes.values())
    assert not multiprocessing.active_children()
    for process in (*processes.values(), sink):
        process.stop()


def test_our_configuration_refuses_a_single_process_of_the_other_kind():
    dense = HybridDense(weights=np.eye(2), name="floats")
    lif = HybridLIF(shape=(2,), vth=4000, decay=2048, name="integers")
    dense.a_out.connect(lif.a_in)
    with pytest.raises(ParameterError, match="integers"):
        dense.run(condition=RunSteps(num_steps=1), run_cfg=HybridSimCfg("floating_pt"))
    assert not multiprocessing.active_children()
