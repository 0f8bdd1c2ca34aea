# SPDX-License-Identifier: BSD-3-Clause
"""What moved in a signal, as an event camera sends it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from lava.magma.core.process.ports.ports import InPort, OutPort

from synergic._core.checks import choice, finite_array, kind, number, numbers, require, whole
from synergic.processes._shared_memory import SharedVar
from synergic.processes._sources import DataOrPort, channels
from synergic.processes._timing import Timing

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synergic.processes._arguments import ProcessArguments

Form = Literal["channels", "signed", "graded"]
FORMS = ("channels", "signed", "graded")


class DeltaEncoder(DataOrPort):
    """Encoder Process that sends where a signal has moved by a threshold or more since it last sent.

    The process stores, for each value, what it has sent so far in the presentation. The answer to a value leaves in the
    Lava step in which the value comes in.

    Parameters
    ----------
    threshold : float or int
        Threshold, greater than 0, in the unit of the signal. A float selects the floating-point models, an integer the
        fixed-point models.
    form : {"channels", "signed", "graded"}, default "channels"
        "channels": spikes 0/1 in two channels a value, first all values that went down, then all that went up, which is
        the order of an event camera's polarities. "signed": -1, 0 or 1. "graded": the difference itself, as Lava's
        DeltaEncoder, which sends it one step later.
    signal : array_like, shape (samples, T, n) or (samples, T, *sides), or None, default None
        Presentations, one after the other, in the numbers of `threshold`; integers within 24 bits. None: the signal
        comes in at `a_in`.
    n : int, tuple of int or None, default None
        Number of values, or the sides of a grid of them; only where no signal is given.
    start : float, int or None, default 0
        Value that is taken as sent before the first step of a presentation. None: the first value of the signal, so
        that a signal at rest sends nothing.
    onset : int, default 0
        Lava steps before the first presentation.
    period : int or None, default None
        Steps T of a presentation. With a signal it follows from the signal.
    presentations : int or None, default None
        Number of presentations, None for no end. With a signal it follows from the signal.
    at_once : bool, default False
        False: one step of the presentation in each Lava step. True: all T of it in each Lava step, for FusedNetwork.
    name, log_config
        As of every Lava process.

    Attributes
    ----------
    a_in : InPort, shape (n,) or the sides, with an axis of T in front at once
        The signal, where none is given.
    s_out : OutPort, shape as of a_in; for "channels" (2 n,), or (2, *sides), with an axis of T in front at once
        What is sent.
    level : Var, shape (n,) or the sides
        Sum of what was sent in the presentation, times the threshold unless graded. It differs from the signal by less
        than a threshold, if graded always, else while the signal moves by no more than a threshold a step.
    threshold : Var, shape (1,)
        As given.
    signal : Var
        As given.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or `signal` is given together with what follows from it.

    Examples
    --------
    >>> encoder = DeltaEncoder(threshold=0.1, n=64)
    """

    def __init__(
        self,
        *,
        threshold: float,
        form: Form = "channels",
        signal: npt.ArrayLike | None = None,
        n: int | tuple[int, ...] | None = None,
        start: float | None = 0,
        onset: int = 0,
        period: int | None = None,
        presentations: int | None = None,
        at_once: bool = False,
        **kwargs: Unpack[ProcessArguments],
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
            array = np.zeros((1, 1, *channels(f"{name}.n", n, remedy)), dtype)
        else:
            alone = n is None and period is None and presentations is None
            remedy = "They follow from the signal; leave them out."
            require(alone, name, "n, period or presentations beside a signal", "one", remedy)
            shape = numbers(f"{name}.signal", signal).shape
            fits = len(shape) >= 3 and 0 not in shape
            require(fits, f"{name}.signal", f"shape {shape}", "(samples, T, n) or (samples, T, *sides)", "Cut it.")
            array = finite_array(f"{name}.signal", signal, (shape,), integer)
            low, high = array.min(), array.max()
            fits = not integer or bool(-top <= low and high <= top)
            require(fits, f"{name}.signal", f"{low} to {high}", f"{-top} to {top}", "Scale it.")
            presentations, period = array.shape[:2]
        if at_once:
            whole(f"{name}.period", period, 1, np.inf, "It is T, the steps of a presentation sent at once.")
        timing = Timing(onset, 1 if at_once else period, presentations).check(name)
        steps, given = (int(period or 1) if at_once else 1), signal is not None
        params = {"form": form, "start": start, "timing": timing, "steps": steps, "given": given}
        super().__init__(integer=integer, **params, **kwargs)
        values, rows = array.shape[2:], (steps,) if at_once else ()
        sent = values if form != "channels" else (2 * values[0],) if len(values) == 1 else (2, *values)
        self.a_in: InPort = InPort(shape=(*rows, *values))
        self.s_out: OutPort = OutPort(shape=(*rows, *sent))
        self.signal: SharedVar = SharedVar(array, -top, top)
        self.level: SharedVar = SharedVar(np.zeros(values, dtype), -top, top)
        smallest = 1 if integer else float(np.finfo(float).tiny)
        self.threshold: SharedVar = SharedVar(np.asarray(threshold, dtype), smallest, top)
        self.share()

    def __getattr__(self, name: str) -> Any:
        """Find `level` by its old name, with a DeprecationWarning. `dir` does not list it: Lava asks for all in it."""
        if name != "held":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        said = f"{type(self).__name__}.{name} is called level now. Since 0.3."
        warnings.warn(said, DeprecationWarning, stacklevel=2)
        return self.level
