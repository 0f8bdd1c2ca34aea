# SPDX-License-Identifier: BSD-3-Clause
"""Neurons: trajectories worked out by hand, what quantise makes of them, values inside a network, refusals."""

import dataclasses
import itertools
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from user_neuron import Draining

import synergic as sy
from synergic.errors import FormatError, ParameterError, UnsupportedError
from synergic.hw_targets.mapping import map_network
from synergic.hw_targets.simulation import Simulator, simulate_on_chip
from synergic.interchange import to_lava_dl
from synergic.network import load, save, split_by_spikes
from synergic.network._storage import seal
from synergic.neurons import after_reset
from synergic.numerics import fixed, floating
from synergic.reference import _metrics as metrics

ROOT = Path(__file__).parents[2]


def one(neuron, weight, spikes, vth=1.0, decay=0.5, **settings):
    """A network of one synapse and one neuron, and its input."""
    population = sy.Population("out", 1, vth, decay, neuron=neuron, **settings)
    projection = sy.Projection("c", "in", "out", [[weight]])
    net = sy.Network(sy.Source("in", 1), (population,), (projection,), "out", len(spikes))
    return net, np.array(spikes).reshape(1, -1, 1)


def run(net, inputs):
    """Potentials and what was sent, of the only neuron."""
    record = sy.simulate(net, inputs)
    return record.u["out"].ravel().tolist(), record.spikes["out"].ravel().tolist()


def test_a_current_by_hand():
    net, inputs = one(sy.CurrentLIF(0.5), 0.75, [1, 0, 0, 1, 0])
    # i = .75 .375 .1875 .84375 .421875; the spike at 1.125 leaves .125.
    assert run(net, inputs) == ([0.75, 0.75, 0.5625, 1.125, 0.484375], [0, 0, 0, 1, 0])
    # The weight is 127, hence 8128 at the membrane's scale and v_th 10837 (of 10837.3).
    assert run(sy.quantise(net), inputs) == ([8128, 8128, 6096, 12192, 678 + 4572], [0, 0, 0, 1, 0])


def test_a_refractory_period_by_hand():
    """The potential stays where the reset left it, two steps long; the current goes on."""
    net, inputs = one(sy.RefractoryLIF(2, 0.5), 0.75, [1, 0, 0, 1, 1, 1, 0, 0], reset="zero")
    # i = .75 .375 .1875 .84375 1.171875 1.3359375 .66796875 .333984375; u = i + u / 2, at rest in steps 5 and 6.
    u, s = run(net, inputs)
    assert u == [0.75, 0.75, 0.5625, 1.125, 0, 0, 0.66796875, 0.66796875]
    assert s == [0, 0, 0, 1, 0, 0, 0, 0]
    # Of 8128 a spike: i = 8128 4064 2032 9144 12700 14478 7239 3620 (half up), with 12 fraction bits of the factors.
    assert run(sy.quantise(net), inputs) == ([8128, 8128, 6096, 12192, 0, 0, 7239, 3620 + 3620], s)
    # Subtracted, what is left is v_th at most: a spike of 3.5 leaves 1, and does not fire again at rest.
    net, inputs = one(sy.RefractoryLIF(3), 3.5, [1, 1, 1, 1, 1, 0, 0])
    assert run(net, inputs) == ([3.5, 1, 1, 1, 4, 1, 1], [1, 0, 0, 0, 1, 0, 0])
    net, inputs = one(sy.RefractoryLIF(1), 1.25, [1, 1, 1])
    assert run(net, inputs) == ([1.25, 0.25, 1.375], [1, 0, 1])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans())
def test_no_neuron_fires_in_its_refractory_period_and_u_stays(seed, period, integer):
    """And until the first spike it is CurrentLIF."""
    rng = np.random.default_rng(seed)
    reset = str(rng.choice(["subtract", "zero"]))
    net = sy.Network(
        sy.Source("in", 4),
        (sy.Population("out", 5, 0.5, rng.uniform(), reset, rng.uniform(-0.1, 0.6, 5), sy.RefractoryLIF(period, 0.5)),),
        (sy.Projection("c", "in", "out", rng.normal(0, 1, (5, 4))),),
        "out",
        30,
    )
    other = dataclasses.replace(net.populations[0], neuron=sy.CurrentLIF(0.5))
    plain = dataclasses.replace(net, populations=(other,))
    if integer:
        net, plain = sy.quantise(net), sy.quantise(plain)
    inputs = (rng.random((1, 30, 4)) < 0.5).astype(int)
    record, before = sy.simulate(net, inputs), sy.simulate(plain, inputs)
    for i in range(5):
        u, fired = record.u["out"][0, :, i], np.flatnonzero(record.spikes["out"][0, :, i])
        first = fired[0] + 1 if fired.size else 30
        assert np.allclose(u[:first], before.u["out"][0, :first, i], rtol=1e-12, atol=1e-12)
        assert np.diff(fired).min(initial=99) > period
        for at in fired:
            assert len(set(u[at + 1 : at + 1 + period])) <= 1


def test_an_adaptive_threshold_by_hand():
    net, inputs = one(sy.AdaptiveLIF(0.5, 0.5), 0.8, [1] * 6, decay=1.0)
    # v = .8 1.6 1.4 2.2 1.75 .925 against 1 + h, h = 0 0 .5 .25 .625 .8125; recorded is v - h.
    u, s = run(net, inputs)
    assert np.allclose(u, [0.8, 1.6, 0.9, 1.95, 1.125, 0.1125], rtol=0, atol=1e-15)
    assert s == [0, 1, 0, 1, 1, 0]
    whole, fired = run(sy.quantise(net), inputs)
    assert fired == s
    assert np.allclose(np.array(whole) / sy.quantise(net).populations[0].scale, u, rtol=0, atol=1e-3)


def test_an_adaptive_threshold_that_resets_to_zero():
    net, inputs = one(sy.AdaptiveLIF(0.5, 0.5), 0.8, [1] * 4, decay=1.0, reset="zero")
    u, s = run(net, inputs)  # v = .8 1.6 .8 1.6, h = 0 0 .5 .25
    assert np.allclose(u, [0.8, 1.6, 0.3, 1.35], rtol=0, atol=1e-15)
    assert s == [0, 1, 0, 1]


def test_a_rectified_sum_by_hand():
    net = sy.Network(
        sy.Source("in", 3),
        (sy.Population("out", 2, 2.0, 0.0, bias=[0.0, 0.5], neuron=sy.ReLU()),),
        (sy.Projection("c", "in", "out", [[1.0, 2.0, -1.0], [0.5, 0.5, 3.0]]),),
        "out",
        3,
    )
    inputs = np.array([[[1, 0, 0], [1, 1, 0], [0, 0, 1]]])
    record = sy.simulate(net, inputs)
    assert record.u["out"][0].tolist() == [[1.0, 1.0], [3.0, 1.5], [-1.0, 3.5]]  # nothing is kept from step to step
    assert record.spikes["out"][0].tolist() == [[0.5, 0.5], [1.0, 0.75], [0.0, 1.0]]
    values = sy.simulate(sy.quantise(net), inputs).spikes["out"][0]
    assert np.abs(values - [[127.5, 127.5], [255, 191.25], [0, 255]]).max() <= 3  # weights have 8 bits
    assert values.min() == 0
    assert values.max() == 255


@given(st.integers(1, 2**23 - 2), st.integers(-(2**23), 2**23 - 1))
@settings(max_examples=200, deadline=None)
def test_integer_values_are_the_real_ones_to_half_a_unit(vth, u):
    p = sy.quantise(one(sy.ReLU(), 1.0, [1], decay=0.0)[0]).populations[0]
    p = dataclasses.replace(p, vth=vth, bias=np.array([u]))
    none = np.zeros(1, np.int64)
    _, sent, _, _, _ = p.neuron.update(none, {}, none, p, {})
    # One rounding to a unit of 255, one of x to 12 bits, and v_th's own 32-bit inverse.
    assert abs(int(sent[0]) - min(max(255 * u / vth, 0), 255)) <= 0.54
    table = sy.Table.of("tanh").quantise("t", 1.0)
    _, sent, _, _, _ = table.update(none, {}, none, p, table.values)
    assert abs(int(sent[0]) - 255 * max(np.tanh(np.clip(u / vth, -4, 4)), 0)) <= 255 / 32


def test_a_table_is_its_function_in_the_middle_of_an_entry_and_the_host_s_softmax():
    x = np.array([-9.0, -0.51, -0.01, 0.01, 0.6, 3.99, 50.0])
    weights = np.array([x * 2]).T  # v_th is 2
    populations = [
        sy.Population(name, x.size, 2.0, 0.0, neuron=sy.Table.of(name)) for name in ("sigmoid", "tanh", "exp")
    ]
    ways = tuple(sy.Projection(f"c{i}", "in", p.name, weights) for i, p in enumerate(populations))
    net = sy.Network(sy.Source("in", 1), tuple(populations), ways, "exp", 1)
    record = sy.simulate(net, np.ones((1, 1, 1), int))
    middle = (np.clip(np.floor(32 * x), -128, 127) + 0.5) / 32
    assert np.allclose(record.spikes["sigmoid"][0, 0], expit(middle), rtol=1e-12)
    assert np.allclose(record.spikes["tanh"][0, 0], np.maximum(np.tanh(middle), 0), rtol=1e-12)
    values = record.spikes["exp"][0, 0]
    assert np.allclose(values / values.sum(), softmax(middle), rtol=1e-12)


def test_the_order_of_a_sum_does_not_choose_the_entry_of_a_table():
    # 0 in exact numbers, where a step of the table is; the last one is below it.
    currents = np.array([0.1 + 0.2 - 0.3, 0.3 - 0.2 - 0.1, 0.3 - (0.2 + 0.1), -1e-6])
    assert currents[1] < 0 < currents[0]
    p = sy.Population("out", 4, 1.0, 0.0, neuron=sy.Table(np.arange(256) / 255))
    none = np.zeros(4)
    sent = p.neuron.update(none, {}, currents, p, p.neuron.values)[1]
    assert np.array_equal(np.round(255 * sent), [128, 128, 128, 127])


def hybrid(neuron=None, readout="rank"):
    """Real-valued source -> ReLU -> plastic neurons -> read-out by a table."""
    rng = np.random.default_rng(3)
    populations = (
        sy.Population("front", 9, 1.0, 0.0, neuron=sy.ReLU()),
        sy.Population("hidden", 7, 0.5, 0.5, neuron=neuron),
        sy.Population("out", 4, 1.0, 0.0, neuron=sy.Table.of("sigmoid")),
    )
    sizes = {"in": 12, "front": 9, "hidden": 7, "out": 4}
    rules = {"hidden": {"rule": sy.Hebbian(0.05, 0.1), "alpha": 0.3}}
    names = list(sizes)
    ways = tuple(
        sy.Projection(f"c{i}", a, b, rng.normal(0.2, 1 / np.sqrt(sizes[a]), (sizes[b], sizes[a])), **rules.get(b, {}))
        for i, (a, b) in enumerate(itertools.pairwise(names))
    )
    return sy.Network(sy.Source("in", 12, 8), populations, ways, "out", 8, readout)


def graded(net, samples=6):
    """Real-valued input."""
    return np.random.default_rng(4).random((samples, net.steps, net.source.size))


def test_values_begin_inside_a_network_and_keep_their_scale():
    net, whole = hybrid(), sy.quantise(hybrid())
    assert [p.num_message_bits for p in whole.projections] == [8, 8, 0]
    assert [p.accumulator_shift for p in whole.populations] == [14, 14, 6]
    real, integer = sy.simulate(net, graded(net)), sy.simulate(whole, whole.encode(graded(net)))
    for name, unit in (("front", 255), ("hidden", 1)):
        assert np.abs(real.spikes[name] - integer.spikes[name] / unit).mean() < 0.01
    assert np.abs(real.local_weights["c1"] * whole.projections[1].rule.scale - integer.local_weights["c1"]).max() < 400
    assert set(np.unique(integer.spikes["hidden"])) == {0, 1}
    assert len(np.unique(integer.spikes["front"])) > 20


def test_the_bound_of_partial_sums_knows_values():
    net = sy.quantise(one(sy.ReLU(), 1.0, [1], decay=0.0)[0])
    (p,) = net.projections
    # 66,000 inputs of 255 times 127 leave 31 bits; as spikes they do not.
    wide = dataclasses.replace(p, weights=np.full((1, 66_400), 127), num_message_bits=8)
    population = dataclasses.replace(net.populations[0], accumulator_shift=14)
    with pytest.raises(ParameterError, match=r"c.partial sum: got a possible 215\d+, allowed below 2147483648"):
        dataclasses.replace(
            net, source=sy.Source("in", 66_400, 8), populations=(population,), projections=(wide,)
        )  # fmt: skip
    with pytest.raises(ParameterError, match=r"c.num_message_bits: got 8, allowed 0"):
        dataclasses.replace(net, projections=(dataclasses.replace(p, num_message_bits=8),))
    with pytest.raises(ParameterError, match=r"out.accumulator_shift: got 14, allowed 6 behind in"):
        dataclasses.replace(net, populations=(population,))


def test_values_and_spikes_into_one_population_are_refused_whoever_sends_them():
    net = hybrid()
    more = sy.Projection("skip", "front", "out", np.ones((4, 9)))
    mixed = dataclasses.replace(net, projections=(*net.projections, more))
    sy.simulate(mixed, graded(net))  # real numbers have one scale
    with pytest.raises(UnsupportedError, match=r"out: got values by \['skip'\] and spikes by \['c2'\], allowed one"):
        sy.quantise(mixed)


def test_a_current_without_memory_is_the_plain_neuron():
    rng = np.random.default_rng(0)
    for reset in ("subtract", "zero"):
        population = sy.Population("out", 5, 0.7, 0.8, reset, rng.uniform(-0.1, 0.1, 5))
        way = sy.Projection("c", "in", "out", rng.normal(0, 0.6, (5, 20)))
        net = sy.Network(sy.Source("in", 20), (population,), (way,), "out", 12)
        other = dataclasses.replace(net, populations=(dataclasses.replace(population, neuron=sy.CurrentLIF(0.0)),))
        inputs = (rng.random((4, 12, 20)) < 0.3).astype(int)
        for a, b in ((net, other), (sy.quantise(net), sy.quantise(other))):
            want, got = sy.simulate(a, inputs), sy.simulate(b, inputs)
            assert np.array_equal(want.u["out"], got.u["out"])
            assert np.array_equal(want.spikes["out"], got.spikes["out"])
        assert want.spikes["out"].any()


@pytest.mark.parametrize("readout", ["rank", "rate"])
def test_read_outs_of_values(readout):
    net = hybrid(readout=readout)
    record = sy.simulate(net, graded(net))
    want = {"rank": record.u["out"][:, -1], "rate": record.spikes["out"].sum(axis=1)}[readout]
    assert np.array_equal(record.scores(net), want)


@pytest.mark.parametrize("neuron", [sy.CurrentLIF(0.7), sy.AdaptiveLIF(0.2, 0.8), Draining(0.1)])
@pytest.mark.parametrize("memory", ["matrix", "history"])
def test_both_forms_of_local_memory_learn_behind_any_neuron(neuron, memory):
    net = hybrid(neuron)
    # A history is one of spikes: the plastic neurons hear an integrating layer here.
    front = dataclasses.replace(net.populations[0], neuron=None)
    rule = sy.Hebbian(0.05, 0.1, lambda_=1.0, p_max=64.0)
    ways = (net.projections[0], dataclasses.replace(net.projections[1], rule=rule), *net.projections[2:])
    net = sy.quantise(dataclasses.replace(net, populations=(front, *net.populations[1:]), projections=ways))
    inputs = net.encode(graded(net))
    want = sy.simulate(net, inputs)
    got, _ = simulate_on_chip(map_network(net), inputs, local_memory=memory)
    for name in ("front", "hidden", "out"):
        assert np.array_equal(want.u[name], got.u[name])
    assert np.array_equal(want.local_weights["c1"], got.local_weights["c1"])
    assert want.local_weights["c1"].any()


@pytest.mark.parametrize("across", ["samples", "cores", "processes"])
def test_a_stream_of_samples_goes_on_learning_behind_any_neuron(across):
    net = hybrid(sy.AdaptiveLIF(0.2, 0.8)) if across == "samples" else hybrid()
    learning = [dataclasses.replace(p, plasticity_scope="stream", memory=2) for p in net.projections]
    net = sy.quantise(dataclasses.replace(net, projections=tuple(learning)))
    inputs = net.encode(graded(net))
    want = sy.simulate(net, inputs)
    got, _ = Simulator(map_network(net), across=across, threads=2).stream(inputs)
    assert np.array_equal(got.spikes["hidden"], want.spikes["hidden"])
    assert np.array_equal(got.local_weights["c1"], want.local_weights["c1"])


@pytest.mark.parametrize("across", ["cores", "processes"])
def test_neurons_that_send_values_run_across_threads_and_processes(across):
    net = sy.quantise(hybrid())
    inputs = net.encode(graded(net))
    want = sy.simulate(net, inputs)
    got, activity = simulate_on_chip(map_network(net), inputs, across=across, threads=2)
    assert np.array_equal(want.u["out"], got.u["out"])
    packets = sum(int(np.count_nonzero(want.spikes[p.name])) for p in net.populations)
    assert activity.spikes == packets


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"across": "cores"}, r"simulate_on_chip.across: got 'cores' for hidden, allowed 'samples' with AdaptiveLIF"),
        (
            {"faults": SimpleNamespace(packed=None)},
            r"simulate_on_chip.faults: got 'faults' for hidden, allowed None with AdaptiveLIF",
        ),
        ({"random_masks": {"hidden": 3}}, r"random_masks: got one for hidden, allowed none with AdaptiveLIF"),
        ({"random_masks": {"front": 3}}, r"random_masks: got one for front, allowed none with ReLU"),
    ],
)
def test_what_the_chip_s_simulator_cannot_do_is_refused_by_name(asked, text):
    net = sy.quantise(hybrid(sy.AdaptiveLIF()))
    with pytest.raises(UnsupportedError, match=text):
        simulate_on_chip(map_network(net), net.encode(graded(net)), **asked)


def test_every_neuron_survives_a_file(tmp_path):
    for neuron in (None, sy.CurrentLIF(np.linspace(0, 1, 7)), sy.AdaptiveLIF(), Draining(0.1)):
        for net in (hybrid(neuron), sy.quantise(hybrid(neuron))):
            inputs = net.encode(graded(net)) if net.integer else graded(net)
            save(net, tmp_path / "net")
            again = load(tmp_path / "net")
            assert type(again.populations[1].neuron) is type(net.populations[1].neuron)
            assert np.array_equal(sy.simulate(net, inputs).u["out"], sy.simulate(again, inputs).u["out"])


@pytest.mark.parametrize("absent", [True, False])
def test_files_of_before_have_plain_neurons(absent, tmp_path):
    """Version 0.1 wrote that a plain neuron is absent, and before that nothing."""
    net = one(None, 1.0, [1])[0]
    save(net, tmp_path / "net")
    with h5py.File(tmp_path / "net", "r+") as file:
        del file["network/populations/0/neuron"]
        if absent:
            file["network/populations/0"].attrs["neuron.absent"] = True
    seal(tmp_path / "net")
    assert isinstance(load(tmp_path / "net").populations[0].neuron, sy.neurons.LIF)


def test_a_file_with_an_unknown_neuron_is_refused(tmp_path):
    save(hybrid(sy.CurrentLIF()), tmp_path / "net")
    with h5py.File(tmp_path / "net", "r+") as file:
        file["network/populations/1/neuron"].attrs["type"] = "Strange"
    seal(tmp_path / "net")
    with pytest.raises(FormatError, match=r"unknown type 'Strange'.*Import the module that defines the rule or neuron"):
        load(tmp_path / "net")


def wrong(answer):
    """A neuron that returns nonsense; of a kind of its own, which files do not know."""
    step = staticmethod(lambda u, state, current, theta: answer(current, theta))
    made = type("Wrong", (sy.Neuron,), {"floating": step})
    del sy.Neuron.registry["Wrong"]
    return made()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda i, t: (i, i > t.vth + 1, i, {}), "other spikes, allowed u > v_th"),
        (lambda i, t: (i, i > t.vth, i, {"x": i}), r"state \['x'\], allowed \[\]"),
        (lambda i, t: (i, i > t.vth, i.astype(int), {}), r"what is left of u of"),
        (lambda i, t: (i[..., :1, None], i > t.vth, i, {}), r"u of"),
    ],
)
def test_what_a_neuron_s_function_must_not_return(answer, text):
    net, inputs = one(None, 1.5, [1, 1])
    population = dataclasses.replace(net.populations[0], neuron=wrong(answer))
    with pytest.raises(ParameterError, match=f"Wrong.floating: got {text}"):
        sy.simulate(dataclasses.replace(net, populations=(population,)), inputs)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: sy.CurrentLIF(1.5), r"CurrentLIF.decay_i: got \[1.5\], allowed \[0, 1\]"),
        (lambda: sy.CurrentLIF([[0.5]]), r"CurrentLIF.decay_i: got shape \(1, 1\), allowed \(\) or \(n,\)"),
        (lambda: sy.AdaptiveLIF("much"), r"AdaptiveLIF.jump: got 'much' of <U4, allowed an array of numbers"),
        (lambda: sy.AdaptiveLIF(np.nan), r"AdaptiveLIF.jump: got 1 values"),
        (lambda: sy.Table(np.zeros(255)), r"Table.entries: got shape \(255,\), allowed \(256,\)"),
        (lambda: sy.Table(np.full(256, 2.0)), r"Table.entries: got \[2. 2. 2.\], allowed \[0, 1\]"),
        (lambda: sy.Table.of("cosine"), r"Table.of.function: got 'cosine', allowed 'sigmoid' or 'tanh' or 'exp'"),
        (lambda: sy.Table.of(np.tanh), r"Table.of.function: got \[.*\], allowed values of 0 to 1"),
        (lambda: sy.Population("p", 2, 1.0, 0.5, neuron=sy.ReLU()), r"p.decay: got 0.5, allowed 0. ReLU keeps"),
        (lambda: sy.Population("p", 2, 1.0, 0.5, neuron="lif"), r"p.neuron: got 'lif' of type str, allowed Neuron"),
        (
            lambda: sy.Population("p", 2, 1.0, 0.5, neuron=sy.CurrentLIF([0.1, 0.2, 0.3])),
            r"p.neuron.decay_i: got shape \(3,\), allowed \(\) or \(2,\)",
        ),
        (
            lambda: sy.Population("p", 2, 1.0, 0.5, neuron=sy.CurrentLIF().quantise("p", 1.0)),
            r"p.neuron: got of integers, allowed in floating point",
        ),
        (
            lambda: sy.quantise(one(sy.AdaptiveLIF(1e9), 1.0, [1])[0]),
            r"out.neuron.jump: got values from .* \(24 bits\)",
        ),
    ],
)
def test_bad_neurons_are_refused(make, text):
    with pytest.raises(ParameterError, match=text):
        make()


def test_metrics_count_what_a_neuron_keeps_or_refuse():
    net = hybrid(sy.AdaptiveLIF())
    plain = dataclasses.replace(net, populations=(net.populations[0], hybrid().populations[1], net.populations[2]))
    assert metrics.footprint(net) - metrics.footprint(plain) == 4 * (7 + 2)
    record = sy.simulate(net, graded(net))
    assert metrics.synaptic_operations(net, record).Effective_MACs > 0
    with pytest.raises(UnsupportedError, match=r"membrane_updates: got ReLU in front, allowed leaky"):
        metrics.membrane_updates(net, record)


def test_the_shown_neuron_is_the_tested_one():
    network, *_ = (p.split("```")[0] for p in (ROOT / "docs" / "neurons.md").read_text().split("```python\n")[1:])
    spaces = {}
    exec(network, spaces)
    assert 0 < spaces["record"].spikes["front"].max() <= 1
    page = (ROOT / "docs" / "extending" / "neuron.md").read_text()
    shown = page.split("```python\n# draining.py\n")[1].split("```")[0]
    assert shown in (ROOT / "tests" / "user_neuron.py").read_text()
    net, inputs = one(Draining(0.25), 0.75, [1, 0, 1, 1], vth=1.0)
    assert run(net, inputs) == ([0.75, 0.5, 1.0, 1.5], [0, 0, 0, 1])  # .75, .5 + 0, .25 + .75, .75 + .75


def test_lava_dl_s_file_is_one_of_plain_neurons(tmp_path):
    net = sy.quantise(one(sy.CurrentLIF(), 1.0, [1], reset="zero")[0])
    with pytest.raises(UnsupportedError, match=r"out.neuron: got CurrentLIF in out, allowed leaky"):
        to_lava_dl(net, tmp_path / "net.h5", lossy=True)


def test_the_spiking_split_is_one_of_plain_neurons():
    with pytest.raises(UnsupportedError, match=r"split_by_spikes.network: got ReLU in front, allowed leaky"):
        split_by_spikes(hybrid(), 8)


def test_after_reset_is_the_population_s_reset_in_both_numerics():
    u = np.array([0.5, 1.5, -2.0])
    for mode in ("subtract", "zero"):
        told = SimpleNamespace(vth=1.0, reset=mode)
        assert np.array_equal(after_reset(u, u > 1, told), floating.reset(u, u > 1, 1.0, mode))
        whole, told = np.array([5, 15, -20]), SimpleNamespace(vth=10, reset=mode)
        assert np.array_equal(after_reset(whole, whole > 10, told), fixed.reset(whole, whole > 10, 10, mode))
        assert after_reset(whole, whole > 10, told).dtype == np.int64
