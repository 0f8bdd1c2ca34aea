# SPDX-License-Identifier: BSD-3-Clause
"""What `synergic export` and `synergic import-state` do: a network as C, and what its program has learned."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from synergic._core.checks import kind, require
from synergic._core.files import check_folder, check_path, write_json
from synergic._core.outputs import check_new_folder
from synergic.cli._inputs import open_network
from synergic.cli._wording import quoted
from synergic.interchange import Footprint, c_footprint, read_c_state, to_c
from synergic.interchange._c._c_export import check_name
from synergic.network._storage import save

UNITS = {"": 1, "k": 2**10, "m": 2**20}


def in_bytes(where: str, text: str | None) -> int | None:
    """A size such as "512k" as a number of bytes; None stays. Raises ParameterError."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{1,15})([kKmM]?)", text) if isinstance(text, str) else None
    require(found is not None, where, repr(text), "a number of bytes, with k or M behind it", "Write 512k for 512 KiB.")
    assert found is not None
    size = int(found[1]) * UNITS[found[2].lower()]
    require(size > 0, where, repr(text), "1 or more", "It is the memory of the device.")
    return size


def size_table(footprint: Footprint) -> Table:
    """The table of bytes and operations. Raises ParameterError."""
    kind("size_table.footprint", footprint, Footprint, "c_footprint() gives one.")
    table = Table("part", title="what the network takes as C")
    for heading in ("flash, bytes", "RAM, bytes", "operations a step"):
        table.add_column(heading, justify="right")
    for part in footprint.parts:
        table.add_row(part.name, str(part.flash), str(part.ram), str(part.operations))
    table.add_section()
    table.add_row("sum", str(footprint.flash), str(footprint.ram), str(footprint.operations))
    return table


def export_c(
    network: str | Path, folder: Path, name: str = "net", flash: str | None = None, ram: str | None = None,
    json_file: Path | None = None, weight_bits: int | None = None, local_bits: int | None = None,
    console: Console | None = None,
) -> Footprint:  # fmt: skip
    """Print what a saved network takes, then write it as C.

    flash, ram : memory of the device, such as "512k". Raises as `open_network`, `to_c`, and ParameterError for sizes.
    """
    check_path("export.network", network)
    target = check_path("export.folder", folder)
    have = {"flash": in_bytes("export.flash", flash), "ram": in_bytes("export.ram", ram)}
    check_name(name)
    check_new_folder("export.c", target)
    kind("export.console", console, Console | None, "None prints to the terminal.")
    if json_file is not None:
        check_folder(json_file, "export.json_file")
    integer = open_network(network, weight_bits, local_bits)
    footprint = c_footprint(integer)
    shown = console or Console()
    shown.print(size_table(footprint))
    shown.print("Code is assumed, the rest is exact. Operations: products and updates, if all inputs are active.")
    if json_file is not None:
        sums = {name: getattr(footprint, name) for name in ("flash", "ram", "operations")}
        write_json(json_file, {"parts": [asdict(part) for part in footprint.parts], **sums, "available": have})
    to_c(integer, folder, name, **have)
    build = f"cd {quoted(target)} && cc -std=c99 -O2 -Isrc -o {name} main.c src/{name}.c"
    shown.print(f"written to {target}. Try it: {build}",
                soft_wrap=True, highlight=False, markup=False)  # fmt: skip
    return footprint


def import_state(
    network: str | Path, state: Path, output: Path, weight_bits: int | None = None, local_bits: int | None = None
) -> None:
    """Write a network with the local weights that a C program has learned. Raises as `open_network`,
    `read_c_state`."""
    check_path("import_state.network", network)
    check_path("import_state.state", state)
    check_folder(output, "import_state.output")
    before = open_network(network, weight_bits, local_bits)
    after = read_c_state(before, state)
    save(after, output)
    for old, new in zip(before.projections, after.projections, strict=True):
        if new.plastic:
            moved = np.abs(new.local_weights - old.local_weights) / new.rule.scale
            sys.stdout.write(
                f"{new.name}: local weights moved by {moved.mean():.4g} on average, {moved.max():.4g} at most\n"
            )
