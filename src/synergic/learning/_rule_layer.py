# SPDX-License-Identifier: BSD-3-Clause
"""A plastic dense layer that learns by any rule of synergic.rules, differentiable in W, b, alpha and its rates."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from synergic._core.checks import choice, kind, require
from synergic._core.moved import renamed
from synergic.errors import UnsupportedError
from synergic.learning._layers import TRAINED_SCOPES, HybridLinear
from synergic.learning._products import product
from synergic.learning._tensors import clip
from synergic.rules import Received, Rule, outer
from synergic.rules._kernels import HEBBIAN
from synergic.rules._rates import CLAMP, TRACE_MAX


@renamed("trace", "plasticity_scope")
class RuleLinear(HybridLinear):
    """A `HybridLinear` that learns by another rule than the Hebbian one.

    P is carried for each sample, (batch, n_out, n_in), in the form "matrix".

    Parameters
    ----------
    n_in, n_out : int
        Number of inputs and of neurons.
    rule : synergic.rules.Rule
        One of `synergic.rules`, or your own. Its `floating` is called with tensors, inside the gradient.
    plastic, vth, decay, reset, plasticity_scope, alpha_shape
        Of `HybridLinear`; plasticity_scope is "per_sample" or "frozen".

    Attributes
    ----------
    rule : synergic.rules.Rule
        The rule with its parameters at the start.
    rule_theta : torch.nn.ParameterDict
        The trained parameters of the rule by name: its rates and plain parameters, one value a neuron where it allows
        one. Its shares are not trained.

    Raises
    ------
    ParameterError
        For an argument outside its range.
    UnsupportedError
        For `Hebbian`, which `HybridLinear` has in faster forms, and for plasticity_scope "shared".

    Examples
    --------
    A net of such layers: ``HybridNet(sizes, layer=RuleLinear, rule=Oja(0.01))``.
    """

    rule: Rule
    shares: dict[str, str]
    rule_theta: nn.ParameterDict
    mask: Tensor | None

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        rule: Rule,
        plastic: bool = True,
        vth: float = 0.35,
        decay: float = 0.4,
        reset: str = "subtract",
        plasticity_scope: str = "per_sample",
        alpha_shape: str = "neuron",
    ) -> None:
        kind("RuleLinear.rule", rule, Rule, "Give one of synergic.rules, or write one.")
        choice("RuleLinear.plasticity_scope", plasticity_scope, TRAINED_SCOPES)
        if rule.kernel == HEBBIAN or plasticity_scope == "shared":
            raise UnsupportedError(
                f"RuleLinear: got {type(rule).__name__} with plasticity_scope={plasticity_scope!r}, allowed other "
                "rules than Hebbian, with 'frozen' or 'per_sample'. Use HybridLinear."
            )
        super().__init__(
            n_in, n_out, plastic=plastic, vth=vth, decay=decay, reset=reset, plasticity_scope=plasticity_scope,
            alpha_shape=alpha_shape, p_max=rule.p_max,
        )  # fmt: skip
        rule.check_shapes("RuleLinear", n_out, n_in)
        del self.eta, self.beta
        self.rule, self.shares, self.rule_theta = rule, {}, nn.ParameterDict()
        sizes: dict[str, tuple[int, ...]] = {"pre": (n_in,), "post": (n_out,), "": ()}
        for name, parameter in rule.parameters().items():
            value = np.broadcast_to(getattr(rule, name), sizes[parameter.per])
            if parameter.kind == "share":
                self.register_buffer(f"share_{name}", torch.tensor(value, dtype=torch.get_default_dtype()))
                self.shares[name] = f"share_{name}"
            else:
                start = torch.tensor(value, dtype=torch.get_default_dtype())
                self.rule_theta[name] = nn.Parameter(start, requires_grad=plastic)
        self.register_buffer("mask", None if rule.mask is None else torch.tensor(rule.mask))

    @property
    def needs_signal(self) -> bool:
        """Whether the rule needs the global signal."""
        return self.plastic and self.plasticity_scope == "per_sample" and self.rule.signalled

    def described(self) -> Rule:
        """Return the rule with its parameters as they were trained."""
        trained = {name: p.detach().cpu().numpy().astype(float) for name, p in self.rule_theta.items()}
        rule: Rule = self.rule.with_values(trained)
        return rule

    def forward(
        self, s: Tensor, k: Tensor, form: str | None = None, signal: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run a presentation, as `HybridLinear.forward`.

        Parameters
        ----------
        s : torch.Tensor
            (batch, T, n_in), or (batch, n_in) for an input that is the same in all steps.
        k : torch.Tensor
            Decay of W, (T,).
        form : {"matrix"}, optional
            The only form that there is.
        signal : torch.Tensor, optional
            The global signal, (batch, T), if the rule needs one.

        Returns
        -------
        spikes, u : torch.Tensor
            Spikes, and potentials before reset, each (batch, T, n_out).

        Raises
        ------
        ParameterError
            For another form, tensors of another shape, or a missing signal.
        """
        if not self.plastic:
            return super().forward(s, k, form)
        require(form in (None, "matrix"), "RuleLinear.forward.form", repr(form), "'matrix' or None", "Leave it out.")
        s = (s[:, None] if s.ndim == 2 else s).expand(-1, len(k), -1)
        allowed = f"(batch, {len(k)}, {self.weight.shape[1]})"
        require(s.shape[2] == self.weight.shape[1], "RuleLinear input", f"shape {tuple(s.shape)}", allowed, "Check it.")
        given = signal is not None and signal.shape == (len(s), len(k))
        require(given or not self.needs_signal, "RuleLinear.signal", "none that fits", "(batch, T)", "Give one.")
        slow = product(s, self.weight, False) * k[:, None] + self.bias
        p, state = self.local_weights.expand(len(s), -1, -1), self.fresh(s)
        told = s.new_zeros(len(s), len(k)) if signal is None else signal.to(s)
        u, potentials, spikes = torch.zeros_like(slow[:, 0]), [], []
        for t in range(len(k)):
            matrix = self.alpha * p if self.alpha.ndim == 2 else p
            local = Sums.apply(matrix, s[:, t]) * (1 if self.alpha.ndim == 2 else self.alpha)
            before, fired, u = self.neuron.step(u, slow[:, t] + local)
            if self.plasticity_scope == "per_sample":
                received = Received(s[:, t], (before / self.vth).clip(-CLAMP, CLAMP), fired, told[:, t, None])
                p, state = self.update(p, state, received)
            potentials.append(before)
            spikes.append(fired)
        return torch.stack(spikes, 1), torch.stack(potentials, 1)

    def fresh(self, s: Tensor) -> dict[str, Tensor]:
        """Return the rule's extra arrays at the start of a presentation."""
        zeros = self.rule.fresh(self.weight.shape[0], self.weight.shape[1], (len(s),))
        return {name: torch.from_numpy(values).to(s) for name, values in zeros.items()}

    def update(self, p: Tensor, state: dict[str, Tensor], received: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """Take one step of the rule, with the bounds that synergic.rules applies."""
        shares = {name: getattr(self, buffer) for name, buffer in self.shares.items()}
        new, after = self.rule.floating(p, state, received, SimpleNamespace(**shares, **self.rule_theta))
        new = new if self.mask is None else new * self.mask
        return within(new, self.p_max), {n: within(after[n], TRACE_MAX) for n in state}


def within(x: Tensor, bound: float) -> Tensor:
    """`clip` of x. On a CPU its gradient costs several passes over x, which are spared if nothing is clipped."""
    if x.numel() and not x.is_cuda:  # a GPU would be waited for
        low, high = torch.aminmax(x.detach())
        if -bound <= low and high <= bound:  # false for NaN
            return x
    return clip(x, bound)


class Sums(torch.autograd.Function):
    """sum_j P_ij s_j of each sample. As matrix products of one column each they take torch 3 times as long."""

    @staticmethod
    def forward(ctx: Any, p: Tensor, s: Tensor) -> Tensor:
        """Return (batch, n_out) of P, (batch, n_out, n_in), and s, (batch, n_in)."""
        ctx.save_for_backward(p, s)
        return (p * s[:, None]).sum(2)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Return the gradients of P and s."""
        p, s = ctx.saved_tensors
        needs_p, needs_s = ctx.needs_input_grad
        return outer(grads[0], s) if needs_p else None, (grads[0][:, None] @ p)[:, 0] if needs_s else None
