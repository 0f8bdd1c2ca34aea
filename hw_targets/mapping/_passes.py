# SPDX-License-Identifier: BSD-3-Clause
"""A network onto a chip, pass by pass: `map_network` is the list of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from synergic._core.checks import choice, kind, kinds, number, require, whole
from synergic.hw_targets._chip import Chip, load_chip
from synergic.hw_targets.mapping import _limits as limits
from synergic.hw_targets.mapping._copies import with_copies
from synergic.hw_targets.mapping._mapping_data import STORAGES, Link, Mapping, Position, Tile
from synergic.hw_targets.mapping._placement import PLACEMENTS
from synergic.hw_targets.mapping._routing import Grid, chains
from synergic.hw_targets.mapping._traffic import RATE, flows, traffic
from synergic.hw_targets.mapping._turns import check_fold
from synergic.hw_targets.mapping._work_balance import Rates, balanced, check_balance
from synergic.network._quantise import IntGraph, IntNetwork


def map_network(
    network: IntNetwork | IntGraph,
    chip: Chip | str | Path = "tianjic",
    *,
    placement: str = "annealing",
    seed: int = 0,
    chips: tuple[int, int] = (1, 1),
    weight_storage: str = "full",
    balance: bool | Rates = False,
    fan_out: int | None = None,
    fold: str | int = "auto",
    budget: int | None = None,
    rate: float = RATE,
    dead_cores: Iterable[Position] = (),
    dead_links: Iterable[Link] = (),
) -> Mapping:
    """Place a network on a chip.

    placement : "first_fit", "greedy", "quadratic_assignment" or "annealing"; seed : of the last two. chips : rows and
    columns of chips side by side. weight_storage : "full" or "indexed" (memory.py). balance : whether to cut so that
    the busiest core has less to do (balance.py); True takes all neurons for alike, {name: (n,)} are the expected spikes
    of each neuron of a source or population. fan_out : cores that a chain of spikes may visit, copies of soma cores
    serve the others (copies.py); default None, any number. fold : places of a picture that the cores of a convolution
    compute one after another: "none", "full", a number of turns at most, or "auto" (default), the fewest with which the
    network fits; budget : cores that "auto" may take, default all that work. rate : spikes of a neuron in a step that
    placement reckons with, 0 .. 1. dead_cores : positions (x, y) that do not work; dead_links : pairs of neighbouring
    positions between which nothing passes.
    Raises, before anything is built: FormatError for a chip that is none, ParameterError for an argument out of range,
    CapacityError or UnsupportedError with everything that the chip cannot hold or compute.
    """
    kind("map_network.network", network, IntNetwork | IntGraph, "Call quantise() first.")
    choice("map_network.placement", placement, tuple(PLACEMENTS))
    choice("map_network.weight_storage", weight_storage, STORAGES)
    check_folding("map_network", fold, budget)
    whole("map_network.seed", seed, 0, 2**32 - 1, "It seeds the placement.")
    check_balance("map_network", balance, network)
    check_fan_out("map_network", fan_out)
    number("map_network.rate", rate, 0, 1, "It is a share of the steps.")
    chip = open_chip(chip, chips)
    cores_dead, links_dead = known_faults(chip, dead_cores, dead_links)
    grid = Grid(chip, cores_dead, links_dead)
    free = grid.free_slots()

    # 1 to 5: what lies on which core
    needs, tiles, copies = on_cores(network, chip, weight_storage, grid, fold, budget, balance, fan_out)
    limits.refuse(needs.violations)
    # 6: a place for each core, near to those it talks to
    found = flows(network, tiles, copies)
    between = traffic(found, needs.cores, rate)
    slots = PLACEMENTS[placement](between, free, grid.columns, seed)
    slots.setflags(write=False)
    # 7: the way of each packet
    routed = chains(found, slots, grid)

    return Mapping(
        network,
        chip,
        tuple(tiles),
        needs.cores,
        slots,
        routed,
        weight_storage=weight_storage,
        placement=placement,
        seed=seed,
        dead_cores=cores_dead,
        dead_links=links_dead,
        copies=copies,
        fan_out=fan_out,
    )


def estimate(
    network: IntNetwork | IntGraph,
    chip: Chip | str | Path = "tianjic",
    *,
    chips: tuple[int, int] = (1, 1),
    weight_storage: str = "full",
    balance: bool | Rates = False,
    fan_out: int | None = None,
    fold: str | int = "auto",
    budget: int | None = None,
    dead_cores: Iterable[Position] = (),
    dead_links: Iterable[Link] = (),
) -> limits.Estimate:
    """Whether and how a network fits, without mapping it. Arguments as of `map_network`; what does not fit is in
    `violations`. Raises FormatError for a chip that is none, ParameterError."""
    kind("estimate.network", network, IntNetwork | IntGraph, "Call quantise() first.")
    choice("estimate.weight_storage", weight_storage, STORAGES)
    check_balance("estimate", balance, network)
    check_fan_out("estimate", fan_out)
    check_folding("estimate", fold, budget)
    chip = open_chip(chip, chips)
    grid = Grid(chip, *known_faults(chip, dead_cores, dead_links))
    return on_cores(network, chip, weight_storage, grid, fold, budget, balance, fan_out)[0]


def on_cores(
    network: IntNetwork | IntGraph,
    chip: Chip,
    storage: str,
    grid: Grid,
    fold: str | int,
    budget: int | None,
    balance: bool | Rates,
    fan_out: int | None,
) -> tuple[limits.Estimate, list[Tile], tuple[Tile, ...]]:
    """The first passes: what the network needs and breaks, its tiles, and those of copies."""
    # 1 to 3: what the network needs (limits), in tiles (partition) that share cores where they can (merge)
    needs, tiles = limits.assess(network, chip, storage, chip.cores - len(grid.free_slots()), fold, budget)
    # 4: the same cores, with as much to do for each
    if needs.fits:
        tiles = balanced(tiles, network, chip, storage, balance)
    # 5: copies of what more cores need than a route may visit
    needs, copies = with_copies(needs, network, chip, tiles, fan_out)
    return needs, tiles, copies


def check_fan_out(where: str, fan_out: int | None) -> None:
    """Refuse what is no number of cores. Raises ParameterError."""
    if fan_out is not None:
        whole(f"{where}.fan_out", fan_out, 1, float("inf"), "It is a number of cores on a route; None sets no limit.")


def check_folding(where: str, fold: str | int, budget: int | None) -> None:
    """Refuse what is no fold, or no number of cores. Raises ParameterError."""
    check_fold(f"{where}.fold", fold)
    if budget is not None:
        whole(f"{where}.budget", budget, 1, float("inf"), "It is a number of cores.")


def open_chip(chip: Chip | str | Path, chips: tuple[int, int]) -> Chip:
    """The chip, loaded if it is a name or a path, in an array of so many rows and columns."""
    fits = isinstance(chips, tuple | list) and len(chips) == 2
    require(fits, "map_network.chips", repr(chips), "(rows, columns)", "Give two numbers of chips.")
    one = chip if isinstance(chip, Chip) else load_chip(chip)
    return one if tuple(chips) == (1, 1) else one.array(*chips)


def known_faults(chip: Chip, dead_cores: Any, dead_links: Any) -> tuple[tuple[Position, ...], tuple[Link, ...]]:
    """Dead cores and links, checked, sorted and each once; a link begins at its end nearer to (0, 0)."""
    each = {"dead_cores": (dead_cores, Iterable), "dead_links": (dead_links, Iterable)}
    kinds("map_network", **each)
    columns, rows = int(chip.columns), int(chip.rows)
    inside = f"positions (x, y) with x below {columns} and y below {rows}"
    cores = {position("map_network.dead_cores", p, columns, rows, inside) for p in dead_cores}
    links = set()
    for link in dead_links:
        where = "map_network.dead_links"
        pair = np.shape(link)[:1] == (2,)
        require(pair, where, repr(link), "pairs of neighbouring positions", "Give ((x, y), (x, y)).")
        a, b = sorted(position(where, p, columns, rows, inside) for p in link)
        apart = abs(a[0] - b[0]) + abs(a[1] - b[1])
        require(apart == 1, where, repr(link), "neighbouring positions", "A link joins neighbours.")
        links.add((a, b))
    return tuple(sorted(cores)), tuple(sorted(links))


def position(where: str, value: Any, columns: int, rows: int, inside: str) -> Position:
    """A place on the grid."""
    fits = np.shape(value) == (2,) and all(isinstance(v, int | np.integer) for v in value)
    fits = fits and 0 <= value[0] < columns and 0 <= value[1] < rows
    require(fits, where, repr(value), inside, "x is the column, y the row.")
    return int(value[0]), int(value[1])
