# SPDX-License-Identifier: BSD-3-Clause
"""Steps of a whole layer, compiled: one projection with the Hebbian rule or none, and the neurons it drives.

The arithmetic is that of `compiled`, to the last bit; only what nobody reads is put off. A local weight is read when
its input fires, so a change by the rule waits until then: P_j is brought up to date by one pass over its row, once
between two spikes of input j, and never for an input that fires once. Instead, the postsynaptic terms of all
steps are stored.

Arrays, input by input: s (T, n_in); weights, local, start, mask (n_in, n_out); slow, posts, u, spikes (T, n_out); last,
the step of an input's last spike or -1, and written, whether its row of `local` holds P, (n_in,). start is empty for a
P of zeros, local for a projection without one, mask for all ones. Rows of weights, local, start, mask, slow and posts
may be longer, zeros behind: a number of elements that fills vector registers is quicker, for few neurons by far.

For few neurons (`narrow`) all of P is changed in every step: to find out what can be put off takes longer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from synergic.numerics._compiled import HALF, fade, gather, jit
from synergic.numerics.fixed import FRACTION_BITS, MEMBRANE_MAX, MEMBRANE_MIN, TABLE_SHIFT, TABLE_SIZE


@jit
def begin(local: Any, j: Any, start: Any, written: Any) -> None:  # pragma: no cover
    """P_j = P_j(0), unless the row holds it."""
    if not written[j]:
        for i in range(local.shape[1]):
            local[j, i] = start[j, i] if start.size else 0
        written[j] = True


@jit
def bring_floating(
    j: Any, m: Any, s: Any, local: Any, start: Any, mask: Any, last: Any, written: Any, posts: Any, drive: Any,
    lambda_: Any, top: Any,
) -> Any:  # fmt: skip # pragma: no cover
    """P_j as step m (from 0) reads it, of compiled.change_floating and .catch_up_floating; how many were clipped.

    top : the bound, infinite where no entry can reach it.
    """
    t, clipped = last[j], 0
    begin(local, j, start, written)
    decays = m
    if t >= 0:
        decays = m - 1 - t
        pre = drive[j] * s[t, j]
        if pre == 0:
            decays += 1
        elif mask.size == 0 and top == np.inf:
            for i in range(local.shape[1]):
                local[j, i] = lambda_ * local[j, i] + posts[t, i] * pre
        else:
            for i in range(local.shape[1]):
                local[j, i] = lambda_ * local[j, i] + posts[t, i] * pre
            if mask.size:
                for i in range(local.shape[1]):
                    local[j, i] *= mask[j, i]
            for i in range(local.shape[1]):
                clipped += abs(local[j, i]) > top
                local[j, i] = min(max(local[j, i], -top), top)
    fade(local, j, lambda_, decays)
    return clipped


@jit
def bring_fixed(
    j: Any, m: Any, s: Any, local: Any, start: Any, mask: Any, last: Any, written: Any, posts: Any, drive: Any,
    lambda_: Any, top: Any, shift: Any,
) -> Any:  # fmt: skip # pragma: no cover
    """As `bring_floating`, of compiled.change_fixed and .catch_up_fixed. local : int32, which its products fit."""
    t, clipped, half = last[j], 0, 1 << (shift - 1)
    begin(local, j, start, written)
    decays = m
    if t >= 0:
        decays = m - 1 - t
        pre = drive[j] * s[t, j]
        if pre == 0:
            decays += 1
        else:
            for i in range(local.shape[1]):
                raw = ((lambda_ * local[j, i] + HALF) >> FRACTION_BITS) + ((posts[t, i] * pre + half) >> shift)
                if mask.size:
                    raw *= mask[j, i]
                clipped += abs(raw) > top
                local[j, i] = min(max(raw, -top), top)
    factor, up = np.int32(lambda_), np.int32(HALF)
    for _ in range(decays):
        for i in range(local.shape[1]):
            local[j, i] = np.int32(factor * local[j, i] + up) >> np.int32(FRACTION_BITS)
    return clipped


@jit
def change_narrow(m: Any, s: Any, local: Any, posts: Any, drive: Any, lambda_: Any) -> None:  # pragma: no cover
    """P = P(m), from P(m - 1), of an input that is silent too: its product of 0 leaves the decay."""
    for j in range(local.shape[0]):
        pre = drive[j] * s[m - 1, j]
        for i in range(local.shape[1]):
            local[j, i] = lambda_ * local[j, i] + posts[m - 1, i] * pre


@jit
def slow_sums(s: Any, weights: Any, slow: Any) -> None:  # pragma: no cover
    """slow_m = sum_j s_j(m) W_j of all steps; a row is fetched once for all spikes of its input."""
    slow[:] = 0
    for j in range(weights.shape[0]):
        for m in range(s.shape[0]):
            if s[m, j] != 0:
                gather(slow[m], s[m, j], weights, j)


@jit
def add_beta(posts: Any, m: Any, beta: Any) -> None:  # pragma: no cover
    """posts of the step before m, from rho to rho + beta."""
    if m > 0:
        for i in range(beta.size):
            posts[m - 1, i] += beta[i]


@jit
def step_floating(
    m: Any, k: Any, s: Any, slow: Any, local: Any, start: Any, mask: Any, last: Any, written: Any, posts: Any,
    drive: Any, lambda_: Any, top: Any, narrow: Any, beta: Any, alpha: Any, bias: Any, decay: Any, vth: Any,
    subtract: Any, rest: Any, u: Any, ratio: Any, spikes: Any,
) -> Any:  # fmt: skip # pragma: no cover
    """Step m: u, ratio = u / v_th, spikes, and rest, u after its reset; returns how many entries of P were clipped.

    posts : posts_{m-1} is rho of the step before; beta is added here.
    slow : of `slow_sums`. narrow : whether `local` holds P(m - 1) of all inputs, and P(m) at the end; not for masks or
    where an entry can be clipped.
    """
    fast, clipped = np.zeros(slow.shape[1]), 0
    add_beta(posts, m, beta)
    if narrow:
        if m > 0:
            change_narrow(m, s, local, posts, drive, lambda_)
        for j in range(local.shape[0]):
            for i in range(fast.size):
                fast[i] += s[m, j] * local[j, i]
    for j in range(0 if narrow else local.shape[0]):
        if s[m, j] != 0:
            if start.size or last[j] >= 0:  # P is not zero
                clipped += bring_floating(j, m, s, local, start, mask, last, written, posts, drive, lambda_, top)
                gather(fast, s[m, j], local, j)
            last[j] = m
    for i in range(rest.size):
        current = k * slow[m, i] + alpha[i] * fast[i] if local.size else k * slow[m, i]
        now = decay * rest[i] + current + bias[i]
        fires = now > vth
        u[m, i], ratio[i], spikes[m, i] = now, now / vth, fires
        rest[i] = now - vth * fires if subtract else (0.0 if fires else now)
    return clipped


@jit
def run_fixed(
    k: Any, s: Any, slow: Any, local: Any, start: Any, mask: Any, last: Any, written: Any, posts: Any, drive: Any,
    lambda_: Any, top: Any, shift: Any, table: Any, table_scale: Any, beta: Any, alpha: Any, bias: Any, decay: Any,
    accumulator_shift: Any, vth: Any, subtract: Any, rest: Any, u: Any, spikes: Any,
) -> Any:  # fmt: skip # pragma: no cover
    """All steps; returns how many potentials saturated, and how many entries of P were clipped on the way."""
    saturated, clipped, half, middle = 0, 0, 1 << (accumulator_shift - 1), TABLE_SIZE // 2
    fast = np.empty(slow.shape[1], rest.dtype)
    for m in range(k.size):
        fast[:] = 0
        for j in range(local.shape[0]):
            if s[m, j] != 0:
                if start.size or last[j] >= 0:
                    clipped += bring_fixed(
                        j, m, s, local, start, mask, last, written, posts, drive, lambda_, top, shift
                    )  # fmt: skip
                    gather(fast, s[m, j], local, j)
                last[j] = m
        for i in range(rest.size):
            acc = k[m] * slow[m, i] + alpha[i] * fast[i]
            raw = ((rest[i] * decay + HALF) >> FRACTION_BITS) + ((acc + half) >> accumulator_shift) + bias[i]
            now = min(max(raw, MEMBRANE_MIN), MEMBRANE_MAX)
            saturated += now != raw
            fires = now > vth
            u[m, i], spikes[m, i] = now, fires
            rest[i] = now - vth * fires if subtract else (0 if fires else now)
        if local.size:
            for i in range(rest.size):
                index = (u[m, i] * table_scale >> TABLE_SHIFT) + middle
                posts[m, i] = table[min(max(index, 0), TABLE_SIZE - 1)] + beta[i]
    return saturated, clipped


@jit
def finish_floating(
    m: Any, s: Any, local: Any, start: Any, mask: Any, last: Any, written: Any, posts: Any, drive: Any, lambda_: Any,
    top: Any, narrow: Any, beta: Any,
) -> Any:  # fmt: skip # pragma: no cover
    """All of P after m steps; how many entries were clipped on the way."""
    clipped = 0
    add_beta(posts, m, beta)
    if narrow:
        change_narrow(m, s, local, posts, drive, lambda_)
        return clipped
    for j in range(local.shape[0]):
        clipped += bring_floating(j, m, s, local, start, mask, last, written, posts, drive, lambda_, top)
    return clipped


@jit
def finish_fixed(
    m: Any, s: Any, local: Any, start: Any, mask: Any, last: Any, written: Any, posts: Any, drive: Any, lambda_: Any,
    top: Any, shift: Any,
) -> Any:  # fmt: skip # pragma: no cover
    """As `finish_floating`."""
    clipped = 0
    for j in range(local.shape[0]):
        clipped += bring_fixed(j, m, s, local, start, mask, last, written, posts, drive, lambda_, top, shift)
    return clipped
