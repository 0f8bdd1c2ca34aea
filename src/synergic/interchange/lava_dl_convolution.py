# SPDX-License-Identifier: BSD-3-Clause
"""Convolution and pooling of lava-dl's HDF5 networks, as weights (n_out, n_in).

Shapes are (channels, height, width) and kernels (channels out, channels in / groups, height, width), both in torch's
order, as SLAYER writes them: our own. A pooling adds up squares of each channel with one weight.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.convolution import LARGEST, Convolution
from synergic.errors import FormatError, UnsupportedError
from synergic.unfold import convolution_matrix, picture_after

Array = npt.NDArray[np.int64]
Shape = tuple[int, ...]
BLOCKS = ("conv", "pool")
FIELDS = {"inChannels", "outChannels", "kernelSize", "stride", "padding", "dilation", "groups"}


def unfold(where: str, block: str, group: Any, kernel: Array, before: Shape | None) -> tuple[Array, Any, Shape]:
    """Weights of a block, their Convolution or None where its axes differ, and the shape that comes out.

    before : shape of what it hears, None if nobody says. Raises UnsupportedError, FormatError.
    """
    if before is None or len(before) != 3:
        raise UnsupportedError(
            f"{where}.shape: got {before} before a {block} block, allowed (channels, height, width). Export the input "
            "block too, or give from_lava_dl(picture=...)."
        )
    how = {name: tuple(int(v) for v in np.ravel(group[name][()])) for name in ("stride", "padding", "dilation")}
    groups = before[0] if block == "pool" else int(group["groups"][()])
    if block == "pool":
        kernel = np.repeat(kernel, before[0], axis=0)
    after, picture = tuple(int(v) for v in group["shape"][()]), (before[1], before[2])
    side = kernel.shape[2], kernel.shape[3]
    got = (len(kernel), *picture_after(picture, side, **how))
    if after != got or kernel.shape[1] * groups != before[0]:
        raise FormatError(f"{where}.shape: got {after} behind {before}, allowed {got}. Export it again.")
    if (entries := math.prod(before) * math.prod(after)) > LARGEST:
        raise UnsupportedError(f"{where}: got {entries} synapses unfolded, allowed {LARGEST}. Use a smaller picture.")
    weights = convolution_matrix(kernel, picture, **how, groups=groups)
    if any(len(set(values)) > 1 for values in how.values()):
        return weights, None, after
    once = {name: values[0] for name, values in how.items()}
    return weights, Convolution(side, picture, **once, groups=groups), after
