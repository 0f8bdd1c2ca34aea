# SPDX-License-Identifier: BSD-3-Clause
"""Encoded values keep their counts, evenly spread; the digits are split fairly and the same way each time."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synergic.data import digits, rate_encode
from synergic.errors import ParameterError

SIXTEENTHS = st.integers(0, 16).map(lambda n: Fraction(n, 16))
"""Values that floating point holds exactly, as the digits' pixels are: halves must be rounded up, not about."""


def half_up(x):
    return (x + Fraction(1, 2)).__floor__()


@given(value=SIXTEENTHS, steps=st.integers(1, 64))
def test_the_count_is_the_value_times_the_steps_rounded_half_up(value, steps):
    spikes = rate_encode([[float(value)]], steps)
    assert spikes.shape == (1, steps, 1)
    assert set(np.unique(spikes)) <= {0, 1}
    assert spikes.sum() == half_up(value * steps)


@given(value=SIXTEENTHS, steps=st.integers(1, 64))
def test_spikes_are_spread_evenly(value, steps):
    spikes = rate_encode([[float(value)]], steps)[0, :, 0]
    counts = np.cumsum(spikes)
    for m in range(1, steps + 1):
        assert abs(counts[m - 1] - value * m) <= Fraction(1, 2)
    # hence two windows of the same length never differ by more than one spike
    for width in range(1, steps + 1):
        windows = np.convolve(spikes, np.ones(width, int), "valid")
        assert windows.max() - windows.min() <= 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(1, 30))
def test_any_values_give_spikes_channel_by_channel(values, steps):
    spikes = rate_encode([values], steps)
    assert spikes.shape == (1, steps, len(values))
    assert spikes.dtype == np.int64
    assert np.isin(spikes, (0, 1)).all()
    for j, value in enumerate(values):
        assert np.array_equal(spikes[0, :, j], rate_encode([[value]], steps)[0, :, 0])
        assert abs(int(spikes[0, :, j].sum()) - value * steps) <= 0.5 + 1e-9


def test_the_ends_of_the_range():
    assert rate_encode([[0.0, 1.0, 0.5]], 4)[0].T.tolist() == [[0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 1, 0]]


@pytest.mark.parametrize("values", [[[1.01]], [[-0.01]], [[np.nan]], [0.5], [[[0.5]]]])
def test_other_values_are_refused(values):
    with pytest.raises(ParameterError, match=r"rate_encode\.values"):
        rate_encode(values, 3)


def test_the_digits_are_all_there_and_encoded():
    train, train_labels, test, test_labels = digits(steps=10)
    assert train.shape == (1437, 10, 64)
    assert test.shape == (360, 10, 64)
    assert len(train_labels) == 1437
    assert len(test_labels) == 360
    assert np.isin(train, (0, 1)).all()
    assert np.isin(test, (0, 1)).all()


def test_the_split_keeps_the_share_of_every_class():
    _, train_labels, _, test_labels = digits(steps=1)
    whole = np.bincount(np.concatenate([train_labels, test_labels]), minlength=10)
    assert (np.abs(np.bincount(test_labels, minlength=10) - whole * 360 / 1797) <= 1).all()


def test_the_parts_are_disjoint_and_together_everything():
    from sklearn.datasets import load_digits

    # At 16 steps the counts are the pixels themselves, 0 .. 16, by which a sample can be told.
    train, train_labels, test, test_labels = digits(steps=16, seed=5)
    images, labels = load_digits(return_X_y=True)
    known = sorted((tuple(image), label) for image, label in zip(images.astype(int), labels, strict=True))
    got = [
        (tuple(counts), label)
        for spikes, part in ((train, train_labels), (test, test_labels))
        for counts, label in zip(spikes.sum(axis=1), part, strict=True)
    ]
    assert len(set(known)) == len(known), "no image is there twice, or the next line would prove less"
    assert sorted(got) == known


def test_the_seed_alone_decides_the_split():
    first, again, other = digits(seed=1), digits(seed=1), digits(seed=2)
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(first[3], other[3])
    before = np.random.get_state()[1].copy()  # noqa: NPY002  the global generator is left alone
    digits(seed=3)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
