# SPDX-License-Identifier: BSD-3-Clause
"""Core modes: spikes and values at axons and somas, what a chip allows of them, tables in a core's memory."""

import dataclasses
from importlib.resources import files

import h5py
import numpy as np
import pytest
from chips import small_chip

import synergic as sy
from synergic.errors import UnsupportedError
from synergic.hw_targets import load_chip
from synergic.hw_targets.mapping import check_mapping, load_mapping, map_network, save_mapping
from synergic.hw_targets.mapping._mapping_file import FORMAT, VERSION
from synergic.hw_targets.mapping._memory import memory_of
from synergic.hw_targets.mapping._modes import Mode, core_modes, count_modes, tables
from synergic.hw_targets.simulation import simulate_on_chip
from synergic.network._storage import seal


def hybrid(n_in=6):
    """Values -> ReLU (more inputs than a core has axons) -> plastic spikes -> spikes -> table."""
    rng = np.random.default_rng(0)
    sizes = {"in": n_in, "front": 5, "hidden": 4, "after": 3, "out": 2}
    populations = (
        sy.Population("front", 5, 1.0, 0.0, neuron=sy.ReLU()),
        sy.Population("hidden", 4, 0.5, 0.5),
        sy.Population("after", 3, 0.5, 0.5, neuron=sy.AdaptiveLIF()),
        sy.Population("out", 2, 1.0, 0.0, neuron=sy.Table.of("sigmoid")),
    )
    ways = []
    for i, (a, b) in enumerate((("in", "front"), ("front", "hidden"), ("hidden", "after"), ("after", "out"))):
        plastic = {"rule": sy.Hebbian(0.1, 0.1), "alpha": 0.1} if b == "hidden" else {}
        ways.append(sy.Projection(f"c{i}", a, b, rng.normal(0.3, 0.5, (sizes[b], sizes[a])), **plastic))
    return sy.quantise(sy.Network(sy.Source("in", n_in, 8), populations, tuple(ways), "out", 4), local_bits=8)


def test_every_core_has_the_mode_that_its_messages_need():
    mapping = map_network(hybrid(n_in=12), small_chip())
    assert check_mapping(mapping) == ()
    modes = core_modes(mapping)
    assert sorted(modes) == list(range(mapping.cores))
    soma = {name: next(t.soma_core for t in mapping.into(name)) for name in ("front", "hidden", "after", "out")}
    assert modes[soma["front"]] == Mode("ANN", "ANN")
    assert modes[soma["hidden"]] == Mode("ANN", "SNN")  # the core converts
    assert modes[soma["after"]] == Mode("SNN", "SNN")
    assert modes[soma["out"]] == Mode("SNN", "ANN")
    relays = {t.core for t in mapping.tiles} | {c for t in mapping.tiles for c in t.local_cores}
    assert {modes[c] for c in relays - set(soma.values())} == {Mode("ANN", "relay")}
    assert count_modes(mapping) == {
        "ANN axons, ANN soma": 1,
        "ANN axons, SNN soma": 1,
        "ANN axons, relay of partial sums (ANN, full precision)": 2,  # the second half of the inputs; local weights
        "SNN axons, ANN soma": 1,
        "SNN axons, SNN soma": 1,
    }


def test_a_chip_of_spikes_only_refuses_values_by_name():
    chip = small_chip(message_bits=1)
    with pytest.raises(UnsupportedError) as refusal:
        map_network(hybrid(), chip)
    for name in ("front", "out", "c0", "c1"):
        assert f"{name}.num_message_bits: got 8, allowed up to 1 on the model of small" in str(refusal.value)
    assert "hidden.num_message_bits" not in str(refusal.value)


def test_the_checker_knows_modes():
    mapping = map_network(hybrid(), small_chip())
    spikes_only = dataclasses.replace(mapping, chip=small_chip(message_bits=1))
    found = "\n".join(map(str, check_mapping(spikes_only)))
    for name in ("front", "out"):
        core = next(t.soma_core for t in mapping.into(name))
        assert f"core {core}.soma: got messages of 8 bits, allowed up to 1" in found
    core = mapping.into("hidden")[0].core
    assert f"core {core}.axons: got messages of 8 bits, allowed up to 1" in found
    # A core that hears values is given the spikes of another one.
    front, after = mapping.into("front")[0], mapping.into("after")[0]
    tiles = [dataclasses.replace(t, core=front.core, axon=6) if t is after else t for t in mapping.tiles]
    mixed = dataclasses.replace(mapping, tiles=tuple(tiles))
    assert f"core {front.core}.axons: got spikes and values, allowed one of the two" in "\n".join(
        map(str, check_mapping(mixed))
    )


def test_a_table_takes_memory_from_indexed_weights():
    net = hybrid()
    (table, plain) = (
        net,
        dataclasses.replace(
            net, populations=(*net.populations[:3], dataclasses.replace(net.populations[3], neuron=None))
        ),
    )
    chip = small_chip(sram=512 + 8 * 8)
    with_table, without = (map_network(n, chip, weight_storage="indexed") for n in (table, plain))
    assert tables(table, with_table.tiles) == (256, 1)
    assert tables(plain, without.tiles) == (0, 0)
    bytes_of = [memory_of(m.network, m.tiles, chip).indexed for m in (with_table, without)]
    assert bytes_of[0] - bytes_of[1] == 256
    assert check_mapping(with_table) == ()
    tight = small_chip(sram=256 + 3 * 8)  # room for three neurons beside the weights' table, or for none beside both
    assert map_network(plain, tight, weight_storage="indexed").cores > without.cores
    found = check_mapping(dataclasses.replace(with_table, chip=tight))
    core = with_table.into("out")[0].core
    assert any(v.where == f"core {core}.memory" for v in found)


def test_files_of_before_are_read_with_an_assumed_width(tmp_path):
    shipped = (files("synergic.hw_targets") / "chips" / "generic.toml").read_text()
    (tmp_path / "chip.toml").write_text(shipped[: shipped.index("[message_bits]")])
    assert load_chip(tmp_path / "chip.toml").message_bits.mark == "assumed"
    assert load_chip("tianjic").message_bits.mark == "second-hand"
    mapping = map_network(hybrid(), small_chip())
    save_mapping(mapping, tmp_path / "map")
    with h5py.File(tmp_path / "map", "r+") as file:
        del file["chip/message_bits"]
    seal(tmp_path / "map", FORMAT, VERSION)
    assert load_mapping(tmp_path / "map").chip.message_bits.mark == "assumed"


def test_a_convolution_s_neurons_keep_parameters_of_their_own():
    """A mapping counts the neurons of a image in another order."""
    rng = np.random.default_rng(2)
    geometry = sy.Convolution(kernel=(3, 3), image=(5, 5))
    kernel = rng.normal(0.2, 0.4, (2, 1, 3, 3))
    for neuron in (sy.CurrentLIF(rng.random(18)), sy.AdaptiveLIF(rng.random(18), rng.random(18)), sy.ReLU()):
        decay = 0.5 if neuron.memory else 0.0
        population = sy.Population("out", 18, 0.8, decay, bias=rng.uniform(-0.1, 0.1, 18), neuron=neuron)
        way = sy.Projection.of_kernel("c", "in", "out", kernel, geometry)
        net = sy.quantise(sy.Network(sy.Source("in", 25), (population,), (way,), "out", 6))
        inputs = (rng.random((3, 6, 25)) < 0.5).astype(int)
        want = sy.simulate(net, inputs)
        for fold in ("none", "full"):
            got, _ = simulate_on_chip(map_network(net, small_chip(axons=32, neurons=18), fold=fold), inputs)
            assert np.array_equal(want.u["out"], got.u["out"])
            assert np.array_equal(want.spikes["out"], got.spikes["out"])
