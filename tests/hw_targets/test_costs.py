# SPDX-License-Identifier: BSD-3-Clause
"""Costs by hand on small networks; published figures, one test each; what learning costs, both forms beside none."""

from pathlib import Path

import numpy as np
import pytest
from chips import small_chip
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import ParameterError
from synergic.hw_targets import cost, load_chip, map_network, simulate_on_chip
from synergic.hw_targets.costs import load_references, model_value, side_by_side
from synergic.hw_targets.costs._core_work import lanes, setup_cycles
from synergic.hw_targets.costs._phase_clocks import busiest_link
from synergic.hw_targets.costs._references import QUANTITIES, page

ROWS, NOT_MET = load_references()
TIANJIC = load_chip("tianjic")
PHASE, SLOT = 5050 / 300e6, (6.29e-3 - 1.95e-3) * 5050 / 300e6 / 65536


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.id)
def test_a_published_figure_is_met(row):
    assert abs(model_value(row) / row.value - 1) <= row.tolerance
    assert row.mark in ("confirmed", "second-hand", "derived")
    assert row.source


def test_rows_and_refusals_are_told_apart():
    ids = [r.id for r in (*ROWS, *NOT_MET)]
    assert len(set(ids)) == len(ids)
    assert {r.quantity for r in ROWS} == set(QUANTITIES)
    assert all(r.reason for r in NOT_MET)
    assert page() in (Path(__file__).parents[2] / "docs" / "costs.md").read_text()


def test_clocks_of_a_phase():
    assert lanes(TIANJIC) == 16
    assert setup_cycles(TIANJIC) == 954


def one_layer(n_in, n_out, steps, **settings):
    rng = np.random.default_rng(0)
    population = sy.Population("out", n_out, 1e3, 0.5)  # never fires
    projection = sy.Projection("c", "in", "out", rng.normal(0, 1, (n_out, n_in)), **settings)
    return sy.quantise(sy.Network(sy.Source("in", n_in), (population,), (projection,), "out", steps))


def test_three_levels_of_time_by_hand():
    net = one_layer(300, 10, steps=2)
    mapping = map_network(net)
    _, activity = simulate_on_chip(mapping, np.ones((3, 2, 300), int))
    c = cost(mapping, activity)
    # Two cores, the second sends its sums to the first: two phases a step, and three steps with the pipeline's.
    assert c.latency_s == pytest.approx(3 * 2 * PHASE)
    # In the two steps that hear something the first core visits 256 x 10 synapses, 16 a clock.
    clocks = 3 * 2 * 954 + 2 * 2560 / 16
    assert c.latency_slowest_s == pytest.approx(clocks / 300e6)
    assert c.latency_contention_s == c.latency_slowest_s  # 10 packets wait for nobody
    assert c.energy_idle_j == pytest.approx(2 * 4 * PHASE * 1.95e-3)
    assert c.energy_j - c.energy_idle_j == pytest.approx(2 * 300 * 10 * SLOT)
    assert c.energy_chip_j - c.energy_j == pytest.approx((156 - 2) * 4 * PHASE * 1.95e-3)
    assert c.by_core.sum() == pytest.approx(c.energy_j)
    assert c.by_sample == pytest.approx(np.full(3, c.energy_j))
    assert c.layers["out"]["energy_j"] == pytest.approx(c.energy_j)
    assert c.events == {
        "slow weights read": 2 * 3000, "local weights read": 0, "local weights rewritten": 0,
        "rule traces rewritten": 0, "history terms recalled": 0, "homeostatic biases written": 0, "spikes sent": 0,
        "partial sums sent": 2 * 10, "potentials sent": 0, "overlaps sent": 0,
    }  # fmt: skip


def test_a_busy_link_holds_the_phase_up():
    # 13 columns of 256 neurons each: the sums of all synapse cores of a tile run together at its soma core.
    net = one_layer(3072, 256, steps=1)
    mapping = map_network(net, placement="first_fit")
    _, activity = simulate_on_chip(mapping, np.zeros((1, 1, 3072), int))
    c = cost(mapping, activity)
    assert mapping.cores == 12
    # first fit puts them in one row: the link into the first core carries the sums of the other eleven
    assert c.latency_slowest_s == pytest.approx(2 * 2 * 954 / 300e6)
    assert c.latency_contention_s == pytest.approx((3 * 954 + 11 * 256) / 300e6)


def test_a_packet_crosses_a_link_once_for_all_who_receive_it():
    # Three cores in a row: what the first sends visits the second, then the third.
    populations = tuple(sy.Population(name, 8, 0.5, 1.0) for name in "abc")
    ends = [("in", "a", 2.0), ("a", "b", -1.0), ("a", "c", -1.0)]
    projections = tuple(sy.Projection(f"c{i}", s, t, np.full((8, 8), w)) for i, (s, t, w) in enumerate(ends))
    net = sy.quantise(sy.Network(sy.Source("in", 8), populations, projections, "c", 3))
    mapping = map_network(net, small_chip(), placement="first_fit")
    (chain,) = mapping.chains
    assert (chain.stops, chain.path) == ((1, 2), ((1, 0), (2, 0)))
    _, activity = simulate_on_chip(mapping, np.ones((2, 3, 8), int))
    carried = busiest_link(mapping, activity, set())
    # The source hears nothing on the way: a fires in steps 2 to 4 of the clock, and its 8 spikes travel a step later.
    assert activity.fired["a"].sum(axis=1).tolist() == [2 * n for n in (0, 8, 8, 8, 0)]
    assert carried[:, 0].tolist() == [0, 0, 8, 8, 8]
    assert not carried[:, 1:].any()


def test_the_history_form_sends_nothing_to_cores_that_it_does_not_use():
    rule = sy.Hebbian(0.001, 0.0, 1.0)
    net = one_layer(8, 8, steps=2, rule=rule, alpha=0.1)
    mapping = map_network(net, small_chip(), placement="first_fit")
    assert {c.kind for c in mapping.chains} == {"partial sum", "membrane"}
    spikes = np.ones((1, 2, 8), int)
    _, matrix = simulate_on_chip(mapping, spikes)
    _, history = simulate_on_chip(mapping, spikes, local_memory="history")
    assert busiest_link(mapping, matrix, {1, 2}).max(axis=0).tolist() == [0, 16, 8]  # two cores' sums on one link
    assert not busiest_link(mapping, history, set()).any()


def test_what_learning_costs_by_hand():
    rule = sy.Hebbian(0.001, 0.0, 1.0)
    net = one_layer(300, 20, steps=4, rule=rule, alpha=0.1)
    spikes = np.ones((2, 4, 300), int)
    found = side_by_side(net, spikes)
    gp, matrix, history = found["gp"], found["matrix"], found["history"]
    assert (gp.cores, matrix.cores, history.cores) == (2, 2 + 2 * 2, 2)  # 16 bits: two cores for each of slow weights
    assert (gp.phases_per_step, matrix.phases_per_step, history.phases_per_step) == (2, 3, 2)
    assert matrix.events["local weights rewritten"] == 4 * 2 * 6000  # both halves of each word
    assert matrix.events["local weights read"] == 4 * 2 * 6000
    assert matrix.local_weight_bytes == 2 * 6000
    # history: 300 spike pairs and 20 terms for each of the 0 + 1 + 2 + 3 earlier steps
    assert history.events["history terms recalled"] == 6 * (300 + 20)
    assert history.events["overlaps sent"] == 6  # of the second core; the first is the soma's own
    assert history.events["local weights rewritten"] == history.local_weight_bytes == 0
    assert history.history_bytes == -(-4 * 300 // 8) + 4 * 4 * 20
    assert gp.energy_j < history.energy_j < matrix.energy_j
    assert gp.latency_slowest_s < history.latency_slowest_s < matrix.latency_slowest_s
    assert "history" not in side_by_side(one_layer(5, 4, 2), np.ones((1, 2, 5), int))
    with pytest.raises(ParameterError, match="quantise"):
        side_by_side(plastic_network(), spikes)


def test_a_start_that_is_not_zero_takes_one_more_matrix_in_the_history_form():
    net = sy.quantise(plastic_network(sizes=(20, 10, 5)))
    found = side_by_side(net, random_spikes(net))
    assert found["history"].local_cores == found["matrix"].local_cores > 0
    assert found["history"].local_weight_bytes == found["matrix"].local_weight_bytes


def test_layers_add_up_to_the_whole():
    net = sy.quantise(plastic_network(sizes=(300, 280, 10), recurrent=True))
    mapping = map_network(net)
    c = cost(mapping, simulate_on_chip(mapping, random_spikes(net))[1])
    assert sum(part["energy_j"] for part in c.layers.values()) == pytest.approx(c.energy_j)
    assert sum(part["cores"] for part in c.layers.values()) == c.cores
    assert c.by_sample.mean() == pytest.approx(c.energy_j)
    assert c.latency_slowest_s <= c.latency_contention_s
    assert 156 * 1.95e-3 <= c.energy_chip_j / (c.phases * PHASE) <= 156 * 6.29e-3
