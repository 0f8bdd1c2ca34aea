# SPDX-License-Identifier: BSD-3-Clause
"""Local weights without weight writes: the same as the matrix where that can be, within a stated bound elsewhere."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import ParameterError, UnsupportedError
from synergic.hw_targets import Probes, Simulator, map_network, simulate_on_chip
from synergic.hw_targets.simulation import kernels
from synergic.hw_targets.simulation._history import history_bound, history_plan
from synergic.numerics import fixed

SLOW = {"deadline": None, "suppress_health_check": list(HealthCheck), "max_examples": 60}


def one_eta(network, lambda_, start=True):
    """The network with one eta for all inputs and a decay of its own."""
    projections = []
    for p in network.projections:
        if p.rule is None:
            projections.append(p)
            continue
        rule = dataclasses.replace(p.rule, eta=np.array(0.05), lambda_=lambda_)
        local = p.local_weights if start else np.zeros_like(p.local_weights)
        projections.append(dataclasses.replace(p, rule=rule, local_weights=local))
    return dataclasses.replace(network, projections=tuple(projections))


@settings(**SLOW | {"max_examples": 25})
@given(
    seed=st.integers(0, 2**16),
    lambda_=st.sampled_from([0.0, 1.0]),
    recurrent=st.booleans(),
    start=st.booleans(),
    steps=st.integers(1, 7),
    sizes=st.sampled_from([(12, 9, 4), (5, 260, 3), (300, 7, 2)]),
)
def test_equal_bit_for_bit_where_the_decay_is_exact(seed, lambda_, recurrent, start, steps, sizes):
    network = plastic_network(seed, sizes, steps, recurrent, p_max=8.0)
    net = sy.quantise(one_eta(network, lambda_, start))
    spikes, mapping = random_spikes(net, seed=seed), map_network(net)
    want = sy.simulate(net, spikes)
    got, activity = simulate_on_chip(mapping, spikes, local_memory="history")
    assert want.saturated == got.saturated  # also: nothing clips
    for name in want.u:
        assert np.array_equal(want.u[name], got.u[name])
        assert np.array_equal(want.spikes[name], got.spikes[name])
    for name in want.local_weights:
        assert np.array_equal(want.local_weights[name], got.local_weights[name])
    assert (activity.local_writes, activity.membranes) == (0, 0)
    apart, _ = simulate_on_chip(mapping, spikes, local_memory="history", probes=Probes(sums=("c0",)))
    assert np.array_equal(apart.u["layer2"], got.u["layer2"])


@settings(**SLOW)
@given(
    seed=st.integers(0, 2**16),
    lambda_=st.sampled_from([0.0, 0.3, 0.5, 0.9, 0.99, 1.0]),
    single=st.booleans(),
    start=st.booleans(),
    rate=st.sampled_from([0.1, 0.5, 1.0]),
)
def test_within_the_stated_bound_of_the_matrix(seed, lambda_, single, start, rate):
    network = plastic_network(seed, (30, 20, 4), 8, lambda_=lambda_, p_max=8.0)
    network = one_eta(network, lambda_, start) if single else network
    p = sy.quantise(network).projections[0]
    r, rng = p.rule, np.random.default_rng(seed)
    plan, steps = history_plan(p, 8), 8
    spikes = (rng.random((steps, p.n_in)) < rate).astype(np.int64)
    posts = fixed.postsynaptic(rng.integers(-(2**12), 2**12, (steps, p.n_out)), r.table, r.table_scale, r.beta)
    head = np.zeros(1, kernels.HEAD)
    head["start_shift"], head["sum_shift"] = plan.start_shift, plan.sum_shift
    terms = plan.post_factor * posts
    terms = fixed.rshift(terms, plan.post_shift)
    weights = np.broadcast_to(r.eta, p.n_in) if plan.by_eta else np.ones(p.n_in, np.int64)
    local, bound = p.local_weights, history_bound(p, spikes, posts)
    assert (bound == 0).all() == plan.exact
    for m in range(1, steps + 1):
        want = local @ spikes[m - 1]
        got = p.local_weights @ spikes[m - 1]
        far = np.array([(weights * spikes[m - 1] * spikes[q - 1]).sum() for q in range(1, m)], np.int64)
        kernels.recall(got, terms, far, m, head[0], plan.powers)
        assert (np.abs(want - got) <= bound[m - 1]).all()
        local, clipped = fixed.hebbian(
            local, spikes[m - 1], posts[m - 1], eta=r.eta, lambda_=r.lambda_, sign=r.sign, p_top=r.p_top,
            eta_exp=r.eta_exp,
        )  # fmt: skip
        assert clipped == 0


def test_the_bound_is_worth_stating():
    # It is small against what it bounds: the local sums of an ordinary layer.
    p = sy.quantise(plastic_network(1, (200, 50, 4), 10, p_max=4.0)).projections[0]
    rng = np.random.default_rng(0)
    spikes = (rng.random((10, 200)) < 0.1).astype(np.int64)
    posts = rng.integers(-4096, 4096, (10, 50))
    typical = np.abs(p.local_weights @ spikes[-1]).mean()
    assert history_bound(p, spikes, posts)[-1].max() < 0.05 * typical


def test_nothing_of_a_presentation_is_left_to_the_next():
    net = sy.quantise(one_eta(plastic_network(p_max=8.0), 1.0))
    spikes = random_spikes(net, samples=6)
    simulator = Simulator(map_network(net), "history")
    first, _ = simulator.run(spikes)
    again, _ = simulator.run(spikes[::-1], batch=2)
    assert np.array_equal(first.u["layer2"], again.u["layer2"][::-1])


def test_conditions_are_refused_by_name():
    values = sy.Network(
        sy.Source("in", 4, 8),
        (sy.Population("out", 3, 0.5, 0.5),),
        (sy.Projection("c", "in", "out", np.ones((3, 4)), sy.Hebbian(0.1, 0.1), 0.1),),
        "out",
        3,
    )
    with pytest.raises(UnsupportedError, match=r"c.num_message_bits: got 8 bits, allowed 0 \(spikes\)"):
        Simulator(map_network(sy.quantise(values)), "history")
    net = sy.quantise(plastic_network())
    masked = sy.quantise(plastic_network(masked=0.5))
    with pytest.raises(UnsupportedError, match=r"c0.rule.mask: got local weights on chosen synapses, allowed on all"):
        Simulator(map_network(masked), "history")
    with pytest.raises(ParameterError, match="local_memory: got 'traces', allowed 'matrix' or 'history'"):
        Simulator(map_network(net), "traces")
    wide = dataclasses.replace(net.projections[0].rule, eta_exp=0, eta=np.full(12, 2**15 - 1) - np.arange(12))
    projection = dataclasses.replace(net.projections[0], rule=wide)
    with pytest.raises(UnsupportedError, match=r"c0.history sum: needs \d+ bits, allowed 62"):
        history_plan(projection, 2**20)


def test_a_clip_that_cannot_be_excluded_is_counted():
    net = sy.quantise(plastic_network(p_max=0.3))
    spikes = random_spikes(net, rate=0.9)
    assert sy.simulate(net, spikes).saturated["c0.P"] > 0
    record, _ = simulate_on_chip(map_network(net), spikes, local_memory="history")
    assert record.saturated["c0.P"] > 0
    with pytest.raises(UnsupportedError, match="c0"):
        simulate_on_chip(map_network(net), spikes, local_memory="history", strict=True)
