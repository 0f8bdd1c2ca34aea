# SPDX-License-Identifier: BSD-3-Clause
"""Presentations with P and its bound written out, neuron by neuron: for those whose P reaches the bound.

Of neuron i of one sample, t = 0 .. T-1 (Wu et al. 2022, Methods):

    I_t = current_t + alpha_i sum_j P_tj s_tj        u_t and s_t from I_t as of `_scan`
    P_(t+1)j = clip(lambda P_tj + sign eta_j s_tj (rho(u_t / v_th) + beta_i), +-P_max)

A row of P is alive within its neuron's turn only: no matrix a sample is formed. Compiled on a CPU, in float32 and
float64, torch operations otherwise; gradients are the same, 0 through an entry that is clipped.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from synergic.learning._scan import RHO, WINDOW, Neuron, again, array, compiles, split
from synergic.learning._tensors import clip
from synergic.learning._trace_kernels import IDENTITY, add_product, bounded, dot, fire, fire_backward, jit


class Trace(NamedTuple):
    """What the local weights of a layer share: the neuron, lambda, sign and P_max of synergic.Hebbian."""

    neuron: Neuron
    lambda_: float
    sign: int
    p_max: float


@jit
def update_row(p: Any, after: Any, lambda_: Any, post: Any, drive: Any, p_max: Any) -> None:  # pragma: no cover
    """after = clip(lambda p + post drive, +-p_max)."""
    for j in range(p.size):
        v = lambda_ * p[j] + post * drive[j]
        after[j] = p_max if v > p_max else (-p_max if v < -p_max else v)


@jit
def update_row_backward(
    g: Any, g_drive: Any, p: Any, lambda_: Any, post: Any, drive: Any, p_max: Any
) -> Any:  # pragma: no cover
    """Of `update_row`: g from dL/d after to dL/dp; g_drive += dL/d drive; returns dL/d post."""
    zero = p.dtype.type(0)
    g_post = zero
    for j in range(p.size):
        inside = g[j] if abs(lambda_ * p[j] + post * drive[j]) <= p_max else zero
        g_post += inside * drive[j]
        g_drive[j] += inside * post
        g[j] = lambda_ * inside
    return g_post


@jit
def dot_backward(g: Any, g_s: Any, p: Any, s: Any, scaled: Any) -> Any:  # pragma: no cover
    """Of sum_j p_j s_j, `scaled` its gradient: g += dL/dp; g_s += dL/ds; returns the sum."""
    total = p.dtype.type(0)
    for j in range(p.size):
        total += p[j] * s[j]
        g[j] += scaled * s[j]
        g_s[j] += scaled * p[j]
    return total


@jit
def forward(
    start: Any, stop: Any, first: Any, index: Any, s: Any, current: Any, stored: Any, alpha: Any, eta: Any, beta: Any,
    lambda_: Any, sign: Any, p_max: Any, vth: Any, decay: Any, subtract: Any, rho: Any, u: Any, spikes: Any,
) -> None:  # fmt: skip # pragma: no cover
    """Rows first[b] .. first[b + 1] - 1, of samples b = start .. stop - 1, into u and spikes."""
    steps, n = u.shape[1], eta.size
    inverse = u.dtype.type(1) / vth
    p, rest, post = np.empty(n, u.dtype), np.empty(1, u.dtype), np.empty(1, u.dtype)
    drive = np.empty((s.shape[1], n), u.dtype)
    for b in range(start, stop):
        drive[:] = 0
        for t in range(s.shape[1]):
            add_product(drive[t], eta, s[b, t])
        for row in range(first[b], first[b + 1]):
            i = index[row]
            p[:] = stored[i]
            rest[:] = 0
            for t in range(steps):
                at = t if s.shape[1] > 1 else 0
                now = u[row, t : t + 1]
                now[0] = current[row, t] + alpha[i] * dot(p, s[b, at])
                fire(rest, now, spikes[row, t : t + 1], vth, decay, subtract)
                bounded(now, post, inverse, rho)
                update_row(p, p, lambda_, sign * (post[0] + beta[i]), drive[at], p_max)


@jit
def backward(
    start: Any, stop: Any, first: Any, index: Any, s: Any, stored: Any, alpha: Any, eta: Any, beta: Any,
    lambda_: Any, sign: Any, p_max: Any, vth: Any, decay: Any, window: Any, subtract: Any, rho: Any, u: Any,
    g_spikes: Any, g_u: Any, g_s: Any, g_current: Any, g_alpha: Any, g_eta: Any, g_beta: Any,
) -> None:  # fmt: skip # pragma: no cover
    """Gradients of those rows: added to g_s, zeros before, and g_eta, (batch, n_in); g_alpha and g_beta are (rows,)."""
    steps, n = u.shape[1], eta.size
    one = u.dtype.type(1)
    inverse = one / vth
    p, g_p, rhos = np.empty((steps, n), u.dtype), np.empty(n, u.dtype), np.empty(steps, u.dtype)
    g, after = np.empty(1, u.dtype), np.empty(1, u.dtype)
    drive, g_drive = np.empty((s.shape[1], n), u.dtype), np.empty((s.shape[1], n), u.dtype)
    for b in range(start, stop):
        drive[:] = 0
        g_drive[:] = 0
        for t in range(s.shape[1]):
            add_product(drive[t], eta, s[b, t])
        for row in range(first[b], first[b + 1]):
            i = index[row]
            bounded(u[row], rhos, inverse, rho)
            p[0] = stored[i]
            for t in range(steps - 1):
                at = t if s.shape[1] > 1 else 0
                update_row(p[t], p[t + 1], lambda_, sign * (rhos[t] + beta[i]), drive[at], p_max)
            g_p[:] = 0
            after[:] = 0
            for back in range(steps):
                t = steps - 1 - back
                at = t if s.shape[1] > 1 else 0
                g[0] = g_u[row, t]
                if back:
                    post = sign * (rhos[t] + beta[i])
                    g_post = sign * update_row_backward(g_p, g_drive[at], p[t], lambda_, post, drive[at], p_max)
                    g_beta[row] += g_post
                    g[0] += g_post * inverse * (one if rho == IDENTITY else one - rhos[t] * rhos[t])
                fire_backward(g, after, g_spikes[row, t : t + 1], u[row, t : t + 1], vth, decay, window, subtract)
                g_current[row, t] = g[0]
                g_alpha[row] += g[0] * dot_backward(g_p, g_s[b, at], p[t], s[b, at], alpha[i] * g[0])
        for t in range(s.shape[1]):
            add_product(g_eta[b], g_drive[t], s[b, t])
            add_product(g_s[b, t], g_drive[t], eta)


def typed(trace: Trace, dtype: torch.dtype) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """lambda, sign and P_max, and the neuron's, as the loops take them."""
    kind = np.float32 if dtype == torch.float32 else np.float64
    return (kind(trace.lambda_), kind(trace.sign), kind(trace.p_max)), trace.neuron.compiled(dtype)


class Rows(torch.autograd.Function):
    """`exact` by the compiled loops. first : (batch + 1,) and index : (rows,), int64 arrays, of `forward`."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, Tensor]:
        """Return spikes and potentials, and keep what the way back needs."""
        *inputs, ctx.first, ctx.index, ctx.trace = arguments
        s, current, stored, alpha, eta, beta = inputs
        a = functools.partial(array, dtype=s.dtype)
        learning, neuron = typed(ctx.trace, s.dtype)
        u, spikes = torch.empty_like(current), torch.empty_like(current)
        split(
            forward, len(s), ctx.first, ctx.index, a(s, axes=3), a(current, axes=2), a(stored, axes=2),
            a(alpha, axes=1), a(eta, axes=1), a(beta, axes=1), *learning, *neuron, u.numpy(), spikes.numpy(),
        )  # fmt: skip
        ctx.save_for_backward(*inputs, u)
        return spikes, u

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the inputs."""
        *inputs, u = ctx.saved_tensors
        if torch.is_grad_enabled():
            sample, index = torch.from_numpy(of_sample(ctx.first)), torch.from_numpy(ctx.index)
            again_by_torch = functools.partial(by_torch, sample=sample, index=index, trace=ctx.trace)
            return *again(again_by_torch, inputs, grads), None, None
        s, _, stored, alpha, eta, beta = inputs
        a = functools.partial(array, dtype=s.dtype)
        learning, (vth, decay, *rest) = typed(ctx.trace, s.dtype)
        index = torch.from_numpy(ctx.index)
        g_s, g_current, g_eta = torch.zeros(s.shape, dtype=s.dtype), torch.empty_like(u), s.new_zeros(len(s), len(eta))
        g_alpha, g_beta = (u.new_zeros(len(u)) for _ in range(2))
        split(
            backward, len(s), ctx.first, ctx.index, a(s, axes=3), a(stored, axes=2), a(alpha, axes=1),
            a(eta, axes=1), a(beta, axes=1), *learning, vth, decay, type(vth)(WINDOW), *rest, u.numpy(),
            *(a(g, axes=2) for g in grads), g_s.numpy(), g_current.numpy(), g_alpha.numpy(), g_eta.numpy(),
            g_beta.numpy(),
        )  # fmt: skip
        per_neuron = [torch.zeros_like(alpha).index_add(0, index, g) for g in (g_alpha, g_beta)]
        return g_s, g_current, None, per_neuron[0], g_eta.sum(0), per_neuron[1], None, None, None


def of_sample(first: np.ndarray) -> np.ndarray:
    """The sample of each row."""
    return np.repeat(np.arange(len(first) - 1), np.diff(first))


def has_loops(*given: Tensor, trace: Trace) -> bool:
    """Whether the compiled loops take these arguments of `exact`; they have no gradient of `stored`."""
    return compiles(*given) and trace.neuron.has_kernel and not given[2].requires_grad


def exact(
    s: Tensor, current: Tensor, stored: Tensor, alpha: Tensor, eta: Tensor, beta: Tensor, sample: Tensor,
    index: Tensor, trace: Trace,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Neuron index[r] of sample sample[r], for every row r. Returns spikes and potentials before reset, (rows, T).

    s : (batch, T or 1, n_in). current : (rows, T), without the local term. stored : P at the start, (n_out, n_in).
    alpha, beta : (n_out,); eta : (n_in,). sample : (rows,), ascending.
    """
    given = (s, current, stored, alpha, eta, beta)
    if not has_loops(*given, trace=trace):
        return by_torch(*given, sample, index, trace)
    first = np.searchsorted(sample.numpy(), np.arange(len(s) + 1))
    spikes, u = Rows.apply(*given, first, index.contiguous().numpy(), trace)
    return spikes, u


def by_torch(
    s: Tensor, current: Tensor, stored: Tensor, alpha: Tensor, eta: Tensor, beta: Tensor, sample: Tensor,
    index: Tensor, trace: Trace,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`exact` as torch operations."""
    inputs = [now.index_select(0, sample) for now in s.unbind(1)] * (current.shape[1] // s.shape[1])
    return step_by_step(stored[index], inputs, current.unbind(1), alpha[index], eta, beta[index], trace)


def step_by_step(
    p: Tensor, inputs: Sequence[Tensor], current: Sequence[Tensor], alpha: Tensor, eta: Tensor, beta: Tensor,
    trace: Trace,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The presentation as torch operations, P carried along. p : (..., n_in), a row a neuron; alpha, or that of p's
    shape, beta, and of each step `current` : (...); inputs : of each step, (..., n_in). Returns spikes and potentials,
    (batch, T, ...)."""
    neuron = trace.neuron
    u, potentials, spikes = torch.zeros_like(current[0]), [], []
    for now, x in zip(current, inputs, strict=True):
        if alpha.ndim == 2:
            local = torch.einsum("...j,...j->...", alpha * p, x)
        else:
            local = alpha * torch.einsum("...j,...j->...", p, x)
        before, fired, u = neuron.step(u, now + local)
        post = RHO[neuron.rho](before / neuron.vth) + beta
        p = clip(trace.lambda_ * p + post[..., None] * (trace.sign * eta * x), trace.p_max)
        potentials.append(before)
        spikes.append(fired)
    return torch.stack(spikes, 1), torch.stack(potentials, 1)
