# SPDX-License-Identifier: BSD-3-Clause
"""The formulation to beat: the equations of docs/concepts.md as the authors wrote theirs, without shortcuts.

Step by step, the slow current computed anew at every step although the input stays, the outer products of a batch
materialised and then averaged into one P for all (plasticity_scope "shared"), gradients by autograd.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

from synergic.learning.tasks import FewShotNet

WINDOW = 0.5


class Spike(torch.autograd.Function):
    """H(u - v_th) with the rectangular window as its gradient."""

    @staticmethod
    def forward(ctx: Any, over: Tensor) -> Tensor:
        ctx.save_for_backward(over)
        return (over > 0).to(over.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (over,) = ctx.saved_tensors
        return grads[0] * (over.abs() < WINDOW)


def plain_episode(net: FewShotNet, support: Tensor, labels: Tensor, queries: Tensor) -> Tensor:
    """u(T) of each query, (queries, ways): image by image, and P by outer products anew for each query.

    support, queries : (n, height, width). labels : (n,) of the support.
    """
    layer = net.plastic.layers[0]
    shown = [net.features(image[None, None])[0] for image in support]
    teaching = nn.functional.one_hot(labels, net.ways).to(support.dtype)
    found = []
    for query in queries:
        steps = [torch.cat([f, c]) for f, c in zip(shown, teaching, strict=True)]
        steps.append(torch.cat([net.features(query[None, None])[0], torch.zeros_like(teaching[0])]))
        u, p = torch.zeros_like(layer.bias), torch.zeros_like(layer.weight)
        spikes = torch.zeros_like(u)
        for x in steps:
            u = layer.decay * u * (1 - spikes) + layer.weight @ x + layer.bias + layer.alpha * (p @ x)
            spikes = Spike.apply(u - layer.vth)
            outer = torch.outer(torch.tanh(u / layer.vth) + layer.beta, layer.eta * x)
            p = (layer.lambda_ * p + outer).clamp(-layer.p_max, layer.p_max)
        found.append(u)
    return torch.stack(found)


class PlainNet(nn.Module):
    """A chain of plastic layers; sizes, steps, tau_w and the settings as HybridNet's defaults.

    masks : (n_out, n_in) of 0 and 1, one a layer, for continual learning: W of the mask only, P of the rest only, and
    anew at every presentation.
    """

    def __init__(
        self, sizes: tuple[int, ...], *, plastic: bool, steps: int = 10, tau_w: float = 40.0, vth: float = 0.35,
        decay: float = 0.4, lambda_: float = 0.95, p_max: float = 4.0, masks: list[Tensor] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.masks = masks
        self.plastic, self.steps, self.tau_w, self.vth = plastic, steps, tau_w, vth
        self.decay, self.lambda_, self.p_max = decay, lambda_, p_max
        pairs = list(itertools.pairwise(sizes))
        self.linear = nn.ModuleList(nn.Linear(a, b) for a, b in pairs)
        if plastic:
            self.alpha = nn.ParameterList(0.01 * torch.rand(b) for _, b in pairs)
            self.eta = nn.ParameterList(0.01 * torch.rand(a) for a, _ in pairs)
            self.beta = nn.ParameterList(0.01 * torch.rand(b) for _, b in pairs)
            self.p = [torch.zeros(a, b) for a, b in pairs]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x : (batch, channels), shown at every step. Returns the last layer's u(T) and mean spike count."""
        layers = range(len(self.linear))
        u = [x.new_zeros(len(x), f.out_features) for f in self.linear]
        s, p = [torch.zeros_like(v) for v in u], list(self.p) if self.plastic else []
        if self.masks:
            p = [torch.zeros_like(q) for q in p]
        count = torch.zeros_like(u[-1])
        for m in range(1, self.steps + 1):
            k, received = math.exp(-m / self.tau_w), x
            for i in layers:
                if self.masks:
                    mask = self.masks[i].T
                    current = k * (received @ (self.linear[i].weight.T * mask)) + self.linear[i].bias
                    if self.plastic:
                        current = current + received @ (self.alpha[i] * p[i] * (1 - mask))
                else:
                    current = k * (received @ self.linear[i].weight.T) + self.linear[i].bias
                if self.plastic and not self.masks:
                    current = current + self.alpha[i] * (received @ p[i])
                u[i] = self.decay * (u[i] - self.vth * s[i]) + current
                s[i] = Spike.apply(u[i] - self.vth)
                if self.plastic:
                    post = torch.tanh(u[i] / self.vth) + self.beta[i]
                    outer = torch.bmm((self.eta[i] * received)[:, :, None], post[:, None, :])
                    p[i] = (self.lambda_ * p[i] + outer.mean(0)).clamp(-self.p_max, self.p_max)
                received = s[i]
            count = count + s[-1]
        if self.plastic:
            self.p = [q.detach() for q in p]
        return u[-1], count / self.steps
