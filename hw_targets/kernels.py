# SPDX-License-Identifier: BSD-3-Clause
"""The core loop, compiled: what the cores of a program do in every step of the chip's clock.

The arithmetic is that of synergic.numerics.fixed, which stays its only specification; the tests compare every
function here with it, bit for bit. A `Program` is what the chip holds before the run, a `State` what a run of n
samples leaves behind; both are made by synergic.hw_targets.program, which says what each array holds.

All neurons, the channels of the source first, have one number each. `sent[sample, t]` holds what they send in step t
of the clock, heard in step t + 1. Samples touch nothing of each other, and neither do the soma tiles ("groups") of
one step: any split over threads gives the same bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from synergic.integers import VALUE_MAX
from synergic.neurons.base import UNIT_SHIFT
from synergic.neurons.values import X_SHIFT
from synergic.numerics.fixed import (
    ACCUMULATOR_SHIFT,
    FRACTION_BITS,
    MEMBRANE_MAX,
    MEMBRANE_MIN,
    TABLE_SHIFT,
    TABLE_SIZE,
)

jit = njit(nogil=True, cache=True, error_model="numpy")
jit_parallel = njit(nogil=True, cache=True, error_model="numpy", parallel=True)

assert ACCUMULATOR_SHIFT > 0  # the shift of a population is never smaller, and `rounded` needs it positive

NO_LOCAL, FROZEN, MATRIX, HISTORY = 0, 1, 2, 3
"""What a head does about local weights."""
SPIKE, SLOW_SUM, LOCAL_SUM, MEMBRANE, OVERLAP = 0, 1, 2, 3, 4
"""Kinds of packets, as `lost` tells them apart."""

GROUP = np.dtype(
    [(name, np.int64) for name in ("neuron", "rows", "first_head", "last_head", "onset")]
    + [(name, np.int64) for name in ("vth", "decay", "shift", "reset_to_zero", "probe", "random", "draws")]
    + [(name, np.int64) for name in ("soma", "unit", "entries", "sums")]
)
"""A soma tile: its first neuron, its heads [first_head, last_head), and what its population computes with.

probe : where in `u_log` its potentials go, or -1. random : where its random numbers are, if it `draws` any. soma : one
of the four below. unit, entries : of somas that send values, see synergic.neurons.values, and the row of their table.
sums : where in `acc` the sums of a GENERAL soma's neurons go.
"""

SPIKING, RECTIFIED, BY_TABLE, GENERAL = 0, 1, 2, 3
"""What a soma does: the plain neuron, ReLU, Table, or a neuron that is not compiled (synergic.hw_targets.general)."""

HEAD = np.dtype(
    [(name, np.int64) for name in ("first_tile", "last_tile", "row", "form", "learns", "post", "table")]
    + [(name, np.int64) for name in ("lambda_", "sign", "p_top", "shift", "table_scale")]
    + [(name, np.int64) for name in ("by_eta", "post_factor", "post_shift", "sum_shift", "start_shift", "powers")]
)
"""One projection into one soma tile: its tiles [first_tile, last_tile), and its local rule.

row : where alpha and beta of its neurons are. post : where its postsynaptic terms are kept. The last line is of the
history form, see history.history_plan.
"""

TILE = np.dtype([(name, np.int64) for name in ("axon", "columns", "weights", "local", "mask", "column", "parts")])
"""One synapse core and its local cores: the neuron its first axon listens to, and where its parts of the flat arrays
begin: weights, local weights and their mask axon by axon, eta by `column`, recorded partial sums by `parts`, -1 for
none."""


class Program(NamedTuple):
    """What the chip holds. k : (T,). bias : by neuron. alpha, beta : by row. eta : by column. tables : (rules, 256).

    weights : int8 or int16, all tiles' one after another. mask : uint8, of the tiles whose rule has one. powers :
    (heads, T + 1) of lambda, for the history form. entries : (tables of somas, 256), uint8.
    """

    groups: Any
    heads: Any
    tiles: Any
    k: Any
    bias: Any
    weights: Any
    alpha: Any
    beta: Any
    eta: Any
    tables: Any
    powers: Any
    mask: Any
    entries: Any


class State(NamedTuple):
    """What a run of n samples works on and leaves behind.

    sent : (n, clock + 1, neurons). u : (n, neurons). local : (n or 1, all local weights), int8 or int16. posts :
    (n, T, rows of histories). u_log : (n, T, probed). parts : (n, T, probed, 2), slow and local. heard : (n, clock + 1,
    tiles), events that reached a tile, counted where packets can be lost. saturated : (n, groups). clipped : (n,
    heads). too_wide : (n, tiles), partial sums that leave [-widest, widest], counted core by core. randoms : (n, T,
    neurons). acc : (n, neurons of GENERAL somas), the step's sums.
    """

    sent: Any
    u: Any
    local: Any
    posts: Any
    u_log: Any
    parts: Any
    heard: Any
    saturated: Any
    clipped: Any
    too_wide: Any
    widest: Any
    randoms: Any
    acc: Any


class Losses(NamedTuple):
    """Packets that do not arrive. threshold : of 2^64, the share of packets lost at random; seed : of these, and
    the number of the run's first sample. deaf : by column of a tile, 1 where its core never hears that axon.
    mute : (tiles, 3), 1 where slow sums, local sums, or potentials for the update never arrive. dead : (groups,), 1
    where a soma core is dead. core : (tiles,), number of the synapse core: tiles that share one lose its packets
    together. any : 0 switches all of it off.
    """

    any: Any
    threshold: Any
    seed: Any
    first_sample: Any
    deaf: Any
    mute: Any
    dead: Any
    core: Any


@jit
def rounded(a: Any, n: Any) -> Any:  # pragma: no cover
    """fixed.rshift, for n > 0."""
    return (a + (1 << (n - 1))) >> n


@jit
def scrambled(x: Any) -> Any:  # pragma: no cover
    """A well mixed 64-bit number from another (the finaliser of SplitMix64, Steele et al. 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@jit
def lost(losses: Any, kind: Any, sample: Any, t: Any, tile: Any, line: Any) -> Any:  # pragma: no cover
    """Whether one packet is lost. Depends on what it is and on the seed alone, not on the order of computing."""
    if losses.threshold == np.uint64(0):
        return False
    key = scrambled(np.uint64(losses.seed) + np.uint64(0x9E3779B97F4A7C15))
    for part in (losses.first_sample + sample, t, tile, line * 8 + kind):
        key = scrambled((key + np.uint64(part)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1))
    return key < losses.threshold


@jit
def add_axons(total: Any, memory: Any, start: Any, events: Any, axon: Any, sent: Any) -> None:  # pragma: no cover
    """total_i += sum_j s_j M_ij over the axons j that have an event; M lies axon by axon from `start`.

    total : (rows,) int32. events : numbers of the neurons that sent, of which `axon` is the tile's first. Four
    axons at a time: memory is slow to answer, and answers four questions in the time of one. Unsigned indices
    need no look at whether they count from the end.
    """
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
def listen(sent: Any, events: Any, before: Any) -> None:  # pragma: no cover
    """The numbers of all neurons that sent, in order; before[j] : how many of them are smaller than j."""
    count = 0
    for j in range(sent.size):
        before[j] = count
        events[count] = j
        count += sent[j] != 0
    before[sent.size] = count


@jit
def fire(u: Any, acc: Any, bias: Any, group: Any, randoms: Any, shown: Any, sent: Any) -> Any:  # pragma: no cover
    """fixed.membrane, spike and reset. shown : u before its reset; sent : spikes. Returns the values saturated."""
    saturated = 0
    for i in range(u.size):
        raw = rounded(u[i] * group.decay, FRACTION_BITS) + rounded(acc[i], group.shift) + bias[i]
        now = min(max(raw, MEMBRANE_MIN), MEMBRANE_MAX)
        saturated += now != raw
        vth = group.vth
        if randoms.size > 0:
            vth += randoms[i]
        s = now > vth
        shown[i], sent[i] = now, s
        if group.reset_to_zero:
            u[i] = 0 if s else now
        else:
            u[i] = now - vth if s else now
    return saturated


@jit
def activate(u: Any, acc: Any, bias: Any, group: Any, entries: Any, shown: Any, sent: Any) -> Any:  # pragma: no cover
    """ReLU.fixed and Table.fixed, as Neuron.update calls them. Arguments as of `fire`; entries : (256,)."""
    saturated = 0
    for i in range(u.size):
        raw = rounded(acc[i], group.shift)
        current = min(max(raw, MEMBRANE_MIN), MEMBRANE_MAX)
        now = current + bias[i]
        kept = min(max(now, MEMBRANE_MIN), MEMBRANE_MAX)
        saturated += (current != raw) + (kept != now)
        x = rounded(now * group.unit, UNIT_SHIFT)
        if group.soma == RECTIFIED:
            sent[i] = min(max(rounded(VALUE_MAX * x, FRACTION_BITS), 0), VALUE_MAX)
        else:
            sent[i] = entries[min(max((x >> X_SHIFT) + TABLE_SIZE // 2, 0), TABLE_SIZE - 1)]
        shown[i], u[i] = kept, 0
    return saturated


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
    Where nothing was heard there is nothing to add, and a decay never leaves the bound. All inputs of one eta add the
    same. The decay is rshift(lambda P, 12) = ((8 lambda P >> 14) + 1) >> 1, which vector code does in half the time:
    8 lambda has 16 bits then, as P has. Casts to 32 bits keep its lanes narrow: |8 lambda P| < 2^31 for lambda < 1,
    and any increment < 2^22 fit.
    """
    rows, clipped = np.uint64(q.size), 0
    decays = head.lambda_ != 1 << FRACTION_BITS
    factor = np.int16(8 * head.lambda_ if decays else 0)
    top, bottom = np.int32(head.p_top), np.int32(-head.p_top)
    increment, known, last = np.empty(q.size, np.int32), False, 0
    added = np.empty(q.size, np.int32) if mask_start >= 0 else increment
    for j in range(axons.size):
        at = np.uint64(start + j * q.size)
        if decays:
            for i in range(rows):
                product = np.int32(np.int32(memory[at + i]) * np.int32(factor))
                memory[at + i] = np.int32(np.int32(product >> np.int32(14)) + np.int32(1)) >> np.int32(1)
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
def arrives(losses: Any, tile: Any, number: Any, n: Any, t: Any, j: Any) -> Any:  # pragma: no cover
    """Whether a spike reaches axon j of a tile in step t of the clock."""
    if not losses.any:
        return True
    return not losses.deaf[tile.column + j] and not lost(losses, SPIKE, n, t, losses.core[number], tile.axon + j)


@jit
def arriving(losses: Any, tile: Any, number: Any, n: Any, t: Any, events: Any) -> Any:  # pragma: no cover
    """The events that reach a tile."""
    if not losses.any:
        return events
    kept = np.empty(events.size, events.dtype)
    count = 0
    for event in events:
        if arrives(losses, tile, number, n, t, event - tile.axon):
            kept[count] = event
            count += 1
    return kept[:count]


@jit
def send_sum(
    total: Any, memory: Any, start: Any, events: Any, sent: Any, state: Any, losses: Any, kind: Any, number: Any,
    tile: Any, n: Any, t: Any, m: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Add one tile's partial sum to the total of its soma core, as a packet that is looked at, and may be lost."""
    part = np.zeros(total.size, np.int32)
    add_axons(part, memory, start, events, tile.axon, sent)
    if tile.parts >= 0:
        for i in range(part.size):
            state.parts[n, m - 1, tile.parts + i, kind - SLOW_SUM] = part[i]
    mute = losses.any and losses.mute[number, kind - SLOW_SUM]
    sender = losses.core[number] if losses.any and kind == SLOW_SUM else number
    for i in range(part.size):
        state.too_wide[n, number] += abs(part[i]) > state.widest
        if not (mute or (losses.any and lost(losses, kind, n, t, sender, i))):
            total[i] += part[i]


@jit
def memory_of(state: Any, n: Any) -> Any:  # pragma: no cover
    """The local weights of a sample; in a stream all samples have the same."""
    return state.local[n if state.local.shape[0] > 1 else 0]


@jit
def overlaps(
    far: Any, program: Any, state: Any, losses: Any, head: Any, number: Any, n: Any, t: Any, m: Any, events: Any
) -> None:  # pragma: no cover
    """Add one tile's part of K(m, q) = sum_j w_j s_j(m) s_j(q), q = 1 .. m - 1; w_j = eta_j or 1.

    far : (m - 1,) int64. events : of s(m). s(q) is what the axons heard m - q steps ago.
    """
    tile = program.tiles[number]
    for q in range(1, m):
        then = t - (m - q)
        heard = state.sent[n, then - 1]
        part = 0
        for event in events:
            j = event - tile.axon
            if heard[event] != 0 and arrives(losses, tile, number, n, then, j):
                part += program.eta[tile.column + j] if head.by_eta else 1
        if not (losses.any and (losses.mute[number, 0] or lost(losses, OVERLAP, n, t, number, q))):
            far[q - 1] += part


@jit
def recall(local: Any, posts: Any, far: Any, m: Any, head: Any, powers: Any) -> None:  # pragma: no cover
    """The history form: L_i = rshift( lambda^(m-1) L_i + sum_q K(m, q) lambda^(m-1-q) d_i(q), n ), in place.

    local : (rows,) int64, in: sum_j s_j P_ij(0). posts : (T, rows), d_i(q). far : (m - 1,), K. powers : (T + 1,) of
    lambda. Scales as history.history_plan sets them; no sum here can leave 62 bits, which it proves.
    """
    for i in range(local.size):
        local[i] *= powers[m - 1] << head.start_shift
    for q in range(1, m):
        weight = far[q - 1] * powers[m - 1 - q]
        if weight != 0:
            for i in range(local.size):
                local[i] += weight * posts[q - 1, i]
    if head.sum_shift > 0:
        for i in range(local.size):
            local[i] = rounded(local[i], head.sum_shift)


@jit
def integrate(
    acc: Any, program: Any, state: Any, losses: Any, head: Any, n: Any, t: Any, m: Any, before: Any, events: Any
) -> None:  # pragma: no cover
    """Phase 1 of the cores of one head, and the sums at its soma core: acc += k A + alpha L."""
    rows = acc.size
    sent = state.sent[n, t - 1]
    apart = losses.any or state.parts.size > 0 or state.widest < 2**31 - 1
    local_memory = memory_of(state, n)
    slow, local = np.zeros(rows, np.int32), np.zeros(rows, np.int32)
    far = np.zeros(m - 1, np.int64)
    for number in range(head.first_tile, head.last_tile):
        tile = program.tiles[number]
        mine = events[before[tile.axon] : before[tile.axon + tile.columns]]
        mine = arriving(losses, tile, number, n, t, mine)
        if losses.any:
            state.heard[n, t, number] = mine.size
        if apart:
            send_sum(slow, program.weights, tile.weights, mine, sent, state, losses, SLOW_SUM, number, tile, n, t, m)
        else:
            add_axons(slow, program.weights, tile.weights, mine, tile.axon, sent)
        if tile.local >= 0:
            if apart:
                send_sum(local, local_memory, tile.local, mine, sent, state, losses, LOCAL_SUM, number, tile, n, t, m)
            else:
                add_axons(local, local_memory, tile.local, mine, tile.axon, sent)
        if head.form == HISTORY:
            overlaps(far, program, state, losses, head, number, n, t, m, mine)
    k = program.k[m - 1]
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
def learn(
    u: Any, program: Any, state: Any, losses: Any, head: Any, h: Any, n: Any, t: Any, m: Any
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
        axons = state.sent[n, t - 1, tile.axon : tile.axon + tile.columns]
        if losses.any:
            axons, got = axons.copy(), q.copy()
            for j in range(axons.size):
                axons[j] *= arrives(losses, tile, number, n, t, j)
            for i in range(rows):  # a neuron whose potential is lost adds nothing
                if losses.mute[number, 2] or lost(losses, MEMBRANE, n, t, number, i):
                    got[i] = 0
        eta = program.eta[tile.column : tile.column + tile.columns]
        state.clipped[n, h] += rewrite(memory_of(state, n), tile.local, axons, eta, got, head, program.mask, tile.mask)


@jit
def work(
    program: Any, state: Any, losses: Any, g: Any, n: Any, t: Any, before: Any, events: Any
) -> None:  # pragma: no cover
    """One step of one soma tile and of all cores that feed it."""
    group = program.groups[g]
    m = t - group.onset
    if m < 1 or m > program.k.size or (losses.any and losses.dead[g]):
        return
    first, last = group.neuron, group.neuron + group.rows
    acc = np.zeros(group.rows, np.int64)
    for h in range(group.first_head, group.last_head):
        integrate(acc, program, state, losses, program.heads[h], n, t, m, before, events)
    if group.soma == GENERAL:
        state.acc[n, group.sums : group.sums + group.rows] = acc
        return
    u, left, sent = np.empty(group.rows, np.int32), state.u[n, first:last], state.sent[n, t, first:last]
    bias = program.bias[first:last]
    if group.soma == SPIKING:
        randoms = state.randoms[
            n * group.draws, (m - 1) * group.draws, group.random : group.random + group.rows * group.draws
        ]
        state.saturated[n, g] += fire(left, acc, bias, group, randoms, u, sent)
    else:
        state.saturated[n, g] += activate(left, acc, bias, group, program.entries[group.entries], u, sent)
    if group.probe >= 0:
        for i in range(group.rows):
            state.u_log[n, m - 1, group.probe + i] = u[i]
    learn_all(u, program, state, losses, group, n, t, m)


@jit
def learn_all(
    u: Any, program: Any, state: Any, losses: Any, group: Any, n: Any, t: Any, m: Any
) -> None:  # pragma: no cover
    """Phase 3 of all heads of a soma tile whose rule is compiled."""
    for h in range(group.first_head, group.last_head):
        if program.heads[h].learns:
            learn(u, program, state, losses, program.heads[h], h, n, t, m)


@jit
def learn_behind(
    program: Any, state: Any, losses: Any, g: Any, first: Any, last: Any, t: Any
) -> None:  # pragma: no cover
    """Phase 3 of a GENERAL soma tile, of the samples [first, last): its neurons have left their potentials in u_log."""
    group = program.groups[g]
    m = t - group.onset
    for n in range(first, last):
        u = state.u_log[n, m - 1, group.probe : group.probe + group.rows]
        learn_all(u, program, state, losses, group, n, t, m)


@jit
def run_groups(
    program: Any, state: Any, losses: Any, n: Any, t: Any, first: Any, last: Any, before: Any, events: Any
) -> None:  # pragma: no cover
    """One step of the soma tiles [first, last)."""
    for g in range(first, last):
        work(program, state, losses, g, n, t, before, events)


@jit
def run_samples(program: Any, state: Any, losses: Any, first: Any, last: Any) -> None:  # pragma: no cover
    """All steps of the samples [first, last)."""
    neurons = state.u.shape[1]
    events, before = np.empty(neurons, np.int32), np.empty(neurons + 1, np.int32)
    for n in range(first, last):
        for t in range(1, state.sent.shape[1]):
            listen(state.sent[n, t - 1], events, before)
            for g in range(program.groups.size):
                work(program, state, losses, g, n, t, before, events)


@jit
def run_step(program: Any, state: Any, losses: Any, first: Any, last: Any, t: Any) -> None:  # pragma: no cover
    """One step of the samples [first, last)."""
    neurons = state.u.shape[1]
    events, before = np.empty(neurons, np.int32), np.empty(neurons + 1, np.int32)
    for n in range(first, last):
        listen(state.sent[n, t - 1], events, before)
        for g in range(program.groups.size):
            work(program, state, losses, g, n, t, before, events)


@jit_parallel
def run_cores(program: Any, state: Any, losses: Any, first: Any, last: Any) -> None:  # pragma: no cover
    """The same, the cores of different soma tiles in parallel threads."""
    neurons = state.u.shape[1]
    events, before = np.empty(neurons, np.int32), np.empty(neurons + 1, np.int32)
    for n in range(first, last):
        for t in range(1, state.sent.shape[1]):
            listen(state.sent[n, t - 1], events, before)
            for g in prange(program.groups.size):
                work(program, state, losses, np.int64(g), n, t, before, events)  # prange counts unsigned
