# SPDX-License-Identifier: BSD-3-Clause
"""Values and signals as spikes. A presentation has the steps m = 1 .. T; a value v is within 0 .. 1.

Values are (..., n), what is sent of them (..., T, n). The rate code is that of Adrian; ranks after Thorpe and Gautrais,
1998; events after Lichtsteiner, Posch and Delbruck, 2008.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]


def even_rate(values: Array, steps: int) -> Steps:
    """s(m) = floor(v m + 1/2) - floor(v (m-1) + 1/2): round(v T) spikes, evenly spread, the same every time."""
    counts = np.floor(values[..., None, :] * np.arange(steps + 1)[:, None] + 0.5)
    return np.diff(counts, axis=-2).astype(np.int64)


def random_rate(values: Array, steps: int, seed: int, first: int = 0) -> Steps:
    """s(m) = 1 with probability v, independently (Bernoulli), for values (samples, n).

    Sample i draws from a generator of its own, seeded with (seed, first + i), n numbers a step: what is drawn depends
    neither on the other samples nor on T.
    """
    out = np.empty((len(values), steps, values.shape[1]), np.int64)
    for i, row in enumerate(values):
        out[i] = np.random.default_rng([seed, first + i]).random((steps, row.size)) < row
    return out


def rank_steps(values: Array, steps: int) -> Steps:
    """The step in which each channel sends its only spike: 1 + floor(r T / N), r = 0 .. N-1 its rank, strongest first.

    N channels have a value above 0; the others send none, 0 here. Of equal values the first channel is the stronger.
    """
    order = np.argsort(-values, axis=-1, kind="stable")
    rank = np.argsort(order, axis=-1)  # the inverse of the order
    sends = values > 0
    n = np.maximum(sends.sum(axis=-1, keepdims=True), 1)
    return np.where(sends, 1 + rank * steps // n, 0)


def latency_steps(values: Array, steps: int, smallest: float | None = None) -> Steps:
    """The step in which each channel sends its only spike; 0 for none.

    smallest None, linear: m = 1 + floor((1 - v)(T - 1) + 1/2), none for v = 0. Otherwise logarithmic:
    m = 1 + floor((T - 1) ln v / ln smallest + 1/2), none for v < smallest.
    """
    if smallest is None:
        sends, late = values > 0, 1 - values
    else:
        sends = values >= smallest
        late = np.log(np.where(sends, values, 1)) / np.log(smallest)
    return np.where(sends, 1 + np.floor(late * (steps - 1) + 0.5), 0).astype(np.int64)


def latency_values(first: Steps, steps: int, smallest: float | None = None) -> Array:
    """The value that `latency_steps` sends exactly in a step, 0 for none.

    Linear: v = 1 - (m - 1) / (T - 1); logarithmic: v = smallest^((m - 1) / (T - 1)); 1 where T = 1.
    """
    late = (first - 1) / max(steps - 1, 1)
    return np.where(first > 0, 1 - late if smallest is None else np.power(smallest, late), 0.0)


def at_steps(first: Steps, steps: int) -> Steps:
    """One spike a channel, in the step given: s(m) = 1 where m = first, (..., n) to (..., T, n)."""
    return (first[..., None, :] == np.arange(1, steps + 1)[:, None]).astype(np.int64)


def delta(x: Array, level: Array, threshold: float, graded: bool) -> tuple[Array, Array]:
    """One step of a signal: what is sent where it has moved by a threshold or more, and the level stored after it.

    `level` is the level before the step, and d = x - `level`. graded: sends d where ``|d| >= threshold``, and the level
    becomes x there (Lava's DeltaEncoder). Otherwise: sends sign(d) there, and adds threshold sign(d) to the level, so
    that the level follows a faster signal by one threshold a step. The level is the sum of what was sent (times the
    threshold). Floats or integers.
    """
    moved = x - level
    passed = np.abs(moved) >= threshold
    if graded:
        return np.where(passed, moved, 0), np.where(passed, x, level)
    sent = np.sign(moved) * passed
    return sent, level + threshold * sent


def polarities(sent: Array) -> Steps:
    """Signed spikes (..., n) as two channels of 0 and 1 a value, (..., 2 n): all that went down, then all that went up.

    The order is that of an event camera's polarities 0 and 1.
    """
    return np.concatenate([sent < 0, sent > 0], axis=-1).astype(np.int64)
