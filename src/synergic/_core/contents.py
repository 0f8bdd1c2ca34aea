# SPDX-License-Identifier: BSD-3-Clause
"""What descriptions have in common: a short text instead of arrays, and equality by content."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np


def shown(value: Any) -> str:
    """A field's value in a few words: an array by its shape, unless it is one number."""
    if isinstance(value, np.ndarray):
        return repr(value.item()) if value.size == 1 else f"array{value.shape}"
    if isinstance(value, tuple) and value and all(isinstance(part, Content) for part in value):
        return f"{len(value)} of {type(value[0]).__name__}"
    return repr(value)


LONGEST = 60
"""Characters of one value in a short text."""


def brief(value: Any) -> str:
    """A value in a few words: arrays by their shape, long tables and lists by how many entries they have."""
    if isinstance(value, dict) and len(str(value)) > LONGEST:
        inside = "{" + ", ".join(f"{name!r}: {brief(part)}" for name, part in [*value.items()][:4]) + "}"
        return inside if len(value) <= 4 and len(inside) <= 2 * LONGEST else f"dict of {len(value)}"
    if isinstance(value, list | tuple) and len(value) > 4:
        return f"{type(value).__name__} of {len(value)}"
    text = shown(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


class Brief:
    """Base of dataclasses that hold much: a short text in place of the arrays."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__repr__" not in vars(cls):  # before dataclass would give it one
            cls.__repr__ = cls.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        given = ", ".join(f"{f.name}={brief(getattr(self, f.name))}" for f in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({given})"


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal, arrays and what holds them by content."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and bool(a == b)


class Content:
    """Base of frozen dataclasses, eq=False, that are what their fields are."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__repr__" not in vars(cls):  # before dataclass would give it one
            cls.__repr__ = cls.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        given = ", ".join(f"{f.name}={shown(getattr(self, f.name))}" for f in self.content())
        return f"{type(self).__name__}({given})"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return all(same(getattr(self, f.name), getattr(other, f.name)) for f in self.content())

    def __hash__(self) -> int:
        values = [getattr(self, f.name) for f in self.content()]
        return hash((type(self).__name__, *(v for v in values if isinstance(v, str | int | float | None))))

    def content(self) -> tuple[Any, ...]:
        """The fields."""
        return fields(self)  # type: ignore[arg-type]
