# SPDX-License-Identifier: BSD-3-Clause
"""One network, the same run in every executor: promised for any network that the description can hold."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import synergic as sy
from conformance.executors import conform, networks

pytestmark = pytest.mark.alone

SLOW = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def generated(examples, **options):
    """A test of some networks that hypothesis makes. options : to conform."""

    @settings(max_examples=examples, **SLOW)
    @given(networks())
    def agree(case):
        conform(*case, **options)

    agree()


# Two hundred networks, in parts that run beside each other.
@pytest.mark.parametrize("examples", [30, 31, *(pytest.param(n, marks=pytest.mark.slow) for n in (34, 35, 36, 37))])
def test_generated_networks_agree(examples):
    generated(examples)


@pytest.mark.parametrize("examples", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_the_chip_inside_lava_agrees(examples):
    generated(examples, among=("integers", "chip in lava"))


def one_layer(weights, steps=3, vth=1.0, **settings):
    """A single population without decay; settings : of the projection."""
    weights = np.asarray(weights, float)
    population = sy.Population("out", len(weights), vth, 1.0)
    projection = sy.Projection("c", "in", "out", weights, **settings)
    return sy.Network(sy.Source("in", weights.shape[1]), (population,), (projection,), "out", steps)


def test_a_potential_on_the_threshold_does_not_fire_anywhere():
    # 127/64 fixes the integers' scale at 64 to one; the first neuron then reaches 1.0 exactly in step 2.
    network = one_layer([[0.5, 0.0], [0.0, 127 / 64]])
    records = conform(network, np.array([[[1, 0], [1, 0], [0, 0]]]), more=("chip in lava",))
    for name, vth in (("reference", 1.0), ("chip", sy.quantise(network).populations[0].vth)):
        assert records[name].u["out"][0, 1, 0] == vth
        assert not records[name].spikes["out"].any()


def test_membranes_that_saturate_are_counted_alike():
    network = one_layer(np.full((3, 257), 2.0), steps=6, vth=2060.0)
    records = conform(network, np.ones((2, 6, 257), int), more=("chip in lava",))
    assert records["chip"].saturated["out.u"] > 0
    assert records["chip"].u["out"].max() == 2**23 - 1


def test_local_weights_at_their_bound_are_counted_alike():
    rule = sy.Hebbian(0.4, 1.0, 1.0, "tanh", 1, 0.5)
    network = one_layer(np.full((3, 5), 0.1), rule=rule, alpha=0.1)
    records = conform(network, np.ones((2, 3, 5), int), more=("chip in lava",))
    assert records["reference"].saturated["c.P"] == records["chip"].saturated["c.P"] > 0


@pytest.mark.one_in(5)
@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("size", [255, 256, 257])
def test_empty_and_full_spike_vectors_across_core_borders(size, value):
    rng = np.random.default_rng(size)
    rule = sy.Hebbian(0.01, 0.1)
    network = one_layer(rng.normal(0, 0.1, (size, size)), rule=rule, alpha=0.01)
    records = conform(network, np.full((1, 3, size), value))
    assert records["chip"].spikes["out"].any() == bool(value)
