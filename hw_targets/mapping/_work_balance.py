# SPDX-License-Identifier: BSD-3-Clause
"""Pass 4: the same cores, cut so that the busiest of them has less to do.

`partition` fills cores one after the other: of 784 inputs three cores take 256 each, the fourth 16, and every phase of
the chip waits for the full ones. Here the neurons of a population are cut evenly into as many pieces, and in each piece
the inputs anew over the same synapse cores: where weights are only read, so that each core expects the same number of
spikes; where they are learned, evenly, for all of them are rewritten whether spikes come or not. Numbers of cores stay.
A population with a piece that zeros have left tiles out of stays as it is; so do one behind a convolution, which is cut
by places (fold.py), and one that would no longer fit.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping as ByName
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, finite_array, require
from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._arrange import orders
from synergic.hw_targets.mapping._mapping_data import Tile, incoming
from synergic.hw_targets.mapping._memory import room
from synergic.hw_targets.mapping._partition import fits

Rates = ByName[str, Any]
"""Expected spikes of a neuron and step, by the name of the source or a population: (n,), not negative."""
Range = tuple[int, int]


def check_balance(where: str, balance: bool | Rates, network: Any) -> None:
    """Refuse what is neither a truth value nor rates of the network's neurons. Raises ParameterError."""
    if isinstance(balance, bool):
        return
    allowed = "True, False, or expected spikes {name: (n,)}"
    require(isinstance(balance, ByName), f"{where}.balance", repr(balance), allowed, "True takes neurons alike.")
    sizes = {q.source: q.n_in for q in network.projections}
    for name, rates in balance.items():
        choice(f"{where}.balance", name, tuple(sizes))
        array = finite_array(f"{where}.balance of {name!r}", rates, ((sizes[name],),))
        bad = array[array < 0]
        require(bad.size == 0, f"{where}.balance of {name!r}", f"{bad[:3]}", "0 or more", "It is a mean of spikes.")


def balanced(tiles: Sequence[Tile], network: Any, chip: Chip, storage: str, balance: bool | Rates) -> list[Tile]:
    """The tiles, cut anew on the same cores; as they are where `balance` is False."""
    if balance is False:
        return list(tiles)
    order = orders(network)  # tiles count the neurons of a picture as the mapping does
    rates = {} if balance is True else {name: np.asarray(r)[order.get(name, ...)] for name, r in balance.items()}
    projections, ends = {p.name: p for p in network.projections}, incoming(network)
    found: list[Tile] = []
    for population in network.ordered:
        mine = [t for t in tiles if t.population == population.name]
        if any(p.convolution is not None for p in ends[population.name]):
            found += mine
            continue
        new = recut(mine, population.size, ends[population.name], int(chip.axons), rates)
        held: dict[int, list[Tile]] = {}
        for t in new:
            held.setdefault(t.core, []).append(t)
        sound = all(len(on) == 1 or fits(on, projections, room(population, chip), storage) for on in held.values())
        found += new if sound else mine
    return found


def recut(tiles: list[Tile], size: int, into: Any, axons: int, rates: Rates) -> list[Tile]:
    """The tiles of a population, its neurons and inputs cut anew; unchanged where tiles are missing."""
    pieces: dict[Range, list[Tile]] = {}
    for t in tiles:
        pieces.setdefault(t.rows, []).append(t)
    inputs = sum(p.n_in for p in into)
    if any(sum(t.columns[1] - t.columns[0] for t in held) < inputs for held in pieces.values()):
        return tiles
    found: list[Tile] = []
    for rows, held in zip(evenly(size, len(pieces)), pieces.values(), strict=True):
        slow = [t for t in held if not t.local_cores]
        with_local = {t.core for t in held if t.local_cores}
        free = [t for t in slow if t.core not in with_local]
        found += [replace(t, rows=rows) for t in slow if t.core in with_local]
        for p in into:
            mine = [t for t in held if t.projection == p.name and t.local_cores]
            found += [replace(t, rows=rows, columns=c) for t, c in zip(mine, evenly(p.n_in, len(mine)), strict=True)]
        found += spread(free, rows, axons, {p.name: rates.get(p.source, np.ones(p.n_in)) for p in into})
    taken: dict[int, int] = {}
    for i, t in enumerate(found):  # tiles that share a core take its axons one after the other
        found[i] = replace(t, axon=taken.get(t.core, 0))
        taken[t.core] = found[i].axon + t.columns[1] - t.columns[0]
    return found


def spread(tiles: list[Tile], rows: Range, axons: int, rates: dict[str, Any]) -> list[Tile]:
    """Tiles without local weights, their inputs side by side cut anew over their cores by expected spikes."""
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
    """[0, size) in so many pieces, as equal as whole numbers allow."""
    edges = [size * i // parts for i in range(parts + 1)] if parts else []
    return list(itertools.pairwise(edges))


def cut_by(expected: npt.NDArray[np.float64], parts: int, most: int) -> list[Range]:
    """[0, n) in so many pieces of 1 to `most`, so that the largest sum of a piece is as small as it can be.

    By bisection over that sum: pieces as long as it allows, from the left, are as few as possible.
    """
    n = len(expected)
    # Inputs that never spike still take axons: a trace of activity spreads them too.
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


def pieces_under(total: npt.NDArray[np.float64], bound: float, most: int) -> list[Range]:
    """Pieces from the left, each as long as `bound` and `most` allow; total : running sums, (n + 1,)."""
    found, start, n = [], 0, len(total) - 1
    while start < n:
        end = int(np.searchsorted(total, total[start] + bound * (1 + 1e-12), "right")) - 1
        end = min(max(end, start + 1), start + most, n)
        found.append((start, end))
        start = end
    return found
