# SPDX-License-Identifier: BSD-3-Clause
"""The grid of cores with its known faults: which positions work, and the path of a packet between two of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import networkx as nx
import numpy as np

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._mapping_data import Link, Position, Slots


def dimension_order(start: Position, stop: Position) -> tuple[Position, ...]:
    """Return the way of a packet on a grid without faults: along x, then along y.

    Parameters
    ----------
    start, stop : (int, int)
        Positions (x, y): column and row.

    Returns
    -------
    tuple of (int, int)
        The positions after `start`, neighbour by neighbour, up to and with `stop`. Empty if both are the same.
    """
    (x0, y0), (x1, y1) = start, stop
    dx, dy = (1 if x1 > x0 else -1), (1 if y1 > y0 else -1)
    along_x = [(x, y0) for x in range(x0 + dx, x1 + dx, dx)] if x1 != x0 else []
    along_y = [(x1, y) for y in range(y0 + dy, y1 + dy, dy)] if y1 != y0 else []
    return (*along_x, *along_y)


class Grid:
    """The grid of a chip with its known faults.

    Parameters
    ----------
    chip : Chip
        Its rows and columns are used.
    dead_cores : iterable of (int, int), default ()
        Positions (x, y) at which neither the core nor its router works.
    dead_links : iterable of ((int, int), (int, int)), default ()
        Pairs of neighbouring positions between which nothing passes.
    """

    def __init__(self, chip: Chip, dead_cores: Iterable[Position] = (), dead_links: Iterable[Link] = ()) -> None:
        """Build the graph of working cores."""
        self.columns: int = int(chip.columns)
        self.rows: int = int(chip.rows)
        self.broken: bool = bool(dead_cores or dead_links)
        self.graph: Any = nx.grid_2d_graph(self.columns, self.rows)
        self.graph.remove_nodes_from(dead_cores)
        self.graph.remove_edges_from(dead_links)
        # No packet gets to cores that are cut off from the rest: only the largest connected part is used.
        parts = nx.connected_components(self.graph) if self.broken else [self.graph.nodes]
        self.working: Collection[Position] = max(parts, key=len, default=())

    def free_slots(self) -> Slots:
        """Return the positions that can be used, y * columns + x, ascending."""
        return np.sort(np.array([y * self.columns + x for x, y in self.working], np.int64))

    def way(self, start: Position, stop: Position) -> tuple[tuple[Position, ...], tuple[int, ...]]:
        """Return the positions after `start` up to `stop`, and the hops after which a core only forwards."""
        straight = dimension_order(start, stop)
        if not self.broken or self.works((start, *straight)):
            return straight, ()
        around = nx.bidirectional_shortest_path(self.graph, start, stop)[1:]
        relays, leg, path = [], start, tuple(around)
        begin = 0
        for i in range(len(path)):
            if path[begin : i + 1] != dimension_order(leg, path[i]):
                relays.append(i)
                leg, begin = path[i - 1], i
        return path, tuple(relays)

    def works(self, path: Sequence[Position]) -> bool:
        """Return whether every link of a path works, and with it the cores at its ends."""
        return all(map(self.graph.has_edge, path[:-1], path[1:]))
