# SPDX-License-Identifier: BSD-3-Clause
"""Pass 5: copies of soma cores, where a chain of spikes may not visit as many cores as need them.

A neuron has one route for its spikes. Where `fan_out` limits the cores on it (1: no multicast at all), the neurons of a
soma core are computed once more on cores of their own: same inputs, weights, local weights and partial sums, and so the
same bits. Each copy sends to a part of the cores that need the spikes. What a copy costs: all the cores that feed it,
and that those before it have more cores to send to, which may need copies in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._limits import Estimate, Violation
from synergic.hw_targets.mapping._mapping_data import Tile, kept
from synergic.hw_targets.mapping._partition import core_count
from synergic.hw_targets.mapping._traffic import flows, spikes_needed


def with_copies(
    needs: Estimate, network: Any, chip: Chip, tiles: Sequence[Tile], fan_out: int | None
) -> tuple[Estimate, tuple[Tile, ...]]:
    """The estimate with the cores of copies, and their tiles; none where fan_out is None, or nothing fits anyway."""
    if fan_out is None or not needs.fits:
        return needs, ()
    copies = copied(network, tiles, fan_out, needs.available)
    held = (*tiles, *copies)
    cores, local = core_count(list(held)), {c for t in held for c in t.local_cores}
    found = []
    if cores > needs.available:
        where = f"cores of the model of {chip.name} with fan_out={fan_out}"
        change = "Raise fan_out, or leave it out: one chain then visits all cores that need a spike."
        found.append(Violation(where, f"{cores} or more", f"{needs.available}", change))
    more = kept(copies) / (int(chip.axons) * int(chip.neurons))
    return (
        replace(
            needs,
            cores=cores,
            synapse_cores=cores - len(local),
            local_cores=len(local),
            occupancy=(needs.occupancy * needs.cores + more) / cores,
            violations=tuple(found),
        ),
        copies,
    )


def copied(network: Any, tiles: Sequence[Tile], fan_out: int, most: int) -> tuple[Tile, ...]:
    """Tiles of as many copies as chains of at most `fan_out` cores need; ends early where that is over `most` cores."""
    of: dict[int, list[Tile]] = {}
    for t in tiles:
        of.setdefault(t.soma_core, []).append(t)
    count = dict.fromkeys(of, 1)
    copies: list[Tile] = []
    free = core_count(list(tiles))
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
    """The same piece on other cores; new : number of each."""
    local = tuple(new[c] for c in tile.local_cores)
    return replace(tile, core=new[tile.core], local_cores=local, soma_core=new[tile.soma_core])
