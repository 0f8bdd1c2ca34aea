# SPDX-License-Identifier: BSD-3-Clause
"""An event camera as the source of a graph: its spikes, what became of the others, and a whole script to a decision."""

import numpy as np
import pytest
import tonic
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from networks import plastic_network

import synergic as sy
from synergic.errors import ParameterError
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.processes import EventSource, FusedNetwork, HybridDense, HybridLIF, HybridSimCfg, RateReadout, running

pytestmark = pytest.mark.alone
SENSOR, EVENT = (5, 4, 2), np.dtype([("t", np.int64), ("x", np.int16), ("y", np.int16), ("p", bool)])
PLACE = {"sensor": SENSOR, "period": 6, "duration": 100}


def recording(seed, count=80, last=700):
    """Random events over a little more than the six steps."""
    rng = np.random.default_rng(seed)
    events = np.zeros(count, EVENT)
    events["t"] = np.sort(rng.integers(0, last, count))
    events["x"], events["y"], events["p"] = (
        rng.integers(0, 5, count),
        rng.integers(0, 4, count),
        rng.random(count) < 0.5,
    )
    return events


RECORDINGS = [(recording(seed), f"label {seed}") for seed in range(3)]


def frames():
    """tonic's, (samples, T, channels)."""
    to_frame = tonic.transforms.ToFrame(SENSOR, time_window=100, start_time=0, end_time=600)
    return np.array([to_frame(events) for events, _ in RECORDINGS]).reshape(3, 6, -1)


def received(process, steps, config):
    """What a process sends in so many Lava steps, the steps first."""
    sink = Sink(shape=process.s_out.shape, buffer=steps)
    process.s_out.connect(sink.a_in)
    with running(process):
        process.run(condition=RunSteps(num_steps=steps), run_cfg=config)
        return np.moveaxis(sink.data.get(), -1, 0).copy()


@pytest.mark.parametrize("tag", ["floating_pt", "fixed_pt"])
@pytest.mark.parametrize("at_once", [False, True])
def test_the_spikes_are_tonics_frames(tag, at_once):
    pairs = (pair for pair in RECORDINGS)  # anything that can be gone through
    source = EventSource(recordings=pairs, start=0, onset=1, at_once=at_once, **PLACE)
    sent = received(source, 5 if at_once else 20, Loihi2SimCfg(select_tag=tag))
    lived = sent[1:4] if at_once else sent[1:19].reshape(3, 6, 40)
    assert np.array_equal(lived, frames() > 0)
    assert not sent[[0, -1]].any()
    assert source.labels == ["label 0", "label 1", "label 2"]
    assert source.shape == (2, 4, 5)


def test_what_became_of_the_events_is_counted():
    events = np.array([(50, 1, 0, 0), (50, 1, 0, 0), (60, 1, 0, 1), (149, 0, 3, 0), (650, 0, 0, 0)], EVENT)
    none = events[:0]
    source = EventSource(recordings=[(events, 0), (none, 1)], **PLACE)  # steps from 50 to 650
    assert [v.get().tolist() for v in (source.events, source.outside, source.merged)] == [[5, 0], [1, 0], [1, 0]]
    assert source.report() == ("2 recordings, 5 events: 3 spikes, 1 outside the steps, 1 merged into another's spike")
    sent = received(source, 12, HybridSimCfg())
    assert sorted(map(tuple, np.argwhere(sent).tolist())) == [(0, 1), (0, 15), (0, 21)]  # step, channel
    pooled = EventSource(recordings=[(events, 0)], pool=2, merge=True, **PLACE)
    assert pooled.shape == (1, 2, 3)
    assert pooled.merged.get().tolist() == [2]
    assert np.argwhere(received(pooled, 6, HybridSimCfg())).tolist() == [[0, 0], [0, 3]]


@pytest.mark.parametrize("config", [HybridSimCfg, ChipSimCfg])
def test_events_to_a_decision_through_a_plastic_layer(config):
    """A whole script, on processors and on the chip, against simulate."""
    whole = plastic_network(sizes=(40, 4), steps=6, alpha=0.2)
    network = sy.quantise(whole)
    (population,), (projection,) = network.populations, network.projections
    want = sy.simulate(network, frames() > 0)
    clock = {"period": 6, "presentations": 3}
    source = EventSource(recordings=RECORDINGS, start=0, **PLACE)
    dense = HybridDense.from_description(projection, population, network.k, onset=1, **clock)
    neurons = HybridLIF.from_description(population, onset=1, **clock)
    readout = RateReadout(n=4, onset=1, **clock)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    neurons.u_out.connect([dense.u_in, readout.u_in])
    neurons.s_out.connect(readout.s_in)
    with running(neurons):
        neurons.run(condition=RunSteps(num_steps=19), run_cfg=config())
        classes = readout.classes.get()
    counts = want.spikes["layer1"].sum(axis=1) + want.u["layer1"][:, -1] / 2**24
    assert np.array_equal(classes, counts.argmax(axis=1))
    assert want.spikes["layer1"].any()


def test_a_fused_network_sees_with_it():
    network = plastic_network(sizes=(40, 9, 4))
    source, fused = EventSource(recordings=RECORDINGS, start=0, at_once=True, **PLACE), FusedNetwork(network=network)
    source.s_out.connect(fused.s_in)
    assert np.array_equal(received(fused, 3, HybridSimCfg()), sy.simulate(network, frames() > 0).spikes["layer2"])


def changed(field, value):
    """A recording with one field of the last event changed."""
    events = recording(0).astype([("t", float), ("x", int), ("y", int), ("p", int)])
    events[field][-1] = value
    return [(events, 0)]


def made(**changes):
    return EventSource(**{"recordings": RECORDINGS, **PLACE, **changes})


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: made(recordings=[(np.zeros((9, 4)), 0)]),
            r"\[0\]: got ndarray without fields, allowed a row of events",
        ),
        (
            lambda: made(recordings=[(np.zeros(3, [("x", int), ("y", int), ("ts", int), ("pol", int)]), 0)]),
            r"EventSource\.recordings\[0\]: got fields \('x', 'y', 'ts', 'pol'\), allowed .* fields x, y, t, p",
        ),
        (lambda: made(recordings=[(None, 0)]), r"recordings\[0\]: got NoneType without fields"),
        (lambda: made(recordings=[(np.zeros(3, [(n, float) for n in "xytp"]), 0)]), r"\[0\]\.x: got float64, allowed"),
        (lambda: made(recordings=changed("t", -1.0)), r"recordings\[0\]\.t: got -1\.0, allowed 0 or later"),
        (lambda: made(recordings=changed("t", 1.0)), r"recordings\[0\]\.t: got 1\.0 after .*, at event 79, allowed"),
        (lambda: made(recordings=changed("t", np.nan)), r"recordings\[0\]\.t: got NaN"),
        (lambda: made(recordings=changed("x", 5)), r"recordings\[0\]\.x: got \[5\], allowed 0 to 4"),
        (lambda: made(recordings=changed("y", -1)), r"recordings\[0\]\.y: got \[-1\], allowed 0 to 3"),
        (lambda: made(recordings=changed("p", 2)), r"recordings\[0\]\.p: got \[2\], allowed 0 to 1"),
        (lambda: made(recordings=RECORDINGS[0]), r"recordings\[0\]: got ndarray, allowed \(events, label\)"),
        (lambda: made(recordings=3), r"EventSource\.recordings: got 3 of type int, allowed Iterable"),
        (lambda: made(recordings=[]), r"EventSource\.recordings: got 0, allowed 1"),
        (lambda: made(presentations=4), r"EventSource\.recordings: got 3, allowed 4"),
        (lambda: made(presentations=0), r"EventSource\.presentations: got 0"),
        (lambda: made(sensor=(5, 4)), r"EventSource\.sensor: got \(5, 4\), allowed \(width, height, polarities\)"),
        (lambda: made(sensor=(5, 4, 3)), r"EventSource\.sensor\.polarities: got 3, allowed 1 to 2"),
        (lambda: made(sensor=(5.0, 4, 2)), r"EventSource\.sensor\.width: got 5\.0"),
        (lambda: made(period=0), r"EventSource\.period: got 0"),
        (lambda: made(duration=0), r"EventSource\.duration: got 0"),
        (lambda: made(start=-1), r"EventSource\.start: got -1"),
        (lambda: made(pool=0), r"EventSource\.pool: got 0"),
        (lambda: made(merge=1), r"EventSource\.merge: got 1 of type int"),
        (lambda: made(at_once="no", name="eye"), r"eye\.at_once: got 'no' of type str"),
    ],
)
def test_bad_recordings_and_arguments_are_refused(make, text):
    with pytest.raises(ParameterError, match=text):
        make()
