# SPDX-License-Identifier: BSD-3-Clause
"""A step of the clock, and the loops over steps, samples and cores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from synergic.hw_targets.simulation.kernels._core_synapses import integrate, learn
from synergic.hw_targets.simulation.kernels._jit import jit, jit_parallel
from synergic.hw_targets.simulation.kernels._packets import listen
from synergic.hw_targets.simulation.kernels._records import GENERAL, SPIKING
from synergic.hw_targets.simulation.kernels._somas import activate, fire


@jit
def work(
    program: Any, state: Any, packet_loss: Any, g: Any, n: Any, t: Any, before: Any, events: Any
) -> None:  # pragma: no cover
    """One step of one soma tile and of all cores that feed it."""
    group = program.groups[g]
    m = t - group.onset
    if m < 1 or m > program.k.size or (packet_loss.any and packet_loss.dead[g]):
        return
    first, last = group.neuron, group.neuron + group.rows
    acc = np.zeros(group.rows, np.int64)
    for h in range(group.first_head, group.last_head):
        integrate(acc, program, state, packet_loss, program.heads[h], n, t, m, before, events)
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
    learn_all(u, program, state, packet_loss, group, n, t, m)


@jit
def learn_all(
    u: Any, program: Any, state: Any, packet_loss: Any, group: Any, n: Any, t: Any, m: Any
) -> None:  # pragma: no cover
    """Phase 3 of all heads of a soma tile whose rule is compiled."""
    for h in range(group.first_head, group.last_head):
        if program.heads[h].learns:
            learn(u, program, state, packet_loss, program.heads[h], h, n, t, m)


@jit
def learn_behind(
    program: Any, state: Any, packet_loss: Any, g: Any, first: Any, last: Any, t: Any
) -> None:  # pragma: no cover
    """Phase 3 of a GENERAL soma tile, of the samples [first, last): its neurons have left their potentials in u_log."""
    group = program.groups[g]
    m = t - group.onset
    for n in range(first, last):
        u = state.u_log[n, m - 1, group.probe : group.probe + group.rows]
        learn_all(u, program, state, packet_loss, group, n, t, m)


@jit
def run_groups(
    program: Any, state: Any, packet_loss: Any, n: Any, t: Any, first: Any, last: Any, before: Any, events: Any
) -> None:  # pragma: no cover
    """One step of the soma tiles [first, last)."""
    for g in range(first, last):
        work(program, state, packet_loss, g, n, t, before, events)


@jit
def run_samples(program: Any, state: Any, packet_loss: Any, first: Any, last: Any) -> None:  # pragma: no cover
    """All steps of the samples [first, last)."""
    neurons = state.u.shape[1]
    events, before = np.empty(neurons, np.int32), np.empty(neurons + 1, np.int32)
    for n in range(first, last):
        for t in range(1, state.sent.shape[1]):
            listen(state.sent[n, t - 1], events, before)
            for g in range(program.groups.size):
                work(program, state, packet_loss, g, n, t, before, events)


@jit
def run_step(program: Any, state: Any, packet_loss: Any, first: Any, last: Any, t: Any) -> None:  # pragma: no cover
    """One step of the samples [first, last)."""
    neurons = state.u.shape[1]
    events, before = np.empty(neurons, np.int32), np.empty(neurons + 1, np.int32)
    for n in range(first, last):
        listen(state.sent[n, t - 1], events, before)
        for g in range(program.groups.size):
            work(program, state, packet_loss, g, n, t, before, events)


@jit_parallel
def run_cores(program: Any, state: Any, packet_loss: Any, first: Any, last: Any) -> None:  # pragma: no cover
    """The same, the cores of different soma tiles in parallel threads."""
    neurons = state.u.shape[1]
    events, before = np.empty(neurons, np.int32), np.empty(neurons + 1, np.int32)
    for n in range(first, last):
        for t in range(1, state.sent.shape[1]):
            listen(state.sent[n, t - 1], events, before)
            for g in prange(program.groups.size):
                work(program, state, packet_loss, np.int64(g), n, t, before, events)  # prange counts unsigned
