# SPDX-License-Identifier: BSD-3-Clause
"""What makes Lava start faster changes neither the models that it finds nor what a run leaves behind."""

import gc
import importlib
import sys
from multiprocessing.shared_memory import SharedMemory

import numpy as np
import pytest
from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
from lava.magma.runtime.message_infrastructure.multiprocessing import MultiProcessing
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor

from synergic.processes import HybridDense, HybridLIF, RankReadout
from synergic.processes._fast_start import Segments, find_models

pytestmark = pytest.mark.alone

MAKE = {
    "LIF": lambda: LIF(shape=(2,)),
    "Dense": lambda: Dense(weights=np.eye(2)),
    "Source": lambda: Source(data=np.zeros((2, 3))),
    "Sink": lambda: Sink(shape=(2,), buffer=3),
    "Monitor": Monitor,
    "HybridLIF": lambda: HybridLIF(shape=(2,)),
    "HybridDense": lambda: HybridDense(weights=np.eye(2)),
    "RankReadout": lambda: RankReadout(n=2, vth=1.0, period=3, presentations=1),
}


def named(models):
    return {f"{model.__module__.rpartition('.')[2]}.{model.__name__}" for model in models}


@pytest.mark.parametrize("name", MAKE)
def test_the_models_are_those_that_lava_finds(name):
    process = MAKE[name]()
    first = ProcGroupDiGraphs._find_proc_models(proc=process)
    assert named(first) == named(find_models(process)) != set()
    first.clear()  # the list is the caller's
    assert named(ProcGroupDiGraphs._find_proc_models(process)) == named(find_models(process))


OWN = """
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.process.process import AbstractProcess

class Mine(AbstractProcess):
    pass

class First(PyLoihiProcessModel):
    implements_process = Mine
"""


def test_a_process_of_ones_own_is_searched_each_time(tmp_path, monkeypatch):
    (tmp_path / "mine_alone.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    mine = importlib.import_module("mine_alone")
    assert ProcGroupDiGraphs._find_proc_models(mine.Mine()) == [mine.First]
    mine.Second = type("Second", (mine.First,), {"implements_process": mine.Mine, "__module__": "mine_alone"})
    assert ProcGroupDiGraphs._find_proc_models(mine.Mine()) == [mine.First, mine.Second]
    del sys.modules["mine_alone"]


def exists(name):
    try:
        SharedMemory(name).close()
    except FileNotFoundError:
        return False
    return True


def test_segments_go_with_shutdown_and_with_their_owner():
    for end in (lambda owner: owner.shutdown(), lambda owner: None):
        owner = Segments()
        owner.start()
        names = [owner.SharedMemory(size).name for size in (1, 5000)]
        assert all(map(exists, names))
        end(owner)
        del owner
        gc.collect()
        assert not any(map(exists, names))


def test_a_start_makes_no_process_and_gives_zeroed_memory_of_the_size():
    messaging = MultiProcessing()
    messaging.start()
    memory = messaging.smm.create_shared_memory(24)
    values = np.ndarray(3, np.int64, memory.buf)
    assert not values.any()
    del values
    assert messaging.actors == []
    messaging.stop()
    assert not exists(memory.name)
