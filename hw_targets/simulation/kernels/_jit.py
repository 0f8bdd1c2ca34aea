# SPDX-License-Identifier: BSD-3-Clause
"""The compiler that the modules of this package share, and a cache that looks at all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synergic.numerics._compiler import cached_jit


def compiler(folder: Path, **options: Any) -> Callable[[Any], Any]:
    """njit with a cache for functions in the modules of a folder that call each other.

    Numba compiles what is called into the caller, but looks only at the caller's own file when it asks whether what it
    has cached is still true: a change in another module would go unseen. So the mark of a cached function is here
    made of all files of the folder.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    mark = digest.hexdigest()

    def compiled(function: Any) -> Any:
        dispatcher = cached_jit(nogil=True, error_model="numpy", **options)(function)
        # No public way sets it. Without a compiler (NUMBA_DISABLE_JIT) there is no cache.
        file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
        if file is not None:
            file._source_stamp = mark
        return dispatcher

    return compiled


jit = compiler(Path(__file__).parent)
jit_parallel = compiler(Path(__file__).parent, parallel=True)
