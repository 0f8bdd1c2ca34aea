# SPDX-License-Identifier: BSD-3-Clause
"""Faults of memories that hold weights: what each does to an array of them, and to the cores of a mapping.

A core that computes several turns keeps its weights once: what is broken in it is broken in all its turns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.hw_targets.mapping._mapping_data import Mapping, block

Array = npt.NDArray[np.int64]


def dead_synapses(weights: Array, rate: float, bits: int, rng: np.random.Generator) -> Array:
    """A share of the synapses always gives 0."""
    return np.where(rng.random(weights.shape) < rate, 0, weights)


def stuck_synapses(weights: Array, rate: float, bits: int, rng: np.random.Generator) -> Array:
    """A share of the synapses is stuck at the lowest or the highest weight, each as likely."""
    top = 2 ** (bits - 1)
    stuck = np.where(rng.random(weights.shape) < 0.5, -top, top - 1)
    return np.where(rng.random(weights.shape) < rate, stuck, weights)


def bit_flips(weights: Array, rate: float, bits: int, rng: np.random.Generator) -> Array:
    """Every bit of every weight, in two's complement, is inverted with probability `rate`."""
    flips = (rng.random((bits, *weights.shape)) < rate).astype(np.int64)
    mask = np.tensordot(2 ** np.arange(bits), flips, 1)
    raw = (weights % 2**bits) ^ mask
    return np.where(raw >= 2 ** (bits - 1), raw - 2**bits, raw)


SYNAPSES: dict[str, Callable[..., Array]] = {
    "dead synapses": dead_synapses,
    "stuck synapses": stuck_synapses,
    "bit flips": bit_flips,
}


def break_cores(mapping: Mapping, layout: Any, program: Any, fault: str, rate: float, seed: int) -> Any:
    """The program with broken slow weights. layout : of the program, core by core.

    Every cell of a synapse core's memory that some tile uses breaks by itself; cells, not synapses: one that several
    turns use breaks for all of them. A core's faults depend on the seed and its number alone.
    """
    bits = {p.name: p.weight_bits for p in mapping.network.projections}
    held: dict[int, list[int]] = defaultdict(list)
    for i, tile in enumerate(layout.tiles):
        held[tile.core].append(i)
    weights = program.weights.copy()
    for core, mine in held.items():
        tiles = [layout.tiles[i] for i in mine]
        parts = [cells(weights, program.tiles[i]["weights"], tile) for i, tile in zip(mine, tiles, strict=True)]
        kept = np.zeros(block(tiles), np.int64)
        for tile, part in zip(tiles, parts, strict=True):
            kept[place(tile)] = part
        broken = SYNAPSES[fault](
            kept, rate, max(bits[t.projection] for t in tiles), np.random.default_rng((seed, core))
        )
        for tile, part in zip(tiles, parts, strict=True):
            part[...] = broken[place(tile)]
    return program._replace(weights=weights)


def cells(weights: Array, start: int, tile: Any) -> Array:
    """A tile's part of the weights of a program, (rows, axons); a view."""
    rows, columns = tile.rows[1] - tile.rows[0], tile.columns[1] - tile.columns[0]
    return weights[start : start + rows * columns].reshape(columns, rows).T


def place(tile: Any) -> tuple[slice, slice]:
    """Where in its core's memory, (rows, axons), a tile's weights lie."""
    rows, columns = tile.rows[1] - tile.rows[0], tile.columns[1] - tile.columns[0]
    return slice(0, rows), slice(tile.axon, tile.axon + columns)
