# SPDX-License-Identifier: BSD-3-Clause
"""The costly part of one sample's step, compiled: sums over synapses, and the Hebbian change of all of them.

The arithmetic is that of `floating` and `fixed`, which stay its only specification; the tests compare every function
here with theirs. Local weights come out the same to the last bit, and so do integer sums. Floating-point sums are
added input by input, BLAS adds them in another order: they agree within rounding.

A matrix (n_out, n_in) is best laid out input by input (`order="F"`): the synapses of an input lie side by side, a sum
reads those of active inputs only, and the loops run in vector registers. Other layouts work, slowly.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from synergic.numerics.fixed import FRACTION_BITS, MEMBRANE_MAX, MEMBRANE_MIN
from synergic.numerics.floating import RHO

Array = npt.NDArray[Any]
jit = njit(nogil=True, cache=True, error_model="numpy")
HALF = 1 << (FRACTION_BITS - 1)
AT_ONCE: Array = np.zeros(0, np.int64)
"""No ages: every local weight is changed in every step."""


@jit
def weighted_sum(s: Any, by_input: Any) -> Any:  # pragma: no cover
    """sum_j s_j M_ji over the inputs j with s_j != 0, in their order. s : (n_in,); M : (n_in, n_out)."""
    total = np.zeros(by_input.shape[1], by_input.dtype)
    for j in range(s.size):
        if s[j] == 1:
            for i in range(total.size):
                total[i] += by_input[j, i]
        elif s[j] != 0:
            for i in range(total.size):
                total[i] += s[j] * by_input[j, i]
    return total


@jit
def fade(row: Any, lambda_: Any, times: Any) -> None:  # pragma: no cover
    """row = lambda row, so many times: eight, four, two at once, less to load and store for the same products."""
    for _ in range(times // 8):
        for i in range(row.size):
            row[i] = row[i] * lambda_ * lambda_ * lambda_ * lambda_ * lambda_ * lambda_ * lambda_ * lambda_
    if times & 4:
        for i in range(row.size):
            row[i] = row[i] * lambda_ * lambda_ * lambda_ * lambda_
    if times & 2:
        for i in range(row.size):
            row[i] = row[i] * lambda_ * lambda_
    if times & 1:
        for i in range(row.size):
            row[i] *= lambda_


@jit
def change_floating(
    local: Any, pre: Any, post: Any, lambda_: Any, top: Any, mask: Any, age: Any
) -> Any:  # pragma: no cover
    """P_ji = mask_ji clip(lambda P_ji + post_i pre_j, -top, top) in place; returns how many the clip changed.

    A silent input's weights only decay, which no bound can meet. mask : (n_in, n_out), or empty for all ones.
    age : (n_in,), or empty. If given, silent weights are left alone and their inputs' ages counted; `catch_up` makes
    up for it.
    """
    clipped = 0
    for j in range(pre.size):
        row = local[j]
        if pre[j] == 0:
            if age.size:
                age[j] += 1
                continue
            for i in range(row.size):
                row[i] *= lambda_
        else:
            for i in range(row.size):
                row[i] = lambda_ * row[i] + post[i] * pre[j]
        if mask.size:
            for i in range(row.size):
                row[i] *= mask[j, i]
        if pre[j] != 0:
            for i in range(row.size):
                clipped += abs(row[i]) > top
                row[i] = min(max(row[i], -top), top)
    return clipped


@jit
def change_fixed(
    local: Any, pre: Any, post: Any, lambda_: Any, top: Any, shift: Any, mask: Any, age: Any
) -> Any:  # pragma: no cover
    """As `change_floating`, P_ji = mask_ji clip(rshift(lambda P_ji, 12) + rshift(post_i pre_j, shift), -top, top)."""
    clipped, half = 0, 1 << (shift - 1)
    for j in range(pre.size):
        row = local[j]
        if pre[j] == 0:
            if age.size:
                age[j] += 1
                continue
            for i in range(row.size):
                row[i] = (lambda_ * row[i] + HALF) >> FRACTION_BITS
        else:
            for i in range(row.size):
                row[i] = ((lambda_ * row[i] + HALF) >> FRACTION_BITS) + ((post[i] * pre[j] + half) >> shift)
        if mask.size:
            for i in range(row.size):
                row[i] *= mask[j, i]
        if pre[j] != 0:
            for i in range(row.size):
                clipped += abs(row[i]) > top
                row[i] = min(max(row[i], -top), top)
    return clipped


@jit
def catch_up_floating(local: Any, age: Any, lambda_: Any, s: Any) -> None:  # pragma: no cover
    """P_j = lambda P_j, age_j times, for the inputs with s_j != 0 or, if s is empty, for all; then age_j = 0."""
    for j in range(age.size):
        if age[j] > 0 and (s.size == 0 or s[j] != 0):
            fade(local[j], lambda_, age[j])
            age[j] = 0


@jit
def catch_up_fixed(local: Any, age: Any, lambda_: Any, s: Any) -> None:  # pragma: no cover
    """P_j = rshift(lambda P_j, 12), age_j times, as `catch_up_floating`. P of 16 bits, lambda of 13: 32 are enough."""
    factor, half, now = np.int32(lambda_), np.int32(HALF), np.empty(local.shape[1], np.int32)
    for j in range(age.size):
        if age[j] > 0 and (s.size == 0 or s[j] != 0):
            row = local[j]
            for i in range(row.size):
                now[i] = row[i]
            for _ in range(age[j]):
                for i in range(row.size):
                    now[i] = np.int32(factor * now[i] + half) >> np.int32(FRACTION_BITS)
            for i in range(row.size):
                row[i] = now[i]
            age[j] = 0


@jit
def integrate_floating(u: Any, acc: Any, decay: Any, bias: Any, vth: Any, subtract: Any) -> Any:  # pragma: no cover
    """floating.membrane, spike and reset: u(m) before its reset, spikes, u after it, and 0 saturated."""
    now, s, after = np.empty_like(u), np.empty(u.size, np.bool_), np.empty_like(u)
    for i in range(u.size):
        now[i] = decay * u[i] + acc[i] + bias[i]
        s[i] = now[i] > vth
        after[i] = now[i] - vth * s[i] if subtract else (0.0 if s[i] else now[i])
    return now, s, after, 0


@jit
def integrate_fixed(
    u: Any, acc: Any, decay: Any, bias: Any, shift: Any, vth: Any, subtract: Any
) -> Any:  # pragma: no cover
    """fixed.membrane, spike and reset: u(m) before its reset, spikes, u after it, values saturated."""
    now, s, after, saturated = np.empty_like(u), np.empty(u.size, np.bool_), np.empty_like(u), 0
    half = 1 << (shift - 1)
    for i in range(u.size):
        raw = ((u[i] * decay + HALF) >> FRACTION_BITS) + ((acc[i] + half) >> shift) + bias[i]
        now[i] = min(max(raw, MEMBRANE_MIN), MEMBRANE_MAX)
        saturated += now[i] != raw
        s[i] = now[i] > vth
        after[i] = now[i] - vth * s[i] if subtract else (0 if s[i] else now[i])
    return now, s, after, saturated


def synaptic_input(s: Array, weights: Array, k: Any, local_weights: Array | None, alpha: Any) -> Array:
    """floating.synaptic_input and fixed.accumulate of one sample: a_i = k sum_j s_j W_ij + sum_j s_j alpha_ij P_ij.

    s : (n_in,); weights, local_weights : (n_out, n_in); alpha : scalar, (n_out,) or, floats only, (n_out, n_in).
    """
    slow: Array = k * weighted_sum(s, weights.T)
    if local_weights is None:
        return slow
    if np.ndim(alpha) == 2:
        return slow + weighted_sum(s, (alpha * local_weights).T)
    return slow + alpha * weighted_sum(s, local_weights.T)


def hebbian_floating(
    local_weights: Array, s: Array, u: Array, *, eta: Any, beta: Any, lambda_: float, rho: str, sign: int,
    p_max: float, vth: float, mask: Array | None = None, age: Array = AT_ONCE,
) -> int:  # fmt: skip
    """floating.hebbian of one sample, in place; returns the number of entries that the clip changed.

    age : (n_in,), steps by which each input's weights lie behind, if they need not be up to date; see `catch_up`.
    """
    post = RHO[rho](u / vth) + beta
    return int(
        change_floating(local_weights.T, sign * eta * s, post, float(lambda_), float(p_max), by_input(mask), age)
    )


def hebbian_fixed(
    local_weights: Array, s: Array, post: Array, *, eta: Any, lambda_: int, sign: int, p_top: int, eta_exp: int,
    mask: Array | None = None, age: Array = AT_ONCE,
) -> int:  # fmt: skip
    """fixed.hebbian of one sample, in place, as `hebbian_floating`."""
    shift = FRACTION_BITS + eta_exp
    return int(change_fixed(local_weights.T, sign * eta * s, post, lambda_, p_top, shift, by_input(mask), age))


def catch_up(local_weights: Array, age: Array, lambda_: Any, s: Array | None = None) -> None:
    """The decay that local weights lie behind, step by step as the rule has it: of the inputs with s_j != 0, or all."""
    given = age[:0] if s is None else s
    if local_weights.dtype.kind == "f":
        catch_up_floating(local_weights.T, age, float(lambda_), given)
    else:
        catch_up_fixed(local_weights.T, age, lambda_, given)


def by_input(mask: Array | None) -> Array:
    """A mask as the loops take it."""
    return np.zeros((0, 0), np.int64) if mask is None else mask.T


@functools.cache
def warm_up() -> None:
    """Start the compiler's run time in this process: processes forked later inherit it, 0.7 s each otherwise."""
    weighted_sum(np.zeros(1), np.zeros((1, 1)))
