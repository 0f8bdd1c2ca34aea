# SPDX-License-Identifier: BSD-3-Clause
"""A plastic dense layer with its LIF neurons, differentiable in W, b and theta = (alpha, eta, beta).

Equal forms of the local term. `matrix` carries P, one a sample: (batch, n_out, n_in). `gram` never forms P
(docs/fixed-point.md, "The history form"): with K(m, q) = sum_j eta_j s_j(m) s_j(q),

    sum_j s_j(m) P_ij(m-1) = lambda^(m-1) sum_j s_j(m) P_ij(0)
                             + sign sum_{q<m} lambda^(m-1-q) K(m, q) (rho(u_i(q)/v_th) + beta_i)

which holds while no entry of P reaches its bound. `fused` is the same with the loop over m compiled
(`_scan`). The layer proves that no entry can, or from the potentials that none did, and otherwise takes
`matrix` for the neurons of the samples in question.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synergic._core.checks import choice, kind, number, option, require, whole
from synergic._core.moved import renamed
from synergic.learning._exact import Trace, exact, has_loops, step_by_step
from synergic.learning._products import product
from synergic.learning._scan import RHO, Local, Neuron, overlap, scan
from synergic.learning._shared_trace import run_shared
from synergic.learning._tensors import check_input
from synergic.rules import Hebbian, Rule

MODES = ("gp", "lp", "hp")
FORMS = ("fused", "gram", "matrix")
TRAINED_SCOPES = ("frozen", "per_sample", "shared")
"""How long P lives while a network is trained; a network with "shared" is exported as a stream."""
ALPHAS = ("scalar", "neuron", "synapse")


@renamed("trace", "plasticity_scope")
class HybridLinear(nn.Module):
    """Dense connection with slow and local weights, and the LIF neurons that it drives.

    Parameters
    ----------
    n_in, n_out : int
        Number of inputs and of neurons, at least 1.
    plastic : bool, default True
        Whether the layer has local weights P. Without them it has W and b only.
    vth : float, default 0.35
        Threshold v_th, above 0.
    decay : float, default 0.4
        d: share of the potential that is left after a step, 0 to 1.
    reset : {"subtract", "zero"}
        What a spike does to the potential: v_th is subtracted, or the potential is set to 0.
    lambda_ : float, default 0.95
        Share of P that is left after a step, 0 to 1.
    rho : {"tanh", "identity", "softmax"}
        Function of u / v_th in the local rule.
    sign : {1, -1}
        1 is Hebbian, -1 anti-Hebbian.
    p_max : float, default 4.0
        Bound of the absolute value of P, above 0.
    plasticity_scope : {"per_sample", "frozen", "shared"}
        How long P lives. "per_sample": P starts anew with each sample. "frozen": P does not change. "shared": one P for
        the whole batch, carried from batch to batch, in evaluation too, as in the authors' code; for comparison only.
    alpha_shape : {"neuron", "scalar", "synapse"}
        Shape of alpha: (n_out,), () or (n_out, n_in). "synapse" needs P itself, and so the slow form "matrix".

    Attributes
    ----------
    weight, bias : torch.nn.Parameter
        W of shape (n_out, n_in), and b of shape (n_out,).
    alpha, eta, beta : torch.nn.Parameter
        theta. alpha has the shape of `alpha_shape`, eta (n_in,), beta (n_out,). They start uniform in [0, 0.01).
    local_weights : torch.Tensor
        Buffer (n_out, n_in): P at the start of a presentation, zeros by default.

    Raises
    ------
    ParameterError
        For an argument outside its range.

    Notes
    -----
    For steps m = 1 .. T, inputs s_j(m), and the reset r::

        u_i(m) = d r(u_i(m-1)) + sum_j s_j(m) (W_ij k(m) + alpha_i P_ij(m-1)) + b_i
        s_i(m) = 1 if u_i(m) > v_th, else 0
        P_ij(m) = clip(lambda P_ij(m-1) + sign eta_j s_j(m) (rho(u_i(m) / v_th) + beta_i), -P_max, P_max)

    The gradient of a spike is the rectangular window of half width 0.5 around v_th.

    References
    ----------
    Wu et al., Nat. Commun. 13:65, 2022.
    """

    plastic: bool
    vth: float
    decay: float
    reset: str
    lambda_: float
    rho: str
    sign: int
    p_max: float
    plasticity_scope: str
    weight: Tensor
    bias: Tensor
    alpha: nn.Parameter
    eta: nn.Parameter
    beta: nn.Parameter
    local_weights: Tensor

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
        plasticity_scope: str = "per_sample",
        alpha_shape: str = "neuron",
    ) -> None:
        super().__init__()
        for name, size in (("n_in", n_in), ("n_out", n_out)):
            whole(f"HybridLinear.{name}", size, 1, float("inf"), "It is a number of neurons.")
        number("HybridLinear.vth", vth, 0, 1e6, "Give a positive threshold.", open_low=True)
        number("HybridLinear.decay", decay, 0, 1, "It is the share of u that is left after a step.")
        number("HybridLinear.lambda_", lambda_, 0, 1, "It is the share of P that is left after a step.")
        number("HybridLinear.p_max", p_max, 0, 1e6, "It bounds |P|.", open_low=True)
        kind("HybridLinear.plastic", plastic, bool, "True adds the local term.")
        option("HybridLinear.sign", sign, (1, -1), "1 (Hebbian) or -1 (anti-Hebbian)")
        choice("HybridLinear.reset", reset, ("subtract", "zero"))
        choice("HybridLinear.rho", rho, tuple(RHO))
        choice("HybridLinear.plasticity_scope", plasticity_scope, TRAINED_SCOPES)
        choice("HybridLinear.alpha_shape", alpha_shape, ALPHAS)
        self.plastic, self.vth, self.decay, self.reset = plastic, vth, decay, reset
        self.lambda_, self.rho, self.sign, self.p_max = lambda_, rho, sign, p_max
        self.plasticity_scope = plasticity_scope
        linear = nn.Linear(n_in, n_out)
        self.weight, self.bias = linear.weight, linear.bias
        shape = {"scalar": (), "neuron": (n_out,), "synapse": (n_out, n_in)}[alpha_shape]
        self.alpha = nn.Parameter(0.01 * torch.rand(shape), requires_grad=plastic)
        self.eta = nn.Parameter(0.01 * torch.rand(n_in), requires_grad=plastic)
        self.beta = nn.Parameter(0.01 * torch.rand(n_out), requires_grad=plastic)
        self.register_buffer("local_weights", torch.zeros(n_out, n_in))

    def used(self) -> tuple[Tensor, Tensor | None]:
        """Return W, and the mask of the synapses that have local weights, as `synergic.Hebbian.mask`; None: all."""
        return self.weight, None

    def described(self) -> Rule:
        """Return the local rule as a network description holds it."""
        eta, beta = (values.detach().cpu().numpy().astype(float) for values in (self.eta, self.beta))
        return Hebbian(eta, beta, self.lambda_, self.rho, self.sign, self.p_max, self.used()[1])

    @property
    def needs_signal(self) -> bool:
        """Whether the local rule needs the global signal. The Hebbian rule does not; `RuleLinear` may."""
        return False

    @property
    def neuron(self) -> Neuron:
        """What all neurons of the layer share."""
        return Neuron(self.vth, self.decay, self.reset, self.rho)

    @property
    def traced(self) -> Trace:
        """What all local weights of the layer share."""
        return Trace(self.neuron, self.lambda_, self.sign, self.p_max)

    @torch.no_grad()
    def may_clip(self, steps: int, largest: float = 1.0) -> bool:
        """Return whether an entry of P could reach its bound within `steps`, whatever the activity.

        Parameters
        ----------
        steps : int
            Length of the presentation.
        largest : float, default 1.0
            Largest absolute value of an input.

        Notes
        -----
        ``|rho| <= 1`` gives ``|P| <= |P(0)| + |eta| largest (1 + |beta|) sum_{q<steps} lambda^q``.
        """
        if self.rho == "identity":
            return True
        gain = sum(self.lambda_**q for q in range(steps))
        stored, eta, beta = tops_of(self.local_weights, self.eta, self.beta)
        top = stored + eta * largest * (1 + beta) * gain
        # Not "top >= p_max": a NaN proves nothing.
        return not top < self.p_max

    @torch.no_grad()
    def clipped(self, s: Tensor, u: Tensor) -> Tensor:
        """Return the neurons of each sample whose row of P may be at its bound.

        Parameters
        ----------
        s : torch.Tensor
            Inputs, (batch, T or 1, n_in).
        u : torch.Tensor
            Potentials of the form without a bound, (batch, T, n_out).

        Returns
        -------
        torch.Tensor
            bool, (batch, n_out).

        Notes
        -----
        As long as no entry is clipped, those potentials are the true ones, and every ``|P_ij|`` stays below the sum of
        what its steps can have added. So the first clip is never missed.
        """
        drive = (self.eta * s).abs().amax(2)
        post = (RHO[self.rho](u / self.vth) + self.beta).abs()
        top = torch.full_like(post[:, 0], top_of(self.local_weights))
        safe = torch.ones_like(top, dtype=torch.bool)
        for m in range(u.shape[1]):
            top = self.lambda_ * top + drive[:, min(m, drive.shape[1] - 1), None] * post[:, m]
            safe &= top <= self.p_max
        return ~safe

    def extra_repr(self) -> str:
        """Return sizes, neuron and rule, as torch shows them of a layer."""
        n_out, n_in = self.weight.shape
        neuron = f"vth={self.vth:g}, decay={self.decay:g}, reset={self.reset!r}"
        if not self.plastic:
            return f"{n_in}, {n_out}, {neuron}, plastic=False"
        rule = getattr(self, "rule", None)
        what = f"Hebbian, rho={self.rho!r}, sign={self.sign}" if rule is None else type(rule).__name__
        return f"{n_in}, {n_out}, {neuron}, rule={what}, plasticity_scope={self.plasticity_scope!r}"

    def forward(self, s: Tensor, k: Tensor, form: str | None = None) -> tuple[Tensor, Tensor]:
        """Run a presentation.

        Parameters
        ----------
        s : torch.Tensor
            Inputs, spikes or real values: (batch, T, n_in), or (batch, n_in) for an input that is the same in all
            steps.
        k : torch.Tensor
            Decay of W, (T,).
        form : {"fused", "gram", "matrix"}, optional
            How the local term is computed. Default: the fastest form that is exact.

        Returns
        -------
        spikes, u : torch.Tensor
            Spikes, and potentials before reset, each (batch, T, n_out).

        Raises
        ------
        ParameterError
            For tensors of another shape or precision.
        """
        if form is not None:
            choice("HybridLinear.forward.form", form, FORMS)
        check_input("HybridLinear.forward.s", s, self.weight)
        check_input("HybridLinear.forward.k", k)
        require(k.ndim == 1 and len(k) > 0, "HybridLinear.forward.k", f"shape {tuple(k.shape)}", "(T,)", "One a step.")
        fits = s.shape[-1:] == (self.weight.shape[1],) and (s.ndim == 2 or (s.ndim == 3 and s.shape[1] in (1, len(k))))
        require(
            fits, "HybridLinear.forward.s", f"shape {tuple(s.shape)}", "(batch, T or 1, n_in), (batch, n_in)", "T of k."
        )
        if s.ndim == 2:
            s = s[:, None]
        elif s.stride(1) == 0 and not s.requires_grad:
            s = s[:, :1]  # with a gradient every step needs its own
        if self.plastic and self.plasticity_scope == "shared":
            proven = form != "matrix" and not self.may_clip(len(k), top_of(s))
            return run_shared(self, s, k, form, proven)
        quick = form in (None, "fused")
        # All slow currents in one product; only the local term and the membrane need a loop.
        slow = product(s, self.weight, quick)
        if not self.plastic:
            return scan(slow, k, self.bias, None, self.neuron, quick)
        if self.plasticity_scope == "frozen":
            # alpha a synapse belongs to the matrix; otherwise to the current, of which the product has fewer terms.
            matrix = self.local_weights * (self.alpha if self.alpha.ndim == 2 else 1)
            alpha = torch.ones_like(self.bias) if self.alpha.ndim == 2 else self.alpha.expand_as(self.bias)
            local = Local(product(s, matrix, quick), torch.ones_like(k), None, alpha, self.beta)
            return scan(slow, k, self.bias, local, self.neuron, quick)
        if form == "matrix" or self.alpha.ndim == 2:
            return self.run_matrix(s, slow, k)
        spikes, u = self.run_gram(s, slow, k, quick)
        if form is not None or not self.may_clip(len(k), top_of(s)):
            return spikes, u
        risky = self.clipped(s, u)
        if not bool(risky.any()):
            return spikes, u
        # A softmax ties the neurons of a sample together; and from what overflowed no gradient comes back.
        alone = self.rho != "softmax" and 2 * int(risky.sum()) < risky.numel() and bool(u.isfinite().all())
        return self.run_rows(s, slow, k, risky, spikes, u) if alone else self.run_matrix(s, slow, k, quick)

    def run_gram(self, s: Tensor, slow: Tensor, k: Tensor, fused: bool) -> tuple[Tensor, Tensor]:
        """Compute the local term from overlaps of input vectors, without P."""
        m = torch.arange(len(k), device=s.device)
        power = (m[:, None] - 1 - m[None, :]).clamp(min=0)
        # A Python number to a tensor's power would be formed in float32, whatever the layer's precision.
        base = torch.tensor(self.lambda_, dtype=s.dtype, device=s.device)
        decay = self.sign * torch.where(m[:, None] > m[None, :], base**power, 0.0)
        stored = product(s, self.local_weights, fused) if top_of(self.local_weights) else None
        local = Local(stored, base**m, overlap(s, self.eta, decay, fused), self.alpha.expand_as(self.bias), self.beta)
        return scan(slow, k, self.bias, local, self.neuron, fused)

    def run_matrix(self, s: Tensor, slow: Tensor, k: Tensor, quick: bool = False) -> tuple[Tensor, Tensor]:
        """Compute the local term from P, with its bound. quick : neuron by neuron where that is compiled."""
        current = slow * k[:, None] + self.bias
        count, steps, n = current.shape
        alpha = self.alpha.expand_as(self.bias) if self.alpha.ndim < 2 else self.alpha
        if quick and has_loops(s, current, self.local_weights, alpha, self.eta, self.beta, trace=self.traced):
            rows, index = current.transpose(1, 2).reshape(-1, steps), torch.arange(n).repeat(count)
            sample = torch.arange(count).repeat_interleave(n)
            found = exact(s, rows, self.local_weights, alpha, self.eta, self.beta, sample, index, self.traced)
            spikes, u = (part.view(count, n, steps).transpose(1, 2).contiguous() for part in found)
            return spikes, u
        p = self.local_weights.expand(count, -1, -1)
        inputs = s.expand(-1, steps, -1)[:, :, None].unbind(1)
        return step_by_step(p, inputs, current.unbind(1), alpha, self.eta, self.beta, self.traced)

    def run_rows(
        self, s: Tensor, slow: Tensor, k: Tensor, risky: Tensor, spikes: Tensor, u: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Replace the entries of `risky`, (batch, n_out), in spikes and u by those computed from P.

        Neurons do not touch each other, so that those in question alone pay for the exact form.
        """
        count, steps, n = u.shape
        rows = risky.flatten().nonzero()[:, 0]
        sample, neuron = rows // n, rows % n
        slow = slow.transpose(1, 2).reshape(count * n, -1).index_select(0, rows)
        current = slow * k + self.bias[neuron][:, None]
        alpha = self.alpha.expand_as(self.bias)
        found = exact(s, current, self.local_weights, alpha, self.eta, self.beta, sample, neuron, self.traced)
        spikes, u = (
            whole.transpose(1, 2).reshape(count * n, steps).index_copy(0, rows, part).view(count, n, steps)
            for whole, part in zip((spikes, u), found, strict=True)
        )
        return spikes.transpose(1, 2).contiguous(), u.transpose(1, 2).contiguous()


def top_of(values: Tensor) -> float:
    """Return the largest magnitude, in one pass and without a copy; 0 for an empty tensor."""
    return tops_of(values)[0]


def tops_of(*several: Tensor) -> list[float]:
    """Return the largest magnitude of each tensor. A GPU is waited for once."""
    zero = several[0].new_zeros(())
    ends = [end for v in several for end in (torch.aminmax(v.detach()) if v.numel() else (zero, zero))]
    numbers = torch.stack(ends).tolist() if several[0].is_cuda else [float(end) for end in ends]
    return [max(-low, high) for low, high in zip(numbers[::2], numbers[1::2], strict=True)]
