# SPDX-License-Identifier: BSD-3-Clause
"""One sample's step of a connection with few of all possible synapses, compiled: numbers and time go with the synapses.

The arithmetic is that of `floating` and `fixed`, which stay its only specification: a matrix that is zero wherever no
synapse is, and a mask that is one at the synapses alone, give the same bits of P, the same integers, and sums within
rounding. The tests compare every function here with theirs.

Synapses lie input by input, as scipy's csc_matrix holds them: those of input j are starts_j <= e < starts_{j+1}, and
synapse e ends in neuron rows_e. starts : (n_in + 1,); rows : (synapses,). A synapse that holds 0 is a synapse.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.numerics._compiled import HALF, jit
from synergic.numerics.fixed import FRACTION_BITS
from synergic.numerics.floating import RHO

Array = npt.NDArray[Any]
OWN: Array = np.zeros(0, np.int32)
"""No places: every synapse has a value of its own."""


@jit
def weighted_sum(s: Any, values: Any, starts: Any, rows: Any, place: Any, n_out: Any) -> Any:  # pragma: no cover
    """sum_e s_j values_e into neuron rows_e, over the synapses e of the inputs j with s_j != 0, in their order.

    values : (synapses,), or shared by synapses: (n,) with place : (synapses,), the index of a synapse's value.
    """
    total = np.zeros(n_out, values.dtype)
    for j in range(s.size):
        if s[j] != 0:
            if place.size:
                for e in range(starts[j], starts[j + 1]):
                    total[rows[e]] += s[j] * values[place[e]]
            else:
                for e in range(starts[j], starts[j + 1]):
                    total[rows[e]] += s[j] * values[e]
    return total


@jit
def change_floating(
    local: Any, pre: Any, post: Any, lambda_: Any, top: Any, starts: Any, rows: Any, mask: Any
) -> Any:  # pragma: no cover
    """P_e = mask_e clip(lambda P_e + post_i pre_j, -top, top) in place; returns how many the clip changed.

    A silent input's weights only decay, which no bound can meet. mask : (synapses,), or empty for all ones.
    """
    clipped = 0
    for j in range(pre.size):
        first, end = starts[j], starts[j + 1]
        if pre[j] == 0:
            for e in range(first, end):
                local[e] *= lambda_
        else:
            for e in range(first, end):
                local[e] = lambda_ * local[e] + post[rows[e]] * pre[j]
        if mask.size:
            for e in range(first, end):
                local[e] *= mask[e]
        if pre[j] != 0:
            for e in range(first, end):
                clipped += abs(local[e]) > top
                local[e] = min(max(local[e], -top), top)
    return clipped


@jit
def change_fixed(
    local: Any, pre: Any, post: Any, lambda_: Any, top: Any, shift: Any, starts: Any, rows: Any, mask: Any
) -> Any:  # pragma: no cover
    """As `change_floating`, P_e = mask_e clip(rshift(lambda P_e, 12) + rshift(post_i pre_j, shift), -top, top)."""
    clipped, half = 0, 1 << (shift - 1)
    for j in range(pre.size):
        first, end = starts[j], starts[j + 1]
        if pre[j] == 0:
            for e in range(first, end):
                local[e] = (lambda_ * local[e] + HALF) >> FRACTION_BITS
        else:
            for e in range(first, end):
                retained = (lambda_ * local[e] + HALF) >> FRACTION_BITS
                local[e] = retained + ((post[rows[e]] * pre[j] + half) >> shift)
        if mask.size:
            for e in range(first, end):
                local[e] *= mask[e]
        if pre[j] != 0:
            for e in range(first, end):
                clipped += abs(local[e]) > top
                local[e] = min(max(local[e], -top), top)
    return clipped


def synaptic_input(
    s: Array, weights: Array, k: Any, local_weights: Array | None, alpha: Any, starts: Array, rows: Array, n_out: int,
    place: Array = OWN,
) -> Array:  # fmt: skip
    """floating.synaptic_input and fixed.accumulate of one sample: a_i = k sum_e s_j W_e + alpha_i sum_e s_j P_e.

    s : (n_in,); weights : (synapses,), or with place : (synapses,) shared ones, W_e = weights[place_e];
    local_weights : (synapses,) or None; alpha : scalar or (n_out,). Returns (n_out,).
    """
    slow: Array = k * weighted_sum(s, weights, starts, rows, place, n_out)
    if local_weights is None:
        return slow
    return slow + alpha * weighted_sum(s, local_weights, starts, rows, OWN, n_out)


def hebbian_floating(
    local_weights: Array, s: Array, u: Array, starts: Array, rows: Array, *, eta: Any, beta: Any, lambda_: float,
    rho: str, sign: int, p_max: float, vth: float, mask: Array | None = None,
) -> int:  # fmt: skip
    """floating.hebbian of one sample, in place; returns the number of entries that the clip changed.

    local_weights : (synapses,); s : (n_in,); u : (n_out,); mask : (synapses,) or None; the rest as there.
    """
    post = RHO[rho](u / vth) + beta
    masked = OWN if mask is None else mask
    return int(change_floating(local_weights, sign * eta * s, post, float(lambda_), float(p_max), starts, rows, masked))


def hebbian_fixed(
    local_weights: Array, s: Array, post: Array, starts: Array, rows: Array, *, eta: Any, lambda_: int, sign: int,
    p_top: int, eta_exp: int, mask: Array | None = None,
) -> int:  # fmt: skip
    """fixed.hebbian of one sample, in place, as `hebbian_floating`."""
    masked, shift = OWN if mask is None else mask, FRACTION_BITS + eta_exp
    return int(change_fixed(local_weights, sign * eta * s, post, lambda_, p_top, shift, starts, rows, masked))
