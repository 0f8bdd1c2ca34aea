# SPDX-License-Identifier: BSD-3-Clause
"""The costly part of one sample's step, compiled: sums over synapses, and the Hebbian change of all of them.

The arithmetic is that of `floating` and `fixed`, which stay its only specification; the tests compare every function
here with theirs. Local weights come out the same to the last bit, and so do integer sums. Floating-point sums are
added input by input, BLAS adds them in another order: they agree within rounding.

A matrix (n_out, n_in) is best laid out input by input (`order="F"`): the synapses of an input lie side by side, a sum
reads those of active inputs only, and the loops run in vector registers. Other layouts work, slowly.

Mask and bound stand in each of the four loops that change P. A compiled function for an entry keeps the loops out of
vector registers (measured: 5 to 19 times as long), one for a row reads P twice (1.04 to 1.4 times as long).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.numerics._compiler import cached_jit
from synergic.numerics.fixed import FRACTION_BITS, MEMBRANE_MAX, MEMBRANE_MIN
from synergic.numerics.floating import RHO

Array = npt.NDArray[Any]
jit = cached_jit(nogil=True, error_model="numpy")
HALF = 1 << (FRACTION_BITS - 1)
AT_ONCE: Array = np.zeros(0, np.int64)
"""No ages: every local weight is changed in every step."""


@jit
def only_spikes(values: Any) -> Any:  # pragma: no cover
    """Whether all are 0 or 1. values : (T, n)."""
    others = 0
    for row in values:
        for i in range(row.size):
            others += (row[i] != 0) & (row[i] != 1)
    return others == 0


@jit
def gather(total: Any, s: Any, matrix: Any, j: Any) -> None:  # pragma: no cover
    """total += s M_j. A matrix and an index, not its row: to make a view of it costs as much as a short row."""
    if s == 1:
        for i in range(total.size):
            total[i] += matrix[j, i]
    else:
        for i in range(total.size):
            total[i] += s * matrix[j, i]


@jit
def weighted_sum(s: Any, by_input: Any) -> Any:  # pragma: no cover
    """sum_j s_j M_ji over the inputs j with s_j != 0, in their order. s : (n_in,); M : (n_in, n_out)."""
    total = np.zeros(by_input.shape[1], by_input.dtype)
    for j in range(s.size):
        if s[j] != 0:
            gather(total, s[j], by_input, j)
    return total


@jit
def fade(m: Any, j: Any, lambda_: Any, times: Any) -> None:  # pragma: no cover
    """M_j = lambda M_j, so many times: eight, four, two at once, less to load and store for the same products."""
    for _ in range(times // 8):
        for i in range(m.shape[1]):
            m[j, i] = m[j, i] * lambda_ * lambda_ * lambda_ * lambda_ * lambda_ * lambda_ * lambda_ * lambda_
    if times & 4:
        for i in range(m.shape[1]):
            m[j, i] = m[j, i] * lambda_ * lambda_ * lambda_ * lambda_
    if times & 2:
        for i in range(m.shape[1]):
            m[j, i] = m[j, i] * lambda_ * lambda_
    if times & 1:
        for i in range(m.shape[1]):
            m[j, i] *= lambda_


@jit
def two_sums(s: Any, weights: Any, k: Any, local: Any, alpha: Any, age: Any, lambda_: Any) -> Any:  # pragma: no cover
    """k `weighted_sum` of the weights + alpha that of the local ones, once these are as `catch_up_floating` has them.

    alpha : (n_out,) or (1,). age : (n_in,), or empty if there is nothing to catch up with.
    """
    total, fast = np.zeros(weights.shape[1], weights.dtype), np.zeros(local.shape[1], local.dtype)
    for j in range(s.size):
        if s[j] != 0:
            if age.size and age[j] > 0:
                fade(local, j, lambda_, age[j])
                age[j] = 0
            for i in range(total.size):  # side by side: both rows are on their way from memory at once
                total[i] += s[j] * weights[j, i]
                fast[i] += s[j] * local[j, i]
    for i in range(total.size):
        total[i] = k * total[i] + alpha[min(i, alpha.size - 1)] * fast[i]
    return total


@jit
def change_floating(
    local: Any, s: Any, sign: Any, eta: Any, post: Any, lambda_: Any, top: Any, mask: Any, age: Any
) -> Any:  # pragma: no cover
    """P_ji = mask_ji clip(lambda P_ji + post_i sign eta_j s_j, -top, top) in place; returns how many the clip changed.

    A silent input's weights only decay, which no bound can meet. eta : (n_in,) or (1,). mask : (n_in, n_out), or empty
    for all ones. age : (n_in,), or empty. If given, silent weights are left alone and their inputs' ages counted;
    `catch_up` makes up for it.
    """
    clipped = 0
    for j in range(s.size):
        pre = sign * eta[min(j, eta.size - 1)] * s[j]
        if pre == 0:
            if age.size:
                age[j] += 1
                continue
            for i in range(local.shape[1]):
                local[j, i] *= lambda_
            if mask.size:
                for i in range(local.shape[1]):
                    local[j, i] *= mask[j, i]
        else:
            for i in range(local.shape[1]):
                raw = lambda_ * local[j, i] + post[i] * pre
                if mask.size:
                    raw *= mask[j, i]
                clipped += abs(raw) > top
                local[j, i] = min(max(raw, -top), top)
    return clipped


@jit
def change_fixed(
    local: Any, s: Any, sign: Any, eta: Any, post: Any, lambda_: Any, top: Any, shift: Any, mask: Any, age: Any
) -> Any:  # pragma: no cover
    """As `change_floating`, P_ji = mask_ji clip(rshift(lambda P_ji, 12) + rshift(post_i pre_j, shift), -top, top)."""
    clipped, half = 0, 1 << (shift - 1)
    for j in range(s.size):
        pre = sign * eta[min(j, eta.size - 1)] * s[j]
        if pre == 0:
            if age.size:
                age[j] += 1
                continue
            for i in range(local.shape[1]):
                local[j, i] = (lambda_ * local[j, i] + HALF) >> FRACTION_BITS
            if mask.size:
                for i in range(local.shape[1]):
                    local[j, i] *= mask[j, i]
        else:
            for i in range(local.shape[1]):
                raw = ((lambda_ * local[j, i] + HALF) >> FRACTION_BITS) + ((post[i] * pre + half) >> shift)
                if mask.size:
                    raw *= mask[j, i]
                clipped += abs(raw) > top
                local[j, i] = min(max(raw, -top), top)
    return clipped


@jit
def write_floating(
    local: Any, s: Any, factor: Any, post: Any, share: Any, top: Any, mask: Any
) -> Any:  # pragma: no cover
    """P_ji = mask_ji clip(share P_ji + factor_j sum_m s_j(m) post_i(m), -top, top) in place; returns how many it clips.

    s : (T, n_in); post : (T, n_out); factor : (n_in,) or (1,). Silent inputs take no sum.
    """
    clipped, total = 0, np.empty(local.shape[1], local.dtype)
    for j in range(local.shape[0]):
        total[:] = 0
        for m in range(len(s)):
            if s[m, j] != 0:
                gather(total, s[m, j], post, m)
        pre = factor[min(j, factor.size - 1)]
        for i in range(total.size):
            raw = share * local[j, i] + pre * total[i]
            if mask.size:
                raw *= mask[j, i]
            clipped += abs(raw) > top
            local[j, i] = min(max(raw, -top), top)
    return clipped


@jit
def write_fixed(
    local: Any, s: Any, factor: Any, post: Any, retained: Any, bits: Any, top: Any, mask: Any, words: Any
) -> Any:  # pragma: no cover
    """As `write_floating`; `retained` and `factor` have `bits` fraction bits, 1 .. 62, which one rounding removes.

    words : random numbers of 32 bits, (n_in, n_out), for stochastic rounding; empty to round half up.
    """
    clipped, total, half = 0, np.empty(local.shape[1], np.int64), 1 << (bits - 1)
    for j in range(local.shape[0]):
        total[:] = 0
        for m in range(len(s)):
            if s[m, j] != 0:
                gather(total, s[m, j], post, m)
        pre = factor[min(j, factor.size - 1)]
        for i in range(total.size):
            exact = retained * local[j, i] + pre * total[i]
            if words.size == 0:
                raw = (exact + half) >> bits
            elif bits <= 32:
                raw = (exact + (words[j, i] >> (32 - bits))) >> bits
            else:
                raw = (exact + (words[j, i] << (bits - 32))) >> bits
            if mask.size:
                raw *= mask[j, i]
            clipped += abs(raw) > top
            local[j, i] = min(max(raw, -top), top)
    return clipped


@jit
def catch_up_floating(local: Any, age: Any, lambda_: Any, s: Any) -> None:  # pragma: no cover
    """P_j = lambda P_j, age_j times, for the inputs with s_j != 0 or, if s is empty, for all; then age_j = 0."""
    for j in range(age.size):
        if age[j] > 0 and (s.size == 0 or s[j] != 0):
            fade(local, j, lambda_, age[j])
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


def synaptic_input(
    s: Array, weights: Array, k: Any, local_weights: Array | None, alpha: Any, age: Array = AT_ONCE, lambda_: Any = 1
) -> Array:
    """floating.synaptic_input and fixed.accumulate of one sample: a_i = k sum_j s_j W_ij + sum_j s_j alpha_ij P_ij.

    s : (n_in,); weights, local_weights : (n_out, n_in); alpha : scalar, (n_out,) or, floats only, (n_out, n_in).
    age : (n_in,), if local weights lie behind; those of inputs that fire catch up on the way (`catch_up`).
    """
    if local_weights is not None and np.ndim(alpha) < 2:
        if age.size and weights.dtype.kind != "f":
            catch_up(local_weights, age, lambda_, s)
            age = AT_ONCE
        both: Array = two_sums(s, weights.T, k, local_weights.T, row(alpha), age, float(lambda_))
        return both
    slow: Array = k * weighted_sum(s, weights.T)
    return slow if local_weights is None else slow + weighted_sum(s, (alpha * local_weights).T)


def hebbian_floating(
    local_weights: Array, s: Array, u: Array, *, eta: Any, beta: Any, lambda_: float, rho: str, sign: int,
    p_max: float, vth: float, mask: Array | None = None, age: Array = AT_ONCE,
) -> int:  # fmt: skip
    """floating.hebbian of one sample, in place; returns the number of entries that the clip changed.

    age : (n_in,), steps by which each input's weights lie behind, if they need not be up to date; see `catch_up`.
    """
    post = RHO[rho](u / vth) + beta
    pre = s, sign, row(eta)
    return int(change_floating(local_weights.T, *pre, post, float(lambda_), float(p_max), by_input(mask), age))


def hebbian_fixed(
    local_weights: Array, s: Array, post: Array, *, eta: Any, lambda_: int, sign: int, p_top: int, eta_exp: int,
    mask: Array | None = None, age: Array = AT_ONCE,
) -> int:  # fmt: skip
    """fixed.hebbian of one sample, in place, as `hebbian_floating`."""
    pre, shift = (s, sign, row(eta)), FRACTION_BITS + eta_exp
    return int(change_fixed(local_weights.T, *pre, post, lambda_, p_top, shift, by_input(mask), age))


def write_hebbian_floating(
    local_weights: Array, s: Array, u: Array, *, eta: Any, beta: Any, share: float, memory: int, rho: str, sign: int,
    p_max: float, vth: float, mask: Array | None = None,
) -> int:  # fmt: skip
    """The write of a stream of the Hebbian rule, in place; returns the number of entries that the clip changed.

    s : (T, n_in); u : (T, n_out); share : what is left of P.
    """
    post, factor = RHO[rho](u / vth) + beta, row(sign * np.asarray(eta) / memory)
    return int(write_floating(local_weights.T, s, factor, post, share, float(p_max), by_input(mask)))


def write_hebbian_fixed(
    local_weights: Array, s: Array, post: Array, *, retained: int, factor: Any, bits: int, p_top: int,
    mask: Array | None = None, words: Array | None = None,
) -> int:  # fmt: skip
    """As `write_hebbian_floating`, in integers. words : (n_out, n_in), or None to round half up."""
    given = (row(factor), post, retained, bits, p_top, by_input(mask), by_input(words))
    return int(write_fixed(local_weights.T, s, *given))


def catch_up(local_weights: Array, age: Array, lambda_: Any, s: Array | None = None) -> None:
    """The decay that local weights lie behind, step by step as the rule has it: of the inputs with s_j != 0, or all."""
    given = age[:0] if s is None else s
    if local_weights.dtype.kind == "f":
        catch_up_floating(local_weights.T, age, float(lambda_), given)
    else:
        catch_up_fixed(local_weights.T, age, lambda_, given)


def row(values: Any) -> Array:
    """A scalar or a row as the loops take it."""
    return values if np.ndim(values) else np.array([values])


def by_input(mask: Array | None) -> Array:
    """A mask as the loops take it."""
    return np.zeros((0, 0), np.int64) if mask is None else mask.T


@functools.cache
def warm_up() -> None:
    """Start the compiler's run time in this process: processes forked later inherit it, 0.7 s each otherwise."""
    weighted_sum(np.zeros(1), np.zeros((1, 1)))
