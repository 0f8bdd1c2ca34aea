# SPDX-License-Identifier: BSD-3-Clause
"""Read-out of a presentation from the spikes and potentials of the output neurons."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def rate_scores(counts: Array, u: Array) -> npt.NDArray[np.float64]:
    """counts + (u - min u) / (2 (max u - min u + 1)): spike counts, u(T) breaking ties; both (..., classes)."""
    u = u.astype(float)
    # The largest and smallest potential differ by less than a spike: u only orders equal counts.
    span = np.ptp(u, axis=-1, keepdims=True) + 1.0
    scores: npt.NDArray[np.float64] = counts + (u - u.min(axis=-1, keepdims=True)) / (span * 2)
    return scores


def settled(counts: Array, left: int) -> bool:
    """Whether no spikes of the steps left, one a neuron and step at most, can change which count is the largest.

    counts : (classes,). The lead over the second must be more than `left`.
    """
    if len(counts) == 1:
        return True
    second, first = np.partition(counts, -2)[-2:]
    return bool(first - second > left)
