# SPDX-License-Identifier: BSD-3-Clause
"""The part of the independent checker that knows core modes: what axons receive and somas send."""

from __future__ import annotations

from collections.abc import Iterator

from synergic.hw_targets.mapping._mapping_data import Mapping, Tile, Violation
from synergic.neurons import Table


def unsound(where: str, got: str, allowed: str) -> Violation:
    """Return a violation that no smaller network mends."""
    return Violation(where, got, allowed, "Map the network again.", wrong_kind=True)


def soma_table(mapping: Mapping, core: int, tiles: list[Tile]) -> int:
    """Return the bytes of the table of a core's soma, one for each of 256 entries; 0 where the core has none."""
    neurons = {p.name: p.neuron for p in mapping.network.populations}
    return 256 * any(t.soma_core == core and isinstance(neurons[t.population], Table) for t in tiles)


def messages(mapping: Mapping, *cores: dict[int, list[Tile]]) -> Iterator[Violation]:
    """Check that a core receives one kind of messages and sends one, none wider than the chip's."""
    received = {p.name: p.num_message_bits for p in mapping.network.projections}
    sent = {p.name: p.num_message_bits for p in mapping.network.populations}
    widest = int(mapping.chip.message_bits)
    for several in cores:
        for core, tiles in several.items():
            bits = sorted({received[t.projection] for t in tiles})
            if len(bits) > 1:
                yield unsound(f"core {core}.axons", "spikes and values", "one of the two")
            if bits[-1] > widest:
                yield unsound(f"core {core}.axons", f"messages of {bits[-1]} bits", f"up to {widest}")
    for core, name in sorted({(t.soma_core, t.population) for t in mapping.tiles}):
        if sent[name] > widest:
            yield unsound(f"core {core}.soma", f"messages of {sent[name]} bits", f"up to {widest}")
