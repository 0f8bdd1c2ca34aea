# SPDX-License-Identifier: BSD-3-Clause
"""Mapping of an integer network onto a chip: partition, first-fit placement, dimension-order routes.

Partition. The neurons of a population are cut into tiles of at most `chip.neurons`, the inputs of each of its
projections into tiles of at most `chip.axons`. Every pair is a *synapse core*: it forms an exact partial sum
(integers, before any rounding) and sends it to the tile's *soma core* (the first of the tile), which adds
the parts, integrates and fires. A plastic projection has its local weights in further *local cores* of the same
shape (`matrix` form): one for each 8 bits of a local weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from synergic.checks import kind
from synergic.errors import CapacityError, UnsupportedError
from synergic.hw_targets.chip import Chip, load_chip
from synergic.quantise import IntGraph, IntNetwork, IntProjection


@dataclass(frozen=True)
class Tile:
    """A piece of one projection: the cores that hold neurons [rows] x inputs [columns] of it.

    core : number of its synapse core. local_cores : numbers of the cores with its local weights.
    soma_core : where its partial sums go.
    """

    projection: str
    population: str
    rows: tuple[int, int]
    columns: tuple[int, int]
    core: int
    local_cores: tuple[int, ...]
    soma_core: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The piece of the matrix, as an index."""
        return slice(*self.rows), slice(*self.columns)

    @property
    def synapses(self) -> int:
        """Synapses of the piece."""
        return (self.rows[1] - self.rows[0]) * (self.columns[1] - self.columns[0])


@dataclass(frozen=True)
class Route:
    """A path between cores, x first and then y; kind: "spike", "partial sum" or "membrane"."""

    kind: str
    start: int
    stop: int
    hops: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Mapping:
    """A network on a chip: tiles, the grid position of each core, routes."""

    network: IntNetwork | IntGraph
    chip: Chip
    tiles: tuple[Tile, ...]
    cores: int

    def position(self, core: int) -> tuple[int, int]:
        """(x, y) of a core: first fit, row by row."""
        return core % int(self.chip.columns), core // int(self.chip.columns)

    def into(self, population: str) -> tuple[Tile, ...]:
        """The tiles that feed a population."""
        return tuple(t for t in self.tiles if t.population == population)

    def soma_tiles(self, population: str) -> dict[int, tuple[int, int]]:
        """Soma core and neurons of each tile of a population."""
        return {t.soma_core: t.rows for t in self.into(population)}

    @cached_property
    def phases_per_step(self) -> int:
        """Integrate; add partial sums and fire (if any sum comes from another core); update local weights."""
        relay = any(c != t.soma_core for t in self.tiles for c in (t.core, *t.local_cores))
        learns = any(p.learns for p in self.network.projections)
        return 1 + relay + learns

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every path that packets take, each once."""
        pairs: dict[tuple[str, int, int], None] = {}
        names = {p.name: p for p in self.network.projections}
        for t in self.tiles:
            for core in (t.core, *t.local_cores):
                if core != t.soma_core:
                    pairs["partial sum", core, t.soma_core] = None
            if names[t.projection].learns:
                for core in t.local_cores:
                    pairs["membrane", t.soma_core, core] = None
            source = names[t.projection].source
            for soma, rows in self.soma_tiles(source).items():
                if rows[0] < t.columns[1] and t.columns[0] < rows[1]:
                    for core in (t.core, *t.local_cores):
                        if core != soma:
                            pairs["spike", soma, core] = None
        return tuple(Route(kind, a, b, dimension_order(self.position(a), self.position(b))) for kind, a, b in pairs)


def dimension_order(start: tuple[int, int], stop: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """The cores that a packet visits after `start`: along x, then along y, up to and with `stop`."""
    (x, y), path = start, []
    while (x, y) != stop:
        if x != stop[0]:
            x += 1 if stop[0] > x else -1
        else:
            y += 1 if stop[1] > y else -1
        path.append((x, y))
    return tuple(path)


def cuts(size: int, limit: int) -> list[tuple[int, int]]:
    """[0, size) in pieces of at most `limit`."""
    return [(a, min(a + limit, size)) for a in range(0, size, limit)]


def local_bits(p: IntProjection) -> int:
    """Bits of a local weight; 0 for a projection without a local term."""
    return 0 if p.rule is None else int(p.rule.p_top).bit_length() + 1


def cores_needed(
    network: IntNetwork | IntGraph, chip: Chip, sizes: dict[str, int] | None = None, bits: int | None = None
) -> int:
    """Estimate without mapping: cores for the network, or for other population sizes or local bits."""
    size = sizes or {}
    total = 0
    for p in network.projections:
        rows, columns = size.get(p.target, p.n_out), size.get(p.source, p.n_in)
        tiles = -(-rows // int(chip.neurons)) * -(-columns // int(chip.axons))
        width = local_bits(p) if bits is None else min(bits, local_bits(p))
        total += tiles * (1 + -(-width // int(chip.weight_bits)))
    return total


def check(network: Any, chip: Chip) -> None:
    """Refuse, before anything is built, what the chip cannot hold or compute."""
    kind("map_network.network", network, IntNetwork | IntGraph, "Call quantise() first.")
    for p in network.projections:
        if p.weight_bits > int(chip.weight_bits):
            raise UnsupportedError(
                f"{p.name}.weight_bits: got {p.weight_bits}, allowed up to {int(chip.weight_bits)} on the model of "
                f"{chip.name}. Quantise with weight_bits={int(chip.weight_bits)}."
            )
    needed = cores_needed(network, chip)
    if needed > chip.cores:
        raise CapacityError(
            f"cores of the model of {chip.name}: needed {needed}, available {chip.cores}. {remedy(network, chip)}"
        )


def remedy(network: IntNetwork | IntGraph, chip: Chip) -> str:
    """The smallest change that fits: narrower local weights, else fewer neurons in the largest population."""
    narrow = cores_needed(network, chip, bits=8)
    if narrow <= chip.cores:
        return f"With quantise(local_bits=8) it needs {narrow}."
    largest = max(network.populations, key=lambda p: p.size if p.name != network.output else 0)
    low, high = 0, int(largest.size)  # the need grows with the size: bisect for the last size that fits
    while high - low > 1:
        middle = (low + high) // 2
        fits = cores_needed(network, chip, {largest.name: middle}) <= chip.cores
        low, high = (middle, high) if fits else (low, middle)
    if low:
        return f"It fits with {low} instead of {largest.size} neurons in {largest.name!r}."
    return "No size of a single population makes it fit: use fewer populations or a larger chip."


def map_network(network: IntNetwork | IntGraph, chip: Chip | str | Path = "tianjic") -> Mapping:
    """Place a network on a chip. Raises FormatError for a chip that is none,
    CapacityError or UnsupportedError before anything is built."""
    chip = chip if isinstance(chip, Chip) else load_chip(chip)
    check(network, chip)
    tiles: list[Tile] = []
    free = 0
    for population in network.ordered:
        for rows in cuts(population.size, int(chip.neurons)):
            soma = free
            for p in network.into(population.name):
                for columns in cuts(p.n_in, int(chip.axons)):
                    extra = -(-local_bits(p) // int(chip.weight_bits))
                    local = tuple(range(free + 1, free + 1 + extra))
                    tiles.append(Tile(p.name, population.name, rows, columns, free, local, soma))
                    free += 1 + extra
    return Mapping(network, chip, tuple(tiles), free)
