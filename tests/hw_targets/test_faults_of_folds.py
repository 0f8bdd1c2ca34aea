# SPDX-License-Identifier: BSD-3-Clause
"""Faults of a folded convolution: a core computes several places in turn, and fails in all of them."""

import dataclasses
import itertools

import numpy as np
import pytest
from chips import small_chip

import synergic as sy
from synergic.errors import CapacityError
from synergic.hw_targets import Probes, map_network, simulate_on_chip
from synergic.hw_targets.faults import FAULTS, BrokenChip, accuracy_under, break_chip, break_network
from synergic.hw_targets.mapping._arrange import orders


def network(seed=0):
    """2 x 7 x 6 inputs by 3 x 3 to 5 x 4 with 3 channels, and 4 neurons that hear all of these."""
    rng = np.random.default_rng(seed)
    geometry = sy.Convolution((3, 3), (7, 6))
    first = sy.Projection.of_kernel("conv", "in", "maps", rng.normal(0.1, 0.3, (3, 2, 3, 3)), geometry)
    second = sy.Projection("all", "maps", "out", rng.normal(0.05, 0.3, (4, 60)))
    populations = (sy.Population("maps", 60, 0.6, 0.5), sy.Population("out", 4, 0.6, 0.5))
    return sy.quantise(sy.Network(sy.Source("in", 84), populations, (first, second), "out", 4))


NET = network()
ORDERS = orders(NET)
CHIP = small_chip(axons=20, neurons=12, rows=6, columns=6)
MAPPING = map_network(NET, CHIP, fold=5)
SPIKES = (np.random.default_rng(1).random((3, 4, 84)) < 0.3).astype(int)


def folded_core():
    """A synapse core that computes several passes, and is nobody's soma."""
    somas = {t.soma_core for t in MAPPING.tiles}
    cores = [t.core for t in MAPPING.tiles if t.projection == "conv" and t.core not in somas]
    return max(set(cores), key=lambda core: len(passes(core)))


def passes(core):
    return {t.pass_index for t in MAPPING.tiles if t.core == core}


def neurons(tile):
    """A tile's neurons as the network counts them."""
    return ORDERS["maps"][slice(*tile.rows)]


def inputs(tile):
    """Its inputs, likewise."""
    return ORDERS["in"][slice(*tile.columns)] if tile.projection == "conv" else ORDERS["maps"][slice(*tile.columns)]


def with_weights(weights):
    """The network with other weights of the convolution, which repeat no kernel."""
    first = dataclasses.replace(NET.projections[0], weights=weights, convolution=None)
    return dataclasses.replace(NET, projections=(first, NET.projections[1]))


def same(want, got):
    return all(np.array_equal(want.u[name], got.u[name]) for name in want.u)


def test_a_dead_synapse_core_is_missing_in_every_pass():
    core = folded_core()
    assert len(passes(core)) > 1
    weights = NET.projections[0].weights.copy()
    for tile in (t for t in MAPPING.tiles if t.core == core):
        weights[np.ix_(neurons(tile), inputs(tile))] = 0
    got, _ = simulate_on_chip(MAPPING, SPIKES, faults=BrokenChip(MAPPING, dead_cores=(core,)))
    assert same(sy.simulate(with_weights(weights), SPIKES), got)
    assert not same(sy.simulate(NET, SPIKES), got)


def test_neurons_of_all_passes_of_a_dead_soma_core_never_fire():
    core = next(t.soma_core for t in MAPPING.tiles if t.projection == "conv" and t.pass_index == 1)
    mine = {n for t in MAPPING.tiles if t.soma_core == core for n in neurons(t).tolist()}
    got, _ = simulate_on_chip(MAPPING, SPIKES, faults=BrokenChip(MAPPING, dead_cores=(core,)))
    whole = sy.simulate(NET, SPIKES)
    alive = np.setdiff1d(np.arange(60), list(mine))
    assert len(mine) > 12  # more than a core has in a pass
    assert not got.spikes["maps"][..., list(mine)].any()
    assert whole.spikes["maps"][..., list(mine)].any()
    assert np.array_equal(got.u["maps"][..., alive], whole.u["maps"][..., alive])


def test_a_dead_link_takes_the_sums_of_every_pass():
    route = next(r for r in MAPPING.routes if r.kind == "partial sum")
    link = next(itertools.pairwise((MAPPING.position(route.start), *route.hops)))
    broken = BrokenChip(MAPPING, dead_links=(link,))
    cut = {(start, stop) for kind, start, stop in broken.cut() if kind == "partial sum"}
    deaf = {(start, stop) for kind, start, stop in broken.cut() if kind == "spike"}
    weights, second = NET.projections[0].weights.copy(), NET.projections[1].weights.copy()
    for tile in MAPPING.tiles:
        assert tile.projection == "conv" or not {
            t for t in deaf if t[1] == tile.core
        }  # so that sums are all that is cut
        if (tile.core, tile.soma_core) in cut:
            if tile.projection == "conv":
                weights[np.ix_(neurons(tile), inputs(tile))] = 0
            else:
                second[slice(*tile.rows), inputs(tile)] = 0
    want = with_weights(weights)
    want = dataclasses.replace(
        want, projections=(want.projections[0], dataclasses.replace(NET.projections[1], weights=second))
    )
    got, _ = simulate_on_chip(MAPPING, SPIKES, faults=broken)
    assert same(sy.simulate(want, SPIKES), got)
    assert not same(sy.simulate(NET, SPIKES), got)


@pytest.mark.parametrize("fault", ["dead synapses", "stuck synapses", "bit flips"])
def test_a_broken_weight_is_broken_in_every_pass(fault):
    """What the cores hold is read off single spikes: the sums of each neuron, with every input on by itself."""
    single = np.zeros((84, 4, 84), int)
    single[np.arange(84), 0, np.arange(84)] = 1
    probe = Probes(sums=("conv",))
    broken = break_chip(MAPPING, fault, 0.1, seed=2)
    record, _ = simulate_on_chip(MAPPING, single, faults=broken, probes=probe)
    whole, _ = simulate_on_chip(MAPPING, single, faults=BrokenChip(MAPPING), probes=probe)
    cells, reused, changed, weights = {}, 0, [], np.zeros((60, 84), np.int64)
    tiles = [t for t in MAPPING.into("maps") if t.projection == "conv"]
    for tile, got, was in zip(tiles, record.sums["conv"], whole.sums["conv"], strict=True):
        now = got["slow"][inputs(tile), 0].T  # (neurons, inputs) of the tile
        before = was["slow"][inputs(tile), 0].T
        weights[np.ix_(neurons(tile), inputs(tile))] = now
        changed.append((now != before).mean())
        for (i, j), value in np.ndenumerate(now):
            cell = (tile.core, i, tile.axon + j)
            reused += cell in cells
            assert cells.setdefault(cell, (value, before[i, j])) == (value, before[i, j])
    assert reused > 100  # cells that several passes use
    expected = 1 - 0.9**8 if fault == "bit flips" else 0.1
    wrong = np.mean([now != before for now, before in cells.values()])
    assert wrong == pytest.approx(expected, abs=0.05)
    other, _ = simulate_on_chip(MAPPING, SPIKES, faults=broken, probes=Probes(u=("maps",)))
    assert np.array_equal(sy.simulate(with_weights(weights), SPIKES).u["maps"], other.u["maps"])


def test_dead_neurons_are_those_of_the_network():
    got, _ = simulate_on_chip(MAPPING, SPIKES, faults=break_chip(MAPPING, "dead neurons", 0.3, seed=4))
    want = sy.simulate(break_network(NET, "dead neurons", 0.3, seed=4), SPIKES)
    assert same(want, got)
    assert not same(sy.simulate(NET, SPIKES), got)


def test_sums_of_several_passes_are_lost_each_by_itself_and_those_that_stay_are_not():
    """Core 0 has the somas; core 1 sends its sums in each pass. What arrived is read off the first potentials."""
    spikes = np.ones((300, 4, 84), int)
    broken = BrokenChip(MAPPING, packet_loss=0.1, seed=3)
    got, _ = simulate_on_chip(MAPPING, spikes, faults=broken, probes=Probes(u=("maps",), sums=("conv",)))
    population, order, unit = NET.population("maps"), ORDERS["maps"], int(NET.k[0]) >> 6
    arrived = (got.u["maps"][:, 0][:, order] - population.bias[order]) // unit
    made = {0: np.zeros((300, 60), np.int64), 1: np.zeros((300, 60), np.int64)}  # of the spikes that their core got
    tiles = [t for t in MAPPING.into("maps") if t.projection == "conv"]
    for tile, part in zip(tiles, got.sums["conv"], strict=True):
        assert tile.soma_core == 0
        made[tile.core][:, slice(*tile.rows)] += part["slow"][:, 0]
    lost = arrived == made[0]
    assert (lost | (arrived == made[0] + made[1])).all()
    lost = (lost & (made[1] != 0)).reshape(300, 5, 12)  # sample, pass, neuron of the pass
    assert lost.mean() == pytest.approx(0.1, abs=0.01)
    for one, two in itertools.combinations(range(5), 2):
        both = (lost[:, one] & lost[:, two]).mean()
        assert both == pytest.approx(0.01, abs=0.01)


@pytest.mark.parametrize("fault", [*FAULTS, "dead cores", "lost packets"])
def test_accuracy_of_a_network_that_fits_folded_only(fault):
    chip = small_chip(axons=20, neurons=12, rows=1, columns=MAPPING.cores)
    mapping = map_network(NET, chip)
    assert mapping.n_passes > 1
    with pytest.raises(CapacityError):
        map_network(break_network(NET, "bit flips", 0.1), chip)
    labels = sy.simulate(NET, SPIKES).classes(NET)
    curve = accuracy_under(NET, SPIKES, labels, fault, (0.0, 0.2), seeds=(0, 1), chip=chip)
    assert (curve[:, 0] == 1).all()
    for seed, found in enumerate(curve[:, 1]):
        alone, _ = simulate_on_chip(mapping, SPIKES, faults=break_chip(mapping, fault, 0.2, seed))
        assert found == np.mean(alone.classes(NET) == labels)
