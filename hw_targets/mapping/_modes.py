# SPDX-License-Identifier: BSD-3-Clause
"""Core modes: what a core's axons take and what its soma sends, spikes (SNN) or 8-bit values (ANN).

Known of the tianjic, second-hand: axon and soma are set to either apart, so that a core converts between the two; a
core in ANN mode relays partial sums at full precision between parts of a large fan-in; a soma in ANN mode has a table.
Assumed: one axon mode a core; relays whatever the axons take; a table is stored in the memory of indexed weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from synergic.hw_targets.mapping._mapping_data import Mapping, Tile
from synergic.hw_targets.mapping._memory import table_bytes
from synergic.network._quantise import IntGraph, IntNetwork


class Mode(NamedTuple):
    """axon : "SNN" or "ANN". soma : the same, or "relay": partial sums, for another core to add up."""

    axon: str
    soma: str


def named(bits: int) -> str:
    """Return the mode that sends messages of this many bits."""
    return "ANN" if bits else "SNN"


def core_modes(mapping: Mapping) -> dict[int, Mode]:
    """Return the mode of each core."""
    received = {p.name: p.num_message_bits for p in mapping.network.projections}
    sent = {p.name: p.num_message_bits for p in mapping.network.populations}
    somas = {t.soma_core: named(sent[t.population]) for t in mapping.stored}
    axons = {core: named(received[t.projection]) for t in mapping.stored for core in t.cores}
    return {core: Mode(axons.get(core, "SNN"), somas.get(core, "relay")) for core in sorted({*axons, *somas})}


def count_modes(mapping: Mapping) -> dict[str, int]:
    """Count the cores by mode, as a report names them."""
    return dict(sorted(Counter(f"{m.axon} axons, {told(m)}" for m in core_modes(mapping).values()).items()))


def told(mode: Mode) -> str:
    """Return what a soma does, in words."""
    return "relay of partial sums (ANN, full precision)" if mode.soma == "relay" else f"{mode.soma} soma"


def tables(network: IntNetwork | IntGraph, tiles: Iterable[Tile]) -> tuple[int, int]:
    """Return the bytes of all tables, and how many soma cores store one."""
    each = {p.name: table_bytes(p) for p in network.populations}
    stored = {t.soma_core: each[t.population] for t in tiles if each[t.population]}
    return sum(stored.values()), len(stored)
