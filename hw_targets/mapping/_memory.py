# SPDX-License-Identifier: BSD-3-Clause
"""The memory of a core in its two forms. Which of them the chip has is not known, hence both.

"full" : a weight takes whole bytes, and a core has `chip.weight_memory` of them. "indexed" : a core has only
`chip.sram` bytes, for a table of `chip.weight_values` weights and an index a synapse; so at most that many different
weights a core. Local weights change one by one and are never indexed: in both forms they take whole bytes.

A folded core stores its weights once for all its time-multiplexing passes. This assumes that a core can do so, and
reads other inputs in each pass. Two more things are assumed to take the same memory: the state of a soma core's neurons
beyond `chip.neurons`, membranes and the like in whole bytes; and inputs beyond `chip.axons`, a bit of a spike and 8 of
a value, twice: one half fills while the other is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._mapping_data import Tile, block
from synergic.network._quantise import IntGraph, IntNetwork, IntPopulation, IntProjection
from synergic.neurons import Table
from synergic.numerics.fixed import TABLE_SIZE


def bytes_each(chip: Chip) -> int:
    """Return the bytes of a weight at full width."""
    return -(-int(chip.weight_bits) // 8)


def index_bits(chip: Chip) -> int:
    """Return the bits of an index into the table of a core."""
    return (int(chip.weight_values) - 1).bit_length()


def full_bytes(synapses: int, chip: Chip) -> int:
    """Return the bytes of a number of weights at full width."""
    return synapses * bytes_each(chip)


def indexed_bytes(synapses: int, chip: Chip) -> int:
    """Return the bytes of a number of indexed weights and their table."""
    return int(chip.weight_values) * bytes_each(chip) + -(-synapses * index_bits(chip) // 8)


def fold_bytes(neurons: int, words: int, inputs: int, bits: int, chip: Chip) -> int:
    """Return the bytes that a folded core needs in addition to its weights.

    neurons : of all time-multiplexing passes, if it is their soma core. words : of each neuron. inputs : different ones
    of all passes. bits : of each input.
    """
    membranes = max(0, neurons - int(chip.neurons)) * words * -(-int(chip.membrane_bits) // 8)
    return membranes + -(-2 * bits * max(0, inputs - int(chip.axons)) // 8)


def weight_bytes(synapses: int, chip: Chip, storage: str) -> int:
    """Return the bytes of the slow weights of a core in a form of storage."""
    return full_bytes(synapses, chip) if storage == "full" else indexed_bytes(synapses, chip)


def core_bytes(chip: Chip, storage: str) -> int:
    """Return the bytes that a core has in a form of storage."""
    return int(chip.weight_memory if storage == "full" else chip.sram)


def table_bytes(population: IntPopulation) -> int:
    """Return the bytes of the table in a soma core of a population: an 8-bit value an entry."""
    return TABLE_SIZE if isinstance(population.neuron, Table) else 0


def room(population: IntPopulation, chip: Chip) -> Chip:
    """Return the chip with the memory of indexed weights that the population's table leaves, on all its cores."""
    taken = table_bytes(population)
    return chip if taken == 0 else replace(chip, sram=replace(chip.sram, value=chip.sram.value - taken))


def most_neurons(chip: Chip, storage: str, local: bool) -> int:
    """Return how many neurons fit the memory of a core with all its axons. local : whether it stores local weights."""
    axons = int(chip.axons)
    if storage == "full":
        fitting = int(chip.weight_memory) // full_bytes(axons, chip)
    elif local:
        fitting = int(chip.sram) // full_bytes(axons, chip)
    else:
        table = int(chip.weight_values) * bytes_each(chip)
        fitting = (int(chip.sram) - table) * 8 // max(1, axons * index_bits(chip))
    return max(0, min(int(chip.neurons), fitting))


def different_weights(p: IntProjection, tiles: Iterable[Tile]) -> int:
    """Count the different slow weights of some tiles of a projection."""
    parts = [np.unique(p.weights[t.slices]) for t in tiles]
    return len(np.unique(np.concatenate(parts)))


@dataclass(frozen=True)
class Memory:
    """Bytes that the weights of a mapping take in both forms of storage. A shared weight counts once.

    The indexed form includes the tables of somas. Where a core stores them beside weights of full width is not known.

    Attributes
    ----------
    full : int
        Bytes over all cores, slow weights at full width.
    full_largest : int
        Bytes in the fullest core, slow weights at full width.
    indexed : int
        Bytes over all cores, slow weights as indices.
    slow_cores : int
        Cores with slow weights.
    indexed_cores : int
        Of `slow_cores`, those whose weights fit as indices: by bytes, and by number of different weights.
    local_cores : int
        Cores with local weights.
    local_fit : int
        Of `local_cores`, those whose local weights fit the bytes of the indexed form.
    """

    full: int
    full_largest: int
    indexed: int
    slow_cores: int
    indexed_cores: int
    local_cores: int
    local_fit: int

    @property
    def needs_full(self) -> bool:
        """Whether the mapping runs only on a chip that stores weights at full width."""
        return self.indexed_cores < self.slow_cores or self.local_fit < self.local_cores


def memory_of(network: IntNetwork | IntGraph, tiles: Iterable[Tile], chip: Chip) -> Memory:
    """Count the bytes that the weights of a mapping take.

    Parameters
    ----------
    network : IntNetwork or IntGraph
        The network in the order of the mapping: `Mapping.arranged`.
    tiles : iterable of Tile
        All tiles on cores: `Mapping.stored`.
    chip : Chip
        The chip, with its memories and weight widths.

    Returns
    -------
    Memory
        Bytes in both forms of storage, and how many cores each form is enough for.
    """
    projections = {p.name: p for p in network.projections}
    tables = {p.name: table_bytes(p) for p in network.populations}
    slow: dict[int, list[Tile]] = {}
    local: dict[int, int] = {}
    for t in tiles:
        slow.setdefault(t.core, []).append(t)
        local.update(dict.fromkeys(t.local_cores, full_bytes(t.synapses, chip)))
    synapses = {core: math.prod(block(mine)) for core, mine in slow.items()}
    beside = {core: tables[mine[0].population] * any(t.soma_core == core for t in mine) for core, mine in slow.items()}
    full = [full_bytes(n, chip) for n in synapses.values()]
    indexed = {core: indexed_bytes(n, chip) + beside[core] for core, n in synapses.items()}
    fitting = sum(
        indexed[core] <= int(chip.sram) and few_weights(projections, mine, chip) for core, mine in slow.items()
    )
    return Memory(
        full=sum(full) + sum(local.values()),
        full_largest=max([*full, *local.values()]),
        indexed=sum(indexed.values()) + sum(local.values()),
        slow_cores=len(slow),
        indexed_cores=fitting,
        local_cores=len(local),
        local_fit=sum(n <= int(chip.sram) for n in local.values()),
    )


def few_weights(projections: dict[str, IntProjection], tiles: list[Tile], chip: Chip) -> bool:
    """Return whether the tiles of a core have no more different weights than its table has entries."""
    limit = int(chip.weight_values)
    if all(2 ** projections[t.projection].weight_bits <= limit for t in tiles):
        return True
    values = [np.unique(projections[t.projection].weights[t.slices]) for t in tiles]
    return len(np.unique(np.concatenate(values))) <= limit
