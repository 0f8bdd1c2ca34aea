# SPDX-License-Identifier: BSD-3-Clause
"""Folding by hand: which cores, which passes, which memory; and errors planted into a folded mapping."""

import dataclasses
import re

import numpy as np
import pytest
from chips import small_chip

import synergic as sy
from synergic.errors import CapacityError, ParameterError, UnsupportedError
from synergic.hw_targets import cost, estimate, load_mapping, map_network, save_mapping, simulate_on_chip
from synergic.hw_targets.costs._phase_clocks import phase_clocks
from synergic.hw_targets.mapping import check_mapping
from synergic.hw_targets.mapping._arrange import Layer, arranged
from synergic.hw_targets.mapping._checker import contents
from synergic.hw_targets.mapping._fold import best, count_layers
from synergic.hw_targets.mapping._published import NETWORKS


def conv(kernel=(3, 3), image=(6, 6), outs=2, ins=1, seed=0, rule=None, steps=3, bits=0, **geometry):
    """A network of one convolution, in integers."""
    weights = np.random.default_rng(seed).normal(0, 0.5, (outs, ins, *kernel))
    geometry = sy.Convolution(kernel, image, **geometry)
    projection = sy.Projection.of_kernel(
        "conv", "in", "maps", weights, geometry, rule=rule, alpha=0.1 * (rule is not None)
    )
    population = sy.Population("maps", projection.n_out, 0.5, 0.5)
    return sy.quantise(sy.Network(sy.Source("in", projection.n_in, bits), (population,), (projection,), "maps", steps))


NET = conv()
"""6 x 6 pixels by 3 x 3 to 4 x 4 with 2 channels: a row that comes out has 8 neurons and hears 3 x 6 pixels."""
CHIP = small_chip(axons=18, neurons=8)


def test_the_mapping_counts_pixel_by_pixel():
    net = conv(ins=2, image=(3, 4), kernel=(2, 2))
    laid = arranged(net).projections[0].weights
    kernel, weights = net.projections[0].kernel, net.projections[0].weights
    assert kernel.shape == (2, 2, 2, 2)
    # The neuron of channel 1 at row 1, column 2 of 2 x 3, and the input of channel 1 at row 2, column 3 of 3 x 4.
    assert laid[(1 * 3 + 2) * 2 + 1, (2 * 4 + 3) * 2 + 1] == kernel[1, 1, 1, 1] == weights[6 + 5, 12 + 11]
    plain = sy.quantise(sy.Network(sy.Source("in", 2), (sy.Population("o", 1, 1.0, 0.5),),
                                   (sy.Projection("c", "in", "o", np.ones((1, 2))),), "o", 2))  # fmt: skip
    assert arranged(plain) is plain


def test_rows_of_an_image_on_one_core_one_by_one():
    unfolded, folded = (map_network(NET, CHIP, fold=fold) for fold in ("none", "full"))
    assert (unfolded.cores, unfolded.n_passes, unfolded.phases_per_step) == (4, 1, 1)
    assert (folded.cores, folded.n_passes, folded.phases_per_step) == (1, 4, 4)
    # Row y hears lines y, y + 1, y + 2, which take axons 0 - 6, 6 - 12, 12 - 18 whatever y is.
    got = {(t.pass_index, t.rows, t.columns, t.axon) for t in folded.tiles}
    assert got == {(y, (8 * y, 8 * y + 8), (6 * (y + i), 6 * (y + i) + 6), 6 * i) for y in range(4) for i in range(3)}
    assert {t.pass_index for t in unfolded.tiles} == {0}
    two = map_network(NET, CHIP, fold=2)
    assert (two.cores, two.n_passes) == (2, 2)
    assert {(t.core, t.pass_index, t.rows[0] // 8) for t in two.tiles} == {(0, 0, 0), (0, 1, 1), (1, 0, 2), (1, 1, 3)}


def test_a_folded_core_needs_memory_for_membranes_and_inputs():
    # 8 x 18 weights; 4 rows of 8 neurons, 24 more than the core has, of 24 bits; 36 inputs, 18 more, two bits each.
    needed = 8 * 18 + 24 * 3 + -(-18 * 2 // 8)
    fits, short = (small_chip(axons=18, neurons=8, weight_memory=needed - less) for less in (0, 1))
    assert check_mapping(map_network(NET, fits, fold="full")) == ()
    assert map_network(NET, fits, fold=4).cores == 1
    mapping = map_network(NET, short, fold=4)
    assert check_mapping(mapping) == ()
    assert mapping.cores == 2
    # The checker counts for itself: the mapping of the larger memory breaks the limit of the smaller one.
    (found,) = check_mapping(dataclasses.replace(map_network(NET, fits, fold="full"), chip=short))
    assert str(found).startswith(f"core 0.memory: needed {needed} bytes, available {needed - 1} bytes")


def test_what_neurons_keep_beside_membranes_takes_memory_too():
    population = dataclasses.replace(NET.populations[0], neuron=sy.AdaptiveLIF(3, 3000, integer=True))
    net = dataclasses.replace(NET, populations=(population,))
    needed = 8 * 18 + 2 * 24 * 3 + -(-18 * 2 // 8)
    fits, short = (small_chip(axons=18, neurons=8, weight_memory=needed - less) for less in (0, 1))
    mapping = map_network(net, fits, fold=4)
    assert (mapping.cores, check_mapping(mapping)) == (1, ())
    assert map_network(net, short, fold=4).cores == 2
    assert len(check_mapping(dataclasses.replace(mapping, chip=short))) == 1


def test_values_take_eight_bits_of_the_memory():
    net = conv(bits=8)
    needed = 8 * 18 + 24 * 3 + 18 * 2
    mapping = map_network(net, small_chip(axons=18, neurons=8, weight_memory=needed), fold="full")
    assert (mapping.cores, check_mapping(mapping)) == (1, ())
    chip = small_chip(axons=18, neurons=8, weight_memory=needed - 1)
    (found,) = check_mapping(dataclasses.replace(mapping, chip=chip))
    assert "memory" in str(found)


def test_the_automatic_fold_takes_the_fewest_passes_that_fit():
    for cores, n_passes in ((4, 1), (3, 2), (2, 2), (1, 4)):
        chip = small_chip(axons=18, neurons=8, rows=1, columns=cores)
        needs = estimate(NET, chip)
        assert needs.fits
        assert needs.n_passes == map_network(NET, chip).n_passes == n_passes
        assert estimate(NET, CHIP, budget=cores).n_passes == n_passes


def behind(bits, rule=None):
    """The convolution's 32 neurons heard by 16 more: 2 x 2 cores of 18 x 8, and as many for every 8 local bits."""
    wider = sy.Projection("d", "maps", "out", np.ones((16, 32)) / 8, rule, 0.1 * (rule is not None))
    kernel = np.random.default_rng(0).normal(0, 0.5, (2, 1, 3, 3))
    first = sy.Projection.of_kernel("conv", "in", "maps", kernel, sy.Convolution((3, 3), (6, 6)))
    populations = (sy.Population("maps", 32, 0.5, 0.5), sy.Population("out", 16, 0.5, 0.5))
    return sy.quantise(sy.Network(sy.Source("in", 36), populations, (first, wider), "out", 3), local_bits=bits)


def test_the_change_that_is_named_fits():
    def chip(columns):
        return small_chip(axons=18, neurons=8, rows=1, columns=columns)

    text = r"cores of the model of small: needed 4, available 2\. With fold='auto' it needs 2, in 2 passes of a step"
    with pytest.raises(CapacityError, match=text):
        map_network(NET, chip(2), fold="none")
    assert map_network(NET, chip(2), fold="auto").cores == 2
    rule = sy.Hebbian(0.1, 0.1)
    text = r"needed 13, available 9\. With quantise\(local_bits=8\) and fold='full' it needs 9"
    with pytest.raises(CapacityError, match=text):
        map_network(behind(16, rule), chip(9))
    assert map_network(behind(8, rule), chip(9)).cores == 9
    with pytest.raises(CapacityError, match=r"Folded as far as it goes it needs 5: use.*an array of 2 chips"):
        map_network(behind(16), chip(4))
    assert map_network(behind(16), chip(4), chips=(2, 1), fold="full").cores == 5


def test_what_learns_synapse_by_synapse_is_not_folded():
    plastic = conv(rule=sy.Hebbian(0.1, 0.1))
    for fold in ("full", 2):
        with pytest.raises(UnsupportedError, match=r"conv\.local weights: got fold=.*Map with fold='auto'"):
            map_network(plastic, small_chip(rows=20, columns=20), fold=fold)
    assert map_network(plastic, small_chip(rows=20, columns=20)).n_passes == 1


def test_a_soma_core_may_receive_nothing_but_others():
    # One line of 4 pixels fills the 4 axons. The lines of the first row begin on the padding: of its three cores the
    # first, which is the soma's, holds nothing.
    net = conv(image=(3, 4), outs=1, padding=1)
    mapping = map_network(net, small_chip(axons=4, neurons=4), fold="none")
    assert check_mapping(mapping) == ()
    first = [t for t in mapping.tiles if t.rows == (0, 4)]
    assert {t.soma_core for t in first}.isdisjoint(t.core for t in first)
    spikes = (np.random.default_rng(0).random((2, 3, 12)) < 0.5).astype(int)
    want, (got, activity) = sy.simulate(net, spikes), simulate_on_chip(mapping, spikes)
    assert np.array_equal(want.u["maps"], got.u["maps"])
    assert cost(mapping, activity).cores == mapping.cores


def test_a_folded_mapping_in_a_file(tmp_path):
    mapping = map_network(conv(ins=2, padding=1), CHIP, fold=3)
    assert mapping.n_passes > 1
    save_mapping(mapping, tmp_path / "map.h5")
    again = load_mapping(tmp_path / "map.h5")
    assert again.tiles == mapping.tiles
    assert again.network.projections[0].convolution == mapping.network.projections[0].convolution


def test_time_memory_and_energy_of_passes():
    spikes = np.ones((1, 3, 36), int)
    unfolded, folded = (map_network(NET, CHIP, fold=fold) for fold in ("none", "full"))
    one, four = (cost(m, simulate_on_chip(m, spikes)[1]) for m in (unfolded, folded))
    assert (one.weight_bytes, four.weight_bytes) == (4 * 8 * 18, 8 * 18)
    assert (one.phases_per_step, four.phases_per_step) == (1, 4)
    assert four.latency_s == 4 * one.latency_s
    # Every synapse slot is visited once, whatever core it is on; one core is on four times as long as each of four.
    assert np.isclose(four.energy_j, one.energy_j)
    clocks, names = phase_clocks(folded, simulate_on_chip(folded, spikes)[1])
    assert names == ("integrate 1", "integrate 2", "integrate 3", "integrate 4")
    alone, _ = phase_clocks(unfolded, simulate_on_chip(unfolded, spikes)[1])
    # With all inputs on, each pass has as much to do as the busiest core of the unfolded mapping.
    assert (clocks["slowest core"] == alone["slowest core"]).all()


def mirrored(tile):
    """A tile of a core with 16 axons, at the other end of them."""
    return dataclasses.replace(tile, axon=16 - tile.axon - tile.columns[1] + tile.columns[0])


def planted():
    """By name, a folded mapping with one thing wrong, and what the checker says."""
    net = conv(ins=2, image=(6, 5), outs=3)
    sound = map_network(net, small_chip(axons=16, neurons=6), fold=2, placement="first_fit")
    assert sound.n_passes == 2
    assert check_mapping(sound) == ()

    def changed(which, **fields):
        number = next(i for i, t in enumerate(sound.tiles) if which(t))
        many = list(sound.tiles)
        many[number] = dataclasses.replace(many[number], **fields)
        return dataclasses.replace(sound, tiles=tuple(many))

    later = next(t for t in sound.tiles if t.pass_index == 1 and t.axon > 0)
    assert any(t.pass_index == 0 and t.core == later.core for t in sound.tiles)
    return {
        "a pass before the first": (changed(lambda t: True, pass_index=-1), "pass -1"),
        "an axon before the first": (changed(lambda t: True, axon=-1), "axon -1"),
        "an axon for two inputs": (changed(lambda t: t == later, axon=0), "some for several inputs in pass 1"),
        "other weights than in the pass before": (
            dataclasses.replace(sound, tiles=tuple(
                mirrored(t) if (t.core, t.pass_index) == (later.core, 1) else t
                for t in sound.tiles)),
            "others than in passes before",
        ),
        "a neuron in two passes": (changed(lambda t: t == later, pass_index=0), "with none or several"),
        "local weights in a later pass": (
            changed(lambda t: t == later, local_cores=(0,)), "local weights in pass 0 only"),
        "two pieces at once": (
            dataclasses.replace(sound, tiles=tuple(dataclasses.replace(t, pass_index=0) for t in sound.tiles)),
            "soma of",
        ),
        "passes exchanged in one core": (
            dataclasses.replace(sound, tiles=tuple(
                dataclasses.replace(t, pass_index=1 - t.pass_index) if t.core == later.core else t
                for t in sound.tiles)),
            "with none or several",
        ),
        "a spike lost": (
            dataclasses.replace(sound, chains=sound.chains[1:]), r"(partial sum|spike) at core \d+.*lost"),
    }  # fmt: skip


PLANTED = planted()


@pytest.mark.parametrize("name", PLANTED)
def test_the_checker_finds_what_is_wrong_with_a_fold(name):
    mapping, words = PLANTED[name]
    text = "\n".join(map(str, check_mapping(mapping)))
    assert re.search(words, text), text


def test_the_checker_compares_the_weights_of_all_passes():
    """A network whose kernel changed at one place only: the mapping of the old one no longer holds."""
    mapping = map_network(NET, CHIP, fold="full")
    weights = NET.projections[0].weights.copy()
    at = tuple(np.argwhere(weights)[-1])
    weights[at] += 1 if weights[at] < 100 else -1
    changed = dataclasses.replace(NET.projections[0], weights=weights, convolution=None)
    laid = dataclasses.replace(mapping)
    same = dataclasses.replace(NET, projections=(changed,))
    order = arranged(NET)
    laid.__dict__["arranged"] = dataclasses.replace(  # what `Mapping.arranged` would be with these weights
        order, projections=(dataclasses.replace(order.projections[0], weights=permuted(same)),)
    )
    assert any("others than in passes before" in str(v) for v in contents(laid))


def permuted(net):
    """Weights of 2 x 4 x 4 neurons, pixel by pixel."""
    return net.projections[0].weights.reshape(2, 16, 36).transpose(1, 0, 2).reshape(32, 36)


@pytest.mark.parametrize(
    ("fold", "words"), [("some", "'auto' or 'none' or 'full'"), (0, "1, 2"), (1.5, "1.5"), (None, "None")]
)
def test_a_fold_that_is_none_is_refused(fold, words):
    for call in (map_network, estimate):
        with pytest.raises(ParameterError, match=r"MappingOptions\.fold: got .*") as caught:
            call(NET, CHIP, fold=fold)
        assert words in str(caught.value)
    with pytest.raises(ParameterError, match="budget: got 0"):
        map_network(NET, CHIP, budget=0)


def test_counting_needs_no_weights_and_counts_what_mapping_takes():
    layer = Layer(sy.Convolution((3, 3), (6, 6)), 1, 2)
    for fold, cores, phases in ((1, 4, 2), (2, 2, 4), (16, 1, 8)):
        assert count_layers([(layer,)], CHIP, fold) == (cores, phases)
    # On real sizes: with more passes never more cores, and never fewer than the weights themselves take.
    tianjic = sy.hw_targets.load_chip("tianjic")
    for into in (into for into in NETWORKS["VGG8"]() if isinstance(into[0], Layer)):
        taken = [best(into, 0, tianjic, "full", n_passes).cores for n_passes in (1, 2, 7, 32, 100, 1024)]
        assert taken == sorted(taken, reverse=True)
        geometry, groups = into[0].convolution, into[0].convolution.groups
        weights = into[0].outs * into[0].ins // groups * geometry.kernel[0] * geometry.kernel[1]
        assert taken[-1] >= weights / 2**16


def test_the_estimate_of_a_layer_is_what_is_mapped():
    for seed, (padding, stride) in enumerate([(0, 1), (1, 1), (1, 2), (0, 2)]):
        net = conv(image=(9, 7), ins=2, outs=3, padding=padding, stride=stride, seed=seed)
        layer = Layer(net.projections[0].convolution, 2, 3)
        chip = small_chip(rows=20, columns=20, axons=32, neurons=24)
        for fold in (1, 2, 3, 100):
            cores = map_network(net, chip, fold=fold, placement="first_fit").cores
            counted, _ = count_layers([(layer,)], chip, fold)
            assert cores <= counted
            assert padding or cores == counted
