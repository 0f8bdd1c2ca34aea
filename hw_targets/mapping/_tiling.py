# SPDX-License-Identifier: BSD-3-Clause
"""Cutting a network into tiles, and letting small tiles share a core: what the passes `partition` and `merge` do.

The pass `fold` and the remedies of `limits` cut on trial, to count cores; so this is here and in none of them.

Partition. The neurons of a population are cut into pieces of at most `chip.neurons` (fewer where the memory of a core
is smaller), the inputs of each of its projections into pieces of at most `chip.axons`. Every pair is a tile on a
*synapse core*: it forms an exact partial sum (integers, before any rounding) and sends it to the piece's *soma core*
(its first), which adds the parts, integrates and fires. A plastic projection has its local weights in further *local
cores* of the same shape: one for each `chip.weight_bits` bits of a local weight. A tile of zeros without local weights
is left out. A population behind convolutions that can share weights is cut by output positions instead (`_fold`).

Merge. Tiles of the same neurons share a synapse core where their axons fit together: the core then sends one sum
instead of several, exact as long as that sum stays inside the accumulator, which is checked. Tiles of different
neurons never share a core, although the arithmetic would allow it: the soma core of a neuron would then fire for two
populations, and neither routes nor costs could tell whose packets they count.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from synergic._core.integers import VALUE_MAX
from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._arrange import Layer
from synergic.hw_targets.mapping._fold import Fold, blocks, most_axons, places, together, window
from synergic.hw_targets.mapping._mapping_data import Range, Tile, core_count, incoming, local_bits, slices_of
from synergic.hw_targets.mapping._memory import full_bytes, indexed_bytes, most_neurons, room
from synergic.network._quantise import IntGraph, IntNetwork, IntProjection

Folds = dict[str, tuple[list[Layer], Fold]]
"""By population, the convolutions into it and how they are folded."""


def cuts(size: int, limit: int) -> list[Range]:
    """Cut [0, size) into pieces of at most `limit`."""
    return [(a, min(a + limit, size)) for a in range(0, size, limit)]


def rows_limit(projections: Iterable[IntProjection], chip: Chip, storage: str) -> int:
    """Return how many neurons of a population a core takes. At least 1: `limits` refuses a memory too small for it."""
    local = any(p.rule is not None for p in projections)
    return max(1, min(most_neurons(chip, storage, plastic) for plastic in {False, local}))


def partition(
    network: IntNetwork | IntGraph, chip: Chip, storage: str = "full", chosen: Folds | None = None
) -> list[Tile]:
    """Return the tiles of all projections, each on cores of its own, numbered piece by piece.

    network : arranged. chosen : how to cut populations behind convolutions.
    """
    tiles: list[Tile] = []
    free, ends = 0, incoming(network)
    for population in network.ordered:
        into = ends[population.name]
        if chosen and population.name in chosen:
            layers, fold = chosen[population.name]
            names = {layer.name for layer in layers}
            beside = [p for p in into if p.name not in names]
            tiles += cut_places(population.name, layers, fold, beside, room(population, chip), storage, free)
            free = core_count(tiles)
            continue
        for rows in cuts(population.size, rows_limit(into, room(population, chip), storage)):
            soma = free
            for p in into:
                for columns in cuts(p.n_in, int(chip.axons)):
                    if is_empty(p, rows, columns) and not (p is into[-1] and columns[1] == p.n_in and free == soma):
                        continue  # but the last of a piece stays if it is alone: neurons need a soma core
                    extra = slices_of(local_bits(p), chip)
                    local = tuple(range(free + 1, free + 1 + extra))
                    tiles.append(Tile(p.name, population.name, rows, columns, free, local, soma))
                    free += 1 + extra
    return tiles


def is_empty(p: IntProjection, rows: tuple[int, int], columns: tuple[int, int]) -> bool:
    """Return whether a piece of a projection has neither a weight nor a local weight, now or later."""
    if p.n_out == rows[1] - rows[0] and p.n_in == columns[1] - columns[0]:
        return False  # the whole projection: every projection needs a tile
    at = slice(*rows), slice(*columns)
    mask = None if p.rule is None else getattr(p.rule, "mask", None)
    if p.rule is not None and (mask is None or mask[at].any()):
        return False
    return not p.weights[at].any()


def cut_places(
    population: str, layers: list[Layer], fold: Fold, beside: list[IntProjection], chip: Chip, storage: str, free: int
) -> Iterator[Tile]:
    """Return the tiles of a population behind convolutions, output position by output position.

    beside : its other projections. free : number of the first core that is free.
    """
    numbers = itertools.count(free)
    cores: dict[Any, int] = defaultdict(lambda: next(numbers))
    outs, after = layers[0].outs, layers[0].convolution.after
    most = most_axons(fold.rows, 1, 0, 0, None, chip, storage)
    for number, (y, x, height, wide) in enumerate(places(after, fold.place)):
        a_set, pass_index = divmod(number, fold.n_passes)
        start, size = (y * after[1] + x) * outs, height * wide * outs
        for piece, first in enumerate(range(0, size, fold.rows)):
            rows = start + first, start + min(first + fold.rows, size)
            soma = cores[a_set, piece, layers[0].name, 0]
            for layer in layers:
                own = fold.first if layer is layers[0] else fold.others
                for part, columns, axon in received(layer, fold, own, (y, x, height, wide), chip):
                    core = cores[a_set, piece, layer.name, part]
                    yield Tile(layer.name, population, rows, columns, core, (), soma, pass_index, axon)
            for p in beside:
                for columns in cuts(p.n_in, most):
                    if not is_empty(p, rows, columns):
                        yield Tile(p.name, population, rows, columns, next(numbers), (), soma, pass_index)


def received(
    layer: Layer, fold: Fold, own: int, at: tuple[int, int, int, int], chip: Chip
) -> Iterator[tuple[int, tuple[int, int], int]]:
    """Return what one place receives of a convolution: the number of the block, inputs, their first axon in the block.

    own : axons of its first block. at : first row and column of the place, and how many.
    """
    geometry = layer.convolution
    lines, width, begin = window(geometry, fold.place)
    used, used_width, _ = window(geometry, (at[2], at[3]))
    used_width = width if fold.place[1] == geometry.after[1] else used_width
    rows, columns = geometry.image
    left = begin + at[1] * geometry.stride
    low, high = max(0, left), min(columns, left + used_width)
    parts = blocks(width * layer.ins, len(lines), own, fold.others, together(layer, chip))
    for i, line in enumerate(lines):
        y = line + at[0] * geometry.stride
        if not 0 <= y < rows or low >= high or (line not in used and at[2] < fold.place[0]):
            continue
        from_, to = ((i * width + edge - left) * layer.ins for edge in (low, high))
        for number, (a, b) in enumerate(parts):
            if a < to and from_ < b:
                first, last = max(a, from_), min(b, to)
                column = (y * columns + left) * layer.ins + first - i * width * layer.ins
                yield number, (column, column + last - first), first - a


def merge(
    tiles: list[Tile], network: IntNetwork | IntGraph, chip: Chip, storage: str = "full", apart: Collection[str] = ()
) -> list[Tile]:
    """Return the tiles with cores shared where axons, memory and accumulator allow it, numbered anew without gaps.

    apart : populations that are cut by output positions, whose cores stay as they are.
    """
    projections = {p.name: p for p in network.projections}
    rooms = {p.name: room(p, chip) for p in network.populations}
    host: dict[int, int] = {}  # the core whose place a core takes
    axons: dict[Tile, int] = {}
    several = {t.soma_core for t in tiles if t.core != t.soma_core}
    open_cores: dict[int, list[list[Tile]]] = {}
    for t in tiles:
        if t.soma_core not in several or t.population in apart:
            continue
        beside = open_cores.setdefault(t.soma_core, [])
        found = next((mine for mine in beside if fits([*mine, t], projections, rooms[t.population], storage)), None)
        if found is None:
            beside.append([t])
        else:
            axons[t] = sum(u.columns[1] - u.columns[0] for u in found)
            found.append(t)
            host[t.core] = found[0].core
    if not host:
        return tiles
    used = {host.get(t.core, t.core) for t in tiles} | {t.soma_core for t in tiles}
    used |= {c for t in tiles for c in t.local_cores}
    number = {core: i for i, core in enumerate(sorted(used))}
    return [
        replace(
            t,
            core=number[host.get(t.core, t.core)],
            local_cores=tuple(number[c] for c in t.local_cores),
            soma_core=number[t.soma_core],
            axon=axons.get(t, t.axon),
        )
        for t in tiles
    ]


def fits(tiles: list[Tile], projections: dict[str, IntProjection], chip: Chip, storage: str) -> bool:
    """Return whether tiles of the same neurons can share one synapse core."""
    axons = sum(t.columns[1] - t.columns[0] for t in tiles)
    if axons > int(chip.axons) or len({projections[t.projection].num_message_bits for t in tiles}) > 1:
        return False
    synapses = sum(t.synapses for t in tiles)
    if storage == "full":
        fitting = full_bytes(synapses, chip) <= int(chip.weight_memory)
    else:
        # Each tile alone may fill the table of weights: only narrow weights are sure to fit together.
        narrow = all(2 ** projections[t.projection].weight_bits <= int(chip.weight_values) for t in tiles)
        fitting = narrow and indexed_bytes(synapses, chip) <= int(chip.sram)
    return fitting and sum(largest_sum(projections[t.projection], t) for t in tiles) < 2 ** (
        int(chip.accumulator_bits) - 1
    )


def largest_sum(p: IntProjection, tile: Tile) -> int:
    """Return the largest possible |partial sum| of the tile's slow weights, for any input."""
    largest = VALUE_MAX if p.num_message_bits else 1
    return largest * int(np.abs(p.weights[tile.slices]).sum(axis=1).max())
