# SPDX-License-Identifier: BSD-3-Clause
"""What a mapping is: tiles of the network on numbered cores, a place on the grid for each core, chains of packets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from synergic._core.moved import OldName, renamed
from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._arrange import arranged
from synergic.network._quantise import IntGraph, IntNetwork, IntProjection

Position = tuple[int, int]
"""(x, y) of a core on the grid: column, row."""
Link = tuple[Position, Position]
"""Two neighbouring positions. A dead link carries nothing in either direction."""
Range = tuple[int, int]
"""First index, and the one after the last."""
Slots = npt.NDArray[np.int64]
"""Position of each core on the grid, y * columns + x, shape (cores,)."""
STORAGES = ("full", "indexed")
"""How weights are stored: at their width, or as indices into a table of the core."""


@dataclass(frozen=True)
class Violation:
    """A limit of the chip that a network or a mapping breaks.

    `str()` of it is the line that an error shows: "where: needed N, available M. What to do."

    Attributes
    ----------
    where : str
        The object and its field, for example "layer1.weight_bits" or "core 3.axons".
    needed : str
        How much is needed, with unit.
    available : str
        How much the chip has, with unit.
    change : str
        The smallest change that would fit, as a sentence.
    wrong_kind : bool, default False
        Whether the chip cannot represent it at all, however large the chip were.
    """

    where: str
    needed: str
    available: str
    change: str
    wrong_kind: bool = False

    def __str__(self) -> str:
        """Return the line that an error shows."""
        words = ("got", "allowed") if self.wrong_kind else ("needed", "available")
        return f"{self.where}: {words[0]} {self.needed}, {words[1]} {self.available}. {self.change}"


@renamed("turns", "n_passes", "0.3")
@dataclass(frozen=True)
class Estimate:
    """What a network needs of a chip, known before it is mapped.

    Attributes
    ----------
    chip : str
        Name of the chip.
    cores : int
        Cores that the mapping takes.
    available : int
        Cores of the chip that work and are connected to the others.
    synapse_cores, local_cores : int
        Cores with slow weights, and cores with local weights. Together they are `cores`.
    occupancy : float
        Share, 0 .. 1, of the synapses of these cores that are used.
    phases_per_step : int
        Phases of the chip that one time step of the network takes.
    step_seconds : float
        Time of one step in seconds: `phases_per_step` times the chip's `phase_seconds`.
    n_passes : int
        How many output positions of a convolution a folded core computes in one step, one after another
        (time-multiplexing). 1 where nothing is folded.
    violations : tuple of Violation
        Everything that does not fit.
    """

    chip: str
    cores: int
    available: int
    synapse_cores: int
    local_cores: int
    occupancy: float
    phases_per_step: int
    step_seconds: float
    n_passes: int
    violations: tuple[Violation, ...]

    turns: ClassVar[OldName] = OldName("n_passes", "0.3")

    @property
    def fits(self) -> bool:
        """Whether `map_network` will succeed."""
        return not self.violations


@renamed("turn", "pass_index", "0.3")
@dataclass(frozen=True)
class Tile:
    """A piece of one projection, and the cores that store it.

    A tile has the weights from inputs `columns` to neurons `rows`. Both count neurons in the order of
    `Mapping.arranged`.

    Attributes
    ----------
    projection, population : str
        Name of the projection, and of the population at which it ends.
    rows, columns : tuple of int
        First neuron and the one after the last; the same of the inputs.
    core : int
        Number of the synapse core. Other tiles of the same neurons may share it. In other time-multiplexing passes,
        tiles of the same weights may share it.
    local_cores : tuple of int
        Numbers of the cores with the local weights. Empty without local weights.
    soma_core : int
        Number of the core that adds the partial sums up, integrates and fires.
    pass_index : int, default 0
        The time-multiplexing pass of a step in which the tile is computed, from 0. It is 0 if nothing is folded.
    axon : int, default 0
        The first axon of the core that the tile takes. Its first neuron is the core's first.
    """

    projection: str
    population: str
    rows: Range
    columns: Range
    core: int
    local_cores: tuple[int, ...]
    soma_core: int
    pass_index: int = 0
    axon: int = 0

    turn: ClassVar[OldName] = OldName("pass_index", "0.3")

    @property
    def slices(self) -> tuple[slice, slice]:
        """The piece of the weight matrix, as an index."""
        return slice(*self.rows), slice(*self.columns)

    @property
    def synapses(self) -> int:
        """Number of synapses of the piece."""
        return (self.rows[1] - self.rows[0]) * (self.columns[1] - self.columns[0])

    @property
    def cores(self) -> tuple[int, ...]:
        """The synapse core, then the local cores."""
        return (self.core, *self.local_cores)


@dataclass(frozen=True)
class Chain:
    """The route that packets of one kind from some neurons take, through every core that needs them.

    Attributes
    ----------
    kind : str
        "spike", "partial sum" or "membrane".
    start : int
        Number of the core that sends.
    neurons : tuple of int
        First neuron whose packets take this route, and the one after the last.
    stops : tuple of int
        Numbers of the cores that receive the packet, in the order in which it visits them.
    path : tuple of (int, int)
        Positions (x, y) after that of `start`, neighbour by neighbour.
    arrivals : tuple of int
        For each stop, after how many hops it has the packet.
    relays : tuple of int, default ()
        Hops after which a core only forwards the packet, where a detour leaves dimension order.
    """

    kind: str
    start: int
    neurons: Range
    stops: tuple[int, ...]
    path: tuple[Position, ...]
    arrivals: tuple[int, ...]
    relays: tuple[int, ...] = ()


@dataclass(frozen=True)
class Route:
    """The path from a core to one stop of a chain.

    Attributes
    ----------
    kind : str
        "spike", "partial sum" or "membrane".
    start, stop : int
        Numbers of the core that sends and of the one that receives.
    neurons : tuple of int
        First neuron whose packets take the path, and the one after the last.
    hops : tuple of (int, int)
        Positions (x, y) after that of `start`, up to and with that of `stop`.
    shared : int, default 0
        How many of the first hops belong to an earlier stop of the same chain too: a packet crosses them once.
    """

    kind: str
    start: int
    stop: int
    neurons: Range
    hops: tuple[Position, ...]
    shared: int = 0


@dataclass(frozen=True, eq=False)
class Mapping:
    """A network on a chip, made by `map_network`.

    Attributes
    ----------
    network : IntNetwork or IntGraph
        The network that is mapped.
    chip : Chip
        The model of the chip, or of the array of chips.
    tiles : tuple of Tile
        Every synapse that is not 0, once.
    cores : int
        How many cores are used. They have the numbers 0, 1, ...
    slots : ndarray of int64, (cores,)
        Position of each core on the grid, y * columns + x. Read-only.
    chains : tuple of Chain
        All routes.
    weight_storage : str, default "full"
        "full" or "indexed", see `MappingOptions`.
    placement : str, default "first_fit"
        How the positions of cores were chosen, if the mapping passes were PASSES.
    seed : int, default 0
        Seed of the placement.
    dead_cores, dead_links : tuple, default ()
        Known faults that the mapping avoids.
    copies : tuple of Tile, default ()
        Tiles of copies of soma cores, where a chain of spikes may visit only `fan_out` cores.
    fan_out : int or None, default None
        The most cores that a chain of spikes visits. None sets no limit.
    """

    network: IntNetwork | IntGraph
    chip: Chip
    tiles: tuple[Tile, ...]
    cores: int
    slots: Slots
    chains: tuple[Chain, ...]
    weight_storage: str = "full"
    placement: str = "first_fit"
    seed: int = 0
    dead_cores: tuple[Position, ...] = ()
    dead_links: tuple[Link, ...] = ()
    copies: tuple[Tile, ...] = ()
    fan_out: int | None = None

    def __repr__(self) -> str:
        grid = f"{self.chip.name} {int(self.chip.rows)} x {int(self.chip.columns)}"
        passes = f", {self.n_passes} passes" if self.n_passes > 1 else ""
        return f"{type(self).__name__}({self.network!r} on {grid}: {self.cores} cores{passes}, {self.placement})"

    held: ClassVar[OldName] = OldName("stored", "0.3")
    turns: ClassVar[OldName] = OldName("n_passes", "0.3")

    @property
    def stored(self) -> tuple[Tile, ...]:
        """All tiles that are stored on cores: `tiles`, then `copies`."""
        return self.tiles + self.copies

    def position(self, core: int) -> Position:
        """Return the position of a core.

        Parameters
        ----------
        core : int
            Number of the core, 0 .. cores - 1.

        Returns
        -------
        tuple of int
            (x, y): column and row on the grid.
        """
        y, x = divmod(int(self.slots[core]), int(self.chip.columns))
        return x, y

    @cached_property
    def by_population(self) -> dict[str, tuple[Tile, ...]]:
        """The tiles that feed each population, by its name."""
        found: dict[str, list[Tile]] = {p.name: [] for p in self.network.populations}
        for t in self.tiles:
            found[t.population].append(t)
        return {name: tuple(tiles) for name, tiles in found.items()}

    def into(self, population: str) -> tuple[Tile, ...]:
        """Return the tiles that feed a population.

        Parameters
        ----------
        population : str
            Name of the population.

        Returns
        -------
        tuple of Tile
            In the order of `tiles`.
        """
        return self.by_population[population]

    @cached_property
    def arranged(self) -> IntNetwork | IntGraph:
        """The network with its neurons in the order in which the mapping counts them."""
        return arranged(self.network)

    def soma_cores(self, population: str) -> dict[Range, int]:
        """Return the pieces of a population and their soma cores.

        Parameters
        ----------
        population : str
            Name of a population. Any other name, such as that of the source, gives {}.

        Returns
        -------
        dict
            (first neuron, the one after the last) -> number of the soma core.
        """
        return {t.rows: t.soma_core for t in self.by_population.get(population, ())}

    @cached_property
    def n_passes(self) -> int:
        """Passes of time-multiplexing: output positions that a folded core computes one after another in a step."""
        return count_passes(self.tiles)

    @cached_property
    def population_of(self) -> dict[int, str]:
        """The population that each core works for, by number of the core."""
        return {core: t.population for t in self.stored for core in (*t.cores, t.soma_core)}

    @cached_property
    def on_core(self) -> dict[int, tuple[Tile, ...]]:
        """The tiles that each core stores, as their synapse core or as a local core."""
        found: dict[int, list[Tile]] = {}
        for t in self.stored:
            for core in t.cores:
                found.setdefault(core, []).append(t)
        return {core: tuple(tiles) for core, tiles in found.items()}

    @cached_property
    def senders(self) -> dict[Tile, tuple[int, ...]]:
        """By tile, which of its cores send a partial sum.

        The soma core sends none. A core that several tiles share sends one sum in each time-multiplexing
        pass; the sum belongs to the first of these tiles.
        """
        seen: set[tuple[int, int]] = set()
        found = {}
        for t in self.stored:
            found[t] = tuple(c for c in t.cores if c != t.soma_core and (c, t.pass_index) not in seen)
            seen.update((c, t.pass_index) for c in t.cores)
        return found

    @cached_property
    def phases_per_step(self) -> int:
        """Phases of a step.

        In each time-multiplexing pass one phase integrates. A second phase adds partial sums and fires, if any sum
        comes from another core. At the end of the step one phase updates local weights, if any are learned.
        """
        return phases(self.network, self.tiles)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every path from a core that sends to a core that receives."""
        found = []
        for c in self.chains:
            before = 0
            for stop, hops in zip(c.stops, c.arrivals, strict=True):
                found.append(Route(c.kind, c.start, stop, c.neurons, c.path[:hops], before))
                before = hops
        return tuple(found)

    def tables(self) -> dict[int, int]:
        """Return how many entries the routing table of each core has.

        Returns
        -------
        dict
            Number of the core -> entries: one for each chain that the core sends, receives or forwards as a relay.
        """
        entries: dict[int, int] = {}
        at = {int(slot): core for core, slot in enumerate(self.slots)}
        columns = int(self.chip.columns)
        for c in self.chains:
            relays = [c.path[h - 1] for h in c.relays]
            through = {at.get(y * columns + x, -1) for x, y in relays} - {-1}
            for core in {c.start, *c.stops, *through}:
                entries[core] = entries.get(core, 0) + 1
        return entries


def phases(network: IntNetwork | IntGraph, tiles: Sequence[Tile]) -> int:
    """Count the phases of a step, see `Mapping.phases_per_step`."""
    relay = any(c != t.soma_core for t in tiles for c in t.cores)
    return count_passes(tiles) * (1 + relay) + any(p.learns for p in network.projections)


def count_passes(tiles: Iterable[Tile]) -> int:
    """Count the time-multiplexing passes of a step."""
    return 1 + max(t.pass_index for t in tiles)


def core_count(tiles: Iterable[Tile]) -> int:
    """Count the cores that tiles take."""
    return 1 + max(c for t in tiles for c in (*t.cores, t.soma_core))


def block(tiles: Sequence[Tile]) -> tuple[int, int]:
    """Return the neurons and axons of the weights that a core stores for its tiles; all passes use the same memory."""
    return max(t.rows[1] - t.rows[0] for t in tiles), max(t.axon + t.columns[1] - t.columns[0] for t in tiles)


def stored_synapses(tiles: Iterable[Tile]) -> int:
    """Count the synapses whose weights, slow or local, the cores of some tiles store; shared weights count once."""
    stored: dict[int, list[Tile]] = {}
    for t in tiles:
        for core in t.cores:
            stored.setdefault(core, []).append(t)
    return sum(math.prod(block(mine)) for mine in stored.values())


def incoming(network: IntNetwork | IntGraph) -> dict[str, list[IntProjection]]:
    """Return the projections that end at each population: `network.into` of all populations at once."""
    found: dict[str, list[IntProjection]] = {p.name: [] for p in network.populations}
    for p in network.projections:
        found[p.target].append(p)
    return found


def local_bits(p: IntProjection) -> int:
    """Return the width of a local weight.

    Parameters
    ----------
    p : IntProjection
        A projection of an integer network.

    Returns
    -------
    int
        Bits with the sign. 0 for a projection without local weights.
    """
    return 0 if p.rule is None else int(p.rule.p_top).bit_length() + 1


def slices_of(bits: int, chip: Chip) -> int:
    """Count the cores that store one local weight of this many bits."""
    return -(-bits // int(chip.weight_bits))
