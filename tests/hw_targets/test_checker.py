# SPDX-License-Identifier: BSD-3-Clause
"""The checker of mappings finds every kind of error that is planted by hand into a sound mapping."""

import dataclasses
import re

import pytest
from chips import small_chip
from networks import plastic_network

import synergic as sy
from synergic.errors import ParameterError
from synergic.hw_targets.mapping import check_mapping, map_network

NETWORK = sy.quantise(plastic_network(sizes=(12, 12, 4), recurrent=True))
SOUND = map_network(NETWORK, small_chip(), placement="first_fit")
"""Into layer1: rows 0 - 8 and 8 - 12, columns 0 - 8 and 8 - 12, each with two cores for 16 bits; feedback shares."""


def tiles(**changed):
    """The mapping with one tile changed: number=..., and fields."""
    number = changed.pop("number", 0)
    many = list(SOUND.tiles)
    many[number] = dataclasses.replace(many[number], **changed)
    return dataclasses.replace(SOUND, tiles=tuple(many))


def chain(which, **changed):
    """The mapping with a chain changed; which : a condition, or the kind."""
    fits = which if callable(which) else lambda c: c.kind == which
    number = next(i for i, c in enumerate(SOUND.chains) if fits(c))
    many = list(SOUND.chains)
    many[number] = dataclasses.replace(many[number], **changed)
    return dataclasses.replace(SOUND, chains=tuple(many))


def chip(**facts):
    """The mapping on a chip with other limits."""
    return dataclasses.replace(SOUND, chip=small_chip(**facts))


def slots(number, place):
    """The mapping with a core elsewhere."""
    moved = SOUND.slots.copy()
    moved[number] = place
    return dataclasses.replace(SOUND, slots=moved)


def without(kind):
    """The mapping without the first chain of a kind."""
    first = next(c for c in SOUND.chains if c.kind == kind)
    return dataclasses.replace(SOUND, chains=tuple(c for c in SOUND.chains if c is not first))


def twice(kind):
    """The mapping with a chain of a kind sent twice."""
    first = next(c for c in SOUND.chains if c.kind == kind)
    return dataclasses.replace(SOUND, chains=(*SOUND.chains, first))


LONG = next(c for c in SOUND.chains if len(c.path) > 3 and c.path[0][1] == SOUND.position(c.start)[1])
STEP = (SOUND.position(LONG.start), LONG.path[0])
BENT = next(
    c
    for c in SOUND.chains
    if len(c.stops) == 1 and all(a != b for a, b in zip(SOUND.position(c.start), c.path[-1], strict=True))
)
"""A packet that goes along x and along y."""


def y_first():
    """The mapping with one packet that goes along y and then along x."""
    (x, y), (x1, y1) = SOUND.position(BENT.start), BENT.path[-1]
    dx, dy = (1 if x1 > x else -1), (1 if y1 > y else -1)
    path = [(x, j) for j in range(y + dy, y1 + dy, dy)] + [(i, y1) for i in range(x + dx, x1 + dx, dx)]
    return chain(lambda c: c == BENT, path=tuple(path))


def narrow():
    """The mapping with one core for a local weight of 16 bits in the first tile, and three in the second."""
    first = tiles(local_cores=(1,))
    second = dataclasses.replace(first.tiles[1], local_cores=(2, *first.tiles[1].local_cores))
    return dataclasses.replace(first, tiles=(first.tiles[0], second, *first.tiles[2:]))


PLANTED = {
    "more cores than the chip has": (chip(rows=2, columns=2), r"cores: got \d+, allowed 1 to 4"),
    "an unknown projection": (tiles(projection="c9"), "tile 0: got 'c9'"),
    "a projection into another population": (tiles(population="layer2"), "tile 0: got 'c0' into 'layer2'"),
    "an empty tile": (tiles(rows=(0, 0)), "tile 0 of c0: got rows"),
    "a tile beyond the matrix": (tiles(columns=(0, 13)), r"tile 0 of c0: got rows .*in 12 x 12"),
    "a number of a core left out": (dataclasses.replace(SOUND, cores=SOUND.cores + 1), "numbers of the cores"),
    "a synapse on no core": (tiles(columns=(0, 7)), r"c0.synapses: got \d+ on no core and 0 on several"),
    "a synapse on two cores": (tiles(number=1, columns=(7, 12)), r"c0.synapses: got 0 on no core and 8 on several"),
    "too few cores for local weights": (narrow(), "c0.local cores of"),
    "a neuron with two soma cores": (tiles(number=1, soma_core=1), "layer1.neurons: got 8 with none or several"),
    "one soma core for two pieces": (tiles(number=-1, soma_core=0), "core 0: got soma of"),
    "too few axons": (chip(axons=7), r"core 0.axons: needed 8, available 7"),
    "too few neurons": (chip(neurons=7), r"core 0.neurons: needed 8, available 7"),
    "too little memory": (chip(weight_memory=63), r"core 0.memory: needed 64 bytes, available 63 bytes"),
    "too few weights in a table": (
        dataclasses.replace(chip(weight_values=4), weight_storage="indexed"),
        r"core 0.different weights: needed \d+, available 4",
    ),
    "a storage that is none": (dataclasses.replace(SOUND, weight_storage="small"), "weight_storage: got small"),
    "weights too wide": (chip(weight_bits=7), "c0.weight_bits: got 8, allowed 7"),
    "a shared sum too wide": (chip(accumulator_bits=9), r"core \d+.sum: needed \d+, available 9 bits"),
    "a local core for two tiles": (tiles(local_cores=(1, 2, 4, 5)), "local cores: got .*with several tiles"),
    "slots of another shape": (dataclasses.replace(SOUND, slots=SOUND.slots[:-1]), "slots: got int64 of shape"),
    "slots that are no whole numbers": (dataclasses.replace(SOUND, slots=SOUND.slots * 1.0), "slots: got float64"),
    "a core off the grid": (slots(0, 30), "positions of the cores: got .*off the grid"),
    "two cores on a place": (slots(0, int(SOUND.slots[1])), "1 taken twice"),
    "a core on a dead place": (
        dataclasses.replace(SOUND, dead_cores=(SOUND.position(0),)),
        r"positions of the cores: got \[0\] dead",
    ),
    "a chain of another kind": (chain("spike", kind="letter"), "a chain: got 'letter'"),
    "a chain to nobody": (chain("spike", stops=(99,)), "a chain: got 'spike'"),
    "a chain of no neurons": (chain("spike", neurons=(3, 3)), r"neurons \(3, 3\)"),
    "a chain of neurons that are none": (chain("spike", neurons=(0, 10**9)), "spike from core"),
    "a relay beyond the path": (chain("spike", relays=(99,)), r"relays \(99,\)"),
    "a jump": (chain(lambda c: c == LONG, path=LONG.path[1:]), "a hop from .*neighbours on the grid"),
    "a dead link": (dataclasses.replace(SOUND, dead_links=(STEP,)), "cores and links that work"),
    "y before x": (y_first(), "a turn from y to x"),
    "a path too short": (
        chain(lambda c: c == LONG, path=LONG.path[:-1]),
        "arrivals .*one a stop, ascending, the last its end",
    ),
    "a stop elsewhere": (
        chain(lambda c: c == BENT, stops=((BENT.stops[0] + 1) % SOUND.cores,)),
        r"core \d+ at \(.*at \(",
    ),
    "a spike that nobody brings": (without("spike"), r"spike at core \d+, layer\d: got [1-9]\d* lost and 0 too many"),
    "a spike brought twice": (twice("spike"), r"spike at core \d+, layer\d: got 0 lost and [1-9]\d* too many"),
    "a sum that nobody brings": (without("partial sum"), r"partial sum at core \d+, .*got 8 lost and 0"),
    "a sum brought twice": (twice("partial sum"), r"partial sum at core \d+, .*got 0 lost and 8"),
    "a potential that nobody brings": (without("membrane"), r"membrane at core \d+, layer1: got 8 lost"),
    "two routes where there is one": (twice("spike"), r"spike routes of a neuron of core \d+: needed 2, available 1"),
    "neurons of another core": (
        chain(lambda c: c.kind == "spike" and c.neurons == (8, 12), neurons=(0, 4)),
        r"neurons \(0, 4\) from core \d+, allowed \(8, 12\)",
    ),
}


def test_a_sound_mapping_has_no_violations():
    assert check_mapping(SOUND) == ()
    assert {c.kind for c in SOUND.chains} == {"spike", "partial sum", "membrane"}
    assert len({t.core for t in SOUND.tiles}) < len(SOUND.tiles), "some tiles share a core"


@pytest.mark.parametrize("name", PLANTED)
def test_an_error_that_is_planted_is_found(name):
    planted, words = PLANTED[name]
    found = "\n".join(map(str, check_mapping(planted)))
    assert re.search(words, found), found


def test_only_mappings_are_checked():
    with pytest.raises(ParameterError, match="check_mapping"):
        check_mapping(NETWORK)
