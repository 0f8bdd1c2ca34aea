# SPDX-License-Identifier: BSD-3-Clause
"""Refusing bad input where it enters: object.field, the value given, the range allowed, what to do."""

from __future__ import annotations

import difflib
import os
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from synergic.errors import ParameterError

LONGEST = 100
"""Characters of a value that a message shows; arrays have thousands."""
LARGEST = 2**31 - 1
"""Of numbers that count something: neurons, steps, samples, cores."""
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
"""Bytes of this machine's memory: an array that does not fit is refused before anything copies it."""


def require(condition: bool, where: str, got: Any, allowed: str, remedy: str) -> None:
    """Raise ParameterError, in the form that all messages have, unless the condition holds."""
    if not condition:
        raise ParameterError(f"{where}: got {got}, allowed {allowed}. {remedy}")


def choice(where: str, got: str, options: tuple[str, ...]) -> None:
    """Refuse a name that is not one of the options."""
    if isinstance(got, str) and got in options:
        return
    near = difflib.get_close_matches(got.lower(), options, 1) if isinstance(got, str) else []
    remedy = f"Did you mean {near[0]!r}?" if near else "Choose one of these."
    require(False, where, repr(got), " or ".join(map(repr, options)), remedy)


def numbers(where: str, value: Any, kinds: str = "iuf") -> npt.NDArray[Any]:
    """What holds numbers as an array of them: of numpy's `kinds`, hence not text, None, ragged lists or complex."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged; on another device; part of a torch graph
        raise ParameterError(f"{where}: got {value!r}, allowed an array of numbers. Make one array of it.") from error
    if array.dtype.kind not in kinds:  # not before: the text of an array takes long
        got = f"{shortened(value)} of {array.dtype}"
        require(False, where, got, "an array of numbers", "Convert it to integers or floats.")
    fits, allowed = 8 * array.size <= MEMORY, f"up to {MEMORY // 8} values, which is this machine's memory"
    require(fits, where, f"shape {array.shape}", allowed, "Give a part of it at a time.")
    return array


def finite_array(
    where: str, value: Any, shapes: tuple[tuple[int, ...], ...], integer: bool = False
) -> npt.NDArray[Any]:
    """A read-only array of one of the given shapes, all values finite."""
    array = numbers(where, value)
    fits = not integer or array.dtype.kind in "iu"
    require(fits, where, f"dtype {array.dtype}", "integers", "Call quantise() first.")
    allowed = " or ".join(map(str, shapes))
    require(array.shape in shapes, where, f"shape {array.shape}", allowed, "Shapes are (postsynaptic, presynaptic).")
    array = array.astype(np.int64 if integer else float)  # a copy: nobody else can change it
    bad = int(np.count_nonzero(~np.isfinite(array)))
    require(bad == 0, where, f"{bad} values that are NaN or infinite", "finite values", "Check the training run.")
    array.setflags(write=False)
    return array


def vector(where: str, value: Any, integer: bool = False) -> npt.NDArray[Any]:
    """One number, or a row of at least one, as `finite_array`."""
    shape = numbers(where, value).shape
    fits = len(shape) < 2 and 0 not in shape
    require(fits, where, f"shape {shape}", "() or (n,)", "Give one number, or one a neuron.")
    return finite_array(where, value, (shape,), integer)


def number(where: str, value: Any, low: float, high: float, remedy: str, open_low: bool = False) -> float:
    """A number within [low, high], or (low, high]; not NaN."""
    ok = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    ok = ok and bool(low < value if open_low else low <= value) and bool(value <= high)
    require(ok, where, repr(value), f"{'(' if open_low else '['}{low:g}, {high:g}]", remedy)
    return float(value)


def whole(where: str, value: Any, low: int, high: float, remedy: str) -> int:
    """A whole number within [low, high]; LARGEST where high is infinite."""
    endless, high = not np.isfinite(high), min(high, LARGEST) if not np.isfinite(high) else high
    allowed = f"{low}, {low + 1}, ..., {LARGEST}" if endless else f"{low} to {high}"
    integral = is_whole(value)
    ok = integral and bool(low <= value <= high)
    require(ok, where, repr(value), allowed if integral else f"a whole number, {allowed}", remedy)
    return int(value)


def is_whole(value: Any) -> bool:
    """Whether a value is an integer of Python or numpy. True and 3.0 are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def option(where: str, value: Any, options: tuple[int, ...], allowed: str) -> None:
    """Refuse a whole number that is not one of the options."""
    integral = is_whole(value)
    allowed = allowed if integral else f"a whole number, {allowed}"
    require(integral and value in options, where, repr(value), allowed, "Choose one.")


def shortened(value: Any) -> str:
    """The text of a value in one line, as long as a message may show it."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def kind(where: str, value: Any, wanted: Any, remedy: str) -> None:
    """Refuse an object of another type."""
    if isinstance(value, wanted):
        return  # before any text is made: that of a large network takes seconds
    names = " or ".join(t.__name__ for t in get_args(wanted) or (wanted,)).replace("NoneType", "None")
    require(False, where, f"{shortened(value)} of type {type(value).__name__}", names, remedy)


def kinds(where: str, **given: tuple[Any, Any]) -> None:
    """`kind` of several arguments of one function, each given as (value, type)."""
    for name, (value, wanted) in given.items():
        kind(f"{where}.{name}", value, wanted, "Give such an object.")


def function(where: str, value: Any) -> None:
    """Refuse what cannot be called."""
    require(callable(value), where, f"{value!r} of type {type(value).__name__}", "a function", "Give one.")


def grid(where: str, value: Any, axes: int, what: str) -> tuple[int, ...]:
    """So many whole numbers from 1 on, such as the sides of an image. what : they are, as "(height, width)"."""
    fits = isinstance(value, tuple | list) and len(value) == axes
    require(fits, where, repr(value), what, "Give whole numbers from 1 on.")
    return tuple(whole(where, side, 1, np.inf, f"It is {what}.") for side in value)


def matrix(where: str, value: Any, integer: bool = False) -> npt.NDArray[Any]:
    """A weight matrix with at least one row and column, as `finite_array`."""
    shape = numbers(where, value).shape
    fits = len(shape) == 2 and 0 not in shape
    require(fits, where, f"shape {shape}", "(n_out, n_in)", "Give a matrix with a row a neuron.")
    return finite_array(where, value, (shape,), integer)
