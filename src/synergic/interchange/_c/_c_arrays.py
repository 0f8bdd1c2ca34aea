# SPDX-License-Identifier: BSD-3-Clause
"""The arrays of an exported network: constants, which a device has in flash, and fields of the state, in RAM."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTHS = {"8": 1, "16": 2, "32": 4, "64": 8}
PER_LINE = 24
"""Numbers in a line of a generated file."""


def smallest_type(values: npt.NDArray[Any]) -> str:
    """The narrowest integer type of C that holds all values."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    for bits in WIDTHS:
        if low >= 0 and high < 2 ** int(bits):
            return f"uint{bits}_t"
        if -(2 ** (int(bits) - 1)) <= low and high < 2 ** (int(bits) - 1):
            return f"int{bits}_t"
    raise AssertionError(f"{low} to {high}: more than 64 bits")


@dataclass(frozen=True)
class CArray:
    """An array of C.

    Attributes
    ----------
    name : str
        Identifier.
    ctype : str
        Type of an element, such as "int16_t".
    shape : tuple of int
        Its axes; () for a single number.
    note : str
        What it is, for a comment.
    axes : tuple of str
        By axis the population or source with as many entries; "" for another axis.
    role : str
        "weights", "P", "start" (P at the start of a presentation), "rule" (what only a rule that learns needs), or "".
    values : array or None
        The numbers of a constant.
    """

    name: str
    ctype: str
    shape: tuple[int, ...]
    note: str = ""
    axes: tuple[str, ...] = ()
    role: str = ""
    values: npt.NDArray[Any] | None = None

    @property
    def width(self) -> int:
        """Bytes of an element."""
        return WIDTHS["".join(filter(str.isdigit, self.ctype))]

    @property
    def bytes(self) -> int:
        """Bytes of the array."""
        return self.width * math.prod(self.shape)

    def bytes_with(self, sizes: Mapping[str, int], width: int | None = None) -> int:
        """Bytes of the array in a network with other sizes of populations. width : of an element, if another."""
        axes = self.axes or ("",) * len(self.shape)
        entries = math.prod(sizes.get(axis, n) for axis, n in zip(axes, self.shape, strict=True))
        return (width or self.width) * entries

    @property
    def brackets(self) -> str:
        """The axes in a declaration of C."""
        return "".join(f"[{n}]" for n in self.shape)

    def braces(self) -> str:
        """The numbers in an initialiser of C: the first axis as rows."""
        assert self.values is not None
        values = self.values
        if values.ndim < 2:
            return "{\n" + numbers(values) + "\n}"
        rows = values.reshape(len(values), -1)
        return "{\n" + ",\n".join(nested(row.reshape(values.shape[1:])) for row in rows) + "\n}"


def nested(values: npt.NDArray[Any]) -> str:
    """An array with all its braces."""
    if values.ndim < 2:
        return "{" + numbers(values) + "}"
    return "{" + ", ".join(nested(part) for part in values) + "}"


def numbers(values: npt.NDArray[Any]) -> str:
    """Numbers with commas, some of them a line."""
    texts = list(map(literal, values.tolist()))
    return ",\n".join(", ".join(texts[i : i + PER_LINE]) for i in range(0, len(texts), PER_LINE))


def literal(value: int) -> str:
    """A number of C; of 64 bits where an int may be too short for it."""
    return str(value) if -(2**31) < value < 2**31 else f"INT64_C({value})"


def constant(
    name: str, values: Any, note: str = "", axes: tuple[str, ...] = (), role: str = "", ctype: str = ""
) -> CArray:
    """A constant of the narrowest type, or of the given one. An empty array gets one entry, which C wants."""
    array = np.asarray(values, dtype=np.int64)
    array = array if array.size else np.zeros(1, np.int64)
    return CArray(name, ctype or smallest_type(array), array.shape, note, axes, role, array)
