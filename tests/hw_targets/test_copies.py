# SPDX-License-Identifier: BSD-3-Clause
"""Copies of soma cores: how many there must be, counted by hand, and what the checker finds if one is wrong.

That they change no result is a part of test_refinement.
"""

import dataclasses
import re

import numpy as np
import pytest
from chips import small_chip

import synergic as sy
from synergic.errors import CapacityError, ParameterError, UnsupportedError
from synergic.hw_targets import check_mapping, cost, estimate, load_mapping, map_network, save_mapping, simulate_on_chip
from synergic.hw_targets.faults import break_chip
from synergic.hw_targets.mapping import link_packets

BIG = small_chip(rows=20, columns=10)


def chain_of(sizes, recurrent=False, plastic=False):
    """Layers of random weights of 8 bits, each hears the one before; the last one itself as well."""
    rng = np.random.default_rng(0)
    names = ["in", *(f"layer{i}" for i in range(1, len(sizes)))]
    populations = tuple(sy.Population(n, size, 0.5, 0.5) for n, size in zip(names[1:], sizes[1:], strict=True))
    rule = {"rule": sy.Hebbian(0.05, 0.1), "alpha": 0.3} if plastic else {}
    projections = [
        sy.Projection(f"c{i}", names[i], names[i + 1], rng.normal(0.1, 0.5, (sizes[i + 1], sizes[i])), **rule)
        for i in range(len(sizes) - 1)
    ]
    if recurrent:
        projections.append(sy.Projection("loop", names[-1], names[-1], rng.normal(0, 0.5, (sizes[-1], sizes[-1]))))
    network = sy.Network(sy.Source("in", sizes[0]), populations, tuple(projections), names[-1], 5)
    return sy.quantise(network, local_bits=8)


def somas(mapping):
    """By population, how many cores fire for it."""
    found = {}
    for t in mapping.stored:
        found.setdefault(t.population, set()).add(t.soma_core)
    return {name: len(cores) for name, cores in found.items()}


def test_as_many_copies_as_cores_beyond_the_limit_need():
    network = chain_of((8, 8, 24, 8))
    # 8 axons and neurons a core: layer2 lies on 3 cores, and layer3 hears it with 3, of which one is its soma core.
    assert somas(map_network(network, BIG)) == {"layer1": 1, "layer2": 3, "layer3": 1}
    two = map_network(network, BIG, fan_out=2)
    assert somas(two) == {"layer1": 2, "layer2": 3, "layer3": 1}
    assert (two.cores, len(two.copies)) == (1 + 3 + 3 + 1, 1)
    one = map_network(network, BIG, fan_out=1)
    assert somas(one) == {"layer1": 3, "layer2": 3, "layer3": 1}
    assert all(len(c.stops) == 1 for c in one.chains if c.kind == "spike")
    assert estimate(network, BIG, fan_out=1).cores == one.cores == 9
    assert map_network(network, BIG, fan_out=3).copies == ()


def test_copies_need_copies_before_them():
    network = chain_of((8, 8, 8, 16))
    mapping = map_network(network, BIG, fan_out=1)
    # layer3 has two cores, so layer2 fires on two, so layer1 fires on two.
    assert somas(mapping) == {"layer1": 2, "layer2": 2, "layer3": 2}
    assert check_mapping(mapping) == ()


def test_a_copy_that_receives_its_own_population_receives_itself():
    network = chain_of((8, 8, 8), recurrent=True)
    loop = dataclasses.replace(network.projections[-1], source="layer1", target="layer1")
    network = dataclasses.replace(network, projections=(*network.projections[:-1], loop))
    mapping = map_network(network, small_chip(rows=20, columns=10, axons=16), fan_out=1)
    assert check_mapping(mapping) == ()  # 16 axons: input and loop on one core, which sends to layer2 alone
    assert somas(mapping) == {"layer1": 1, "layer2": 1}


def test_learning_costs_what_its_copies_compute():
    network, spikes = chain_of((8, 8, 16), plastic=True), np.ones((3, 5, 8), int)
    results = {}
    for fan_out in (None, 2):
        mapping = map_network(network, BIG, fan_out=fan_out)
        for form in ("matrix", "history"):
            _, activity = simulate_on_chip(mapping, spikes, local_memory=form)
            results[fan_out, form] = mapping, activity, cost(mapping, activity)
    # layer2: two pieces of a synapse and a local core each, four cores to reach; so layer1 fires twice.
    for form in ("matrix", "history"):
        (_, was, cheap), (mapping, did, dear) = results[None, form], results[2, form]
        (first,), (again,) = (
            {t.soma_core for t in tiles if t.population == "layer1"} for tiles in (mapping.tiles, mapping.copies)
        )
        assert (did.integrated[:, again] == did.integrated[:, first]).all()
        assert (did.recalled[:, again] == did.recalled[:, first]).all()
        more = sum(did.synaptic[c] for t in mapping.copies for c in t.cores)
        assert did.synaptic.sum() == was.synaptic.sum() + more
        assert dear.energy_j > cheap.energy_j
    assert results[2, "matrix"][2].cores == results[None, "matrix"][2].cores + 2
    assert results[2, "matrix"][1].local_writes == results[None, "matrix"][1].local_writes + 3 * 5 * 64


def test_a_file_keeps_copies(tmp_path):
    mapping = map_network(chain_of((8, 8, 24, 8)), BIG, fan_out=1)
    save_mapping(mapping, tmp_path / "map.h5")
    again = load_mapping(tmp_path / "map.h5")
    assert (again.copies, again.fan_out, again.chains) == (mapping.copies, 1, again.chains)
    assert link_packets(again) == link_packets(mapping)


SOUND = map_network(chain_of((8, 8, 24, 8)), BIG, fan_out=2)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"copies": ()}, "numbers of the cores"),
        ({"fan_out": 1}, r"spike from core 0\.stops: needed 2, available 1"),
        ({"fan_out": None}, "copies: got 1 tiles"),
        ({"copies": tuple(dataclasses.replace(t, columns=(0, 7)) for t in SOUND.copies)}, "copy on core .* not all"),
        ({"copies": tuple(dataclasses.replace(t, soma_core=1, core=1) for t in SOUND.copies)}, "numbers of the cores"),
        ({"tiles": (*SOUND.tiles, *SOUND.copies), "copies": ()}, "layer1.neurons|c0.synapses"),
        ({"chains": tuple(c for c in SOUND.chains if c.start != SOUND.copies[0].soma_core)}, "1 lost|8 lost"),
        (
            {
                "chains": tuple(
                    dataclasses.replace(c, start=0) if c.start == SOUND.copies[0].soma_core else c for c in SOUND.chains
                )
            },
            "a hop from|routes of a neuron",
        ),
    ],
)
def test_the_checker_finds_wrong_copies(changes, found):
    assert check_mapping(SOUND) == ()
    text = "\n".join(map(str, check_mapping(dataclasses.replace(SOUND, **changes))))
    assert re.search(found, text), text


def test_a_copy_on_a_core_in_use_is_found():
    copies = (dataclasses.replace(SOUND.copies[0], core=SOUND.tiles[0].core),)
    text = "\n".join(map(str, check_mapping(dataclasses.replace(SOUND, copies=copies))))
    assert "cores of copies" in text


def test_refusals():
    network = chain_of((8, 8, 24, 8))
    with pytest.raises(ParameterError, match=r"MappingOptions.fan_out: got 0"):
        map_network(network, BIG, fan_out=0)
    with pytest.raises(ParameterError, match=r"MappingOptions.fan_out: got 1.5"):
        estimate(network, BIG, fan_out=1.5)
    with pytest.raises(CapacityError, match=r"fan_out=1: needed 9 or more, available 8\. Raise fan_out"):
        map_network(network, small_chip(rows=2, columns=4), fan_out=1)
    # Two pieces that hear each other and themselves need ever more copies of each other.
    endless = chain_of((8, 24), recurrent=True)
    assert not estimate(endless, BIG, fan_out=1).fits
    with pytest.raises(UnsupportedError, match=r"BrokenChip.mapping: got copies of soma cores \(fan_out=2\)"):
        break_chip(SOUND, "dead cores", 0.1)
