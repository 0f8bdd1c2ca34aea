# SPDX-License-Identifier: BSD-3-Clause
"""numba's compiler, with a cache wherever one can be written: nothing at import may need a writable place."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import njit

settings: Any = numba.config  # numba makes its members when it is imported
LOG = logging.getLogger("synergic")


def cached_jit(**options: Any) -> Callable[[Any], Any]:
    """Return njit with a cache: beside the source or in the home folder, as numba chooses, else among temporary files.

    Where none of them can be written, as in a container whose file system is read-only, functions are compiled anew in
    every process.
    """

    def compiled(function: Any) -> Any:
        if os.path.expanduser("~") == "~" and not settings.CACHE_DIR:
            temporary_cache()  # numba would make a folder called ~
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError as error:  # numba has no type of its own for it
            if "cannot cache" not in str(error):
                raise
        if temporary_cache():
            try:
                return njit(cache=True, **options)(function)
            except RuntimeError:
                LOG.warning("no cache of compiled functions can be written: they are compiled anew in every process")
        return njit(**options)(function)

    return compiled


@cache
def temporary_cache() -> bool:
    """Have numba write its cache to a folder of this user's own among the temporary files; whether that can be done.

    numba runs what it finds in a cache: a folder that belongs to somebody else, or that others may write, is no cache.
    """
    folder = Path(tempfile.gettempdir()) / f"synergic-numba-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        fits = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
        fits = fits and os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        fits = False
    if not fits:
        LOG.warning("no cache of compiled functions can be written: they are compiled anew in every process")
        return False
    LOG.warning("compiled functions are cached in %s: neither the installation nor the home can be written", folder)
    settings.CACHE_DIR = str(folder)
    return True
