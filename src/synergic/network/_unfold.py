# SPDX-License-Identifier: BSD-3-Clause
"""A convolution unfolded: weights of a Projection that computes the same, every use of a kernel's weight a synapse."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import finite_array, grid, numbers, require, whole
from synergic._core.moved import renamed

Array = npt.NDArray[Any]
Pair = tuple[int, int]
LEAST = {"stride": 1, "padding": 0, "dilation": 1}


def pairs(where: str, stride: Any, padding: Any, dilation: Any) -> list[Pair]:
    """The three as pairs, each given as a pair or as one number for both axes. Raises ParameterError."""
    found = []
    for (name, low), value in zip(LEAST.items(), (stride, padding, dilation), strict=True):
        given = value if isinstance(value, tuple | list) else (value, value)
        fits = len(given) == 2
        require(fits, f"{where}.{name}", repr(value), "one number, or one for each axis", "Leave channels out.")
        first, second = (whole(f"{where}.{name}", v, low, float("inf"), "One for each axis, or both.") for v in given)
        found.append((first, second))
    return found


@renamed("picture", "image")
def image_after(image: Pair, kernel: Pair, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Pair:
    """Return height and width of the output of a convolution.

    Parameters
    ----------
    image, kernel : tuple of int
        Height and width of the input image, and of the kernel.
    stride, padding, dilation : int or tuple of int
        For both axes, or (height, width); by default 1, 0 and 1.

    Returns
    -------
    tuple of int
        For each axis floor((n + 2 p - d (k - 1) - 1) / stride) + 1, of an image of n and a kernel of k pixels, with
        padding p and dilation d.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    """
    how = pairs("image_after", stride, padding, dilation)
    for name, value in (("image", image), ("kernel", kernel)):
        grid(f"image_after.{name}", value, 2, "(height, width)")
    height, width = ((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(image, kernel, *how, strict=True))
    return height, width


@renamed("picture", "image")
def convolution_synapses(
    shape: tuple[int, int, int, int], image: Pair, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1, where: str = "convolution_synapses",
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Return the synapses of a convolution.

    Parameters
    ----------
    shape : tuple of int
        Shape of the kernel, (channels out, channels in / groups, height, width).
    image, stride, padding, dilation, groups : optional except for the first
        As of `convolution_matrix`, which also defines the order of inputs and outputs.
    where : str, default "convolution_synapses"
        Name of the caller in errors.

    Returns
    -------
    neurons, inputs, weights : ndarray of int, shape (synapses,)
        Neuron and input of each synapse, and the index of its weight in the flat kernel. Weights on the padding make no
        synapse.

    Raises
    ------
    ParameterError
        If an argument is out of range, or the kernel does not fit into the image.
    """
    stride, padding, dilation = pairs(where, stride, padding, dilation)
    grid(f"{where}.shape", shape, 4, "(channels out, channels in / groups, height, width)")
    whole(f"{where}.groups", groups, 1, shape[0], "Groups share the channels evenly.")
    even = shape[0] % groups == 0
    require(even, f"{where}.groups", groups, f"divisors of {shape[0]}", "Groups share the channels evenly.")
    grid(f"{where}.image", image, 2, "(height, width)")
    after = image_after(image, shape[2:], stride, padding, dilation)
    smallest = tuple(d * (k - 1) + 1 - 2 * p for d, k, p in zip(dilation, shape[2:], padding, strict=True))
    fits = min(after) > 0
    require(fits, f"{where}.image", repr(image), f"at least {smallest}", "The kernel must fit into it.")
    outs, each = shape[:2]
    y, x = np.indices(after)
    o, c = np.arange(outs)[:, None, None], np.arange(each)[:, None]
    received = c + o // (outs // groups) * each  # the channels that each output's group receives
    found = []
    for i, j in itertools.product(*map(range, shape[2:])):
        row, column = y * stride[0] + i * dilation[0] - padding[0], x * stride[1] + j * dilation[1] - padding[1]
        inside = (row >= 0) & (row < image[0]) & (column >= 0) & (column < image[1])
        neuron = (o * after[0] + y[inside]) * after[1] + x[inside]
        source = (received * image[0] + row[inside]) * image[1] + column[inside]
        place = ((o * each + c) * shape[2] + i) * shape[3] + j
        found.append([part.ravel() for part in np.broadcast_arrays(neuron, source, place)])
    rows, columns, places = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return rows, columns, places


@renamed("picture", "image")
def convolution_matrix(
    kernel: Any, image: Pair, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Array:
    """Return the weight matrix (n_out, n_in) of a convolution of an image, for Projection.weights.

    Parameters
    ----------
    kernel : array_like, shape (channels out, channels in / groups, height, width)
        Weights, reals or integers. The matrix has the same type.
    image : tuple of int
        Height and width of the input image.
    stride, dilation : int or tuple of int, default 1
        For both axes, or (height, width); 1 or more.
    padding : int or tuple of int, default 0
        Zeros on both sides of both axes, or of (height, width); 0 or more.
    groups : int, default 1
        As of torch.nn.Conv2d.

    Returns
    -------
    ndarray, shape (n_out, n_in)
        Inputs and outputs are counted channel by channel, in a channel row by row. n_in is the number of input channels
        times height times width; n_out is the same for the output, whose size `image_after` gives.

    Raises
    ------
    ParameterError
        If an argument is out of range, or the kernel does not fit into the image.

    Notes
    -----
    The output is::

        out[o, y, x] = sum_{c, i, j} kernel[o, c, i, j] in[c, y stride + i dilation - padding,
                                                           x stride + j dilation - padding]
    """
    kernel = numbers("convolution_matrix.kernel", kernel)
    fits = kernel.ndim == 4 and 0 not in kernel.shape
    allowed = "(channels out, channels in / groups, height, width)"
    require(
        fits, "convolution_matrix.kernel", f"shape {kernel.shape}", allowed, "Give the weights as torch holds them."
    )
    kernel = finite_array("convolution_matrix.kernel", kernel, (kernel.shape,), kernel.dtype.kind in "iu")
    how = (stride, padding, dilation)
    rows, columns, places = convolution_synapses(kernel.shape, image, *how, groups, "convolution_matrix")
    after = image_after(image, kernel.shape[2:], *how)
    size = kernel.shape[0] * after[0] * after[1], kernel.shape[1] * groups * image[0] * image[1]
    matrix = np.zeros(size, kernel.dtype)
    matrix[rows, columns] = kernel.ravel()[places]
    return matrix
