# SPDX-License-Identifier: BSD-3-Clause
"""What moved in a signal, as an event camera sends it."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort

from synergic._core.checks import choice, finite_array, kind, number, numbers, require, whole
from synergic.processes._shared_memory import SharedVar
from synergic.processes._sources import DataOrPort
from synergic.processes._timing import Timing

FORMS = ("channels", "signed", "graded")


class DeltaEncoder(DataOrPort):
    """Sends where a signal has moved by a threshold or more since it last sent (numerics.encoding.delta).

    Parameters
    ----------
    threshold : > 0, unit of the signal. A float selects the floating-point models, an integer the fixed-point ones.
    form : "channels": spikes 0/1, two channels a value, first of all values that went down, then of all that went up,
        the order of an event camera's polarities; "signed": -1, 0, 1; "graded": the difference itself, as Lava's
        DeltaEncoder, which sends it a step later.
    signal : (samples, T, n), a presentation each: of the threshold's kind, integers within 24 bits. None: it comes in
        by a_in.
    n : number of values, where no signal is given.
    start : what is held before the first step of a presentation, default 0; None: the signal's first value, so that a
        signal at rest sends nothing.
    onset, period, presentations : synergic.processes._timing.Timing; period and presentations follow from a signal.
    at_once : False: a step of the presentation in each Lava step. True: all T of it in each, for FusedNetwork.

    Ports: a_in (n,); s_out (n,), or (2 n,) of channels; both with T rows of these at once. The answer leaves in the
    Lava step in which the signal comes. Vars: held (n,),
    the sum of all that was sent in the presentation, times the threshold if not graded: within a threshold of the
    signal, always if graded, else while it moves by no more than a threshold a step; threshold (1,); signal. They may
    be set between runs. Raises ParameterError.
    """

    def __init__(
        self,
        *,
        threshold: float,
        form: str = "channels",
        signal: Any = None,
        n: int | None = None,
        start: float | None = 0,
        onset: int = 0,
        period: int | None = None,
        presentations: int | None = None,
        at_once: bool = False,
        **kwargs: Any,
    ) -> None:
        name = kwargs.get("name", type(self).__name__)
        integer = isinstance(threshold, int | np.integer)
        dtype, top = (np.int64, 2**23 - 1) if integer else (np.float64, np.inf)
        if integer:
            whole(f"{name}.threshold", threshold, 1, top, "It is the movement that makes a spike.")
        else:
            number(f"{name}.threshold", threshold, 0, 1e6, "It is the movement that makes a spike.", open_low=True)
        choice(f"{name}.form", form, FORMS)
        kind(f"{name}.at_once", at_once, bool, "True sends a presentation in each Lava step.")
        if start is not None:
            kind(
                f"{name}.start", start, int | np.integer if integer else int | float | np.floating, "None or a number."
            )
            number(f"{name}.start", start, -(2**23), 2**23 - 1, "It is a value of the signal.")
        if signal is None:
            remedy = "Give a signal, or the number of values."
            held = np.zeros((1, 1, whole(f"{name}.n", n, 1, np.inf, remedy)), dtype)
        else:
            alone = n is None and period is None and presentations is None
            remedy = "They follow from the signal; leave them out."
            require(alone, name, "n, period or presentations beside a signal", "one", remedy)
            shape = numbers(f"{name}.signal", signal).shape
            require(
                len(shape) == 3 and 0 not in shape, f"{name}.signal", f"shape {shape}", "(samples, T, n)", "Cut it."
            )
            held = finite_array(f"{name}.signal", signal, (shape,), integer)
            low, high = held.min(), held.max()
            fits = not integer or bool(-top <= low and high <= top)
            require(fits, f"{name}.signal", f"{low} to {high}", f"{-top} to {top}", "Scale it.")
            presentations, period = held.shape[:2]
        if at_once:
            whole(f"{name}.period", period, 1, np.inf, "It is T, the steps of a presentation sent at once.")
        timing = Timing(onset, 1 if at_once else period, presentations).check(name)
        steps, given = (int(period or 1) if at_once else 1), signal is not None
        params = {"form": form, "start": start, "timing": timing, "steps": steps, "given": given}
        super().__init__(integer=integer, **params, **kwargs)
        values, rows = held.shape[-1], (steps,) if at_once else ()
        self.a_in: InPort = InPort(shape=(*rows, values))
        self.s_out: OutPort = OutPort(shape=(*rows, (1 + (form == "channels")) * values))
        self.signal: SharedVar = SharedVar(held, -top, top)
        self.held: SharedVar = SharedVar(np.zeros(values, dtype), -top, top)
        smallest = 1 if integer else float(np.finfo(float).tiny)
        self.threshold: SharedVar = SharedVar(np.asarray(threshold, dtype), smallest, top)
        self.share()
