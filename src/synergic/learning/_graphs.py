# SPDX-License-Identifier: BSD-3-Clause
"""The scan over the steps of a presentation for a GPU: torch operations that torch compiles into few kernels.

`_scan` defines what is computed. Operation by operation a step of training would read and write every potential
some sixty times; compiled, forward and backward touch it a few times each.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

HAS_COMPILER = importlib.util.find_spec("triton") is not None
"""Which torch compiles for a GPU by; without it the same functions run operation by operation."""
SHAPES = 64
"""Shapes of layers and batches in one process that torch may compile for; then it stops compiling, and is slow."""


def forward(
    slow: Tensor, k: Tensor, bias: Tensor, stored: Tensor | None, factor: Tensor | None, overlap: Tensor | None,
    alpha: Tensor | None, beta: Tensor | None, vth: float, decay: float, subtract: bool,
    rho: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Spikes and potentials before reset, (batch, T, n). slow ... beta : as of `_scan`; rho : of RHO."""
    rest = torch.zeros_like(slow[:, 0])
    posts: list[Tensor] = []
    potentials, spikes = [], []
    for t in range(len(k)):
        u = decay * rest + k[t] * at(slow, t) + bias
        if alpha is not None:
            local = torch.zeros_like(rest)
            if stored is not None and factor is not None:
                local = local + factor[t] * at(stored, t)
            if overlap is not None:
                for q, post in enumerate(posts):
                    local = local + overlap[:, t, q, None] * post
            u = u + alpha * local
        fired = (u > vth).to(u.dtype)
        rest = u - vth * fired if subtract else u * (1 - fired)
        if overlap is not None and beta is not None:
            posts.append(rho(u / vth) + beta)
        potentials.append(u)
        spikes.append(fired)
    return torch.stack(spikes, 1), torch.stack(potentials, 1)


def backward(
    slow: Tensor, k: Tensor, stored: Tensor | None, factor: Tensor | None, overlap: Tensor | None,
    alpha: Tensor | None, beta: Tensor | None, u: Tensor, g_spikes: Tensor | None, g_u: Tensor | None, window: float,
    vth: float, decay: float, subtract: bool, rho: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor],
) -> tuple[Tensor | None, ...]:  # fmt: skip
    """Gradients of slow, bias, stored, overlap, alpha and beta. slope : rho' as a function of rho's value."""
    steps = len(k)
    after = torch.zeros_like(u[:, 0])
    found: list[Tensor] = []  # dL/dI of the steps from the last on
    for t in reversed(range(steps)):
        inside = ((u[:, t] - vth).abs() < window).to(u.dtype)
        g = after * (1 - vth * inside if subtract else (u[:, t] <= vth).to(u.dtype) - u[:, t] * inside)
        if g_u is not None:
            g = g + g_u[:, t]
        if g_spikes is not None:
            g = g + inside * g_spikes[:, t]
        if overlap is not None and alpha is not None:
            traced = torch.zeros_like(after)
            for ago, later in enumerate(found):
                traced = traced + overlap[:, steps - 1 - ago, t, None] * later
            g = g + alpha * traced * slope(rho(u[:, t] / vth)) / vth
        found.append(g)
        after = decay * g
    g = torch.stack(found[::-1], 1)
    g_slow = shrink(k[:, None] * g, slow)
    if alpha is None:
        return g_slow, g.sum((0, 1)), None, None, None, None
    scaled, local = alpha * g, torch.zeros_like(g)
    g_stored = g_overlap = g_beta = None
    if stored is not None and factor is not None:
        g_stored = shrink(factor[:, None] * scaled, stored)
        local = local + factor[:, None] * stored
    if overlap is not None and beta is not None:
        posts, before = rho(u / vth) + beta, overlap.tril(-1)
        g_overlap = (scaled @ posts.transpose(1, 2)).tril(-1)
        local = local + before @ posts
        g_beta = (before.transpose(1, 2) @ scaled).sum((0, 1))
    return g_slow, g.sum((0, 1)), g_stored, g_overlap, (g * local).sum((0, 1)), g_beta


def at(values: Tensor, t: int) -> Tensor:
    """Step t of (batch, T or 1, n)."""
    return values[:, t if values.shape[1] > 1 else 0]


def shrink(g: Tensor, values: Tensor) -> Tensor:
    """The gradient of what stays for all steps is the sum of theirs."""
    return g.sum(1, keepdim=True) if values.shape[1] == 1 else g


@functools.cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as torch compiles it, at the first call with a shape."""
    if not HAS_COMPILER:
        return function
    import torch._dynamo

    torch._dynamo.config.cache_size_limit = max(SHAPES, torch._dynamo.config.cache_size_limit)
    return torch.compile(function, dynamic=False)


def on(device: torch.device, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as it is quickest there."""
    return compiled(function) if device.type == "cuda" else function
