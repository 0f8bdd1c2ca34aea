# SPDX-License-Identifier: BSD-3-Clause
"""What a mapping is: tiles of the network on numbered cores, a place on the grid for each core, chains of packets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._arrange import arranged
from synergic.network._quantise import IntGraph, IntNetwork, IntProjection

Position = tuple[int, int]
"""(x, y) of a core on the grid: column, row."""
Link = tuple[Position, Position]
"""Two neighbouring positions. A dead link carries nothing in either direction."""
STORAGES = ("full", "indexed")
"""How weights are stored: at their width, or as indices into a table of the core."""


@dataclass(frozen=True)
class Tile:
    """A piece of one projection: the cores that hold neurons [rows] x inputs [columns] of it, in the numbering of
    `arrange`.

    core : number of its synapse core, which it may share with other tiles of the same neurons, and in other turns with
    tiles of the same weights. local_cores : numbers of the cores with its local weights. soma_core : where its partial
    sums go. turn : which of the turns of a step computes it, 0 where nothing is folded. axon : the first of the core's
    axons that it takes; its first neuron is the core's first.
    """

    projection: str
    population: str
    rows: tuple[int, int]
    columns: tuple[int, int]
    core: int
    local_cores: tuple[int, ...]
    soma_core: int
    turn: int = 0
    axon: int = 0

    @property
    def slices(self) -> tuple[slice, slice]:
        """The piece of the matrix, as an index."""
        return slice(*self.rows), slice(*self.columns)

    @property
    def synapses(self) -> int:
        """Synapses of the piece."""
        return (self.rows[1] - self.rows[0]) * (self.columns[1] - self.columns[0])

    @property
    def cores(self) -> tuple[int, ...]:
        """The synapse core, then the local cores."""
        return (self.core, *self.local_cores)


@dataclass(frozen=True)
class Chain:
    """The one route that packets of a kind of some neurons take: through every core that needs them.

    kind : "spike", "partial sum" or "membrane". start : core that sends. neurons : of its population, whose packets
    take this route. stops : cores that keep the packet, in the order of their turn. path : positions after that of
    `start`, neighbour by neighbour. arrivals : hops after which each stop has it. relays : hops after which a core
    only forwards it, where a detour leaves dimension order.
    """

    kind: str
    start: int
    neurons: tuple[int, int]
    stops: tuple[int, ...]
    path: tuple[Position, ...]
    arrivals: tuple[int, ...]
    relays: tuple[int, ...] = ()


@dataclass(frozen=True)
class Route:
    """The path from a core to one stop of a chain; kind: "spike", "partial sum" or "membrane".

    neurons : whose packets take it. hops : positions after that of `start`, up to and with that of `stop`. shared : how
    many of the first hops an earlier stop of the same chain has taken already: a packet crosses them once.
    """

    kind: str
    start: int
    stop: int
    neurons: tuple[int, int]
    hops: tuple[Position, ...]
    shared: int = 0


@dataclass(frozen=True, eq=False)
class Mapping:
    """A network on a chip, made by `map_network`.

    cores : how many are used, numbered 0, 1, ... slots : (cores,) place of each on the grid, y * columns + x.
    tiles : every synapse once. copies : the tiles of copies of soma cores, where chains of spikes visit at most
    `fan_out` cores (None: any number). chains : all routes. weight_storage : "full" or "indexed". placement, seed : how
    places were found. dead_cores, dead_links : known faults that the mapping goes around.
    """

    network: IntNetwork | IntGraph
    chip: Chip
    tiles: tuple[Tile, ...]
    cores: int
    slots: npt.NDArray[np.int64]
    chains: tuple[Chain, ...]
    weight_storage: str = "full"
    placement: str = "first_fit"
    seed: int = 0
    dead_cores: tuple[Position, ...] = ()
    dead_links: tuple[Link, ...] = ()
    copies: tuple[Tile, ...] = ()
    fan_out: int | None = None

    @property
    def held(self) -> tuple[Tile, ...]:
        """All that lies on cores: tiles and copies."""
        return self.tiles + self.copies

    def position(self, core: int) -> Position:
        """(x, y) of a core."""
        y, x = divmod(int(self.slots[core]), int(self.chip.columns))
        return x, y

    @cached_property
    def by_population(self) -> dict[str, tuple[Tile, ...]]:
        """The tiles that feed each population."""
        found: dict[str, list[Tile]] = {p.name: [] for p in self.network.populations}
        for t in self.tiles:
            found[t.population].append(t)
        return {name: tuple(tiles) for name, tiles in found.items()}

    def into(self, population: str) -> tuple[Tile, ...]:
        """The tiles that feed a population."""
        return self.by_population[population]

    @cached_property
    def arranged(self) -> Any:
        """The network as the mapping counts its neurons."""
        return arranged(self.network)

    def soma_cores(self, population: str) -> dict[tuple[int, int], int]:
        """The pieces of a population and their soma cores; none for a name that is no population's."""
        return {t.rows: t.soma_core for t in self.by_population.get(population, ())}

    @cached_property
    def turns(self) -> int:
        """Turns of a step: places that a folded core computes one after another."""
        return turns_of(self.tiles)

    @cached_property
    def population_of(self) -> dict[int, str]:
        """The population that each core works for."""
        return {core: t.population for t in self.held for core in (*t.cores, t.soma_core)}

    @cached_property
    def on_core(self) -> dict[int, tuple[Tile, ...]]:
        """The tiles that each core holds, as their synapse core or as a local core."""
        found: dict[int, list[Tile]] = {}
        for t in self.held:
            for core in t.cores:
                found.setdefault(core, []).append(t)
        return {core: tuple(tiles) for core, tiles in found.items()}

    @cached_property
    def senders(self) -> dict[Tile, tuple[int, ...]]:
        """By tile, which of its cores send a partial sum: not the soma core, and of a core that several tiles share
        the first of them in a turn names it, for the core sends one sum."""
        seen: set[tuple[int, int]] = set()
        found = {}
        for t in self.held:
            found[t] = tuple(c for c in t.cores if c != t.soma_core and (c, t.turn) not in seen)
            seen.update((c, t.turn) for c in t.cores)
        return found

    @cached_property
    def phases_per_step(self) -> int:
        """In each turn: integrate; add partial sums and fire (if any sum comes from another core). Then, once: update
        local weights."""
        return phases(self.network, self.tiles)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every path from a core that sends to a core that needs it."""
        found = []
        for c in self.chains:
            before = 0
            for stop, hops in zip(c.stops, c.arrivals, strict=True):
                found.append(Route(c.kind, c.start, stop, c.neurons, c.path[:hops], before))
                before = hops
        return tuple(found)

    def tables(self) -> dict[int, int]:
        """Entries in the routing table of each core that sends, forwards or keeps packets: one a chain."""
        entries: dict[int, int] = {}
        at = {int(slot): core for core, slot in enumerate(self.slots)}
        columns = int(self.chip.columns)
        for c in self.chains:
            relays = [c.path[h - 1] for h in c.relays]
            through = {at.get(y * columns + x, -1) for x, y in relays} - {-1}
            for core in {c.start, *c.stops, *through}:
                entries[core] = entries.get(core, 0) + 1
        return entries


def phases(network: IntNetwork | IntGraph, tiles: Any) -> int:
    """Phases of a step: see Mapping.phases_per_step."""
    relay = any(c != t.soma_core for t in tiles for c in t.cores)
    return turns_of(tiles) * (1 + relay) + any(p.learns for p in network.projections)


def turns_of(tiles: Any) -> int:
    """Turns of a step."""
    return 1 + max(t.turn for t in tiles)


def block(tiles: Any) -> tuple[int, int]:
    """Neurons and axons of the weights that a core keeps for its tiles, those of all turns in the same place."""
    return max(t.rows[1] - t.rows[0] for t in tiles), max(t.axon + t.columns[1] - t.columns[0] for t in tiles)


def kept(tiles: Any) -> int:
    """Synapses whose weights, slow or local, all cores of some tiles keep; shared ones count once."""
    held: dict[int, list[Tile]] = {}
    for t in tiles:
        for core in t.cores:
            held.setdefault(core, []).append(t)
    return sum(math.prod(block(mine)) for mine in held.values())


def incoming(network: IntNetwork | IntGraph) -> dict[str, list[IntProjection]]:
    """The projections that end at each population: as `network.into`, found once for all."""
    found: dict[str, list[IntProjection]] = {p.name: [] for p in network.populations}
    for p in network.projections:
        found[p.target].append(p)
    return found


def local_bits(p: IntProjection) -> int:
    """Bits of a local weight; 0 for a projection without a local term."""
    return 0 if p.rule is None else int(p.rule.p_top).bit_length() + 1


def slices_of(bits: int, chip: Chip) -> int:
    """Cores that a local weight of so many bits is spread over."""
    return -(-bits // int(chip.weight_bits))
