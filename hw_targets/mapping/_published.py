# SPDX-License-Identifier: BSD-3-Clause
"""Convolutional networks of the literature as lists of layers: to count what folding saves, without building them.

SemiMap (Deng et al., TCAD 2020) published ranges over five networks; their exact layers could not be read, so these are
the usual ones under the same names, pooling a convolution of its own channel by channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._arrange import Layer
from synergic.hw_targets.mapping._fold import count_layers
from synergic.network._convolution import Convolution

Layers = list[Any]


class Stack:
    """A network layer by layer. side : pixels of its square image."""

    def __init__(self, channels: int, side: int) -> None:
        """Begin with the input image."""
        self.channels, self.side, self.found = channels, side, []  # type: tuple[int, int, Layers]

    def add(self, outs: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1) -> Layer:
        """Return a convolution that is not yet in the list; the next one takes its output image."""
        geometry = Convolution((kernel, kernel), (self.side, self.side), stride, padding, 1, groups)
        made = Layer(geometry, self.channels, outs)
        self.channels, self.side = outs, geometry.after[0]
        return made

    def convolve(self, *layers: Iterable[Any]) -> Stack:
        """Add convolutions, each by outs, kernel, stride, padding."""
        self.found += [(self.add(*layer),) for layer in layers]
        return self

    def pool(self, kernel: int = 2, stride: int = 2) -> Stack:
        """Add a pooling."""
        self.found.append((self.add(self.channels, kernel, stride, 0, self.channels),))
        return self

    def block(self, outs: int, stride: int = 1) -> Stack:
        """Add two convolutions, and a way around them into the second one's neurons."""
        before = self.channels, self.side
        first, second = self.add(outs, 3, stride, 1), self.add(outs, 3, 1, 1)
        after = self.channels, self.side
        self.channels, self.side = before
        around = self.add(outs, 1, stride)
        self.channels, self.side = after
        self.found += [(first,), (second, around)]
        return self

    def dense(self, *sizes: int) -> Layers:
        """Add the fully connected layers at the end, and return the list."""
        before = self.channels * self.side**2
        for size in sizes:
            self.found.append((size, before))
            before = size
        return self.found


def lenet() -> Layers:
    """LeNet-5, 28 x 28."""
    return Stack(1, 28).convolve((6, 5)).pool().convolve((16, 5)).pool().dense(120, 84, 10)


def vgg8() -> Layers:
    """Six convolutions and two dense layers, CIFAR-10."""
    stack = Stack(3, 32)
    for outs in (128, 256, 512):
        stack.convolve((outs, 3, 1, 1), (outs, 3, 1, 1)).pool()
    return stack.dense(1024, 10)


def alexnet() -> Layers:
    """AlexNet, ImageNet, in one column."""
    stack = Stack(3, 227).convolve((96, 11, 4)).pool(3).convolve((256, 5, 1, 2)).pool(3)
    return stack.convolve((384, 3, 1, 1), (384, 3, 1, 1), (256, 3, 1, 1)).pool(3).dense(4096, 4096, 1000)


def vgg16() -> Layers:
    """VGG16, ImageNet."""
    stack = Stack(3, 224)
    for outs, times in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        stack.convolve(*[(outs, 3, 1, 1)] * times).pool()
    return stack.dense(4096, 4096, 1000)


def resnet18() -> Layers:
    """ResNet18, ImageNet; the ways around the blocks are convolutions of 1 x 1."""
    stack = Stack(3, 224).convolve((64, 7, 2, 3)).pool()
    for outs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        stack.block(outs, stride).block(outs)
    return stack.pool(7, 7).dense(1000)


NETWORKS: dict[str, Callable[[], Layers]] = {
    "LeNet": lenet, "VGG8": vgg8, "AlexNet": alexnet, "VGG16": vgg16, "ResNet18": resnet18,
}  # fmt: skip


@dataclass(frozen=True)
class Count:
    """Cores, and phases per step, of one network on a chip whose memory is no limit.

    The network is unfolded, folded along the rows of its largest image, or folded in as many passes as save cores.
    """

    cores: int
    cores_by_rows: int
    phases_by_rows: int
    phases_full: int


@cache
def count(name: str, chip: Chip) -> Count:
    """Count one of NETWORKS on a chip."""
    network = NETWORKS[name]()
    images = [into[0].convolution.after for into in network if isinstance(into[0], Layer)]
    rows, pixels = max(h for h, _ in images), max(h * w for h, w in images)
    endless = replace(chip, weight_memory=replace(chip.weight_memory, value=10**12))
    cores, phases = count_layers(network, chip, rows)
    return Count(count_layers(network, chip, 1)[0], cores, phases, count_layers(network, endless, pixels)[1])
