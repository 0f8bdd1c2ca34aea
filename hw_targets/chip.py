# SPDX-License-Identifier: BSD-3-Clause
"""A chip as data: every number with unit, source and mark, read from a TOML file in `chips/`."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli

from synergic.errors import FormatError

MARKS = ("confirmed", "second-hand", "derived", "assumed")


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


def load_chip(chip: str | Path) -> Chip:
    """A shipped chip by name ("tianjic"), or one from a TOML file. Raises FormatError with what is wrong."""
    shipped = files("synergic.hw_targets") / "chips" / f"{chip}.toml"
    source: Any = shipped if shipped.is_file() else Path(chip)
    if not source.is_file():
        names = sorted(f.name[:-5] for f in (files("synergic.hw_targets") / "chips").iterdir())
        raise FormatError(f"chip {str(chip)!r}: no such file, and no shipped chip of that name. Shipped: {names}.")
    try:
        data = tomli.loads(source.read_text())
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"chip file {chip}: not TOML: {error}") from error
    if data.pop("format_version", None) != 1:
        raise FormatError(f"chip file {chip}: format_version must be 1.")
    name = str(data.pop("name", ""))
    want = {f.name for f in fields(Chip)} - {"name"}
    if set(data) != want:
        raise FormatError(f"chip file {chip}: missing {sorted(want - set(data))}, unknown {sorted(set(data) - want)}.")
    facts = {}
    for key, entry in data.items():
        if not isinstance(entry, dict) or set(entry) != {"value", "unit", "source", "mark"}:
            raise FormatError(f"chip file {chip}, [{key}]: needs exactly value, unit, source and mark.")
        value = entry["value"]
        if not isinstance(value, int | float) or not math.isfinite(value) or value <= 0 or entry["mark"] not in MARKS:
            raise FormatError(f"chip file {chip}, [{key}]: needs a positive value and a mark of {MARKS}.")
        facts[key] = Fact(**entry)
    return Chip(name=name, **facts)
