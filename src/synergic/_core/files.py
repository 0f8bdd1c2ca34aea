# SPDX-License-Identifier: BSD-3-Clause
"""Files that appear whole or not at all, and are read or refused."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import kind
from synergic.errors import FormatError, ParameterError, SynergicError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def check_path(where: str, path: Any) -> Path:
    """A path that is given as one, or as text. Raises ParameterError. where : the argument."""
    kind(where, path, str | Path, "Give the path of a file.")
    return Path(path)


STREAMS = {"-": 1, "/dev/stdout": 1, "/dev/stderr": 2}
"""Names of what is open already, and its number."""


def stream_of(path: str | Path) -> int | None:
    """The number of the open file that a name stands for, as "-" and /dev/stdout for 1; None for another name."""
    name = str(path)
    found = re.fullmatch(r"/(?:dev|proc/self)/fd/([0-9]{1,5})", name)
    return int(found[1]) if found else STREAMS.get(name)


def is_special(path: Path) -> bool:
    """Whether something other than a regular file is there: a device, a FIFO, a socket. It cannot be replaced."""
    return path.exists() and not path.is_file()


def check_folder(path: str | Path, where: str = "path") -> None:
    """Refuse a path that is a folder itself, or whose folder is not there, or read-only. where : the argument.

    A link stands for what it points to. Streams, devices and FIFOs are written to; "-" is the standard output.
    """
    path = check_path(where, path)
    if stream_of(path) is not None:
        return
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # said below, of the folder
            path.stat()
        path = Path(os.path.realpath(path))
    except (OSError, ValueError) as error:  # links in a circle, a name that is too long, a NUL
        raise ParameterError(f"{path!r}: got {error}, allowed the path of a file. Choose another one.") from error
    if is_special(path) and not path.is_dir():
        allowed = "allowed one that can be written. Choose another one."
        if not os.access(path, os.W_OK):
            raise ParameterError(f"{path}: got a device that is read-only, {allowed}")
        return
    if path.is_dir():
        raise ParameterError(f"{path}: got a folder, allowed a file. Add the name of the file.")
    if not path.parent.is_dir():
        raise ParameterError(f"{path}: the folder {path.parent} does not exist, allowed an existing one. Create it.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ParameterError(f"{path}: the folder {path.parent} is read-only, allowed one to write in. Choose another.")


def write_whole(path: str | Path, write: Callable[[Path], Any]) -> None:
    """Have `write` make a draft beside `path`, then put it in its place in one step.

    After an error the old file, if there was one, is untouched and the draft is gone. What is no regular file gets the
    bytes of the draft, and a link is followed. Raises ParameterError as `check_folder`, and for a full disk.
    """
    check_folder(path)
    given, stream = Path(path), stream_of(path)
    try:
        if stream is not None or is_special(given):
            with tempfile.TemporaryDirectory() as folder:
                # The suffix stays last for writers that choose the format by it.
                draft = Path(folder) / f"draft{given.suffix}"
                write(draft)
                copy(draft, given, stream)
            return
        path = Path(os.path.realpath(given))
        # Same folder, hence same file system.
        draft = path.with_name(f".{path.stem[:100]}-{uuid.uuid4().hex}{path.suffix}")
        try:
            write(draft)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        reason, allowed = error.strerror or error, "allowed a place that can be written"
        raise ParameterError(f"{given}: got {reason}, {allowed}. Free some space, or choose another one.") from error


def copy(draft: Path, path: Path, stream: int | None) -> None:
    """Write a draft's bytes to what is open, or to a device or FIFO."""
    if stream is not None:
        for text in (sys.stdout, sys.stderr):  # what was printed before comes before
            text.flush()
    with open(path if stream is None else os.dup(stream), "wb") as target:
        target.write(draft.read_bytes())


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Lock a folder, so that no other training writes into it. Raises ParameterError if one does.

    The system ends the lock with the process, however that ends, and no file is left behind. Where a system or a file
    system has no such locks, nothing is locked.
    """
    if fcntl is None:
        yield
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        got, allowed = error.strerror, "allowed a folder that can be read and written"
        raise ParameterError(f"{folder}: got {got}, {allowed}. Choose another one (--run-folder).") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ParameterError(
                f"{folder}: got a folder that another training writes into now, allowed one training at a time. Wait "
                "until that has ended, or choose another folder (--run-folder)."
            ) from None
        except OSError:  # a network file system without locks
            pass
        yield
    finally:
        os.close(handle)


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


def check_hdf5(path: str | Path, what: str, allowed: str) -> None:
    """Say what a file is that is none of HDF5, as far as its first bytes tell. Raises FormatError."""
    try:
        with open(path, "rb") as file:
            start = file.read(520)
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file, {allowed}. Check the path.") from None
    except IsADirectoryError:
        raise FormatError(f"{path}: got a folder, {allowed}. Add the name of the file.") from None
    except OSError as error:
        raise FormatError(f"{path}: got {error.strerror}, {allowed}. Check the path.") from error
    if not start:
        raise FormatError(f"{path}: got an empty file, {allowed}. Restore a copy.")
    if start.startswith(b"synergic-"):
        raise FormatError(f"{path}: got a file of synergic's own, {allowed}. synergic.network.load reads it.")
    if not start.startswith(b"\x89HDF\r\n\x1a\n"):
        raise FormatError(f"{path}: not {what}, or damaged at its start; {allowed}. Restore a copy.")


def read_arrays(path: Path, remedy: str) -> dict[str, npt.NDArray[Any]] | npt.NDArray[Any]:
    """What an .npz file holds, by name, or the one array of an .npy file; never Python objects. Raises FormatError."""
    with reading(path, remedy):
        data = np.load(path, allow_pickle=False)
        if isinstance(data, np.ndarray):
            return data
        with data:
            return {name: data[name] for name in data.files}
