# SPDX-License-Identifier: BSD-3-Clause
"""Nets of one shape, each with its own weights and inputs, run as one: the way to train many small nets.

A step of a small net is mostly the calls of torch and of the optimizer, which cost the same for one net and for ten.
Here every parameter has one more axis in front, of nets; the compiled loops take the nets one after the other and share
them among the threads. The products and loops are those of a net alone, so that each net has the bits it has alone.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.func import functional_call

from synergic.learning import _trace_kernels as kernels
from synergic.learning._hybrid_net import HybridNet
from synergic.learning._layers import HybridLinear, top_of, tops_of
from synergic.learning._products import times
from synergic.learning._scan import WINDOW, Neuron, array, split


class Products(torch.autograd.Function):
    """s W^T of each net. s : (nets, ..., n_in); weight : (nets, n_out, n_in)."""

    @staticmethod
    def forward(ctx: Any, s: Tensor, weight: Tensor) -> Tensor:
        """Return the products, (nets, ..., n_out)."""
        needs_s, needs_weight = ctx.needs_input_grad
        ctx.save_for_backward(s if needs_weight else None, weight if needs_s else None)
        rows = s.flatten(1, -2)
        return torch.stack([times(a, b) for a, b in zip(rows, weight, strict=True)]).view(*s.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of s and W."""
        (s, weight), g = ctx.saved_tensors, grads[0].flatten(1, -2)
        g_s = g_weight = None
        if ctx.needs_input_grad[0]:
            g_s = torch.stack([times(a, b.T) for a, b in zip(g, weight, strict=True)]).view(*grads[0].shape[:-1], -1)
        if ctx.needs_input_grad[1]:
            g_weight = torch.stack([times(a.T, b.T) for a, b in zip(g, s.flatten(1, -2), strict=True)])
        return g_s, g_weight


class Overlaps(torch.autograd.Function):
    """`_scan.Overlap` of each net. s : (nets, batch, T, n_in); eta : (nets, n_in); decay : (T, T)."""

    @staticmethod
    def forward(ctx: Any, s: Tensor, eta: Tensor, decay: Tensor) -> Tensor:
        """Return the overlaps, (nets, batch, T, T)."""
        ctx.save_for_backward(s, eta, decay)
        out = s.new_zeros(*s.shape[:3], s.shape[2])
        a = functools.partial(array, dtype=s.dtype)
        split(kernels.overlaps_nets, len(s), a(s, axes=4), a(eta, axes=2), a(decay, axes=2), out.numpy())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of s and eta."""
        s, eta, decay = ctx.saved_tensors
        a = functools.partial(array, dtype=s.dtype)
        g_s = torch.empty_like(s) if ctx.needs_input_grad[0] else s.new_empty(len(s), 0, 0, 0)
        g_eta = s.new_zeros(*s.shape[:2], s.shape[3])
        split(
            kernels.overlaps_backward_nets, len(s), a(s, axes=4), a(eta, axes=2), a(decay, axes=2),
            a(grads[0], axes=4), g_s.numpy(), g_eta.numpy(),
        )  # fmt: skip
        return g_s if ctx.needs_input_grad[0] else None, g_eta.sum(1), None


class Scans(torch.autograd.Function):
    """`_scan.scan` of each net. overlap, factor, alpha and beta are None without a local term; P(0) = 0."""

    @staticmethod
    def forward(
        ctx: Any, slow: Tensor, k: Tensor, bias: Tensor, factor: Tensor | None, overlap: Tensor | None,
        alpha: Tensor | None, beta: Tensor | None, neuron: Neuron,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return spikes and potentials before reset, each (nets, batch, T, n)."""
        nets, samples, _, n = slow.shape
        u, spikes = (slow.new_empty(nets, samples, len(k), n) for _ in range(2))
        a = functools.partial(in_front, like=slow)
        split(
            kernels.forward_nets, nets, a(slow, 4), array(k, k.dtype, 1), a(bias, 2), a(None, 4),
            array(factor, slow.dtype, 1), a(overlap, 4), a(alpha, 2), a(beta, 2), *neuron.compiled(slow.dtype),
            u.numpy(), spikes.numpy(),
        )  # fmt: skip
        ctx.save_for_backward(slow, k, factor, overlap, alpha, beta, u)
        ctx.neuron = neuron
        ctx.set_materialize_grads(False)
        return spikes, u

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of the arguments."""
        slow, k, factor, overlap, alpha, beta, u = ctx.saved_tensors
        vth, decay, subtract, rho = ctx.neuron.compiled(u.dtype)
        nets, samples, _, n = u.shape
        g_slow, g_bias = torch.zeros_like(slow), u.new_zeros(nets, samples, n)
        g_overlap = None if overlap is None else torch.zeros_like(overlap)
        g_alpha, g_beta = (None if x is None else u.new_zeros(nets, samples, n) for x in (alpha, beta))
        a = functools.partial(in_front, like=u)
        split(
            kernels.backward_nets, nets, array(k, k.dtype, 1), a(None, 4), array(factor, u.dtype, 1), a(overlap, 4),
            a(alpha, 2), a(beta, 2), vth, decay, type(vth)(WINDOW), subtract, rho, u.numpy(), a(grads[1], 4),
            a(grads[0], 4), g_slow.numpy(), g_bias.numpy(), a(None, 4), a(g_overlap, 4), a(g_alpha, 3), a(g_beta, 3),
        )  # fmt: skip
        summed = [None if g is None else g.sum(1) for g in (g_bias, g_alpha, g_beta)]
        return g_slow, None, summed[0], None, g_overlap, summed[1], summed[2], None


def in_front(tensor: Tensor | None, axes: int, like: Tensor) -> Any:
    """A contiguous numpy view; for None no elements, but the axis of nets, by which the loops index."""
    none = like.new_empty(len(like), *(0,) * (axes - 1))
    return (none if tensor is None else tensor.detach().contiguous()).numpy()


class ManyNets(nn.Module):
    """Hybrid nets as one.

    Parameters
    ----------
    nets : sequence of HybridNet
        Nets of the same sizes and settings. They stay as they are: `collect` copies from them, `hand_back` to them.

    Attributes
    ----------
    stacked : dict of str to torch.nn.Parameter
        By the name that it has in a net, each parameter of all nets, (nets, ...).
    """

    def __init__(self, nets: Sequence[HybridNet]) -> None:
        super().__init__()
        self.nets: tuple[HybridNet, ...] = tuple(nets)
        self.stacked: dict[str, nn.Parameter] = {
            name: nn.Parameter(
                torch.stack([dict(net.named_parameters())[name].detach() for net in nets]), p.requires_grad
            )
            for name, p in nets[0].named_parameters()
        }
        self.k: Tensor = nets[0].k.to(nets[0].layers[0].weight.dtype)
        self.decays: list[tuple[Tensor, Tensor]] = [self.decay_of(layer) for layer in nets[0].layers]

    @staticmethod
    def takes(net: HybridNet) -> bool:
        """Return whether nets like this one can be run as one: dense Hebbian layers on a CPU, P anew each sample."""
        layers = list(net.layers)
        plain = type(net) is HybridNet and all(type(layer) is HybridLinear for layer in layers)
        return plain and not net.dropout and all(
            layer.weight.device.type == "cpu" and layer.weight.dtype in (torch.float32, torch.float64)
            and layer.plasticity_scope == "per_sample" and layer.alpha.ndim == 1 and layer.neuron.has_kernel
            and not top_of(layer.local_weights)
            for layer in layers
        )  # fmt: skip

    def decay_of(self, layer: HybridLinear) -> tuple[Tensor, Tensor]:
        """Return sign lambda^(t-1-q), (T, T), and lambda^t, (T,), of a layer; as `HybridLinear.run_gram`."""
        m = torch.arange(len(self.k))
        base = torch.tensor(layer.lambda_, dtype=self.k.dtype)
        power = (m[:, None] - 1 - m[None, :]).clamp(min=0)
        return layer.sign * torch.where(m[:, None] > m[None, :], base**power, 0.0), base**m

    @torch.no_grad()
    def collect(self) -> None:
        """Take the parameters of the nets."""
        for name, parameter in self.stacked.items():
            for mine, net in zip(parameter, self.nets, strict=True):
                mine.copy_(net.get_parameter(name))

    @torch.no_grad()
    def hand_back(self) -> None:
        """Give the nets their parameters."""
        for name, parameter in self.stacked.items():
            for mine, net in zip(parameter, self.nets, strict=True):
                net.get_parameter(name).copy_(mine)

    def named(self, i: int, what: str) -> Tensor:
        """Return a parameter of layer i of all nets."""
        return self.stacked[f"layers.{i}.{what}"]

    def may_clip(self, i: int, largest: float) -> bool:
        """Return whether an entry of P of layer i might meet its bound in any net; as `HybridLinear.may_clip`."""
        layer = self.nets[0].layers[i]
        if layer.rho == "identity":
            return True
        gain = sum(layer.lambda_**q for q in range(len(self.k)))
        eta, beta = tops_of(self.named(i, "eta"), self.named(i, "beta"))
        return not eta * largest * (1 + beta) * gain < layer.p_max

    def forward(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """Run presentations.

        Parameters
        ----------
        s : torch.Tensor
            Inputs of each net: (nets, batch, T, channels), or (nets, batch, channels), the same in all steps.

        Returns
        -------
        spikes, u : torch.Tensor
            Spikes of the last layers and their potentials before reset, each (nets, batch, T, classes).
        """
        given = s
        s = s[:, :, None] if s.ndim == 3 else s
        u = s
        for i, layer in enumerate(self.nets[0].layers):
            if layer.plastic and self.may_clip(i, top_of(s)):
                return self.one_by_one(given)
            s, u = self.layer(i, layer, s)
        return s, u

    def layer(self, i: int, layer: HybridLinear, s: Tensor) -> tuple[Tensor, Tensor]:
        """Run layer i of all nets, as `HybridLinear.forward`."""
        slow: Tensor = Products.apply(s, self.named(i, "weight"))
        local: tuple[Tensor | None, ...] = (None,) * 4
        if layer.plastic:
            decay, factor = self.decays[i]
            eta = self.named(i, "eta")
            if s.shape[2] == 1:
                alike = torch.stack([(x * x) @ e for x, e in zip(s[:, :, 0], eta, strict=True)])
                overlap = decay * alike[:, :, None, None]
            else:
                overlap = Overlaps.apply(s, eta, decay)
            local = (factor, overlap, self.named(i, "alpha"), self.named(i, "beta"))
        spikes, u = Scans.apply(slow, self.k, self.named(i, "bias"), *local, layer.neuron)
        return spikes, u

    def one_by_one(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """Run the nets one after the other, where P may meet its bound; the gradients go to the same parameters."""
        found = []
        for i, net in enumerate(self.nets):
            mine = {name: parameter[i] for name, parameter in self.stacked.items()}
            found.append(functional_call(net, mine, (s[i],)))
        spikes, u = (torch.stack(part) for part in zip(*found, strict=True))
        return spikes, u
