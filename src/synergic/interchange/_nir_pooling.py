# SPDX-License-Identifier: BSD-3-Clause
"""NIR's SumPool2d and AvgPool2d as matrices, and these joined with what is before or behind them.

A pooling has no neurons: what it receives and what receives from it are one linear map. Padding is with zeros, which a
sum does not feel. NIR does not define whether a mean counts them; AvgPool2d with padding is refused.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, issparse

from synergic._core.checks import require
from synergic.errors import ParameterError, UnsupportedError
from synergic.interchange._nir_convolution import both, geometry
from synergic.interchange._nir_neurons import NEURONS, sound
from synergic.network._convolution import LARGEST, Convolution
from synergic.network._unfold import convolution_synapses, image_after, pairs

Array = npt.NDArray[np.float64]
POOLS = (nir.SumPool2d, nir.AvgPool2d)


@dataclass(frozen=True)
class LinearMap:
    """weights : (n_out, n_in), an array or sparse. convolution : that they repeat a kernel, or None."""

    weights: Any
    convolution: Convolution | None = None


def poolings(nodes: dict[str, Any], before: Callable[[str], list[str]]) -> dict[str, LinearMap]:
    """The pooling nodes of a graph, by name. before : the nodes whose edges lead to one. Raises UnsupportedError where
    the shape of the image that a node receives is not known, and ParameterError for sizes that are none."""

    def after(name: str, seen: tuple[str, ...]) -> tuple[int, ...]:
        """Return the shape behind a node, () where it is not known."""
        node = nodes[name]
        if name in seen:
            raise UnsupportedError(f"{name}: got a loop of pooling nodes, allowed none. Remove it.")
        if isinstance(node, POOLS):
            image = received(name, seen)
            kernel, stride, padding = sizes(name, node)
            return (image[0], *image_after((image[1], image[2]), kernel, stride, padding))
        if isinstance(node, nir.Conv2d):
            return (len(node.weight), *geometry(name, node)[2])
        if isinstance(node, (nir.Input, nir.Delay, *NEURONS)):
            return tuple(int(n) for n in np.ravel(node.output_type["output"]))
        return ()

    def received(name: str, seen: tuple[str, ...] = ()) -> tuple[int, ...]:
        """Return the shape of the image that a node receives."""
        found = {after(n, (*seen, name)) for n in before(name)}
        if len(found) != 1 or len(shape := found.pop()) != 3:
            raise UnsupportedError(
                f"{name}: got no single image before it, allowed an Input, neurons, Conv2d or a pooling of shape "
                "(channels, height, width). Give them that shape."
            )
        return shape

    found = {}
    for name, node in nodes.items():
        if isinstance(node, POOLS):
            with sound(name):
                found[name] = pooling(name, node, received(name))
    return found


def sizes(name: str, node: Any) -> list[tuple[int, int]]:
    """Kernel, stride and padding of a pooling, (height, width) each. Raises ParameterError, UnsupportedError."""
    for field in ("kernel_size", "stride", "padding"):
        values = np.ravel(getattr(node, field))
        fits = values.size in (1, 2) and values.dtype.kind in "iuf" and bool(np.equal(values, np.floor(values)).all())
        require(fits, f"{name}.{field}", f"{values}", "one whole number, or two", "It is (height, width), in pixels.")
    stride, padding, kernel = pairs(name, both(node.stride), both(node.padding), both(node.kernel_size))
    if isinstance(node, nir.AvgPool2d) and padding != (0, 0):
        raise UnsupportedError(
            f"{name}.padding: got {padding}, allowed 0 for an AvgPool2d: NIR does not say whether the mean counts the "
            "zeros. Use a SumPool2d, and smaller weights behind it."
        )
    return [kernel, stride, padding]


def pooling(name: str, node: Any, image: tuple[int, ...]) -> LinearMap:
    """Return one node as a map. image : shape of its input, (channels, height, width), counted in this order."""
    kernel, stride, padding = sizes(name, node)
    channels, seen = image[0], (image[1], image[2])
    rows, columns, _ = convolution_synapses((channels, 1, *kernel), seen, stride, padding, 1, channels, name)
    n_out = channels * math.prod(image_after(seen, kernel, stride, padding))
    share = 1 / math.prod(kernel) if isinstance(node, nir.AvgPool2d) else 1.0
    if n_out * math.prod(image) > LARGEST:
        raise UnsupportedError(
            f"{name}: got an image of {seen}, allowed {LARGEST} synapses unfolded. Use a smaller one."
        )
    weights = csr_matrix((np.full(len(rows), share), (rows, columns)), (n_out, math.prod(image)))
    same = stride[0] == stride[1] and padding[0] == padding[1]
    return LinearMap(weights, Convolution(kernel, seen, stride[0], padding[0], 1, channels) if same else None)


def joined(name: str, maps: Sequence[LinearMap]) -> LinearMap:
    """Maps one after another, the first one first, as one. name : of the projection that it becomes.

    Each entry is summed up in the order of the pixels between the two, so that a repeated kernel comes out as one. A
    single map is returned with its convolution unchecked; the projection made of it checks that. Raises
    UnsupportedError if they do not fit together, or the matrix is too large.
    """
    if len(maps) == 1:
        return LinearMap(dense(maps[0].weights), maps[0].convolution)
    for first, second in itertools.pairwise(maps):
        if first.weights.shape[0] != second.weights.shape[1]:
            raise UnsupportedError(
                f"{name}: got {second.weights.shape[1]} inputs behind {first.weights.shape[0]} outputs, allowed as "
                "many. Check the shapes of the graph."
            )
    n_out, n_in = maps[-1].weights.shape[0], maps[0].weights.shape[1]
    if n_out * n_in > LARGEST:
        raise UnsupportedError(f"{name}: got {n_out * n_in} synapses unfolded, allowed {LARGEST}. Use less.")
    weights = dense(functools.reduce(lambda first, second: second @ first, (m.weights for m in maps)))
    return LinearMap(weights, together(name, weights, [m.convolution for m in maps]))


def dense(weights: Any) -> Array:
    """A matrix, sparse or not, as an array row by row: what is computed with it does not depend on how it was made."""
    return np.ascontiguousarray(weights.todense() if issparse(weights) else weights)


def together(name: str, weights: Array, several: Sequence[Convolution | None]) -> Convolution | None:
    """The geometry of convolutions one after another, if the weights repeat a kernel with it, else None: at the edges
    they need not, where the second one pads, or the first leaves pixels over."""
    known = [c for c in several if c is not None]
    if len(known) < len(several):
        return None
    first = known[0]
    stride, padding, groups = first.stride, first.padding, first.groups
    lengths = [first.dilation * (k - 1) + 1 for k in first.kernel]
    for c in known[1:]:
        lengths = [n + stride * c.dilation * (k - 1) for n, k in zip(lengths, c.kernel, strict=True)]
        padding, stride, groups = padding + stride * c.padding, stride * c.stride, min(groups, c.groups)
    try:
        found = Convolution((lengths[0], lengths[1]), first.image, stride, padding, groups=groups)
        found.kernel_of(name, weights)
    except ParameterError:
        return None
    return found
