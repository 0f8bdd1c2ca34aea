# SPDX-License-Identifier: BSD-3-Clause
"""Folding: cores store a kernel's weights once and compute a convolution in several passes (time-multiplexing).

A *patch* (`place`) is a group of neighbouring output positions: some whole rows of the output image, or some neighbours
in a row, with all channels. All patches have the same weights, but those at the edge receive less. A core takes a
*piece* of a patch's neurons, and a *block* of the axons that a piece needs, as many as fit. All cores of one patch are
a *set*. A set computes one patch in each time-multiplexing pass.

The best patch depends on image, kernel, chip and number of passes: `folds` tries all sensible ones. It reads no weight
matrix, so it can count networks that are too large to unfold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from synergic.errors import CapacityError
from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._arrange import Layer
from synergic.hw_targets.mapping._memory import core_bytes, fold_bytes, weight_bytes
from synergic.network._convolution import Convolution

Span = tuple[int, int]


@dataclass(frozen=True)
class Fold:
    """How a population is folded.

    Attributes
    ----------
    place : (int, int)
        The patch: rows of the output image, and neighbours in a row, that are computed at once.
    n_passes : int
        Time-multiplexing passes: patches that a set of cores computes one after another.
    rows : int
        Neurons of a piece.
    first, others : int
        Axons of a soma core's block, and of the other cores' blocks.
    cores : int
        Cores for all of the population.
    """

    place: Span
    n_passes: int
    rows: int
    first: int
    others: int
    cores: int


def window(geometry: Convolution, place: Span) -> tuple[list[int], int, int]:
    """Return what a patch receives: lines of the input image, number of columns, first column.

    Lines and first column are counted from the patch's own first ones.
    """
    (height, wide), (_, columns) = place, geometry.image
    each = np.arange(height)[:, None] * geometry.stride + np.arange(geometry.kernel[0]) * geometry.dilation
    lines = np.unique(each) - geometry.padding
    if height == geometry.after[0]:  # the only patch from top to bottom: the padding is known
        lines = lines[(lines >= 0) & (lines < geometry.image[0])]
    first = -geometry.padding
    width = (wide - 1) * geometry.stride + (geometry.kernel[1] - 1) * geometry.dilation + 1
    if wide == geometry.after[1]:
        first, width = 0, min(columns, width - geometry.padding)
    return lines.tolist(), width, first


def blocks(line: int, lines: int, first: int, others: int, together: bool) -> list[Span]:
    """Cut the axons of a piece, so many lines of `line` each, into blocks: one of `first`, more of `others`.

    together : whether a block may contain parts of several lines.
    """
    found, start, most = [], 0, first
    while start < line * lines:
        end = start + most if together else min(start + most, (start // line + 1) * line)
        found.append((start, min(end, line * lines)))
        start, most = found[-1][1], others
    return found


def together(layer: Layer, chip: Chip) -> bool:
    """Return whether the sum of several lines fits an accumulator for any input; a single line is not checked."""
    return layer.heavy < 2 ** (int(chip.accumulator_bits) - 1)


def most_axons(
    rows: int, n_passes: int, neurons: int, inputs: int, layer: Layer | None, chip: Chip, storage: str
) -> int:
    """Return the axons of the largest block that fits the memory of a core; 0 if none does.

    rows : neurons of the block. neurons : of a soma core, in all time-multiplexing passes. inputs : of all patches, at
    most. layer : the convolution, which is needed for more than one pass.
    """
    low, high, memory = 0, int(chip.axons), core_bytes(chip, storage)
    while low < high:
        middle = (low + high + 1) // 2
        beside = 0
        if layer is not None and n_passes > 1:
            beside = fold_bytes(neurons, layer.words, min(inputs, middle * n_passes), layer.bits, chip)
        fits = weight_bytes(rows * middle, chip, storage) + beside <= memory
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def places(after: Span, place: Span) -> Iterator[tuple[int, int, int, int]]:
    """Return all patches of an output image in order: first row, first column, rows, columns."""
    for y in range(0, after[0], place[0]):
        for x in range(0, after[1], place[1]):
            yield y, x, min(place[0], after[0] - y), min(place[1], after[1] - x)


def sensible(length: int) -> list[int]:
    """Return the lengths that cut `length` into 1, 2, ... even parts."""
    return sorted({-(-length // n) for n in range(1, length + 1)})


def best(into: tuple[Layer, ...], beside: int, chip: Chip, storage: str, n_passes: int) -> Fold | None:
    """Return the fold with the fewest cores, and of several such folds the one with the fewest passes.

    into : the convolutions into a population. beside : cores of its other inputs for a patch's piece. n_passes : the
    most time-multiplexing passes. Returns None if the memory of a core is too small for any fold.
    """
    allowed = (f for f in folds(into, beside, chip, storage) if f.n_passes <= n_passes)
    return min(allowed, key=lambda f: (f.cores, f.n_passes), default=None)


@cache
def folds(into: tuple[Layer, ...], beside: int, chip: Chip, storage: str) -> tuple[Fold, ...]:
    """Return all sensible folds of a population: every even cut of its image, in every even number of passes."""
    height, wide = into[0].convolution.after
    shapes = [(h, wide) for h in sensible(height)] + [(1, w) for w in sensible(wide) if w < wide]
    return tuple(f for shape in shapes for f in folds_of(into, beside, chip, storage, shape))


def folds_of(into: tuple[Layer, ...], beside: int, chip: Chip, storage: str, place: Span) -> Iterator[Fold]:
    """Return the folds of one patch, with as many passes as the memory of a core allows."""
    height, wide = into[0].convolution.after
    count = -(-height // place[0]) * -(-wide // place[1])
    size = place[0] * place[1] * into[0].outs
    pieces = -(-size // min(size, int(chip.neurons)))
    rows = -(-size // pieces)
    windows = [window(layer.convolution, place)[:2] for layer in into]
    inputs = [layer.ins * layer.convolution.image[0] * layer.convolution.image[1] for layer in into]
    for n_passes in sensible(count):
        first = most_axons(rows, n_passes, rows * n_passes, inputs[0], into[0], chip, storage)
        others = most_axons(rows, n_passes, 0, max(inputs), into[0], chip, storage)
        if not first:
            return
        each = [
            cut_count(width * layer.ins, len(lines), others if i else first, others, together(layer, chip))
            for i, (layer, (lines, width)) in enumerate(zip(into, windows, strict=True))
        ]
        cores = -(-count // n_passes) * pieces * sum(each) + count * pieces * beside
        yield Fold(place, n_passes, rows, first, others, cores)


def cut_count(line: int, lines: int, first: int, others: int, several: bool) -> int:
    """Count the `blocks`."""
    if not several:
        return len(blocks(line, lines, first, others, several))
    return 1 + -(-max(0, line * lines - first) // others)


def count_layers(network: Sequence[Any], chip: Chip, fold: int, storage: str = "full") -> tuple[int, int]:
    """Count the cores and phases a step of a list of populations that is not built; at the edges an upper bound.

    network : of each population its convolutions (a tuple of `Layer`), or (neurons, inputs) of a dense one. fold : the
    most time-multiplexing passes. Raises CapacityError where no core has the memory for a piece.
    """
    cores, n_passes, relays = 0, 1, False
    for into in network:
        if isinstance(into[0], Layer):
            found = best(tuple(into), 0, chip, storage, fold)
            if found is None:
                raise CapacityError(f"count_layers: got {into}, allowed what fits a core. Use a chip with more memory.")
            cores, n_passes = cores + found.cores, max(n_passes, found.n_passes)
            relays = True
        else:
            cores += -(-into[0] // int(chip.neurons)) * -(-into[1] // int(chip.axons))
            relays = relays or into[1] > int(chip.axons)
    return cores, n_passes * (1 + relays)
