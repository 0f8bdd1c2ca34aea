# SPDX-License-Identifier: BSD-3-Clause
"""What an exported network takes of a device: bytes of flash and RAM, operations a step; and what would make it fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from synergic.errors import CapacityError
from synergic.interchange._c._c_arrays import CArray
from synergic.interchange._c._c_parts import CProjection
from synergic.interchange._c._c_program import CProgram

CODE = {"base": 200, "population": 450, "projection": 150, "rule": 600, "stream": 450, "homeostasis": 300}
"""Bytes of machine code that are assumed: of any network, and of each part more. arm-none-eabi-gcc 12 -Os for a
Cortex-M4 made less of every network in tests/conformance/test_c.py, and `benchmarks/c_export.py` compares."""


@dataclass(frozen=True)
class FootprintPart:
    """What one part of a network takes.

    Attributes
    ----------
    name : str
        Name of a population or projection, or "code" and "all populations" for what these share.
    flash : int
        Bytes of constants.
    ram : int
        Bytes of the state.
    operations : int
        Operations a step if all inputs are active: a product and its addition, or an update of a synapse or neuron.
    """

    name: str
    flash: int
    ram: int
    operations: int


@dataclass(frozen=True)
class Footprint:
    """What an exported network takes of a device.

    Attributes
    ----------
    parts : tuple of FootprintPart
        The parts, in the order of the table.
    flash, ram, operations : int
        Their sums. The machine code within `flash` is assumed, all else is exact.
    """

    parts: tuple[FootprintPart, ...]

    @property
    def flash(self) -> int:
        """Bytes of constants and of the assumed code."""
        return sum(p.flash for p in self.parts)

    @property
    def ram(self) -> int:
        """Bytes of the state."""
        return sum(p.ram for p in self.parts)

    @property
    def operations(self) -> int:
        """Operations a step, if all inputs are active."""
        return sum(p.operations for p in self.parts)


def code_bytes(program: CProgram) -> int:
    """Bytes of machine code, assumed."""
    counts = {"population": len(program.populations), "projection": len(program.projections)}
    counts |= {"rule": len(program.learning), "stream": len(program.streams), "homeostasis": len(program.adapting)}
    return CODE["base"] + sum(CODE[part] * count for part, count in counts.items())


def total(arrays: list[CArray]) -> int:
    """Bytes of some arrays."""
    return sum(a.bytes for a in arrays)


def footprint_of(program: CProgram) -> Footprint:
    """The table of a program."""
    rows, told = [], 0
    for p in program.populations:
        for q in p.projections:
            local = q.synapses if q.alpha is not None and q.local != "none" else 0
            learned = q.synapses if q.q.plastic else 0
            ram = total(q.fields) + (8 if q.q.plastic else 0)
            rows.append(FootprintPart(q.q.name, total(q.constants), ram, q.slow_synapses + local + learned))
            told += ram
        own = total([*p.fields, *p.lasting]) + p.saturated.bytes
        rows.append(FootprintPart(p.p.name, total(p.constants), own, p.p.size * (1 + len(p.lasting))))
        told += own
    state = -(-total(program.fields) // 8) * 8
    rows.append(FootprintPart("all populations", program.k.bytes if program.k is not None else 0, state - told, 0))
    rows.append(FootprintPart("code", code_bytes(program), 0, 0))
    return Footprint(tuple(rows))


def needs(
    program: CProgram,
    sizes: Mapping[str, int] | None = None,
    weights: bool = False,
    local: bool = False,
    frozen: bool = False,
) -> tuple[int, int]:
    """Flash and RAM with a change. sizes : of populations; weights, local : whether slow or local weights have 8
    bits; frozen : whether no local weight changes."""
    narrow = {"weights": weights, "P": local, "start": local}
    sizes = sizes or {}

    def bytes_of(a: CArray) -> int:
        return a.bytes_with(sizes, 1 if narrow.get(a.role, False) else None)

    flash, ram = sum(map(bytes_of, program.constants)) + code_bytes(program), sum(map(bytes_of, program.fields))
    if sizes:
        largest = max(sizes.get(p.p.name, p.p.size) for p in program.populations)
        ram += program.sum.width * largest - program.sum.bytes
        if program.active is not None:
            longest = max(sizes.get(q.q.source, q.q.n_in) for q in program.projections if q.lists_active)
            ram += program.active.width * longest - program.active.bytes
    if frozen:
        for q in program.learning:
            if q.P is not None:
                ram -= sum(map(bytes_of, q.fields)) + 8
    return flash, -(-ram // 8) * 8


def check_fits(program: CProgram, flash: int | None, ram: int | None) -> None:
    """Refuse a network that a device has no room for, with the smallest change that fits. Raises CapacityError."""
    got = needs(program)
    have = (flash if flash is not None else 1 << 62, ram if ram is not None else 1 << 62)

    def fits(need: tuple[int, int]) -> bool:
        return need[0] <= have[0] and need[1] <= have[1]

    over = [
        f"{name}: needed {n} bytes, available {h} bytes"
        for name, n, h in zip(("flash", "ram"), got, have, strict=True)
        if n > h
    ]
    if over:
        raise CapacityError(f"to_c: {'; '.join(over)}. {remedy(program, fits)}")


def remedy(program: CProgram, fits: Callable[[tuple[int, int]], bool]) -> str:
    """The smallest change that fits: narrower weights, else fewer neurons, or frozen local weights."""
    for bits in ({"weight": 8}, {"local": 8}, {"weight": 8, "local": 8}):
        need = needs(program, weights="weight" in bits, local="local" in bits)
        if fits(need):
            given = ", ".join(f"{name}_bits={n}" for name, n in bits.items())
            return f"With quantise({given}) it needs at most {need[0]} and {need[1]} bytes."
    found = []
    hidden = [p for p in program.populations if p is not program.output] or [program.output]
    largest = max(hidden, key=lambda p: p.p.size)
    low, high = 0, int(largest.p.size)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(needs(program, {largest.p.name: middle})) else (low, middle)
    if low and all(q.slow == "dense" and q.local != "masked" for q in touching(program, largest.p.name)):
        found.append(f"It fits with {low} instead of {largest.p.size} neurons in {largest.p.name!r}.")
    need = needs(program, frozen=True)
    if program.learning and fits(need):
        text = "With plasticity_scope='frozen' in all projections, so that the device does not learn, it needs at most"
        found.append(f"{text} {need[0]} and {need[1]} bytes.")
    return " ".join(found) or "Use fewer neurons in several populations, or a larger device."


def touching(program: CProgram, name: str) -> list[CProjection]:
    """The projections that begin or end at a population."""
    return [q for q in program.projections if name in (q.q.source, q.q.target)]
