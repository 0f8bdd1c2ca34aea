# SPDX-License-Identifier: BSD-3-Clause
"""Spiking convolutions and the pooling behind them as parts of a network description.

Averaging is linear, so a pooling and the weights behind it are one projection: a convolution behind a pooling of p x p
is one with every weight over p^2, p^2 times as often, moved by p pixels. A plastic layer is another matter: its rule
multiplies what it receives, and the average of products is not the product of averages. Before it comes a population
"pooled" of ReLU neurons that send the averages as values; the wiring to it does not fade.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from synergic.errors import UnsupportedError
from synergic.learning._conv_layers import ConvHybridNet, SpikingConv2d
from synergic.network._convolution import LARGEST, Convolution
from synergic.network._description import Population, Projection
from synergic.neurons import ReLU

Array = np.ndarray


class Front:
    """The part of a network before the dense layers: populations, projections, and the shape of their output.

    last : name of the last population or source. channels, image : shape of its output. pool : side of the squares
    that are not averaged yet. Raises UnsupportedError.
    """

    def __init__(self, net: ConvHybridNet) -> None:
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.last, self.channels, self.pool = "input", net.input_shape[0], 1
        self.image = net.input_shape[1], net.input_shape[2]
        for i, layer in enumerate(net.convolutions):
            if not isinstance(layer, SpikingConv2d):
                raise UnsupportedError(
                    f"ConvHybridNet.convolutions[{i}]: got {type(layer).__name__}, allowed SpikingConv2d. Only spiking "
                    "convolutions and the averages behind them have a description."
                )
            self.add(f"conv{i + 1}", layer)

    @property
    def pooled(self) -> tuple[int, int]:
        """Height and width of the output after pooling."""
        return self.image[0] // self.pool, self.image[1] // self.pool

    def add(self, name: str, layer: SpikingConv2d) -> None:
        """One spiking convolution behind what there is."""
        p, side, after = self.pool, layer.weight.shape[2], self.pooled
        kernel = spread(as_array(layer.weight), p)
        geometry = Convolution((side * p, side * p), self.image, p, layer.padding * p)
        if (synapses := geometry.entries(kernel)) > LARGEST:
            raise UnsupportedError(
                f"{name}: got {synapses} synapses unfolded, allowed {LARGEST}: a description holds the whole matrix. "
                "Use fewer channels or a smaller image."
            )
        if (after[0] * p, after[1] * p) == self.image:
            projection = Projection.of_kernel(f"{self.last}_{name}", self.last, name, kernel, geometry)
        else:  # pixels outside all squares reach no neuron, but a convolution would use them
            weights: np.ndarray = geometry.unfold(kernel).reshape(-1, *self.image)
            weights[:, after[0] * p :] = 0
            weights[:, :, after[1] * p :] = 0
            weights = weights.reshape(-1, self.channels * math.prod(self.image))
            projection = Projection(f"{self.last}_{name}", self.last, name, weights)
        bias = np.repeat(as_array(layer.bias), math.prod(after))
        self.projections.append(projection)
        self.populations.append(Population(name, bias.size, layer.vth, layer.decay, layer.reset, bias))
        self.last, self.channels, self.image, self.pool = name, len(kernel), after, layer.pool

    def average(self) -> None:
        """The pooling as a population of its own that sends values."""
        if self.pool == 1:
            return
        p, name = self.pool, "pooled"
        kernel = np.full((self.channels, 1, p, p), 1 / p**2)
        geometry = Convolution((p, p), self.image, p, groups=self.channels)
        self.projections.append(
            Projection.of_kernel(f"{self.last}_{name}", self.last, name, kernel, geometry, fades=False)
        )
        size = self.channels * math.prod(self.pooled)
        self.populations.append(Population(name, size, 1.0, 0.0, neuron=ReLU()))
        self.last, self.image, self.pool = name, self.pooled, 1

    def before(self, weight: Array) -> Array:
        """Weights (n_out, pooled) for what is not pooled: every weight over p^2, for each pixel of its square."""
        p, (height, width) = self.pool, self.pooled
        full = np.zeros((len(weight), self.channels, *self.image))
        full[:, :, : height * p, : width * p] = spread(weight.reshape(len(weight), self.channels, height, width), p)
        return full.reshape(len(weight), -1)


def spread(weight: Array, p: int) -> Array:
    """(..., height, width) for squares of p x p: each weight over p^2, p^2 times."""
    return weight.repeat(p, axis=-2).repeat(p, axis=-1) / p**2


def as_array(tensor: Any) -> Array:
    """A tensor as float64."""
    return np.asarray(tensor.detach().cpu().numpy(), float)
