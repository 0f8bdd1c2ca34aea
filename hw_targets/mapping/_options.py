# SPDX-License-Identifier: BSD-3-Clause
"""What one may ask of a mapping: the one list of options, from the command line to the passes, and their checks."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as ByName
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, finite_array, grid, kind, number, require, whole
from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._mapping_data import STORAGES, Link, Position

if TYPE_CHECKING:
    from synergic.network._quantise import IntGraph, IntNetwork

RATE = 0.1
"""Spikes of a neuron in a step, where none are measured: assumed."""
Placement = Literal["first_fit", "greedy", "quadratic_assignment", "annealing"]
Storage = Literal["full", "indexed"]
Folding = Literal["auto", "none", "full"]
FOLDS = get_args(Folding)
Rates = ByName[str, npt.ArrayLike]
"""Expected spikes of a neuron and step, by the name of the source or a population: (n,), not negative."""


class NamedOptions(TypedDict, total=False):
    """The fields of `MappingOptions`, as named arguments of `map_network` and `estimate`; a test compares them."""

    placement: Placement
    seed: int
    chips: tuple[int, int]
    weight_storage: Storage
    balance: bool | Rates
    fan_out: int | None
    fold: Folding | int
    budget: int | None
    rate: float
    dead_cores: Iterable[Position]
    dead_links: Iterable[Link]


@dataclass(frozen=True)
class MappingOptions:
    """What `map_network` and `estimate` are asked for. All fields have defaults.

    Parameters
    ----------
    placement : {"annealing", "greedy", "first_fit", "quadratic_assignment"}
        How the positions of cores are chosen. Default "annealing".
    seed : int, default 0
        Seed of "annealing" and "quadratic_assignment", 0 .. 2^32 - 1.
    chips : (int, int), default (1, 1)
        Rows and columns of chips side by side.
    weight_storage : {"full", "indexed"}
        How a core stores slow weights: at their width, or as indices into a table. Default "full".
    balance : bool or mapping of str to array_like, default False
        Whether to cut so that the busiest core has less to do. True treats all neurons alike.
        A mapping {name: (n,)} has the expected spikes of each neuron of a source or population in a step, 0 or more.
    fan_out : int or None, default None
        The most cores that a chain of spikes may visit, from 1 on. Copies of soma cores serve the other cores.
        None sets no limit.
    fold : {"auto", "none", "full"} or int, default "auto"
        How many output positions of a convolution a core may compute one after another (time-multiplexing):
        "none" for one, "full" for as many as save cores, a number for at most so many, "auto" for the fewest with
        which the network fits.
    budget : int or None, default None
        Cores that fold="auto" may take, from 1 on. None allows all cores that work.
    rate : float, default 0.1
        Spikes of a neuron in a step that placement assumes, 0 .. 1.
    dead_cores : iterable of (int, int), default ()
        Positions (x, y) that do not work. Stored sorted, each once.
    dead_links : iterable of ((int, int), (int, int)), default ()
        Pairs of neighbouring positions between which nothing passes. Stored sorted, each once.

    Raises
    ------
    ParameterError
        If a value is out of its range.
    """

    placement: Placement = "annealing"
    seed: int = 0
    chips: tuple[int, int] = (1, 1)
    weight_storage: Storage = "full"
    balance: bool | Rates = False
    fan_out: int | None = None
    fold: Folding | int = "auto"
    budget: int | None = None
    rate: float = RATE
    dead_cores: Iterable[Position] = ()
    dead_links: Iterable[Link] = ()

    def __post_init__(self) -> None:
        """Check every option that needs neither network nor chip, and bring it into its one form."""
        choice("MappingOptions.placement", self.placement, get_args(Placement))
        whole("MappingOptions.seed", self.seed, 0, 2**32 - 1, "It seeds the placement.")
        object.__setattr__(self, "chips", grid("MappingOptions.chips", self.chips, 2, "(rows, columns)"))
        choice("MappingOptions.weight_storage", self.weight_storage, STORAGES)
        if not isinstance(self.balance, bool):
            allowed = "True, False, or expected spikes {name: (n,)}"
            fits = isinstance(self.balance, ByName)
            require(fits, "MappingOptions.balance", repr(self.balance), allowed, "True treats neurons alike.")
        if self.fan_out is not None:
            remedy = "It is a number of cores on a route; None sets no limit."
            whole("MappingOptions.fan_out", self.fan_out, 1, float("inf"), remedy)
        if isinstance(self.fold, str):
            choice("MappingOptions.fold", self.fold, FOLDS)
        else:
            remedy = f"It is a number of passes; or give one of {FOLDS}."
            most = whole("MappingOptions.fold", self.fold, 1, float("inf"), remedy)
            object.__setattr__(self, "fold", most)
        if self.budget is not None:
            whole("MappingOptions.budget", self.budget, 1, float("inf"), "It is a number of cores.")
        number("MappingOptions.rate", self.rate, 0, 1, "It is a share of the steps.")
        for name in ("dead_cores", "dead_links"):
            kind(f"MappingOptions.{name}", getattr(self, name), Iterable, "Give a list of positions.")
        cores = {position("MappingOptions.dead_cores", p) for p in self.dead_cores}
        object.__setattr__(self, "dead_cores", tuple(sorted(cores)))
        object.__setattr__(self, "dead_links", tuple(sorted({neighbours(link) for link in self.dead_links})))

    def check_against(self, network: IntNetwork | IntGraph, chip: Chip) -> None:
        """Refuse options that this network or this chip does not allow.

        Parameters
        ----------
        network : IntNetwork or IntGraph
            The network to be mapped: `balance` must name its source or populations.
        chip : Chip
            The chip, or the array of chips: dead cores and links must be on its grid.

        Raises
        ------
        ParameterError
            For the first such option.
        """
        columns, rows = int(chip.columns), int(chip.rows)
        inside = f"positions (x, y) with x below {columns} and y below {rows}"
        places = {"dead_cores": self.dead_cores, "dead_links": [end for link in self.dead_links for end in link]}
        for name, positions in places.items():
            for x, y in positions:
                fits = x < columns and y < rows
                require(fits, f"MappingOptions.{name}", (x, y), inside, "x is the column, y the row.")
        if isinstance(self.balance, bool):
            return
        sizes = {q.source: q.n_in for q in network.projections}
        for name, rates in self.balance.items():
            choice("MappingOptions.balance", name, tuple(sizes))
            where = f"MappingOptions.balance of {name!r}"
            array = finite_array(where, rates, ((sizes[name],),))
            bad = array[array < 0]
            require(bad.size == 0, where, f"{bad[:3]}", "0 or more", "It is a mean of spikes.")


def position(where: str, value: Any) -> Position:
    """Return a position as two whole numbers. Raises ParameterError for anything else."""
    fits = np.shape(value) == (2,) and all(isinstance(v, int | np.integer) and v >= 0 for v in value)
    require(fits, where, repr(value), "positions (x, y) of whole numbers from 0 on", "x is the column, y the row.")
    return int(value[0]), int(value[1])


def neighbours(link: Any) -> Link:
    """Return a link with the end nearer to (0, 0) first. Raises ParameterError for what is no link."""
    where = "MappingOptions.dead_links"
    pair = np.shape(link)[:1] == (2,)
    require(pair, where, repr(link), "pairs of neighbouring positions", "Give ((x, y), (x, y)).")
    a, b = sorted(position(where, p) for p in link)
    apart = abs(a[0] - b[0]) + abs(a[1] - b[1])
    require(apart == 1, where, repr(link), "neighbouring positions", "A link joins neighbours.")
    return a, b


def options_of(where: str, options: MappingOptions | None, named: NamedOptions) -> MappingOptions:
    """Return the options of a call: those of an object, if one is given, with named ones in their place."""
    kind(f"{where}.options", options, MappingOptions | None, "Make one, or name the options one by one.")
    return MappingOptions(**named) if options is None else replace(options, **named)
