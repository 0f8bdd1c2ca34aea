# SPDX-License-Identifier: BSD-3-Clause
"""A presentation layer by layer against the same one step by step: the same bits, whatever is put off."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import synergic as sy
from synergic.neurons import CurrentLIF
from synergic.reference._layerwise import layerwise, present_layers
from synergic.reference._presentation import by_input, present, split


@st.composite
def networks(draw):
    """A chain of two layers in floating point or integers, and presentations."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.sampled_from([(1, 1, 1), (13, 9, 3), (30, 17, 4)]))
    bits, steps = draw(st.sampled_from([0, 8])), draw(st.sampled_from([1, 6, 12]))
    populations, projections = [], []
    for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        eta = rng.uniform(-0.3, 0.5, n_in) * (rng.random(n_in) < 0.8)  # some are zero
        mask = rng.integers(0, 2, (n_out, n_in)) if draw(st.booleans()) else None
        rule = sy.Hebbian(
            eta, rng.uniform(-0.5, 0.5, n_out), draw(st.sampled_from([0.0, 0.9, 1.0])),
            draw(st.sampled_from(["tanh", "identity"])), draw(st.sampled_from([1, -1])),
            draw(st.sampled_from([0.6, 8.0])), mask,
        )  # fmt: skip
        local = rng.uniform(-0.5, 0.5, (n_out, n_in)) * (1 if mask is None else mask) if draw(st.booleans()) else None
        rule = rule if draw(st.sampled_from([True, True, False])) else None
        alpha = rng.uniform(-0.5, 0.5, n_out) if rule else 0.0
        weights = rng.normal(0.1, 0.5, (n_out, n_in))
        projections.append(
            sy.Projection(
                f"c{i}", f"p{i}", f"p{i + 1}", weights, rule, alpha, local if rule else None,
                fades=draw(st.booleans()),
            )
        )  # fmt: skip
        reset = draw(st.sampled_from(["subtract", "zero"]))
        populations.append(sy.Population(f"p{i + 1}", n_out, 0.3, 0.6, reset, rng.normal(0, 0.1, n_out)))
    network = sy.Network(sy.Source("p0", sizes[0], bits), tuple(populations), tuple(projections), "p2", steps,
                         tau_w=draw(st.sampled_from([float("inf"), 8.0])))  # fmt: skip
    shape, active = (3, steps, sizes[0]), draw(st.sampled_from([0.1, 0.5]))
    spikes = (rng.random(shape) < active) * (rng.random(shape) if bits else 1)
    if draw(st.booleans()):
        network = sy.quantise(network)
        spikes = network.encode(spikes) if bits else spikes
    return network, network.check_input(spikes)


@pytest.mark.filterwarnings("ignore:.*rounds to 0")
@pytest.mark.parametrize("examples", [30, pytest.param(70, marks=pytest.mark.slow)])
def test_layer_by_layer_and_step_by_step_are_the_same_bits(examples):
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(networks(), st.booleans())
    def agree(case, final):
        network, presentations = case
        network = by_input(network)
        total = sum(q.weights.size for q in network.projections if q.rule is not None)
        memory = [np.zeros(total, np.int64 if network.integer else float) for _ in range(2)]
        one, other = (split(m, network) for m in memory)
        layers = layerwise(network)
        for source in presentations:  # one after the other, in the same memory
            want = present(network, source, one)
            got = present_layers(network, layers, source, other, final)
            for part in ("spikes", "u"):
                for name, values in getattr(want, part).items():
                    assert np.array_equal(values, getattr(got, part)[name])
            assert list(want.saturated.items()) == list(got.saturated.items())
            assert not final or np.array_equal(*memory)

    agree()


def test_networks_that_need_every_step_are_not_taken_apart():
    def chain(**settings):
        rule = sy.Hebbian(0.1, 0.1)
        q = sy.Projection("c", "in", "out", np.ones((2, 3)), rule, 0.1, **settings)
        return sy.Network(sy.Source("in", 3), (sy.Population("out", 2, 0.5, 0.5),), (q,), "out", 3)

    assert len(layerwise(chain())) == 1
    assert layerwise(chain(plasticity_scope="frozen")) is None
    both = chain()
    back = sy.Projection("back", "out", "out", np.ones((2, 2)))
    recurrent = sy.Network(both.source, both.populations, (*both.projections, back), "out", 3)
    assert layerwise(recurrent) is None
    other = sy.Population("out", 2, 0.5, 0.5, neuron=CurrentLIF(0.5))
    assert layerwise(sy.Network(both.source, (other,), both.projections, "out", 3)) is None


@pytest.mark.parametrize("integer", [False, True])
def test_what_nobody_reads_is_counted_all_the_same(integer):
    rule = sy.Hebbian(0.2, 0.0, 1.0, "identity", 1, 0.25)
    q = sy.Projection("c", "in", "out", np.ones((1, 2)), rule, 0.5)
    network = sy.Network(sy.Source("in", 2), (sy.Population("out", 1, 0.5, 0.0),), (q,), "out", 2)
    network = sy.quantise(network) if integer else network
    source = network.check_input(np.array([[1, 0], [0, 1]]))[0]  # u / v_th = 2 twice: each P reaches 0.4
    local = split(np.zeros(2, np.int64 if integer else float), network)
    assert present_layers(network, layerwise(network), source, local, False).saturated["c.P"] == 2
