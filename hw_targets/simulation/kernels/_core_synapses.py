# SPDX-License-Identifier: BSD-3-Clause
"""Phases 1 and 3: the cores of synapses add up, and those of local weights learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from synergic.hw_targets.simulation.kernels._decay import decay
from synergic.hw_targets.simulation.kernels._history_kernel import overlaps, recall
from synergic.hw_targets.simulation.kernels._jit import jit
from synergic.hw_targets.simulation.kernels._packets import arrives, arriving, listed, lost, received_in
from synergic.hw_targets.simulation.kernels._records import HISTORY, LOCAL_SUM, MEMBRANE, NO_LOCAL, SLOW_SUM
from synergic.hw_targets.simulation.kernels._somas import rounded
from synergic.numerics.fixed import FRACTION_BITS, TABLE_SHIFT, TABLE_SIZE

NARROW = 252
"""So many weights of 8 bits, a multiple of 4, have a sum of 16 bits: 252 * 128 < 2^15."""


@jit
def add_axons(total: Any, memory: Any, start: Any, events: Any, axon: Any, sent: Any) -> None:  # pragma: no cover
    """total_i += sum_j s_j M_ij over the axons j that have an event; M is stored axon by axon from `start`.

    total : (rows,) int32. events : numbers of the neurons that sent, of which `axon` is the tile's first. Four
    axons at a time: memory is slow to answer, and answers four questions in the time of one. Unsigned indices
    need no look at whether they count from the end.
    """
    if memory.itemsize == 1 and events.size >= 4:
        spikes = True
        for j in events:
            spikes &= sent[j] == 1
        if spikes:
            add_spikes(total, memory, start, events, axon)
            return
    rows, e = total.size, 0
    while e + 4 <= events.size:
        j0, j1, j2, j3 = events[e], events[e + 1], events[e + 2], events[e + 3]
        s0, s1, s2, s3 = np.int32(sent[j0]), np.int32(sent[j1]), np.int32(sent[j2]), np.int32(sent[j3])
        a0, a1 = np.uint64(start + (j0 - axon) * rows), np.uint64(start + (j1 - axon) * rows)
        a2, a3 = np.uint64(start + (j2 - axon) * rows), np.uint64(start + (j3 - axon) * rows)
        if s0 == 1 and s1 == 1 and s2 == 1 and s3 == 1:
            for i in range(np.uint64(rows)):
                total[i] += (
                    np.int32(memory[a0 + i]) + np.int32(memory[a1 + i]) + np.int32(memory[a2 + i]) + memory[a3 + i]
                )
        else:
            for i in range(np.uint64(rows)):
                total[i] += s0 * memory[a0 + i] + s1 * memory[a1 + i] + s2 * memory[a2 + i] + s3 * memory[a3 + i]
        e += 4
    while e < events.size:
        s, at = np.int32(sent[events[e]]), np.uint64(start + (events[e] - axon) * rows)
        for i in range(np.uint64(rows)):
            total[i] += s * memory[at + i]
        e += 1


@jit
def add_spikes(total: Any, memory: Any, start: Any, events: Any, axon: Any) -> None:  # pragma: no cover
    """`add_axons` of events that are spikes, and weights of 8 bits, added up in lanes of 16 bits: twice as many."""
    rows, e = np.uint64(total.size), 0
    part = np.empty(rows, np.int16)
    while e < events.size:
        stop = min(e + NARROW, events.size)
        part[:] = 0
        while e + 4 <= stop:
            a0 = np.uint64(start + (events[e] - axon) * total.size)
            a1 = np.uint64(start + (events[e + 1] - axon) * total.size)
            a2 = np.uint64(start + (events[e + 2] - axon) * total.size)
            a3 = np.uint64(start + (events[e + 3] - axon) * total.size)
            for i in range(rows):
                one = np.int16(np.int16(memory[a0 + i]) + np.int16(memory[a1 + i]))
                two = np.int16(np.int16(memory[a2 + i]) + np.int16(memory[a3 + i]))
                part[i] += np.int16(one + two)
            e += 4
        while e < stop:
            at = np.uint64(start + (events[e] - axon) * total.size)
            for i in range(rows):
                part[i] += memory[at + i]
            e += 1
        for i in range(rows):
            total[i] += part[i]


@jit
def send_sum(
    total: Any, memory: Any, start: Any, events: Any, sent: Any, state: Any, packet_loss: Any, kind: Any, number: Any,
    tile: Any, n: Any, t: Any, m: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Add one tile's partial sum to the total of its soma core, as a packet that is looked at, and may be lost."""
    part = np.zeros(total.size, np.int32)
    add_axons(part, memory, start, events, tile.axon, sent)
    if tile.parts >= 0:
        for i in range(part.size):
            state.parts[n, m - 1, tile.parts + i, kind - SLOW_SUM] = part[i]
    mute = packet_loss.any and packet_loss.mute[number, kind - SLOW_SUM]
    sender = packet_loss.core[number] if packet_loss.any and kind == SLOW_SUM else number
    first = packet_loss.row[number] if packet_loss.any else 0
    travels = packet_loss.any and (first >= 0 or kind != SLOW_SUM)
    for i in range(part.size):
        state.too_wide[n, number] += abs(part[i]) > state.widest
        if not (mute or (travels and lost(packet_loss, kind, n, t, sender, first + i))):
            total[i] += part[i]


@jit
def memory_of(state: Any, n: Any) -> Any:  # pragma: no cover
    """The local weights of a sample; in a stream all samples have the same."""
    return state.local[n if state.local.shape[0] > 1 else 0]


@jit
def integrate(
    acc: Any, program: Any, state: Any, packet_loss: Any, head: Any, n: Any, t: Any, m: Any, before: Any, events: Any
) -> None:  # pragma: no cover
    """Phase 1 of the cores of one head, and the sums at its soma core: acc += k A + alpha L."""
    rows = acc.size
    sent, then = received_in(state, n, t, head.delay), t - head.delay
    apart = packet_loss.any or state.parts.size > 0 or state.widest < 2**31 - 1
    local_memory = memory_of(state, n)
    slow, local = np.zeros(rows, np.int32), np.zeros(rows, np.int32)
    far = np.zeros(m - 1, np.int64)
    for number in range(head.first_tile, head.last_tile):
        tile = program.tiles[number]
        if head.delay > 0:
            mine = listed(sent, tile.axon, tile.columns)
        else:
            mine = events[before[tile.axon] : before[tile.axon + tile.columns]]
        mine = arriving(packet_loss, tile, number, n, then, mine)
        if packet_loss.any:
            state.received[n, t, number] = mine.size
        if apart:
            send_sum(
                slow, program.weights, tile.weights, mine, sent, state, packet_loss, SLOW_SUM, number, tile, n, t, m
            )
        else:
            add_axons(slow, program.weights, tile.weights, mine, tile.axon, sent)
        if tile.local >= 0:
            if apart:
                send_sum(
                    local, local_memory, tile.local, mine, sent, state, packet_loss, LOCAL_SUM, number, tile, n, t, m
                )
            else:
                add_axons(local, local_memory, tile.local, mine, tile.axon, sent)
        if head.form == HISTORY:
            overlaps(far, program, state, packet_loss, head, number, n, t, m, mine)
    k = program.k[m - 1] if head.fades else 1 << FRACTION_BITS
    for i in range(rows):
        acc[i] += k * slow[i]
    if head.form == NO_LOCAL:
        return
    sums = local.astype(np.int64)
    if head.form == HISTORY:
        posts = state.posts[n, :, head.post : head.post + rows]
        recall(sums, posts, far, m, head, program.powers[head.powers])
    for i in range(rows):
        acc[i] += program.alpha[head.row + i] * sums[i]


@jit
def post_terms(q: Any, u: Any, beta: Any, table: Any, head: Any) -> None:  # pragma: no cover
    """q = fixed.postsynaptic."""
    for i in range(u.size):
        index = min(max((u[i] * head.table_scale >> TABLE_SHIFT) + TABLE_SIZE // 2, 0), TABLE_SIZE - 1)
        q[i] = table[index] + beta[i]


@jit
def rewrite(
    memory: Any, start: Any, axons: Any, eta: Any, q: Any, head: Any, mask: Any, mask_start: Any
) -> Any:  # pragma: no cover
    """fixed.hebbian on a tile's local weights, in place. Returns the entries that the clip changed.

    mask : of 0 and 1, the tile's from mask_start on; none if that is -1. Off the mask local weights are and stay 0.
    Without received spikes there is nothing to add, and a decay never leaves the bound. All inputs of one eta add the
    same. Casts to 32 bits make the lanes of vector code narrow: any increment < 2^22 fits.
    """
    rows, clipped = np.uint64(q.size), 0
    top, bottom = np.int32(head.p_top), np.int32(-head.p_top)
    increment, known, last = np.empty(q.size, np.int32), False, 0
    added = np.empty(q.size, np.int32) if mask_start >= 0 else increment
    if head.lambda_ != 1 << FRACTION_BITS:
        decay(memory, start, axons.size * q.size, np.int16(8 * head.lambda_))
    for j in range(axons.size):
        at = np.uint64(start + j * q.size)
        if axons[j] != 0:
            pre = head.sign * eta[j] * axons[j]
            if not known or pre != last:
                known, last = True, pre
                for i in range(rows):
                    increment[i] = rounded(q[i] * pre, head.shift)
            if mask_start >= 0:
                here = np.uint64(mask_start + j * q.size)
                for i in range(rows):
                    added[i] = increment[i] * mask[here + i]
            beyond: Any = np.int32(0)
            for i in range(rows):
                raw = np.int32(np.int32(memory[at + i]) + added[i])
                now = min(max(raw, bottom), top)
                beyond = np.int32(beyond + np.int32(now != raw))
                memory[at + i] = now
            clipped += beyond
    return clipped


@jit
def learn(
    u: Any, program: Any, state: Any, packet_loss: Any, head: Any, h: Any, n: Any, t: Any, m: Any
) -> None:  # pragma: no cover
    """Phase 3 of one head, with the potentials of its neurons: rewrite P, or remember the postsynaptic terms."""
    rows = u.size
    q = np.empty(rows, np.int64)
    post_terms(q, u, program.beta[head.row : head.row + rows], program.tables[head.table], head)
    if head.form == HISTORY:
        for i in range(rows):
            q[i] = rounded(head.post_factor * q[i], head.post_shift) if head.post_shift > 0 else head.post_factor * q[i]
            state.posts[n, m - 1, head.post + i] = q[i]
        return
    got = q
    for number in range(head.first_tile, head.last_tile):
        tile = program.tiles[number]
        axons = received_in(state, n, t, head.delay)[tile.axon : tile.axon + tile.columns]
        if packet_loss.any:
            axons, got = axons.copy(), q.copy()
            for j in range(axons.size):
                axons[j] *= arrives(packet_loss, tile, number, n, t - head.delay, j)
            for i in range(rows):  # a neuron whose potential is lost adds nothing
                if packet_loss.mute[number, 2] or lost(packet_loss, MEMBRANE, n, t, number, i):
                    got[i] = 0
        eta = program.eta[tile.column : tile.column + tile.columns]
        state.clipped[n, h] += rewrite(memory_of(state, n), tile.local, axons, eta, got, head, program.mask, tile.mask)
