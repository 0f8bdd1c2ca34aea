# SPDX-License-Identifier: BSD-3-Clause
"""Spiking convolutions in front of plastic dense layers (Wu et al. 2022, classification)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from synergic._core.checks import choice, grid, kind, number, require, whole
from synergic._core.moved import renamed
from synergic.learning import _buffers as buffers
from synergic.learning._hybrid_net import HybridNet, Layers
from synergic.learning._scan import Neuron, scan
from synergic.learning._tensors import check_input


class Pooled(torch.autograd.Function):
    """Means over squares of `side`, (..., height, width) to (..., height // side, width // side).

    Of the many spikes of a step of training this takes less than half the time of torch's own on a CPU, and its
    gradient a tenth on a GPU.
    """

    @staticmethod
    def forward(ctx: Any, spikes: Tensor, side: int) -> Tensor:
        """Return the means, (..., height // side, width // side)."""
        ctx.side, ctx.size = side, spikes.shape[2:]
        if spikes.is_cuda:
            return functional.avg_pool2d(spikes, side)
        first, *others = corners(spikes, side)
        total = buffers.like(first, first.shape).copy_(first)
        for corner in others:
            total += corner
        return total.div_(side**2)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the spikes."""
        g, side = grads[0] / ctx.side**2, ctx.side
        covered = [side * n for n in g.shape[2:]]
        if not g.is_cuda:
            whole = buffers.like(g, (*g.shape[:2], *ctx.size))
            whole[:, :, covered[0] :], whole[:, :, :, covered[1] :] = 0, 0
            for corner in corners(whole, side):
                corner.copy_(g)
            return whole, None
        whole = g[:, :, :, None, :, None].expand(-1, -1, -1, side, -1, side).reshape(*g.shape[:2], *covered)
        rest = [size - have for size, have in zip(ctx.size, covered, strict=True)]
        return functional.pad(whole, (0, rest[1], 0, rest[0])) if any(rest) else whole, None


def corners(images: Tensor, side: int) -> list[Tensor]:
    """Return, for each place in a square of `side`, that place of every whole square: views of the images."""
    height, width = (size - size % side for size in images.shape[2:])
    return [images[:, :, i:height:side, j:width:side] for i in range(side) for j in range(side)]


class SpikingConv2d(nn.Module):
    """A convolution that keeps the size of its input, the LIF neurons it drives, and average pooling of their spikes.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input, and of the neurons.
    kernel_size : int, default 3
        Side of the kernel, odd.
    pool : int, default 2
        Side of the squares whose spikes are averaged; 1 for no pooling.
    vth, decay, reset
        Of the neurons, as in `HybridLinear`.

    Attributes
    ----------
    weight, bias : torch.nn.Parameter
        (out_channels, in_channels, kernel_size, kernel_size), and (out_channels,).

    Raises
    ------
    ParameterError
        For an argument outside its range.

    Notes
    -----
    ::

        u(m) = d r(u(m-1)) + k(m) (W * s(m)) + b
        s(m) = 1 if u(m) > v_th, else 0
    """

    weight: Tensor
    bias: Tensor | None
    pool: int
    padding: int
    vth: float
    decay: float
    reset: str

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel_size: int = 3, pool: int = 2, vth: float = 0.35,
        decay: float = 0.4, reset: str = "subtract",
    ) -> None:  # fmt: skip
        super().__init__()
        for name, size in (("in_channels", in_channels), ("out_channels", out_channels), ("pool", pool)):
            whole(f"SpikingConv2d.{name}", size, 1, float("inf"), "Give a whole number of 1 or more.")
        whole("SpikingConv2d.kernel_size", kernel_size, 1, float("inf"), "It is the side of a square, odd.")
        require(kernel_size % 2 == 1, "SpikingConv2d.kernel_size", kernel_size, "odd", "An even one shifts the image.")
        number("SpikingConv2d.vth", vth, 0, 1e6, "Give a positive threshold.", open_low=True)
        number("SpikingConv2d.decay", decay, 0, 1, "It is the share of u that is left after a step.")
        choice("SpikingConv2d.reset", reset, ("subtract", "zero"))
        convolution = nn.Conv2d(in_channels, out_channels, kernel_size)
        self.weight, self.bias, self.pool, self.padding = convolution.weight, convolution.bias, pool, kernel_size // 2
        self.vth, self.decay, self.reset = vth, decay, reset

    def extra_repr(self) -> str:
        """Return sizes and neuron, as torch shows them of a layer."""
        out, into, *kernel = self.weight.shape
        neuron = f"vth={self.vth:g}, decay={self.decay:g}, reset={self.reset!r}"
        return f"{into}, {out}, kernel={tuple(kernel)}, pool={self.pool}, {neuron}"

    def forward(self, s: Tensor, k: Tensor) -> Tensor:
        """Run a presentation.

        Parameters
        ----------
        s : torch.Tensor
            (batch, T, in_channels, height, width), or (batch, 1, ...) for an image that is the same in all steps, of
            which the convolution is computed once.
        k : torch.Tensor
            Decay of W, (T,).

        Returns
        -------
        torch.Tensor
            Mean spikes, (batch, T, out_channels, height // pool, width // pool).

        Raises
        ------
        ParameterError
            For tensors of another shape or precision.
        """
        check_input("SpikingConv2d.forward.s", s, self.weight)
        fits = s.ndim == 5 and s.shape[1] in (1, len(k)) and s.shape[2] == self.weight.shape[1]
        allowed = f"(batch, T or 1, {self.weight.shape[1]}, height, width)"
        require(fits, "SpikingConv2d input", f"shape {tuple(s.shape)}", allowed, "T of k.")
        slow = functional.conv2d(s.flatten(0, 1), self.weight, padding=self.padding)
        size = slow.shape[1:]
        assert self.bias is not None
        bias = self.bias[:, None, None].expand(size).reshape(-1)
        neuron = Neuron(self.vth, self.decay, self.reset, "tanh")
        spikes, _ = scan(slow.reshape(*s.shape[:2], math.prod(size)), k, bias, None, neuron)
        pooled = Pooled.apply(spikes.reshape(-1, *size), self.pool) if self.pool > 1 else spikes
        return pooled.reshape(len(s), len(k), size[0], size[1] // self.pool, size[2] // self.pool)


@renamed("picture", "input_shape")
class ConvHybridNet(HybridNet):
    """Spiking convolutions, then a `HybridNet` of dense layers.

    In mode "lp" the convolutions stay as they were drawn.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of the input image: (channels, height, width).
    channels : tuple of int
        Channels of each convolution, with kernels of 3 x 3.
    sizes : tuple of int
        Neurons of the dense layers: hidden ..., classes.
    pools : tuple of int, default ()
        Side of the squares that are averaged after each convolution; empty means 2 after each.
    **settings
        Further arguments of `HybridNet`: mode, steps, tau_w, dropout and those of the layers.

    Attributes
    ----------
    convolutions : torch.nn.ModuleList
        The convolutions, in the order in which spikes pass through them.

    Raises
    ------
    ParameterError
        For an argument outside its range, and for an image that is too small for the pooling.
    """

    input_shape: tuple[int, ...]
    convolutions: Layers[SpikingConv2d]

    def __init__(
        self, input_shape: tuple[int, int, int], channels: tuple[int, ...], sizes: tuple[int, ...],
        pools: tuple[int, ...] = (), **settings: Any,
    ) -> None:  # fmt: skip
        grid("ConvHybridNet.input_shape", input_shape, 3, "(channels, height, width)")
        for name, given in (("channels", channels), ("pools", pools), ("sizes", sizes)):
            kind(f"ConvHybridNet.{name}", given, tuple | list, "Give whole numbers, one a layer.")
            for n in given:
                whole(f"ConvHybridNet.{name}", n, 1, float("inf"), "Give whole numbers, one a layer.")
        require(len(channels) > 0, "ConvHybridNet.channels", "none", "one or more", "Use a HybridNet without any.")
        pools = pools or (2,) * len(channels)
        require(
            len(pools) == len(channels), "ConvHybridNet.pools", f"{len(pools)} for {len(channels)} convolutions",
            "one each", "Use 1 for no pooling.",
        )  # fmt: skip
        height, width = input_shape[1:]
        for pool in pools:
            height, width = height // pool, width // pool
        require(
            height > 0 and width > 0 and len(channels) > 0,
            "ConvHybridNet.channels", f"{len(channels)} for {input_shape}",
            "one or more, and an image that is large enough for their pooling", "Use fewer.",
        )  # fmt: skip
        super().__init__((channels[-1] * height * width, *sizes), **settings)
        neuron = {name: settings[name] for name in ("vth", "decay", "reset") if name in settings}
        self.input_shape = tuple(input_shape)
        ins = (input_shape[0], *channels)
        self.convolutions = Layers(
            SpikingConv2d(a, b, pool=pool, **neuron) for a, b, pool in zip(ins, channels, pools, strict=False)
        )
        if self.mode == "lp":
            self.convolutions.requires_grad_(False)

    def forward(self, s: Tensor, signal: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run presentations, as `HybridNet.forward`.

        Parameters
        ----------
        s : torch.Tensor
            (batch, T, pixels), or (batch, pixels) for an image that is the same in all steps.
        signal : torch.Tensor, optional
            The global signal, (batch, T), for rules that need one.

        Returns
        -------
        spikes, u : torch.Tensor
            Spikes of the last layer, and its potentials before reset, each (batch, T, classes).

        Raises
        ------
        ParameterError
            For tensors of another shape or precision.
        """
        check_input("ConvHybridNet.forward.s", s, self.convolutions[0].weight)
        pixels = math.prod(self.input_shape)
        fits = s.shape[-1] == pixels and (s.ndim == 2 or (s.ndim == 3 and s.shape[1] == self.steps))
        allowed = f"(batch, {self.steps}, {pixels}) or (batch, {pixels})"
        require(fits, "ConvHybridNet input", f"shape {tuple(s.shape)}", allowed, "Axes are sample, step, pixel.")
        s = s.reshape(len(s), s.shape[1] if s.ndim == 3 else 1, *self.input_shape)
        for convolution in self.convolutions:
            s = convolution(s, self.k.to(s.dtype))
        return super().forward(s.flatten(2), signal)
