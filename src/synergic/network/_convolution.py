# SPDX-License-Identifier: BSD-3-Clause
"""That a projection is a convolution: the geometry with which its weights repeat one kernel.

The weights stay the truth; the kernel is read off them, and weights that do not repeat one are refused. Executors do
not use it. The mapping onto a chip does, for time-multiplexing: a core stores the kernel once, for several positions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import numbers, require, whole
from synergic._core.moved import renamed
from synergic.network._unfold import Pair, convolution_matrix, image_after

Array = npt.NDArray[Any]
LARGEST = 2**28
"""Entries of the largest matrix that is unfolded from a file, or for the description of a trained network: 2 GiB."""


@renamed("picture", "image")
@dataclass(frozen=True)
class Convolution:
    """The geometry of a convolution, as of torch.nn.Conv2d; neurons are counted as by `unfold.convolution_matrix`.

    The number of channels follows from the weights.

    Parameters
    ----------
    kernel : tuple of int
        Height and width of the kernel.
    image : tuple of int
        Height and width of the input image.
    stride, dilation : int, default 1
        For both axes, from 1 to the longer side of the image, or to 16 if that is more.
    padding : int, default 0
        Zeros on each side of both axes, from 0 to the same limit.
    groups : int, default 1
        Groups of channels, 1 or more.

    Raises
    ------
    ParameterError
        If a value is out of range, or the kernel does not fit into the image.
    """

    kernel: Pair
    image: Pair
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

    def __post_init__(self) -> None:
        for name in ("kernel", "image"):
            where = f"Convolution.{name}"
            given = numbers(where, getattr(self, name))
            fits = given.shape == (2,) and given.dtype.kind in "iu" and bool((given > 0).all())
            require(fits, where, repr(getattr(self, name)), "(height, width), whole numbers from 1 on", "In pixels.")
            object.__setattr__(self, name, (int(given[0]), int(given[1])))
        largest = max(16, *self.image)  # so that no kernel grows without end, whatever a file asks for
        remedy = f"The same along both axes; of images of {self.image}."
        for name, low, high in (("stride", 1, largest), ("padding", 0, largest), ("dilation", 1, largest)):
            object.__setattr__(self, name, whole(f"Convolution.{name}", getattr(self, name), low, high, remedy))
        object.__setattr__(self, "groups", whole("Convolution.groups", self.groups, 1, float("inf"), remedy))
        smallest = f"at least {tuple(self.dilation * (k - 1) + 1 - 2 * self.padding for k in self.kernel)}"
        fits = min(self.after) > 0
        require(fits, "Convolution.image", repr(self.image), smallest, "The kernel must fit into it.")

    @cached_property
    def after(self) -> Pair:
        """Height and width of the output."""
        return image_after(self.image, self.kernel, self.stride, self.padding, self.dilation)

    def channels(self, where: str, n_out: int, n_in: int) -> Pair:
        """Channels out and in of weights (n_out, n_in) of the projection `where`. Raises ParameterError if none fit."""
        after, before = self.after[0] * self.after[1], self.image[0] * self.image[1]
        outs, ins = n_out // after, n_in // before
        fits = outs * after == n_out and ins * before == n_in and outs % self.groups == 0 == ins % self.groups
        allowed = f"multiples of ({after}, {before}), channels in {self.groups} groups"
        require(
            fits, f"{where}.convolution", f"weights of ({n_out}, {n_in})", allowed, "One neuron a channel and pixel."
        )
        return outs, ins

    def entries(self, kernel: Array) -> int:
        """Return the number of entries of the matrix that `unfold` makes."""
        outs, each = kernel.shape[:2]
        return int(outs * each * self.groups) * math.prod(self.after) * math.prod(self.image)

    def unfold(self, kernel: Array) -> Array:
        """The weights (n_out, n_in) that repeat a kernel (channels out, channels in / groups, height, width)."""
        return convolution_matrix(kernel, self.image, self.stride, self.padding, self.dilation, self.groups)

    def kernel_of(self, where: str, weights: Array) -> Array:
        """Return the kernel that weights repeat.

        Parameters
        ----------
        where : str
            Name of the projection, for errors.
        weights : ndarray, shape (n_out, n_in)
            Weights of the projection.

        Returns
        -------
        ndarray, shape (channels out, channels in / groups, height, width)
            The kernel. Weights of the kernel that meet only padding are 0.

        Raises
        ------
        ParameterError
            If the weights do not fit the geometry, or do not repeat a kernel.
        """
        outs, ins = self.channels(where, *weights.shape)
        each = ins // self.groups
        entries = weights.reshape(outs, *self.after, ins, *self.image)
        kernel = np.zeros((outs, each, *self.kernel), weights.dtype)
        o = np.arange(outs)[:, None]
        c = np.arange(each) + o // (outs // self.groups) * each  # the channels that each output's group receives
        rows, columns = (self.uses(axis) for axis in (0, 1))
        for i, (y, row) in rows.items():
            for j, (x, column) in columns.items():
                kernel[:, :, i, j] = entries[o, y, x, c, row, column]
        same = np.array_equal(self.unfold(kernel), weights)
        remedy = "Give convolution=None, or make the weights of one kernel (Projection.of_kernel)."
        require(same, f"{where}.weights", "others than a kernel repeated", f"those of {self}", remedy)
        return kernel

    def uses(self, axis: int) -> dict[int, Pair]:
        """By line of the kernel, an output that has it inside the image, and the line of the image under it."""
        out = np.arange(self.after[axis])
        found = {}
        for k in range(self.kernel[axis]):
            under = out * self.stride + k * self.dilation - self.padding
            inside = np.flatnonzero((under >= 0) & (under < self.image[axis]))
            if len(inside):
                found[k] = int(inside[0]), int(under[inside[0]])
        return found
