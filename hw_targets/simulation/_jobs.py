# SPDX-License-Identifier: BSD-3-Clause
"""Work that falls into independent parts, shared by the workers of joblib's active backend.

Many samples (`run_in_jobs`) or the cases of a sweep (`in_jobs`, as faults.accuracy_under does) need nothing of each
other, so any backend will do: joblib's own processes where none is chosen, Ray's on one machine or several after
`ray.util.joblib.register_ray()` and inside `joblib.parallel_config("ray")`, or one that a cluster registers.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from synergic._core.checks import function, kind, require, whole
from synergic.hw_targets.simulation._activity import Activity
from synergic.hw_targets.simulation._probes import ChipRecord
from synergic.hw_targets.simulation._simulator import Simulator


def in_jobs(call: Callable[..., Any], cases: Sequence[tuple[Any, ...]], jobs: int | None = None) -> list[Any]:
    """[call(*case) for case in cases], the cases shared by so many workers of joblib's active backend.

    jobs : None takes the number that `parallel_config` sets (one without it), -1 all processors. Raises
    ParameterError, and what the call raises.
    """
    check_jobs("in_jobs", jobs)
    function("in_jobs.call", call)
    kind("in_jobs.cases", cases, Sequence, "Give a list of tuples of arguments.")
    for case in cases:
        kind("in_jobs.cases", case, tuple, "Give a list of tuples of arguments.")
    return list(Parallel(n_jobs=jobs)(delayed(call)(*case) for case in cases))


def check_jobs(where: str, jobs: Any) -> None:
    """Refuse what is no number of workers. Raises ParameterError."""
    if jobs is not None and not (isinstance(jobs, int) and jobs == -1):
        whole(f"{where}.jobs", jobs, 1, 2**15, "It is a number of workers; -1 takes all processors.")


def run_in_jobs(
    simulator: Simulator, spikes: Any, jobs: int | None = None, batch: int = 64, signal: Any = None
) -> tuple[ChipRecord, Activity]:
    """Run `simulator.run(spikes, batch, signal)` with several workers that share the samples: the same bits.

    Each worker has one thread. It gets a copy of the chip's memories and its part of the samples.

    Parameters
    ----------
    simulator : Simulator
        A simulator with across="samples".
    spikes : array_like, shape (samples, T, channels)
        Input, 0 or 1.
    jobs : int or None, default None
        Number of workers, from 1 on; -1 takes all processors. None takes the number that `joblib.parallel_config` sets,
        or 1.
    batch : int, default 64
        Samples that are in a worker's memory at once, from 1 on.
    signal : array_like, shape (samples, T), or None, default None
        The global signal of rules that need one, with 12 fraction bits.

    Returns
    -------
    record : ChipRecord
        As of `Simulator.run`.
    activity : Activity
        As of `Simulator.run`.

    Raises
    ------
    ParameterError, UnsupportedError
        As `Simulator.run`, or if `simulator` does not share samples.
    """
    kind("run_in_jobs.simulator", simulator, Simulator, "Make one of a mapping.")
    allowed, remedy = "'samples'", "Make the Simulator without it: one sample is not shared here."
    require(simulator.across == "samples", "run_in_jobs.simulator.across", repr(simulator.across), allowed, remedy)
    check_jobs("run_in_jobs", jobs)
    whole("run_in_jobs.batch", batch, 1, float("inf"), "It is a number of samples.")
    spikes = simulator.network.check_input(spikes)
    signal = simulator.network.check_signal(signal, len(spikes)) if signal is not None else None
    single = copy.copy(simulator)
    single.threads = 1
    edges = np.linspace(0, len(spikes), min(len(spikes), effective_n_jobs(jobs)) + 1).astype(int).tolist()
    cases = [(spikes[a:b], batch, None if signal is None else signal[a:b], a) for a, b in itertools.pairwise(edges)]
    return simulator.joined(in_jobs(single.run, cases, jobs))
