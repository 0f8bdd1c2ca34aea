# SPDX-License-Identifier: BSD-3-Clause
"""A saved mapping comes back equal; another version, a truncated, altered or unsound file is refused by name."""

import dataclasses

import h5py
import numpy as np
import pytest
from chips import small_chip
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import FormatError, ParameterError
from synergic.hw_targets import load_mapping, map_network, save_mapping, simulate_on_chip
from synergic.hw_targets.mapping._mapping_file import FORMAT, VERSION
from synergic.network import load, save
from synergic.network._quantise import IntGraph
from synergic.network._storage import HEADER, seal

NETWORK = sy.quantise(plastic_network(sizes=(20, 12, 4), recurrent=True))
WAYS = {
    "small chip": (small_chip(), {}),
    "faults": (small_chip(), {"dead_cores": [(1, 0), (2, 2)], "dead_links": [((0, 0), (0, 1))], "seed": 5}),
    "tianjic": ("tianjic", {"placement": "greedy"}),
    "array": (small_chip(rows=2, columns=3), {"chips": (3, 2)}),
    "indexed": ("generic", {"weight_storage": "indexed"}),
}


@pytest.fixture
def file(tmp_path):
    """A mapping file."""
    save_mapping(map_network(NETWORK, small_chip()), tmp_path / "map.h5")
    return tmp_path / "map.h5"


@pytest.mark.parametrize("way", WAYS)
def test_round_trip(tmp_path, way):
    chip, options = WAYS[way]
    mapping = map_network(NETWORK, chip, **options)
    save_mapping(mapping, tmp_path / "map.h5")
    again = load_mapping(tmp_path / "map.h5")
    for field in dataclasses.fields(mapping):
        if field.name not in ("network", "slots"):
            assert getattr(again, field.name) == getattr(mapping, field.name), field.name
    assert np.array_equal(again.slots, mapping.slots)
    spikes = random_spikes(NETWORK)
    want, did = simulate_on_chip(mapping, spikes)
    got, also = simulate_on_chip(again, spikes)
    assert np.array_equal(want.u["layer2"], got.u["layer2"])
    assert np.array_equal(want.local_weights["c0"], got.local_weights["c0"])
    assert np.array_equal(did.synaptic, also.synaptic)


def test_one_layer_on_one_core_has_no_routes_and_comes_back(tmp_path):
    network = sy.quantise(plastic_network(sizes=(5, 4), plasticity_scope="frozen"))
    bare = dataclasses.replace(network.projections[0], rule=None, local_weights=None)
    network = dataclasses.replace(network, projections=(bare,))
    save_mapping(map_network(network), tmp_path / "map.h5")
    again = load_mapping(tmp_path / "map.h5")
    assert (again.cores, again.chains) == (1, ())


def test_every_byte_counts(file):
    whole = file.read_bytes()
    for at in np.random.default_rng(0).integers(0, len(whole), 200):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(at % 8)
        file.write_bytes(damaged)
        with pytest.raises(FormatError):
            load_mapping(file)
    for length in (0, 1, 100, HEADER, HEADER + 1, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(FormatError):
            load_mapping(file)


def test_other_versions_and_other_files_are_refused(file, tmp_path):
    for version in (VERSION + 1, 1):  # version 1 knew no turns
        seal(file, FORMAT, version)
        with pytest.raises(FormatError, match=f"format version {version}, this synergic reads {VERSION}"):
            load_mapping(file)
    save(NETWORK, tmp_path / "net.h5")
    with pytest.raises(FormatError, match="not a synergic-mapping file"):
        load_mapping(tmp_path / "net.h5")
    with pytest.raises(FormatError, match="not a synergic-network file"):
        load(file)
    with pytest.raises(FormatError, match="no such file"):
        load_mapping(tmp_path / "none.h5")


def put(name, value):
    """Another dataset of this name."""

    def change(file):
        del file[name]
        file[name] = value

    return change


def attribute(where, name, value):
    """Another attribute."""
    return lambda file: file[where].attrs.__setitem__(name, value)


def scaled(name, factor):
    """A dataset times a number."""
    return lambda file: file[name].__setitem__(..., file[name][...] * factor)


ALTERED = {
    "cores all in one place": (scaled("slots", 0), "not a sound mapping"),
    "a core off the grid": (scaled("slots", 100), "not a sound mapping:\npositions of the cores"),
    "no slots": (lambda file: file.__delitem__("slots"), "damaged"),
    "slots of reals": (put("slots", np.zeros(3)), "whole numbers"),
    "slots of text": (put("slots", "abc"), "allowed numbers"),
    "rows of another shape": (put("tiles/rows", np.zeros((3, 3), int)), "whole numbers"),
    "a tile less": (lambda file: put("tiles/core", file["tiles/core"][1:])(file), "damaged"),
    "an unknown projection": (scaled("tiles/projection", 99), "projection that the network does not have"),
    "an unknown kind": (scaled("chains/kind", 99), "kind of packet"),
    "lengths that are wrong": (scaled("chains/path_length", 2), "do not add up"),
    "chains that lead elsewhere": (scaled("chains/path", 0), "not a sound mapping"),
    "another storage": (attribute("/", "weight_storage", "small"), "weight_storage"),
    "another placement": (attribute("/", "placement", "best"), "placement"),
    "a seed below 0": (attribute("/", "seed", -1), "seed"),
    "a smaller chip": (attribute("chip/axons", "value", 3), "not a sound mapping"),
    "a chip without clock": (lambda file: file["chip"].__delitem__("clock"), "damaged"),
    "half an axon": (attribute("chip/axons", "value", 8.5), "whole numbers"),
    "no chips": (attribute("chip", "chips_rows", 0), "chips_rows"),
    "another network": (attribute("network/projections/0", "weight_bits", 99), "altered or damaged"),
}


@pytest.mark.parametrize("name", ALTERED)
def test_a_file_altered_with_its_checksum_is_refused(file, name):
    change, words = ALTERED[name]
    with h5py.File(file, "r+") as inside:
        change(inside)
    seal(file, FORMAT, VERSION)
    with pytest.raises(FormatError, match=words):
        load_mapping(file)


def test_only_mappings_of_networks_are_saved(tmp_path):
    with pytest.raises(ParameterError, match="save_mapping"):
        save_mapping(NETWORK, tmp_path / "map.h5")
    graph = IntGraph(NETWORK.populations, NETWORK.projections)
    with pytest.raises(ParameterError, match=r"save_mapping\.mapping\.network"):
        save_mapping(map_network(graph), tmp_path / "map.h5")
    assert not list(tmp_path.iterdir())
