# SPDX-License-Identifier: BSD-3-Clause
"""Image sets: found in a folder, or fetched by torchvision; checked before anything is trained on them."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice
from synergic._core.checks import require as require_that
from synergic._core.contents import Brief
from synergic._core.files import check_path, read_arrays, reading
from synergic._core.parts import require
from synergic.data._cache import FOLDER_VARIABLE, cache
from synergic.errors import DataError, FormatError

SETS = {
    "mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar-10": "CIFAR10",
}  # fmt: skip
"""Names of torchvision's classes, by ours."""
PARTS = {"train": "train", "test": "t10k"}
"""Parts of a set, and how IDX files call them."""
SHAPES = {
    name: {"train": (count, *shape), "test": (10_000, *shape)}
    for name, count, shape in (
        ("mnist", 60_000, (28, 28)), ("fashion-mnist", 60_000, (28, 28)), ("cifar-10", 50_000, (3, 32, 32)),
    )
}  # fmt: skip
"""Of the images."""


@dataclass(frozen=True, eq=False)
class Images(Brief):
    """A set of images in its official order.

    Attributes
    ----------
    train, test : ndarray of float32, shape (samples, height, width) or (samples, channels, height, width)
        Images of 0 .. 1.
    train_labels, test_labels : ndarray of int64, shape (samples,)
        Classes 0 .. 9.
    """

    train: npt.NDArray[np.float32]
    train_labels: npt.NDArray[np.int64]
    test: npt.NDArray[np.float32]
    test_labels: npt.NDArray[np.int64]


def check_finite(where: str, data: Images) -> Images:
    """Return a set of images without NaN and infinity, which a network would answer with a class. Raises
    ParameterError."""
    for part in PARTS:
        bad = int(np.count_nonzero(~np.isfinite(getattr(data, part))))
        require_that(bad == 0, f"{where}.{part}", f"{bad} pixels of NaN or infinity", "finite values", "Clean them.")
    return data


def load_images(name: str, folder: str | Path | None = None) -> Images:
    """Load MNIST, Fashion-MNIST or CIFAR-10.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist", "cifar-10"}
        Name of the set.
    folder : str, Path or None, default None
        Where to look. None: the folder that the environment variable SYNERGIC_DATA names; without it the cache in the
        home folder, which torchvision fills by a download.

    Returns
    -------
    Images
        The set.

    Raises
    ------
    DataError
        If the set is not there and cannot be downloaded.
    FormatError
        If a file is damaged.
    ParameterError
        If an argument has the wrong kind or range.

    Notes
    -----
    The folder may have one of these forms: a folder `<name>/` with the four IDX files, gzipped or not; that folder
    itself; the layout of torchvision, the only one for CIFAR-10 (cifar-10-batches-py/); or `<name>.npz` with the arrays
    train_images, train_labels, test_images and test_labels.
    """
    choice("load_images.name", name, tuple(SETS))
    if folder is not None:
        check_path("load_images.folder", folder)
    given = folder or os.environ.get(FOLDER_VARIABLE)
    places = [Path(given)] if given else [cache()]
    for place in places:
        found = read_npz(place / f"{name}.npz") or READERS[name](place, name)
        if found:
            return checked(found, str(place), name)
    if given:
        raise DataError(
            f"{name}: not in {given}. Allowed: {name}.npz, or {FILES[name]}. Leave the folder out to download them."
        )
    require("load_images", "torchvision")
    import torchvision

    try:
        getattr(torchvision.datasets, SETS[name])(str(cache()), download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{name}: not in {cache()}, and the download failed: {error}. Put there {FILES[name]}, and "
            f"name that place, as the argument or in ${FOLDER_VARIABLE}."
        ) from error
    found = READERS[name](cache(), name)
    if not found:
        raise DataError(f"{name}: torchvision left no files of it in {cache()}.")
    return checked(found, str(cache()), name)


def read_npz(path: Path) -> dict[str, Any] | None:
    """The four arrays of an npz file, or None if there is none."""
    if not path.is_file():
        return None
    file = read_arrays(path, "Fetch it again.")
    names = [(f"{part}_images", f"{part}_labels") for part in PARTS]
    if not isinstance(file, dict) or not {name for pair in names for name in pair} <= file.keys():
        got = sorted(file) if isinstance(file, dict) else "one array"
        raise FormatError(f"{path}: got {got}, not the four arrays {names}. Fetch it again.")
    return {part: (file[images], file[labels]) for part, (images, labels) in zip(PARTS, names, strict=True)}


def read_idx(folder: Path, name: str) -> dict[str, Any] | None:
    """Images and labels of both parts from IDX files, or None unless all four are there."""
    inner = Path(SETS[name]) / "raw"  # torchvision's own layout
    # The files of both sets have the same names: only the name of their folder tells which they are.
    for base in (folder / name, folder / inner, *([folder] if folder.name == name else [])):
        files = {p: [idx_file(base, f"{stem}-{kind}") for kind in KINDS] for p, stem in PARTS.items()}
        if all(f for pair in files.values() for f in pair):
            return {p: tuple(parse_idx(f) for f in pair if f) for p, pair in files.items()}
    return None


def read_cifar(folder: Path, name: str) -> dict[str, Any] | None:
    """Both parts of CIFAR-10 as torchvision reads them, which compares their checksums first; None if not there."""
    if not (folder / "cifar-10-batches-py").is_dir():
        return None
    require("load_images of cifar-10", "torchvision")
    import torchvision

    try:
        sets = {part: torchvision.datasets.CIFAR10(str(folder), train=part == "train") for part in PARTS}
    except (RuntimeError, OSError, EOFError) as error:
        raise FormatError(f"{folder}, {name}: damaged or not complete: {error} Fetch it again.") from error
    return {part: (s.data.transpose(0, 3, 1, 2), np.array(s.targets)) for part, s in sets.items()}


READERS = {"mnist": read_idx, "fashion-mnist": read_idx, "cifar-10": read_cifar}
FILES = {name: f"the four IDX files in a folder called {name}" for name in READERS} | {
    "cifar-10": "the folder cifar-10-batches-py"
}
KINDS = ("images-idx3-ubyte", "labels-idx1-ubyte")


def idx_file(base: Path, stem: str) -> Path | None:
    """The plain or gzipped file of that name."""
    return next((p for p in (base / stem, base / f"{stem}.gz") if p.is_file()), None)


def parse_idx(path: Path) -> npt.NDArray[np.uint8]:
    """An IDX file of bytes: two zeros, type 8, number of axes, the axes as big-endian 32-bit numbers, the values."""
    with reading(path, "Fetch it again."):
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise FormatError(f"{path}: not an IDX file of bytes. Fetch it again.")
    start = 4 + 4 * raw[3]
    if len(raw) < start:
        raise FormatError(f"{path}: ends within its header: truncated. Fetch it again.")
    axes = np.frombuffer(raw, ">u4", count=raw[3], offset=4)
    values = np.frombuffer(raw, np.uint8, offset=start)
    if values.size != int(np.prod(axes, dtype=np.int64)):
        raise FormatError(f"{path}: {values.size} values for axes {axes.tolist()}: truncated. Fetch it again.")
    return values.reshape(axes.astype(int))


def checked(parts: dict[str, Any], where: str, name: str) -> Images:
    """Sizes and labels as they must be."""
    arrays: dict[str, Any] = {}
    for part, (images, labels) in parts.items():
        shape = SHAPES[name][part]
        if images.shape != shape or labels.shape != shape[:1] or labels.min() < 0 or labels.max() > 9:
            raise FormatError(
                f"{where}, {part}: got images {images.shape}, labels {labels.shape}, allowed {shape} and "
                f"({shape[0]},) with classes 0 .. 9. Fetch the set again."
            )
        arrays[part] = images.astype(np.float32) / 255
        arrays[f"{part}_labels"] = labels.astype(np.int64)
    return Images(**arrays)
