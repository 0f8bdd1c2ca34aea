# SPDX-License-Identifier: BSD-3-Clause
"""Parameters of rules and neurons in C: a literal, a table, or an entry of an array for each input or neuron."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from synergic.interchange._c._c_arrays import CArray, constant, literal
from synergic.interchange._c._c_names import Names, used

INDEX = {"pre": "column_", "post": "row_", "neuron": "row_"}
"""The index of what belongs to inputs and neurons."""


@dataclass(frozen=True)
class CValue:
    """A name of an equation in C.

    Attributes
    ----------
    name : str
        As the equation has it.
    per : str
        "pre", "post", "neuron" or "synapse": what has a value of its own; "" for one value for all.
    declaration : str
        The line that declares it.
    """

    name: str
    per: str
    declaration: str


def value_of(name: str, given: Any, per: str, part: str, names: Names, axis: str) -> tuple[CValue, CArray | None]:
    """A parameter or a setting, and the array that it takes from. part : the projection or population; axis : of it."""
    array = np.asarray(given)
    if array.ndim == 0 or (per and bool((array == array.flat[0]).all())):
        return CValue(name, "", f"const int64_t {name} = {literal(int(array.reshape(-1)[0]))};"), None
    made = constant(names.of(name, part), array, f"{name} of {part}", (axis if per else "",))
    if per:
        return CValue(name, per, f"const int64_t {name} = {made.name}[{INDEX[per]}];"), made
    return CValue(name, "", f"const {made.ctype} *const {name} = {made.name};"), made


def declared(values: Iterable[CValue], pers: tuple[str, ...], *texts: str) -> list[str]:
    """The declarations that some texts need, of the values that belong to `pers`."""
    return [v.declaration for v in values if v.per in pers and used(v.name, *texts)]


def stripped(text: str) -> list[str]:
    """The lines of a text of an equation, without their common indent."""
    lines = text.strip("\n").rstrip().splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[indent:].rstrip() for line in lines]


def loaded(arrays: Mapping[str, CArray], index: str, writes: bool, *texts: str) -> list[str]:
    """The lines that read extra arrays, where a text needs them or they are written back after it."""
    const = "" if writes else "const "
    return [
        f"{const}int64_t {name} = net->{array.name}{index};"
        for name, array in arrays.items()
        if writes or used(name, *texts)
    ]
