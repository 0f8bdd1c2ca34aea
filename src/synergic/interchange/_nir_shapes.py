# SPDX-License-Identifier: BSD-3-Clause
"""Shapes in a NIR graph: fields with one value stand for all neurons of their node, as many as what is before it has.

nir's own check of types takes such a field for one neuron, a grouped convolution for one of a single group, and a
kernel for a square. So a file that it refuses is checked here.
"""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import h5py
import nir
import numpy as np

from synergic.errors import FormatError, SynergicError
from synergic.interchange._nir_convolution import geometry
from synergic.interchange._nir_pooling import POOLS, sizes
from synergic.network._unfold import image_after

FIELDS = {
    nir.LIF: ("tau", "r", "v_leak", "v_reset", "v_threshold"),
    nir.IF: ("r", "v_reset", "v_threshold"),
    nir.CubaLIF: ("tau_syn", "tau_mem", "r", "v_leak", "v_reset", "v_threshold", "w_in"),
    nir.Delay: ("delay",),
}
"""Fields that have a value for each neuron or channel, or one for all."""
LINEAR = (nir.Linear, nir.Affine)
DAMAGED = (SynergicError, TypeError, ValueError, AttributeError, LookupError, OverflowError)
"""What the fields of a node raise that contradict each other; who reads the node says it."""
Shape = tuple[int, ...]
Edges = list[tuple[str, str]]


def shape_of(value: Any) -> Shape | None:
    """A type of nir as numbers; None where nir does not know it."""
    return None if value is None else tuple(int(n) for n in np.ravel(value))


def own_shape(node: Any) -> Shape | None:
    """The shape of what leaves neurons or a Delay, as their fields have it. None: each has one value."""
    shapes = {np.shape(getattr(node, field)) for field in FIELDS[type(node)]}
    wide = {shape for shape in shapes if math.prod(shape) != 1}
    return wide.pop() if len(wide) == 1 else None


def behind(name: str, node: Any, before: Shape | None) -> Shape | None:
    """The shape of what leaves a node that receives `before`; None where it is not known."""
    if isinstance(node, nir.Input):
        return shape_of(node.input_type["input"])
    if type(node) in FIELDS:
        return own_shape(node) or before
    if isinstance(node, LINEAR):
        return (int(node.weight.shape[0]),) if node.weight.ndim == 2 else None
    if isinstance(node, nir.Conv2d) and node.input_shape is not None:
        return (len(node.weight), *geometry(name, node)[2])
    if isinstance(node, POOLS) and before is not None and len(before) == 3:
        return (before[0], *image_after((before[1], before[2]), *sizes(name, node)))
    if isinstance(node, nir.Flatten) and before is not None:
        return (math.prod(before),)
    return None


def expected(node: Any) -> Shape | None:
    """The shape of what a node is made to receive; None where it takes any, or does not say it."""
    if type(node) in FIELDS:
        return own_shape(node)
    if isinstance(node, LINEAR):
        return (int(node.weight.shape[1]),) if node.weight.ndim == 2 else None
    if isinstance(node, nir.Conv2d) and node.input_shape is not None:
        return (node.weight.shape[1] * int(node.groups), *(int(n) for n in np.ravel(node.input_shape)))
    if isinstance(node, nir.Output):
        return shape_of(node.output_type["output"])
    if isinstance(node, nir.Flatten):
        return shape_of(node.input_type["input"])
    return None


def widened(nodes: dict[str, Any], edges: Edges) -> dict[str, Any]:
    """The nodes, fields with one value made full, and a Conv2d told the size of its image, as far as the graph tells.

    What contradicts itself stays as it is.
    """
    found = dict(nodes)
    shapes: dict[str, Shape] = {}
    changed = True
    while changed:
        changed = False
        for name in found:
            before = max((shapes[a] for a, b in edges if b == name and a in shapes), key=len, default=None)
            try:
                found[name] = filled(found[name], before)
                shape = behind(name, found[name], before)
            except DAMAGED:
                continue
            if shape is not None and name not in shapes:
                shapes[name], changed = shape, True
    return found


def filled(node: Any, before: Shape | None) -> Any:
    """A node that receives `before`, with nothing left out that follows from it."""
    if isinstance(node, nir.Affine) and node.weight.ndim == 2 and np.shape(node.bias) != node.weight.shape[:1]:
        return replace(node, bias=full(node.bias, (len(node.weight),)))
    if isinstance(node, nir.Conv2d) and node.input_shape is None and before is not None and len(before) == 3:
        return replace(node, input_shape=(before[1], before[2]))
    if type(node) not in FIELDS:
        return node
    shape, fields = own_shape(node) or before, FIELDS[type(node)]
    if shape is None or all(np.shape(getattr(node, field)) == shape for field in fields):
        return node
    return replace(node, **{field: full(getattr(node, field), shape) for field in fields})


def full(value: Any, shape: Shape) -> Any:
    """An array with a value for each; what has another number of values than one stays as it is."""
    return np.full(shape, np.ravel(value)[0]) if np.size(value) == 1 else np.asarray(value)


def check_shapes(nodes: dict[str, Any], edges: Edges, axes: bool) -> None:
    """Refuse an edge between nodes of different sizes, or of different shapes with `axes`. Raises FormatError.

    nodes : what `widened` returns.
    """
    shapes: dict[str, Shape | None] = {}
    for _ in nodes:  # as long as the longest chain of nodes whose shape depends on what is before them
        for name, node in nodes.items():
            try:
                before = next((shapes[a] for a, b in edges if b == name and shapes.get(a)), None)
                shapes[name] = behind(name, node, before)
            except DAMAGED:
                shapes[name] = None
    for a, b in edges:
        if a not in nodes or b not in nodes:
            continue  # the reader says so
        got, wanted = shapes[a], expected(nodes[b])
        if got is None or wanted is None or got == wanted:
            continue
        if axes or math.prod(got) != math.prod(wanted):
            raise FormatError(
                f"edge {a!r} -> {b!r}: got {got} values for {wanted}, allowed one shape. Correct the nodes, or put a "
                "Flatten between them."
            )


def even(file: h5py.File) -> io.BytesIO | None:
    """The file with fields of one shape in each node of neurons, which nir asserts; None if they have it already.

    Raises FormatError for fields of several shapes, and whatever h5py does for what is no NIR graph.
    """
    uneven = {}
    for name, node in file["node/nodes"].items():
        kind = next((k for k in FIELDS if node["type"][()] == k.__name__.encode()), None) if "type" in node else None
        found = {} if kind is None else {field: node[field][()] for field in FIELDS[kind] if field in node}
        wide = {np.shape(value) for value in found.values() if np.size(value) != 1}
        if len(wide) > 1:
            shapes = {field: np.shape(value) for field, value in found.items()}
            raise FormatError(f"{name}: got {shapes}, allowed one shape, or one value. Correct the node.")
        if len({np.shape(value) for value in found.values()}) > 1:
            shape = wide.pop() if wide else (1,)
            uneven[name] = {field: full(value, shape) for field, value in found.items()}
    if not uneven:
        return None
    copy = io.BytesIO()
    with h5py.File(copy, "w") as other:
        for item in file:
            file.copy(item, other)
        for name, values in uneven.items():
            for field, value in values.items():
                del other[f"node/nodes/{name}/{field}"]
                other[f"node/nodes/{name}/{field}"] = value
    copy.seek(0)
    return copy
