# SPDX-License-Identifier: BSD-3-Clause
"""Long runs in Lava, of which one sees how far they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import RunConfig
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from synergic._core.checks import function, kind, whole

CHUNK = 200
"""Lava steps between two reports. A pause between them takes about a millisecond."""


def run_steps(
    process: AbstractProcess,
    steps: int,
    run_cfg: RunConfig,
    progress: bool | Callable[[int], None] = True,
    chunk: int = CHUNK,
) -> None:
    """Run a graph of Lava processes for many steps, and show how many are done.

    It computes what `process.run(condition=RunSteps(num_steps=steps), run_cfg=run_cfg)` does: Lava pauses between two
    chunks and goes on where it was. Call it in a block of `running`, which ends the run safely.

    Parameters
    ----------
    process : AbstractProcess
        Any process of the graph.
    steps : int
        Lava steps, 1 or more.
    run_cfg : RunConfig
        Such as HybridSimCfg or ChipSimCfg.
    progress : bool or callable, default True
        True: a bar on standard error. A function: it is called after every chunk with the number of steps since its
        last call. False: nothing is shown.
    chunk : int, default 200
        Lava steps between two reports, 1 or more.

    Raises
    ------
    ParameterError
        If an argument is out of its range.
    ExecutionError
        If a process model fails; all processes have then been ended.

    Examples
    --------
    >>> with running(lif):
    ...     run_steps(lif, 100_000, HybridSimCfg())
    """
    kind("run_steps.process", process, AbstractProcess, "Give a process of the graph.")
    whole("run_steps.steps", steps, 1, float("inf"), "It is a number of Lava steps.")
    kind("run_steps.run_cfg", run_cfg, RunConfig, "Make HybridSimCfg(), or one of Lava's.")
    check_progress("run_steps", progress, chunk)
    with reporting(progress, steps) as report:
        for done in range(0, steps, chunk):
            n = min(chunk, steps - done)
            process.run(condition=RunSteps(num_steps=n), run_cfg=run_cfg)
            report(n)


def check_progress(where: str, progress: bool | Callable[[int], None] | None, chunk: int) -> None:
    """Refuse what is neither a truth value nor a function, and a chunk that is no number of steps."""
    if progress is not None and not isinstance(progress, bool):
        function(f"{where}.progress", progress)
    whole(f"{where}.chunk", chunk, 1, float("inf"), "It is a number of steps.")


@contextmanager
def reporting(progress: bool | Callable[[int], None] | None, steps: int) -> Iterator[Callable[[int], None]]:
    """A function that takes the steps since its last call: the given one, that of a bar, or one that does nothing."""
    if progress is not True:
        yield progress or (lambda _: None)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("Lava steps,"), TimeRemainingColumn(), TextColumn("left"))
    # No thread of its own that draws: Lava forks, and a fork copies a lock that a thread holds.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as bar:
        task = bar.add_task("", total=steps)

        def report(n: int) -> None:
            bar.update(task, advance=n, refresh=True)

        yield report
