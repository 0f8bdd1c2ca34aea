# SPDX-License-Identifier: BSD-3-Clause
"""Event recordings: files read or refused, frames by hand and by tonic, and the family on made-up recordings."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest
import tonic
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from tonic.datasets import NMNIST

from synergic.data import SENSOR, Recordings, frames, load_recordings
from synergic.errors import DataError, FormatError
from synergic.experiments import Events
from synergic.learning.tasks._events import EventsTask
from synergic.numerics._event_bins import bin_events, pooled, spread
from synergic.reference import simulate

EVENTS = [(3, 5, 1000, 1), (33, 0, 2000, 0), (3, 5, 3999, 1)]


def as_bytes(events):
    """N-MNIST's format: x, y, polarity in the top bit, 23 bits of microseconds."""
    return b"".join(bytes([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255]) for x, y, t, p in events)


@pytest.fixture
def folder(tmp_path):
    for part, digits in (("Train", (7, 1)), ("Test", (2,))):
        for i, digit in enumerate(digits):
            path = tmp_path / "NMNIST" / part / str(digit) / f"{i + 1:05d}.bin"
            path.parent.mkdir(parents=True)
            path.write_bytes(as_bytes(EVENTS))
    return tmp_path


def test_a_folder_is_read_in_order_of_the_numbers(folder):
    found = load_recordings(folder)
    assert found.train_labels.tolist() == [7, 1]
    assert found.test_labels.tolist() == [2]
    assert [tuple(map(int, e)) for e in found.train[0][["x", "y", "t", "p"]]] == EVENTS


def test_an_archive_is_read_like_a_folder(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("archive")
    with zipfile.ZipFile(place / "nmnist_part.zip", "w") as archive:
        for path in (folder / "NMNIST").rglob("*.bin"):
            archive.write(path, path.relative_to(folder / "NMNIST"))
    assert load_recordings(place).train_labels.tolist() == [7, 1]


@pytest.mark.parametrize(
    ("raw", "message"),
    [(b"", "truncated"), (as_bytes(EVENTS)[:-1], "truncated"), (as_bytes([(34, 0, 0, 0)]), "outside")],
)
def test_damaged_recordings_are_refused(folder, raw, message):
    (folder / "NMNIST" / "Test" / "2" / "00001.bin").write_bytes(raw)
    with pytest.raises(FormatError, match=rf"Test/2/00001\.bin.*{message}"):
        load_recordings(folder)


def test_a_damaged_archive_and_a_missing_set_are_refused(tmp_path):
    with pytest.raises(DataError, match="N-MNIST: not in"):
        load_recordings(tmp_path)
    (tmp_path / "nmnist.zip").write_bytes(b"no archive")
    with pytest.raises(FormatError, match="damaged"):
        load_recordings(tmp_path)


def test_frames_by_hand():
    """Three parts of 999 microseconds, tonic leaves out the very last one; channel = polarity, row, column."""
    events = np.array(EVENTS, [("x", int), ("y", int), ("t", int), ("p", int)])
    got = frames([events, events[:0]], 3)
    assert got.shape == (2, 3, 2312)
    assert sorted(map(tuple, got.nonzero().tolist())) == [
        (0, 0, 34 * 34 + 5 * 34 + 3),
        (0, 1, 33),
    ]


@st.composite
def recordings_of(draw, width=5, height=4):
    """Events in order of time, of any of tonic's orders of fields."""
    order = draw(st.sampled_from(["xytp", "txyp"]))
    number = st.integers(0, 2**16)
    rows = draw(st.lists(st.tuples(number, number, number, st.integers(0, 1)), min_size=1, max_size=60))
    events = np.zeros(len(rows), [(name, np.int64) for name in order])
    x, y, t, p = np.array(rows).T
    events["x"], events["y"], events["t"], events["p"] = x % width, y % height, np.sort(t) // 64, p
    return events


@given(events=recordings_of(), steps=st.integers(1, 9), duration=st.integers(1, 300), start=st.integers(0, 500))
def test_spikes_are_the_frames_of_tonic(events, steps, duration, start):
    window = {"time_window": duration, "start_time": start, "end_time": start + steps * duration}
    want = tonic.transforms.ToFrame((5, 4, 2), **window)(events)
    spikes, outside, merged = bin_events(events, (5, 4, 2), steps, duration, start)
    got = spread(spikes, steps, 40)
    assert np.array_equal(got, want.reshape(steps, 40) > 0)
    assert outside == len(events) - want.sum()
    assert merged == want.sum() - np.count_nonzero(want)
    both, _, lost = bin_events(events, (5, 4, 2), steps, duration, start, pool=2, merge=True)
    blocks = np.pad(want.sum(axis=1), ((0, 0), (0, 0), (0, 1))).reshape(steps, 2, 2, 3, 2).sum(axis=(2, 4))
    assert pooled((5, 4, 2), 2, True) == (1, 2, 3)
    assert np.array_equal(spread(both, steps, 6), blocks.reshape(steps, 6) > 0)
    assert lost == want.sum() - np.count_nonzero(blocks)


@given(events=recordings_of(34, 34), steps=st.integers(1, 9))
def test_the_frames_of_training_are_those_of_tonic(events, steps):
    """Of recordings that are as long as their steps; of shorter ones tonic loses all events."""
    assume(events["t"][-1] - events["t"][0] >= steps)
    want = tonic.transforms.ToFrame(SENSOR, n_time_bins=steps)(events) > 0
    assert np.array_equal(frames([events], steps)[0].numpy(), want.reshape(steps, -1))


def test_steps_may_be_of_any_length():
    events = np.array(
        [(0, 0, 0.25, 0), (1, 0, 0.5, 0), (2, 0, 0.74, 0)], [("x", int), ("y", int), ("t", float), ("p", int)]
    )
    assert bin_events(events, (3, 1, 1), 2, 0.25, 0.25)[0].tolist() == [0, 4, 5]


def made_up(count, seed):
    """Class c: events around a place of its own."""
    rng, labels = np.random.default_rng(seed), np.arange(count) % 10
    recordings = []
    for label in labels:
        events = np.zeros(200, NMNIST.dtype)
        events["x"] = (3 + 6 * (label % 5) + rng.integers(0, 4, 200)).clip(0, 33)
        events["y"] = 8 + 14 * (label // 5) + rng.integers(0, 4, 200)
        events["t"], events["p"] = np.sort(rng.integers(0, 10**5, 200)), rng.integers(0, 2, 200)
        recordings.append(events)
    return recordings, labels


@pytest.mark.parametrize("readout", ["rank", "rate"])
def test_the_family_learns_and_its_network_says_the_same(readout):
    (train, labels), (test, test_labels) = made_up(100, 0), made_up(40, 1)
    config = Events(hidden=40, steps=4, epochs=8, lr=3e-3, readout=readout, dropout=0.2)
    task = EventsTask(config, data=Recordings(train, labels, test, test_labels))
    for _ in range(config.epochs):
        task.epoch()
    figures = task.figures()
    assert figures["accuracy"] > 0.7  # chance is .1
    for curve in figures["curves"].values():
        assert curve[0] == figures["accuracy"]
    assert figures["curves"]["events dropped"][-1] <= figures["accuracy"]
    network = task.description()
    reached = (simulate(network, frames(test, 4).numpy()).classes(network) == test_labels).mean()
    assert reached == pytest.approx(figures["accuracy"], abs=0.03)
    alone, together = (task.outputs(frames(test, 4), batch=batch)[1] for batch in (1, 40))
    assert torch.allclose(alone, together, atol=1e-5)


def test_validation_takes_from_the_training_part():
    train, labels = made_up(30, 0)
    data = Recordings(train, labels, *made_up(10, 1))
    task = EventsTask(replace(Events(hidden=10, steps=2), validation=10), data=data)
    assert (len(task.samples), task.evaluated_on) == (20, "last 10 of 30 training recordings")
    assert task.test is not data.test
