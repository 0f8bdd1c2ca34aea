# SPDX-License-Identifier: BSD-3-Clause
"""A chip as data: every number with unit, source and mark, read from a TOML file in `chips/`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli

from synergic.checks import choice, kind, number, require
from synergic.errors import FormatError, ParameterError

MARKS = ("confirmed", "second-hand", "derived", "assumed")
PARTS = {"value", "unit", "source", "mark"}
REAL = ("clock", "power_low", "power_high")
"""Numbers that need not be whole."""


@dataclass(frozen=True)
class Fact:
    """One number of a chip: value, unit, where it comes from and how sure it is."""

    value: float
    unit: str
    source: str
    mark: str

    def __int__(self) -> int:
        return int(self.value)


@dataclass(frozen=True)
class Chip:
    """A grid of cores that advance by phases. Always a model of a chip, never the chip.

    Units are in each fact. phase_seconds : duration of one phase.
    """

    name: str
    rows: Fact
    columns: Fact
    axons: Fact
    neurons: Fact
    weight_bits: Fact
    accumulator_bits: Fact
    membrane_bits: Fact
    clock: Fact
    phase_cycles: Fact
    power_low: Fact
    power_high: Fact
    sram: Fact

    @property
    def cores(self) -> int:
        """Number of cores."""
        return int(self.rows) * int(self.columns)

    @property
    def phase_seconds(self) -> float:
        """Duration of a phase in seconds: phase_cycles / clock."""
        return self.phase_cycles.value / self.clock.value

    @property
    def facts(self) -> dict[str, Fact]:
        """All numbers by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "name"}


def read_fact(where: str, entry: Any, integer: bool) -> Fact:
    """One table of a chip's file, checked. Raises ParameterError."""
    fits = isinstance(entry, dict) and set(entry) == PARTS
    require(fits, where, repr(entry), f"a table of {sorted(PARTS)}", "Give all of them, and nothing else.")
    fact = Fact(**entry)
    number(f"{where}.value", fact.value, 0, 1e15, "Give a positive number.", open_low=True)
    fits = not integer or fact.value == int(fact.value)
    require(fits, f"{where}.value", fact.value, "whole numbers", "Round it.")
    choice(f"{where}.mark", fact.mark, MARKS)
    for name in ("unit", "source"):
        kind(f"{where}.{name}", getattr(fact, name), str, "Say it in words.")
    return fact


def load_chip(chip: str | Path) -> Chip:
    """A shipped chip by name ("tianjic"), or one from a TOML file.

    Raises FormatError with what is wrong in the file, ParameterError for anything else than a name or a path.
    """
    kind("load_chip.chip", chip, str | Path, "Give the name of a chip, or the path of a file.")
    shipped = files("synergic.hw_targets") / "chips" / f"{chip}.toml"
    source: Any = shipped if shipped.is_file() else Path(chip)
    if not source.is_file():
        names = sorted(f.name[:-5] for f in (files("synergic.hw_targets") / "chips").iterdir())
        raise FormatError(f"load_chip.chip: got {str(chip)!r}, allowed a TOML file or a name. Shipped: {names}.")
    try:
        data = tomli.loads(source.read_text())
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{chip}: got {error}, allowed TOML. Correct the file.") from error
    version = data.pop("format_version", None)
    if version != 1:
        raise FormatError(f"{chip}.format_version: got {version!r}, allowed 1. Write the file in this version.")
    name = str(data.pop("name", ""))
    want = {f.name for f in fields(Chip)} - {"name"}
    if set(data) != want:
        missing, unknown = sorted(want - set(data)), sorted(set(data) - want)
        raise FormatError(f"{chip}: got {unknown} and not {missing}, allowed {sorted(want)}. Correct the entries.")
    try:
        facts = {key: read_fact(f"{chip}.{key}", entry, key not in REAL) for key, entry in data.items()}
    except ParameterError as error:
        raise FormatError(str(error)) from error
    return Chip(name=name, **facts)
