# SPDX-License-Identifier: BSD-3-Clause
"""An intrinsic bias that is written once a presentation: by hand, as a plastic synapse, in every executor."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lava.magma.core.run_conditions import RunSteps
from lava.proc.io.source import RingBuffer
from networks import plastic_network, random_spikes
from user_neuron import Draining

import synergic as sy
from conformance.executors import EXECUTORS, FLOATS, assert_agree, conform
from synergic.errors import FormatError, ParameterError
from synergic.hw_targets.costs import cost
from synergic.hw_targets.mapping import map_network
from synergic.hw_targets.simulation import Simulator, _simulator, simulate_on_chip
from synergic.interchange import (
    from_lava_dl,
    from_nir,
    lava_dl_export_issues,
    nir_export_issues,
    to_lava_dl,
    to_nir,
)
from synergic.models.hybrid_lif.models import AbstractHybridLIF
from synergic.network import load, save
from synergic.neurons import IntHomeostasis
from synergic.processes import FusedNetwork, Graph, HybridLIF, HybridSimCfg, running
from synergic.reference import _simulate
from synergic.reference._metrics import footprint

pytestmark = pytest.mark.alone


def adapting(rate=0.05, limit=0.4, **more):
    """A network whose hidden neurons adapt, and its input."""
    net = plastic_network(**more)
    inputs = random_spikes(net, samples=5)
    return sy.with_homeostasis(net, inputs[:2], rate, limit), inputs


def test_two_presentations_by_hand():
    """One neuron, T = 2, W = 1: u = c + 1, then decay .5 of what the reset has left, and no input."""
    rule = sy.Homeostasis(target=0.25, rate=0.5, limit=0.2, rho="identity")
    neuron = sy.Population("n", 1, vth=2.0, decay=0.5, homeostasis=rule)
    net = sy.Network(sy.Source("in", 1), (neuron,), (sy.Projection("c", "in", "n", [[1.0]]),), "n", 2)
    record = sy.simulate(net, [[[1], [0]], [[0], [0]]])
    # u = 1, .5: mean of u / v_th .375; c = -.5 (.375 - .25) = -.0625
    # u = -.0625, -.09375: mean -.0390625; c = -.0625 + .5 (.0390625 + .25) = .08203125
    np.testing.assert_array_equal(record.u["n"][..., 0], [[1.0, 0.5], [-0.0625, -0.09375]])
    np.testing.assert_array_equal(record.homeostatic_bias["n"][:, 0], [-0.0625, 0.08203125])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["tanh", "identity"]))
def test_it_is_the_local_rule_on_an_input_that_is_always_one(seed, rho):
    """s_0 = 1, W = 0, alpha = 1, lambda = 1, B = 1, sign -1, eta = g / T, beta = -rhobar, P_max = c_max: P is c."""
    rng = np.random.default_rng(seed)
    n, steps, g, limit = 4, 5, rng.uniform(0, 0.3), rng.uniform(0.05, 0.5)
    target, weights = rng.uniform(-0.5, 0.5, n), rng.normal(0, 1, (n, 3))
    rule = sy.Homeostasis(target, g, limit, rho)
    projection = sy.Projection("c", "in", "n", weights)
    one = sy.Network(
        sy.Source("in", 3), (sy.Population("n", n, 0.5, 0.5, homeostasis=rule),), (projection,), "n", steps
    )
    local = sy.Hebbian(g / steps, -target, 1.0, rho, sign=-1, p_max=limit, mask=[[1, 0, 0, 0]] * n)
    wide = sy.Projection(
        "c", "in", "n", np.hstack([np.zeros((n, 1)), weights]), local, 1.0, plasticity_scope="stream", memory=1
    )
    other = sy.Network(sy.Source("in", 4), (sy.Population("n", n, 0.5, 0.5),), (wide,), "n", steps)
    inputs = random_spikes(one, samples=6, seed=seed)
    got = sy.simulate(one, inputs)
    want = sy.simulate(other, np.concatenate([np.ones((6, steps, 1), int), inputs], axis=2))
    np.testing.assert_allclose(got.u["n"], want.u["n"], atol=1e-12)
    np.testing.assert_allclose(got.homeostatic_bias["n"][-1], want.local_weights["c"][0][:, 0], atol=1e-12)


def integers_of_the_page(rule, u, c):
    """docs/fixed-point.md, "The write of homeostasis", in Python's own integers. u : (T, n)."""
    out = []
    for i, now in enumerate(c):
        total = sum(int(rule.table[min(max((int(v) * rule.table_scale >> 20) + 128, 0), 255)]) for v in u[:, i])
        product = rule.rate * (total - int(np.broadcast_to(rule.target, len(c))[i]))
        change = (product + (1 << (rule.rate_exp - 1))) >> rule.rate_exp if rule.rate_exp else product
        out.append(min(max(int(now) - change, -rule.limit), rule.limit))
    return out


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.001, 0.3]), st.sampled_from([0.01, 0.3]))
def test_integers_follow_the_page(seed, rate, limit):
    net, inputs = adapting(rate, limit, seed=seed)
    integer = sy.quantise(net)
    record = sy.simulate(integer, inputs)
    rule, c = integer.populations[0].homeostasis, np.zeros(9, int)
    for u, after in zip(record.u["layer1"], record.homeostatic_bias["layer1"], strict=True):
        c = integers_of_the_page(rule, u, c)
        assert list(after) == c
    assert np.abs(record.homeostatic_bias["layer1"]).max(initial=0) <= rule.limit
    assert rate == 0 or np.any(record.homeostatic_bias["layer1"])


def test_targets_are_the_means_of_the_trained_network():
    net = plastic_network(plasticity_scope="stream")
    inputs = random_spikes(net, samples=7)
    found = sy.with_homeostasis(net, inputs, batch=3)
    still = [dataclasses.replace(q, plasticity_scope="frozen") for q in net.projections]
    u = sy.simulate(dataclasses.replace(net, projections=tuple(still)), inputs).u["layer1"]
    np.testing.assert_allclose(found.populations[0].homeostasis.target, np.tanh(u / 0.35).mean((0, 1)), rtol=1e-12)
    assert found.populations[1].homeostasis is None  # the output
    both = sy.with_homeostasis(net, inputs, populations=("layer1", "layer2"))
    assert both.populations[1].homeostasis is not None
    again = sy.with_homeostasis(found, inputs, batch=7)  # measured without the biases that are there
    np.testing.assert_allclose(again.populations[0].homeostasis.target, found.populations[0].homeostasis.target)


def test_it_brings_activity_back_where_the_input_has_changed():
    """What it is for: all inputs fire more often, and the neurons' mean returns to what it was."""
    net = plastic_network(plasticity_scope="frozen")
    net = sy.with_homeostasis(net, random_spikes(net, 400, 0.2), rate=0.02, limit=2.0)
    more = random_spikes(net, 600, 0.6, seed=1)
    plain = dataclasses.replace(
        net, populations=tuple(dataclasses.replace(p, homeostasis=None) for p in net.populations)
    )
    target = net.populations[0].homeostasis.target

    def off(network):
        return np.abs(np.tanh(sy.simulate(network, more).u["layer1"][300:] / 0.35).mean((0, 1)) - target).mean()

    assert off(net) < 0.15 * off(plain)


@pytest.mark.one_in(7)  # ours once, and a user's own with a stream: the generated networks have all others
@pytest.mark.parametrize(
    "neuron", [sy.LIF(), Draining(), sy.CurrentLIF(0.5), sy.AdaptiveLIF(0.2, 0.9), sy.RefractoryLIF(2), sy.ReLU()]
)
@pytest.mark.parametrize("scope", ["per_sample", "stream"])
def test_every_neuron_in_every_executor(neuron, scope):
    net, inputs = adapting(plasticity_scope=scope, memory=3)
    decay = 0.4 if neuron.memory else 0.0
    hidden = dataclasses.replace(net.populations[0], neuron=neuron, decay=decay)
    records = conform(dataclasses.replace(net, populations=(hidden, net.populations[1])), inputs, ("chip in lava",))
    assert np.any(records["chip"].homeostatic_bias["layer1"])


@pytest.mark.one_in(3)
@pytest.mark.parametrize("across", ["samples", "cores", "processes"])
def test_a_convolution_on_a_chip_that_counts_pixel_by_pixel(across):
    """The mapping has another order of neurons; targets and biases differ from neuron to neuron."""
    rng = np.random.default_rng(0)
    geometry = sy.Convolution((3, 3), (5, 5))
    c = sy.Projection.of_kernel("c", "in", "hidden", rng.normal(0, 0.5, (2, 1, 3, 3)), geometry)
    rule = sy.Homeostasis(rng.uniform(-0.5, 0.5, 18), 0.1, 0.3, start=rng.uniform(-0.3, 0.3, 18))
    hidden = sy.Population("hidden", 18, 0.5, 0.5, homeostasis=rule)
    out = sy.Projection("d", "hidden", "out", rng.normal(0, 1, (3, 18)))
    net = sy.Network(sy.Source("in", 25), (hidden, sy.Population("out", 3, 0.5, 0.5)), (c, out), "out", 4)
    integer = sy.quantise(net)
    inputs = random_spikes(integer, samples=3)
    got, _ = simulate_on_chip(map_network(integer), inputs, across=across, threads=2)
    assert_agree(sy.simulate(integer, inputs), got, 0, across)


@pytest.mark.parametrize("integer", [False, True])
def test_the_fused_network_goes_on_from_run_to_run(integer):
    net, inputs = adapting(plasticity_scope="stream", memory=3)
    net = sy.quantise(net) if integer else net
    want = sy.simulate(net, inputs)
    source = RingBuffer(data=np.moveaxis(inputs, 0, -1))
    fused = FusedNetwork(network=net, record=5)
    source.s_out.connect(fused.s_in)
    with running(fused):
        for n in (1, 3, 1):
            fused.run(condition=RunSteps(num_steps=n), run_cfg=HybridSimCfg("fixed_pt" if integer else "floating_pt"))
        assert_agree(want, fused.result(inputs), 0 if integer else 1e-9, "fused")
        np.testing.assert_allclose(fused.homeostatic_bias.get(), want.homeostatic_bias["layer1"][-1], atol=1e-9)


def test_a_bias_is_read_and_set_between_two_runs_in_lava():
    net, inputs = adapting()
    net = sy.quantise(net)
    graph = Graph(net, inputs)
    lif, cfg = graph.populations["layer1"], HybridSimCfg("fixed_pt")
    with running(lif):
        lif.run(condition=RunSteps(num_steps=2 * net.steps + 1), run_cfg=cfg)
        assert np.array_equal(lif.homeostatic_bias.get(), sy.simulate(net, inputs[:2]).homeostatic_bias["layer1"][-1])
        lif.homeostatic_bias.set(np.zeros(9, int))
        lif.run(condition=RunSteps(num_steps=net.steps), run_cfg=cfg)
        assert np.array_equal(lif.homeostatic_bias.get(), sy.simulate(net, inputs[2:3]).homeostatic_bias["layer1"][-1])


@pytest.mark.parametrize("name", ["integers", "lava fixed", "chip", "chip in lava"])
def test_a_checkpoint_in_a_file_goes_on_to_the_same_bits(tmp_path, name):
    net, inputs = adapting(plasticity_scope="stream", memory=3)
    integer = sy.quantise(net)
    whole = sy.simulate(integer, inputs)
    save(integer.continued(EXECUTORS[name](integer, inputs[:2], None)), tmp_path / "half.h5")
    rest = EXECUTORS[name](load(tmp_path / "half.h5"), inputs[2:], None)
    assert np.array_equal(whole.homeostatic_bias["layer1"][2:], rest.homeostatic_bias["layer1"])
    assert np.array_equal(whole.u["layer2"][2:], rest.u["layer2"])


def test_a_running_chip_is_told_to_forget_and_keeps_what_it_has_over_an_upload():
    net, inputs = adapting()
    chip = Simulator(map_network(sy.quantise(net)))
    first = chip.stream(inputs)[0].homeostatic_bias["layer1"]
    chip.upload("c0", alpha=chip.network.projections[0].alpha)
    second = chip.stream(inputs)[0].homeostatic_bias["layer1"]
    assert not np.array_equal(first, second)
    chip.forget()
    assert np.array_equal(chip.stream(inputs)[0].homeostatic_bias["layer1"], first)


def test_files_of_others_keep_it_and_say_that_nobody_else_has_it(tmp_path):
    net, inputs = adapting(plasticity_scope="frozen", reset="zero")
    assert "layer1.homeostasis: a bias that lives on" in nir_export_issues(net)
    back = from_nir(to_nir(net, lossy=True))
    np.testing.assert_allclose(
        sy.simulate(back, inputs).homeostatic_bias["layer1"], sy.simulate(net, inputs).homeostatic_bias["layer1"]
    )
    graph = to_nir(net, lossy=True)
    graph.nodes["layer1"].metadata["synergic"]["homeostasis"]["limit"] = -1.0
    with pytest.raises(FormatError, match=r"layer1.metadata: damaged"):
        from_nir(graph)
    integer = sy.quantise(net)
    assert "layer1.homeostasis: a bias that lives on" in lava_dl_export_issues(integer)
    to_lava_dl(integer, tmp_path / "net.net", lossy=True)
    read = from_lava_dl(tmp_path / "net.net", steps=net.steps).populations[0].homeostasis
    assert isinstance(read, IntHomeostasis)
    assert np.array_equal(read.target, integer.populations[0].homeostasis.target)


def test_two_with_the_same_numbers_are_equal_and_say_what_they_are_in_a_line():
    first, second = (adapting()[0] for _ in range(2))
    assert first == second
    assert sy.quantise(first) == sy.quantise(second)
    other = sy.with_homeostasis(first, adapting()[1], 0.06)
    assert first != other
    assert "layer1 9 LIF homeostatic" in repr(first)
    assert len(repr(sy.quantise(first).populations[0].homeostasis)) < 200


def test_it_is_counted():
    net, inputs = adapting(plasticity_scope="frozen")
    bare = dataclasses.replace(
        net, populations=tuple(dataclasses.replace(p, homeostasis=None) for p in net.populations)
    )
    assert footprint(net) - footprint(bare) == 4 * (3 * 9 + 2)
    found = {}
    for name, each in (("with", net), ("without", bare)):
        mapping = map_network(sy.quantise(each))
        found[name] = cost(mapping, simulate_on_chip(mapping, inputs)[1])
    assert found["with"].events["homeostatic biases written"] == 9
    assert found["with"].trace_bytes - found["without"].trace_bytes == 12 * 9 + 512
    assert found["with"].energy_j > found["without"].energy_j
    assert found["with"].by_sample.sum() / 5 == pytest.approx(found["with"].energy_j)
    assert sum(layer["energy_j"] for layer in found["with"].layers.values()) == pytest.approx(found["with"].energy_j)


def off_by_one(adapt):
    """The write of Lava's models, too large by a unit."""

    def wrong(self, m, u):
        adapt(self, m, u)
        if self.proc_params["homeostasis"] is not None and m == self.proc_params["timing"].period:
            self.homeostatic_bias[:] += 1 if self.integer else 1e-6

    return wrong


def without_rounding(network, record, biases):
    """The reference's write, rounded down."""
    found = {}
    for p in network.homeostatic:
        rule = p.homeostasis
        change = rule.rate * (rule.term(record.u[p.name], p.vth).sum(0) - rule.target) >> rule.rate_exp if (
            network.integer) else 0.9 * rule.rate  # fmt: skip
        found[p.name] = np.clip(biases[p.name] - change, -rule.limit, rule.limit)
    return found


PLANTED = {
    "reference": (_simulate, "written_biases", without_rounding),
    "lava": (AbstractHybridLIF, "adapt", off_by_one(AbstractHybridLIF.adapt)),
    "lava: added twice": (AbstractHybridLIF, "biases", lambda self: self.bias + 2 * self.homeostatic_bias),
    "chip: not written": (_simulator, "written", lambda net, layout, order, state, biases: biases),
    "chip: not added": (_simulator, "adapted", lambda program, *rest: program),
}


@pytest.mark.parametrize("error", [None, *PLANTED])
def test_an_error_planted_in_any_executor_is_found(error, monkeypatch):
    net, inputs = adapting(limit=0.05)
    if error is None:  # the probe itself agrees, and meets its bound
        c = conform(net, inputs)["chip"].homeostatic_bias["layer1"]
        assert np.abs(c).max() == sy.quantise(net).populations[0].homeostasis.limit
        return
    monkeypatch.setattr(*PLANTED[error])
    with pytest.raises(AssertionError):
        conform(net, inputs, among=FLOATS if "lava" in error else ("integers", "chip"))


def test_what_does_not_fit_is_refused_by_name():
    net, inputs = adapting()
    hidden = net.populations[0]
    with pytest.raises(ParameterError, match=r"layer1.homeostasis.target: got shape \(3,\), allowed \(\) or \(9,\)"):
        dataclasses.replace(hidden, homeostasis=sy.Homeostasis(np.zeros(3)))
    with pytest.raises(ParameterError, match=r"Homeostasis.limit: got 0, allowed \(0, 1e\+06\]"):
        sy.Homeostasis(0.0, limit=0)
    with pytest.raises(ParameterError, match=r"Homeostasis.start: got 2 at most, allowed up to 1"):
        sy.Homeostasis(0.0, start=2.0)
    with pytest.raises(ParameterError, match=r"layer1.homeostasis: got .{60,140} allowed Homeostasis or None"):
        dataclasses.replace(hidden, homeostasis=sy.quantise(net).populations[0].homeostasis)
    large = dataclasses.replace(hidden, homeostasis=sy.Homeostasis(0.0, limit=1e4))
    with pytest.raises(ParameterError, match=r"layer1.homeostasis.limit: got values .* Use a smaller bound"):
        sy.quantise(dataclasses.replace(net, populations=(large, net.populations[1])))
    tiny = dataclasses.replace(hidden, homeostasis=sy.Homeostasis(0.0, rate=1e-15))
    with pytest.raises(ParameterError, match=r"layer1.homeostasis.rate: got 1e-15, which rounds to 0"):
        sy.quantise(dataclasses.replace(net, populations=(tiny, net.populations[1])))
    with pytest.raises(ParameterError, match=r"a.period: got 0, allowed 1 to 32768"):
        HybridLIF(shape=(3,), homeostasis=sy.Homeostasis(0.0), name="a")
    with pytest.raises(ParameterError, match=r"continued.record: got no homeostatic_bias of"):
        net.continued(sy.simulate(plastic_network(), inputs))
    with pytest.raises(ParameterError, match=r"with_homeostasis.populations: got none"):
        sy.with_homeostasis(plastic_network(sizes=(4, 3)), inputs[:, :, :4])
