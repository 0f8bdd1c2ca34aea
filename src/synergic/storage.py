# SPDX-License-Identifier: BSD-3-Clause
"""One file format for networks, floating point and integer: HDF5, versioned, no pickle.

The HDF5 library crashes or never returns on some damaged files. So the first 512 bytes, a block that HDF5 leaves to
its users, hold format, version and the checksum of the rest, and nothing is parsed that does not fit it.

The layout follows the dataclasses: a group for each, with the attribute `type`; arrays as datasets; numbers and
names as attributes; an absent optional field as the attribute `<field>.absent`.
"""

from __future__ import annotations

import hashlib
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
HEADER = 512
"""Bytes of the user block, the smallest that HDF5 allows."""
TYPES = {
    t.__name__: t
    for t in (Source, Population, Hebbian, Projection, Network, IntPopulation, IntHebbian, IntProjection, IntNetwork)
}


def save(network: Network | IntNetwork, path: str | Path) -> None:
    """Write a network. The file appears whole or not at all. Raises FormatError for anything else than
    a network, ParameterError where the folder does not exist."""
    if not isinstance(network, Network | IntNetwork):
        raise FormatError(f"save: got {type(network).__name__}, allowed Network or IntNetwork. Save these.")

    def fill(draft: Path) -> None:
        with h5py.File(draft, "w", userblock_size=HEADER) as file:
            write(file.create_group("network"), network)
        seal(draft)

    write_whole(path, fill)


def header(content: bytes) -> bytes:
    """The user block of a file: one line, padded with zeros."""
    line = f"{FORMAT} {VERSION} sha256 {hashlib.sha256(content).hexdigest()}\n"
    return line.encode().ljust(HEADER, b"\0")


def seal(path: str | Path) -> None:
    """Write the user block that fits the rest of a file."""
    with open(path, "r+b") as file:
        file.seek(HEADER)
        block = header(file.read())
        file.seek(0)
        file.write(block)


def check_seal(path: str | Path) -> None:
    """Refuse a file of another format or version, or with a byte that is not as it was saved."""
    raw = Path(path).read_bytes()
    start = raw[:HEADER].split(maxsplit=2)
    if start[:1] != [FORMAT.encode()]:
        raise FormatError(f"{path}: not a {FORMAT} file, or damaged. Give one that save() wrote.")
    if start[1:2] != [str(VERSION).encode()]:
        got = start[1].decode(errors="replace") if start[1:] else "none"
        raise FormatError(
            f"{path}: format version {got}, this synergic reads {VERSION}. Save it again with the fitting release."
        )
    if raw[:HEADER] != header(raw[HEADER:]):
        raise FormatError(f"{path}: damaged, or altered since it was saved. Restore a copy, or save it again.")


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
        check_seal(path)
        with h5py.File(path, "r") as file:
            network = read(file["network"], str(path))
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file. Check the path.") from None
    except FormatError:
        raise
    except SynergicError as error:  # a network that its own checks refuse
        raise FormatError(f"{path}: altered or damaged: {error}") from error
    except (OSError, LookupError, TypeError, ValueError, RuntimeError, AttributeError, ArithmeticError) as error:
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
        raise FormatError(f"{path}, {group.name}: unknown type {kind!r}, allowed {sorted(TYPES)}. Save it again.")
    values: dict[str, Any] = {}
    for f in fields(TYPES[kind]):
        if group.attrs.get(f"{f.name}.absent", False):
            values[f.name] = None
        elif f.name in group.attrs:
            value = group.attrs[f.name]
            values[f.name] = value.item() if isinstance(value, np.generic) else value
        elif f.name not in group:
            raise FormatError(f"{path}, {group.name}: field {f.name!r} is missing. Save it again.")
        elif isinstance(group[f.name], h5py.Group):
            values[f.name] = read(group[f.name], path)
        else:
            values[f.name] = read_array(group[f.name], path)
    known = {f.name for f in fields(TYPES[kind])}
    unknown = {n.removesuffix(".absent") for n in (*group.attrs, *group)} - known - {"type"}
    if unknown:
        raise FormatError(f"{path}, {group.name}: unknown fields {sorted(unknown)}. Save it again.")
    return TYPES[kind](**values)


def read_array(data: Any, path: str) -> Any:
    """One dataset; refuses other things than numbers, and sizes that the file does not hold, before it reads."""
    if data.dtype.kind not in "iuf" or data.nbytes > data.file.id.get_filesize():
        raise FormatError(
            f"{path}, {data.name}: got {data.shape} of {data.dtype}, allowed numbers, not more than the file is long."
        )
    return data[()]
