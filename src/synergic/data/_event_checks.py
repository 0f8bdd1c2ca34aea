# SPDX-License-Identifier: BSD-3-Clause
"""Checks of event recordings: structured arrays as those of tonic, with fields x, y, t, p."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synergic._core.checks import require, whole

FIELDS = {"x": "iu", "y": "iu", "t": "iuf", "p": "iub"}
"""Names of an event's fields, in any order, and the kinds of numbers they may hold."""


LATEST = 2**62
"""The latest time that differences of int64 are safe with."""


def check_sensor(where: str, sensor: Any) -> tuple[int, int, int]:
    """Return width, height and polarities (1 or 2) of a camera, or raise ParameterError."""
    fits = isinstance(sensor, tuple | list) and len(sensor) == 3
    require(fits, where, repr(sensor), "(width, height, polarities)", "tonic's data sets have it as sensor_size.")
    names = ("width", "height", "polarities")
    width, height, signs = (
        whole(f"{where}.{name}", side, 1, 2 if name == "polarities" else 2**15, "Count pixels.")
        for name, side in zip(names, sensor, strict=True)
    )
    return width, height, signs


def check_events(where: str, events: Any, sensor: tuple[int, int, int]) -> Any:
    """Return a recording in the one form that functions on events compute with, or raise ParameterError.

    Checked are the fields, the order of time, negative times, and pixels outside the sensor. The form is a structured
    array with x, y, p as int64, and t as int64, or float64 where times are real numbers: in the types of a caller a
    subtraction may wrap. Polarities of -1 and 1 are 0 and 1. A sensor of one row needs no y, and one of one polarity
    no p, or the same p in all events.
    """
    names: tuple[str, ...] = getattr(getattr(events, "dtype", None), "names", None) or ()
    got = f"fields {names}" if names else f"{type(events).__name__} without fields"
    if names and isinstance(events, np.ndarray) and events.ndim != 1:
        got = f"events of shape {events.shape}"
    remedy = "Give tonic's structured array, or name the columns of your own."
    if "x" in names and "y" not in names:  # SHD, and other sensors of one row
        remedy = "Is it a sensor of one row? Then its height is 1: sensor=(width, 1, polarities), (700, 1, 1) for SHD."
    needed = set(FIELDS) - ({"y"} if sensor[1] == 1 else set()) - ({"p"} if sensor[2] == 1 else set())
    structured = isinstance(events, np.ndarray) and needed <= set(names) and events.ndim == 1
    fields = ", ".join(name for name in FIELDS if name in needed)
    require(structured, where, got, f"a row of events with the fields {fields}", remedy)
    for name, kinds in FIELDS.items():
        if name in names:
            dtype = events.dtype[name]
            fits = dtype.kind in kinds and dtype.shape == ()
            require(fits, f"{where}.{name}", f"{dtype}", "numbers, whole ones but for t", "Convert them.")
    t = events["t"]
    require(bool(np.isfinite(t).all()), f"{where}.t", "NaN or infinity", "finite times", "Drop these events.")
    require(bool((t >= 0).all()), f"{where}.t", f"{t.min(initial=0)}", "0 or later", "Subtract the earliest time.")
    top = t.max(initial=0)
    require(bool(top <= LATEST), f"{where}.t", f"{top}", f"up to {LATEST}", "Subtract the earliest time.")
    late = np.flatnonzero(t[1:] < t[:-1])
    at = int(late[0]) + 1 if late.size else 0
    got = f"{t[at] if late.size else 0} after {t[at - 1] if late.size else 0}"
    require(late.size == 0, f"{where}.t", f"{got}, at event {at}", "times that do not fall", "Sort the events by time.")
    form = [("x", np.int64), ("y", np.int64), ("t", np.float64 if t.dtype.kind == "f" else np.int64), ("p", np.int64)]
    found = np.zeros(len(events), form)
    for name in names:
        if name in FIELDS:
            found[name] = events[name]
    p = found["p"]
    if sensor[2] == 1 and (p == p[:1]).all():
        found["p"] = 0  # as of SHD, where all are 1
    elif is_signed(p):
        found["p"] = p > 0
    for name, top in zip("xyp", sensor, strict=True):
        values = found[name]
        bad = values[(values < 0) | (values >= top)]
        remedy = "Check the sensor, and the order of its fields: width, height, polarities."
        allowed = f"0 to {top - 1}" + (", or -1 and 1 in all" if name == "p" and top == 2 else "")
        require(bad.size == 0, f"{where}.{name}", f"{bad[:3]}", allowed, remedy)
    return found


def is_signed(p: Any) -> bool:
    """Whether polarities are written as -1 and 1, which all of them say."""
    return bool((p < 0).any() and (np.abs(p) == 1).all())


FAR = 1000
"""How many times longer or shorter than all steps a recording may be."""


def check_duration(where: str, recordings: Sequence[Any], total: float) -> None:
    """Refuse steps that are together over 1,000 times shorter or longer than the longest recording.

    Their unit is then not that of t. recordings : of `check_events`. total : duration of all steps. Recordings of fewer
    than two instants say nothing.
    """
    longest = max((float(events["t"][-1] - events["t"][0]) for events in recordings if len(events)), default=0.0)
    if not longest:
        return
    ratio = max(total / longest, longest / total)
    factor, large = (1000, "milliseconds") if ratio < 1e5 else (1_000_000, "seconds")
    wide, fine = ("t", "duration") if total > longest else ("duration", "t")
    require(
        ratio <= FAR,
        where,
        f"steps of {total:g} together for recordings of at most {longest:g}",
        f"up to {FAR:,} times more or less",
        f"{wide} may be in {large} and {fine} in microseconds: multiply {wide} by {factor:,}.",
    )
