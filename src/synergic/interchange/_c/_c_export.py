# SPDX-License-Identifier: BSD-3-Clause
"""Integer networks as portable C99, plasticity included."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from synergic import __version__
from synergic._core.checks import kind, require, whole
from synergic._core.files import check_path, write_whole
from synergic.errors import ParameterError
from synergic.interchange._c._c_names import KEYWORDS
from synergic.interchange._c._c_program import CProgram
from synergic.interchange._c._c_state import state_bytes, state_head
from synergic.interchange._c._footprint import Footprint, check_fits, footprint_of
from synergic.network._quantise import IntNetwork

FILES = {
    "src/{name}.h": "network.h.j2",
    "src/{name}_data.h": "network_data.h.j2",
    "src/synergic_arithmetic.h": "synergic_arithmetic.h.j2",
    "src/{name}.c": "network.c.j2",
    "main.c": "main.c.j2",
    "library.properties": "library.properties.j2",
    "examples/classify/classify.ino": "classify.ino.j2",
}
"""The files of an export and their templates: the folder is a library for the Arduino IDE too."""


@cache
def environment() -> Environment:
    """The templates."""
    return Environment(
        loader=PackageLoader("synergic.interchange._c"),
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
        extensions=["jinja2.ext.do"],
    )  # fmt: skip


def checked(network: IntNetwork, where: str) -> CProgram:
    """The program of a network. Raises ParameterError, UnsupportedError."""
    kind(f"{where}.network", network, IntNetwork, "quantise() makes one of a Network.")
    return CProgram(network)


def c_files(program: CProgram, name: str) -> dict[str, str]:
    """The text of all files of an export, by their place in its folder."""
    network, footprint = program.network, footprint_of(program)
    sizes = "-".join(str(n) for n in (network.source.size, *(p.p.size for p in program.populations)))
    given = {
        "program": program, "name": name, "NAME": name.upper(), "T": network.steps, "version": __version__,
        "title": f"A network of {sizes} neurons", "flash": sum(a.bytes for a in program.constants),
        "ram": footprint.ram, "local_bytes": state_bytes(network), "head": list(state_head(program.fingerprint)),
    }  # fmt: skip
    return {
        path.format(name=name): environment().get_template(template).render(given) for path, template in FILES.items()
    }


def c_footprint(network: IntNetwork) -> Footprint:
    """Return what a network takes as C, before anything is written.

    Parameters
    ----------
    network : IntNetwork
        The network, of `quantise`.

    Returns
    -------
    Footprint
        Bytes of flash and RAM, and operations a step, by part.

    Raises
    ------
    ParameterError
        If `network` is another object.
    UnsupportedError
        If a rule or a neuron has no C text.
    """
    return footprint_of(checked(network, "c_footprint"))


def check_name(name: Any) -> None:
    """Refuse what cannot be the beginning of names in C. Raises ParameterError."""
    plain = isinstance(name, str) and re.fullmatch(r"[A-Za-z]\w{0,40}", name, re.ASCII) and name not in KEYWORDS
    require(
        bool(plain), "to_c.name", repr(name), "letters, digits and _, a letter first", "It becomes part of C names."
    )


def to_c(
    network: IntNetwork, folder: str | Path, name: str = "net", flash: int | None = None, ram: int | None = None
) -> Footprint:
    """Write a network in integers as portable C99 that computes the same numbers bit for bit, plasticity included.

    The C text needs no allocation, no floating point, and no library beyond stdint.h and string.h. All functions take
    a pointer to the state, one struct, so that several networks can be in one program.

    Parameters
    ----------
    network : IntNetwork
        The network, of `quantise`.
    folder : str or Path
        Folder for the files, which is made if it is not there. Files of an earlier export are replaced. `src` has the
        network, main.c a program for a computer, and `examples` one for the Arduino IDE, which takes the folder as a
        library.
    name : str, default "net"
        Name of the files, and what the names of all functions begin with.
    flash, ram : int or None, default None
        Bytes that the device has. None checks nothing.

    Returns
    -------
    Footprint
        Bytes of flash and RAM, and operations a step, by part.

    Raises
    ------
    ParameterError
        If an argument is out of range, or the folder cannot be made.
    UnsupportedError
        If a rule that learns or a neuron has no C text.
    CapacityError
        If the network does not fit. The message has the smallest change with which it would.

    Notes
    -----
    Nothing is written if the network is refused. Local weights of projections that learn are in RAM, with 16 bits, or
    8 if the network has `local_bits` of 8; all other weights are constants. A mask leaves out the local weights that
    are not there. A convolution has its kernel once. Sparse slow weights are stored with their columns where this is
    smaller.
    """
    program = checked(network, "to_c")
    target = check_path("to_c.folder", folder)
    check_name(name)
    for what, value in (("flash", flash), ("ram", ram)):
        if value is not None:
            whole(f"to_c.{what}", value, 1, float("inf"), "It is a number of bytes.")
    check_fits(program, flash, ram)
    texts = c_files(program, name)
    for path, text in texts.items():
        place = target / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ParameterError(f"to_c.folder: got {str(folder)!r}, allowed one that can be made: {error}.") from None
        write_whole(place, lambda draft, text=text: draft.write_text(text))  # type: ignore[misc]
    return footprint_of(program)
