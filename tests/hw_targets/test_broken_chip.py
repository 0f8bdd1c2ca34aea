# SPDX-License-Identifier: BSD-3-Clause
"""A chip with dead cores, dead links and lost packets: what is lost is what the fault says, and nothing else."""

import dataclasses
import itertools

import numpy as np
import pytest
from chips import small_chip
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import ParameterError
from synergic.hw_targets import Probes, map_network, simulate_on_chip
from synergic.hw_targets.faults import BrokenChip, accuracy_under, break_chip
from synergic.hw_targets.faults._broken_chip import all_links
from synergic.hw_targets.mapping import Tile

NET = sy.quantise(plastic_network(sizes=(300, 280, 5), steps=4))
MAPPING = map_network(NET)
SPIKES = random_spikes(NET, samples=3)


def run(broken, **options):
    return simulate_on_chip(MAPPING, SPIKES, faults=broken, **options)[0]


def tile(projection, number=0) -> Tile:
    return [t for t in MAPPING.tiles if t.projection == projection][number]


@pytest.mark.parametrize("form", ["matrix", "history"])
def test_a_chip_without_faults_is_whole(form):
    want, did = simulate_on_chip(MAPPING, SPIKES, local_memory=form)
    got, also = simulate_on_chip(MAPPING, SPIKES, local_memory=form, faults=BrokenChip(MAPPING))
    for name in want.u:
        assert np.array_equal(want.u[name], got.u[name])
    assert np.array_equal(did.synaptic, also.synaptic)


def test_a_dead_synapse_core_is_a_block_of_zero_weights():
    dead = tile("c0", 1)
    first = NET.projections[0]
    weights = first.weights.copy()
    weights[dead.slices] = 0
    network = dataclasses.replace(NET, projections=(dataclasses.replace(first, weights=weights), *NET.projections[1:]))
    got = run(BrokenChip(MAPPING, dead_cores=(dead.core,)))
    want = sy.simulate(network, SPIKES)
    for name in want.u:
        assert np.array_equal(want.u[name], got.u[name])


def test_a_dead_local_core_takes_its_part_of_the_local_term_away():
    dead = tile("c0", 1)
    broken = BrokenChip(MAPPING, dead_cores=dead.local_cores[:1])
    got = run(broken, probes=Probes(sums=("c0",)))
    rows, columns = dead.slices
    # with no memory of what it learned and where it began, the block is one whose weights are and stay 0
    first = NET.projections[0]
    local = first.local_weights.copy()
    local[rows, columns] = 0
    silent = dataclasses.replace(first.rule, eta=np.where(np.arange(300) // 256 == 1, 0, first.rule.eta))
    only = dataclasses.replace(first, local_weights=local, rule=silent)
    network = dataclasses.replace(NET, projections=(only, *NET.projections[1:]))
    want = sy.simulate(network, SPIKES)
    assert np.array_equal(want.u["layer1"][:, :, rows], got.u["layer1"][:, :, rows])
    assert not np.array_equal(run(None).u["layer1"], got.u["layer1"])


def test_neurons_of_a_dead_soma_core_never_fire():
    dead = tile("c0", 0)
    got = run(BrokenChip(MAPPING, dead_cores=(dead.soma_core,)))
    rows = dead.slices[0]
    assert not got.spikes["layer1"][:, :, rows].any()
    alive = np.ones(280, bool)
    alive[rows] = False
    assert np.array_equal(got.u["layer1"][:, :, alive], run(None).u["layer1"][:, :, alive])


def test_a_dead_link_cuts_exactly_the_routes_over_it():
    route = next(r for r in MAPPING.routes if r.kind == "partial sum" and len(r.hops) >= 1)
    path = (MAPPING.position(route.start), *route.hops)
    broken = BrokenChip(MAPPING, dead_links=((path[0], path[1]),))
    assert (route.kind, route.start, route.stop) in broken.cut()
    for kind, start, stop in broken.cut():
        found = next(r for r in MAPPING.routes if (r.kind, r.start, r.stop) == (kind, start, stop))
        full = (MAPPING.position(start), *found.hops)
        assert (path[0], path[1]) in set(itertools.pairwise(full))
    assert not np.array_equal(run(broken).u["layer1"], run(None).u["layer1"])
    # a spike route: the core hears nothing of those neurons
    spike = next(r for r in MAPPING.routes if r.kind == "spike")
    hops = (MAPPING.position(spike.start), *spike.hops)
    deaf = BrokenChip(MAPPING, dead_links=tuple(itertools.pairwise(hops)))
    assert not np.array_equal(run(deaf).u["layer2"], run(None).u["layer2"])


def test_all_packets_lost_leaves_neurons_their_bias():
    got = run(break_chip(MAPPING, "lost packets", 1.0))
    population = NET.population("layer1")
    assert (got.u["layer1"][:, 0] == population.bias).all()
    none = sy.simulate(NET, np.zeros_like(SPIKES))
    # local weights only decay: they hear nothing and learn nothing
    assert np.array_equal(none.local_weights["c0"], got.local_weights["c0"])


def test_packets_are_lost_at_the_rate_that_is_named_whatever_the_batch():
    plain = sy.quantise(plastic_network(sizes=(256, 4, 3), steps=20, p_max=4.0))
    mapping, spikes = map_network(plain), random_spikes(plain, samples=8, rate=0.5)
    broken = break_chip(mapping, "lost packets", 0.1, seed=3)
    got, activity = simulate_on_chip(mapping, spikes, faults=broken)
    first = mapping.tiles[0]
    integrated = activity.integrated[:, first.core].sum() / 4
    assert integrated / spikes.sum() == pytest.approx(0.9, abs=0.01)
    again, _ = simulate_on_chip(mapping, spikes, 3, faults=broken, threads=1)
    assert np.array_equal(got.u["layer2"], again.u["layer2"])
    other, _ = simulate_on_chip(mapping, spikes, faults=break_chip(mapping, "lost packets", 0.1, seed=4))
    assert not np.array_equal(got.u["layer2"], other.u["layer2"])


def test_tiles_that_share_a_core_lose_its_packets_together():
    # Weights W and -W of the same source on one core: nothing, as long as each packet is lost for both or for none.
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 1, (4, 4)) for name in ("first", "second")}
    projections = tuple(
        sy.Projection(f"{name} {sign}", "in", "out", sign * w) for name, w in weights.items() for sign in (1, -1)
    )
    population = sy.Population("out", 4, 1e3, 0.5)
    network = sy.quantise(sy.Network(sy.Source("in", 4), (population,), projections, "out", 30))
    spikes = random_spikes(network, rate=0.9)
    for axons, cores in ((8, 2), (4, 4)):  # two tiles a core, the second core sends its sums; or each tile by itself
        mapping = map_network(network, small_chip(axons=axons))
        assert mapping.cores == cores
        got, _ = simulate_on_chip(mapping, spikes, faults=break_chip(mapping, "lost packets", 0.3))
        assert got.u["out"].any() == (axons == 4)


def test_random_faults_hit_the_share_they_name():
    assert break_chip(MAPPING, "dead cores", 1.0).dead_cores == tuple(range(MAPPING.cores))
    assert break_chip(MAPPING, "dead cores", 0.0).dead_cores == ()
    assert len(all_links(MAPPING.chip)) == 2 * (12 * 12 + 11 * 13)
    links = break_chip(MAPPING, "dead links", 0.3, seed=1).dead_links
    assert len(links) / len(all_links(MAPPING.chip)) == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize("fault", ["dead cores", "dead links", "lost packets", "stuck synapses"])
def test_accuracy_falls_with_the_rate_of_faults(fault):
    # Each class has its own inputs: whole, the network tells them apart without an error.
    weights = np.kron(np.eye(4), np.full((1, 160), 0.025))
    population = sy.Population("out", 4, 1.0, 1.0)
    for rule in (None, sy.Hebbian(0.01, 0.0)):  # GP and HP
        projection = sy.Projection("c", "in", "out", weights, rule, 0.1 if rule else 0.0)
        net = sy.quantise(sy.Network(sy.Source("in", 640), (population,), (projection,), "out", 3))
        labels = np.arange(40) % 4
        rng = np.random.default_rng(0)
        spikes = ((rng.random((40, 3, 640)) < 0.5) * np.kron(np.eye(4), np.ones(160))[labels][:, None]).astype(int)
        curve = accuracy_under(net, spikes, labels, fault, (0.0, 1.0), seeds=(0, 1))
        assert curve.shape == (2, 2)
        assert (curve[:, 0] == 1.0).all()
        assert (curve[:, 1] < 0.6).all()


def test_wrong_faults_are_refused():
    for arguments, text in [
        ({"dead_cores": (99,)}, "dead_cores: got 99, allowed 0 to"),
        ({"dead_links": (((0, 0), (5, 5)),)}, "dead_links: got"),
        ({"packet_loss": 1.5}, "packet_loss: got 1.5"),
    ]:
        with pytest.raises(ParameterError, match=text):
            BrokenChip(MAPPING, **arguments)
    other = map_network(sy.quantise(plastic_network(sizes=(300, 20, 5), steps=4)))
    with pytest.raises(ParameterError, match="faults: got the faults of another mapping"):
        run(break_chip(other, "dead cores", 0.1))
    with pytest.raises(ParameterError, match=r"break_chip.fault: got 'gremlins'"):
        break_chip(MAPPING, "gremlins", 0.1)
    with pytest.raises(ParameterError, match=r"accuracy_under.labels: got shape \(2,\), allowed \(3,\)"):
        accuracy_under(NET, SPIKES, [0, 1], "dead cores", (0.1,))
