# SPDX-License-Identifier: BSD-3-Clause
"""A chip as data: every number with unit, source and mark, read from a TOML file in `chips/`."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli

from synergic._core.checks import choice, kind, number, require, whole
from synergic._core.contents import Brief
from synergic._core.files import reading
from synergic.errors import FormatError, ParameterError

MARKS = ("confirmed", "second-hand", "derived", "assumed")
PARTS = {"value", "unit", "source", "mark"}
REAL = ("clock", "power_low", "power_high")
"""Numbers that need not be whole."""


@dataclass(frozen=True)
class Fact:
    """One number of a chip, with its unit and its source.

    Attributes
    ----------
    value : float
        The number. `int(fact)` gives it as a whole number.
    unit : str
        Its unit, for example "cores" or "Hz".
    source : str
        Where the number was read, or how it was derived.
    mark : {"confirmed", "second-hand", "derived", "assumed"}
        How far to trust it.
    """

    value: float
    unit: str
    source: str
    mark: str

    def __int__(self) -> int:
        """Return the value as a whole number."""
        return int(self.value)


@dataclass(frozen=True)
class Chip(Brief):
    """The model of a chip: a grid of cores that advance together, phase by phase. It is never the chip itself.

    `load_chip` reads one from a TOML file. Every number is a `Fact` with unit, source and mark.

    Attributes
    ----------
    name : str
        Name of the chip.
    rows, columns : Fact
        Size of the grid of cores.
    axons, neurons : Fact
        Inputs and neurons of a core.
    weight_bits, accumulator_bits, membrane_bits : Fact
        Widths of weights, of sums of weights, and of potentials.
    clock : Fact
        Clock rate in Hz.
    phase_cycles : Fact
        Clocks of a phase.
    power_low, power_high : Fact
        Power in W of an idle core, and of a core in which every synapse works.
    sram : Fact
        Bytes of a core's memory where weights are stored as indices into a table.
    weight_memory : Fact
        Bytes of a core's memory where weights are stored at their width.
    weight_values : Fact
        Entries of the table of weights.
    routing_entries : Fact
        Routes that the packets of one kind of a neuron can take.
    message_bits : Fact
        Widest message that axons take and somas send: 1 for spikes only, 8 for values too.
    chips_rows, chips_columns : int, default 1
        Chips side by side that make up the grid.
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
    weight_memory: Fact
    weight_values: Fact
    routing_entries: Fact
    message_bits: Fact
    chips_rows: int = 1
    chips_columns: int = 1

    @property
    def cores(self) -> int:
        """Number of cores: rows x columns."""
        return int(self.rows) * int(self.columns)

    @property
    def phase_seconds(self) -> float:
        """Duration of a phase in seconds: `phase_cycles / clock`."""
        return self.phase_cycles.value / self.clock.value

    @property
    def facts(self) -> dict[str, Fact]:
        """All numbers by name."""
        return {name: getattr(self, name) for name in FACTS}

    @property
    def chips(self) -> int:
        """Number of chips."""
        return self.chips_rows * self.chips_columns

    def array(self, chips_rows: int, chips_columns: int) -> Chip:
        """Return chips side by side as one grid of cores. A link between two chips counts as any other link.

        Parameters
        ----------
        chips_rows, chips_columns : int
            Number of chips below each other and beside each other, 1 .. 1000.

        Returns
        -------
        Chip
            The array, with `chips_rows` times the rows and `chips_columns` times the columns.

        Raises
        ------
        ParameterError
            If a number is out of range, or this is an array already.
        """
        for name, value in (("rows", chips_rows), ("columns", chips_columns)):
            whole(f"{self.name}.array.chips_{name}", value, 1, 1000, "It is a number of chips.")
        require(self.chips == 1, f"{self.name}.array", f"{self.chips} chips", "one chip", "Multiply the numbers.")
        if chips_rows == chips_columns == 1:
            return self
        grown = {}
        for name, times in (("rows", chips_rows), ("columns", chips_columns)):
            one = getattr(self, name)
            grown[name] = replace(
                one, value=one.value * times, source=f"{times} chips; of one: {one.source}", mark="derived"
            )
        return replace(self, **grown, chips_rows=chips_rows, chips_columns=chips_columns)


FACTS = tuple(f.name for f in fields(Chip) if f.type == "Fact")
"""Names of the facts of a chip, which are the tables of its file."""
LATER = {"message_bits": Fact(8, "bit", "not in the chip's file, which is older", "assumed")}
"""Facts that files of earlier releases do not have, and what is taken for them."""


def read_fact(where: str, entry: Any, integer: bool) -> Fact:
    """Return one table of a chip's file, checked. Raises ParameterError."""
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


def shipped_chips() -> list[str]:
    """List the chips that come with the library. A new file in `hw_targets/chips/` is a new chip.

    Returns
    -------
    list of str
        Names that `load_chip` takes, sorted.
    """
    return sorted(f.name.removesuffix(".toml") for f in (files("synergic.hw_targets") / "chips").iterdir())


def load_chip(chip: str | Path) -> Chip:
    """Load the model of a chip.

    Parameters
    ----------
    chip : str or Path
        Name of a shipped chip ("tianjic", "tianjicx", "generic"), or path of a TOML file.

    Returns
    -------
    Chip
        The chip, every number checked.

    Raises
    ------
    FormatError
        If there is no such chip or file, or the file is wrong: a number is missing, unknown or out of range.
    ParameterError
        If `chip` is neither a name nor a path.
    """
    kind("load_chip.chip", chip, str | Path, "Give the name of a chip, or the path of a file.")
    shipped = files("synergic.hw_targets") / "chips" / f"{chip}.toml"
    source: Any = shipped if shipped.is_file() else Path(chip)
    with reading(chip, "Name another file."):  # a name may be longer than the system allows
        there = source.is_file()
    if not there:
        raise FormatError(
            f"load_chip.chip: got {str(chip)!r}, allowed a TOML file or a name. Shipped: {shipped_chips()}."
        )
    try:
        data = tomli.loads(source.read_text())
    except Exception as error:  # also of a file nested too deep, or one that nobody may read
        raise FormatError(f"{chip}: got {error}, allowed TOML. Correct the file.") from error
    version = data.pop("format_version", None)
    if version != 1:
        raise FormatError(f"{chip}.format_version: got {version!r}, allowed 1. Write the file in this version.")
    name = str(data.pop("name", ""))
    want = set(FACTS)
    for later, fact in LATER.items():
        data.setdefault(later, dict(vars(fact)))
    if set(data) != want:
        missing, unknown = sorted(want - set(data)), sorted(set(data) - want)
        raise FormatError(f"{chip}: got {unknown} and not {missing}, allowed {sorted(want)}. Correct the entries.")
    try:
        facts = {key: read_fact(f"{chip}.{key}", entry, key not in REAL) for key, entry in data.items()}
    except ParameterError as error:
        raise FormatError(str(error)) from error
    return Chip(name, **facts)  # type: ignore[arg-type]
