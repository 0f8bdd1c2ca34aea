# SPDX-License-Identifier: BSD-3-Clause
"""Many questions after one and the same course of learning: what was seen is run once, not once a question."""

from __future__ import annotations

import torch
from torch import Tensor

from synergic._core.checks import require
from synergic.learning._layers import HybridLinear, top_of
from synergic.learning._scan import RHO
from synergic.learning._tensors import check_input


def answers(layer: HybridLinear, seen: Tensor, asked: Tensor, k: Tensor) -> Tensor:
    """u at the last step of presentations that differ in that step alone.

    seen : (episodes, T-1, n_in), the steps that an episode's presentations share. asked : (episodes, questions, n_in),
    the last step of each. k : (T,), decay of W. Returns u(T) before its reset, (episodes, questions, n_out): with z an
    entry of `asked`,

        u_i(T) = d r(u_i(T-1)) + k(T) sum_j W_ij z_j + b_i + alpha_i ( lambda^(T-1) sum_j P_ij(0) z_j
                 + sign sum_{q<T} lambda^(T-1-q) (sum_j eta_j z_j s_j(q)) (rho(u_i(q)/v_th) + beta_i) )

    Equal to the layer run on each whole presentation, which it does itself where an entry of P may be at its
    bound, P is not per sample, or alpha is one a synapse. Raises ParameterError.
    """
    for name, given in (("seen", seen), ("asked", asked), ("k", k)):
        check_input(f"answers.{name}", given)
    shapes = f"shapes {tuple(seen.shape)}, {tuple(asked.shape)}"
    fits = seen.ndim == asked.ndim == 3 and len(seen) == len(asked) and seen.shape[2] == asked.shape[2]
    require(fits, "answers.seen, asked", shapes, "(episodes, T-1, n_in), (episodes, questions, n_in)", "Axes as named.")
    require(len(k) == seen.shape[1] + 1 >= 2, "answers.k", f"shape {tuple(k.shape)}", "(T,)", "One a step.")
    if not layer.plastic or layer.plasticity_scope != "per_sample" or layer.alpha.ndim == 2:
        return one_by_one(layer, seen, asked, k)
    spikes, u = layer(seen, k[:-1])
    if layer.may_clip(seen.shape[1], top_of(seen)) and bool(layer.clipped(seen, u).any()):
        return one_by_one(layer, seen, asked, k)
    last, fired = u[:, -1:], spikes[:, -1:]
    rest = last - layer.vth * fired if layer.reset == "subtract" else last * (1 - fired)
    ago = torch.arange(seen.shape[1] - 1, -1, -1, device=u.device)
    fade = layer.sign * torch.tensor(layer.lambda_, dtype=u.dtype, device=u.device) ** ago
    alike = (asked * layer.eta) @ seen.transpose(1, 2) * fade
    local = alike @ (RHO[layer.rho](u / layer.vth) + layer.beta)
    if top_of(layer.local_weights):
        local = local + layer.lambda_ ** seen.shape[1] * (asked @ layer.local_weights.T)
    return layer.decay * rest + k[-1] * (asked @ layer.weight.T) + layer.bias + layer.alpha * local


def one_by_one(layer: HybridLinear, seen: Tensor, asked: Tensor, k: Tensor) -> Tensor:
    """The same from whole presentations."""
    return layer(presented(seen, asked), k)[1][:, -1].view(*asked.shape[:2], -1)


def presented(seen: Tensor, asked: Tensor) -> Tensor:
    """The presentations themselves, (episodes questions, T, n_in); arguments as of `answers`."""
    first = seen.repeat_interleave(asked.shape[1], 0)
    return torch.cat([first, asked.flatten(0, 1)[:, None]], 1)
