# SPDX-License-Identifier: BSD-3-Clause
"""Who sent, and which packets arrive."""

from __future__ import annotations

from typing import Any

import numpy as np

from synergic.hw_targets.simulation.kernels._jit import jit
from synergic.hw_targets.simulation.kernels._records import SPIKE


@jit
def scrambled(x: Any) -> Any:  # pragma: no cover
    """A well mixed 64-bit number from another (the finaliser of SplitMix64, Steele et al. 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@jit
def lost(packet_loss: Any, kind: Any, sample: Any, t: Any, tile: Any, line: Any) -> Any:  # pragma: no cover
    """Whether one packet is lost. Depends on what it is and on the seed alone, not on the order of computing."""
    if packet_loss.threshold == np.uint64(0):
        return False
    key = scrambled(np.uint64(packet_loss.seed) + np.uint64(0x9E3779B97F4A7C15))
    for part in (packet_loss.first_sample + sample, t, tile, line * 8 + kind):
        key = scrambled((key + np.uint64(part)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1))
    return key < packet_loss.threshold


@jit
def listen(sent: Any, events: Any, before: Any) -> None:  # pragma: no cover
    """The numbers of all neurons that sent, in order; before[j] : how many of them are smaller than j."""
    count = 0
    for j in range(sent.size):
        before[j] = count
        events[count] = j
        count += sent[j] != 0
    before[sent.size] = count


@jit
def senders_before(sent: Any, edges: Any, before: Any) -> None:  # pragma: no cover
    """How many of the neurons before each edge sent: before[n, t, e], of sent[n, t, :edges[e]]; edges ascend."""
    for n in range(before.shape[0]):
        for t in range(before.shape[1]):
            count, first = 0, 0
            for e in range(edges.size):
                here: Any = np.int32(0)
                for j in range(np.uint64(first), np.uint64(edges[e])):
                    here = np.int32(here + np.int32(sent[n, t, j] != 0))
                count, first = count + here, edges[e]
                before[n, t, e] = count


@jit
def received_in(state: Any, n: Any, t: Any, delay: Any) -> Any:  # pragma: no cover
    """What acts in step t of the clock at axons with a delay, by neuron; nothing had been sent before step 1."""
    return state.sent[n, max(t - 1 - delay, 0)]


@jit
def listed(sent: Any, first: Any, size: Any) -> Any:  # pragma: no cover
    """The numbers of those that sent, among the neurons from `first` on, in order."""
    events, count = np.empty(size, np.int32), 0
    for j in range(first, first + size):
        if sent[j] != 0:
            events[count] = j
            count += 1
    return events[:count]


@jit
def arrives(packet_loss: Any, tile: Any, number: Any, n: Any, t: Any, j: Any) -> Any:  # pragma: no cover
    """Whether a spike reaches axon j of a tile in step t of the clock."""
    if not packet_loss.any:
        return True
    return not packet_loss.deaf[tile.column + j] and not lost(
        packet_loss, SPIKE, n, t, packet_loss.core[number], tile.axon + j
    )


@jit
def arriving(packet_loss: Any, tile: Any, number: Any, n: Any, t: Any, events: Any) -> Any:  # pragma: no cover
    """The events that reach a tile."""
    if not packet_loss.any:
        return events
    arrived = np.empty(events.size, events.dtype)
    count = 0
    for event in events:
        if arrives(packet_loss, tile, number, n, t, event - tile.axon):
            arrived[count] = event
            count += 1
    return arrived[:count]
