# SPDX-License-Identifier: BSD-3-Clause
"""Data of the demo, and its encoding; synergic.data has the other codes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synergic._core.checks import numbers, whole
from synergic.data._encodings import shares
from synergic.numerics._spike_codes import even_rate


def rate_encode(values: npt.ArrayLike, steps: int) -> npt.NDArray[np.int64]:
    """Encode values as evenly spread spikes, round(v T) of them in a presentation.

    The spike of step m is s(m) = floor(v m + 1/2) - floor(v (m-1) + 1/2); there is no randomness.

    Parameters
    ----------
    values : array_like, shape (samples, channels)
        Values v of 0 .. 1.
    steps : int
        Steps T of a presentation, 1 or more.

    Returns
    -------
    ndarray of int64, shape (samples, T, channels)
        Spikes 0/1.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
    checked = shares("rate_encode.values", numbers("rate_encode.values", values).astype(float))
    whole("rate_encode.steps", steps, 1, float("inf"), "It is T, the steps of a presentation.")
    return even_rate(checked, steps)


def digits(steps: int = 10, seed: int = 0) -> tuple[npt.NDArray[np.int64], ...]:
    """Load the 1,797 digits of 8x8 pixels of scikit-learn, encoded by `rate_encode`; a fifth is for test.

    Parameters
    ----------
    steps : int, default 10
        Steps T of a presentation, 1 or more.
    seed : int, default 0
        Seed of the split, which has the same share of each class in both parts.

    Returns
    -------
    train_spikes, train_labels, test_spikes, test_labels : ndarray of int64
        Spikes 0/1 of shape (samples, T, 64), and labels 0 .. 9 of shape (samples,).

    Raises
    ------
    ParameterError
        If an argument has the wrong kind or range.

    References
    ----------
    Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998).
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    whole("digits.seed", seed, 0, 2**32 - 1, "It seeds the split.")
    images, labels = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split(
        images / 16.0, labels, test_size=0.2, random_state=seed, stratify=labels
    )
    return rate_encode(train, steps), y_train, rate_encode(test, steps), y_test
