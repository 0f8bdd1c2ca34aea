# SPDX-License-Identifier: BSD-3-Clause
"""The part of the independent checker that knows core modes: what axons hear and somas send."""

from __future__ import annotations

from collections.abc import Iterator

from synergic.hw_targets.mapping._limits import Violation
from synergic.hw_targets.mapping._mapping_data import Mapping, Tile
from synergic.neurons import Table


def unsound(where: str, got: str, allowed: str) -> Violation:
    """A violation that no smaller network mends."""
    return Violation(where, got, allowed, "Map the network again.", wrong_kind=True)


def soma_table(mapping: Mapping, core: int, held: list[Tile]) -> int:
    """Bytes of the table of a core's soma, one for each of 256 entries; 0 where the core has none."""
    neurons = {p.name: p.neuron for p in mapping.network.populations}
    return 256 * any(t.soma_core == core and isinstance(neurons[t.population], Table) for t in held)


def messages(mapping: Mapping, *cores: dict[int, list[Tile]]) -> Iterator[Violation]:
    """One kind of messages at the axons of a core, none wider than the chip's, and one kind from a soma."""
    heard = {p.name: p.num_message_bits for p in mapping.network.projections}
    sent = {p.name: p.num_message_bits for p in mapping.network.populations}
    widest = int(mapping.chip.message_bits)
    for several in cores:
        for core, held in several.items():
            bits = sorted({heard[t.projection] for t in held})
            if len(bits) > 1:
                yield unsound(f"core {core}.axons", "spikes and values", "one of the two")
            if bits[-1] > widest:
                yield unsound(f"core {core}.axons", f"messages of {bits[-1]} bits", f"up to {widest}")
    for core, name in sorted({(t.soma_core, t.population) for t in mapping.tiles}):
        if sent[name] > widest:
            yield unsound(f"core {core}.soma", f"messages of {sent[name]} bits", f"up to {widest}")
