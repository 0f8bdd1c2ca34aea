# SPDX-License-Identifier: BSD-3-Clause
"""Events of a camera, (x, y, t, p), as spikes: time in steps, channels in order of polarity, row, column."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def pooled(sensor: tuple[int, int, int], pool: int, merge: bool) -> tuple[int, int, int]:
    """Polarities, rows and columns of the channels of a sensor (width, height, polarities).

    pool : side of the square of pixels that share a channel; those at the edges may hold fewer. merge : whether
    polarities share one too.
    """
    width, height, signs = sensor
    return 1 if merge else signs, -(-height // pool), -(-width // pool)


def bin_events(
    events: Any,
    sensor: tuple[int, int, int],
    steps: int,
    duration: float,
    start: float,
    pool: int = 1,
    merge: bool = False,
) -> tuple[npt.NDArray[np.int64], int, int]:
    """The spikes of a recording: a channel spikes in step m where it has events with
    start + (m - 1) duration <= t < start + m duration.

    events : structured, fields x, y, t, p, in any order. Returns the spikes as ascending numbers
    (m - 1) channels + channel; how many events lie outside the T steps; and how many share a spike with another.
    """
    shape = pooled(sensor, pool, merge)
    # As many comparisons as tonic makes, so that an event on the border of two steps falls as it does there.
    step = np.searchsorted(start + np.arange(steps + 1) * duration, events["t"], side="right") - 1
    inside = (step >= 0) & (step < steps)
    sign, y, x = (events[name][inside].astype(np.int64) for name in "pyx")
    cell = np.ravel_multi_index((step[inside], 0 * sign if merge else sign, y // pool, x // pool), (steps, *shape))
    spikes = np.unique(cell)
    return spikes, int(np.count_nonzero(~inside)), cell.size - spikes.size


def spread(spikes: Array, steps: int, channels: int) -> npt.NDArray[np.uint8]:
    """The spikes of `bin_events` as 0 and 1: (T, channels)."""
    out = np.zeros(steps * channels, np.uint8)
    out[spikes] = 1
    return out.reshape(steps, channels)
