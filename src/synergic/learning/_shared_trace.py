# SPDX-License-Identifier: BSD-3-Clause
"""The authors' protocol, for comparison only: one P for a whole batch, which the next batch starts with.

    P_ij(m) = clip(lambda P_ij(m-1) + sign eta_j mean_b s_bj(m) (rho(u_bi(m)/v_th) + beta_i), -P_max, P_max)

Here a sample's prediction depends on what shares its batch, so nothing of this is exported.
The outer products of the batch are never formed. `matrix` carries P itself, (n_out, n_in), with its bound; `gram`
the batch x batch overlaps of an input that stays, K = X diag(eta) X^T / batch, and the trace of the posts,

    X P(t-1)^T = lambda^t X P(0)^T + sign K R(t),        R(t) = lambda R(t-1) + rho(u(t-1)/v_th) + beta,  R(0) = 0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from synergic.learning import _buffers as buffers
from synergic.learning import _trace_kernels as kernels
from synergic.learning._products import product, times
from synergic.learning._scan import RHO, WINDOW, Neuron, array, compiles, split

if TYPE_CHECKING:
    from synergic.learning._layers import HybridLinear


def run_shared(layer: HybridLinear, s: Tensor, k: Tensor, form: str | None, proven: bool) -> tuple[Tensor, Tensor]:
    """A presentation of a whole batch to one P, which `layer` keeps, detached, also in evaluation.

    s : (batch, T or 1, n_in); k : (T,). form : of HybridLinear, None for the fastest; proven : no entry
    of P can reach its bound. An input that changes takes `matrix`: each pair of its steps has overlaps of its own,
    which cost more than P. Returns spikes and potentials before reset, (batch, T, n_out).
    """
    if s.shape[1] == 1 and layer.alpha.ndim < 2 and (proven or form in ("gram", "fused")):
        return gram(layer, s[:, 0], k, form != "gram")
    s, alpha = s.expand(-1, len(k), -1), layer.alpha.expand_as(layer.bias) if layer.alpha.ndim < 2 else None
    parts = (layer.weight, k, layer.bias, s, layer.eta * layer.sign / len(s), alpha, layer.beta, layer.local_weights)
    if alpha is not None and proven and form in (None, "fused") and takes(layer, k, *parts):
        spikes, u, layer.local_weights = FusedMatrix.apply(*parts, layer.neuron, layer.lambda_, torch.is_grad_enabled())
        return spikes, u
    return matrix(layer, s, k)


def takes(layer: HybridLinear, k: Tensor, *parts: Tensor | None) -> bool:
    """Whether the compiled forms do."""
    return layer.neuron.has_kernel and compiles(*parts) and not k.requires_grad


def gram(layer: HybridLinear, x: Tensor, k: Tensor, fused: bool) -> tuple[Tensor, Tensor]:
    """The form without P; at the end one product gives P(T). x : (batch, n_in)."""
    pre = x * (layer.eta * layer.sign / len(x))
    overlap = product(pre, x, fused)
    slow, stored = product(x, layer.weight, fused)[:, None], product(x, layer.local_weights, fused)
    alpha = layer.alpha.expand_as(layer.bias)
    parts = (slow, k, layer.bias, stored, overlap, alpha, layer.beta)
    if fused and takes(layer, k, *parts):
        spikes, u, trace = Fused.apply(*parts, layer.neuron, layer.lambda_)
    else:
        spikes, u, trace = gram_by_torch(*parts, layer.neuron, layer.lambda_)
    with torch.no_grad():
        # A new tensor: others may hold the old one, back-propagation among them.
        new = times(trace.T, pre.T).add_(layer.local_weights, alpha=layer.lambda_ ** len(k))
        layer.local_weights = buffers.stored(new)
    return spikes, u


def gram_by_torch(
    slow: Tensor, k: Tensor, bias: Tensor, stored: Tensor, overlap: Tensor, alpha: Tensor, beta: Tensor,
    neuron: Neuron, lambda_: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """The presentation as torch operations: spikes, u and R(T)."""
    u, trace = torch.zeros_like(slow[:, 0]), torch.zeros_like(slow[:, 0])
    spikes, potentials = [], []
    for t, current in enumerate((slow * k[:, None] + bias).unbind(1)):
        local = torch.addmm(stored, overlap, trace, beta=lambda_**t)
        before, fired, u = neuron.step(u, torch.addcmul(current, alpha, local))
        trace = torch.add(RHO[neuron.rho](before / neuron.vth) + beta, trace, alpha=lambda_)
        potentials.append(before)
        spikes.append(fired)
    return torch.stack(spikes, 1), torch.stack(potentials, 1), trace


class Forward:
    """The compiled steps of both hand-written forms, and the states they leave; `trace` is R of the next step.

    lambda_ : of the trace; 0 makes it the post of the step.
    """

    def __init__(
        self, slow: Tensor, k: Tensor, bias: Tensor, stored: Tensor | None, alpha: Tensor, beta: Tensor,
        neuron: Neuron, lambda_: float,
    ) -> None:  # fmt: skip
        samples, _, n = slow.shape
        dtype, cell = slow.dtype, neuron.compiled(slow.dtype)
        self.u, self.spikes = (buffers.empty((samples, len(k), n), dtype) for _ in range(2))
        self.trace, rest = (slow.new_zeros(samples, n) for _ in range(2))
        factor = np.array([lambda_**t for t in range(len(k))], type(cell[0]))
        given = ((slow, 3), (k, 1), (bias, 1), (stored, 2))
        self.fixed = (
            *(array(x, dtype, axes) for x, axes in given),
            factor,
            array(alpha, dtype, 1),
            array(beta, dtype, 1),
        )
        self.fixed += cell
        self.states = (type(cell[0])(lambda_), *(x.numpy() for x in (rest, self.u, self.spikes, self.trace)))

    def step(self, t: int, local: Tensor) -> Tensor:
        """Step t, its local sum over the steps before given; returns the trace."""
        split(kernels.shared_forward, len(self.u), t, *self.fixed, local.numpy(), *self.states)
        return self.trace


class Backward:
    """The compiled steps back, on gradients that are zero at the end of the presentation.

    ahead : sum_{q>t} lambda^(q-1-t) dL/dI(q) before step t; with lambda = 0 it is dL/dI(t) after it. scaled : alpha
    times `ahead` before the step; post : of the step. All (batch, n).
    """

    def __init__(
        self, u: Tensor, rows: int, k: Tensor, alpha: Tensor, beta: Tensor, neuron: Neuron, lambda_: float,
        grads: tuple[Tensor | None, ...],
    ) -> None:  # fmt: skip
        samples, _, n = u.shape
        dtype, (vth, *rest) = u.dtype, neuron.compiled(u.dtype)
        kind = type(vth)
        self.ahead, after, *sums = (u.new_zeros(samples, n) for _ in range(5))
        self.scaled, self.post = torch.empty_like(after), torch.empty_like(after)
        self.slow, (self.bias, self.alpha, self.beta) = u.new_zeros(samples, rows, n), sums
        decay, subtract, rho = rest
        self.fixed = (
            *(array(x, dtype, 1) for x in (k, alpha, beta)), vth, decay, kind(WINDOW), subtract, rho, u.numpy(),
            array(grads[1], dtype, 3), array(grads[0], dtype, 3),
        )  # fmt: skip
        states = (self.ahead, self.scaled, self.post, after, self.slow, *sums)
        self.states = (kind(lambda_), *(x.numpy() for x in states))

    def step(self, t: int, traced: Tensor) -> None:
        """Step t; alpha traced : dL/d post(t)."""
        split(kernels.shared_backward, len(traced), t, *self.fixed, traced.numpy(), *self.states)


class Fused(torch.autograd.Function):
    """As `gram_by_torch`: compiled steps around one product a step, back-propagation by hand. R(T) has no gradient."""

    @staticmethod
    def forward(
        ctx: Any, slow: Tensor, k: Tensor, bias: Tensor, stored: Tensor, overlap: Tensor, alpha: Tensor,
        beta: Tensor, neuron: Neuron, lambda_: float,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """Return spikes, potentials and R(T)."""
        run, local = Forward(slow, k, bias, stored, alpha, beta, neuron, lambda_), torch.zeros_like(stored)
        for t in range(len(k)):
            trace = run.step(t, local)
            if t + 1 < len(k):
                local = times(overlap, trace.T)
        ctx.save_for_backward(k, stored, overlap, alpha, beta, run.u)
        ctx.rest = (slow.shape[1], neuron, lambda_)
        ctx.mark_non_differentiable(trace)
        ctx.set_materialize_grads(False)
        return run.spikes, run.u, trace

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of the inputs."""
        (k, stored, overlap, alpha, beta, u), (rows, neuron, lambda_) = ctx.saved_tensors, ctx.rest
        run = Backward(u, rows, k, alpha, beta, neuron, lambda_, grads)
        traced, g_overlap = torch.zeros_like(stored), torch.zeros_like(overlap)
        for t in range(len(k) - 1, -1, -1):
            run.step(t, traced)
            if t + 1 < len(k):
                # Summed at the postsynaptic step: the later gradients are at hand, the traces would have to be stored.
                g_overlap = times(run.scaled, run.post, g_overlap)
            if t:
                traced = times(overlap.T, run.ahead.T)
        g_stored = alpha * run.ahead if ctx.needs_input_grad[3] else None
        g_alpha = run.alpha.addcmul_(stored, run.ahead)
        sums = (x.sum(0) for x in (g_alpha, run.beta))
        return run.slow, None, run.bias.sum(0), g_stored, g_overlap, *sums, None, None


class FusedMatrix(torch.autograd.Function):
    """As `matrix` while nothing is clipped, alpha a neuron. s : (batch, T, n_in); drive : sign eta / batch."""

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, k: Tensor, bias: Tensor, s: Tensor, drive: Tensor, alpha: Tensor, beta: Tensor,
        p: Tensor, neuron: Neuron, lambda_: float, keep: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """Return spikes, potentials and P(T)."""
        slow = times(s.flatten(0, 1), weight).view(*s.shape[:2], -1)
        run, history, outer = Forward(slow, k, bias, None, alpha, beta, neuron, 0.0), [p], []
        for t, now in enumerate(s.unbind(1)):
            post = run.step(t, times(now, p))
            # eta is the same for the whole batch, so it can wait until after the sum.
            sums = times(post.T, now.T)
            p = torch.addcmul(p.mul(lambda_), sums, drive)
            if keep:
                history.append(p)
                outer.append(sums)
        ctx.save_for_backward(weight, k, s, drive, alpha, beta, run.u)
        ctx.rest, ctx.history, ctx.outer = (neuron, lambda_), history, outer
        ctx.mark_non_differentiable(p)
        ctx.set_materialize_grads(False)
        return run.spikes, run.u, p

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of the inputs."""
        (weight, k, s, drive, alpha, beta, u), (neuron, lambda_) = ctx.saved_tensors, ctx.rest
        run = Backward(u, len(k), k, alpha, beta, neuron, 0.0, grads)
        g_s = buffers.empty(tuple(s.shape), s.dtype) if ctx.needs_input_grad[3] else None
        n, p = len(alpha), torch.stack(ctx.history[:-1])
        g_p, fresh = torch.zeros_like(p), torch.empty_like(p)  # of P / alpha, after each step; what each step adds
        # What a step's inputs meet on their way, W, P and the gradient of P: all in one product.
        met = torch.cat([weight.expand_as(p), p, torch.empty_like(p)], 1)
        by = torch.empty(len(s), 3 * n, dtype=s.dtype)
        for t in range(s.shape[1] - 1, -1, -1):
            now = s[:, t]
            if t + 1 < s.shape[1]:
                torch.add(fresh[t + 1], g_p[t + 1], alpha=lambda_, out=g_p[t])
            run.step(t, times(now, torch.mul(g_p[t], drive, out=met[t, 2 * n :])))
            fresh[t] = times(run.ahead.T, now.T)
            if g_s is not None:
                torch.mul(run.ahead, k[t], out=by[:, :n])
                torch.mul(run.ahead, alpha, out=by[:, n : 2 * n])
                torch.mul(run.post, alpha, out=by[:, 2 * n :])
                g_s[:, t] = times(by, met[t].T)
        g_weight = times(run.slow.flatten(0, 1).T, s.flatten(0, 1).T) if ctx.needs_input_grad[0] else None
        g_drive = alpha @ (torch.stack(ctx.outer) * g_p).sum(0)
        g_alpha = (fresh * p).sum((0, 2))
        return g_weight, None, run.bias.sum(0), g_s, g_drive, g_alpha, run.beta.sum(0), None, None, None, None


def matrix(layer: HybridLinear, s: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """The form with P. s : (batch, T, n_in)."""
    slow = product(s, layer.weight)
    p, u = layer.local_weights, torch.zeros_like(slow[:, 0])
    scaled = s * (layer.eta * layer.sign / len(s))
    spikes, potentials = [], []
    for current, now, pre in zip(
        (slow * k[:, None] + layer.bias).unbind(1), s.unbind(1), scaled.unbind(1), strict=True
    ):
        if layer.alpha.ndim == 2:
            local = functional.linear(now, layer.alpha * p)
        else:
            local = layer.alpha * functional.linear(now, p)
        before, fired, u = layer.neuron.step(u, current + local)
        post = RHO[layer.rho](before / layer.vth) + layer.beta
        p = torch.addmm(p, post.T, pre, beta=layer.lambda_).clamp(-layer.p_max, layer.p_max)
        potentials.append(before)
        spikes.append(fired)
    layer.local_weights = p.detach()
    return torch.stack(spikes, 1), torch.stack(potentials, 1)
