# SPDX-License-Identifier: BSD-3-Clause
"""What fits and what does not, said before anything is placed; faults known beforehand; placement against optimum."""

import dataclasses
import itertools

import numpy as np
import pytest
from chips import small_chip
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import plastic_network, random_spikes
from scipy.sparse import csr_array

import synergic as sy
from synergic.errors import CapacityError, FormatError, ParameterError, UnsupportedError
from synergic.hw_targets import map_network, simulate_on_chip
from synergic.hw_targets.mapping import PLACEMENTS, check_mapping, estimate
from synergic.hw_targets.mapping._memory import memory_of
from synergic.hw_targets.mapping._traffic import flows, traffic, weighted_hops
from synergic.network import IntPopulation, IntProjection
from synergic.network._quantise import IntGraph


def frozen_network(*sizes, **settings):
    """A chain of layers without local weights, in integers."""
    rng = np.random.default_rng(0)
    names = ["in", *(f"layer{i}" for i in range(1, len(sizes)))]
    populations = tuple(sy.Population(n, size, 0.5, 0.5) for n, size in zip(names[1:], sizes[1:], strict=True))
    projections = tuple(
        sy.Projection(f"c{i}", names[i], names[i + 1], rng.normal(0, 1, (b, a)))
        for i, (a, b) in enumerate(itertools.pairwise(sizes))
    )
    return sy.quantise(sy.Network(sy.Source("in", sizes[0]), populations, projections, names[-1], 3), **settings)


def graph(n, *matrices, bits=8):
    """One population of n neurons that hears each source x0, x1, ... through a matrix."""
    population = IntPopulation("p", n, 1000, 2048, "subtract", np.zeros(n, np.int64), 1.0)
    projections = tuple(
        IntProjection(f"c{i}", f"x{i}", "p", np.asarray(m), None, 0, None, "frozen", bits)
        for i, m in enumerate(matrices)
    )
    return IntGraph((population,), projections)


def test_everything_that_does_not_fit_is_named_at_once():
    chip = small_chip(rows=2, columns=3, weight_bits=4, membrane_bits=16, weight_memory=6)
    network = frozen_network(20, 16, 4)
    found = {v.where: v for v in estimate(network, chip).violations}
    assert list(found) == [
        "c0.weight_bits", "c1.weight_bits", "membrane bits of the network", "c0.weights of one neuron",
        "c1.weights of one neuron", "cores of the model of small",
    ]  # fmt: skip
    assert (found["c0.weight_bits"].needed, found["c0.weight_bits"].change) == ("8", "Quantise with weight_bits=4.")
    one = found["c0.weights of one neuron"]
    assert (one.needed, one.available) == ("8 bytes", "6 bytes")
    with pytest.raises(UnsupportedError) as refused:
        map_network(network, chip)
    assert str(refused.value).splitlines() == list(map(str, found.values()))


def test_the_change_that_is_named_fits_and_one_neuron_more_does_not():
    # 20 inputs take 3 columns of 8, the output 1: cores are 3 for each 8 neurons of layer1, and 1 for each 8 of them
    chip = small_chip(rows=4, columns=5)
    needs = estimate(frozen_network(20, 100, 4), chip)
    (violation,) = needs.violations
    assert (violation.needed, violation.available) == (str(13 * 3 + 13), "20")
    assert violation.change == "It fits with 40 instead of 100 neurons in 'layer1'."
    assert map_network(frozen_network(20, 40, 4), chip).cores == 20
    with pytest.raises(CapacityError, match="needed 24, available 20"):
        map_network(frozen_network(20, 41, 4), chip)


def test_narrower_local_weights_come_first_and_an_array_of_chips_last():
    network = sy.quantise(plastic_network(sizes=(16, 16, 4)))
    chip = small_chip(rows=3, columns=4)
    # 16 bits: (4 + 2) tiles of three cores each; 8 bits: of two
    with pytest.raises(CapacityError, match=r"needed 18, available 12\. With quantise\(local_bits=8\) it needs 12\."):
        map_network(network, chip)
    assert map_network(sy.quantise(plastic_network(sizes=(16, 16, 4)), local_bits=8), chip).cores == 12
    deep = frozen_network(8, 8, 8, 8, 8)
    tiny = small_chip(rows=1, columns=2)
    with pytest.raises(CapacityError, match=r"No size of a single population makes it fit.*an array of 2 chips"):
        map_network(deep, tiny)
    assert map_network(deep, tiny, chips=(2, 1)).cores == 4


def test_dead_cores_count_as_missing():
    chip = small_chip(rows=2, columns=3)
    dead = [(1, 0), (1, 1)]  # two parts of two cores each: only one of them can be used
    needs = estimate(frozen_network(8, 8, 8, 8), chip, dead_cores=dead)
    assert (needs.cores, needs.available) == (3, 2)
    with pytest.raises(CapacityError, match=r"needed 3, available 2 \(6 less 4 dead or cut off\)"):
        map_network(frozen_network(8, 8, 8, 8), chip, dead_cores=dead)


def test_an_estimate_by_hand():
    chip = small_chip()
    needs = estimate(sy.quantise(plastic_network(sizes=(20, 8, 4), steps=2)), chip)
    # three tiles into layer1, one into layer2; each with two cores for 16 bits
    assert (needs.cores, needs.synapse_cores, needs.local_cores, needs.available) == (12, 4, 8, 30)
    assert needs.occupancy == pytest.approx((20 * 8 + 8 * 4) * 3 / (12 * 64))
    assert needs.phases_per_step == 3
    assert needs.step_seconds == pytest.approx(3 * 10000 / 100e6)
    assert needs.fits


def test_a_small_memory_takes_more_cores():
    chip = small_chip(weight_memory=32)  # room for 4 neurons of 8 axons
    assert map_network(frozen_network(8, 8), chip).cores == 2
    assert map_network(frozen_network(8, 8), small_chip()).cores == 1


def test_indexed_weights_by_hand():
    rng = np.random.default_rng(1)
    chip = small_chip(weight_values=4, sram=20)
    few = graph(8, rng.choice([-3, 0, 5, 100], (8, 8)))
    # a table of 4 bytes, and 2 bits a synapse: 64 of them take the other 16
    mapping = map_network(few, chip, weight_storage="indexed")
    assert mapping.cores == 1
    assert check_mapping(mapping) == ()
    memory = memory_of(few, mapping.tiles, chip)
    assert (memory.full, memory.indexed, memory.indexed_cores, memory.needs_full) == (64, 20, 1, False)
    tight = dataclasses.replace(chip, sram=dataclasses.replace(chip.sram, value=19))
    assert map_network(few, tight, weight_storage="indexed").cores == 2  # 7 neurons and 1
    many = graph(8, np.arange(64).reshape(8, 8))
    assert memory_of(many, map_network(many, chip).tiles, chip).needs_full
    with pytest.raises(
        CapacityError, match=r"c0\.different weights in a core: needed 64, available 4\. .*weight_bits=2"
    ):
        map_network(many, chip, weight_storage="indexed")


def test_pieces_of_zeros_take_no_core():
    # An unfolded convolution of width 3: neuron i hears inputs i, i + 1, i + 2. Only tiles at the diagonal are kept.
    band = np.zeros((32, 34), np.int64)
    for i in range(32):
        band[i, i : i + 3] = (1, 2, 1)
    mapping = map_network(graph(32, band), small_chip())
    assert mapping.cores == 4 * 2
    assert {(t.rows, t.columns) for t in mapping.tiles} == {
        ((8 * i, 8 * i + 8), (8 * j, min(8 * j + 8, 34))) for i in range(4) for j in (i, i + 1)
    }
    assert check_mapping(mapping) == ()


def test_small_tiles_of_the_same_neurons_share_a_core_and_send_one_sum():
    rng = np.random.default_rng(0)
    net = graph(8, *(rng.integers(-9, 9, (8, n)) for n in (8, 3, 3, 3)))
    mapping = map_network(net, small_chip())
    # 8 axons fill the soma core; 3 + 3 share the second one; the last 3 axons have the third
    assert [t.core for t in mapping.tiles] == [0, 1, 1, 2]
    sums = [c for c in mapping.chains if c.kind == "partial sum"]
    assert sorted((c.start, c.stops, c.neurons) for c in sums) == [(1, (0,), (0, 8)), (2, (0,), (0, 8))]


def test_a_core_is_not_shared_where_its_sum_could_overflow():
    heavy = [np.full((8, 3), 100), np.full((8, 3), 100), np.full((8, 8), 1)]
    assert map_network(graph(8, *heavy), small_chip(accumulator_bits=11)).cores == 2  # 600 < 2^10
    assert map_network(graph(8, *heavy), small_chip(accumulator_bits=10)).cores == 3


def test_a_shared_core_counts_one_sum():
    rng = np.random.default_rng(0)
    populations = (sy.Population("a", 8, 0.5, 0.5), sy.Population("b", 3, 0.5, 0.5))
    ends = [("in", "a", (8, 8)), ("b", "a", (8, 3)), ("a", "b", (3, 8)), ("a", "a", (8, 8))]
    projections = tuple(
        sy.Projection(f"c{i}", source, target, rng.normal(0, 1, shape))
        for i, (source, target, shape) in enumerate(ends)
    )
    net = sy.quantise(sy.Network(sy.Source("in", 8), populations, projections, "b", 3))
    mapping = map_network(net, small_chip(axons=11))
    assert mapping.cores == 3  # a: "in" and "b" on the soma core, "a" on another; b: one
    spikes = random_spikes(net)
    record, activity = simulate_on_chip(mapping, spikes)
    assert activity.partial_sums == 3 * 3 * 8
    assert np.array_equal(record.u["a"], sy.simulate(net, spikes).u["a"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(list(PLACEMENTS)))
def test_a_mapping_goes_around_what_is_dead(seed, placement):
    rng = np.random.default_rng(seed)
    chip, network = small_chip(rows=5, columns=5), frozen_network(20, 12, 4)
    dead = [tuple(p) for p in rng.integers(0, 5, (4, 2)).tolist()]
    starts = rng.integers(0, 4, (6, 2)).tolist()
    links = [((x, y), (x + 1, y)) if i % 2 else ((x, y), (x, y + 1)) for i, (x, y) in enumerate(starts)]
    if estimate(network, chip, dead_cores=dead, dead_links=links).fits:
        mapping = map_network(network, chip, placement=placement, dead_cores=dead, dead_links=links)
        assert not {mapping.position(core) for core in range(mapping.cores)} & set(dead)
        for route in mapping.routes:
            path = (mapping.position(route.start), *route.hops)
            assert not set(path) & set(dead)
            crossed = {frozenset(link) for link in itertools.pairwise(path)}
            assert not crossed & {frozenset(link) for link in links}


def test_a_detour_by_hand():
    # Two cores in a row with a dead core between them: down, along, up, and a relay at each corner.
    chip = small_chip(rows=2, columns=3)
    mapping = map_network(frozen_network(8, 8, 8), chip, placement="first_fit", dead_cores=[(1, 0)])
    (spikes,) = mapping.chains
    assert [mapping.position(core) for core in range(2)] == [(0, 0), (2, 0)]
    assert spikes.path == ((0, 1), (1, 1), (2, 1), (2, 0))
    assert spikes.relays == (1,)
    assert mapping.tables() == {0: 1, 1: 1}  # nothing of ours lies at (0, 1), which only forwards


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dead_cores": [(5, 0)]}, "dead_cores: got .*x below 5"),
        ({"dead_cores": [(1.5, 0)]}, "dead_cores"),
        ({"dead_links": [((0, 0), (1, 1))]}, "dead_links: got .*neighbouring positions"),
        ({"dead_links": [((0, 0),)]}, "dead_links"),
        ({"placement": "best"}, "placement: got 'best', allowed 'first_fit' or"),
        ({"weight_storage": "small"}, "weight_storage"),
        ({"seed": -1}, "seed"),
        ({"rate": 1.5}, "rate"),
        ({"chips": (0, 1)}, "chips: got 0"),
        ({"chips": 4}, r"chips: got 4, allowed \(rows, columns\)"),
    ],
)
def test_arguments_are_checked(options, words):
    with pytest.raises(ParameterError, match=words):
        map_network(frozen_network(8, 8), small_chip(), **options)


def test_an_array_of_chips_is_a_larger_chip():
    chip = small_chip(rows=2, columns=3)
    array = chip.array(2, 4)
    assert (int(array.rows), int(array.columns), array.cores, array.chips) == (4, 12, 48, 8)
    assert array.rows.mark == "derived"
    with pytest.raises(ParameterError, match="8 chips, allowed one chip"):
        array.array(2, 2)
    with pytest.raises(FormatError):
        map_network(frozen_network(8, 8), "nosuch")


def best_by_trying(between, columns, places):
    """Least weighted hops of all placements, one after the other."""
    pairs = between.tocoo()
    least = np.inf
    for way in itertools.permutations(range(places), between.shape[0]):
        at = [divmod(slot, columns) for slot in way]
        cost = 0.0
        for a, b, packets in zip(pairs.row, pairs.col, pairs.data, strict=True):
            if a < b:
                cost += packets * (abs(at[a][0] - at[b][0]) + abs(at[a][1] - at[b][1]))
        least = min(least, cost)
    return least


@pytest.mark.parametrize("cores", [3, 4, 5, 6])
def test_placements_against_the_optimum_on_six_places(cores):
    rng = np.random.default_rng(cores)
    for _ in range(4):
        upper = np.triu(rng.integers(0, 50, (cores, cores)) * (rng.random((cores, cores)) < 0.7), 1)
        between = csr_array((upper + upper.T).astype(float))
        least = best_by_trying(between, 3, 6)
        hops = {
            name: weighted_hops(between, place(between, np.arange(6), 3, 0), 3) for name, place in PLACEMENTS.items()
        }
        assert least <= hops["annealing"] <= 1.1 * least + 1e-9
        assert all(value >= least for value in hops.values())


def test_nine_cores_with_a_known_optimum():
    # A ring of 9 cores needs 10 hops on 3 x 3 places: its length is even, for each hop changes x + y by 1.
    ring = np.zeros((9, 9))
    order = np.random.default_rng(0).permutation(9)
    for a, b in zip(order, np.roll(order, 1), strict=True):
        ring[a, b] = ring[b, a] = 1
    between = csr_array(ring)
    assert weighted_hops(between, PLACEMENTS["annealing"](between, np.arange(9), 3, 0), 3) <= 11
    assert weighted_hops(between, np.arange(9), 3) > 11


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_annealing_is_never_worse_than_greedy_or_first_fit_and_repeats_itself(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    upper = np.triu(rng.integers(0, 50, (n, n)) * (rng.random((n, n)) < rng.uniform(0.05, 1)), 1)
    between = csr_array((upper + upper.T).astype(float))
    free = np.sort(rng.permutation(60)[: n + int(rng.integers(0, 60 - n))])
    found = {name: PLACEMENTS[name](between, free, 8, 3) for name in ("first_fit", "greedy", "annealing")}
    for slots in found.values():
        assert len(set(slots.tolist())) == n
        assert set(slots.tolist()) <= set(free.tolist())
    hops = {name: weighted_hops(between, slots, 8) for name, slots in found.items()}
    assert hops["annealing"] <= min(hops.values())
    assert np.array_equal(found["annealing"], PLACEMENTS["annealing"](between, free, 8, 3))


def test_weighted_hops_are_those_of_the_routes():
    network = sy.quantise(plastic_network(sizes=(20, 12, 4)))
    mapping = map_network(network, small_chip())
    rate = 0.25
    between = traffic(flows(network, mapping.tiles), mapping.cores, rate)
    want = 0.0
    for r in mapping.routes:  # each stop counts its own distance here, however the chain goes
        packets = (r.neurons[1] - r.neurons[0]) * (rate if r.kind == "spike" else 1)
        (x0, y0), (x1, y1) = mapping.position(r.start), mapping.position(r.stop)
        want += packets * (abs(x0 - x1) + abs(y0 - y1))
    assert weighted_hops(between, mapping.slots, 5) == pytest.approx(want)
