# SPDX-License-Identifier: BSD-3-Clause
"""Lets lava-nc 0.10 run on Python 3.11 and later, and on numpy 2.4 and later.

lava-nc 0.10 was written for Python 3.10 and numpy 1. A few of its lines fail on later versions, the first of them with
`mutable default <class 'lava.magma.compiler.var_model.ByteEncoder'>`; those that need an older numpy raise inside a
process model, for which Lava then waits without end. `install` puts a finder in front of Python's own. It changes
these lines in memory while their modules are loaded: no file of Lava is changed, no function is replaced, and all other
modules load as ever. Importing `synergic` calls it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

import numpy as np


@dataclass(frozen=True)
class Remedy:
    """A line of Lava that fails, and what it becomes.

    Attributes
    ----------
    module : str
        Module of Lava that holds the line.
    old, new : str
        The text that fails, and the text in its place. They have as many lines, so that tracebacks stay right.
    needed : bool
        Whether the text fails on this Python and this numpy.
    at_import : bool
        Whether it fails while the module is imported only: one that is there already does not need it.
    """

    module: str
    old: str
    new: str
    needed: bool
    at_import: bool = False


_HASHABLE_DEFAULTS = sys.version_info >= (3, 11)
_NUMPY_2_4 = tuple(map(int, np.__version__.split(".")[:2])) >= (2, 4)

REMEDIES = (
    # Python 3.11 refuses class defaults that have no hash: `x: ByteEncoder = ByteEncoder()`.
    Remedy(
        "lava.magma.compiler.var_model",
        "@dataclass\nclass ByteEncoder:",
        "@dataclass(unsafe_hash=True)\nclass ByteEncoder:",
        _HASHABLE_DEFAULTS,
    ),
    # numpy 2.4 has no np.reshape(newshape=...). Every flatten() and reshape() of a port uses it.
    Remedy("lava.magma.core.process.ports.ports", "np.reshape, newshape=", "np.reshape, shape=", _NUMPY_2_4),
    # numpy 2.4 makes no int of an array of one.
    Remedy("lava.proc.graded.models", "int(np.log2(val))", "int(np.log2(val).item())", _NUMPY_2_4),
    Remedy("lava.proc.graded.models", "int(s_fp)", "int(np.asarray(s_fp).item())", _NUMPY_2_4),
    # numpy 2.4 puts no array of one into an element.
    Remedy(
        "lava.proc.clp.nsm.models",
        "alloc_signal[0] = self.next_alloc_id",
        "alloc_signal[:1] = self.next_alloc_id",
        _NUMPY_2_4,
    ),
    # Use of multiprocessing before (by torch, joblib, numba) has set the method: Lava would fail on import.
    # Another method than fork is refused before a run.
    Remedy(
        "lava.magma.runtime.message_infrastructure.multiprocessing",
        "mp.set_start_method('fork')",
        "mp.get_start_method(allow_none=True) or mp.set_start_method('fork')",
        True,
        at_import=True,
    ),
)


class _Loader(SourceFileLoader):
    """Compiles a module of Lava with its remedies. Reads and writes no bytecode: a cache would hold the other text."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the text of a module with the remedies that it needs."""
        path = self.get_filename(fullname)
        source = self.get_data(path).decode()
        for remedy in REMEDIES:
            if remedy.needed and remedy.module == fullname:
                source = source.replace(remedy.old, remedy.new)
        code: CodeType = self.source_to_code(source.encode(), path)
        return code


class _Finder(MetaPathFinder):
    """Finds the modules of Lava that need a remedy here, and leaves all others to the finders behind it."""

    modules = frozenset(remedy.module for remedy in REMEDIES if remedy.needed)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module that needs a remedy, else nothing."""
        if fullname not in self.modules:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


def install() -> None:
    """Put the finder in front of Python's own, once, where this Python or this numpy needs it.

    Raises
    ------
    ImportError
        If a module that needs a remedy was loaded before.
    """
    if not _Finder.modules or any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    if early := sorted({r.module for r in REMEDIES if r.needed and not r.at_import} & sys.modules.keys()):
        raise ImportError(
            f"{early[0]} was imported before synergic. On Python {sys.version_info[0]}.{sys.version_info[1]} with "
            f"numpy {np.__version__}, lava-nc 0.10 works only if synergic is imported first: put `import synergic` "
            "before the imports of lava, and start Python anew."
        )
    sys.meta_path.insert(0, _Finder())
