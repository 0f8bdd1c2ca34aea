# SPDX-License-Identifier: BSD-3-Clause
"""Encoders in graphs with synergic's and Lava's own processes, against the pure functions and Lava's DeltaEncoder."""

import multiprocessing

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.encoder import DeltaEncoder as LavasDeltaEncoder
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from networks import plastic_network

import synergic as sy
from synergic.data import Latency, Rank, Rate, Value
from synergic.errors import ExecutionError, ParameterError
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.numerics._spike_codes import polarities
from synergic.processes import (
    DeltaEncoder,
    Encoder,
    FusedNetwork,
    HybridDense,
    HybridLIF,
    HybridNetwork,
    HybridSimCfg,
    running,
)
from synergic.processes._composition import compose

pytestmark = pytest.mark.alone

KINDS = pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
RNG = np.random.default_rng(0)
VALUES = RNG.random((3, 12)) * (RNG.random((3, 12)) < 0.8)


def received(process, steps, config, port="s_out"):
    """What a process sends in so many Lava steps, the steps first."""
    out = getattr(process, port)
    sink = Sink(shape=out.shape, buffer=steps)
    out.connect(sink.a_in)
    with running(process):
        process.run(condition=RunSteps(num_steps=steps), run_cfg=config)
        return np.moveaxis(sink.data.get(), -1, 0).copy()


def lavas(integer):
    """Lava's stock configuration."""
    return Loihi2SimCfg(select_tag="fixed_pt" if integer else "floating_pt")


@pytest.mark.parametrize("code", [Rate(random=True, seed=5), Latency("logarithmic")], ids=repr)
def test_presentations_follow_each_other_and_then_there_is_silence(code):
    sent = received(Encoder(code=code, values=VALUES, period=5, onset=2), 20, lavas(False))
    assert np.array_equal(sent[2:17].reshape(3, 5, 12), code.encode(VALUES, 5))
    assert not sent[:2].any()
    assert not sent[17:].any()


def test_integers_of_either_kind_of_graph_send_the_same():
    values = np.rint(VALUES * 255).astype(int)
    for integer in (False, True):
        sent = received(Encoder(code=Rate(), values=values, period=5), 15, lavas(integer))
        assert np.array_equal(sent.reshape(3, 5, 12), Rate().encode(values, 5))


@KINDS
def test_values_from_a_port_are_repeated_for_a_presentation(integer):
    code = Rate(random=True, seed=5)
    values = np.rint(VALUES * 255).astype(int) if integer else VALUES
    told = np.zeros((12, 15), values.dtype)  # in the first step of each presentation only
    told[:, ::5] = values.T
    source, encoder = Source(data=told), Encoder(code=code, n=12, period=5)
    source.s_out.connect(encoder.a_in)
    sent = received(encoder, 15, lavas(integer))
    assert np.array_equal(sent.reshape(3, 5, 12), code.encode(values, 5))
    assert np.array_equal(encoder.values.get()[0], values[-1])


def test_values_set_between_runs_act_at_the_next_presentation():
    encoder, sink = Encoder(code=Latency(), values=VALUES, period=5), Sink(shape=(12,), buffer=10)
    encoder.s_out.connect(sink.a_in)
    with running(encoder):
        encoder.run(condition=RunSteps(num_steps=5), run_cfg=HybridSimCfg())
        encoder.values.set(VALUES[::-1])
        encoder.run(condition=RunSteps(num_steps=5))
        sent = sink.data.get().T.reshape(2, 5, 12)
    assert np.array_equal(sent, Latency().encode(VALUES[[0, 1]], 5))
    with pytest.raises(ParameterError, match=r"values: got \[2\..*, allowed 0 to 1"):
        encoder.values.set(np.full((3, 12), 2.0))


@KINDS
def test_networks_receive_what_simulate_receives(integer):
    network = plastic_network()
    network = sy.quantise(network) if integer else network
    code = Rate(random=True, seed=2)
    want = sy.simulate(network, code.encode(VALUES, network.steps))
    steps, begin = 3 * network.steps + network.depth, network.onsets[network.output]
    encoder = Encoder(code=code, values=VALUES, period=network.steps)
    hierarchical = HybridNetwork(network=network, presentations=3)
    encoder.s_out.connect(hierarchical.s_in)
    sent = received(hierarchical, steps, HybridSimCfg())[begin : begin + 3 * network.steps]
    assert np.array_equal(sent.reshape(3, network.steps, -1), want.spikes[network.output])
    encoder = Encoder(code=code, values=VALUES, period=network.steps, at_once=True)
    fused = FusedNetwork(network=network)
    encoder.s_out.connect(fused.s_in)
    assert np.array_equal(received(fused, 3, lavas(integer)), want.spikes[network.output])
    assert want.spikes[network.output].any()


@pytest.mark.parametrize(("integer", "at_once"), [(False, True), (True, False)])
def test_values_themselves(integer, at_once):
    weights = np.random.default_rng(5).normal(0.2, 0.5, (4, 12))
    parts = (sy.Population("out", 4, 0.5, 0.5),), (sy.Projection("c", "in", "out", weights),)
    network = sy.Network(sy.Source("in", 12, 8), *parts, "out", 5)
    network, values = (sy.quantise(network), np.rint(VALUES * 255).astype(int)) if integer else (network, VALUES)
    want = sy.simulate(network, Value().encode(values, 5)).spikes["out"]
    encoder = Encoder(code=Value(), values=values, period=5, at_once=at_once)
    process = FusedNetwork(network=network) if at_once else HybridNetwork(network=network, presentations=3)
    encoder.s_out.connect(process.s_in)
    sent = received(process, 3 if at_once else 16, HybridSimCfg())
    assert np.array_equal(sent if at_once else sent[1:].reshape(3, 5, 4), want)
    assert want.any()


def test_the_chip_takes_an_encoder_as_its_source():
    network, code = sy.quantise(plastic_network()), Latency()
    want = sy.simulate(network, code.encode(VALUES, network.steps)).spikes[network.output]
    inside = compose(network, 3, 0)
    encoder = Encoder(code=code, values=VALUES, period=network.steps)
    encoder.s_out.connect(inside.entries[0].s_in)
    configuration = ChipSimCfg()
    sent = received(inside.output, 3 * network.steps + network.depth, configuration)
    assert np.array_equal(sent[network.depth :].reshape(want.shape), want)
    assert configuration.costs().energy_j > 0


@KINDS
def test_lavas_own_connection_receives_them(integer):
    dense = Dense(weights=2 * np.eye(12))
    Encoder(code=Rank(), values=VALUES, period=5).s_out.connect(dense.s_in)
    sent = received(dense, 16, lavas(integer), "a_out")  # Dense delivers a step later
    assert np.array_equal(sent[1:].reshape(3, 5, 12), 2 * Rank().encode(VALUES, 5))


SIGNAL = RNG.integers(-40, 40, (2, 9, 4)).cumsum(axis=1)


def test_graded_differences_are_those_of_lavas_encoder():
    signal = SIGNAL[:1]
    sent = received(DeltaEncoder(threshold=30, form="graded", signal=signal), 9, lavas(True))
    theirs, source = LavasDeltaEncoder(shape=(4,), vth=30), Source(data=np.pad(signal[0].T, ((0, 0), (0, 1))))
    source.s_out.connect(theirs.a_in)
    late = received(theirs, 10, Loihi2SimCfg())
    assert np.array_equal(sent, late[1:])
    assert 0 < np.count_nonzero(sent) < sent.size


@pytest.mark.parametrize(("integer", "start"), [(False, None), (True, 0)])
def test_a_cameras_spikes_from_data_port_and_at_once(integer, start):
    signal, threshold = (SIGNAL, 20) if integer else (SIGNAL / 32, 20 / 32)
    want = np.zeros(SIGNAL.shape, int)
    for sample, told in enumerate(signal.tolist()):
        for j in range(4):
            level = told[0][j] if start is None else start
            for m in range(9):
                move = told[m][j] - level
                want[sample, m, j] = 0 if abs(move) < threshold else 1 if move > 0 else -1
                level += threshold * want[sample, m, j]
    given = {"threshold": threshold, "start": start}
    signed = received(DeltaEncoder(signal=signal, form="signed", onset=1, **given), 20, lavas(integer))
    assert np.array_equal(signed[1:19].reshape(want.shape), want)
    assert not signed[[0, 19]].any()
    encoder, source = DeltaEncoder(n=4, period=9, **given), Source(data=signal.reshape(18, 4).T)
    source.s_out.connect(encoder.a_in)
    assert np.array_equal(received(encoder, 18, HybridSimCfg()).reshape(2, 9, 8), polarities(want))
    at_once = received(DeltaEncoder(signal=signal, at_once=True, **given), 2, HybridSimCfg())
    assert np.array_equal(at_once, polarities(want))
    assert {-1, 0, 1} == set(want.ravel().tolist())


def test_a_network_receives_a_camera():
    network = sy.quantise(plastic_network(sizes=(8, 5, 3), steps=9))
    encoder, fused = DeltaEncoder(threshold=20, signal=SIGNAL, at_once=True), FusedNetwork(network=network, record=2)
    encoder.s_out.connect(fused.s_in)
    sent = received(fused, 2, HybridSimCfg())
    spikes = received(DeltaEncoder(threshold=20, signal=SIGNAL), 18, lavas(True)).reshape(2, 9, 8)
    assert np.array_equal(sent, sy.simulate(network, spikes).spikes[network.output])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Encoder(code="rate", values=VALUES, period=3), r"Encoder\.code: got 'rate' of type str, allowed Code"),
        (lambda: Encoder(code=Rate(), values=VALUES, period=0), r"Encoder\.period: got 0, allowed 1, 2"),
        (
            lambda: Encoder(code=Rate(), values=VALUES + 1, period=3),
            r"Encoder\.values: got .* allowed floats in 0 to 1",
        ),
        (lambda: Encoder(code=Rate(), period=3), r"Encoder\.n: got None, allowed a whole number, 1, 2"),
        (lambda: Encoder(code=Rate(), values=VALUES, n=3, period=3), r"Encoder: got n or presentations beside values"),
        (lambda: Encoder(code=Rate(), n=3, period=3, at_once=1), r"Encoder\.at_once: got 1 of type int"),
        (lambda: Encoder(code=Rate(), n=3, period=3, onset=-1), r"Encoder\.onset: got -1"),
        (lambda: Encoder(code=Rate(), n=3, period=3, presentations=0, name="e"), r"e\.presentations: got 0"),
        (lambda: DeltaEncoder(threshold=0, n=3), r"DeltaEncoder\.threshold: got 0, allowed 1 to 8388607"),
        (lambda: DeltaEncoder(threshold=0.0, n=3), r"DeltaEncoder\.threshold: got 0\.0, allowed \(0, 1e\+06\]"),
        (lambda: DeltaEncoder(threshold="1", n=3), r"DeltaEncoder\.threshold: got '1'"),
        (lambda: DeltaEncoder(threshold=1.0, n=3, form="both"), r"DeltaEncoder\.form: got 'both'"),
        (lambda: DeltaEncoder(threshold=1, n=3, start=0.5), r"DeltaEncoder\.start: got 0\.5 of type float"),
        (lambda: DeltaEncoder(threshold=1), r"DeltaEncoder\.n: got None"),
        (lambda: DeltaEncoder(threshold=1, signal=SIGNAL, period=9), r"DeltaEncoder: got n, period or presentations"),
        (lambda: DeltaEncoder(threshold=1, signal=SIGNAL[0]), r"DeltaEncoder\.signal: got shape \(9, 4\)"),
        (lambda: DeltaEncoder(threshold=1, signal=SIGNAL / 2), r"DeltaEncoder\.signal: got dtype float64"),
        (lambda: DeltaEncoder(threshold=1, signal=SIGNAL << 40), r"DeltaEncoder\.signal: got .* to 8388607"),
        (lambda: DeltaEncoder(threshold=1.0, signal=SIGNAL * np.nan), r"DeltaEncoder\.signal: got 72 values"),
        (lambda: DeltaEncoder(threshold=1, n=3, at_once=True), r"DeltaEncoder\.period: got None"),
    ],
)
def test_bad_arguments_are_refused(make, text):
    with pytest.raises(ParameterError, match=text):
        make()


def test_input_and_numbers_that_do_not_fit_are_refused_before_the_run():
    alone = Encoder(code=Rate(), n=3, period=3, name="alone")
    twice = DeltaEncoder(threshold=1, signal=SIGNAL, name="twice")
    Source(data=np.zeros((4, 9), int)).s_out.connect(twice.a_in)
    fixed = [Encoder(code=Value(), values=np.ones((1, 3), int), period=3, name="fixed") for _ in range(2)]
    for process, config, text in (
        (alone, HybridSimCfg(), r"alone\.a_in: got no connection and no data, allowed one of the two"),
        (twice, HybridSimCfg(), r"twice\.a_in: got a connection beside data"),
        (fixed[0], lavas(False), r"fixed: got integers as parameters, allowed floats"),
        (fixed[1], HybridSimCfg("floating_pt"), r"fixed.* hold the other kind"),
    ):
        with pytest.raises(ParameterError, match=text):
            process.run(condition=RunSteps(num_steps=1), run_cfg=config)
    assert not multiprocessing.active_children()


def test_values_out_of_range_at_the_port_end_the_run():
    encoder = Encoder(code=Rate(), n=3, period=3)
    Source(data=np.full((3, 3), 1.5)).s_out.connect(encoder.a_in)
    with pytest.raises(ExecutionError, match=r"Rate\.values: got \[1\.5 1\.5 1\.5\], allowed floats in 0 to 1"):
        encoder.run(condition=RunSteps(num_steps=3), run_cfg=HybridSimCfg())


def test_a_code_of_ones_own_is_one_class():
    class Once(sy.data.Code):
        def sent(self, values, steps, first):
            return (np.arange(steps)[:, None] == first % steps) * (values[:, None] > 0.5)

    dense, lif = HybridDense(weights=np.eye(12)), HybridLIF(shape=(12,), vth=0.5, decay=0.0)
    Encoder(code=Once(), values=VALUES, period=5).s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    sent = received(lif, 16, HybridSimCfg())[1:].reshape(3, 5, 12)
    assert np.array_equal(sent.sum(axis=1), VALUES > 0.5)
    assert [step.any(axis=1).argmax() for step in sent] == [0, 1, 2]


@pytest.mark.parametrize("by_port", [False, True])
def test_the_chip_receives_a_camera(by_port):
    network = sy.quantise(plastic_network(sizes=(8, 5, 3), steps=9))
    spikes = received(DeltaEncoder(threshold=20, signal=SIGNAL), 18, lavas(True)).reshape(2, 9, 8)
    want = sy.simulate(network, spikes).spikes[network.output]
    inside, given = compose(network, 2, 0), {"n": 4, "period": 9, "presentations": 2} if by_port else {"signal": SIGNAL}
    encoder = DeltaEncoder(threshold=20, **given)
    encoder.s_out.connect(inside.entries[0].s_in)
    if by_port:
        Source(data=SIGNAL.reshape(18, 4).T).s_out.connect(encoder.a_in)
    configuration = ChipSimCfg()
    sent = received(inside.output, 18 + network.depth, configuration)
    assert np.array_equal(sent[network.depth :].reshape(want.shape), want)
    assert want.any()
    assert configuration.costs().energy_j > 0


@pytest.mark.parametrize(
    ("form", "threshold", "error", "text"),
    [
        ("signed", 20, ExecutionError, r"c0\.s_in: got values from -1 to [01], allowed 0 to 1"),
        ("graded", 20, ExecutionError, r"c0\.s_in: got values from -?\d+ to \d+, allowed 0 to 1"),
        ("channels", 0.5, ParameterError, r"select_tag: got 'fixed_pt' .*'delta'"),
    ],
)
def test_what_the_chips_packets_do_not_hold_is_refused_by_name(form, threshold, error, text):
    signal = SIGNAL if threshold == 20 else SIGNAL / 32
    network = sy.quantise(plastic_network(sizes=(8 if form == "channels" else 4, 5, 3), steps=9))
    inside, encoder = compose(network, 2, 0), DeltaEncoder(threshold=threshold, signal=signal, form=form, name="delta")
    encoder.s_out.connect(inside.entries[0].s_in)
    with pytest.raises(error, match=text):
        received(inside.output, 18, ChipSimCfg())
    assert not multiprocessing.active_children()
