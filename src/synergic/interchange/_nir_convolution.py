# SPDX-License-Identifier: BSD-3-Clause
"""NIR's Conv2d as an Affine node: unfolded, channels, rows and columns counted in this order, as Flatten does."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import nir
import numpy as np

from synergic._core.moved import FILE_KEYS
from synergic.errors import UnsupportedError
from synergic.interchange._nir_neurons import KEY
from synergic.network._convolution import LARGEST, Convolution
from synergic.network._unfold import Pair, convolution_matrix, image_after, pairs


def unfolded(name: str, node: nir.Conv2d) -> nir.Affine:
    """The node that computes the same; its metadata mark it as a convolution, where both axes have one geometry.

    name : of the node. Raises UnsupportedError, ParameterError.
    """
    kernel, groups = np.asarray(node.weight), int(node.groups)
    image, (stride, padding, dilation), after = geometry(name, node)
    side = kernel.shape[2:]
    entries = kernel.shape[0] * math.prod(after) * kernel.shape[1] * groups * math.prod(image)
    if entries > LARGEST:
        raise UnsupportedError(f"{name}: got {entries} synapses unfolded, allowed {LARGEST}. Use a smaller image.")
    weights = convolution_matrix(kernel, image, stride, padding, dilation, groups)
    ours: dict[str, Any] = {}
    if all(a == b for a, b in (stride, padding, dilation)):
        claim = Convolution((side[0], side[1]), image, stride[0], padding[0], dilation[0], groups)
        ours = {KEY: {"convolution": {FILE_KEYS.get(k, k): value for k, value in asdict(claim).items()}}}
    bias = np.broadcast_to(np.ravel(node.bias), len(kernel)).repeat(math.prod(after))
    return nir.Affine(weights, bias, metadata=ours)


def geometry(name: str, node: nir.Conv2d) -> tuple[Pair, list[Pair], Pair]:
    """What a Conv2d is moved over, its stride, padding and dilation, and height and width of what comes out.

    Raises UnsupportedError, ParameterError.
    """
    if node.input_shape is None:
        raise UnsupportedError(
            f"{name}.input_shape: got None, allowed (height, width). Infer the graph's shapes first."
        )
    if node.weight.ndim != 4:
        shape = node.weight.shape
        raise UnsupportedError(f"{name}.weight: got shape {shape}, allowed (out, in / groups, height, width). Reshape.")
    height, width = (int(v) for v in node.input_shape)
    how = pairs(name, both(node.stride), padding_of(name, node), both(node.dilation))
    return (height, width), how, image_after((height, width), node.weight.shape[2:], *how)


def both(value: Any) -> tuple[int, ...]:
    """One number for both axes, or one for each, which files hold as arrays."""
    found = tuple(int(v) for v in np.ravel(value))
    return found * 2 if len(found) == 1 else found


def padding_of(name: str, node: nir.Conv2d) -> Any:
    """Zeros on each side; "same" is as many in all as the kernel is longer than a pixel."""
    padding = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
    if isinstance(padding, str) and padding == "valid":
        return 0
    if not isinstance(padding, str):
        return both(padding)
    longer = [d * (k - 1) for d, k in zip(both(node.dilation), node.weight.shape[2:], strict=True)]
    if any(length % 2 for length in longer) or both(node.stride) != (1, 1):
        raise UnsupportedError(
            f"{name}.padding: got 'same' with a kernel {node.weight.shape[2:]} and stride {node.stride}, allowed odd "
            "ones and 1. Give the padding in pixels."
        )
    return tuple(length // 2 for length in longer)
