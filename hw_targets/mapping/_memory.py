# SPDX-License-Identifier: BSD-3-Clause
"""The memory of a core in its two forms: which of them a mapping needs is not known of the chip, hence both.

"full" : a weight takes whole bytes, and a core has `chip.weight_memory` of them. "indexed" : a core has only
`chip.sram` bytes, for a table of `chip.weight_values` weights and an index a synapse; so at most that many different
weights a core. Local weights change one by one and are never indexed: in both forms they take whole bytes.

A folded core keeps its weights once for all its turns (assumed: that a core can, and reads other inputs in each). What
it needs beside them is assumed to lie in the same memory: what a soma core's neurons beyond `chip.neurons` keep from
step to step, membranes and the like in whole bytes; and inputs beyond `chip.axons`, a bit of a spike and 8 of a value,
twice: one half fills while the other is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._mapping_data import Tile, block
from synergic.network._quantise import IntProjection
from synergic.neurons import Table
from synergic.numerics.fixed import TABLE_SIZE


def bytes_each(chip: Chip) -> int:
    """Bytes of a weight at full width."""
    return -(-int(chip.weight_bits) // 8)


def index_bits(chip: Chip) -> int:
    """Bits of an index into the table of a core."""
    return (int(chip.weight_values) - 1).bit_length()


def full_bytes(synapses: int, chip: Chip) -> int:
    """Bytes of so many weights at full width."""
    return synapses * bytes_each(chip)


def indexed_bytes(synapses: int, chip: Chip) -> int:
    """Bytes of so many indexed weights and their table."""
    return int(chip.weight_values) * bytes_each(chip) + -(-synapses * index_bits(chip) // 8)


def fold_bytes(neurons: int, words: int, inputs: int, bits: int, chip: Chip) -> int:
    """Bytes of a folded core beside its weights. neurons : of all turns, if it is their soma core, each of so many
    words; inputs : different ones of all turns, of so many bits."""
    membranes = max(0, neurons - int(chip.neurons)) * words * -(-int(chip.membrane_bits) // 8)
    return membranes + -(-2 * bits * max(0, inputs - int(chip.axons)) // 8)


def weight_bytes(synapses: int, chip: Chip, storage: str) -> int:
    """Bytes of the slow weights of a core in a form of storage."""
    return full_bytes(synapses, chip) if storage == "full" else indexed_bytes(synapses, chip)


def core_bytes(chip: Chip, storage: str) -> int:
    """Bytes that a core has in a form of storage."""
    return int(chip.weight_memory if storage == "full" else chip.sram)


def table_bytes(population: Any) -> int:
    """Bytes of the table in a soma core of a population: an 8-bit value an entry."""
    return TABLE_SIZE if isinstance(population.neuron, Table) else 0


def room(population: Any, chip: Chip) -> Chip:
    """The chip with the memory of indexed weights that the population's table leaves (taken off all its cores)."""
    taken = table_bytes(population)
    return chip if taken == 0 else replace(chip, sram=replace(chip.sram, value=chip.sram.value - taken))


def most_neurons(chip: Chip, storage: str, local: bool) -> int:
    """Neurons that a core with all its axons can hold by its memory; local : whether it holds local weights."""
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
    """Different slow weights of some tiles of a projection."""
    parts = [np.unique(p.weights[t.slices]) for t in tiles]
    return len(np.unique(np.concatenate(parts)))


@dataclass(frozen=True)
class Memory:
    """Bytes of the weights, over all cores and in the fullest core, in both forms; a shared weight counts once. The
    indexed form holds the tables of somas, too; where they lie beside weights of full width is not known.

    indexed_cores : synapse cores whose weights fit indexed (bytes and number of different weights); of `slow_cores`.
    local_fit : local cores whose local weights fit the bytes of the indexed form; of `local_cores`.
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


def memory_of(network: Any, tiles: Iterable[Tile], chip: Chip) -> Memory:
    """What the weights of a mapping take."""
    projections = {p.name: p for p in network.projections}
    tables = {p.name: table_bytes(p) for p in network.populations}
    slow: dict[int, list[Tile]] = {}
    local: dict[int, int] = {}
    for t in tiles:
        slow.setdefault(t.core, []).append(t)
        local.update(dict.fromkeys(t.local_cores, full_bytes(t.synapses, chip)))
    synapses = {core: math.prod(block(held)) for core, held in slow.items()}
    beside = {core: tables[held[0].population] * any(t.soma_core == core for t in held) for core, held in slow.items()}
    full = [full_bytes(n, chip) for n in synapses.values()]
    indexed = {core: indexed_bytes(n, chip) + beside[core] for core, n in synapses.items()}
    fitting = sum(
        indexed[core] <= int(chip.sram) and few_weights(projections, held, chip) for core, held in slow.items()
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


def few_weights(projections: dict[str, IntProjection], held: list[Tile], chip: Chip) -> bool:
    """Whether the tiles of a core have no more different weights than its table has entries."""
    limit = int(chip.weight_values)
    if all(2 ** projections[t.projection].weight_bits <= limit for t in held):
        return True
    values = [np.unique(projections[t.projection].weights[t.slices]) for t in held]
    return len(np.unique(np.concatenate(values))) <= limit
