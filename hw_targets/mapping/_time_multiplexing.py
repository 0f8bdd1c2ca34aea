# SPDX-License-Identifier: BSD-3-Clause
"""The number of time-multiplexing passes in a step, which the mapping pass `fold` decides, and the resulting tiles.

More time-multiplexing passes take fewer cores and more phases. "none" is one pass, "full" as many as save cores, a
number at most that many, "auto" the fewest with which the network fits.
"""

from __future__ import annotations

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._arrange import Layer, arranged, layers
from synergic.hw_targets.mapping._fold import best
from synergic.hw_targets.mapping._mapping_data import Tile, core_count, incoming, local_bits, slices_of
from synergic.hw_targets.mapping._memory import room
from synergic.hw_targets.mapping._options import Folding
from synergic.hw_targets.mapping._tiling import Folds, merge, partition, rows_limit
from synergic.network._quantise import IntGraph, IntNetwork

Layers = dict[str, list[Layer]]
"""By population, the convolutions into it that may share weights."""


def most_passes(convolutions: Layers) -> int:
    """Return the largest useful number of time-multiplexing passes: the output positions of the largest image."""
    after = [into[0].convolution.after for into in convolutions.values()]
    return max((height * width for height, width in after), default=1)


def choose(laid: IntNetwork | IntGraph, convolutions: Layers, chip: Chip, storage: str, n_passes: int) -> Folds:
    """Return how each population behind convolutions is cut if a step may have `n_passes` time-multiplexing passes.

    laid : the network as arranged. Populations that do not fit a core's memory at all are left out.
    """
    found = {}
    ends = incoming(laid)
    populations = {p.name: p for p in laid.populations}
    for name, into in convolutions.items():
        names = {layer.name for layer in into}
        beside = sum(-(-p.n_in // int(chip.axons)) for p in ends[name] if p.name not in names)
        fold = best(tuple(into), beside, room(populations[name], chip), storage, n_passes)
        if fold is not None:
            found[name] = (into, fold)
    return found


def folds_for(
    laid: IntNetwork | IntGraph,
    convolutions: Layers,
    chip: Chip,
    storage: str,
    fold: Folding | int,
    available: int,
) -> Folds:
    """Return how each population behind convolutions is cut. available : cores that "auto" may take."""
    most = most_passes(convolutions)
    if fold == "full":
        return choose(laid, convolutions, chip, storage, most)
    if isinstance(fold, int):
        return choose(laid, convolutions, chip, storage, fold)
    unfolded = choose(laid, convolutions, chip, storage, 1)
    if fold == "none" or most == 1:
        return unfolded
    tiles = tiles_of(laid, chip, storage, unfolded)
    if core_count(tiles) <= available:
        return unfolded
    rest = len({c for t in tiles if t.population not in convolutions for c in (*t.cores, t.soma_core)})

    def needed(n_passes: int) -> int:
        """Count the cores with this many time-multiplexing passes, by the folds alone."""
        return rest + sum(f.cores for _, f in choose(laid, convolutions, chip, storage, n_passes).values())

    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if needed(middle) <= available else (middle + 1, high)
    return choose(laid, convolutions, chip, storage, low)


def tiles_of(laid: IntNetwork | IntGraph, chip: Chip, storage: str, folds: Folds) -> list[Tile]:
    """Return the tiles of a network that is cut in a given way, small ones merged. laid : the network as arranged."""
    return merge(partition(laid, chip, storage, folds), laid, chip, storage, folds)


def cut(network: IntNetwork | IntGraph, chip: Chip, storage: str, fold: Folding | int, available: int) -> list[Tile]:
    """Return the tiles of a network on trial, to count them. available : cores that "auto" may take."""
    laid = arranged(network)
    return tiles_of(laid, chip, storage, folds_for(laid, layers(network), chip, storage, fold, available))


def cores_needed(
    network: IntNetwork | IntGraph, chip: Chip, sizes: dict[str, int] | None = None, bits: int | None = None
) -> int:
    """Count the cores that a network takes unfolded.

    Parameters
    ----------
    network : IntNetwork or IntGraph
        An integer network.
    chip : Chip
        The chip, with weights at full width.
    sizes : dict of str to int, optional
        Other numbers of neurons, by the name of a population or the source. The count is then an upper bound,
        because it is not known which tiles are all zeros.
    bits : int, optional
        The most bits of a local weight. The count is then an upper bound, too.

    Returns
    -------
    int
        Number of cores, 1 or more.
    """
    if sizes is None and bits is None:
        return core_count(cut(network, chip, "full", "none", 0))
    return bound(network, chip, "full", sizes or {}, bits)


def bound(network: IntNetwork | IntGraph, chip: Chip, storage: str, sizes: dict[str, int], bits: int | None) -> int:
    """Count the cores of a network if no tile is left out and no core shared."""
    total, ends = 0, incoming(network)
    for population in network.populations:
        into = ends[population.name]
        pieces = -(-sizes.get(population.name, population.size) // rows_limit(into, room(population, chip), storage))
        for p in into:
            columns = -(-sizes.get(p.source, p.n_in) // int(chip.axons))
            width = local_bits(p) if bits is None else min(bits, local_bits(p))
            total += pieces * columns * (1 + slices_of(width, chip))
    return total
