# SPDX-License-Identifier: BSD-3-Clause
"""Events as data sets and cameras have them: every public function on events computes the same whatever their types."""

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps

from synergic.data import add_events, drop_events, frames, mask_region
from synergic.errors import ParameterError
from synergic.processes import EventSource, HybridSimCfg, running

SENSOR = (34, 34, 2)


def events(count=3000, seed=0, last=300_000):
    """A recording, in microseconds."""
    rng = np.random.default_rng(seed)
    found = np.zeros(count, [(name, np.int64) for name in "xytp"])
    for name, top in zip("xyp", SENSOR, strict=True):
        found[name] = rng.integers(0, top, count)
    found["t"] = np.sort(rng.integers(0, last, count))
    found["t"][[0, -1]] = 0, last
    return found


PLAIN = events()
TYPES = {
    "as tonic": [("x", np.int64), ("y", np.int64), ("t", np.int64), ("p", bool)],
    "Prophesee": [("t", "<u4"), ("x", "<u2"), ("y", "<u2"), ("p", "u1")],
    "bytes": [("x", "u1"), ("y", "u1"), ("p", "i1"), ("t", "<u8")],
    "real times": [("x", "<i2"), ("y", "<i2"), ("t", "<f8"), ("p", "<i4")],
}


def as_type(found, name):
    """A recording in other types: numpy's astype goes by the order of the fields, not by their names."""
    typed = np.zeros(len(found), TYPES[name])
    for field in "xytp":
        typed[field] = found[field]
    return typed


def source(found, **changes):
    """A source of one recording."""
    given = {"recordings": [(found, 0)], "sensor": SENSOR, "period": 10, "duration": 30_001, **changes}
    return EventSource(**given)


@pytest.mark.parametrize("name", TYPES)
def test_the_types_of_the_fields_change_nothing(name):
    typed = as_type(PLAIN, name)
    want, got = mask_region(PLAIN, 8, SENSOR), mask_region(typed, 8, SENSOR)
    assert got.dtype == typed.dtype
    assert len(PLAIN) - len(want) == np.count_nonzero((np.abs(PLAIN["x"] - 16.5) < 8) & (np.abs(PLAIN["y"] - 16.5) < 8))
    rng = np.random.default_rng
    for field in "xytp":
        assert np.array_equal(got[field], want[field])
        assert np.array_equal(drop_events(typed, 0.5, rng(1))[field], drop_events(PLAIN, 0.5, rng(1))[field])
    added = add_events(typed, 1.0, SENSOR, rng(2))
    assert (len(added), added.dtype) == (6000, typed.dtype)
    assert (np.diff(added["t"].astype(float)) >= 0).all()
    if name != "real times":
        assert np.array_equal(frames([typed], 10), frames([PLAIN], 10))
    assert source(typed).outside.get() == source(PLAIN).outside.get() == [0]
    assert source(typed).merged.get() == source(PLAIN).merged.get()


def test_real_seconds_are_counted_and_noise_falls_within_the_recording():
    seconds = as_type(PLAIN, "real times")
    seconds["t"] /= 1e6
    got, want = frames([seconds], 10)[0].numpy(), frames([PLAIN], 10)[0].numpy()
    assert np.count_nonzero(got != want) <= 2, "tonic leaves out the very last microseconds"
    assert got.sum() >= want.sum()
    noise = add_events(seconds, 1.0, SENSOR, np.random.default_rng(0))["t"]
    assert noise.min() >= 0
    assert noise.max() <= 0.3
    assert len(np.unique(noise)) > 5000, "not all at one instant"
    late = seconds.copy()
    late["t"] += 5.5
    assert add_events(late, 1.0, SENSOR, np.random.default_rng(0))["t"].min() >= 5.5


def test_polarities_of_minus_one_and_one_are_taken_where_all_say_so():
    signed = PLAIN.astype([("x", int), ("y", int), ("t", int), ("p", "i1")])
    signed["p"] = 2 * signed["p"] - 1
    assert np.array_equal(frames([signed], 10), frames([PLAIN], 10))
    assert np.array_equal(mask_region(signed, 8, SENSOR)["p"], 2 * mask_region(PLAIN, 8, SENSOR)["p"] - 1)
    added = add_events(signed, 1.0, SENSOR, np.random.default_rng(0))
    assert set(np.unique(added["p"])) == {-1, 1}
    assert source(signed).merged.get() == source(PLAIN).merged.get()
    signed["p"][5] = 0
    for call in (lambda: frames([signed], 10), lambda: source(signed), lambda: mask_region(signed, 8, SENSOR)):
        with pytest.raises(ParameterError, match=r"p: got \[.*-1.*\], allowed 0 to 1, or -1 and 1 in all"):
            call()


@pytest.mark.parametrize("fields", ["txp", "tx"])
def test_a_sensor_of_one_row_needs_no_y(fields):
    """SHD's recordings: 700 channels, no y, and p is 1 in all events."""
    rng = np.random.default_rng(0)
    shd = np.zeros(500, [(name, np.int64) for name in fields])
    shd["x"], shd["t"] = rng.integers(0, 700, 500), np.sort(rng.integers(0, 10**6, 500))
    if "p" in fields:
        shd["p"] = 1
    encoder = source(shd, sensor=(700, 1, 1), duration=100_000)
    assert encoder.shape == (1, 1, 700)
    assert encoder.events.get() == [500]
    assert encoder.outside.get() == np.count_nonzero(shd["t"] - shd["t"][0] >= 10**6)
    noisy = add_events(shd, 0.5, (700, 1, 1), np.random.default_rng(0))
    assert len(noisy) == 750
    assert "p" not in fields or set(noisy["p"]) == {1}
    assert len(mask_region(shd, 0, (700, 1, 1))) == 500
    with pytest.raises(ParameterError, match=r"got an array of shape \(500,\), allowed a list .*: \[events\]"):
        frames(shd, 5, (700, 1, 1))
    with pytest.raises(ParameterError, match=r"recordings\[0\]: got events of shape \(1, 500\), allowed a row"):
        frames([shd[None]], 5, (700, 1, 1))
    with pytest.raises(ParameterError, match="allowed a row of events with the fields x, y, t, p"):
        source(shd)


@pytest.mark.parametrize(("times", "steps"), [([7], [0]), ([7, 7], [0]), ([0, 1, 2], [0, 3, 9]), ([5, 9], [0, 9])])
def test_a_recording_shorter_than_its_steps_keeps_its_events_and_is_named(times, steps):
    short = np.zeros(len(times), PLAIN.dtype)
    short["t"], short["x"] = times, np.arange(len(times)) % 34
    with pytest.warns(UserWarning, match=r"1 of 2 are shorter than 10 microseconds.*whole seconds or milliseconds"):
        got = frames([short, PLAIN], 10)[0]
    assert int(got.sum()) == len(times)
    assert sorted(set(got.nonzero()[:, 0].tolist()))[0] == steps[0]
    assert sorted(set(got.nonzero()[:, 0].tolist()))[-1] == steps[-1]


@pytest.mark.parametrize(
    ("change", "duration", "said"),
    [
        (1e-6, 30_000, "t may be in seconds and duration in microseconds: multiply t by 1,000,000"),
        (1, 0.03, "duration may be in seconds and t in microseconds: multiply duration by 1,000,000"),
        (1, 30, None),
        (1, 3, "duration may be in milliseconds and t in microseconds: multiply duration by 1,000"),
        (1e-3, 30_000 * 1.1, "t may be in milliseconds"),
        (1e-3, 30, None),
    ],
)
def test_a_duration_in_another_unit_is_refused_with_the_likely_one(change, duration, said):
    found = as_type(PLAIN, "real times")
    found["t"] *= change
    if said is None:
        assert source(found, duration=duration).events.get() == [3000]
        return
    with pytest.raises(ParameterError, match=r"EventSource\.duration: got steps of .* for recordings of") as error:
        source(found, duration=duration)
    assert said in str(error.value)


def test_one_sparse_recording_among_others_is_no_mistake_of_the_unit():
    sparse = PLAIN[:2].copy()
    sparse["t"] = 0, 1
    eye = source(None, recordings=[(sparse, 0), (PLAIN, 1)])
    with running(eye):
        eye.run(condition=RunSteps(num_steps=20), run_cfg=HybridSimCfg())
    assert eye.events.get().tolist() == [2, 3000]


def test_times_that_differences_would_wrap_are_refused():
    late = PLAIN.astype([("x", int), ("y", int), ("t", "<u8"), ("p", int)])
    late["t"][-1] = 2**64 - 1
    with pytest.raises(ParameterError, match=r"t: got 18446744073709551615, allowed up to"):
        frames([late], 10)


def test_recordings_of_a_sensor_of_one_row_have_no_y():
    # As SHD's: 700 channels, p = 1 always. Steps of 100 from the first event on.
    row = np.array(
        [(0, 3, 1), (150, 699, 1), (160, 3, 1), (161, 3, 1), (300, 0, 1)], [("t", "f8"), ("x", "u2"), ("p", "i1")]
    )
    row["t"] = row["t"].astype(float) / 1e6
    sensor = (700, 1, 1)
    got = frames([row, row[:0]], 3, sensor).numpy()
    assert got.shape == (2, 3, 700)
    assert np.argwhere(got).tolist() == [[0, 0, 3], [0, 1, 3], [0, 1, 699], [0, 2, 0]]
    played = source(row, sensor=sensor, period=3, duration=1e-4 * (1 + 1e-9))
    assert played.shape == (1, 1, 700)
    assert played.merged.get().tolist() == [1]
    left = mask_region(row, 348, sensor)  # 2 .. 697 are lost
    assert left["x"].tolist() == [699, 0]
    assert drop_events(row, 1.0, np.random.default_rng(0)).size == 0
    assert drop_events(row[["t", "x"]], 0.0, np.random.default_rng(0)).size == 5
    more = add_events(row, 2.0, sensor, np.random.default_rng(0))
    assert len(more) == 15
    assert (more["p"] == 1).all()
    assert more["x"].max() < 700
    with pytest.raises(ParameterError, match=r"mask_region\.half_width: got 351, allowed 0 to 350"):
        mask_region(row, 351, sensor)
    for call in (lambda: frames([row], 3), lambda: mask_region(row, 8, SENSOR), lambda: source(row)):
        with pytest.raises(
            ParameterError, match=r"fields x, y, t, p\. Is it a sensor of one row\?.*\(700, 1, 1\) for SHD"
        ):
            call()
