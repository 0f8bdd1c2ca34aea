# SPDX-License-Identifier: BSD-3-Clause
"""The scan over the steps of a presentation as compiled loops, forward and backward; `_scan` has the equations.

One sample after another, all neurons of it side by side, so that every inner loop runs over contiguous memory in
vector registers and a sample's work stays in the cache. Samples do not touch each other's results (sums over the
batch are left to the caller): any split of the batch over threads gives the same bits.

Arrays: slow (batch, T or 1, n), stored the same, k and factor (T,), bias, alpha, beta (n,), overlap (batch, T, T),
u and spikes (batch, T, n). An absent array has no elements. All of one floating type, also the scalars:
a Python number would turn float32 sums into float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from synergic.numerics._compiler import cached_jit

# Sums may be reordered and products fused, which vector code needs; NaN and infinity keep their meaning.
jit = cached_jit(nogil=True, fastmath={"reassoc", "contract", "arcp", "nsz"}, error_model="numpy")

IDENTITY, TANH, FRACTION = 0, 1, 2
ONE, TWO, QUARTER, TOP = (np.float32(c) for c in (1, 2, 0.25, 9))
P3, P5, Q2, Q4 = (np.float32(c / 945) for c in (105, 1, 420, 15))


@jit
def bounded(u: Any, out: Any, inverse: Any, rho: Any) -> None:  # pragma: no cover
    """out = rho(u inverse), elementwise.

    FRACTION, for float32, is tanh: Lambert's continued fraction to y^5 at y = x / 4, as numerator and
    denominator, through tanh 2y = 2 tanh y / (1 + tanh^2 y) twice. One division and no branch, so it runs in vector
    registers, where the C library's does not; error below 3e-7 everywhere.
    """
    if rho == IDENTITY:
        for i in range(u.size):
            out[i] = u[i] * inverse
    elif rho == TANH:
        for i in range(u.size):
            out[i] = math.tanh(u[i] * inverse)
    else:
        for i in range(u.size):
            x = u[i] * inverse
            y = QUARTER * (TOP if x > TOP else (-TOP if x < -TOP else x))
            z = y * y
            p, q = y * (ONE + z * (P3 + z * P5)), ONE + z * (Q2 + z * Q4)
            p, q = TWO * p * q, p * p + q * q
            out[i] = TWO * p * q / (p * p + q * q)


@jit
def add(target: Any, weight: Any, values: Any) -> None:  # pragma: no cover
    """target += weight values."""
    for i in range(target.size):
        target[i] += weight * values[i]


@jit
def add_rows(target: Any, weights: Any, rows: Any, start: Any, stop: Any) -> None:  # pragma: no cover
    """target += sum_q weights_q rows_q, q = start .. stop - 1, four rows in one pass over the target."""
    q = start
    while q + 4 <= stop:
        w0, w1, w2, w3 = weights[q], weights[q + 1], weights[q + 2], weights[q + 3]
        r0, r1, r2, r3 = rows[q], rows[q + 1], rows[q + 2], rows[q + 3]
        for i in range(target.size):
            target[i] += w0 * r0[i] + w1 * r1[i] + w2 * r2[i] + w3 * r3[i]
        q += 4
    while q < stop:
        add(target, weights[q], rows[q])
        q += 1


@jit
def dot_rows(out: Any, a: Any, rows: Any, stop: Any) -> None:  # pragma: no cover
    """out_q = sum_i a_i rows_qi, q = 0 .. stop - 1, four rows in one pass over a."""
    q, zero = 0, a.dtype.type(0)
    while q + 4 <= stop:
        r0, r1, r2, r3 = rows[q], rows[q + 1], rows[q + 2], rows[q + 3]
        t0, t1, t2, t3 = zero, zero, zero, zero
        for i in range(a.size):
            x = a[i]
            t0 += x * r0[i]
            t1 += x * r1[i]
            t2 += x * r2[i]
            t3 += x * r3[i]
        out[q], out[q + 1], out[q + 2], out[q + 3] = t0, t1, t2, t3
        q += 4
    while q < stop:
        out[q] = dot(a, rows[q])
        q += 1


@jit
def add_product(target: Any, a: Any, b: Any) -> None:  # pragma: no cover
    """target += a b, elementwise."""
    for i in range(target.size):
        target[i] += a[i] * b[i]


@jit
def dot(a: Any, b: Any) -> Any:  # pragma: no cover
    """sum_i a_i b_i."""
    total = a.dtype.type(0)
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@jit
def fire(rest: Any, u: Any, spikes: Any, vth: Any, decay: Any, subtract: Any) -> None:  # pragma: no cover
    """u += d rest; spikes = H(u - v_th); rest = r(u, spikes)."""
    one, zero = u.dtype.type(1), u.dtype.type(0)
    if subtract:
        for i in range(u.size):
            v = u[i] + decay * rest[i]
            s = one if v > vth else zero
            u[i], spikes[i], rest[i] = v, s, v - vth * s
    else:
        for i in range(u.size):
            v = u[i] + decay * rest[i]
            s = one if v > vth else zero
            u[i], spikes[i], rest[i] = v, s, v * (one - s)


@jit
def forward(
    start: Any, stop: Any, slow: Any, k: Any, bias: Any, stored: Any, factor: Any, overlap: Any, alpha: Any, beta: Any,
    vth: Any, decay: Any, subtract: Any, rho: Any, u: Any, spikes: Any,
) -> None:  # fmt: skip # pragma: no cover
    """Samples start .. stop - 1 into u and spikes."""
    steps, n = k.size, bias.size
    inverse = u.dtype.type(1) / vth
    rest, local = np.empty(n, u.dtype), np.empty(n, u.dtype)
    posts = np.empty((steps, n), u.dtype)
    for b in range(start, stop):
        rest[:] = 0
        for t in range(steps):
            now, driven, fade = u[b, t], slow[b, t if slow.shape[1] > 1 else 0], k[t]
            for i in range(n):
                now[i] = bias[i] + fade * driven[i]
            if stored.size or overlap.size:
                local[:] = 0
                if stored.size:
                    add(local, factor[t], stored[b, t if stored.shape[1] > 1 else 0])
                if overlap.size:
                    add_rows(local, overlap[b, t], posts, 0, t)
                add_product(now, alpha, local)
            fire(rest, now, spikes[b, t], vth, decay, subtract)
            if overlap.size:
                bounded(now, posts[t], inverse, rho)
                add(posts[t], u.dtype.type(1), beta)


@jit
def fire_backward(
    g: Any, after: Any, g_spikes: Any, u: Any, vth: Any, decay: Any, window: Any, subtract: Any
) -> None:  # pragma: no cover
    """g += dL/du through spike and reset, of which `after` is dL/d rest; then after = d g, for the step before."""
    one, zero = u.dtype.type(1), u.dtype.type(0)
    for i in range(g.size):
        inside = one if abs(u[i] - vth) < window else zero
        if subtract:
            g[i] += inside * (g_spikes[i] - vth * after[i]) + after[i]
        else:
            g[i] += inside * (g_spikes[i] - u[i] * after[i]) + (zero if u[i] > vth else after[i])
        after[i] = decay * g[i]


@jit
def bounded_backward(g: Any, traced: Any, alpha: Any, rhos: Any, inverse: Any, rho: Any) -> None:  # pragma: no cover
    """g += alpha traced rho'(u / v_th) / v_th."""
    one = g.dtype.type(1)
    if rho == IDENTITY:
        for i in range(g.size):
            g[i] += alpha[i] * traced[i] * inverse
    else:
        for i in range(g.size):
            g[i] += alpha[i] * traced[i] * inverse * (one - rhos[i] * rhos[i])


@jit
def backward(
    start: Any, stop: Any, k: Any, stored: Any, factor: Any, overlap: Any, alpha: Any, beta: Any,
    vth: Any, decay: Any, window: Any, subtract: Any, rho: Any, u: Any, g_u: Any,
    g_spikes: Any, g_slow: Any, g_bias: Any, g_stored: Any, g_overlap: Any, g_alpha: Any, g_beta: Any,
) -> None:  # fmt: skip # pragma: no cover
    """Gradients of samples start .. stop - 1, added to g_slow ... g_beta; g_bias, g_alpha, g_beta are (batch, n)."""
    steps, n = k.size, beta.size if beta.size else u.shape[2]
    kind, one = u.dtype.type, u.dtype.type(1)
    inverse = one / vth
    after, scaled, nothing, traced = (np.zeros(n, u.dtype), np.zeros(n, u.dtype), np.zeros(n, u.dtype),
                                      np.zeros(n, u.dtype))  # fmt: skip
    # rho is computed anew: that is faster than to write it out and to read it back. gs : dL/dI_t.
    rhos, posts, gs = (np.empty((steps, n), u.dtype), np.empty((steps, n), u.dtype), np.empty((steps, n), u.dtype))
    for b in range(start, stop):
        after[:] = 0
        if overlap.size:
            for t in range(steps):
                bounded(u[b, t], rhos[t], inverse, rho)
                for i in range(n):
                    posts[t, i] = rhos[t, i] + beta[i]
        for back in range(steps):
            t = steps - 1 - back
            g = gs[t]
            g[:] = kind(0)
            if g_u.size:
                g[:] = g_u[b, t]
            if overlap.size:
                # sum_{q>t} overlap[q, t] dL/dI_q: alpha times it is the gradient of post_t.
                traced[:] = 0
                add_rows(traced, overlap[b, :, t], gs, t + 1, steps)
                bounded_backward(g, traced, alpha, rhos[t], inverse, rho)
                add_product(g_alpha[b], traced, posts[t])
                add_product(g_beta[b], traced, alpha)
            fire_backward(g, after, g_spikes[b, t] if g_spikes.size else nothing, u[b, t], vth, decay, window,
                   subtract)  # fmt: skip
            add(g_bias[b], one, g)
            add(g_slow[b, t if g_slow.shape[1] > 1 else 0], k[t], g)
            if not (stored.size or overlap.size):
                continue
            for i in range(n):
                scaled[i] = alpha[i] * g[i]
            if stored.size:
                row = t if stored.shape[1] > 1 else 0
                add(g_stored[b, row], factor[t], scaled)
                add_product(g_alpha[b], factor[t] * stored[b, row], g)
            if overlap.size:
                dot_rows(g_overlap[b, t], scaled, posts, t)


@jit
def overlaps(start: Any, stop: Any, s: Any, eta: Any, decay: Any, out: Any) -> None:  # pragma: no cover
    """out[b, t, q] = decay[t, q] sum_j eta_j s[b, t, j] s[b, q, j] for q < t; s (batch, T, n), out zeros before."""
    scaled = np.empty(s.shape[2], s.dtype)
    for b in range(start, stop):
        for t in range(1, s.shape[1]):
            here = s[b, t]
            for i in range(scaled.size):
                scaled[i] = eta[i] * here[i]
            dot_rows(out[b, t], scaled, s[b], t)
            for q in range(t):
                out[b, t, q] *= decay[t, q]


@jit
def overlaps_backward(
    start: Any, stop: Any, s: Any, eta: Any, decay: Any, g: Any, g_s: Any, g_eta: Any
) -> None:  # pragma: no cover
    """Gradients of `overlaps`, g of its result: g_s (batch, T, n), unless empty; added to g_eta, (batch, n)."""
    first, weights = np.empty(s.shape[2], s.dtype), np.empty(s.shape[1], s.dtype)
    for b in range(start, stop):
        for t in range(s.shape[1]):
            for q in range(t):
                weights[q] = g[b, t, q] * decay[t, q]
            for q in range(t + 1, s.shape[1]):
                weights[q] = g[b, q, t] * decay[q, t]
            first[:] = 0
            add_rows(first, weights, s[b], 0, t)
            add_product(g_eta[b], first, s[b, t])
            if g_s.size:
                add_rows(first, weights, s[b], t + 1, s.shape[1])
                target = g_s[b, t]
                for i in range(target.size):
                    target[i] = eta[i] * first[i]


@jit
def forward_nets(
    start: Any, stop: Any, slow: Any, k: Any, bias: Any, stored: Any, factor: Any, overlap: Any, alpha: Any, beta: Any,
    vth: Any, decay: Any, subtract: Any, rho: Any, u: Any, spikes: Any,
) -> None:  # fmt: skip # pragma: no cover
    """`forward` of the nets start .. stop - 1. All arrays but k and factor have one more axis in front, of nets."""
    for i in range(start, stop):
        forward(
            0, u.shape[1], slow[i], k, bias[i], stored[i], factor, overlap[i], alpha[i], beta[i],
            vth, decay, subtract, rho, u[i], spikes[i],
        )  # fmt: skip


@jit
def backward_nets(
    start: Any, stop: Any, k: Any, stored: Any, factor: Any, overlap: Any, alpha: Any, beta: Any,
    vth: Any, decay: Any, window: Any, subtract: Any, rho: Any, u: Any, g_u: Any,
    g_spikes: Any, g_slow: Any, g_bias: Any, g_stored: Any, g_overlap: Any, g_alpha: Any, g_beta: Any,
) -> None:  # fmt: skip # pragma: no cover
    """`backward` of the nets start .. stop - 1, in arrays as those of `forward_nets`."""
    for i in range(start, stop):
        backward(
            0, u.shape[1], k, stored[i], factor, overlap[i], alpha[i], beta[i], vth, decay, window, subtract, rho, u[i],
            g_u[i], g_spikes[i], g_slow[i], g_bias[i], g_stored[i], g_overlap[i], g_alpha[i], g_beta[i],
        )  # fmt: skip


@jit
def overlaps_nets(start: Any, stop: Any, s: Any, eta: Any, decay: Any, out: Any) -> None:  # pragma: no cover
    """`overlaps` of the nets start .. stop - 1; all arrays but decay have one more axis in front."""
    for i in range(start, stop):
        overlaps(0, s.shape[1], s[i], eta[i], decay, out[i])


@jit
def overlaps_backward_nets(
    start: Any, stop: Any, s: Any, eta: Any, decay: Any, g: Any, g_s: Any, g_eta: Any
) -> None:  # pragma: no cover
    """`overlaps_backward` of the nets start .. stop - 1; all arrays but decay have one more axis in front."""
    for i in range(start, stop):
        overlaps_backward(0, s.shape[1], s[i], eta[i], decay, g[i], g_s[i], g_eta[i])


@jit
def shared_forward(
    start: Any, stop: Any, t: Any, slow: Any, k: Any, bias: Any, stored: Any, factor: Any, alpha: Any, beta: Any,
    vth: Any, decay: Any, subtract: Any, rho: Any, local: Any, lambda_: Any, rest: Any, u: Any, spikes: Any, trace: Any,
) -> None:  # fmt: skip # pragma: no cover
    """Step t of `forward`, the sum over the steps before being `local`; then trace = lambda trace + rho + beta.

    stored, local, trace, rest : (batch, n).
    """
    one = u.dtype.type(1)
    post = np.empty(u.shape[2], u.dtype)
    for b in range(start, stop):
        now = u[b, t]
        now[:] = bias
        add(now, k[t], slow[b, t if slow.shape[1] > 1 else 0])
        if stored.size:
            add(local[b], factor[t], stored[b])
        add_product(now, alpha, local[b])
        fire(rest[b], now, spikes[b, t], vth, decay, subtract)
        bounded(now, post, one / vth, rho)
        add(post, one, beta)
        add(post, lambda_, trace[b])
        trace[b] = post


@jit
def shared_backward(
    start: Any, stop: Any, t: Any, k: Any, alpha: Any, beta: Any, vth: Any, decay: Any, window: Any, subtract: Any,
    rho: Any, u: Any, g_u: Any, g_spikes: Any, traced: Any, lambda_: Any, ahead: Any, scaled: Any, post: Any,
    after: Any, g_slow: Any, g_bias: Any, g_alpha: Any, g_beta: Any,
) -> None:  # fmt: skip # pragma: no cover
    """Step t of `backward` from `after`, dL/d rest, and alpha `traced`, dL/d post_t.

    Leaves post = rho + beta and scaled = alpha ahead; then ahead = lambda ahead + dL/dI_t. All (batch, n).
    """
    one, nothing = u.dtype.type(1), np.zeros(u.shape[2], u.dtype)
    g = np.empty_like(nothing)
    for b in range(start, stop):
        g[:] = nothing
        if g_u.size:
            g[:] = g_u[b, t]
        bounded(u[b, t], post[b], one / vth, rho)
        bounded_backward(g, traced[b], alpha, post[b], one / vth, rho)
        add(post[b], one, beta)
        add_product(g_alpha[b], traced[b], post[b])
        add_product(g_beta[b], traced[b], alpha)
        fire_backward(g, after[b], g_spikes[b, t] if g_spikes.size else nothing, u[b, t], vth, decay,
               window, subtract)  # fmt: skip
        add(g_bias[b], one, g)
        add(g_slow[b, t if g_slow.shape[1] > 1 else 0], k[t], g)
        scaled[b] = nothing
        add_product(scaled[b], alpha, ahead[b])
        add(g, lambda_, ahead[b])
        ahead[b] = g
