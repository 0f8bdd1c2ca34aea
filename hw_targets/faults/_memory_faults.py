# SPDX-License-Identifier: BSD-3-Clause
"""Faults of memories that hold weights: what each does to an array of them, and to the cores of a mapping.

A folded core stores its weights once for all its time-multiplexing passes: a fault acts in all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from synergic.hw_targets.mapping._mapping_data import Mapping, Tile, block
from synergic.hw_targets.simulation._program import Layout
from synergic.hw_targets.simulation.kernels import Program

Array = npt.NDArray[np.int64]


def dead_synapses(weights: Array, rate: float, bits: int, rng: np.random.Generator) -> Array:
    """Set a random share of the synapses to 0."""
    return np.where(rng.random(weights.shape) < rate, 0, weights)


def stuck_synapses(weights: Array, rate: float, bits: int, rng: np.random.Generator) -> Array:
    """Set a random share of the synapses to the lowest or the highest weight, each equally likely."""
    top = 2 ** (bits - 1)
    stuck = np.where(rng.random(weights.shape) < 0.5, -top, top - 1)
    return np.where(rng.random(weights.shape) < rate, stuck, weights)


def bit_flips(weights: Array, rate: float, bits: int, rng: np.random.Generator) -> Array:
    """Invert every bit of every weight, in two's complement, with probability `rate`."""
    flips = (rng.random((bits, *weights.shape)) < rate).astype(np.int64)
    mask = np.tensordot(2 ** np.arange(bits), flips, 1)
    raw = (weights % 2**bits) ^ mask
    return np.where(raw >= 2 ** (bits - 1), raw - 2**bits, raw)


SYNAPSES: dict[str, Callable[..., Array]] = {
    "dead synapses": dead_synapses,
    "stuck synapses": stuck_synapses,
    "bit flips": bit_flips,
}


def break_cores(mapping: Mapping, layout: Layout, program: Program, fault: str, rate: float, seed: int) -> Program:
    """Return the program with broken slow weights. layout : of the program, core by core.

    Faults are drawn for each memory cell of a synapse core that some tile uses, not for each synapse. A cell that
    several time-multiplexing passes use breaks for all of them. A core's faults depend only on the seed and its number.
    """
    bits = {p.name: p.weight_bits for p in mapping.network.projections}
    on_core: dict[int, list[int]] = defaultdict(list)
    for i, tile in enumerate(layout.tiles):
        on_core[tile.core].append(i)
    weights = program.weights.copy()
    for core, mine in on_core.items():
        tiles = [layout.tiles[i] for i in mine]
        parts = [cells(weights, program.tiles[i]["weights"], tile) for i, tile in zip(mine, tiles, strict=True)]
        stored = np.zeros(block(tiles), np.int64)
        for tile, part in zip(tiles, parts, strict=True):
            stored[place(tile)] = part
        broken = SYNAPSES[fault](
            stored, rate, max(bits[t.projection] for t in tiles), np.random.default_rng((seed, core))
        )
        for tile, part in zip(tiles, parts, strict=True):
            part[...] = broken[place(tile)]
    return program._replace(weights=weights)


def cells(weights: Array, start: int, tile: Tile) -> Array:
    """Return a tile's part of the weights of a program, (rows, axons); a view."""
    rows, columns = tile.rows[1] - tile.rows[0], tile.columns[1] - tile.columns[0]
    return weights[start : start + rows * columns].reshape(columns, rows).T


def place(tile: Tile) -> tuple[slice, slice]:
    """Return where in its core's memory, (rows, axons), a tile's weights are."""
    rows, columns = tile.rows[1] - tile.rows[0], tile.columns[1] - tile.columns[0]
    return slice(0, rows), slice(tile.axon, tile.axon + columns)
