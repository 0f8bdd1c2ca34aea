# SPDX-License-Identifier: BSD-3-Clause
"""Named arguments that several processes pass on, as types: an editor lists them, and a type checker checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    import numpy.typing as npt
    from lava.magma.core.process.process import LogConfig


class ProcessArguments(TypedDict, total=False):
    """Arguments of every Lava process: `name`, unique in a graph, and `log_config`, Lava's logging."""

    name: str
    log_config: LogConfig


class ClockArguments(TypedDict, total=False):
    """Arguments that place a process in time (synergic.processes._timing.Timing), and set what it records."""

    onset: int
    period: int | None
    presentations: int | None
    record: int


class ConnectionArguments(ProcessArguments, ClockArguments, total=False):
    """Arguments that all plastic connections take besides their synapses; HybridDense describes them."""

    vth: float
    k: npt.ArrayLike | None
    lag: int
    presented: int
    delay: int
