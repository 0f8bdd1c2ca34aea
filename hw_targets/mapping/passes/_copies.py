# SPDX-License-Identifier: BSD-3-Clause
"""The pass `copies`: copies of soma cores, where a chain of spikes may not visit as many cores as need them.

A neuron has one route for its spikes. Where `fan_out` limits the cores on it (1: no multicast at all), the neurons of a
soma core are computed once more on cores of their own: same inputs, weights, local weights and partial sums, and so the
same bits. Each copy sends to a part of the cores that need the spikes. A copy has two costs. It takes all the cores
that feed it, and the populations before it have more cores to send to, which may then need copies, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from synergic.hw_targets.mapping._mapping_data import Tile, Violation, core_count, stored_synapses
from synergic.hw_targets.mapping._traffic import flows, spikes_needed
from synergic.hw_targets.mapping.passes._pass import MappingState, Pass
from synergic.network._quantise import IntGraph, IntNetwork


class Copies(Pass):
    """Compute soma cores several times, so that no chain of spikes visits more than `fan_out` cores.

    Option: `fan_out`; None leaves everything as it is. Needs `state.tiles` and `state.needs`, sets `state.copies` and
    counts their cores in `state.needs`.
    """

    name = "copies"
    what = "With `fan_out=n`: which soma cores are computed several times, so that no chain visits more than n cores."

    def __call__(self, state: MappingState) -> MappingState:
        """Copy soma cores of a network that fits."""
        needs, chip, fan_out = state.needs, state.chip, state.options.fan_out
        if fan_out is None or needs is None or not needs.fits:
            return state
        copies = copied(state.network, state.tiles, fan_out, state.available)
        every = (*state.tiles, *copies)
        cores, local = core_count(every), {c for t in every for c in t.local_cores}
        found = []
        if cores > state.available:
            where = f"cores of the model of {chip.name} with fan_out={fan_out}"
            change = "Raise fan_out, or leave it out: one chain then visits all cores that need a spike."
            found.append(Violation(where, f"{cores} or more", f"{state.available}", change))
        more = stored_synapses(copies) / (int(chip.axons) * int(chip.neurons))
        needs = replace(
            needs,
            cores=cores,
            synapse_cores=cores - len(local),
            local_cores=len(local),
            occupancy=(needs.occupancy * needs.cores + more) / cores,
            violations=tuple(found),
        )
        return replace(state, needs=needs, copies=copies)


def copied(network: IntNetwork | IntGraph, tiles: Sequence[Tile], fan_out: int, most: int) -> tuple[Tile, ...]:
    """Return the tiles of as many copies as chains of `fan_out` cores need; stops early beyond `most` cores."""
    of: dict[int, list[Tile]] = {}
    for t in tiles:
        of.setdefault(t.soma_core, []).append(t)
    count = dict.fromkeys(of, 1)
    copies: list[Tile] = []
    free = core_count(tiles)
    while free <= most:
        needed = spikes_needed(flows(network, tiles, copies), tiles, copies)
        wanted = {soma: max(count[soma], -(-len(needed.get(soma, ())) // fan_out)) for soma in of}
        if wanted == count:
            break
        for soma, mine in of.items():
            for _ in range(wanted[soma] - count[soma]):
                new = {
                    core: free + i for i, core in enumerate(dict.fromkeys(c for t in mine for c in (soma, *t.cores)))
                }
                copies += [copy(t, new) for t in mine]
                free += len(new)
                if free > most:
                    return tuple(copies)
        count = wanted
    return tuple(copies)


def copy(tile: Tile, new: dict[int, int]) -> Tile:
    """Return the same piece on other cores. new : number of each."""
    local = tuple(new[c] for c in tile.local_cores)
    return replace(tile, core=new[tile.core], local_cores=local, soma_core=new[tile.soma_core])
