# SPDX-License-Identifier: BSD-3-Clause
"""Pass 2 and 3 for a whole network: how many turns a step has, and the tiles that follow.

More turns take fewer cores and more phases. "none" is one turn, "full" as many as save cores, a number at most so many,
"auto" the fewest with which the network fits.
"""

from __future__ import annotations

from typing import Any

from synergic._core.checks import choice, whole
from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._arrange import Layer, arranged, layers
from synergic.hw_targets.mapping._fold import best
from synergic.hw_targets.mapping._mapping_data import Tile
from synergic.hw_targets.mapping._memory import room
from synergic.hw_targets.mapping._partition import Folds, core_count, merge, partition

FOLDS = ("auto", "none", "full")


def check_fold(where: str, fold: str | int) -> None:
    """Refuse what is no fold. Raises ParameterError."""
    if isinstance(fold, str):
        choice(where, fold, FOLDS)
    else:
        whole(where, fold, 1, float("inf"), f"It is a number of turns; or give one of {FOLDS}.")


def most_turns(convolutions: dict[str, list[Layer]]) -> int:
    """As many as there are pixels in the largest picture that comes out."""
    after = [into[0].convolution.after for into in convolutions.values()]
    return max((height * width for height, width in after), default=1)


def choose(laid: Any, convolutions: dict[str, list[Layer]], chip: Chip, storage: str, turns: int) -> Folds:
    """How each population behind convolutions is cut if a step may have so many turns; without those that do not fit a
    core's memory at all. laid : the network as arranged."""
    found = {}
    for name, into in convolutions.items():
        names = {layer.name for layer in into}
        beside = sum(-(-p.n_in // int(chip.axons)) for p in laid.into(name) if p.name not in names)
        fold = best(tuple(into), beside, room(laid.population(name), chip), storage, turns)
        if fold is not None:
            found[name] = (into, fold)
    return found


def cut(network: Any, chip: Chip, storage: str, fold: str | int, available: int) -> tuple[Any, list[Tile]]:
    """The network as arranged, and its tiles. available : cores that "auto" may take."""
    laid, convolutions = arranged(network), layers(network)

    def tiles_with(turns: int) -> list[Tile]:
        chosen = choose(laid, convolutions, chip, storage, turns)
        return merge(partition(laid, chip, storage, chosen), laid, chip, storage, chosen)

    most = most_turns(convolutions)
    if fold != "auto":
        return laid, tiles_with({"none": 1, "full": most}[fold] if isinstance(fold, str) else fold)
    plain = tiles_with(1)
    if core_count(plain) <= available or most == 1:
        return laid, plain
    rest = len({c for t in plain if t.population not in convolutions for c in (*t.cores, t.soma_core)})

    def needed(turns: int) -> int:
        return rest + sum(f.cores for _, f in choose(laid, convolutions, chip, storage, turns).values())

    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if needed(middle) <= available else (middle + 1, high)
    return laid, tiles_with(low)
