# SPDX-License-Identifier: BSD-3-Clause
"""Pass 7: the way of every packet, along x and then along y, in chains through the cores that need it.

A neuron has one route for each kind of packet: where several cores need it, the packet visits one after the other,
each keeping a copy and sending it on (multicast by a chain). The next stop is the nearest one left. Where a dead core
or link lies in the way, the packet goes the shortest way around it, in straight pieces: the cores at their ends only
forward it (relays).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import networkx as nx
import numpy as np
import numpy.typing as npt

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._mapping_data import Chain, Link, Position
from synergic.hw_targets.mapping._traffic import Flow


def dimension_order(start: Position, stop: Position) -> tuple[Position, ...]:
    """The cores that a packet visits after `start`: along x, then along y, up to and with `stop`."""
    (x0, y0), (x1, y1) = start, stop
    dx, dy = (1 if x1 > x0 else -1), (1 if y1 > y0 else -1)
    along_x = [(x, y0) for x in range(x0 + dx, x1 + dx, dx)] if x1 != x0 else []
    along_y = [(x1, y) for y in range(y0 + dy, y1 + dy, dy)] if y1 != y0 else []
    return (*along_x, *along_y)


class Grid:
    """The grid of a chip with its known faults: which places work, and ways between them.

    dead_cores : positions; neither the core nor its router works. dead_links : pairs of neighbouring positions.
    """

    def __init__(self, chip: Chip, dead_cores: Collection[Position] = (), dead_links: Collection[Link] = ()) -> None:
        self.columns, self.rows = int(chip.columns), int(chip.rows)
        self.broken = bool(dead_cores or dead_links)
        self.graph = nx.grid_2d_graph(self.columns, self.rows)
        self.graph.remove_nodes_from(dead_cores)
        self.graph.remove_edges_from(dead_links)
        # Cores cut off from the rest cannot be reached: only the largest part that hangs together is used.
        parts = nx.connected_components(self.graph) if self.broken else [self.graph.nodes]
        self.working = max(parts, key=len, default=())

    def free_slots(self) -> npt.NDArray[np.int64]:
        """Places that can be used, y * columns + x, ascending."""
        return np.sort(np.array([y * self.columns + x for x, y in self.working], np.int64))

    def way(self, start: Position, stop: Position) -> tuple[tuple[Position, ...], tuple[int, ...]]:
        """The positions after `start` up to `stop`, and the hops after which a core only forwards."""
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
        """Whether every link of a path works, and with it the cores at its ends."""
        return all(map(self.graph.has_edge, path[:-1], path[1:]))


def chains(found: Iterable[Flow], slots: npt.NDArray[np.int64], grid: Grid) -> tuple[Chain, ...]:
    """The chain of every flow; slots : (cores,) place of each core."""
    y, x = np.divmod(slots, grid.columns)
    at = list(zip(x.tolist(), y.tolist(), strict=True))
    return tuple(chain(flow, at, grid) for flow in found)


def chain(flow: Flow, at: list[Position], grid: Grid) -> Chain:
    """The chain of one flow: each time on to the nearest stop that is left."""
    here, left = at[flow.start], list(flow.stops)
    stops: list[int] = []
    path: list[Position] = []
    arrivals: list[int] = []
    relays: list[int] = []
    while left:
        (x, y), near = here, [at[c] for c in left]
        nearest = min(range(len(left)), key=lambda i: abs(near[i][0] - x) + abs(near[i][1] - y))
        stops.append(left.pop(nearest))
        piece, forwarding = grid.way(here, near[nearest])
        relays += [len(path) + hops for hops in forwarding]
        path += piece
        arrivals.append(len(path))
        here = near[nearest]
    return Chain(flow.kind, flow.start, flow.neurons, tuple(stops), tuple(path), tuple(arrivals), tuple(relays))
