# SPDX-License-Identifier: BSD-3-Clause
"""Two things that take long at each start of a run of Lava, done once, or without a process of the system.

Lava looks for the models of a process by executing every file in its folder and beside it, for each process anew: eight
files, nine times, for one of its ring buffers. And it asks a process of its own, by sockets, for each piece of shared
memory between two ports.
"""

from __future__ import annotations

from contextlib import suppress
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.util import Finalize
from typing import Any

from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
from lava.magma.runtime.message_infrastructure.multiprocessing import MultiProcessing
from lava.magma.runtime.message_infrastructure.shared_memory_manager import SharedMemoryManager

INSTALLED = ("lava.proc.", "synergic.processes.")
"""Packages whose files stay as they are while Python runs. A user's may get another model at any time."""


class Segments:
    """The named shared memory of a run, in the place of a manager of `multiprocessing`."""

    def __init__(self) -> None:
        self.made: list[SharedMemory] = []

    def start(self) -> None:
        """See that nothing is left behind where nobody calls `shutdown`."""
        self.at_exit = Finalize(self, unlink, (self.made,), exitpriority=0)

    def SharedMemory(self, size: int) -> SharedMemory:
        """Make a segment of some bytes, under a name of its own."""
        segment = SharedMemory(create=True, size=size)
        self.made.append(segment)
        return segment

    def shutdown(self) -> None:
        """Remove all names. The memory goes with its last user."""
        self.at_exit()


def unlink(segments: list[SharedMemory]) -> None:
    """Remove the names of segments from the system."""
    while segments:
        with suppress(FileNotFoundError):  # someone has emptied the folder
            segments.pop().unlink()


def start_here(messaging: Any) -> None:
    """Start, as MultiProcessing.start, without a process for the shared memory."""
    messaging._smm = SharedMemoryManager()
    messaging._smm._manager = Segments()
    messaging._smm.start()


find_models, found_models = ProcGroupDiGraphs._find_proc_models, dict[type, list[Any]]()


def find_models_once(proc: Any) -> list[Any]:
    """Find the models of a process, as ProcGroupDiGraphs._find_proc_models."""
    kind = type(proc)
    if not kind.__module__.startswith(INSTALLED):
        return find_models(proc)
    if kind not in found_models:
        found_models[kind] = find_models(proc)
    return [*found_models[kind]]


# In Lava's place, because a graph may hold processes of Lava alone.
MultiProcessing.start = start_here
ProcGroupDiGraphs._find_proc_models = staticmethod(find_models_once)
