# SPDX-License-Identifier: BSD-3-Clause
"""Presentations whose local weights live on: a run cut anywhere gives the bits of the whole, in every executor."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lava.magma.core.run_conditions import RunSteps
from lava.proc.io.source import RingBuffer
from networks import plastic_network, random_spikes
from scipy.sparse import csc_matrix

import synergic as sy
from conformance.executors import EXECUTORS, FLOATS, assert_agree, conform, networks
from conformance.test_rules import RULES
from synergic.errors import ParameterError, UnsupportedError
from synergic.hw_targets.mapping import map_network
from synergic.hw_targets.simulation import Simulator, _simulator, simulate_on_chip
from synergic.models._plastic_connection import AbstractConnection
from synergic.network import load, save
from synergic.processes import FusedNetwork, Graph, HybridLIF, HybridSimCfg, HybridSparse, running
from synergic.reference import _simulate
from synergic.reference._simulate import write_streams

SLOW = {"deadline": None, "suppress_health_check": list(HealthCheck)}
pytestmark = pytest.mark.alone
SMALL = (1, 2, 3, 7, 20)


def streaming(memory=5, **more):
    """A network of two layers whose local weights live on."""
    return plastic_network(plasticity_scope="stream", memory=memory, **more)


@pytest.mark.parametrize("examples", [30, pytest.param(60, marks=pytest.mark.slow)])
def test_a_run_cut_anywhere_is_the_run(examples):
    settings(max_examples=examples, **SLOW)(given(networks(sizes=SMALL), st.data())(cut_anywhere))()


def cut_anywhere(case, data):
    """Each part starts from the network that the part before has left; on the chip also from call to call."""
    network, inputs = case
    assume(network.sequential and not network.source.num_message_bits)
    inputs = np.concatenate([inputs, np.roll(inputs, 1, axis=2), inputs[:1]])
    told = None
    if any(p.plastic and p.rule.signalled for p in network.projections):
        told = np.random.default_rng(0).integers(-4096, 4096, inputs.shape[:2])
    cut = data.draw(st.integers(1, len(inputs) - 1))
    integer = sy.quantise(network, local_bits=8, rounding=data.draw(st.sampled_from(["nearest", "stochastic"])))
    names, adapting = {p.name for p in network.streams}, [p.name for p in network.homeostatic]
    for run in (sy.simulate, lambda net, x, signal: simulate_on_chip(map_network(net), x, signal=signal)[0]):
        whole = run(integer, inputs, signal=told)
        first = run(integer, inputs[:cut], signal=None if told is None else told[:cut])
        rest = run(integer.continued(first), inputs[cut:], signal=None if told is None else told[cut:])
        for name in whole.u:
            assert np.array_equal(whole.u[name], np.concatenate([first.u[name], rest.u[name]]))
        for name in names:
            assert np.array_equal(whole.local_weights[name], rest.local_weights[name])
        for name in adapting:
            both = np.concatenate([first.homeostatic_bias[name], rest.homeostatic_bias[name]])
            assert np.array_equal(whole.homeostatic_bias[name], both)
    simulator = Simulator(map_network(integer))
    parts = [
        simulator.stream(inputs[at], None if told is None else told[at])[0] for at in (slice(cut), slice(cut, None))
    ]
    left = simulator.checkpoint()
    assert left.presented == len(inputs)
    for name in names:
        assert np.array_equal(whole.local_weights[name], parts[1].local_weights[name])
        continued = next(p for p in left.projections if p.name == name)
        assert np.array_equal(whole.local_weights[name][0], continued.local_weights)
    for name in adapting:
        assert np.array_equal(whole.homeostatic_bias[name][cut:], parts[1].homeostatic_bias[name])
        assert np.array_equal(whole.homeostatic_bias[name][-1], left.population(name).homeostasis.start)


@pytest.mark.parametrize("rounding", ["nearest", "stochastic"])
def test_a_checkpoint_in_a_file_goes_on_to_the_same_bits_in_every_executor(tmp_path, rounding):
    integer = sy.quantise(streaming(), local_bits=8, rounding=rounding, seed=3)
    inputs = random_spikes(integer, samples=9)
    whole = sy.simulate(integer, inputs)
    save(integer.continued(sy.simulate(integer, inputs[:4])), tmp_path / "half.h5")
    half = load(tmp_path / "half.h5")
    assert half.presented == 4
    for name in ("integers", "lava fixed", "chip", "chip in lava"):
        rest = EXECUTORS[name](half, inputs[4:], None)
        for p in integer.projections:
            assert np.array_equal(whole.local_weights[p.name], rest.local_weights[p.name]), name
            assert np.array_equal(whole.u[p.target][4:], rest.u[p.target]), name


def test_eight_bits_to_nearest_lose_what_stochastic_rounding_keeps():
    """Why stochastic rounding exists: with a long memory a change is smaller than the last bit."""
    net = streaming(memory=1000)
    inputs = random_spikes(net, samples=200)
    want = sy.simulate(net, inputs).local_weights["c0"]
    found = {}
    for rounding in ("nearest", "stochastic"):
        integer = sy.quantise(net, local_bits=8, rounding=rounding)
        scale = integer.projections[0].rule.scale
        found[rounding] = np.abs(sy.simulate(integer, inputs).local_weights["c0"] / scale - want).mean()
    assert found["stochastic"] < 0.5 * found["nearest"]


@pytest.mark.parametrize("integer", [False, True])
def test_the_fused_network_goes_on_from_run_to_run(integer):
    net = sy.quantise(streaming(), rounding="stochastic") if integer else streaming()
    inputs = random_spikes(net, samples=6)
    want = sy.simulate(net, inputs)
    source = RingBuffer(data=np.moveaxis(inputs, 0, -1))
    fused = FusedNetwork(network=net, record=6)
    source.s_out.connect(fused.s_in)
    with running(fused):
        for n in (1, 3, 2):
            fused.run(condition=RunSteps(num_steps=n), run_cfg=HybridSimCfg("fixed_pt" if integer else "floating_pt"))
        assert_agree(want, fused.result(inputs), 0 if integer else 1e-9, "fused")


@pytest.mark.parametrize("name", ["Hebbian", "Oja", "BCM", "PairSTDP"])
@pytest.mark.parametrize("integer", [False, True])
def test_chosen_synapses_stream_as_the_matrix_they_are_part_of(name, integer):
    """HybridSparse against `simulate` of a full matrix whose mask has the same synapses."""
    rng = np.random.default_rng(4)
    mask = (rng.random((4, 6)) < 0.5).astype(int)
    mask[0, 0] = 1
    rule = dataclasses.replace(RULES[name], mask=mask)
    projection = sy.Projection(
        "c", "in", "out", rng.normal(0, 1, (4, 6)) * mask, rule, 0.3, plasticity_scope="stream", memory=3
    )
    net = sy.Network(sy.Source("in", 6), (sy.Population("out", 4, 0.5, 0.5),), (projection,), "out", 5)
    net = sy.quantise(net, rounding="stochastic", local_bits=10) if integer else net
    inputs = random_spikes(net, samples=4)
    want = sy.simulate(net, inputs)
    q, p = net.projections[0], net.populations[0]
    rows, columns = np.nonzero(mask.T)[::-1]
    weights = csc_matrix((q.weights[rows, columns], (rows, columns)), shape=mask.shape)
    own = {"rounding": q.rounding, "seed": q.seed} if integer else {}
    sparse = HybridSparse(
        weights=weights, rule=q.rule, alpha=q.alpha, plasticity_scope="stream", memory=3, vth=p.vth, onset=1, period=5,
        k=net.k, **own,
    )  # fmt: skip
    lif = HybridLIF.from_description(p, onset=1, period=5)
    source = RingBuffer(data=inputs.reshape(-1, 6).T)
    source.s_out.connect(sparse.s_in)
    sparse.a_out.connect(lif.a_in)
    lif.u_out.connect(sparse.u_in)
    sparse_cfg = HybridSimCfg("fixed_pt" if integer else "floating_pt")
    with running(sparse):
        sparse.run(condition=RunSteps(num_steps=4 * 5 + 1), run_cfg=sparse_cfg)
        got = np.asarray(sparse.local_weights.get().todense())
    np.testing.assert_allclose(got, want.local_weights["c"][0], atol=0 if integer else 1e-9)


def test_local_weights_of_a_stream_are_read_and_set_between_two_runs():
    net = sy.quantise(streaming(memory=2))
    inputs = random_spikes(net, samples=3)
    graph = Graph(net, inputs)
    dense = graph.projections["c0"]
    with running(dense):
        cfg = HybridSimCfg("fixed_pt")
        dense.run(condition=RunSteps(num_steps=net.steps + 1), run_cfg=cfg)
        after_one = sy.simulate(net, inputs[:1])
        assert np.array_equal(dense.local_weights.get(), after_one.local_weights["c0"][0])
        dense.local_weights.set(dense.local_start.get())
        dense.run(condition=RunSteps(num_steps=net.steps), run_cfg=cfg)
        anew = sy.simulate(net, inputs[1:2])
        assert np.array_equal(dense.local_weights.get(), anew.local_weights["c0"][0])


def test_streams_with_per_sample_weights_beside_them():
    net = streaming()
    mixed = dataclasses.replace(
        net, projections=(net.projections[0], dataclasses.replace(net.projections[1], plasticity_scope="per_sample"))
    )
    records = conform(mixed, random_spikes(mixed, samples=4), more=("chip in lava",))
    assert records["chip"].local_weights["c0"].shape[0] == 1
    assert records["chip"].local_weights["c1"].shape[0] == 4


def off_by_one(write):
    """The write of a Lava model, which leaves every local weight too large."""

    def wrong(self, words):
        clipped = write(self, words)
        self.local[...] += 1 if self.integer else 1e-6
        return clipped

    return wrong


def on_the_chip(wrong):
    """The chip's write, changed: wrong(write, state, arguments)."""
    write = _simulator.write_tiles
    return lambda tiles, net, order, state, *rest: wrong(lambda *a: write(tiles, net, order, *a), state, *rest)


def late(write, state, signal, presentation):
    write(state, signal, presentation + 1)


def uncounted(write, state, signal, presentation):
    before = state.clipped.copy()
    write(state, signal, presentation)
    state.clipped[...] = before


def unlike(write, state, signal, presentation):
    write(state, signal, presentation)
    state.local[...] ^= 1


def in_the_reference(network, record, signal, presentation):
    """The reference's write, which forgets one unit of each local weight."""
    write_streams(network, record, signal, presentation)
    for q in network.streams:
        record.local_weights[q.name] = record.local_weights[q.name] - (1 if network.integer else 1e-6)


PLANTED = {
    "reference": (_simulate, "write_streams", in_the_reference),
    "lava": (AbstractConnection, "write", off_by_one(AbstractConnection.write)),
    "chip: another word of the register": (_simulator, "write_tiles", on_the_chip(late)),
    "chip: bounds not counted": (_simulator, "write_tiles", on_the_chip(uncounted)),
    "chip: another bit": (_simulator, "write_tiles", on_the_chip(unlike)),
    "chip: nothing written": (_simulator, "write_tiles", lambda *given: None),
}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("error", [None, *PLANTED])
def test_an_error_planted_in_the_write_of_any_executor_is_found(error, monkeypatch):
    network = streaming(memory=2, p_max=0.2)
    inputs = random_spikes(network, samples=3, rate=0.5)  # three: rounded by random words
    if error is None:  # the probe itself agrees, and meets its bound
        assert conform(network, inputs)["chip"].saturated["c0.P"] > 0
        return
    monkeypatch.setattr(*PLANTED[error])
    with pytest.raises(AssertionError):
        conform(network, inputs, among=FLOATS if error == "lava" else ("integers", "chip"))


def test_what_a_stream_cannot_be_combined_with_is_refused_by_name():
    net = sy.quantise(streaming())
    with pytest.raises(UnsupportedError, match="local_memory: got 'history' for c0"):
        Simulator(map_network(net), "history")
    with pytest.raises(UnsupportedError, match="stream: got a network without a stream"):
        Simulator(map_network(sy.quantise(plastic_network()))).stream(random_spikes(net))
    with pytest.raises(ParameterError, match="memory: got 0"):
        streaming(memory=0)
    with pytest.raises(ParameterError, match=r"Network.steps: got 32769, allowed 1 to 32768"):
        dataclasses.replace(streaming(), steps=2**15 + 1)
    oja = tuple(dataclasses.replace(p, rule=sy.Oja(0.1), memory=1) for p in streaming().projections)
    with pytest.raises(ParameterError, match=r"IntNetwork.steps: got 513, allowed 1 to 512. Raise the memory of c0"):
        sy.quantise(dataclasses.replace(streaming(), projections=(*oja,), steps=513))
    with pytest.raises(ParameterError, match=r"quantise.rounding: got 'up'"):
        sy.quantise(streaming(), rounding="up")
    with pytest.raises(ParameterError, match=r"continued.record: got no local weights of"):
        net.continued(sy.simulate(sy.quantise(plastic_network(sizes=(5, 3))), random_spikes(net)[:, :, :5]))
