# SPDX-License-Identifier: BSD-3-Clause
"""Convolution and pooling of lava-dl's HDF5 networks, as weights (n_out, n_in).

Shapes are (channels, height, width) and kernels (channels out, channels in / groups, height, width), both in torch's
order, as SLAYER writes them: our own. A pooling adds up rectangles with one weight, as SLAYER's does (netx runs none):
it appends height % kernel rows of zeros and width % kernel columns to each channel, puts the channels one below the
other, and moves the kernel over all of them at once. Padding is above the first channel and below the last one, and a
rectangle may lie on two channels. Where none does and nothing is appended, that is the pooling that one expects.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.errors import FormatError, UnsupportedError
from synergic.network._convolution import LARGEST, Convolution
from synergic.network._unfold import Pair, convolution_matrix, image_after

Array = npt.NDArray[np.int64]
Shape = tuple[int, ...]
BLOCKS = ("conv", "pool")
FIELDS = {"inChannels", "outChannels", "kernelSize", "stride", "padding", "dilation", "groups"}


def unfold(where: str, block: str, group: Any, kernel: Array, before: Shape | None) -> tuple[Array, Any, Shape]:
    """Weights of a block, their Convolution or None where they repeat no kernel, and the shape that comes out.

    before : shape of what it receives, None if it is not known. Raises UnsupportedError, FormatError.
    """
    if before is None or len(before) != 3:
        raise UnsupportedError(
            f"{where}.shape: got {before} before a {block} block, allowed (channels, height, width). Export the input "
            "block too, or give from_lava_dl(input_shape=...)."
        )
    if kernel.ndim == 5 and kernel.shape[4] == 1:
        kernel = kernel[..., 0]
    if kernel.ndim != 4:
        raise UnsupportedError(
            f"{where}.weight: got a kernel of shape {kernel.shape}, allowed (channels out, channels in, height, "
            "width), or a depth of 1 behind these. Use a block whose kernel covers one time step."
        )
    how = {name: tuple(int(v) for v in np.ravel(group[name][()])) for name in ("stride", "padding", "dilation")}
    after = tuple(int(v) for v in group["shape"][()])
    if block == "pool":
        weights = pooled(where, kernel, before, after, how)
        groups, repeated = before[0], np.repeat(kernel, before[0], axis=0)
    else:
        groups, repeated = int(group["groups"][()]), kernel
        weights = convolved(where, kernel, before, after, how, groups)
    return weights, claimed(repeated, (before[1], before[2]), groups, weights, how), after


def convolved(where: str, kernel: Array, before: Shape, after: Shape, how: dict[str, Any], groups: int) -> Array:
    """Weights of a convolution. Raises FormatError if the shapes do not fit, UnsupportedError if there are too many."""
    image = before[1], before[2]
    got = (len(kernel), *image_after(image, (kernel.shape[2], kernel.shape[3]), **how))
    if after != got or kernel.shape[1] * groups != before[0]:
        raise FormatError(f"{where}.shape: got {after} behind {before}, allowed {got}. Export it again.")
    check_entries(where, math.prod(before) * math.prod(after))
    return convolution_matrix(kernel, image, **how, groups=groups)


def pooled(where: str, kernel: Array, before: Shape, after: Shape, how: dict[str, Any]) -> Array:
    """Weights of a pooling, as SLAYER runs it. kernel : (1, 1, height, width). Raises as `convolved`."""
    channels, height, width = before
    filled = height + height % kernel.shape[2], width + width % kernel.shape[3]
    image = channels * filled[0], filled[1]
    rows, columns = image_after(image, (kernel.shape[2], kernel.shape[3]), **how)
    got = (channels, rows // channels, columns)
    if rows % channels or after != got:
        raise FormatError(f"{where}.shape: got {after} behind {before}, allowed {got}. Export it again.")
    check_entries(where, math.prod(image) * math.prod(after))
    inside = np.zeros((channels, *filled), bool)
    inside[:, :height, :width] = True
    return convolution_matrix(kernel, image, **how)[:, inside.ravel()]


def check_entries(where: str, entries: int) -> None:
    """Refuse a matrix that is too large. Raises UnsupportedError."""
    if entries > LARGEST:
        raise UnsupportedError(f"{where}: got {entries} synapses unfolded, allowed {LARGEST}. Use a smaller image.")


def claimed(kernel: Array, image: Pair, groups: int, weights: Array, how: dict[str, Any]) -> Convolution | None:
    """That the weights repeat a kernel; None where they do not, or with another geometry along each axis."""
    if any(len(set(values)) > 1 for values in how.values()):
        return None
    once = {name: values[0] for name, values in how.items()}
    if (len(kernel) * math.prod(image_after(image, (kernel.shape[2], kernel.shape[3]), **once))) != len(weights):
        return None
    found = Convolution((kernel.shape[2], kernel.shape[3]), image, **once, groups=groups)
    return found if np.array_equal(found.unfold(kernel), weights) else None
