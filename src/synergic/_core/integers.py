# SPDX-License-Identifier: BSD-3-Clause
"""Conversion of real numbers into integers of a given width, and range checks of integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import require
from synergic.numerics import fixed

Array = npt.NDArray[np.int64]
AGAIN = "quantise() gives fitting values."
ONE = 1 << fixed.FRACTION_BITS
VALUE_MAX = 255
"""The integer that a value of 1.0 becomes; see docs/fixed-point.md."""
VALUE_UNIT = 2**fixed.VALUE_BITS / VALUE_MAX
"""What an input of 255, divided by 2^8, falls short of 1: scales of the values' projections make up for it."""


def integers(where: str, values: Any, bits: int, remedy: str) -> Array:
    """Round to the nearest integer; refuse what does not fit into signed `bits`."""
    rounded = np.rint(np.asarray(values, dtype=float))
    top = 2 ** (bits - 1)
    low, high = float(rounded.min()), float(rounded.max())
    require(
        -top <= low and high < top,
        where,
        f"values from {low:.0f} to {high:.0f}",
        f"{-top} to {top - 1} ({bits} bits)",
        remedy,
    )
    array = rounded.astype(np.int64)
    array.setflags(write=False)
    return array


def check_range(where: str, values: Array, low: int, high: int) -> None:
    """Refuse integers outside [low, high]."""
    a, b = int(values.min()), int(values.max())
    require(low <= a and b <= high, where, f"values from {a} to {b}", f"{low} to {high}", AGAIN)
