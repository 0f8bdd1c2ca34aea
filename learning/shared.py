# SPDX-License-Identifier: BSD-3-Clause
"""The authors' protocol, for comparison only: one P for a whole batch, kept from batch to batch.

    P_ij(m) = clip(lambda P_ij(m-1) + sign eta_j mean_b s_bj(m) (rho(u_bi(m)/v_th) + beta_i), -P_max, P_max)

Here a sample's prediction depends on what shares its batch (paper.md, "A warning"), so nothing of this is exported.
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

from synergic.learning import buffers, kernels
from synergic.learning.scan import RHO, WINDOW, Neuron, array, compiles, product, split

if TYPE_CHECKING:
    from synergic.learning.layers import HybridLinear


def run_shared(
    layer: HybridLinear, s: Tensor, slow: Tensor, k: Tensor, form: str | None, proven: bool
) -> tuple[Tensor, Tensor]:
    """A presentation of a whole batch to one P, which `layer` keeps, detached, also in evaluation.

    s : (batch, T or 1, n_in); slow : s W^T; k : (T,). form : of HybridLinear, None for the fastest; proven : no entry
    of P can reach its bound. An input that changes takes `matrix`: each pair of its steps has overlaps of its own,
    which cost more than P. Returns spikes and potentials before reset, (batch, T, n_out).
    """
    if s.shape[1] == 1 and layer.alpha.ndim < 2 and (proven or form in ("gram", "fused")):
        return gram(layer, s[:, 0], slow, k, form != "gram")
    s, alpha = s.expand(-1, len(k), -1), layer.alpha.expand_as(layer.bias) if layer.alpha.ndim < 2 else None
    parts = (slow, k, layer.bias, s, layer.eta * layer.sign / len(s), alpha, layer.beta, layer.local_weights)
    if alpha is not None and proven and form in (None, "fused") and takes(layer, k, *parts):
        spikes, u, layer.local_weights = FusedMatrix.apply(*parts, layer.neuron, layer.lambda_, torch.is_grad_enabled())
        return spikes, u
    return matrix(layer, s, slow, k)


def takes(layer: HybridLinear, k: Tensor, *parts: Tensor | None) -> bool:
    """Whether the compiled forms do."""
    return layer.neuron.has_kernel and compiles(*parts) and not k.requires_grad


def gram(layer: HybridLinear, x: Tensor, slow: Tensor, k: Tensor, fused: bool) -> tuple[Tensor, Tensor]:
    """The form without P; at the end one product gives P(T). x : (batch, n_in)."""
    overlap = product(x * (layer.eta * layer.sign / len(x)), x, fused)
    stored, alpha = product(x, layer.local_weights, fused), layer.alpha.expand_as(layer.bias)
    parts = (slow, k, layer.bias, stored, overlap, alpha, layer.beta)
    if fused and takes(layer, k, *parts):
        spikes, u, trace = Fused.apply(*parts, layer.neuron, layer.lambda_, torch.is_grad_enabled())
    else:
        spikes, u, trace = plain(*parts, layer.neuron, layer.lambda_)
    with torch.no_grad():
        pre = x * (layer.eta * layer.sign / len(x))
        # A new tensor: back-propagation still needs the old one.
        p = layer.local_weights
        new = buffers.empty(tuple(p.shape), p.dtype) if compiles(*parts) else torch.empty_like(p)
        layer.local_weights = torch.addmm(p, trace.T, pre, beta=layer.lambda_ ** len(k), out=new)
    return spikes, u


def plain(
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


class Steps:
    """What both hand-written forms share: states of a presentation, and the compiled steps on them."""

    def __init__(
        self, slow: Tensor, k: Tensor, bias: Tensor, alpha: Tensor, beta: Tensor, neuron: Neuron, keep: bool
    ) -> None:  # fmt: skip
        samples, _, n = slow.shape
        self.dtype, self.samples, self.alpha, self.k, self.rows = slow.dtype, samples, alpha, k, slow.shape[1]
        self.cell = neuron.compiled(slow.dtype)
        self.u, self.spikes = (buffers.empty((samples, len(k), n), slow.dtype) for _ in range(2))
        # Without back-propagation two slots do, and stay in the cache.
        self.slots = len(k) + 1 if keep else 2
        self.trace = buffers.empty((self.slots, samples, n), slow.dtype)
        self.trace[0] = 0
        self.local, rest = slow.new_empty(samples, n), slow.new_zeros(samples, n)
        a = self.array
        self.fixed = (a(slow, 3), a(k, 1), a(bias, 1), self.local.numpy(), a(alpha, 1), a(beta, 1), *self.cell)
        self.states = (rest.numpy(), *(x.numpy() for x in (self.u, self.spikes, self.trace)))

    def array(self, tensor: Tensor | None, axes: int) -> Any:
        """As scan.array."""
        return array(tensor, self.dtype, axes)

    def forward(self, t: int, lambda_: float) -> None:
        """Step t from self.local; the trace of t + 1 is lambda times that of t, and post."""
        kind = type(self.cell[0])
        split(kernels.shared_forward, self.samples, t, *self.fixed, kind(lambda_), *self.states)

    def at(self, t: int) -> Tensor:
        """The trace at step t, (batch, n)."""
        return self.trace[t % self.slots]

    def start_back(self, grads: tuple[Tensor | None, ...], stored: Tensor | None, lambda_: float) -> None:
        """Gradients, zero before the last step."""
        u, a, kind = self.u, self.array, type(self.cell[0])
        samples, steps, n = u.shape
        factor = np.array([lambda_**t for t in range(steps)], kind)
        # alpha times `traced` is the gradient of the step's post.
        self.traced, after, self.g, self.bias, self.g_alpha, self.g_beta = (u.new_zeros(samples, n) for _ in range(6))
        self.g_slow, self.g_stored = (
            u.new_zeros(samples, self.rows, n),
            u.new_zeros(0 if stored is None else samples, n),
        )
        self.back = (
            a(self.k, 1), a(stored, 2), factor, a(self.alpha, 1), *self.cell[:2], kind(WINDOW), *self.cell[2:],
            u.numpy(), a(grads[1], 3), a(grads[0], 3), self.traced.numpy(),
            after.numpy(), self.g.numpy(), self.g_slow.numpy(), self.bias.numpy(), self.g_stored.numpy(),
            self.g_alpha.numpy(), self.g_beta.numpy(),
        )  # fmt: skip

    def backward(self, t: int) -> Tensor:
        """g = dL/dI(t), from `traced`."""
        split(kernels.shared_backward, self.samples, t, *self.back)
        return self.g


class Fused(torch.autograd.Function):
    """As `plain`: compiled steps around one product a step, back-propagation by hand. R(T) has no gradient."""

    @staticmethod
    def forward(
        ctx: Any, slow: Tensor, k: Tensor, bias: Tensor, stored: Tensor, overlap: Tensor, alpha: Tensor,
        beta: Tensor, neuron: Neuron, lambda_: float, keep: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        run = Steps(slow, k, bias, alpha, beta, neuron, keep)
        run.local.copy_(stored)  # R(0) = 0
        for t in range(len(k)):
            if t:
                torch.addmm(stored, overlap, run.at(t), beta=lambda_**t, out=run.local)
            run.forward(t, lambda_)
        ctx.save_for_backward(stored, overlap)
        ctx.run, ctx.lambda_, last = run, lambda_, run.at(len(k)).clone()
        ctx.mark_non_differentiable(last)
        ctx.set_materialize_grads(False)
        # Copies of no data, so that the states do not hold the graph that holds them.
        return run.spikes.detach(), run.u.detach(), last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        (stored, overlap), run = ctx.saved_tensors, ctx.run
        run.start_back(grads, stored, ctx.lambda_)
        g_overlap, through, scaled = torch.zeros_like(overlap), torch.empty_like(stored), torch.empty_like(stored)
        for t in range(run.u.shape[1] - 1, -1, -1):
            g = run.backward(t)
            if t:  # R(0) = 0
                torch.mm(overlap.T, g, out=through)
                run.g_alpha.addcmul_(through, run.trace[t])
                torch.add(through, run.traced, alpha=ctx.lambda_, out=run.traced)
                g_overlap.addmm_(torch.mul(g, run.alpha, out=scaled), run.trace[t].T)
        sums = (x.sum(0) for x in (run.g_alpha, run.g_beta))
        return run.g_slow, None, run.bias.sum(0), run.g_stored, g_overlap, *sums, None, None, None


class FusedMatrix(torch.autograd.Function):
    """As `matrix` while nothing is clipped, alpha a neuron. s : (batch, T, n_in); drive : sign eta / batch."""

    @staticmethod
    def forward(
        ctx: Any, slow: Tensor, k: Tensor, bias: Tensor, s: Tensor, drive: Tensor, alpha: Tensor, beta: Tensor,
        p: Tensor, neuron: Neuron, lambda_: float, keep: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        run, history, outer = Steps(slow, k, bias, alpha, beta, neuron, keep), [p], []
        for t, now in enumerate(s.unbind(1)):
            torch.mm(now, p.T, out=run.local)
            run.forward(t, 0.0)  # no trace: trace[t + 1] is the post of step t
            # eta is the same for the whole batch, so it can wait until after the sum.
            sums = run.at(t + 1).T @ now
            p = torch.addcmul(p.mul(lambda_), sums, drive)
            if keep:
                history.append(p)
                outer.append(sums)
        ctx.save_for_backward(s, drive)
        ctx.run, ctx.lambda_, ctx.history, ctx.outer = run, lambda_, history, outer
        ctx.mark_non_differentiable(p)
        ctx.set_materialize_grads(False)
        return run.spikes.detach(), run.u.detach(), p

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        (s, drive), run = ctx.saved_tensors, ctx.run
        run.start_back(grads, None, ctx.lambda_)
        g_s = buffers.empty(tuple(s.shape), s.dtype) if ctx.needs_input_grad[3] else None
        n, p = len(run.alpha), torch.stack(ctx.history[:-1])
        g_p, fresh = torch.zeros_like(p), torch.empty_like(p)  # of P / alpha, after each step; what each step adds
        # What a step's inputs meet on their way, P and the gradient of P: both in one product.
        met, by = torch.cat([torch.empty_like(p), p], 1), torch.empty(len(s), 2 * n, dtype=s.dtype)
        for t in range(s.shape[1] - 1, -1, -1):
            now = s[:, t]
            if t + 1 < s.shape[1]:
                torch.add(fresh[t + 1], g_p[t + 1], alpha=ctx.lambda_, out=g_p[t])
            scaled = torch.mul(g_p[t], drive, out=met[t, :n])
            torch.mm(now, scaled.T, out=run.traced)
            g = run.backward(t)
            torch.mm(g.T, now, out=fresh[t])
            if g_s is not None:
                torch.mul(run.trace[t + 1], run.alpha, out=by[:, :n])
                torch.mul(g, run.alpha, out=by[:, n:])
                torch.mm(by, met[t], out=g_s[:, t])
        g_drive = run.alpha @ (torch.stack(ctx.outer) * g_p).sum(0)
        g_alpha = (fresh * p).sum((0, 2))
        g_slow, g_bias = run.g_slow, run.bias.sum(0)
        return g_slow, None, g_bias, g_s, g_drive, g_alpha, run.g_beta.sum(0), None, None, None, None


def matrix(layer: HybridLinear, s: Tensor, slow: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """The form with P. s : (batch, T, n_in)."""
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
