# SPDX-License-Identifier: BSD-3-Clause
"""Values as spikes, presentation by presentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from lava.magma.core.process.ports.ports import InPort, OutPort

from synergic._core.checks import kind, numbers, require, whole
from synergic._core.integers import VALUE_MAX
from synergic.data._encodings import Code, shares
from synergic.processes._shared_memory import SharedVar
from synergic.processes._sources import DataOrPort, channels
from synergic.processes._timing import Timing

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synergic.processes._arguments import ProcessArguments


class Encoder(DataOrPort):
    """Encoder Process that sends what a code of synergic.data makes of one value a channel.

    A code of spikes runs in graphs of floats and of integers, and sends the same in both. The code Value needs values
    in the numbers of the graph.

    Parameters
    ----------
    code : Code
        Rate, Rank, Latency or Value of synergic.data, or your own.
    period : int
        Steps T of a presentation, 1 or more.
    values : array_like, shape (samples, n) or (samples, *sides), or None, default None
        A presentation each, one after the other: floats of 0 .. 1, or integers of 0 .. 255, which count 255ths. None:
        the values come in at `a_in`.
    n : int, tuple of int or None, default None
        Number of channels, or the sides of a grid of them; only where no values are given.
    onset : int, default 0
        Lava steps before the first presentation.
    presentations : int or None, default None
        Number of presentations, after which nothing is sent; None for no end. Only where no values are given.
    at_once : bool, default False
        False: one step of the presentation in each Lava step. True: all T of it in each Lava step, for FusedNetwork.
    name, log_config
        As of every Lava process.

    Attributes
    ----------
    a_in : InPort, shape (n,), or the sides
        Values, read in the first Lava step of a presentation and stored until its end: 0 .. 1 in floating point,
        0 .. 255 in fixed point.
    s_out : OutPort, shape as of a_in, with an axis of T in front at once
        What the code sends. It leaves in the Lava step in which the value comes in.
    values : Var, shape as given, or (1, ...) where the values come in at `a_in`
        The values that are encoded; they may be set between two runs.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or `values` is given together with what follows from it.
    ExecutionError
        From the run, if a value at `a_in` is out of range.

    Examples
    --------
    >>> encoder = Encoder(code=Latency(), values=images, period=10)
    """

    def __init__(
        self,
        *,
        code: Code,
        period: int,
        values: npt.ArrayLike | None = None,
        n: int | tuple[int, ...] | None = None,
        onset: int = 0,
        presentations: int | None = None,
        at_once: bool = False,
        **kwargs: Unpack[ProcessArguments],
    ) -> None:
        name, integer = kwargs.get("name", type(self).__name__), None
        kind(f"{name}.code", code, Code, "Choose one of synergic.data.")
        whole(f"{name}.period", period, 1, np.inf, "It is T, the steps of a presentation.")
        kind(f"{name}.at_once", at_once, bool, "True sends a presentation in each Lava step.")
        if values is None:
            array = np.zeros((1, *channels(f"{name}.n", n, "Give values, or the number of channels.")))
        else:
            remedy = "They follow from the values; leave them out."
            require(n is None and presentations is None, name, "n or presentations beside values", "one", remedy)
            array = numbers(f"{name}.values", values)
            shares(f"{name}.values", array.reshape(len(array), -1) if array.ndim > 2 and array.size else array)
            presentations, whole_numbers = len(array), array.dtype.kind in "iu"
            integer = whole_numbers if code.num_message_bits else None
        timing = Timing(onset, 1 if at_once else period, presentations).check(name)
        params = {"code": code, "steps": period, "timing": timing, "at_once": at_once, "given": values is not None}
        super().__init__(integer=integer, **params, **kwargs)
        shape = array.shape[1:]
        self.a_in: InPort = InPort(shape=shape)
        self.s_out: OutPort = OutPort(shape=(period, *shape) if at_once else shape)
        self.values: SharedVar = SharedVar(array, 0, VALUE_MAX if array.dtype.kind in "iu" else 1)
        self.share()
