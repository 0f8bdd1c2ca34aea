# SPDX-License-Identifier: BSD-3-Clause
"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synergic.errors import ParameterError


def check_folder(path: Path) -> None:
    """Refuse a path that is a folder itself, or whose folder does not exist or cannot be written."""
    if path.is_dir():
        raise ParameterError(f"{path}: got a folder, allowed a file. Add the name of the file.")
    if not path.parent.is_dir():
        raise ParameterError(f"{path}: the folder {path.parent} does not exist, allowed an existing one. Create it.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ParameterError(f"{path}: the folder {path.parent} is read-only, allowed one to write in. Choose another.")


def write_whole(path: str | Path, write: Callable[[Path], Any]) -> None:
    """Have `write` make a draft beside `path`, then put it in its place in one step.

    After an error the old file, if there was one, is untouched and the draft is gone. Raises ParameterError as
    `check_folder`.
    """
    path = Path(path)
    check_folder(path)
    # Same folder, hence same file system; the suffix stays last for writers that choose the format by it.
    draft = path.with_name(f".{path.stem}-{uuid.uuid4().hex}{path.suffix}")
    try:
        write(draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
