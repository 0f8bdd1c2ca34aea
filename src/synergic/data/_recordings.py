# SPDX-License-Identifier: BSD-3-Clause
"""N-MNIST: recordings of an event camera that looks at MNIST (Orchard et al. 2015), read by tonic."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import whole
from synergic._core.files import check_path, reading
from synergic._core.parts import require
from synergic.data._cache import CACHE, FOLDER_VARIABLE
from synergic.errors import DataError, FormatError
from synergic.numerics._event_bins import bin_events, spread

if TYPE_CHECKING:
    from torch import Tensor

SENSOR: tuple[int, int, int] = (34, 34, 2)
"""Width, height, polarities."""
EVENT_BYTES = 5


@dataclass(frozen=True, eq=False)
class Recordings:
    """train, test : lists of structured arrays x, y, t (microseconds), p, in order of their numbers; labels 0 .. 9."""

    train: list[Any]
    train_labels: npt.NDArray[np.int64]
    test: list[Any]
    test_labels: npt.NDArray[np.int64]


def load_recordings(folder: str | Path | None = None) -> Recordings:
    """N-MNIST, or any part of it.

    folder : where to look, default $SYNERGIC_DATA, then the cache in the home folder, which tonic fills by a download
    (1.2 GB). It may hold NMNIST/ or nmnist/ with Train/<digit>/<number>.bin and Test/ likewise, or a file nmnist*.zip
    of them. Raises DataError where the set is nowhere to be had, FormatError for a damaged recording,
    ParameterError.
    """
    if folder is not None:
        check_path("load_recordings.folder", folder)
    require("load_recordings", "tonic")
    given = folder or os.environ.get(FOLDER_VARIABLE)
    place = Path(given) if given else CACHE
    found = read(place)
    if found is None and not given:
        import tonic

        try:
            for train in (True, False):
                tonic.datasets.NMNIST(str(CACHE), train=train)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"N-MNIST: not in {CACHE}, and the download failed: {error}. Put Train/ and Test/ into NMNIST/ and "
                f"name its parent, as the argument or in ${FOLDER_VARIABLE}."
            ) from error
        found = read(place)
    if found is None:
        raise DataError(
            f"N-MNIST: not in {place}. Allowed: NMNIST/ with Train/<digit>/<number>.bin and Test/, or nmnist*.zip of "
            "them. Leave the folder out to download it."
        )
    return found


def read(place: Path) -> Recordings | None:
    """What the folder holds, or None."""
    for name in ("NMNIST", "nmnist"):
        if (place / name / "Train").is_dir() and (place / name / "Test").is_dir():
            return gathered(from_folder(place / name))
    archives = sorted(place.glob("nmnist*.zip"))
    if not archives:
        return None
    with reading(archives[0], "Fetch it again."):
        return gathered(from_archive(archives[0]))


def from_folder(place: Path) -> Iterator[tuple[str, bytes]]:
    """Part/digit/number.bin, and what is in it."""
    for path in sorted(place.glob("*/[0-9]/*.bin")):
        with reading(path, "Fetch it again."):
            raw = path.read_bytes()
        yield path.relative_to(place).as_posix(), raw


def from_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """As `from_folder`."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".bin")):
            yield name, archive.read(name)


def gathered(files: Iterator[tuple[str, bytes]]) -> Recordings:
    """Recordings by part, in order of their numbers, so that a part of them has all digits."""
    parts: dict[str, list[tuple[str, int, Any]]] = {"Train": [], "Test": []}
    for name, raw in files:
        try:
            part, digit, number = name.split("/")[-3:]
            parts[part].append((number, int(digit), events_of(raw)))
        except (KeyError, ValueError) as error:
            raise FormatError(f"{name}: not a recording of N-MNIST: {error}. Fetch it again.") from error
    arrays: dict[str, Any] = {}
    for part, entries in parts.items():
        if not entries:
            raise FormatError(f"N-MNIST: no recording in {part}/. Fetch the set again.")
        entries.sort(key=lambda entry: entry[0])
        arrays[part.lower()] = [events for _, _, events in entries]
        arrays[f"{part.lower()}_labels"] = np.array([digit for _, digit, _ in entries], np.int64)
    return Recordings(**arrays)


def events_of(raw: bytes) -> Any:
    """The events of a file, five bytes each. Raises ValueError for a truncated or foreign one."""
    if not raw or len(raw) % EVENT_BYTES:
        raise ValueError(f"{len(raw)} bytes, allowed a positive multiple of {EVENT_BYTES}: truncated")
    import tonic

    events = tonic.io.read_mnist_file(io.BytesIO(raw), dtype=tonic.datasets.NMNIST.dtype, is_stream=True)
    if not len(events) or events["x"].max() >= SENSOR[0] or events["y"].max() >= SENSOR[1]:
        raise ValueError(f"no events, or events outside the sensor of {SENSOR[0]} x {SENSOR[1]}")
    return events


def frames(recordings: list[Any], steps: int) -> Tensor:
    """(recordings, steps, 2312) of 0 and 1, uint8: whether a pixel sent an event within a step's share of the time.

    numerics.events.bin_events, from the first event on, in whole parts of the recording's time, as tonic's ToFrame cuts
    it: events later than that, a few of the last microseconds, are left out. A recording without events is silence.
    """
    require("frames", "torch")
    from torch import from_numpy

    whole("frames.steps", steps, 1, 1000, "Give the network's T.")
    out = np.zeros((len(recordings), steps, int(np.prod(SENSOR))), np.uint8)
    for i, events in enumerate(recordings):
        if len(events):
            first, last = int(events["t"][0]), int(events["t"][-1])
            spikes, _, _ = bin_events(events, SENSOR, steps, (last - first) // steps, first)
            out[i] = spread(spikes, steps, out.shape[2])
    return from_numpy(out)
