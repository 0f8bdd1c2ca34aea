# SPDX-License-Identifier: BSD-3-Clause
"""A NIR graph from a file, and what is wrong with a file that is none."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import nir

from synergic._core.files import check_hdf5
from synergic.errors import FormatError, UnsupportedError
from synergic.interchange._nir_shapes import check_shapes, even, widened
from synergic.network._storage import check_sizes


def is_subgraph(name: str, item: Any) -> bool:
    """Whether a group of a file is a graph within the graph."""
    kind_of = item.get("type") if isinstance(item, h5py.Group) and name != "node" else None
    return isinstance(kind_of, h5py.Dataset) and kind_of.shape == () and kind_of[()] == b"NIRGraph"


def checked(source: Any) -> nir.NIRGraph:
    """nir.read, with our check of shapes for a graph that does not pass nir's. Raises FormatError and what nir does."""
    try:
        return nir.read(source)
    except ValueError:
        if isinstance(source, io.BytesIO):
            source.seek(0)
        graph = nir.read(source, type_check=False)
    if isinstance(graph, nir.NIRGraph) and not any(isinstance(node, nir.NIRGraph) for node in graph.nodes.values()):
        edges = [(str(a), str(b)) for a, b in graph.edges]
        check_shapes(widened(graph.nodes, edges), edges, axes=True)
    return graph


def read(path: str | Path) -> nir.NIRGraph:
    """nir.read, whose many kinds of failure become a FormatError."""
    inner: list[str] = []
    check_hdf5(path, "a NIR file, which is HDF5", "allowed a file that nir.write made")
    try:
        with h5py.File(path, "r") as file:
            check_sizes(file)
            file.visititems(lambda name, item: inner.append(name) if is_subgraph(name, item) else None)
            source = even(file) or path
        graph = checked(source)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    except Exception as error:  # whatever h5py or nir's assertions and look-ups raise
        if inner:
            raise UnsupportedError(
                f"{path}: got the subgraphs {inner[:3]}, which this nir cannot read ({error!r}), allowed a graph "
                "without. Put their nodes into one graph, with the nir that wrote the file."
            ) from error
        raise FormatError(f"{path}: not a NIR file, or damaged: {error!r}. Write it with nir.write.") from error
    if not isinstance(graph, nir.NIRGraph):
        raise FormatError(f"{path}: got a {type(graph).__name__}, allowed a NIRGraph. Put the node into a graph.")
    return graph
