# SPDX-License-Identifier: BSD-3-Clause
"""The pass `balance`: the same cores, cut so that the busiest of them has less to do.

`partition` fills cores one after the other: of 784 inputs three cores take 256 each, the fourth 16, and every phase of
the chip waits for the full ones. Here the neurons of a population are cut evenly into as many pieces, and in each piece
the inputs anew over the same synapse cores: where weights are only read, so that each core expects the same number of
spikes; where they are learned, evenly, for all of them are rewritten whether spikes come or not. Numbers of cores stay.
Three kinds of population stay as they are: one where a tile of zeros was left out, one behind a convolution, which is
cut by output positions, and one that would no longer fit.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._arrange import orders
from synergic.hw_targets.mapping._mapping_data import Range, Tile, incoming
from synergic.hw_targets.mapping._memory import room
from synergic.hw_targets.mapping._options import Rates
from synergic.hw_targets.mapping._tiling import fits
from synergic.hw_targets.mapping.passes._pass import MappingState, Pass
from synergic.network._quantise import IntGraph, IntNetwork, IntProjection

Expected = npt.NDArray[np.float64]
"""Expected spikes of each neuron in a step, (n,)."""


class Balance(Pass):
    """Cut neurons and inputs anew over the same cores, so that the busiest core has less to do.

    Option: `balance`; False leaves everything as it is. Needs `state.tiles` and changes them.
    """

    name = "balance"
    what = "With `balance=`: how neurons and inputs are cut anew, so that the busiest core has less to do."

    def __call__(self, state: MappingState) -> MappingState:
        """Balance the tiles of a network that fits."""
        asked = state.options
        if asked.balance is False or not state.fits:
            return state
        rates: Rates = asked.balance if not isinstance(asked.balance, bool) else {}
        tiles = balanced(state.tiles, state.network, state.chip, asked.weight_storage, rates)
        return replace(state, tiles=tuple(tiles))


def balanced(
    tiles: Sequence[Tile], network: IntNetwork | IntGraph, chip: Chip, storage: str, given: Rates
) -> list[Tile]:
    """Return the tiles, cut anew on the same cores. given : expected spikes; neurons without are treated alike."""
    order = orders(network)  # tiles count the neurons of an image as the mapping does
    rates = {name: np.asarray(r)[order.get(name, ...)] for name, r in given.items()}
    projections, ends = {p.name: p for p in network.projections}, incoming(network)
    found: list[Tile] = []
    for population in network.ordered:
        mine = [t for t in tiles if t.population == population.name]
        if any(p.convolution is not None for p in ends[population.name]):
            found += mine
            continue
        new = recut(mine, population.size, ends[population.name], int(chip.axons), rates)
        on_core: dict[int, list[Tile]] = {}
        for t in new:
            on_core.setdefault(t.core, []).append(t)
        left = room(population, chip)
        sound = all(len(on) == 1 or fits(on, projections, left, storage) for on in on_core.values())
        found += new if sound else mine
    return found


def recut(
    tiles: list[Tile], size: int, into: Sequence[IntProjection], axons: int, rates: dict[str, Expected]
) -> list[Tile]:
    """Return the tiles of a population, its neurons and inputs cut anew; unchanged where tiles are missing."""
    pieces: dict[Range, list[Tile]] = {}
    for t in tiles:
        pieces.setdefault(t.rows, []).append(t)
    inputs = sum(p.n_in for p in into)
    if any(sum(t.columns[1] - t.columns[0] for t in mine) < inputs for mine in pieces.values()):
        return tiles
    found: list[Tile] = []
    for rows, piece in zip(evenly(size, len(pieces)), pieces.values(), strict=True):
        slow = [t for t in piece if not t.local_cores]
        with_local = {t.core for t in piece if t.local_cores}
        free = [t for t in slow if t.core not in with_local]
        found += [replace(t, rows=rows) for t in slow if t.core in with_local]
        for p in into:
            mine = [t for t in piece if t.projection == p.name and t.local_cores]
            found += [replace(t, rows=rows, columns=c) for t, c in zip(mine, evenly(p.n_in, len(mine)), strict=True)]
        found += spread(free, rows, axons, {p.name: rates.get(p.source, np.ones(p.n_in)) for p in into})
    taken: dict[int, int] = {}
    for i, t in enumerate(found):  # tiles that share a core take its axons one after the other
        found[i] = replace(t, axon=taken.get(t.core, 0))
        taken[t.core] = found[i].axon + t.columns[1] - t.columns[0]
    return found


def spread(tiles: list[Tile], rows: Range, axons: int, rates: dict[str, Expected]) -> list[Tile]:
    """Return tiles without local weights, their inputs side by side cut anew over their cores by expected spikes."""
    cores = list(dict.fromkeys(t.core for t in tiles))
    if not cores:
        return []
    expected = np.concatenate([np.asarray(rates[t.projection], float)[t.slices[1]] for t in tiles])
    starts = np.cumsum([0, *(t.columns[1] - t.columns[0] for t in tiles)])
    found: list[Tile] = []
    for core, (first, last) in zip(cores, cut_by(expected, len(cores), axons), strict=True):
        for t, start in zip(tiles, starts[:-1].tolist(), strict=True):
            a, b = (min(max(edge - start + t.columns[0], t.columns[0]), t.columns[1]) for edge in (first, last))
            if a >= b:
                continue
            before = found[-1] if found else None
            if before and (before.core, before.projection, before.columns[1]) == (core, t.projection, a):
                found[-1] = replace(before, columns=(before.columns[0], b))
            else:
                found.append(replace(t, rows=rows, columns=(a, b), core=core))
    return found


def evenly(size: int, parts: int) -> list[Range]:
    """Cut [0, size) into a number of pieces, as equal as whole numbers allow."""
    edges = [size * i // parts for i in range(parts + 1)] if parts else []
    return list(itertools.pairwise(edges))


def cut_by(expected: Expected, parts: int, most: int) -> list[Range]:
    """Cut [0, n) into a number of pieces of 1 to `most`, so that the largest sum of a piece is as small as it can be.

    Bisection over that sum: pieces from the left, each as long as the sum allows, are as few as possible.
    """
    n = len(expected)
    # Inputs that never spike still take axons: a small share spreads them too.
    total = np.concatenate([[0.0], np.cumsum(expected + 1e-9 * (expected.max() + 1))])
    low, high = float(np.diff(total).max()), float(total[-1])
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if len(pieces_under(total, middle, most)) <= parts else (middle, high)
    found = pieces_under(total, high, most)
    while len(found) < parts:  # an even split of the longest costs nothing
        i = max(range(len(found)), key=lambda k: found[k][1] - found[k][0])
        a, b = found[i]
        found[i : i + 1] = [(a, (a + b) // 2), ((a + b) // 2, b)]
    assert found[-1][1] == n
    return found


def pieces_under(total: Expected, bound: float, most: int) -> list[Range]:
    """Return pieces from the left, each as long as `bound` and `most` allow; total : running sums, (n + 1,)."""
    found, start, n = [], 0, len(total) - 1
    while start < n:
        end = int(np.searchsorted(total, total[start] + bound * (1 + 1e-12), "right")) - 1
        end = min(max(end, start + 1), start + most, n)
        found.append((start, end))
        start = end
    return found
