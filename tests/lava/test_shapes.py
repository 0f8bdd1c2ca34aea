# SPDX-License-Identifier: BSD-3-Clause
"""Neurons and encoders with several axes, as Lava's LIF has them: beside Lava's own, and beside a row of neurons."""

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.utils.serialization import load, save

import synergic as sy
from synergic.data import Rate
from synergic.errors import ParameterError
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.processes import (
    DeltaEncoder,
    Encoder,
    HybridConv,
    HybridDense,
    HybridLIF,
    HybridNeuron,
    HybridSimCfg,
    RankReadout,
    running,
)

pytestmark = pytest.mark.alone

SIDES, N_IN, STEPS = (4, 5), 6, 30
KINDS = pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
RNG = np.random.default_rng(4)
SPIKES = (RNG.random((N_IN, STEPS)) < 0.4).astype(int)
WEIGHTS = 2 * RNG.integers(-20, 40, (20, N_IN))
BIAS = RNG.integers(-3, 4, SIDES)


def run(head, config, steps=STEPS):
    head.run(condition=RunSteps(num_steps=steps), run_cfg=config)


@KINDS
def test_a_grid_of_neurons_is_lavas(integer):
    """Ports, a Monitor of a Var, a bias with a value a neuron, and spikes: those of Lava's LIF behind Lava's Dense."""
    if integer:
        lif = LIF(shape=SIDES, du=4095, dv=0, vth=90, bias_mant=BIAS, bias_exp=6)
        ours = HybridLIF(shape=SIDES, vth=90 << 6, decay=4096, bias=BIAS << 6, reset="zero", record=STEPS)
    else:
        lif = LIF(shape=SIDES, du=1, dv=0.2, vth=90, bias_mant=BIAS)
        ours = HybridLIF(shape=SIDES, vth=90.0, decay=1 - 0.2, bias=BIAS, reset="zero", record=STEPS)
    weights = WEIGHTS if integer else WEIGHTS.astype(float)
    source, dense, hybrid = Source(data=SPIKES), Dense(weights=weights), HybridDense(weights=weights)
    sink, monitors = Sink(shape=SIDES, buffer=STEPS), [Monitor() for _ in range(3)]
    for monitor, probed in zip(monitors, (lif.s_out, lif.v, ours.u), strict=True):
        monitor.probe(probed, STEPS)
    for connection, neurons in ((dense, lif), (hybrid, ours)):
        source.s_out.connect(connection.s_in)
        connection.a_out.reshape(SIDES).connect(neurons.a_in)
    ours.s_out.connect(sink.a_in)
    with running(ours):
        run(ours, Loihi2SimCfg(select_tag="fixed_pt" if integer else "floating_pt"))
        s, v, u = (next(iter(next(iter(m.get_data().values())).values())) for m in monitors)
        assert s.shape == (STEPS, *SIDES)
        assert 0 < s.mean() < 1
        assert np.array_equal(ours.s_record.get(), s)
        assert np.array_equal(np.moveaxis(sink.data.get(), -1, 0), s)
        assert np.array_equal(u, v)
        assert np.array_equal(ours.u.get(), v[-1])
        assert ours.bias.get().shape == SIDES


def plastic(kind, sides, integer):
    """A plastic connection, its neurons and a read-out's record: (graph's head, connection, record's Var)."""
    rng = np.random.default_rng(7)
    weights = rng.integers(-60, 100, (20, N_IN))
    projection = sy.Projection("w", "in", "out", weights / 100, sy.Hebbian(0.05, 0.1), 0.3)
    neuron = sy.CurrentLIF(0.5) if kind == "current" else sy.AdaptiveLIF(0.1, 0.9) if kind == "adaptive" else sy.LIF()
    homeostasis = sy.Homeostasis(target=0.3, rate=0.2) if kind == "homeostatic" else None
    population = sy.Population("out", 20, 0.8, 0.5, "zero", 0.01 * np.arange(20), neuron, homeostasis)
    network = sy.Network(sy.Source("in", N_IN), (population,), (projection,), "out", 10)
    network = sy.quantise(network) if integer else network
    p, q = network.populations[0], network.projections[0]
    dense = HybridDense.from_description(q, p, network.k_of(q), onset=1, period=10)
    given = {
        "vth": p.vth,
        "decay": p.decay,
        "bias": p.bias.reshape(sides),
        "reset": p.reset,
        "homeostasis": p.homeostasis,
    }
    given |= {"onset": 1, "period": 10, "record": STEPS, "name": "out"}
    if kind in ("current", "adaptive"):
        neurons = HybridNeuron(shape=sides, neuron=p.neuron, **given)
    else:
        neurons = HybridLIF(shape=sides, **given)
    source = Source(data=SPIKES)
    source.s_out.connect(dense.s_in)
    dense.a_out.reshape(sides).connect(neurons.a_in)
    neurons.u_out.flatten().connect(dense.u_in)
    return neurons, dense


@pytest.mark.one_in(5)
@pytest.mark.parametrize("kind", ["plain", "homeostatic", "current", "adaptive"])
@pytest.mark.parametrize("config", ["float", "fixed", "chip"])
def test_a_grid_computes_what_a_row_does(kind, config):
    """Local weights, homeostasis, the neuron's own arrays, and both numerics; also on the model of a chip."""
    found = []
    for sides in ((20,), (2, 5, 2)):
        neurons, dense = plastic(kind, sides, config != "float")
        with running(neurons):
            run(neurons, ChipSimCfg("tianjic") if config == "chip" else HybridSimCfg())
            found.append([
                dense.local_weights.get(), neurons.s_record.get().reshape(STEPS, 20),
                neurons.u_record.get().reshape(STEPS, 20), neurons.homeostatic_record.get().ravel(),
                *(v.get().ravel() for v in getattr(neurons, "state", {}).values()),
            ])  # fmt: skip
            assert neurons.u.get().shape == sides
            assert all(v.get().shape == sides for v in getattr(neurons, "state", {}).values())
    assert found[0][1].any()
    assert found[0][0].any()
    for row, grid in zip(*found, strict=True):
        assert np.array_equal(row, grid)


def test_a_grid_on_two_soma_cores():
    """300 neurons in 20 rows of 15, with a bias each and a homeostasis: cut where a row of 300 is cut."""
    found = []
    bias = np.random.default_rng(5).integers(0, 900, 300)
    for sides in ((300,), (20, 15)):
        rule = sy.Homeostasis(target=0.1, rate=0.5).quantise("out", 100.0, 3000, 5)
        lif = HybridLIF(
            shape=sides, vth=3000, decay=3500, bias=bias.reshape(sides), record=30, period=5, homeostasis=rule
        )
        config = ChipSimCfg("tianjic")
        with running(lif):
            run(lif, config)
            found.append((lif.s_record.get().ravel(), lif.u_record.get().ravel(), lif.homeostatic_bias.get().ravel()))
        assert len(list(config.mapped().soma_cores(lif.name))) > 1
    assert found[0][0].any()
    assert all(np.array_equal(*pair) for pair in zip(*found, strict=True))


@KINDS
def test_a_convolution_connects_to_neurons_of_its_shape(integer):
    """HybridConv and a grid of HybridLIF without a reshape, as Lava's Conv and LIF."""
    rng = np.random.default_rng(3)
    weight = 2 * rng.integers(-20, 30, (2, 3, 3, 1))
    weight = weight if integer else weight.astype(float)
    source, conv = (
        Source(data=(rng.random((6, 5, 1, STEPS)) < 0.4).astype(int)),
        Conv(weight=weight, input_shape=(6, 5, 1)),
    )
    hybrid = HybridConv(weight=weight, input_shape=(6, 5, 1))
    if integer:
        lif = LIF(shape=conv.output_shape, du=4095, dv=0, vth=60)
        ours = HybridLIF(shape=hybrid.output_shape, vth=60 << 6, decay=4096, reset="zero", record=STEPS)
    else:
        lif = LIF(shape=conv.output_shape, du=1, dv=0.3, vth=60)
        ours = HybridLIF(shape=hybrid.output_shape, vth=60.0, decay=0.7, reset="zero", record=STEPS)
    sink = Sink(shape=conv.output_shape, buffer=STEPS)
    for connection, neurons in ((conv, lif), (hybrid, ours)):
        source.s_out.connect(connection.s_in)
        connection.a_out.connect(neurons.a_in)
    lif.s_out.connect(sink.a_in)
    with running(ours):
        run(ours, Loihi2SimCfg(select_tag="fixed_pt" if integer else "floating_pt"))
        spikes = np.moveaxis(sink.data.get(), -1, 0)
        assert 0 < spikes.mean() < 1
        assert np.array_equal(ours.s_record.get(), spikes)


def test_lavas_save_and_load_keep_the_shape(tmp_path):
    lif = HybridLIF(shape=SIDES, vth=5.0, decay=1.0, bias=1.0)
    save([lif], str(tmp_path / "saved"))
    (again,), _ = load(str(tmp_path / "saved.pickle"))
    with running(again):
        run(again, HybridSimCfg(), steps=4)
        assert np.array_equal(again.u.get(), np.full(SIDES, 4.0))


@KINDS
def test_encoders_have_several_axes(integer):
    """Images as they are: what a row of the same values sends, in the image's shape."""
    values = RNG.integers(0, 256, (3, *SIDES)) if integer else RNG.random((3, *SIDES))
    cfg = Loihi2SimCfg(select_tag="fixed_pt" if integer else "floating_pt")
    encoder = Encoder(code=Rate(), values=values, period=5)
    sink = Sink(shape=SIDES, buffer=15)
    encoder.s_out.connect(sink.a_in)
    with running(encoder):
        run(encoder, cfg, 15)
        sent = np.moveaxis(sink.data.get(), -1, 0)
    assert np.array_equal(sent.reshape(3, 5, 20), Rate().encode(values.reshape(3, 20), 5))
    source, encoder = Source(data=np.repeat(values.transpose(1, 2, 0), 5, -1)), Encoder(code=Rate(), n=SIDES, period=5)
    fused = Sink(shape=SIDES, buffer=15)
    source.s_out.connect(encoder.a_in)
    encoder.s_out.connect(fused.a_in)
    with running(encoder):
        run(encoder, cfg, 15)
        assert np.array_equal(np.moveaxis(fused.data.get(), -1, 0), sent)


@pytest.mark.parametrize("form", ["channels", "signed", "graded"])
def test_changes_of_an_image_have_its_axes(form):
    """The numbers of a row of the same values, (2, *sides) of channels, step by step and at once."""
    signal = RNG.integers(-9, 10, (2, 5, *SIDES)).cumsum(1)
    found = {}
    for name, given, at_once in (
        ("row", signal.reshape(2, 5, 20), False),
        ("grid", signal, False),
        ("once", signal, True),
    ):
        encoder = DeltaEncoder(threshold=3, form=form, signal=given, at_once=at_once)
        sink = Sink(shape=encoder.s_out.shape, buffer=2 if at_once else 10)
        encoder.s_out.connect(sink.a_in)
        with running(encoder):
            run(encoder, HybridSimCfg(), 2 if at_once else 10)
            found[name] = np.moveaxis(sink.data.get(), -1, 0)
    sides = (2, *SIDES) if form == "channels" else SIDES
    assert found["grid"].shape == (10, *sides)
    assert found["once"].shape == (2, 5, *sides)
    assert found["row"].any()
    assert all(np.array_equal(v.ravel(), found["row"].ravel()) for v in found.values())


def test_a_read_out_behind_a_grid():
    """Classes are counted along the row of the grid's neurons."""
    lif = HybridLIF(
        shape=(2, 3), vth=9.0, decay=1.0, bias=[[0.1, 0.2, 0.3], [0.9, 0.5, 0.4]], period=4, presentations=1
    )
    readout = RankReadout(vth=9.0, n=6, period=4, presentations=1)
    lif.u_out.flatten().connect(readout.u_in)
    with running(lif):
        run(lif, HybridSimCfg(), steps=4)
        assert readout.classes.get() == [3]


@pytest.mark.parametrize("shape", [(), (4, 0), (2, 2.5), "45", 20, (2**20, 2**20)])
def test_shapes_that_are_none(shape):
    with pytest.raises(ParameterError, match=r"HybridLIF\.(shape|size)|values"):
        HybridLIF(shape=shape)


def test_a_bias_of_another_shape():
    for bias in (np.zeros(20), np.zeros((5, 4)), [[1, 2], [3]], "x"):
        with pytest.raises(ParameterError, match=r"HybridLIF\.bias"):
            HybridLIF(shape=SIDES, bias=bias)
