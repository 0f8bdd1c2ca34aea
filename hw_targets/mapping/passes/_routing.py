# SPDX-License-Identifier: BSD-3-Clause
"""The pass `routing`: the way of every packet, along x and then along y, in chains through the cores that need it.

A neuron has one route for each kind of packet. Where several cores need the packet, it visits one after the other, and
each stores a copy and sends it on (multicast by a chain). The next stop is the nearest one left. Where a dead core or
link blocks the way, the packet takes the shortest way around it, in straight pieces: the cores at their ends only
forward it (relays).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from synergic._core.checks import require
from synergic.hw_targets.mapping._grid import Grid
from synergic.hw_targets.mapping._mapping_data import Chain, Position, Slots
from synergic.hw_targets.mapping._traffic import Flow
from synergic.hw_targets.mapping.passes._pass import MappingState, Pass


class Routing(Pass):
    """Find the way of every packet: x first, then y, around known faults.

    Needs `state.tiles`, `state.copies` and `state.slots`, sets `state.chains`.
    """

    name = "routing"
    what = "The way of every packet: x first, then y, around dead cores and links."
    needs_fit = True

    def __call__(self, state: MappingState) -> MappingState:
        """Route the packets."""
        places = state.slots
        require(places is not None, "routing.state.slots", None, "a place for each core", "Place the cores before it.")
        assert places is not None
        return replace(state, chains=chains(state.flows(), places, state.grid))


def chains(found: Iterable[Flow], slots: Slots, grid: Grid) -> tuple[Chain, ...]:
    """Return the chain of every flow. slots : (cores,), position of each core."""
    y, x = np.divmod(slots, grid.columns)
    at = list(zip(x.tolist(), y.tolist(), strict=True))
    return tuple(chain(flow, at, grid) for flow in found)


def chain(flow: Flow, at: list[Position], grid: Grid) -> Chain:
    """Return the chain of one flow: each time on to the nearest stop that is left."""
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
