# SPDX-License-Identifier: BSD-3-Clause
"""docs/lava.md: HybridNeuron beside Lava's LIF with a current, in one graph, and its variables during a run."""

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFRefractory
from lava.proc.monitor.process import Monitor

import synergic as sy
from synergic.errors import ParameterError, UnsupportedError
from synergic.processes import FusedNetwork, HybridDense, HybridLIF, HybridNeuron, RateReadout, running

pytestmark = pytest.mark.alone

STEPS, N_IN, N = 40, 8, 6


def run(head, integer, steps=STEPS):
    """Steps under Lava's own configuration."""
    head.run(
        condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt" if integer else "floating_pt")
    )


def beside(integer, du, dv, vth, bias, rest=None, kind=sy.CurrentLIF):
    """The same spikes through Lava's Dense and LIF, and through ours: ((s, v), (s, u)), v and u after the reset.

    du, dv : Lava's registers, of 4096 for integers, where Lava adds 1 to du. vth, bias : in units of the weights.
    """
    rng = np.random.default_rng(2)
    source = Source(data=(rng.random((N_IN, STEPS)) < 0.4).astype(int))
    if integer:
        weights = 2 * rng.integers(-20, 40, (N, N_IN))  # Lava keeps mixed weights even
        lif = LIF(shape=(N,), du=du, dv=dv, vth=vth, bias_mant=bias, bias_exp=6)
        neuron = kind(np.array(4095 - du), integer=True)
        ours = HybridNeuron(
            shape=(N,), neuron=neuron, vth=vth << 6, decay=4096 - dv, bias=bias << 6, reset="zero", record=STEPS
        )
    else:
        weights = rng.normal(0.1, 0.3, (N, N_IN))
        given = {"shape": (N,), "du": du, "dv": dv, "vth": vth, "bias_mant": bias}
        lif = LIFRefractory(**given, refractory_period=rest) if rest else LIF(**given)
        neuron = sy.RefractoryLIF(rest, 1 - du) if rest else sy.CurrentLIF(1 - du)
        ours = HybridNeuron(shape=(N,), neuron=neuron, vth=vth, decay=1 - dv, bias=bias, reset="zero", record=STEPS)
    dense, hybrid = Dense(weights=weights), HybridDense(weights=weights)
    monitors = {"s_out": Monitor(), "v": Monitor()}
    for name, monitor in monitors.items():
        monitor.probe(getattr(lif, name), STEPS)
    source.s_out.connect(dense.s_in)
    source.s_out.connect(hybrid.s_in)
    dense.a_out.connect(lif.a_in)
    hybrid.a_out.connect(ours.a_in)
    with running(ours):
        run(ours, integer)
        lavas = [monitor.get_data()[lif.name][name] for name, monitor in monitors.items()]
        s, u = ours.s_record.get(), ours.u_record.get()
    return lavas, (s, np.where(s, 0, u))


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("du", "dv"), [(0.0, 0.25), (0.3, 0.1), (0.75, 1.0), (1.0, 0.5)])
def test_a_current_is_lavas_in_floating_point(du, dv):
    (s, v), (ours, u) = beside(False, du, dv, vth=1.5, bias=0.05)
    assert np.array_equal(s, ours)
    assert np.array_equal(v, u)
    assert 0 < s.mean() < 1


@pytest.mark.one_in(2)
@pytest.mark.parametrize(("du", "dv"), [(4095, 415), (900, 60), (0, 4096), (2000, 2000)])
def test_integers_round_as_lavas_with_the_neuron_of_loihi(du, dv):
    (s, v), (ours, u) = beside(True, du, dv, vth=150, bias=3, kind=sy.LoihiLIF)
    assert np.array_equal(s, ours)
    assert np.array_equal(v, u)
    assert 0 < s.mean() < 1


@pytest.mark.one_in(2)
@pytest.mark.parametrize(("du", "dv", "rest"), [(1.0, 0.0, 1), (0.3, 0.1, 2), (0.75, 0.25, 5)])
def test_a_refractory_period_is_lavas(du, dv, rest):
    """LIFRefractory has no model for integers; ours are compared with the reference by tests/conformance."""
    (s, v), (ours, u) = beside(False, du, dv, vth=1.0, bias=0.05, rest=rest)
    assert np.array_equal(s, ours)
    assert np.array_equal(v, u)
    assert 0 < s.mean() < 1 / rest
    for row in s.T.astype(int):
        assert np.diff(np.flatnonzero(row)).min(initial=STEPS) > rest  # no neuron fires in its rest


def test_a_current_is_lavas_bit_for_bit_where_nothing_is_rounded():
    (s, v), (ours, u) = beside(True, 4095, 0, vth=150, bias=3)
    assert np.array_equal(s, ours)
    assert np.array_equal(v, u)
    assert 0 < s.mean() < 1


def test_leaky_integers_differ_by_rounding_alone():
    # Lava cuts towards zero, we round half up: the current is off by less than 4096 / (du + 1) units, and adds that to
    # the potential's own less than 1 in each of the steps that it remembers, 4096 / dv in all.
    du, dv = 700, 600
    (s, v), (ours, u) = beside(True, du, dv, vth=10**5, bias=3)
    assert not s.any()
    assert not ours.any()
    assert 0 < np.abs(v - u).max() <= (4096 / (du + 1) + 1) * 4096 / dv
    assert np.abs(v).max() > 5000


def test_variables_are_read_and_set_during_a_run():
    source = Source(data=np.ones((1, 1), int))
    dense = HybridDense(weights=[[1.0]])
    neuron = HybridNeuron(shape=(1,), neuron=sy.CurrentLIF(0.5), vth=100.0, decay=0.0, record=7)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(neuron.a_in)
    with running(neuron):
        run(neuron, False, 4)
        assert neuron.state["current"].get().tolist() == [1.75]  # 1, 1.5, 1.75 from the second step on
        neuron.theta["decay_i"].set(0.0)
        run(neuron, False, 2)
        neuron.bias.set([5.0])
        run(neuron, False, 1)
        assert neuron.u_record.get().ravel().tolist() == [0.0, 1.0, 1.5, 1.75, 1.0, 1.0, 6.0]
    with pytest.raises(ParameterError, match=r"theta\['decay_i'\]: got \[2.\], allowed 0 to 1"):
        neuron.theta["decay_i"].set(2.0)


def values_between(bits, integer=True):
    """ReLU neurons into a connection that expects spikes or values."""
    given = {"weights": np.ones((1, 2), int)} if integer else {"weights": np.ones((1, 2))}
    relu = sy.ReLU(integer=integer)
    front = HybridNeuron(shape=(2,), neuron=relu, vth=64 if integer else 1.0, bias=[32, 64] if integer else [0.5, 1.0])
    dense = HybridDense(**given, num_message_bits=bits, name="dense")
    shift = 6 + bits
    out = HybridLIF(shape=(1,), vth=900 if integer else 9.0, decay=0 if integer else 0.0, record=3,
                    **({"accumulator_shift": shift} if integer else {}))  # fmt: skip
    front.s_out.connect(dense.s_in)
    dense.a_out.connect(out.a_in)
    return out


def test_values_go_through_a_graph_and_are_refused_as_spikes():
    for integer, want in ((True, 96), (False, 1.5)):  # (128 + 255) 2^12 / 2^14 = 95.75
        out = values_between(8, integer)
        with running(out):
            run(out, integer, 3)
            assert out.u_record.get().ravel().tolist() == [0, want, want]
    out = values_between(0)
    with pytest.raises(ParameterError, match=r"dense.num_message_bits: got 0, allowed 8"), running(out):
        run(out, True, 1)


def test_a_rate_of_values_is_refused_on_the_machine():
    front = HybridNeuron(shape=(2,), neuron=sy.ReLU(), vth=1.0, name="front")
    readout = RateReadout(n=2, period=3, presentations=1, name="rate")
    front.s_out.connect(readout.s_in)
    front.u_out.connect(readout.u_in)
    with pytest.raises(UnsupportedError, match=r"rate.s_in: got values from front, allowed spikes"), running(front):
        run(front, False, 1)


def test_the_plain_process_is_not_given_another_neuron():
    with pytest.raises(UnsupportedError, match=r"HybridLIF: got CurrentLIF in p, allowed leaky.*Use HybridNeuron"):
        HybridLIF.from_description(sy.Population("p", 1, 1.0, 0.5, neuron=sy.CurrentLIF()))
    with pytest.raises(ParameterError, match=r"lif.neuron: got None of type NoneType, allowed Neuron. Leaky"):
        HybridNeuron(shape=(1,), neuron=None, vth=1.0, name="lif")


def test_a_hybrid_network_as_one_process_is_the_composed_one():
    rng = np.random.default_rng(1)
    populations = (
        sy.Population("front", 5, 1.0, 0.0, neuron=sy.ReLU()),
        sy.Population("hidden", 4, 0.5, 0.5, neuron=sy.AdaptiveLIF(0.2, 0.8)),
        sy.Population("out", 2, 1.0, 0.0, neuron=sy.Table.of("sigmoid")),
    )
    ways = (
        sy.Projection("c1", "in", "front", rng.normal(0.2, 0.4, (5, 6))),
        sy.Projection("c2", "front", "hidden", rng.normal(0.2, 0.4, (4, 5)), sy.Hebbian(0.1, 0.1), 0.2),
        sy.Projection("c3", "hidden", "out", rng.normal(0, 1, (2, 4))),
    )
    net = sy.Network(sy.Source("in", 6, 8), populations, ways, "out", 5)
    inputs = rng.random((3, 5, 6))
    for network, given in ((net, inputs), (sy.quantise(net), sy.quantise(net).encode(inputs))):
        fused = FusedNetwork(network=network, record=3)
        source = Source(data=np.moveaxis(given, 0, -1))
        source.s_out.connect(fused.s_in)
        with running(fused):
            run(fused, network.integer, 3)
            record = fused.result(given)
        want = sy.simulate(network, given)
        for name in ("front", "hidden", "out"):
            assert np.allclose(record.spikes[name], want.spikes[name], rtol=1e-12, atol=1e-12)
            assert np.allclose(record.u[name], want.u[name], rtol=1e-12, atol=1e-12)
        assert np.allclose(record.local_weights["c2"], want.local_weights["c2"], rtol=1e-12, atol=1e-12)
