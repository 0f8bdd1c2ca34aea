# SPDX-License-Identifier: BSD-3-Clause
"""What class-incremental learning trains: convolutional features, and the parameters of the local rule behind them.

`_class_incremental` has the equations of the read-out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from synergic._core.checks import kind, require
from synergic.experiments import ClassIncremental
from synergic.learning._export_convolution import as_array
from synergic.learning._omniglot import SIZE
from synergic.learning._tensors import check_input
from synergic.network._unfold import image_after

ETA, ALPHA, ANSWER = 0.05, 4.0, 0.5
"""At the start: eta, alpha times the number of channels of x, and c."""
LEAK = 0.1
"""Gradient of a feature outside 0 .. 1, so that no neuron is lost for training."""


def check_ink(where: str, ink: Any) -> None:
    """Refuse what are no images (n, 31, 31) of 0 to 1. Raises ParameterError."""
    check_input(where, ink)
    got, fits = f"shape {tuple(ink.shape)}", ink.ndim == 3 and tuple(ink.shape[1:]) == (SIZE, SIZE)
    require(fits, where, got, f"(images, {SIZE}, {SIZE})", "Average the drawings down, as load_omniglot does.")
    inside = bool(((ink >= 0) & (ink <= 1)).all())  # NaN is never inside
    require(inside, where, "values outside, or NaN", "0 for paper to 1 for ink", "Scale them.")


class Clip(torch.autograd.Function):
    """Values within 0 .. 1, with a small gradient outside."""

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        """Return the values."""
        ctx.save_for_backward(u)
        return u.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        """Return the gradient of u."""
        (u,) = ctx.saved_tensors
        return grads[0] * torch.where((u > 0) & (u < 1), 1.0, LEAK)


class Values(nn.Module):
    """The value neuron ReLU of the description: what is below 0 or above 1 is cut off."""

    def forward(self, u: Tensor) -> Tensor:
        """Return u limited to 0 .. 1."""
        return Clip.apply(u)


class ClassIncrementalNet(nn.Module):
    """Convolutional features of images, and the parameters of the local rule that learns classes from them.

    Parameters
    ----------
    config : ClassIncremental
        The settings.

    Attributes
    ----------
    convolutions : torch.nn.Sequential
        For each layer a convolution of 3 x 3 at every second position, batch normalisation, and value neurons.
    eta : torch.nn.Parameter
        (size,), local learning rate of each channel of x.
    alpha, answer : torch.nn.Parameter
        alpha and c of the read-out.
    size : int
        Channels of x: twice the number of features.
    """

    size: int
    convolutions: nn.Sequential
    eta: nn.Parameter
    alpha: nn.Parameter
    answer: nn.Parameter
    sharpness: nn.Parameter

    def __init__(self, config: ClassIncremental) -> None:
        super().__init__()
        kind("ClassIncrementalNet.config", config, ClassIncremental, "Give settings of synergic.experiments.")
        layers: list[nn.Module] = []
        side, n_in = SIZE, 1
        for channels in config.channels:
            norm = nn.BatchNorm2d(channels)
            nn.init.constant_(norm.weight, 0.6)
            nn.init.constant_(norm.bias, 0.2)
            layers += [nn.Conv2d(n_in, channels, 3, stride=2, padding=1, bias=False), norm, Values()]
            side, n_in = image_after((side, side), (3, 3), 2, 1)[0], channels
        nn.init.constant_(norm.bias, 0.5)  # half of the features on
        self.convolutions = nn.Sequential(*layers)
        self.size = 2 * n_in * side**2
        self.eta = nn.Parameter(torch.full((self.size,), ETA))
        self.alpha = nn.Parameter(torch.tensor(ALPHA / self.size))
        self.answer = nn.Parameter(torch.tensor(ANSWER))
        self.sharpness = nn.Parameter(torch.zeros(()))

    def theta(self) -> list[nn.Parameter]:
        """Return the parameters of the local rule."""
        return [self.eta, self.alpha, self.answer]

    def forward(self, ink: Tensor) -> Tensor:
        """Return what the read-out receives of images.

        Parameters
        ----------
        ink : torch.Tensor
            (images, 31, 31), 0 for paper to 1 for ink.

        Returns
        -------
        torch.Tensor
            (images, size), 0 to 1: the features, then 1 less each.
        """
        check_ink("ClassIncrementalNet.ink", ink)
        f, layers = ink[:, None], list(self.convolutions)
        for conv, norm, values in zip(layers[::3], layers[1::3], layers[2::3], strict=True):
            f = values(norm(functional.conv2d(f, rounded(conv, norm), stride=2, padding=1)))
        f = f.flatten(1)
        return torch.cat([f, 1 - f], 1)

    def learned(self, shown: Tensor, p_max: float) -> Tensor:
        """Return P of each class after its drawings, one after another.

        Parameters
        ----------
        shown : torch.Tensor
            (classes, shots, size), x of the drawings.
        p_max : float
            Bound of P.

        Returns
        -------
        torch.Tensor
            (classes, size).
        """
        local = torch.zeros(len(shown), self.size, dtype=shown.dtype)
        for x in shown.unbind(1):
            u = self.alpha * (x * local).sum(1, keepdim=True) - self.answer
            local = (local + self.eta * x * (1 - torch.tanh(u))).clamp(-p_max, p_max)
        return local


def factor_of(norm: Any) -> Tensor:
    """By what a normalisation in use multiplies each channel, (channels,)."""
    found: Tensor = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
    return found


def rounded(conv: Any, norm: Any) -> Tensor:
    """The weights of a convolution that, with the normalisation behind it, are those of 8 bits: training then knows of
    the rounding. The gradient is that of the weights as they are."""
    factor = factor_of(norm)[:, None, None, None]
    whole_weights = conv.weight.detach() * factor
    step = whole_weights.abs().max() / 127
    change = (whole_weights / step).round() * step / factor - conv.weight.detach()
    found: Tensor = conv.weight + change
    return found


def folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Kernel and bias of a convolution with the batch normalisation behind it, which is linear in use. 8-bit kernel."""
    assert norm.running_mean is not None
    factor = as_array(factor_of(norm))
    weights = as_array(conv.weight) * factor[:, None, None, None]
    step = np.abs(weights).max() / 127
    return np.rint(weights / step) * step, as_array(norm.bias) - as_array(norm.running_mean) * factor
