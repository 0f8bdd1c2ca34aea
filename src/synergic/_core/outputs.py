# SPDX-License-Identifier: BSD-3-Clause
"""What a command writes, refused before its work: files, images by their suffix, and folders that are not there yet."""

from __future__ import annotations

import os
from pathlib import Path

from synergic._core.checks import require
from synergic._core.files import check_folder, is_special, stream_of
from synergic.errors import ParameterError

IMAGES = {"": "png", ".png": "png", ".pdf": "pdf", ".svg": "svg", ".jpg": "jpg", ".jpeg": "jpg"}
"""Formats of images, by suffix."""


def check_outputs(where: str, **paths: Path | None) -> None:
    """Refuse files of a command that cannot be written, as `check_folder`, and one file for two of them. None is none.

    where : who writes them. paths : by the name of the argument. Raises ParameterError.
    """
    before: dict[str, str] = {}
    for name, path in paths.items():
        if path is None:
            continue
        check_folder(path, f"{where}.{name}")
        place = str(stream_of(path) or os.path.realpath(path))
        if stream_of(path) is None and is_special(Path(path)):
            continue  # /dev/null takes everything
        option = f"--{name.removesuffix('_file')}"
        allowed, remedy = "a file for each", "The second one would replace the first. Choose another."
        require(place not in before, option, f"{path}, as {before.get(place)}", allowed, remedy)
        before[place] = option


def image_format(where: str, path: str | Path) -> str:
    """The format of an image, by the suffix of its file; what has none, a stream and a device get PNG.

    Raises ParameterError for other suffixes.
    """
    check_folder(path, where)
    suffix = "" if stream_of(path) is not None or is_special(Path(path)) else Path(path).suffix.lower()
    require(suffix in IMAGES, where, f"{path}", "a name that ends in .png, .pdf, .svg or .jpg", "Choose one of these.")
    return IMAGES[suffix]


def check_new_folder(where: str, folder: Path) -> None:
    """Refuse a folder that is none and cannot become one. Raises ParameterError."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    allowed = "allowed a folder that is there or can be made. Choose another one."
    if not there.is_dir():
        raise ParameterError(f"{where}: got {folder}, where {there} is a file, {allowed}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ParameterError(f"{where}: got {folder}, where {there} is read-only, {allowed}")
