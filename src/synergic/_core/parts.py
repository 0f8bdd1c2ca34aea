# SPDX-License-Identifier: BSD-3-Clause
"""Parts of synergic that need more than its base installation: which packages, and the command that brings them."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from synergic.errors import MissingPartError

PART_OF = {
    "lava": "lava",
    "torch": "train",
    "torchvision": "train",
    "tonic": "events",
    "lava.lib.dl.slayer": "lava-dl",
    "ray": "cluster",
}
"""The extra of synergic that brings a module."""
WITHOUT_PIP_CHECK = {"lava": "lava-nc==0.10.0", "lava-dl": "lava-dl==0.6.0"}
"""Packages that say they need Python 3.10, and run on later ones behind synergic's remedies."""


def how_to_install(extra: str) -> str:
    """Return the commands that install an extra on this Python, joined by `&&`."""
    commands = [f"pip install 'synergic[{extra}]'"]
    if extra in WITHOUT_PIP_CHECK and sys.version_info >= (3, 11):
        packages = " ".join(p for name, p in WITHOUT_PIP_CHECK.items() if name in ("lava", extra))
        commands.append(f"pip install --no-deps --ignore-requires-python {packages}")
    return " && ".join(commands)


def require(who: str, *modules: str) -> None:
    """Refuse to go on without a module that an extra brings.

    Parameters
    ----------
    who : str
        What needs the modules, as the user called it.
    *modules : str
        Names of modules, keys of `PART_OF`.

    Raises
    ------
    MissingPartError
        If a module is not installed. The message has the command that installs it.
    """
    for module in modules:
        if not _installed(module):
            raise MissingPartError(
                f"{who} needs {module}, which is not installed. Install it: {how_to_install(PART_OF[module])}"
            )


def _installed(module: str) -> bool:
    """Return whether a module can be imported, without importing it."""
    if module in sys.modules:
        return True
    # lava-nc and lava-dl share the folder `lava`, which has no __init__: a folder left behind is not the package.
    probe = "lava.magma" if module == "lava" else module
    try:
        return find_spec(probe) is not None
    except ModuleNotFoundError:  # a parent of the module
        return False
