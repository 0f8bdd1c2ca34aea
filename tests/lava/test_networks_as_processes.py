# SPDX-License-Identifier: BSD-3-Clause
"""HybridNetwork and FusedNetwork: a description as one process, equal to the composed graph bit for bit."""

import dataclasses

import numpy as np
import pytest
from conformance.test_delays import skipping
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import ExecutionError, ParameterError, UnsupportedError
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.processes import FusedNetwork, HybridNetwork, HybridSimCfg, run_in_lava, running

pytestmark = pytest.mark.alone

KINDS = pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])


def run_fused(network, spikes, run_cfg):
    """The record of a FusedNetwork, and what it sent: s (samples, T, n_out), u (samples, n_out)."""
    n, out = len(spikes), network.population(network.output).size
    source = Source(data=np.moveaxis(np.asarray(spikes), 0, -1))
    fused = FusedNetwork(network=network, record=n)
    s, u = Sink(shape=(network.steps, out), buffer=n), Sink(shape=(out,), buffer=n)
    source.s_out.connect(fused.s_in)
    fused.s_out.connect(s.a_in)
    fused.u_out.connect(u.a_in)
    with running(fused):
        fused.run(condition=RunSteps(num_steps=n), run_cfg=run_cfg)
        return fused.result(spikes), np.moveaxis(s.data.get(), -1, 0), u.data.get().T, fused


def run_hierarchical(network, spikes, run_cfg):
    """The record of a HybridNetwork, and what it sent, by Lava step: s and u (n_out, steps)."""
    n, out = len(spikes), network.population(network.output).size
    steps = n * network.steps + network.depth
    data = np.zeros((network.source.size, steps), int if network.integer else float)
    data[:, : n * network.steps] = np.asarray(spikes).reshape(-1, network.source.size).T
    source, hybrid = Source(data=data), HybridNetwork(network=network, presentations=n, record=n)
    s, u = Sink(shape=(out,), buffer=steps), Sink(shape=(out,), buffer=steps)
    source.s_out.connect(hybrid.s_in)
    hybrid.s_out.connect(s.a_in)
    hybrid.u_out.connect(u.a_in)
    with running(hybrid):
        hybrid.run(condition=RunSteps(num_steps=steps), run_cfg=run_cfg)
        return hybrid.result(spikes), s.data.get(), u.data.get()


def assert_same_bits(want, got):
    """Two records hold the very same numbers."""
    assert got.spikes.keys() == want.spikes.keys()
    assert got.local_weights.keys() == want.local_weights.keys()
    for part in ("spikes", "u", "local_weights"):
        for name, values in getattr(want, part).items():
            assert np.array_equal(values, getattr(got, part)[name]), f"{part} of {name}"
    assert got.saturated == want.saturated


CASES = {
    "feed-forward": {},
    "recurrent": {"recurrent": True},
    "frozen": {"plasticity_scope": "frozen"},
    "reset to zero": {"reset": "zero"},
    "bounded": {"p_max": 0.2, "lambda_": 1.0},
    "masked": {"masked": 0.5},
    "anti-Hebbian identity": {"sign": -1, "rho": "identity"},
    "one alpha a neuron": {"sizes": (12, 4), "alpha": np.linspace(-0.3, 0.3, 4)},
}


@KINDS
@pytest.mark.parametrize("case", CASES)
@pytest.mark.one_in(5)
def test_fused_hierarchical_and_composed_are_the_same_bits(case, integer):
    network = plastic_network(**CASES[case])
    network = sy.quantise(network) if integer else network
    spikes = random_spikes(network)
    want = run_in_lava(network, spikes)
    fused, sent, potential, process = run_fused(network, spikes, HybridSimCfg())
    assert_same_bits(want, fused)
    out = network.output
    assert np.array_equal(sent, want.spikes[out])
    assert np.array_equal(potential, want.u[out][:, -1])
    assert np.array_equal(process.local_weights_of("c0"), want.local_weights["c0"][-1])
    hierarchical, sent, potential = run_hierarchical(network, spikes, HybridSimCfg())
    assert_same_bits(want, hierarchical)
    lived = slice(network.onsets[out], network.onsets[out] + len(spikes) * network.steps)
    assert np.array_equal(sent[:, lived].T.reshape(want.spikes[out].shape), want.spikes[out])
    assert np.array_equal(potential[:, lived].T.reshape(want.u[out].shape), want.u[out])
    assert want.spikes[out].any()
    assert case != "bounded" or want.saturated["c0.P"] > 0


def test_alpha_a_synapse_and_softmax_which_floats_alone_have():
    network = plastic_network(sizes=(12, 4), alpha=np.random.default_rng(1).normal(size=(4, 12)), rho="softmax")
    spikes = random_spikes(network)
    assert_same_bits(run_in_lava(network, spikes), run_fused(network, spikes, HybridSimCfg())[0])


@KINDS
def test_values_as_input(integer):
    rng = np.random.default_rng(5)
    population = sy.Population("out", 4, 0.5, 0.5)
    projection = sy.Projection("c", "in", "out", rng.normal(0, 0.5, (4, 6)), sy.Hebbian(0.1, 0.1), 0.2)
    network = sy.Network(sy.Source("in", 6, 8), (population,), (projection,), "out", 5)
    values = rng.random((3, 5, 6))
    network, values = (sy.quantise(network), sy.quantise(network).encode(values)) if integer else (network, values)
    want = run_in_lava(network, values)
    assert_same_bits(want, run_fused(network, values, HybridSimCfg())[0])
    assert want.spikes["out"].any()


@pytest.mark.one_in(3)  # each process, and each kind of numbers
@KINDS
@pytest.mark.parametrize("run", [run_fused, run_hierarchical])
def test_lavas_own_configuration_runs_them(run, integer):
    network = plastic_network()
    network = sy.quantise(network) if integer else network
    spikes = random_spikes(network)
    record = run(network, spikes, Loihi2SimCfg(select_tag="fixed_pt" if integer else "floating_pt"))[0]
    assert_same_bits(run_in_lava(network, spikes), record)


@pytest.mark.parametrize("kind", [FusedNetwork, HybridNetwork])
def test_bad_arguments_are_refused(kind):
    network = plastic_network()
    with pytest.raises(ParameterError, match=r"network: got 3"):
        kind(network=3)
    with pytest.raises(ParameterError, match=r"record: got -1"):
        kind(network=network, record=-1)
    with pytest.raises(ParameterError, match=r"samples: got 3, allowed 1 to 2. Build the process with a larger record"):
        kind(network=network, record=2).result(random_spikes(network))


def test_input_that_is_no_spikes_ends_the_run():
    network = plastic_network()
    with pytest.raises(ExecutionError, match=r"input: got .*allowed 0 or 1"):
        run_fused(network, random_spikes(network) * 0.5, HybridSimCfg())


@KINDS
def test_numbers_of_the_other_kind_are_refused_before_the_run(integer):
    network = plastic_network()
    network = sy.quantise(network) if integer else network
    for run in (run_fused, run_hierarchical):
        cure = "Build them in floating point" if integer else r"quantise\(process\) of synergic.processes"
        with pytest.raises(ParameterError, match=f"hold the other kind of numbers, allowed all .*{cure}"):
            run(network, random_spikes(network), HybridSimCfg("floating_pt" if integer else "fixed_pt"))


@pytest.mark.parametrize("kind", [FusedNetwork, HybridNetwork])
def test_the_chip_names_what_it_takes_instead(kind):
    process = kind(network=sy.quantise(plastic_network()), name="net")
    with pytest.raises(
        UnsupportedError, match=r"net: got a \w+Network, allowed HybridDense, HybridLIF and HybridNeuron"
    ):
        process.run(condition=RunSteps(num_steps=1), run_cfg=ChipSimCfg())
    process.stop()


@KINDS
def test_without_local_weights(integer):
    rng = np.random.default_rng(7)
    layers = [sy.Population(name, 5, 0.4, 0.5) for name in ("a", "b")]
    weights = rng.normal(0.2, 0.5, (2, 5, 5))
    projections = (sy.Projection("c", "in", "a", weights[0]), sy.Projection("d", "a", "b", weights[1]))
    network = sy.Network(sy.Source("in", 5), tuple(layers), projections, "b", 4)
    network = sy.quantise(network) if integer else network
    spikes = random_spikes(network)
    record = run_fused(network, spikes, HybridSimCfg())[0]
    assert_same_bits(run_in_lava(network, spikes), record)
    assert record.spikes["b"].any()


@pytest.mark.one_in(3)
@KINDS
@pytest.mark.parametrize("rule", [sy.Oja(0.05), sy.PairSTDP(0.2, 0.1)], ids=["Oja", "PairSTDP"])
def test_rules_without_a_compiled_form_agree_too(rule, integer):
    network = plastic_network()
    ways = tuple(dataclasses.replace(p, rule=rule, local_weights=None) for p in network.projections)
    network = dataclasses.replace(network, projections=ways)
    network = sy.quantise(network) if integer else network
    spikes = random_spikes(network)
    cfg = Loihi2SimCfg(select_tag="fixed_pt" if integer else "floating_pt")
    got = run_fused(network, spikes, cfg)[0]
    assert_same_bits(run_in_lava(network, spikes), got)
    assert any(values.any() for values in got.local_weights.values())


@pytest.mark.parametrize("process", [FusedNetwork, HybridNetwork])
def test_a_rule_with_a_global_signal_is_refused(process):
    network = plastic_network()
    ways = tuple(dataclasses.replace(p, rule=sy.ThreeFactor(0.1), local_weights=None) for p in network.projections)
    network = dataclasses.replace(network, projections=ways)
    with pytest.raises(ParameterError, match=r"network: got a rule with a global signal in c0, c1, allowed"):
        process(network=network)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("scope", ["per_sample", "stream"])
def test_networks_as_one_process_have_delays(integer, scope):
    network = skipping(scope, delay=3, onset=0)
    network = sy.quantise(network) if integer else network
    spikes = random_spikes(network)
    want = sy.simulate(network, spikes)
    cfg = Loihi2SimCfg(select_tag="fixed_pt" if integer else "floating_pt")
    for record in (run_fused(network, spikes, cfg)[0], run_hierarchical(network, spikes, cfg)[0]):
        assert want.spikes.keys() == record.spikes.keys()
        for name, values in want.spikes.items():
            assert np.array_equal(values, record.spikes[name])
        if integer:
            assert_same_bits(want, record)
