# SPDX-License-Identifier: BSD-3-Clause
"""Lava's run configuration with the graph checked before anything starts."""

from __future__ import annotations

from typing import Any

from lava.magma.compiler.compiler_graphs import find_processes
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_configs import Loihi2SimCfg

from synergic._core.checks import choice
from synergic.errors import ParameterError
from synergic.processes._shared_memory import SharedProcess

TAGS = ("floating_pt", "fixed_pt")


class HybridSimCfg(Loihi2SimCfg):
    """Run configuration for graphs of synergic's and Lava's processes on the CPU.

    It checks the graph before any process starts.

    Parameters
    ----------
    select_tag : {"floating_pt", "fixed_pt"} or None, default None
        Which models run. None: the models for the numbers of synergic's processes in the graph. A graph whose processes
        of synergic have neither floats nor integers (encoders, EventSource, RateReadout) runs as "floating_pt".
    **kwargs
        Further arguments of Lava's Loihi2SimCfg.

    Raises
    ------
    ParameterError
        If `select_tag` is not allowed; from the run, if processes of the graph have numbers of the other kind.

    Examples
    --------
    >>> lif.run(condition=RunSteps(num_steps=10), run_cfg=HybridSimCfg())
    """

    def __init__(self, select_tag: str | None = None, **kwargs: Any) -> None:
        if select_tag is not None:
            choice(f"{type(self).__name__}.select_tag", select_tag, TAGS)
        super().__init__(select_tag=select_tag, **kwargs)
        self.wanted: str | None = select_tag
        self.prepared: set[int] = set()

    def select(self, process: AbstractProcess, proc_models: list[Any]) -> Any:
        """Return the model of a process.

        Lava asks for every process of a graph; the first question prepares all of them.
        """
        if process.id not in self.prepared:
            processes = sorted(set(find_processes(process)), key=lambda p: int(p.id))
            self.prepare(processes)
            self.prepared |= {p.id for p in processes}
        return super().select(process, proc_models)

    def prepare(self, processes: list[Any]) -> None:
        """Check the numbers of all processes of a graph, and choose its tag."""
        ours = [p for p in processes if isinstance(p, SharedProcess)]
        # Processes of spikes alone run with either.
        kinds = {p.name: TAGS[p.proc_params["integer"]] for p in ours if p.proc_params["integer"] is not None}
        wanted = self.wanted or next(iter(kinds.values()), TAGS[0] if ours else None)
        other = [name for name, kind in kinds.items() if kind != wanted]
        if other:
            remedy = "quantise(process) of synergic.processes makes integers of the whole graph."
            if wanted != "fixed_pt":
                remedy = "Build them in floating point, or give no tag: all integers run, too."
            raise ParameterError(
                f"{type(self).__name__}.select_tag: got {wanted!r} for a graph in which {other} hold the other kind of "
                f"numbers, allowed all {wanted}. {remedy}"
            )
        self.select_tag: str | None = wanted
