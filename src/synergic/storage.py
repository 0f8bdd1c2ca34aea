# SPDX-License-Identifier: BSD-3-Clause
"""One file format for networks, floating point and integer: HDF5, versioned, no pickle.

The layout follows the dataclasses: a group for each, with the attribute `type`; arrays as datasets; numbers and
names as attributes; an absent optional field as the attribute value "none" of `<field>.absent`.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from synergic.errors import FormatError, SynergicError
from synergic.files import write_whole
from synergic.network import Hebbian, Network, Population, Projection, Source
from synergic.quantise import IntHebbian, IntNetwork, IntPopulation, IntProjection

FORMAT, VERSION = "synergic-network", 1
TYPES = {
    t.__name__: t
    for t in (Source, Population, Hebbian, Projection, Network, IntPopulation, IntHebbian, IntProjection, IntNetwork)
}


def save(network: Network | IntNetwork, path: str | Path) -> None:
    """Write a network. The file appears whole or not at all. Raises FormatError for anything else than
    a network, ParameterError where the folder does not exist."""
    if not isinstance(network, Network | IntNetwork):
        raise FormatError(f"save: got {type(network).__name__}, allowed Network or IntNetwork.")

    def fill(draft: Path) -> None:
        with h5py.File(draft, "w") as file:
            file.attrs["format"], file.attrs["version"] = FORMAT, VERSION
            write(file.create_group("network"), network)

    write_whole(path, fill)


def write(group: Any, item: Any) -> None:
    """One dataclass into one group."""
    group.attrs["type"] = type(item).__name__
    for f in fields(item):
        value = getattr(item, f.name)
        if value is None:
            group.attrs[f"{f.name}.absent"] = True
        elif isinstance(value, np.ndarray):
            group.create_dataset(f.name, data=value)
        elif isinstance(value, tuple):
            many = group.create_group(f.name)
            many.attrs["type"], many.attrs["length"] = "tuple", len(value)
            for i, part in enumerate(value):
                write(many.create_group(str(i)), part)
        elif type(value).__name__ in TYPES:
            write(group.create_group(f.name), value)
        else:
            group.attrs[f.name] = value


def load(path: str | Path) -> Network | IntNetwork:
    """Read a network. Raises FormatError, naming what is wrong, for any other, altered or truncated file."""
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT:
                raise FormatError(f"{path}: not a {FORMAT} file.")
            if file.attrs.get("version") != VERSION:
                raise FormatError(
                    f"{path}: format version {file.attrs.get('version')}, this synergic reads {VERSION}. "
                    f"Save it again with the fitting release."
                )
            network = read(file["network"], str(path))
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file.") from None
    except FormatError:
        raise
    except SynergicError as error:  # a network that its own checks refuse
        raise FormatError(f"{path}: altered or damaged: {error}") from error
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise FormatError(f"{path}: damaged or not a network file: {error}") from error
    if not isinstance(network, Network | IntNetwork):
        raise FormatError(f"{path}: holds a {type(network).__name__}, not a network.")
    return network


def read(group: Any, path: str) -> Any:
    """One group back into its dataclass."""
    kind = group.attrs["type"]
    if kind == "tuple":
        return tuple(read(group[str(i)], path) for i in range(int(group.attrs["length"])))
    if kind not in TYPES:
        raise FormatError(f"{path}, {group.name}: unknown type {kind!r}, allowed {sorted(TYPES)}.")
    values: dict[str, Any] = {}
    for f in fields(TYPES[kind]):
        if group.attrs.get(f"{f.name}.absent", False):
            values[f.name] = None
        elif f.name in group.attrs:
            value = group.attrs[f.name]
            values[f.name] = value.item() if isinstance(value, np.generic) else value
        elif isinstance(group[f.name], h5py.Group):
            values[f.name] = read(group[f.name], path)
        else:
            values[f.name] = group[f.name][()]
    known = {f.name for f in fields(TYPES[kind])}
    unknown = {n.removesuffix(".absent") for n in (*group.attrs, *group)} - known - {"type"}
    if unknown:
        raise FormatError(f"{path}, {group.name}: unknown fields {sorted(unknown)}.")
    return TYPES[kind](**values)
