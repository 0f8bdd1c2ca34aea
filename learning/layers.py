# SPDX-License-Identifier: BSD-3-Clause
"""A plastic dense layer with its LIF neurons, differentiable in W, b and theta = (alpha, eta, beta).

Two equal forms of the local term. `matrix` carries P, one a sample: (batch, n_out, n_in). `gram` never forms P
(shared/tianjic B.3): with K(m, q) = sum_j eta_j s_j(m) s_j(q),

    sum_j s_j(m) P_ij(m-1) = lambda^(m-1) sum_j s_j(m) P_ij(0)
                             + sign sum_{q<m} lambda^(m-1-q) K(m, q) (rho(u_i(q)/v_th) + beta_i)

which holds while no entry of P reaches its bound; the layer proves that beforehand and takes `matrix` otherwise.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn

from synergic.network import TRACES, choice, number, require

MODES = ("gp", "lp", "hp")
WINDOW = 0.5
"""a of the surrogate gradient."""


class Spike(torch.autograd.Function):
    """s = H(u - v_th); backward the rectangular window, dH/du = 1 where |u - v_th| < a, else 0."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, vth: float) -> Tensor:
        ctx.save_for_backward((u - vth).abs() < WINDOW)
        return (u > vth).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (window,) = ctx.saved_tensors
        return grads[0] * window, None


RHO = {"tanh": torch.tanh, "identity": lambda x: x}


class HybridLinear(nn.Module):
    """Dense connection with slow and local weights, and the LIF neurons it drives.

    n_in, n_out : sizes. plastic : with the local term. vth, decay, reset, lambda_, rho, sign, p_max, trace : as
    in synergic.Population, Hebbian and Projection. alpha : (n_out,), eta : (n_in,), beta : (n_out,), start
    uniform in [0, 0.01) (as the paper's). local_weights : buffer (n_out, n_in), P at the start, zeros.
    Raises ParameterError.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        plastic: bool = True,
        vth: float = 0.35,
        decay: float = 0.4,
        reset: str = "subtract",
        lambda_: float = 0.95,
        rho: str = "tanh",
        sign: int = 1,
        p_max: float = 4.0,
        trace: str = "per_sample",
    ) -> None:
        super().__init__()
        for name, size in (("n_in", n_in), ("n_out", n_out)):
            require(isinstance(size, int) and size > 0, f"HybridLinear.{name}", size, "1, 2, ...", "")
        number("HybridLinear.vth", vth, 0, 1e6, "Give a positive threshold.", open_low=True)
        number("HybridLinear.decay", decay, 0, 1, "")
        number("HybridLinear.lambda_", lambda_, 0, 1, "")
        choice("HybridLinear.reset", reset, ("subtract", "zero"))
        choice("HybridLinear.rho", rho, tuple(RHO))
        choice("HybridLinear.trace", trace, TRACES)
        self.plastic, self.vth, self.decay, self.reset = plastic, vth, decay, reset
        self.lambda_, self.rho, self.sign, self.p_max, self.trace = lambda_, rho, sign, p_max, trace
        linear = nn.Linear(n_in, n_out)
        self.weight, self.bias = linear.weight, linear.bias
        self.alpha = nn.Parameter(0.01 * torch.rand(n_out), requires_grad=plastic)
        self.eta = nn.Parameter(0.01 * torch.rand(n_in), requires_grad=plastic)
        self.beta = nn.Parameter(0.01 * torch.rand(n_out), requires_grad=plastic)
        self.register_buffer("local_weights", torch.zeros(n_out, n_in))
        self.local_weights: Tensor

    def may_clip(self, steps: int) -> bool:
        """Whether an entry of P could reach its bound within `steps`, whatever the activity."""
        if self.rho != "tanh":
            return True
        with torch.no_grad():
            gain = sum(self.lambda_**q for q in range(steps))
            top = self.local_weights.abs().max() + self.eta.abs().max() * (1 + self.beta.abs().max()) * gain
        return bool(top >= self.p_max)

    def forward(self, s: Tensor, k: Tensor, form: str | None = None) -> tuple[Tensor, Tensor]:
        """Run a presentation.

        s : (batch, T, n_in) of 0 and 1. k : (T,), decay of W. form : "gram", "matrix" or None for the faster
        of those that are exact. Returns spikes and potentials before reset, each (batch, T, n_out).
        """
        steps = s.shape[1]
        # All slow currents in one product; only the local term and the membrane need a loop.
        slow = (s @ self.weight.T) * k[None, :, None] + self.bias
        if not self.plastic:
            return self.integrate(slow)
        if self.trace == "frozen":
            return self.integrate(slow + self.alpha * (s @ self.local_weights.T))
        if form is None:
            form = "matrix" if self.may_clip(steps) else "gram"
        return self.run_gram(s, slow) if form == "gram" else self.run_matrix(s, slow)

    def step(self, u: Tensor, current: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """u(m) before its reset, spikes, u after it."""
        u = self.decay * u + current
        s = Spike.apply(u, self.vth)
        return u, s, u - self.vth * s if self.reset == "subtract" else u * (1 - s)

    def integrate(self, current: Tensor) -> tuple[Tensor, Tensor]:
        """The membrane alone."""
        u, potentials, spikes = torch.zeros_like(current[:, 0]), [], []
        for m in range(current.shape[1]):
            before, s, u = self.step(u, current[:, m])
            potentials.append(before)
            spikes.append(s)
        return torch.stack(spikes, 1), torch.stack(potentials, 1)

    def run_gram(self, s: Tensor, slow: Tensor) -> tuple[Tensor, Tensor]:
        """The local term from overlaps of spike vectors, without P."""
        steps = s.shape[1]
        m = torch.arange(steps, device=s.device)
        power = (m[:, None] - 1 - m[None, :]).clamp(min=0)
        # A Python number to a tensor's power would be formed in float32, whatever the layer's precision.
        base = torch.tensor(self.lambda_, dtype=s.dtype, device=s.device)
        decay = torch.where(m[:, None] > m[None, :], base**power, 0.0)
        overlap = self.sign * decay * torch.einsum("bmj,j,bqj->bmq", s, self.eta, s)
        stored = (s @ self.local_weights.T) * (base**m)[:, None]
        u, potentials, spikes = torch.zeros_like(slow[:, 0]), [], []
        posts: list[Tensor] = []
        for t in range(steps):
            local = stored[:, t]
            if t:
                local = local + torch.einsum("bq,bqi->bi", overlap[:, t, :t], torch.stack(posts, 1))
            before, fired, u = self.step(u, slow[:, t] + self.alpha * local)
            posts.append(RHO[self.rho](before / self.vth) + self.beta)
            potentials.append(before)
            spikes.append(fired)
        return torch.stack(spikes, 1), torch.stack(potentials, 1)

    def run_matrix(self, s: Tensor, slow: Tensor) -> tuple[Tensor, Tensor]:
        """The local term from P, a matrix a sample, with its bound."""
        p = self.local_weights.expand(len(s), -1, -1)
        u, potentials, spikes = torch.zeros_like(slow[:, 0]), [], []
        for t in range(s.shape[1]):
            local = torch.einsum("bij,bj->bi", p, s[:, t])
            before, fired, u = self.step(u, slow[:, t] + self.alpha * local)
            post = RHO[self.rho](before / self.vth) + self.beta
            pre = self.sign * self.eta * s[:, t]
            p = (self.lambda_ * p + post[:, :, None] * pre[:, None, :]).clamp(-self.p_max, self.p_max)
            potentials.append(before)
            spikes.append(fired)
        return torch.stack(spikes, 1), torch.stack(potentials, 1)


class HybridNet(nn.Module):
    """A chain of hybrid layers in one of the three learning modes.

    sizes : channels, hidden ..., classes. mode : "gp" no local term; "lp" hidden layers with fixed random W and
    the local rule, only the read-out trained; "hp" everything trained. steps : T. tau_w : in steps of dt = 1.
    settings : of HybridLinear. Raises ParameterError.
    """

    def __init__(
        self, sizes: tuple[int, ...], *, mode: str = "hp", steps: int = 10, tau_w: float = 40.0, **settings: Any
    ) -> None:
        super().__init__()
        choice("HybridNet.mode", mode, MODES)
        require(len(sizes) >= 2, "HybridNet.sizes", sizes, "at least (channels, classes)", "")
        require(isinstance(steps, int) and steps > 0, "HybridNet.steps", steps, "1, 2, ...", "")
        self.mode, self.steps, self.tau_w, self.sizes = mode, steps, tau_w, tuple(sizes)
        self.layers = nn.ModuleList(
            HybridLinear(a, b, plastic=mode != "gp", **settings) for a, b in itertools.pairwise(sizes)
        )
        if mode == "lp":
            for layer in self.layers[:-1]:
                layer.requires_grad_(False)
        m = torch.arange(1, steps + 1, dtype=torch.float64)
        self.register_buffer("k", torch.exp(-m / tau_w))
        self.k: Tensor

    def forward(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """s : (batch, T, channels). Returns the last layer's spikes and potentials, (batch, T, classes)."""
        want = (self.steps, self.sizes[0])
        require(
            s.ndim == 3 and tuple(s.shape[1:]) == want,
            "HybridNet input",
            f"shape {tuple(s.shape)}",
            f"(batch, {want[0]}, {want[1]})",
            "Axes are sample, step, channel.",
        )
        u = s
        for layer in self.layers:
            s, u = layer(s, self.k.to(s.dtype))
        return s, u

    def theta(self) -> list[nn.Parameter]:
        """The meta-parameters alpha, eta, beta that are trained."""
        return [
            p for n, p in self.named_parameters() if n.split(".")[-1] in ("alpha", "eta", "beta") and p.requires_grad
        ]

    def slow(self) -> list[nn.Parameter]:
        """The slow weights and biases that are trained."""
        return [p for n, p in self.named_parameters() if n.split(".")[-1] in ("weight", "bias") and p.requires_grad]
