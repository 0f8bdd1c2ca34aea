# SPDX-License-Identifier: BSD-3-Clause
"""Recordings of event cameras as spikes, and N-MNIST (Orchard et al. 2015), read by tonic."""

from __future__ import annotations

import io
import os
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import kind, whole
from synergic._core.contents import Brief
from synergic._core.files import check_path, reading
from synergic._core.parts import require
from synergic.data._cache import FOLDER_VARIABLE, cache
from synergic.data._event_checks import check_events, check_sensor
from synergic.errors import DataError, FormatError, ParameterError
from synergic.numerics._event_bins import bin_events, spread

if TYPE_CHECKING:
    from torch import Tensor

SENSOR: tuple[int, int, int] = (34, 34, 2)
"""Width, height, polarities."""
EVENT_BYTES = 5


@dataclass(frozen=True, eq=False)
class Recordings(Brief):
    """A set of recordings of an event camera, in order of their numbers.

    Attributes
    ----------
    train, test : list of structured ndarray
        Events of a recording, with the fields x, y (pixels), t (microseconds) and p (polarity), in order of time.
    train_labels, test_labels : ndarray of int64, shape (samples,)
        Classes 0 .. 9.
    """

    train: list[npt.NDArray[Any]]
    train_labels: npt.NDArray[np.int64]
    test: list[npt.NDArray[Any]]
    test_labels: npt.NDArray[np.int64]


def load_recordings(folder: str | Path | None = None) -> Recordings:
    """Load N-MNIST, or any part of it: recordings of an event camera that looks at MNIST.

    Parameters
    ----------
    folder : str, Path or None, default None
        Where to look: a folder with NMNIST/ or nmnist/, which contains Train/<digit>/<number>.bin and Test/ likewise,
        or with a file nmnist*.zip of them. None: the folder that the environment variable SYNERGIC_DATA names; without
        it the cache in the home folder, which tonic fills by a download of 1.2 GB.

    Returns
    -------
    Recordings
        The set.

    Raises
    ------
    DataError
        If the set is not there and cannot be downloaded.
    FormatError
        If a recording is damaged.
    ParameterError
        If `folder` is no path.
    MissingPartError
        If tonic is not installed (the extra `events`).

    References
    ----------
    Orchard et al., Frontiers in Neuroscience 9:437 (2015).
    """
    if folder is not None:
        check_path("load_recordings.folder", folder)
    require("load_recordings", "tonic")
    given = folder or os.environ.get(FOLDER_VARIABLE)
    place = Path(given) if given else cache()
    found = read(place)
    if found is None and not given:
        import tonic

        try:
            for train in (True, False):
                tonic.datasets.NMNIST(str(cache()), train=train)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"N-MNIST: not in {cache()}, and the download failed: {error}. Put Train/ and Test/ into NMNIST/ and "
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


def frames(recordings: list[npt.NDArray[Any]], steps: int, sensor: tuple[int, int, int] = SENSOR) -> Tensor:
    """Cut recordings of an event camera into steps, as spikes.

    A pixel spikes in a step in which it has at least one event. The steps start with the first event. Each is a whole
    number of microseconds, the duration of the recording over `steps` rounded down, as tonic's ToFrame cuts it: the
    last few microseconds are left out. Where times are real numbers, as seconds are, or are fewer whole ones than
    steps, a step is exactly that share, and the last event is in the last step. A recording without events has no
    spikes.

    Parameters
    ----------
    recordings : list of structured ndarray
        Events of each recording, as of `load_recordings`; y is not needed of a sensor of one row, p not of one
        polarity.
    steps : int
        Steps T of a presentation, 1 to 1000.
    sensor : tuple of int, (width, height, polarities)
        Size of the sensor, as tonic's sensor_size. Default `SENSOR`, N-MNIST's; that of SHD is (700, 1, 1).

    Returns
    -------
    Tensor of uint8, shape (recordings, T, polarities height width)
        Spikes 0/1; the channels are polarity, row, column: 2312 of N-MNIST.

    Raises
    ------
    ParameterError
        If an argument is out of range, or a recording does not fit the sensor.
    MissingPartError
        If torch is not installed (the extra `train`).

    Warns
    -----
    UserWarning
        If a recording is shorter than its steps, in its own unit of time: it may be in another one.
    """
    require("frames", "torch")
    from torch import from_numpy

    whole("frames.steps", steps, 1, 1000, "Give the network's T.")
    if isinstance(recordings, np.ndarray) and recordings.dtype.names:
        got, remedy = f"an array of shape {recordings.shape}", "Put a single recording into a list: [events]."
        raise ParameterError(f"frames.recordings: got {got}, allowed a list of arrays of events. {remedy}")
    kind("frames.recordings", recordings, list | tuple, "Give arrays of events, as load_recordings() does.")
    sensor = check_sensor("frames.sensor", sensor)
    checked = [check_events(f"frames.recordings[{i}]", events, sensor) for i, events in enumerate(recordings)]
    out = np.zeros((len(recordings), steps, int(np.prod(sensor))), np.uint8)
    short = 0
    for i, events in enumerate(checked):
        if len(events):
            first, last = events["t"][0].item(), events["t"][-1].item()
            width = (last - first) // steps if isinstance(first, int) else 0
            if not width:
                short += isinstance(first, int)
                # Longer by less than matters, so that the last event is within the last step.
                width = (last - first) / steps * (1 + 1e-9) or 1.0
            spikes, _, _ = bin_events(events, sensor, steps, width, first)
            out[i] = spread(spikes, steps, out.shape[2])
    if short:
        warnings.warn(
            f"frames.recordings: {short} of {len(checked)} are shorter than {steps} microseconds, so their steps are "
            "shorter than one. Are their times whole seconds or milliseconds? Give them in microseconds.",
            stacklevel=2,
        )
    return from_numpy(out)
