# SPDX-License-Identifier: BSD-3-Clause
"""A run shared among threads, each with some of the samples, or among processes, each with some of the cores.

Processes are for grids of chips with more cores than threads help. The arrays of a run are in files that all processes
map into their memory. Each process writes what its own cores write, and waits in every step until all have sent: the
same bits as in one process. Processes come from joblib: of its own backend ("loky"), or of the one that
`joblib.parallel_config` makes active, if it runs them on this machine.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from synergic.errors import ExecutionError
from synergic.hw_targets.simulation import kernels
from synergic.hw_targets.simulation.kernels import State

PROGRESS = "progress"
FAILED = -1
PATIENCE = 600.0
"""Seconds without any progress after which a process gives up on the others."""

REUSED = 2**18
"""Bytes of local weights from which on a thread takes the same memory for one sample after another, where nobody asks
for the local weights afterwards: memory that is new to a process costs more than the copy."""


def run_in_threads(program: Any, state: State, packet_loss: Any, threads: int, start: Any) -> None:
    """All steps of all samples, a part of them in each thread.

    start : local weights with which each sample begins, in memory of the thread that is used again and again; None if
    the state has local weights of its own for each sample.
    """

    def run(first: int, last: int) -> None:
        if start is None:
            kernels.run_samples(program, state, packet_loss, first, last)
            return
        mine = state._replace(local=np.empty((1, start.size), start.dtype))
        for sample in range(first, last):
            mine.local[0] = start
            kernels.run_samples(program, mine, packet_loss, sample, sample + 1)

    edges = np.linspace(0, len(state.sent), threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        for job in [pool.submit(run, a, b) for a, b in itertools.pairwise(map(int, edges))]:
            job.result()


def mapped(path: Path) -> Any:
    """An array in a file, shared and writable; empty arrays cannot be mapped, and need not be."""
    header = np.load(path, mmap_mode="r") if path.stat().st_size > 128 else np.load(path)
    return np.asarray(np.load(path, mmap_mode="r+")) if header.size else np.load(path)


def shared(state: State, folder: Path) -> State:
    """The state with its arrays in files of a folder."""
    fields = state._asdict()
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            np.save(folder / f"{name}.npy", value)
            fields[name] = mapped(folder / f"{name}.npy")
    return State(**fields)


def wait_for_all(progress: Any, step: int) -> None:
    """Until every process has sent its spikes of the step before. Raises ExecutionError if one of them failed."""
    since, seen = time.monotonic(), progress.copy()
    while (progress < step).any():
        if (progress == FAILED).any():
            raise ExecutionError("simulate_on_chip: another process of the run failed; its error is the cause.")
        if not np.array_equal(seen, progress):
            since, seen = time.monotonic(), progress.copy()
        if time.monotonic() - since > PATIENCE:
            raise ExecutionError(f"simulate_on_chip: a process of the run did nothing for {PATIENCE:g} s.")
        time.sleep(0)


def work(folder: Path, program: Any, widest: int, packet_loss: Any, number: int, groups: tuple[int, int]) -> None:
    """One process: all steps of all samples for the soma tiles [first, last) of the program."""
    progress = mapped(folder / f"{PROGRESS}.npy")
    try:
        names = [name for name in State._fields if name != "widest"]
        state = State(widest=widest, **{name: mapped(folder / f"{name}.npy") for name in names})
        neurons, step = state.u.shape[1], 0
        events, before = np.empty(neurons, np.int32), np.empty(neurons + 1, np.int32)
        for n in range(len(state.sent)):
            for t in range(1, state.sent.shape[1]):
                wait_for_all(progress, step)
                kernels.listen(state.sent[n, t - 1], events, before)
                kernels.run_groups(program, state, packet_loss, n, t, *groups, before, events)
                step += 1
                progress[number] = step
    except BaseException:
        progress[number] = FAILED
        raise


def run_in_processes(program: Any, state: State, packet_loss: Any, processes: int) -> State:
    """Run a state; returns it as it is afterwards. Raises ExecutionError if a process fails."""
    # All must run at once, for each waits for the others: a backend may have fewer (inside a job of joblib's: one).
    pieces = min(effective_n_jobs(processes), len(program.groups))
    edges = np.linspace(0, len(program.groups), pieces + 1).astype(int)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        there = shared(state, folder)
        np.save(folder / f"{PROGRESS}.npy", np.zeros(pieces, np.int64))
        Parallel(n_jobs=pieces, batch_size=1, pre_dispatch="all")(
            delayed(work)(folder, program, state.widest, packet_loss, i, (int(edges[i]), int(edges[i + 1])))
            for i in range(pieces)
        )
        fields = there._asdict()
        return State(**{k: np.array(v) if isinstance(v, np.ndarray) else v for k, v in fields.items()})
