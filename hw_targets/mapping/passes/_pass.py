# SPDX-License-Identifier: BSD-3-Clause
"""What a pass is, and the state that passes hand on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._grid import Grid
from synergic.hw_targets.mapping._mapping_data import Chain, Estimate, Slots, Tile, core_count
from synergic.hw_targets.mapping._options import MappingOptions
from synergic.hw_targets.mapping._tiling import Folds
from synergic.hw_targets.mapping._traffic import Flow, flows
from synergic.network._quantise import IntGraph, IntNetwork


@dataclass(frozen=True, eq=False)
class MappingState:
    """What is decided of a mapping so far. A pass receives one and returns another, made with `dataclasses.replace`.

    Attributes
    ----------
    network : IntNetwork or IntGraph
        The network to be mapped.
    arranged : IntNetwork or IntGraph
        The network with its neurons in the order in which tiles count them, see `Mapping.arranged`.
    chip : Chip
        The chip, or the array of chips.
    options : MappingOptions
        What the user asked for, checked.
    grid : Grid
        The grid of cores without known faults: positions that work, and paths between them.
    folds : dict, default {}
        By population behind convolutions, how it is cut into output positions and time-multiplexing passes. Set by
        `fold`.
    tiles : tuple of Tile, default ()
        Every synapse on its cores. Set by `partition`, changed by `merge` and `balance`.
    needs : Estimate or None, default None
        Cores, phases, and what does not fit. Set by `limits`, changed by `copies`.
    copies : tuple of Tile, default ()
        Tiles of copies of soma cores. Set by `copies`.
    slots : ndarray of int64, (cores,), or None, default None
        Position of each core on the grid, y * columns + x. Set by `placement`.
    chains : tuple of Chain or None, default None
        The route of every packet. Set by `routing`.
    """

    network: IntNetwork | IntGraph
    arranged: IntNetwork | IntGraph
    chip: Chip
    options: MappingOptions
    grid: Grid
    folds: Folds = field(default_factory=dict)
    tiles: tuple[Tile, ...] = ()
    needs: Estimate | None = None
    copies: tuple[Tile, ...] = ()
    slots: Slots | None = None
    chains: tuple[Chain, ...] | None = None

    @property
    def available(self) -> int:
        """Cores of the chip that work and are connected to the others."""
        return len(self.grid.working)

    @property
    def cores(self) -> int:
        """Cores that tiles and copies take."""
        return core_count((*self.tiles, *self.copies))

    @property
    def fits(self) -> bool:
        """Whether nothing is known that does not fit."""
        return self.needs is None or self.needs.fits

    def flows(self) -> list[Flow]:
        """Return which cores send which packets to which other cores.

        Returns
        -------
        list of Flow
            Each has `kind` ("spike", "partial sum" or "membrane"), `start` (core that sends), `neurons` (first, and
            the one after the last) and `stops` (cores that receive).
        """
        return flows(self.network, self.tiles, self.copies)


class Pass(ABC):
    """One step of the mapping. A subclass is a pass; `map_network(passes=...)` runs it.

    Attributes
    ----------
    name : str
        One word, for messages and the documentation.
    what : str
        What the pass decides, as one sentence.
    needs_fit : bool, default False
        Whether the pass needs a network that fits the chip. `map_network` refuses a network that does not fit before
        the first such pass, and `estimate` stops there.

    Notes
    -----
    A pass changes nothing that it receives, and returns a new state. It draws random numbers only from
    `state.options.seed`, so that a mapping can be repeated.
    """

    name: ClassVar[str]
    what: ClassVar[str]
    needs_fit: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, state: MappingState) -> MappingState:
        """Decide something.

        Parameters
        ----------
        state : MappingState
            What the passes before decided.

        Returns
        -------
        MappingState
            The same with what this pass decides.
        """
