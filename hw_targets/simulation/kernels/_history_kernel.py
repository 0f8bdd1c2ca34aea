# SPDX-License-Identifier: BSD-3-Clause
"""The history form of local weights: no weight is written, the current comes from spikes received before."""

from __future__ import annotations

from typing import Any

from synergic.hw_targets.simulation.kernels._jit import jit
from synergic.hw_targets.simulation.kernels._packets import arrives, lost, received_in
from synergic.hw_targets.simulation.kernels._records import OVERLAP
from synergic.hw_targets.simulation.kernels._somas import rounded


@jit
def overlaps(
    far: Any, program: Any, state: Any, packet_loss: Any, head: Any, number: Any, n: Any, t: Any, m: Any, events: Any
) -> None:  # pragma: no cover
    """Add one tile's part of K(m, q) = sum_j w_j s_j(m) s_j(q), q = 1 .. m - 1; w_j = eta_j or 1.

    far : (m - 1,) int64. events : of s(m). s(q) is what the axons received m - q steps ago.
    """
    tile = program.tiles[number]
    for q in range(1, m):
        then = t - (m - q)
        received = received_in(state, n, then, head.delay)
        part = 0
        for event in events:
            j = event - tile.axon
            if received[event] != 0 and arrives(packet_loss, tile, number, n, then - head.delay, j):
                part += program.eta[tile.column + j] if head.by_eta else 1
        if not (packet_loss.any and (packet_loss.mute[number, 0] or lost(packet_loss, OVERLAP, n, t, number, q))):
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
