# SPDX-License-Identifier: BSD-3-Clause
"""Products of dense matrices, in float32 on a CPU by oneDNN.

torch multiplies float32 matrices by MKL, which leaves the wider vector registers of some makers' processors unused;
oneDNN, which comes with torch as well, uses them: twice as fast there, and both the same within rounding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from synergic.learning import _buffers as buffers
from synergic.learning._scan import compiles

HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def times(a: Tensor, b: Tensor, plus: Tensor | None = None) -> Tensor:
    """a b^T + plus. a : (m, n); b : (k, n), both of any layout; plus : (m, k), or None for nothing."""
    # oneDNN refuses empty matrices, and takes those with gaps by plain loops.
    dense = all(x.numel() and (x.is_contiguous() or x.T.is_contiguous()) for x in (a, b))
    if not (HAS_ONEDNN and dense and a.dtype == torch.float32 and a.device.type == "cpu") or torch.is_grad_enabled():
        return torch.mm(a, b.T) if plus is None else torch.addmm(plus, a, b.T)
    linear = torch.ops.mkldnn._linear_pointwise  # without a gradient
    out: Tensor = linear(a, b, None, "none", [], "") if plus is None else linear.binary(a, plus, b, None, "add")
    return out


class Product(torch.autograd.Function):
    """s W^T."""

    @staticmethod
    def forward(ctx: Any, s: Tensor, weight: Tensor) -> Tensor:
        """Return s W^T."""
        needs_s, needs_weight = ctx.needs_input_grad
        ctx.save_for_backward(s if needs_weight else None, weight if needs_s else None)
        return times(s.reshape(-1, s.shape[-1]), weight).view(*s.shape[:-1], len(weight))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of s and W."""
        (s, weight), g = ctx.saved_tensors, grads[0].flatten(0, -2)
        g_s = times(g, weight.T).view(*grads[0].shape[:-1], -1) if ctx.needs_input_grad[0] else None
        return g_s, buffers.stored(times(g.T, s.flatten(0, -2).T)) if ctx.needs_input_grad[1] else None


def product(s: Tensor, weight: Tensor, fused: bool = True) -> Tensor:
    """s W^T. s : (..., n_in); weight : W, (n_out, n_in). fused : as `scan`."""
    if fused and compiles(s, weight):
        result: Tensor = Product.apply(s, weight)
        return result
    return functional.linear(s, weight)
