# SPDX-License-Identifier: BSD-3-Clause
"""One file format for networks, floating point and integer: HDF5, versioned, no pickle.

The HDF5 library crashes or never returns on some damaged files. So the first 512 bytes, a block that HDF5 leaves to
its users, hold format, version and the checksum of the rest, and nothing is parsed that does not fit it.

The layout follows the dataclasses: a group for each, with the attribute `type`; arrays as datasets; numbers and
names as attributes; an absent optional field as the attribute `<field>.absent`. A convolution's weights are its
`weights_kernel` alone, as torch lays it out, unless they are too many to be unfolded again.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from synergic._core.files import check_path, reading, write_whole
from synergic._core.moved import FILE_KEYS
from synergic.errors import FormatError
from synergic.network._convolution import LARGEST, Convolution
from synergic.network._description import Network, Population, Projection, Source
from synergic.network._quantise import IntNetwork, IntPopulation, IntProjection
from synergic.neurons import Homeostasis, IntHomeostasis, Neuron
from synergic.rules import Rule, integer_form

FORMAT, VERSION = "synergic-network", 1
LATER = ("mask", "convolution", "neuron", "fades", "memory", "rounding", "seed", "presented", "homeostasis",
         "delay", "onset")  # fmt: skip
"""Fields that files of earlier releases do not have; their default is what those files meant."""
RENAMED = {"trace": "plasticity_scope"}
"""Fields by the names that earlier releases wrote, and their names now."""
HEADER = 512
"""Bytes of the user block, the smallest that HDF5 allows."""
DEFLATED = 2**16
"""Bytes from which on an array is deflated."""
PACKED = 1032
"""Bytes that a byte of deflate, HDF5's usual compression, becomes at most."""
TYPES = (
    Source, Population, Projection, Network, IntPopulation, IntProjection, IntNetwork, Convolution, Homeostasis,
    IntHomeostasis,
)  # fmt: skip


def types() -> dict[str, type]:
    """What a file may hold, by name: also every rule and neuron that is defined by now, and a rule's integer form."""
    rules = Rule.registry.values()
    whole = [integer_form(rule) for rule in rules]
    return {t.__name__: t for t in (*rules, *whole, *Neuron.registry.values(), *TYPES)}


def save(network: Network | IntNetwork, path: str | Path) -> None:
    """Write a network to a file, which appears whole or not at all.

    Parameters
    ----------
    network : Network or IntNetwork
        The network.
    path : str or Path
        The HDF5 file. An existing one is replaced.

    Raises
    ------
    FormatError
        If `network` is not a network.
    ParameterError
        If the folder does not exist.
    """
    if not isinstance(network, Network | IntNetwork):
        raise FormatError(f"save.network: got {type(network).__name__}, allowed Network or IntNetwork. Save these.")

    def fill(draft: Path) -> None:
        with h5py.File(draft, "w", userblock_size=HEADER) as file:
            write(file.create_group("network"), network)
        seal(draft)

    write_whole(path, fill)


def header(content: bytes, form: str = FORMAT, version: int = VERSION) -> bytes:
    """The user block of a file: one line, padded with zeros."""
    line = f"{form} {version} sha256 {hashlib.sha256(content).hexdigest()}\n"
    return line.encode().ljust(HEADER, b"\0")


def seal(path: str | Path, form: str = FORMAT, version: int = VERSION) -> None:
    """Write the user block that fits the rest of a file."""
    with open(path, "r+b") as file:
        file.seek(HEADER)
        block = header(file.read(), form, version)
        file.seek(0)
        file.write(block)


def check_seal(path: str | Path, form: str = FORMAT, version: int = VERSION) -> None:
    """Refuse a file of another format or version, or with a byte that is not as it was saved."""
    raw = Path(path).read_bytes()
    start = raw[:HEADER].split(maxsplit=2)
    if start[:1] != [form.encode()]:
        raise FormatError(f"{path}: not a {form} file, {instead(raw)}")
    if start[1:2] != [str(version).encode()]:
        got = start[1].decode(errors="replace") if start[1:] else "none"
        raise FormatError(
            f"{path}: format version {got}, this synergic reads {version}. Save it again with the fitting release."
        )
    if raw[:HEADER] != header(raw[HEADER:], form, version):
        raise FormatError(f"{path}: damaged, or altered since it was saved. Restore a copy, or save it again.")


def instead(raw: bytes) -> str:
    """What a file is that is none of ours, as far as its first bytes tell, and what to do."""
    kind = raw[:HEADER].split(maxsplit=1)[:1]
    if not raw:
        return "but an empty one. Restore a copy, or save it again."
    if raw.startswith(b"\x89HDF\r\n\x1a\n"):
        return (
            "but HDF5 of another program. Read NIR graphs with synergic.interchange.from_nir, networks of lava-dl with "
            "from_lava_dl, and save what they return."
        )
    if kind and kind[0].startswith(b"synergic-"):
        return f"but a {kind[0].decode(errors='replace')} file. Give the other one, or use what reads it."
    return "or damaged. Give one that synergic wrote."


def says(path: str | Path, form: str) -> bool:
    """Whether a file claims to be of a format; nothing of it is checked. False if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(HEADER).split(maxsplit=1)[:1] == [form.encode()]
    except OSError:
        return False


def write_array(group: Any, key: str, value: Any) -> None:
    """One dataset, deflated if it is large: most weights of a large matrix are often 0."""
    small = value.nbytes < DEFLATED
    group.create_dataset(key, data=value, **({} if small else {"compression": 6}))


def write(group: Any, item: Any) -> None:
    """One dataclass into one group."""
    group.attrs["type"] = type(item).__name__
    for f in fields(item):
        value, key = getattr(item, f.name), FILE_KEYS.get(f.name, f.name)
        if f.name == "weights" and item.convolution is not None and value.size <= LARGEST:
            write_array(group, "weights_kernel", item.kernel)
        elif value is None:
            group.attrs[f"{key}.absent"] = True
        elif isinstance(value, np.ndarray):
            write_array(group, key, value)
        elif isinstance(value, tuple) and not any(map(is_dataclass, value)):  # of numbers
            group.create_dataset(key, data=np.array(value))
        elif isinstance(value, tuple):
            many = group.create_group(key)
            many.attrs["type"], many.attrs["length"] = "tuple", len(value)
            for i, part in enumerate(value):
                write(many.create_group(str(i)), part)
        elif is_dataclass(value):
            write(group.create_group(key), value)
        else:
            group.attrs[key] = value


def load(path: str | Path) -> Network | IntNetwork:
    """Read a network from a file.

    Parameters
    ----------
    path : str or Path
        A file that `save` has written.

    Returns
    -------
    Network or IntNetwork
        The network.

    Raises
    ------
    FormatError
        If the file is of another format, altered or truncated. The message names what is wrong.
    """
    check_path("load.path", path)
    with reading(path):
        check_seal(path)
        with h5py.File(path, "r") as file:
            network = read(file["network"], str(path))
    if not isinstance(network, Network | IntNetwork):
        raise FormatError(f"{path}: holds a {type(network).__name__}, not a network.")
    return network


def read(group: Any, path: str) -> Any:
    """One group back into its dataclass."""
    kind = group.attrs["type"]
    if kind == "tuple":
        return tuple(read(group[str(i)], path) for i in range(int(group.attrs["length"])))
    known_types = types()
    if kind not in known_types:
        raise FormatError(
            f"{path}, {group.name}: unknown type {kind!r}, allowed {sorted(known_types)}. "
            "Import the module that defines the rule or neuron, or save the network again."
        )
    named = {f.name for f in fields(known_types[kind])}
    old = {old: now for old, now in RENAMED.items() if now in named and old in group.attrs}
    values: dict[str, Any] = {now: group.attrs[name] for name, now in old.items()}
    for f in fields(known_types[kind]):
        key = FILE_KEYS.get(f.name, f.name)
        if group.attrs.get(f"{key}.absent", False):
            values[f.name] = None
        elif key in group.attrs:
            value = group.attrs[key]
            values[f.name] = value.item() if isinstance(value, np.generic) else value
        elif (
            f.name in values
            or (f.name in LATER and key not in group)
            or (f.name == "weights" and "weights_kernel" in group)
        ):
            continue
        elif key not in group:
            raise FormatError(f"{path}, {group.name}: field {key!r} is missing. Save it again.")
        elif isinstance(group[key], h5py.Group):
            values[f.name] = read(group[key], path)
        else:
            values[f.name] = read_array(group[key], path)
    known = {FILE_KEYS.get(name, name) for name in named} | set(old)
    if "weights" in known and "weights_kernel" in group:
        kernel = read_array(group["weights_kernel"], path)
        values["weights"] = unfolded(kernel, values.get("convolution"), group.name, path)
        known = known - {"weights"} | {"weights_kernel"}
    unknown = {n.removesuffix(".absent") for n in (*group.attrs, *group)} - known - {"type"}
    if unknown:
        raise FormatError(f"{path}, {group.name}: unknown fields {sorted(unknown)}. Save it again.")
    return known_types[kind](**values)


def unfolded(kernel: Any, convolution: Any, name: str, path: str) -> Any:
    """The weights of a convolution. Refuses a kernel that does not fit it, and matrices that no file should fill."""
    if not isinstance(convolution, Convolution) or kernel.ndim != 4 or kernel.shape[2:] != convolution.kernel:
        raise FormatError(f"{path}, {name}: got a kernel {kernel.shape} for {convolution}. Save it again.")
    entries = convolution.entries(kernel)
    if entries > LARGEST:
        raise FormatError(f"{path}, {name}: got a kernel that unfolds to {entries} weights, allowed {LARGEST}.")
    return convolution.unfold(kernel)


def check_sizes(file: Any) -> None:
    """Refuse a file of another program's with a dataset that its bytes cannot hold, before anything is read: HDF5 would
    fill terabytes with zeros. And one with anything under two names: readers would go round in it. Raises FormatError.
    """

    def check(name: str, item: Any) -> None:
        links = [item.get(n, getlink=True) for n in item] if isinstance(item, h5py.Group) else []
        if h5py.h5o.get_info(item.id).rc > 1 or not all(isinstance(link, h5py.HardLink) for link in links):
            raise FormatError(f"{name}: got links, allowed groups and datasets under one name. Write the file again.")
        if isinstance(item, h5py.Dataset) and item.nbytes > PACKED * item.id.get_storage_size():
            raise FormatError(f"{name}: got {item.shape} of {item.dtype}, allowed what the file holds. Write it again.")

    check("/", file["/"])
    file.visititems(check)


def read_array(data: Any, path: str) -> Any:
    """One dataset; refuses other things than numbers, and sizes that the file does not hold, before it reads."""
    if data.dtype.kind not in "iuf" or data.nbytes > PACKED * min(
        data.id.get_storage_size(), data.file.id.get_filesize()
    ):
        raise FormatError(
            f"{path}, {data.name}: got {data.shape} of {data.dtype}, allowed numbers, not more than the file is long."
        )
    return data[()]
