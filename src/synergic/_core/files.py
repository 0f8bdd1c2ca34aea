# SPDX-License-Identifier: BSD-3-Clause
"""Files that appear whole or not at all, and are read or refused."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import kind
from synergic.errors import FormatError, ParameterError, SynergicError


def check_path(where: str, path: Any) -> Path:
    """A path that is given as one, or as text. Raises ParameterError. where : the argument."""
    kind(where, path, str | Path, "Give the path of a file.")
    return Path(path)


def check_folder(path: str | Path, where: str = "path") -> None:
    """Refuse a path that is a folder itself, or whose folder is not there, or read-only. where : the argument."""
    path = check_path(where, path)
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
    check_folder(path)
    path = Path(path)
    # Same folder, hence same file system; the suffix stays last for writers that choose the format by it.
    draft = path.with_name(f".{path.stem}-{uuid.uuid4().hex}{path.suffix}")
    try:
        write(draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """A JSON file, replaced as a whole. Raises ParameterError as `check_folder`."""
    text = json.dumps(value, indent=2) + "\n"
    write_whole(path, lambda draft: draft.write_text(text))


def read_json(path: Path, remedy: str = "Delete the run and repeat it.") -> dict[str, Any]:
    """A JSON object. remedy : what to do if it is damaged. Raises FormatError, ParameterError."""
    path = check_path("read_json.path", path)
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise FormatError(f"{path}: no such file. Is this the folder of a run?") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path}: damaged: {error}. {remedy}") from error
    if not isinstance(value, dict):
        raise FormatError(f"{path}: holds no JSON object. {remedy}")
    return value


@contextmanager
def reading(path: str | Path, remedy: str = "Restore a copy, or save it again.") -> Iterator[None]:
    """What can go wrong with a file's content, as FormatError."""
    try:
        yield
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file. Check the path.") from None
    except IsADirectoryError:
        raise FormatError(f"{path}: got a folder, allowed a file. Add the name of the file.") from None
    except FormatError:
        raise
    except SynergicError as error:  # what its own checks refuse
        raise FormatError(f"{path}: altered or damaged: {error}") from error
    except Exception as error:  # the libraries that parse files have errors of their own for every kind of damage
        text = f"damaged, or not what it says it is: {error!r}"
        raise FormatError(f"{path}: {text}. {remedy}") from error


def read_arrays(path: Path, remedy: str) -> dict[str, npt.NDArray[Any]] | npt.NDArray[Any]:
    """What an .npz file holds, by name, or the one array of an .npy file; never Python objects. Raises FormatError."""
    with reading(path, remedy):
        data = np.load(path, allow_pickle=False)
        if isinstance(data, np.ndarray):
            return data
        with data:
            return {name: data[name] for name in data.files}
