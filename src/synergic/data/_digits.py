# SPDX-License-Identifier: BSD-3-Clause
"""Data of the demo, and its encoding; synergic.data has the other codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import numbers, whole
from synergic.data._encodings import shares
from synergic.numerics._spike_codes import even_rate


def rate_encode(values: Any, steps: int) -> npt.NDArray[np.int64]:
    """Evenly spread spikes, as many as round(value * steps): s(m) = floor(v m + 1/2) - floor(v (m-1) + 1/2).

    values : (samples, channels) in 0 .. 1. Returns (samples, steps, channels) of 0 and 1; no randomness.
    Raises ParameterError.
    """
    values = shares("rate_encode.values", numbers("rate_encode.values", values).astype(float))
    whole("rate_encode.steps", steps, 1, float("inf"), "It is T, the steps of a presentation.")
    return even_rate(values, steps)


def digits(steps: int = 10, seed: int = 0) -> tuple[npt.NDArray[np.int64], ...]:
    """The 1,797 real 8x8 digits of scikit-learn (UCI, Alpaydin and Kaynak 1998), encoded; a fifth is for test.

    Returns train spikes, train labels, test spikes, test labels. Raises ParameterError.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    whole("digits.seed", seed, 0, 2**32 - 1, "It seeds the split.")
    images, labels = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split(
        images / 16.0, labels, test_size=0.2, random_state=seed, stratify=labels
    )
    return rate_encode(train, steps), y_train, rate_encode(test, steps), y_test
