# SPDX-License-Identifier: BSD-3-Clause
"""Membrane and local term over the T steps of a presentation: one kernel, and its back-propagation by hand.

Given what is linear in the input, every neuron of every sample is a scan of its own over the steps t = 0 .. T-1
(Wu et al. 2022, Methods; P written out; r the reset, H the spike):

    u_t = d r(u_{t-1}) + k_t slow_t + bias + alpha ( f_t stored_t + sum_{q<t} overlap[t, q] post_q )
    s_t = H(u_t - v_th)        post_q = rho(u_q / v_th) + beta

`scan` runs it as numba kernels on a CPU, in float32 and float64, as `_graphs` on a GPU, and as the plain torch
loop otherwise. All have the same gradients: those of back-propagation through time, resets included, with the
rectangular window for H.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from synergic._core.checks import require
from synergic.learning import _buffers as buffers
from synergic.learning import _graphs as graphs
from synergic.learning import _trace_kernels as kernels

WINDOW = 0.5
"""a of the surrogate gradient."""

RHO: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "identity": lambda x: x,
    "softmax": lambda x: torch.softmax(x, -1),
}
"""As numerics.floating.RHO. The kernels have no softmax, which needs all neurons of a sample before the next step."""
SLOPE: dict[str, Callable[[Tensor], Tensor]] = {"tanh": lambda y: 1 - y * y, "identity": torch.ones_like}
"""rho' from the value of rho."""


class Spike(torch.autograd.Function):
    """s = H(u - v_th); backward the rectangular window, dH/du = 1 where |u - v_th| < a, else 0."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, vth: float) -> Tensor:
        """Return H(u - v_th)."""
        ctx.save_for_backward((u - vth).abs() < WINDOW)
        return (u > vth).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of u."""
        (window,) = ctx.saved_tensors
        return grads[0] * window, None


class Neuron(NamedTuple):
    """What all neurons of a layer share. vth > 0; decay : d, 0 .. 1; reset : "subtract" or "zero"; rho : of RHO."""

    vth: float
    decay: float
    reset: str
    rho: str

    def step(self, u: Tensor, current: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """u(m) before its reset, spikes, u after it, from u after the reset before and the current."""
        u = self.decay * u + current
        s = Spike.apply(u, self.vth)
        return u, s, u - self.vth * s if self.reset == "subtract" else u * (1 - s)

    @property
    def has_kernel(self) -> bool:
        """Whether the compiled forms know rho."""
        return self.rho != "softmax"

    def compiled(self, dtype: torch.dtype) -> tuple[Any, Any, bool, int]:
        """v_th, d, whether the reset subtracts and the code of rho, as `_trace_kernels` takes them."""
        kind = np.float32 if dtype == torch.float32 else np.float64
        tanh = kernels.FRACTION if dtype == torch.float32 else kernels.TANH
        rho = tanh if self.rho == "tanh" else kernels.IDENTITY
        return kind(self.vth), kind(self.decay), self.reset == "subtract", rho


class Local(NamedTuple):
    """The local term. stored : s P(0)^T, (batch, T or 1, n), or None if P(0) = 0. factor : f, (T,), lambda^t.

    overlap : (batch, T, T), of which entries q < t count, sign lambda^(t-1-q) sum_j eta_j s_j(t) s_j(q); None if P
    stays as it is. alpha, beta : (n,).
    """

    stored: Tensor | None
    factor: Tensor
    overlap: Tensor | None
    alpha: Tensor
    beta: Tensor


def compiles(*tensors: Tensor | None) -> bool:
    """Whether the kernels take these: all on a CPU, and all float32 or all float64."""
    kinds = {(t.device.type, t.dtype) for t in tensors if t is not None}
    return kinds in ({("cpu", torch.float32)}, {("cpu", torch.float64)})


def scan(
    slow: Tensor, k: Tensor, bias: Tensor, local: Local | None, neuron: Neuron, fused: bool = True
) -> tuple[Tensor, Tensor]:
    """Run a presentation. Returns spikes and potentials before reset, each (batch, T, n).

    slow : s W^T, (batch, T, n), or (batch, 1, n) of an input that stays. k : (T,), decay of W, no gradient. bias :
    (n,). local : None without the term. fused : False for the plain loop, which gradients of gradients take anyway.
    """
    samples, _, n = slow.shape
    shapes: list[tuple[Tensor | None, tuple[tuple[int, ...], ...]]] = [
        (slow, ((samples, 1, n), (samples, len(k), n))),
        (bias, ((n,),)),
    ]
    if local is not None:
        rest = (((samples, 1, n), (samples, len(k), n)), ((len(k),),), ((samples, len(k), len(k)),), ((n,),), ((n,),))
        shapes += zip(local, rest, strict=True)
    # The kernels do not check bounds.
    for tensor, allowed in shapes:
        fits = tensor is None or tuple(tensor.shape) in allowed
        require(fits, "scan", f"shape {tuple(tensor.shape)}" if tensor is not None else "", f"{allowed}", "See scan.")
    if not (fused and neuron.has_kernel) or k.requires_grad:
        return scan_by_torch(slow, k, bias, local, neuron)
    form = KERNELS if compiles(slow, k, bias, *(local or ())) else GRAPHS if slow.is_cuda else None
    if form is None:
        return scan_by_torch(slow, k, bias, local, neuron)
    spikes, u = Fused.apply(slow, k, bias, *(local or (None,) * 5), neuron, form)
    return spikes, u


def scan_by_torch(slow: Tensor, k: Tensor, bias: Tensor, local: Local | None, neuron: Neuron) -> tuple[Tensor, Tensor]:
    """The scan as torch operations, step by step."""
    current = slow * k[:, None] + bias
    if local is not None and local.stored is not None:
        current = current + local.alpha * (local.stored * local.factor[:, None])
    u, potentials, spikes = torch.zeros_like(current[:, 0]), [], []
    posts: list[Tensor] = []
    for t in range(len(k)):
        now = current[:, t]
        if local is not None and local.overlap is not None and t:
            now = now + local.alpha * torch.einsum("bq,bqi->bi", local.overlap[:, t, :t], torch.stack(posts, 1))
        before, fired, u = neuron.step(u, now)
        if local is not None and local.overlap is not None:
            posts.append(RHO[neuron.rho](before / neuron.vth) + local.beta)
        potentials.append(before)
        spikes.append(fired)
    return torch.stack(spikes, 1), torch.stack(potentials, 1)


POOLS: dict[tuple[int, int], ThreadPoolExecutor] = {}
"""Threads by process and number: a forked process must not use those of its parent, which it does not have."""


def split(kernel: Callable[..., None], samples: int, *arguments: Any) -> None:
    """kernel(start, stop, *arguments) over the batch, on as many threads as torch may use."""
    threads = min(torch.get_num_threads(), samples)
    if threads <= 1:
        kernel(0, samples, *arguments)
        return
    key = (os.getpid(), threads)
    if key not in POOLS:
        POOLS[key] = ThreadPoolExecutor(threads, "synergic-scan")
    cuts = [samples * i // threads for i in range(threads + 1)]
    for done in [POOLS[key].submit(kernel, a, b, *arguments) for a, b in itertools.pairwise(cuts)]:
        done.result()


def array(tensor: Tensor | None, dtype: torch.dtype, axes: int) -> Any:
    """A contiguous numpy view; no elements for None."""
    return (torch.empty((0,) * axes, dtype=dtype) if tensor is None else tensor.detach().contiguous()).numpy()


def again(function: Callable[..., Any], inputs: Any, grads: Any) -> tuple[Tensor | None, ...]:
    """Gradients that can themselves be differentiated, of the plain form run anew; one None more, for the neuron."""
    wanted = [x for x in inputs if x is not None and x.requires_grad]
    pairs = [(out, g) for out, g in zip(function(*inputs), grads, strict=True) if g is not None]
    outputs = ([out for out, _ in pairs], wanted, [g for _, g in pairs])
    found = iter(torch.autograd.grad(*outputs, create_graph=True, allow_unused=True))
    return (*(next(found) if x is not None and x.requires_grad else None for x in inputs), None)


def unpacked(neuron: Neuron, slow: Tensor, k: Tensor, bias: Tensor, *local: Any) -> tuple[Tensor, Tensor]:
    """`scan_by_torch`, the parts of the local term one by one."""
    return scan_by_torch(slow, k, bias, Local(*local) if local[-1] is not None else None, neuron)


class Form(NamedTuple):
    """A way to run the scan, and to go back. Both take slow, k, bias, the local term's five or None, and the neuron.

    run : returns spikes and u. back : takes u and the gradients of both results as well, None for none; returns the
    gradients of slow, bias, stored, overlap, alpha and beta, None where there are none.
    """

    run: Callable[..., tuple[Tensor, Tensor]]
    back: Callable[..., tuple[Tensor | None, ...]]


def run_kernels(
    slow: Tensor, k: Tensor, bias: Tensor, stored: Tensor | None, factor: Tensor | None, overlap: Tensor | None,
    alpha: Tensor | None, beta: Tensor | None, neuron: Neuron,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The scan by `_trace_kernels`."""
    dtype, shape = slow.dtype, (len(slow), len(k), slow.shape[2])
    a = functools.partial(array, dtype=dtype)
    u, spikes = buffers.empty(shape, dtype), buffers.empty(shape, dtype)
    local = (a(stored, axes=3), a(factor, axes=1), a(overlap, axes=3), a(alpha, axes=1), a(beta, axes=1))
    split(
        kernels.forward, shape[0], a(slow, axes=3), a(k, axes=1), a(bias, axes=1), *local, *neuron.compiled(dtype),
        u.numpy(), spikes.numpy(),
    )  # fmt: skip
    return spikes, u


def back_kernels(
    slow: Tensor, k: Tensor, bias: Tensor, stored: Tensor | None, factor: Tensor | None, overlap: Tensor | None,
    alpha: Tensor | None, beta: Tensor | None, neuron: Neuron, u: Tensor, g_spikes: Tensor | None, g_u: Tensor | None,
) -> tuple[Tensor | None, ...]:  # fmt: skip
    """Its way back."""
    samples, _, n = u.shape
    a = functools.partial(array, dtype=u.dtype)
    vth, decay, subtract, rho = neuron.compiled(u.dtype)
    g_slow, g_bias = torch.zeros_like(slow), u.new_zeros(samples, n)
    g_stored, g_overlap = (None if x is None else torch.zeros_like(x) for x in (stored, overlap))
    g_alpha, g_beta = (None if x is None else u.new_zeros(samples, n) for x in (alpha, beta))
    results = (g_slow, g_bias, g_stored, g_overlap, g_alpha, g_beta)
    split(
        kernels.backward, samples, a(k, axes=1), a(stored, axes=3), a(factor, axes=1), a(overlap, axes=3),
        a(alpha, axes=1), a(beta, axes=1), vth, decay, type(vth)(WINDOW), subtract, rho, u.numpy(),
        a(g_u, axes=3), a(g_spikes, axes=3),
        *(a(g, axes=x) for g, x in zip(results, (3, 2, 3, 3, 2, 2), strict=True)),
    )  # fmt: skip
    g_theta = [None if g is None else g.sum(0) for g in (g_alpha, g_beta)]
    if overlap is None:
        g_theta[1] = None  # P that stays does not know beta
    return g_slow, g_bias.sum(0), g_stored, g_overlap, *g_theta


def run_graphs(slow: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    """The scan by `_graphs`."""
    *given, neuron = rest
    run = graphs.on(slow.device, graphs.forward)
    spikes, u = run(slow, *given, neuron.vth, neuron.decay, neuron.reset == "subtract", RHO[neuron.rho])
    return spikes, u


def back_graphs(slow: Tensor, k: Tensor, bias: Tensor, *rest: Any) -> tuple[Tensor | None, ...]:
    """Its way back."""
    *local, neuron, u, g_spikes, g_u = rest
    back = graphs.on(slow.device, graphs.backward)
    found: tuple[Tensor | None, ...] = back(
        slow, k, *local, u, g_spikes, g_u, WINDOW, neuron.vth, neuron.decay, neuron.reset == "subtract",
        RHO[neuron.rho], SLOPE[neuron.rho],
    )  # fmt: skip
    return found


KERNELS, GRAPHS = Form(run_kernels, back_kernels), Form(run_graphs, back_graphs)


class Fused(torch.autograd.Function):
    """A form as one differentiable function; arguments as `scan`, the local term's one by one."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, Tensor]:
        """Return spikes and potentials, and keep what the way back needs."""
        *inputs, ctx.neuron, ctx.form = arguments
        spikes, u = ctx.form.run(*inputs, ctx.neuron)
        ctx.save_for_backward(*inputs, u)
        ctx.set_materialize_grads(False)
        return spikes, u

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of the inputs."""
        *inputs, u = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *again(functools.partial(unpacked, ctx.neuron), inputs, grads), None
        g_slow, g_bias, g_stored, *g_rest = ctx.form.back(*inputs, ctx.neuron, u, *grads)
        return g_slow, None, g_bias, g_stored, None, *g_rest, None, None


class Overlap(torch.autograd.Function):
    """decay[t, q] sum_j eta_j s_j(t) s_j(q), (batch, T, T), zero unless q < t. s : (batch, T, n_in); decay : (T, T)."""

    @staticmethod
    def forward(ctx: Any, s: Tensor, eta: Tensor, decay: Tensor) -> Tensor:
        """Return the overlaps, (batch, T, T)."""
        ctx.save_for_backward(s, eta, decay)
        out = s.new_zeros(len(s), s.shape[1], s.shape[1])
        a = functools.partial(array, dtype=s.dtype)
        split(kernels.overlaps, len(s), a(s, axes=3), a(eta, axes=1), a(decay, axes=2), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of s and eta."""
        s, eta, decay = ctx.saved_tensors
        if torch.is_grad_enabled():
            return again(lambda a, b, c: (overlap(a, b, c, fused=False),), (s, eta, decay), grads)[:3]
        a = functools.partial(array, dtype=s.dtype)
        g_s = buffers.empty(s.shape, s.dtype) if ctx.needs_input_grad[0] else None
        g_eta = s.new_zeros(len(s), s.shape[2])
        split(
            kernels.overlaps_backward, len(s), a(s, axes=3), a(eta, axes=1), a(decay, axes=2), a(grads[0], axes=3),
            a(g_s, axes=3), g_eta.numpy(),
        )  # fmt: skip
        return g_s, g_eta.sum(0), None


def overlap(s: Tensor, eta: Tensor, decay: Tensor, fused: bool = True) -> Tensor:
    """As `Overlap`. An s of one step, (batch, 1, n_in), stays for all of decay's: then one number a sample is all."""
    if s.shape[1] == 1:
        return decay * ((s[:, 0] * s[:, 0]) @ eta)[:, None, None]
    if fused and compiles(s, eta, decay) and not decay.requires_grad:
        result: Tensor = Overlap.apply(s, eta, decay)
        return result
    return decay * ((s * eta) @ s.transpose(1, 2))
