# SPDX-License-Identifier: BSD-3-Clause
"""The parameters of what a user plugs in, local rules and neurons: what kinds there are, and their ranges."""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING
from typing import Any, NamedTuple

import numpy as np

from synergic._core.checks import choice, finite_array, numbers, require
from synergic._core.contents import Content
from synergic._core.integers import ONE, VALUE_MAX
from synergic.numerics.fixed import MEMBRANE_MAX, TABLE_SIZE

CLAMP = 8.0
"""Bound of u / v_th, of the global signal and of plain parameters: 16 bits with 12 fraction bits."""


OWNERS = ("", "pre", "post", "neuron")
"""What a value belongs to: all of it, or each neuron before, after a synapse, or each neuron of a population."""


class Parameter(NamedTuple):
    """What a parameter is. kind : "rate", "share", "plain", "potential", "steps" or "table". per : "pre", "post" or
    "neuron", or "" for one value for all."""

    kind: str
    per: str = ""

    def limits(self, integer: bool) -> tuple[float, float]:
        """The smallest and the largest value."""
        if self.kind == "share":
            return 0, ONE if integer else 1
        if self.kind == "steps":
            return 1, 2**15 - 1
        if self.kind == "table":
            return 0, VALUE_MAX if integer else 1
        if integer:
            wide = MEMBRANE_MAX if self.kind == "potential" else 2**15 - 1
            return -wide, wide
        return (-CLAMP, CLAMP) if self.kind == "plain" else (-np.inf, np.inf)


def declared(kind: str, per: str, default: Any) -> Any:
    """A dataclass field that is a parameter. Raises ParameterError."""
    choice(f"{kind}.per", per, OWNERS)
    return dataclasses.field(default=default, metadata={"parameter": Parameter(kind, per)})


def share(default: Any = MISSING, per: str = "") -> Any:
    """A parameter in 0 .. 1, such as the decay factor of a trace per step. Integers: 12 fraction bits, 1 is 4096."""
    return declared("share", per, default)


def plain(default: Any = MISSING, per: str = "") -> Any:
    """A parameter in -8 .. 8 without unit. Integers: 12 fraction bits, 16 bits in all."""
    return declared("plain", per, default)


def piece(values: Any, at: Any) -> Any:
    """A core's part of one value a neuron, or the one value for all."""
    return values[at] if np.size(values) > 1 else values


def check_steps(where: str, value: Any, low: float, high: float) -> None:
    """Refuse what are no whole numbers; 3.0 is one, as arrays of a file or of torch have it. Raises ParameterError.

    Arrays of several axes have a wrong shape, which is said elsewhere, and may be too large to be looked through.
    """
    allowed, remedy = f"a whole number, {low:g} to {high:g}", "It counts steps."
    try:
        given = np.asarray(value)
        fits = given.dtype.kind in "iuf" and (given.ndim > 1 or bool((given == np.rint(given)).all()))
    except (TypeError, ValueError):  # ragged
        fits = False
    require(fits, where, repr(value), allowed, remedy)


class Parameterised(Content):
    """A dataclass some of whose fields are parameters."""

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """The parameters by name; all of them can be set during a run."""
        found = dataclasses.fields(cls)  # type: ignore[arg-type]
        return {f.name: f.metadata["parameter"] for f in found if "parameter" in f.metadata}

    @property
    def values(self) -> dict[str, Any]:
        """The parameters' values by name."""
        return {name: getattr(self, name) for name in self.parameters()}

    def with_values(self, values: dict[str, Any]) -> Any:
        """The same with some values anew. Raises ParameterError."""
        one = {n for n in values if isinstance(getattr(self, n), int | float)}
        new = {n: v.item() if n in one and np.size(v) == 1 else v for n, v in values.items()}
        return dataclasses.replace(self, **new)  # type: ignore[type-var]

    def check_parameters(self, integer: bool) -> None:
        """Every parameter as a read-only array within its limits. Raises ParameterError."""
        for name, parameter in self.parameters().items():
            where, value = f"{type(self).__name__}.{name}", getattr(self, name)
            low, high = parameter.limits(integer)
            if parameter.kind == "steps":
                check_steps(where, value, low, high)
            given = numbers(where, value)
            if parameter.kind == "table":
                fits, allowed, remedy = given.shape == (TABLE_SIZE,), f"({TABLE_SIZE},)", "Give one value an entry."
            else:
                fits = given.ndim == 0 or (given.ndim == 1 and given.size > 0 and bool(parameter.per))
                allowed = "() or (n,)" if parameter.per else "one number"
                remedy = "Give one number, or one a neuron."
            require(fits, where, f"shape {given.shape}", allowed, remedy)
            array = finite_array(where, given, (given.shape,), integer)
            bad = array[(array < low) | (array > high)]
            require(bad.size == 0, where, f"{bad[:3]}", f"[{low:g}, {high:g}]", f"It is a {parameter.kind} parameter.")
            object.__setattr__(self, name, array)
