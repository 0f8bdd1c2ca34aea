# SPDX-License-Identifier: BSD-3-Clause
"""Values as spikes, presentation by presentation."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort

from synergic._core.checks import kind, require, whole
from synergic._core.integers import VALUE_MAX
from synergic.data._encodings import Code, shares
from synergic.processes._shared_memory import SharedVar
from synergic.processes._sources import DataOrPort
from synergic.processes._timing import Timing


class Encoder(DataOrPort):
    """Encoder(code=Latency(), values=images, period=10): sends what synergic.data makes of a value a channel.

    Parameters
    ----------
    code : Rate, Rank, Latency or Value of synergic.data, or your own.
    period : T, steps of a presentation, 1 or more.
    values : (samples, n), a presentation each, one after the other: floats 0 .. 1, or integers 0 .. 255, which mean
        as many 255ths. None: the values come in by a_in.
    n : number of channels, where no values are given.
    onset : steps before the first presentation, default 0 (synergic.processes._timing.Timing).
    presentations : how many, where no values are given, None for no end; afterwards nothing is sent.
    at_once : False: a step of the presentation in each Lava step. True: all of it in each, for FusedNetwork.

    Ports: a_in (n,) values in the first Lava step of a presentation, held until its end, and not looked at in the
    others: 0 .. 1 in floating point, 0 .. 255 in fixed point. s_out (n,), or (T, n) at once, leaves in the step in
    which the value is there. Vars: values (samples, n), or (1, n) of what was heard; between runs they may be set.
    A code of spikes runs in graphs of either kind of numbers and sends the same; Value needs values of the graph's.
    Raises ParameterError; values that are out of range at a_in end the run with an ExecutionError.
    """

    def __init__(
        self,
        *,
        code: Code,
        period: int,
        values: Any = None,
        n: int | None = None,
        onset: int = 0,
        presentations: int | None = None,
        at_once: bool = False,
        **kwargs: Any,
    ) -> None:
        name, integer = kwargs.get("name", type(self).__name__), None
        kind(f"{name}.code", code, Code, "Choose one of synergic.data.")
        whole(f"{name}.period", period, 1, np.inf, "It is T, the steps of a presentation.")
        kind(f"{name}.at_once", at_once, bool, "True sends a presentation in each Lava step.")
        if values is None:
            held = np.zeros((1, whole(f"{name}.n", n, 1, np.inf, "Give values, or the number of channels.")))
        else:
            remedy = "They follow from the values; leave them out."
            require(n is None and presentations is None, name, "n or presentations beside values", "one", remedy)
            shares(f"{name}.values", values)
            held = np.asarray(values)
            presentations, whole_numbers = len(held), held.dtype.kind in "iu"
            integer = whole_numbers if code.num_message_bits else None
        timing = Timing(onset, 1 if at_once else period, presentations).check(name)
        params = {"code": code, "steps": period, "timing": timing, "at_once": at_once, "given": values is not None}
        super().__init__(integer=integer, **params, **kwargs)
        channels = held.shape[1]
        self.a_in: InPort = InPort(shape=(channels,))
        self.s_out: OutPort = OutPort(shape=(period, channels) if at_once else (channels,))
        self.values: SharedVar = SharedVar(held, 0, VALUE_MAX if held.dtype.kind in "iu" else 1)
        self.share()
