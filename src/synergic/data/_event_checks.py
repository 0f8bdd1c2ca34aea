# SPDX-License-Identifier: BSD-3-Clause
"""Checks of event recordings: structured arrays as those of tonic, with fields x, y, t, p."""

from __future__ import annotations

from typing import Any

import numpy as np

from synergic._core.checks import require, whole

FIELDS = {"x": "iu", "y": "iu", "t": "iuf", "p": "iub"}
"""Names of an event's fields, in any order, and the kinds of numbers they may hold."""


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
    """Return a recording as given, or raise ParameterError.

    Checked are the fields, the order of time, negative times, and pixels outside the sensor.
    """
    names = getattr(getattr(events, "dtype", None), "names", None)
    got = f"fields {names}" if names else f"{type(events).__name__} without fields"
    remedy = "Give tonic's structured array, or name the columns of your own."
    structured = isinstance(events, np.ndarray) and set(FIELDS) <= set(names or ()) and events.ndim == 1
    require(structured, where, got, "a row of events with the fields x, y, t, p", remedy)
    for name, kinds in FIELDS.items():
        dtype = events.dtype[name]
        require(dtype.kind in kinds, f"{where}.{name}", f"{dtype}", "numbers, whole ones but for t", "Convert them.")
    t = events["t"]
    require(bool(np.isfinite(t).all()), f"{where}.t", "NaN or infinity", "finite times", "Drop these events.")
    require(bool((t >= 0).all()), f"{where}.t", f"{t.min(initial=0)}", "0 or later", "Subtract the earliest time.")
    late = np.flatnonzero(t[1:] < t[:-1])
    at = int(late[0]) + 1 if late.size else 0
    got = f"{t[at] if late.size else 0} after {t[at - 1] if late.size else 0}"
    require(late.size == 0, f"{where}.t", f"{got}, at event {at}", "times that do not fall", "Sort the events by time.")
    for name, top in zip("xyp", sensor, strict=True):
        values = events[name]
        bad = values[(values < 0) | (values >= top)]
        remedy = "Check the sensor, and the order of its fields: width, height, polarities."
        require(bad.size == 0, f"{where}.{name}", f"{bad[:3]}", f"0 to {top - 1}", remedy)
    return events
