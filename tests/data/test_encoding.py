# SPDX-License-Identifier: BSD-3-Clause
"""Codes: sequences written out by hand, and what must hold of any values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synergic.data import Latency, Rank, Rate, Value, rate_encode
from synergic.errors import ParameterError
from synergic.numerics import _spike_codes as encoding

STEPS = st.integers(1, 40)
VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)
CODES = (Rate(), Rate(random=True, seed=3), Rank(), Latency(), Latency("logarithmic", 0.05))


def first_steps(spikes):
    """The step of each channel's only spike, 0 for none: (n,) of (T, n)."""
    assert spikes.sum(axis=0).max() <= 1
    return np.where(spikes.any(axis=0), spikes.argmax(axis=0) + 1, 0)


@pytest.mark.parametrize(
    ("code", "values", "steps", "want"),
    [
        (Rate(), [0, 0.25, 0.5, 1], 4, ["0000", "0100", "1010", "1111"]),
        (Rank(), [0.2, 0.9, 0.5, 0], 3, ["001", "100", "010", "000"]),
        (Rank(), [0.5, 0.5, 0.5, 0.7], 2, ["10", "01", "01", "10"]),  # the first of equals is the stronger
        (Rank(), [0.1, 0.2], 4, ["0010", "1000"]),
        (Latency(), [1, 0.75, 0.5, 0.25, 0.01, 0], 5, ["10000", "01000", "00100", "00010", "00001", "00000"]),
        (Latency("logarithmic", 0.001), [1, 0.1, 0.01, 0.001, 0.0009], 4, ["1000", "0100", "0010", "0001", "0000"]),
        (Latency(), [0.1, 0], 1, ["1", "0"]),
        (Value(), [0.25, 1], 3, None),
    ],
)
def test_by_hand(code, values, steps, want):
    got = code.encode([values], steps)[0]
    if want is None:
        assert got.tolist() == [values] * steps
    else:
        assert ["".join(map(str, channel)) for channel in got.T] == want


@given(values=VALUES, steps=STEPS, form=st.sampled_from(["linear", "logarithmic"]))
def test_a_latency_is_decoded_to_within_half_a_step(values, steps, form):
    code = Latency(form, 0.02)
    got = code.decode(code.encode([values], steps))[0]
    for value, back in zip(values, got, strict=True):
        if steps == 1 or value == 0 or (form == "logarithmic" and value < 0.02):
            assert back in (0, 1)
            continue
        if form == "linear":
            assert abs(value - back) <= 0.5 / (steps - 1) + 1e-12
        else:  # half a step is a ratio
            assert abs(math.log(value / back)) <= 0.5 * -math.log(0.02) / (steps - 1) + 1e-9


@given(values=VALUES, steps=STEPS)
def test_ranks_follow_the_order_and_fill_the_steps_evenly(values, steps):
    spikes = Rank().encode([values], steps)[0]
    first, values = first_steps(spikes), np.array(values)
    assert np.array_equal(first > 0, values > 0)
    order = sorted(np.flatnonzero(values > 0), key=lambda j: (-values[j], j))
    assert list(first[order]) == sorted(first[order])
    a_step = spikes.sum(axis=1)
    assert a_step.max() <= math.ceil(len(order) / steps)
    if len(order) >= steps:
        assert a_step.min() >= len(order) // steps


@given(values=VALUES, steps=STEPS, code=st.sampled_from([c for c in CODES if not isinstance(c, Rank)]))
def test_a_larger_value_never_sends_later_or_less(values, steps, code):
    values = np.sort(values)
    if code == Rate(random=True, seed=3):  # every channel with the same draws: one at a time
        got = np.concatenate([code.encode([[v]], steps)[0] for v in values], axis=1)
    else:
        got = code.encode([values], steps)[0]
    assert (np.diff(got.cumsum(axis=0).max(axis=0)) >= 0).all()
    if isinstance(code, Latency):
        first = first_steps(got)
        assert (np.diff(first[first > 0]) <= 0).all()


@pytest.mark.parametrize("value", [0, 0.1, 0.5, 0.93, 1])
def test_random_spikes_have_the_mean_of_the_value(value):
    n = 20_000
    mean = Rate(random=True, seed=1).encode(np.full((4, 50), float(value)), n // 200).mean()
    assert abs(mean - value) <= 4 * math.sqrt(value * (1 - value) / n)  # one in 16,000 would fail by chance


@given(seed=st.integers(0, 2**40), steps=st.integers(1, 12))
def test_random_spikes_do_not_depend_on_batch_and_length(seed, steps):
    values, code = np.linspace(0.1, 0.9, 12).reshape(4, 3), Rate(random=True, seed=seed)
    whole = code.encode(values, 12)
    assert np.array_equal(code.encode(values, 12), whole)
    assert np.array_equal(code.encode(values, steps), whole[:, :steps])
    assert np.array_equal(code.encode(values[2:], 12, first=2), whole[2:])


def test_samples_steps_channels_and_seeds_have_draws_of_their_own():
    spikes = Rate(random=True).encode(np.full((2, 64), 0.5), 64)
    other = Rate(random=True, seed=1).encode(np.full((2, 64), 0.5), 64)
    for a, b in ((spikes[0], spikes[1]), (spikes[0], spikes[0].T), (spikes[0, 1:], spikes[0, :-1]), (spikes, other)):
        assert abs((a == b).mean() - 0.5) < 0.05


@given(values=st.lists(st.integers(0, 255), min_size=1, max_size=12), steps=STEPS, code=st.sampled_from(CODES))
def test_integers_are_255ths(values, steps, code):
    values = np.array([values])
    assert np.array_equal(code.encode(values, steps), code.encode(values / 255, steps))
    if code == Rate():  # floor in exact integers: 2 n m + 255 is odd, so that no float can fall on the other side
        m = np.arange(steps + 1)[:, None]
        assert np.array_equal(code.encode(values, steps)[0], np.diff((2 * values * m + 255) // 510, axis=0))
    assert np.array_equal(Value().encode(values, steps), np.repeat(values[:, None], steps, axis=1))


def test_rate_encode_is_the_same_code():
    values = np.random.default_rng(0).random((3, 4))
    assert np.array_equal(rate_encode(values, 7), Rate().encode(values, 7))


@given(moves=st.lists(st.integers(-1000, 1000), min_size=1, max_size=30), threshold=st.integers(1, 1000))
def test_a_signal_is_known_to_within_the_threshold(moves, threshold):
    level, slow, total = np.zeros(1, int), np.zeros(1, int), 0
    x = 0
    for move in moves:
        x += move
        sent, level = encoding.delta(np.array([x]), level, threshold, True)
        total += int(sent[0])
        assert level[0] == total
        assert abs(x - total) < threshold
    x, count = 0, 0
    for move in moves:
        x += max(-threshold, min(threshold, move))  # no faster than a threshold a step
        sent, slow = encoding.delta(np.array([x]), slow, threshold, False)
        count += int(sent[0])
        assert slow[0] == threshold * count
        assert abs(x - threshold * count) < threshold


def test_a_signal_by_hand():
    level, sent = np.zeros(1), []
    for x in (0.5, 1.0, 1.4, 4.0, 4.0, 4.0, 3.0, 2.1, 2.0):
        now, level = encoding.delta(np.array([x]), level, 1.0, False)
        sent.append(int(now[0]))
    assert sent == [0, 1, 0, 1, 1, 1, -1, 0, -1]  # the jump to 4 is caught up with in three steps
    assert encoding.polarities(np.array([[1.0, 0.0, -1.0]])).tolist() == [[0, 0, 1, 1, 0, 0]]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Rate(random=1), r"Rate\.random: got 1 of type int, allowed bool\."),
        (lambda: Rate(seed=-1), r"Rate\.seed: got -1, allowed 0 to"),
        (lambda: Latency("log"), r"Latency\.form: got 'log', allowed 'linear' or 'logarithmic'"),
        (lambda: Latency("logarithmic", 1.0), r"Latency\.smallest: got 1\.0, allowed \(0, 1\]"),
        (lambda: Latency("logarithmic", 0), r"Latency\.smallest: got 0"),
        (lambda: Rank().encode([[0.5]], 0), r"Rank\.steps: got 0, allowed 1, 2"),
        (lambda: Rank().encode([[0.5]], 2, -1), r"Rank\.first: got -1, allowed 0, 1"),
        (lambda: Rank().encode([[1.5]], 2), r"Rank\.values: got \[1\.5\], allowed floats in 0 to 1, or integers"),
        (lambda: Rank().encode([[np.nan]], 2), r"Rank\.values: got \[nan\]"),
        (lambda: Rank().encode([[256]], 2), r"Rank\.values: got \[256\]"),
        (lambda: Rank().encode([0.5], 2), r"Rank\.values: got shape \(1,\), allowed \(samples, channels\)"),
        (lambda: Rank().encode("text", 2), r"Rank\.values: got 'text'"),
        (lambda: Latency().decode([[1, 0]]), r"Latency\.spikes: got shape \(1, 2\), allowed \(samples, T, n\)"),
    ],
)
def test_what_cannot_be_encoded_is_refused(make, text):
    with pytest.raises(ParameterError, match=text):
        make()
