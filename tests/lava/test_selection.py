# SPDX-License-Identifier: BSD-3-Clause
"""Lava's stock run configurations find synergic's models for every process, and a wrong tag is refused by name."""

import multiprocessing

import numpy as np
import pytest
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi1SimCfg, Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink

import synergic.processes
from synergic.errors import ExecutionError, ParameterError
from synergic.models.hybrid_dense.models import PyHybridDenseModelFixed, PyHybridDenseModelFloat
from synergic.models.hybrid_lif.models import PyHybridLIFModelFixed, PyHybridLIFModelFloat
from synergic.processes import HybridDense, HybridLIF
from synergic.run_config import HybridSimCfg
from synergic.runtime import running

pytestmark = pytest.mark.timeout(180)
CONFIGS = pytest.mark.parametrize("config", [Loihi1SimCfg, Loihi2SimCfg])
TAGS = {"floating_pt": False, "fixed_pt": True}
MODELS = {
    ("HybridDense", "floating_pt"): PyHybridDenseModelFloat,
    ("HybridDense", "fixed_pt"): PyHybridDenseModelFixed,
    ("HybridLIF", "floating_pt"): PyHybridLIFModelFloat,
    ("HybridLIF", "fixed_pt"): PyHybridLIFModelFixed,
}


def graph(integer):
    """One process of each kind, with an observable output."""
    lif = (
        HybridLIF(shape=(2,), vth=4000, decay=2048, bias=1500)
        if integer
        else HybridLIF(shape=(2,), vth=1.0, decay=0.5, bias=0.4)
    )
    dense, sink = HybridDense(weights=np.eye(2, dtype=int if integer else float)), Sink(shape=(2,), buffer=1)
    lif.s_out.connect(dense.s_in)
    dense.a_out.connect(sink.a_in)
    return {"HybridLIF": lif, "HybridDense": dense}, sink


def test_the_tests_know_every_process():
    ours = set(synergic.processes.__all__)
    assert {kind for kind, _ in MODELS} == ours == set(graph(False)[0])
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
def test_without_a_tag_lava_takes_the_first_model_the_floating_one(config):
    processes, _ = graph(integer=False)
    head = processes["HybridLIF"]
    with running(head):
        head.run(condition=RunSteps(num_steps=1), run_cfg=config())
        assert {p.model_class for p in processes.values()} == {PyHybridDenseModelFloat, PyHybridLIFModelFloat}
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
