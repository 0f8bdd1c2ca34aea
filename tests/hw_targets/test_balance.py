# SPDX-License-Identifier: BSD-3-Clause
"""Balance: the cut against all cuts, cases by hand, and the clocks of the slowest core. That it changes no result is a
part of test_refinement."""

import dataclasses
import itertools

import numpy as np
import pytest
from chips import small_chip
from hypothesis import given, settings
from hypothesis import strategies as st

import synergic as sy
from synergic.errors import ParameterError
from synergic.hw_targets import check_mapping, cost, estimate, map_network, simulate_on_chip
from synergic.hw_targets.mapping.passes._balance import cut_by

CHIP = small_chip(rows=8, columns=8)


def network(n_in, n_out, plastic=False, recurrent=False):
    """One layer of weights that are all different from 0."""
    rng = np.random.default_rng(0)
    rule = {"rule": sy.Hebbian(0.05, 0.1), "alpha": 0.3} if plastic else {}
    projections = [sy.Projection("c", "in", "out", rng.uniform(0.2, 1, (n_out, n_in)), **rule)]
    if recurrent:
        projections.append(sy.Projection("loop", "out", "out", rng.uniform(0.2, 1, (n_out, n_out))))
    population = sy.Population("out", n_out, 2.0, 0.5)
    return sy.quantise(sy.Network(sy.Source("in", n_in), (population,), tuple(projections), "out", 4), local_bits=8)


def pieces(mapping):
    """(rows, columns) of each tile."""
    return [(t.projection, t.rows, t.columns) for t in mapping.tiles]


@settings(max_examples=100, deadline=None)
@given(
    expected=st.lists(st.integers(0, 9), min_size=1, max_size=9),
    parts=st.integers(1, 5),
    most=st.integers(1, 9),
)
def test_the_cut_is_the_best_of_all(expected, parts, most):
    n = len(expected)
    if not -(-n // most) <= parts <= n:
        return
    found = cut_by(np.array(expected, float), parts, most)
    assert [a for a, _ in found] == [0, *(b for _, b in found[:-1])]
    assert len(found) == parts
    assert found[-1][1] == n
    assert all(0 < b - a <= most for a, b in found)
    ways = [(0, *inner, n) for inner in itertools.combinations(range(1, n), parts - 1)]
    ways = [w for w in ways if all(b - a <= most for a, b in itertools.pairwise(w))]
    best = min(max(sum(expected[a:b]) for a, b in itertools.pairwise(w)) for w in ways)
    assert max(sum(expected[a:b]) for a, b in found) == best


def test_neurons_and_inputs_are_cut_evenly():
    plain, even = (map_network(network(18, 12), CHIP, balance=b) for b in (False, True))
    assert pieces(plain)[:3] == [("c", (0, 8), (0, 8)), ("c", (0, 8), (8, 16)), ("c", (0, 8), (16, 18))]
    assert pieces(even) == [
        ("c", rows, columns) for rows in ((0, 6), (6, 12)) for columns in ((0, 6), (6, 12), (12, 18))
    ]
    assert check_mapping(even) == ()
    assert even.cores == plain.cores == estimate(network(18, 12), CHIP, balance=True).cores == 6


def test_inputs_are_cut_by_the_spikes_expected_of_them():
    rates = np.array([1.0] * 4 + [0.1] * 12)
    mapping = map_network(network(16, 4), small_chip(rows=8, columns=8, axons=13), balance={"in": rates})
    assert pieces(mapping) == [("c", (0, 4), (0, 3)), ("c", (0, 4), (3, 16))]
    learning = map_network(network(16, 4, plastic=True), small_chip(axons=13), balance={"in": rates})
    assert pieces(learning) == [("c", (0, 4), (0, 8)), ("c", (0, 4), (8, 16))]  # all of them are rewritten


def test_projections_that_share_a_core_are_cut_together():
    mapping = map_network(network(10, 6, recurrent=True), CHIP, balance=True)
    assert pieces(mapping) == [("c", (0, 6), (0, 8)), ("c", (0, 6), (8, 10)), ("loop", (0, 6), (0, 6))]
    mapping = map_network(network(10, 4, recurrent=True), CHIP, balance=True)
    assert pieces(mapping) == [("c", (0, 4), (0, 7)), ("c", (0, 4), (7, 10)), ("loop", (0, 4), (0, 4))]
    assert [t.core for t in mapping.tiles] == [0, 1, 1]
    assert check_mapping(mapping) == ()


@pytest.mark.parametrize("plastic", [False, True])
def test_the_slowest_core_is_faster(plastic):
    net, spikes = network(18, 12, plastic), np.ones((2, 4, 18), int)
    clocks = {}
    for balance in (False, True):
        mapping = map_network(net, CHIP, balance=balance)
        _, activity = simulate_on_chip(mapping, spikes)
        clocks[balance] = cost(mapping, activity)
        # All inputs spike: the slowest core reads 8 x 8 synapses, or 6 x 6.
        assert activity.slowest[:, 0].max() == 2 * (36 if balance else 64)
        assert activity.slowest[:, -1].max() == 2 * plastic * (36 if balance else 64)
    assert clocks[True].latency_slowest_s < clocks[False].latency_slowest_s
    assert clocks[True].energy_j == pytest.approx(clocks[False].energy_j)


def test_a_population_with_holes_stays_as_it_is():
    net = network(18, 12)
    weights = net.projections[0].weights.copy()
    weights[:8, :8] = 0
    net = dataclasses.replace(net, projections=(dataclasses.replace(net.projections[0], weights=weights),))
    assert pieces(map_network(net, CHIP, balance=True)) == pieces(map_network(net, CHIP))


def test_refusals():
    net = network(18, 12)
    for bad in (2, "yes", {"nobody": np.ones(3)}, {"in": np.ones(3)}, {"in": -np.ones(18)}):
        with pytest.raises(ParameterError, match=r"MappingOptions\.balance"):
            map_network(net, CHIP, balance=bad)
    with pytest.raises(ParameterError, match=r"MappingOptions\.balance"):
        estimate(net, CHIP, balance=None)


def test_expected_spikes_of_an_image_are_cut_in_the_order_of_the_mapping():
    """Tiles count pixel by pixel, the network channel by channel; here only the first of two channels spikes."""
    geometry = sy.Convolution((1, 1), (1, 4))
    conv = sy.Projection.of_kernel("conv", "in", "maps", np.ones((2, 1, 1, 1)), geometry)
    dense = sy.Projection("dense", "maps", "out", np.ones((4, 8)))
    populations = (sy.Population("maps", 8, 0.5, 0.5), sy.Population("out", 4, 0.5, 0.5))
    net = sy.quantise(sy.Network(sy.Source("in", 4), populations, (conv, dense), "out", 4))
    mapping = map_network(net, small_chip(axons=7), balance={"maps": np.array([3.0, 1, 1, 1, 0, 0, 0, 0])})
    assert [t.columns for t in mapping.tiles if t.projection == "dense"] == [(0, 2), (2, 8)]
    assert check_mapping(mapping) == ()
