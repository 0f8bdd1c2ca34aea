# SPDX-License-Identifier: BSD-3-Clause
"""The mapping file, version 2: HDF5 with the network, the chip and everything that was decided. docs/mapping.md has
the layout.

As every file of synergic's (synergic.network) it begins with a block of format, version and checksum, and nothing is
parsed that does not fit it; what is read is a mapping only if `check_mapping` finds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import h5py
import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, kind, whole
from synergic._core.files import check_path, reading, write_whole
from synergic._core.moved import FILE_KEYS
from synergic.errors import FormatError
from synergic.hw_targets._chip import FACTS, LATER, PARTS, REAL, Chip, Fact, read_fact
from synergic.hw_targets.mapping._checker import KINDS, check_mapping
from synergic.hw_targets.mapping._mapping_data import STORAGES, Chain, Mapping, Tile
from synergic.hw_targets.mapping._options import Placement
from synergic.network._quantise import IntGraph, IntNetwork
from synergic.network._storage import HEADER, check_seal, read, read_array, seal, write

FORMAT, VERSION = "synergic-mapping", 2
SHOWN = 5
"""Violations that a refusal of a file names."""
NUMBERS = ("core", "soma_core", "pass_index", "axon")
"""Fields of a tile that are one number."""
Ints = npt.NDArray[np.int64]


def save_mapping(mapping: Mapping, path: str | Path) -> None:
    """Write a mapping to a file. The file appears whole or not at all.

    Parameters
    ----------
    mapping : Mapping
        The mapping of an IntNetwork.
    path : str or Path
        HDF5 file to write. An existing file is replaced.

    Raises
    ------
    ParameterError
        If `mapping` is no mapping of an IntNetwork, or the folder of `path` does not exist.
    """
    kind("save_mapping.mapping", mapping, Mapping, "Make one with map_network().")
    kind("save_mapping.mapping.network", mapping.network, IntNetwork, "A graph of Lava processes is mapped at its run.")

    def fill(draft: Path) -> None:
        """Write all of it to a draft."""
        with h5py.File(draft, "w", userblock_size=HEADER) as file:
            write(file.create_group("network"), mapping.network)
            write_chip(file.create_group("chip"), mapping.chip)
            write_tiles(file.create_group("tiles"), mapping.network, mapping.tiles)
            write_tiles(file.create_group("copies"), mapping.network, mapping.copies)
            write_chains(file.create_group("chains"), mapping.chains)
            file["slots"] = mapping.slots
            file["dead_cores"] = np.array(mapping.dead_cores, np.int64).reshape(-1, 2)
            file["dead_links"] = np.array(mapping.dead_links, np.int64).reshape(-1, 2, 2)
            for name in ("weight_storage", "placement", "seed"):
                file.attrs[name] = getattr(mapping, name)
            file.attrs["fan_out"] = mapping.fan_out or 0
        seal(draft, FORMAT, VERSION)

    write_whole(path, fill)


def load_mapping(path: str | Path) -> Mapping:
    """Read a mapping from a file that `save_mapping` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Mapping
        The mapping, which `check_mapping` found sound.

    Raises
    ------
    FormatError
        If the file is of another kind or version, truncated or altered, or if its mapping breaks a limit of the chip or
        does not deliver a packet. The text names what is wrong.
    """
    check_path("load_mapping.path", path)
    with reading(path):
        check_seal(path, FORMAT, VERSION)
        with h5py.File(path, "r") as file:
            mapping = read_mapping(file, str(path))
        found = check_mapping(mapping)
    if found:
        more = f"\nand {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise FormatError(f"{path}: not a sound mapping:\n" + "\n".join(map(str, found[:SHOWN])) + more)
    return mapping


def read_mapping(file: h5py.File, path: str) -> Mapping:
    """Read the content of a file, not yet checked as a whole."""
    network = read(file["network"], path)
    kind(f"{path}, network", network, IntNetwork, "Save the mapping again.")
    text = {name: file.attrs[name] for name in ("weight_storage", "placement")}
    choice("weight_storage", text["weight_storage"], STORAGES)
    choice("placement", text["placement"], get_args(Placement))
    tiles, slots = read_tiles(file["tiles"], network, path), integers(file["slots"], path, ())
    slots.setflags(write=False)
    links = integers(file["dead_links"], path, (2, 2)).tolist()
    return Mapping(
        network,
        read_chip(file["chip"], path),
        tiles,
        len(slots),
        slots,
        read_chains(file["chains"], path),
        **text,
        seed=whole("seed", file.attrs["seed"], 0, 2**32 - 1, "It seeds the placement."),
        dead_cores=pairs(integers(file["dead_cores"], path, (2,))),
        dead_links=tuple(((a[0], a[1]), (b[0], b[1])) for a, b in links),
        copies=read_tiles(file["copies"], network, path),
        fan_out=whole("fan_out", file.attrs["fan_out"], 0, 2**31, "It is a number of cores.") or None,
    )


def write_chip(group: h5py.Group, chip: Chip) -> None:
    """Write a chip: a group for each fact, with attributes as in its TOML file."""
    for name in ("name", "chips_rows", "chips_columns"):
        group.attrs[name] = getattr(chip, name)
    for name, fact in chip.facts.items():
        for part, value in vars(fact).items():
            group.require_group(name).attrs[part] = value


def read_chip(group: h5py.Group, path: str) -> Chip:
    """Read a chip, its facts checked as those of a TOML file."""
    facts: dict[str, Fact] = {}
    for name in FACTS:
        if name not in group and name in LATER:
            facts[name] = LATER[name]
            continue
        given = {part: plain(group[name].attrs[part]) for part in sorted(PARTS)}
        facts[name] = read_fact(f"{path}, chip.{name}", given, name not in REAL)
    counts = {
        name: whole(f"{path}, chip.{name}", group.attrs[name], 1, 1000, "It is a number of chips.")
        for name in ("chips_rows", "chips_columns")
    }
    return Chip(str(group.attrs["name"]), **facts, **counts)  # type: ignore[arg-type]


def plain(value: Any) -> Any:
    """Return an attribute as Python's own number or text."""
    return value.item() if isinstance(value, np.generic) else value


def write_tiles(group: h5py.Group, network: IntNetwork | IntGraph, tiles: Sequence[Tile]) -> None:
    """Write tiles as columns of a table."""
    order = {p.name: i for i, p in enumerate(network.projections)}
    group["projection"] = np.array([order[t.projection] for t in tiles], np.int64)
    for name in NUMBERS:
        group[FILE_KEYS.get(name, name)] = np.array([getattr(t, name) for t in tiles], np.int64)
    for name in ("rows", "columns"):
        group[name] = np.array([getattr(t, name) for t in tiles], np.int64).reshape(-1, 2)
    write_lists(group, "local_cores", [t.local_cores for t in tiles])


def read_tiles(group: h5py.Group, network: IntNetwork, path: str) -> tuple[Tile, ...]:
    """Read tiles from their table."""
    chosen = integers(group["projection"], path, ())
    if ((chosen < 0) | (chosen >= len(network.projections))).any():
        raise FormatError(f"{path}, {group.name}: a projection that the network does not have. Save it again.")
    projections = [network.projections[i] for i in chosen.tolist()]
    ends = [pairs(integers(group[name], path, (2,))) for name in ("rows", "columns")]
    core, *rest = (integers(group[FILE_KEYS.get(name, name)], path, ()).tolist() for name in NUMBERS)
    table = zip(projections, *ends, core, read_lists(group, "local_cores", path), *rest, strict=True)
    return tuple(Tile(p.name, p.target, *fields) for p, *fields in table)


def write_chains(group: h5py.Group, chains: Sequence[Chain]) -> None:
    """Write chains as columns of a table; kind is its number in KINDS."""
    group["kind"] = np.array([KINDS.index(c.kind) for c in chains], np.int64)
    group["start"] = np.array([c.start for c in chains], np.int64)
    group["neurons"] = np.array([c.neurons for c in chains], np.int64).reshape(-1, 2)
    for name in ("stops", "arrivals", "relays"):
        write_lists(group, name, [getattr(c, name) for c in chains])
    write_lists(group, "path", [c.path for c in chains], (2,))


def read_chains(group: h5py.Group, path: str) -> tuple[Chain, ...]:
    """Read chains from their table."""
    numbers = integers(group["kind"], path, ())
    if ((numbers < 0) | (numbers >= len(KINDS))).any():
        raise FormatError(f"{path}, {group.name}: a kind of packet beyond {KINDS}. Save it again.")
    start, neurons = integers(group["start"], path, ()).tolist(), pairs(integers(group["neurons"], path, (2,)))
    lists = [read_lists(group, name, path) for name in ("stops", "arrivals", "relays")]
    ways = [pairs(way) for way in read_lists(group, "path", path, (2,))]
    kinds = [KINDS[i] for i in numbers.tolist()]
    table = zip(kinds, start, neurons, lists[0], ways, lists[1], lists[2], strict=True)
    return tuple(Chain(*row) for row in table)


def write_lists(group: h5py.Group, name: str, lists: Sequence[Sequence[Any]], each: tuple[int, ...] = ()) -> None:
    """Write lists of different lengths: `<name>` has all of them in a row, `<name>_length` their lengths."""
    group[f"{name}_length"] = np.array([len(part) for part in lists], np.int64)
    flat = [value for part in lists for value in part]
    group[name] = np.array(flat, np.int64).reshape(-1, *each)


def read_lists(group: h5py.Group, name: str, path: str, each: tuple[int, ...] = ()) -> list[Any]:
    """Read lists of different lengths; of pairs as arrays, of numbers as tuples."""
    lengths, flat = integers(group[f"{name}_length"], path, ()), integers(group[name], path, each)
    if (lengths < 0).any() or int(lengths.sum()) != len(flat):
        raise FormatError(f"{path}, {group.name}/{name}: lengths that do not add up to {len(flat)}. Save it again.")
    parts = np.split(flat, np.cumsum(lengths)[:-1]) if len(lengths) else []
    return parts if each else [tuple(part.tolist()) for part in parts]


def integers(data: h5py.Dataset, path: str, each: tuple[int, ...]) -> Ints:
    """Read a dataset of whole numbers, (any number, *each)."""
    values = read_array(data, path)
    if np.ndim(values) != 1 + len(each) or values.shape[1:] != each or values.dtype.kind not in "iu":
        raise FormatError(f"{path}, {data.name}: got {values.dtype} of {np.shape(values)}, allowed whole numbers.")
    return np.asarray(values, np.int64)


def pairs(values: Ints) -> tuple[tuple[int, int], ...]:
    """Return rows of two numbers as tuples."""
    return tuple((a, b) for a, b in values.tolist())
