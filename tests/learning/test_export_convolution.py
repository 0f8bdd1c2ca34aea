# SPDX-License-Identifier: BSD-3-Clause
"""Spiking convolutions as a description: the same spikes as in torch, then as integers on the chip, folded too."""

import dataclasses

import numpy as np
import pytest
import torch
from chips import small_chip

import synergic as sy
from synergic.errors import UnsupportedError
from synergic.hw_targets import map_network, simulate_on_chip
from synergic.hw_targets.mapping import check_mapping
from synergic.interchange import from_nir, to_nir
from synergic.learning import ConvHybridNet, to_description
from synergic.network import load, save
from synergic.numerics import fixed

SHAPES = {
    "two pools of two": ((1, 8, 8), (3, 4), (2, 2)),
    "pixels beyond the last square": ((2, 9, 11), (3, 2, 4), (2, 2, 2)),
    "no pooling": ((1, 6, 6), (3,), (1,)),
    "pools of three and two": ((1, 12, 9), (2, 3), (3, 2)),
}


def trained(shape, mode="hp", **settings):
    """A net in which everything spikes and learns, and values for it."""
    torch.manual_seed(1)
    image, channels, pools = SHAPES[shape]
    net = ConvHybridNet(image, channels, (6, 3), pools, mode=mode, steps=5, tau_w=7.0, **settings).double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(3)
        for layer in net.layers:
            layer.alpha.add_(0.2)
            layer.eta.add_(0.3)
    return net, torch.rand(4, 5, int(np.prod(image)), dtype=torch.float64)


@pytest.mark.parametrize("mode", ["gp", "lp", "hp"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_description_is_the_trained_network(shape, mode):
    net, values = trained(shape, mode, reset="zero" if mode == "lp" else "subtract", dropout=0.5)
    spikes, u = (t.detach().numpy() for t in net(values))
    network = to_description(net, 8)
    record = sy.simulate(network, values.numpy())
    assert np.abs(record.u["output"] - u).max() < 1e-10
    assert np.array_equal(record.spikes["output"], spikes)
    assert all(0 < record.spikes[p.name].mean() < 1 for p in network.populations)
    plastic, pooled = mode != "gp", SHAPES[shape][2][-1] > 1
    assert ("pooled" in [p.name for p in network.populations]) == (plastic and pooled)
    # Beside the dense layers, everything is a convolution that a chip can fold, unless pixels are left over.
    whole = [q for q in network.projections if q.target.startswith(("conv", "pooled"))]
    assert all(q.convolution for q in whole) == (shape != "pixels beyond the last square")


def test_a_pooled_plastic_layer_needs_the_averages():
    # The rule hears products of averages; a synapse for every pixel would learn averages of products.
    net, values = trained("two pools of two")
    network = to_description(net, 8)
    plastic = next(q for q in network.projections if q.source == "pooled")
    pool = next(q for q in network.projections if q.target == "pooled")
    spread = (pool.weights > 0).astype(float).T  # (pixels, squares)
    rule = dataclasses.replace(plastic.rule, eta=spread @ plastic.rule.eta)
    straight = dataclasses.replace(plastic, source=pool.source, weights=plastic.weights @ pool.weights, rule=rule,
                                   local_weights=None, alpha=plastic.alpha / 4)  # fmt: skip
    others = tuple(q for q in network.projections if q not in (plastic, pool))
    populations = tuple(p for p in network.populations if p.name != "pooled")
    other = dataclasses.replace(network, populations=populations, projections=(*others, straight))
    one, two = (sy.simulate(n, values.numpy()).u["hidden1"] for n in (network, other))
    assert np.allclose(one[:, 0], two[:, 0])  # before anything is learned
    assert np.abs(one - two).max() > 1e-3


@pytest.mark.parametrize("shape", list(SHAPES)[:2])
@pytest.mark.parametrize("fold", ["none", "full"])
def test_integers_are_the_same_on_the_chip(shape, fold):
    net, values = trained(shape)
    network = to_description(net, 8)
    whole = sy.quantise(network, local_bits=12)
    encoded = whole.encode(values.numpy())
    want = sy.simulate(whole, encoded)
    mapping = map_network(whole, small_chip(axons=48, neurons=32, rows=20, columns=20), fold=fold)
    assert check_mapping(mapping) == ()
    assert (mapping.n_passes > 1) == (fold == "full")
    got, _ = simulate_on_chip(mapping, encoded)
    for name in want.u:
        assert np.array_equal(want.u[name], got.u[name])
        assert np.array_equal(want.spikes[name], got.spikes[name])
    assert np.array_equal(want.local_weights["pooled_hidden1"], got.local_weights["pooled_hidden1"])
    # Of the potentials of the read-out, in units of the threshold, 8 bits leave most: near the floating network.
    floating = sy.simulate(network, values.numpy()).u["output"] / 0.35
    assert np.abs(want.u["output"] / whole.population("output").vth - floating).mean() < 0.25


def test_averages_are_values_of_eight_bits():
    net, values = trained("two pools of two")
    whole = sy.quantise(to_description(net, 8))
    record = sy.simulate(whole, whole.encode(values.numpy()))
    spikes = record.spikes["conv2"].reshape(4, 5, 4, 2, 2, 2, 2)  # channels, rows, in the square, columns, in it
    count = spikes.sum(axis=(-3, -1)).reshape(4, 5, -1)
    assert sorted(np.unique(count)) == [0, 1, 2, 3, 4]
    # k(m) falls to a half here; the averages do not.
    assert whole.k.min() < 2100
    assert np.abs(record.spikes["pooled"] - 255 * count / 4).max() <= 0.5


def test_slow_weights_that_do_not_fade(tmp_path):
    def network(fades):
        weights = sy.Projection("c", "in", "out", [[1.0, 0.5]], fades=fades)
        return sy.Network(sy.Source("in", 2), (sy.Population("out", 1, 9.0, 0.0),), (weights,), "out", 4, tau_w=2.0)

    ones, m = np.ones((1, 4, 2), int), np.arange(1, 5)
    for fades, want in ((True, 1.5 * np.exp(-m / 2)), (False, np.full(4, 1.5))):
        net = network(fades)
        assert np.allclose(sy.simulate(net, ones).u["out"][0, :, 0], want)
        whole = sy.quantise(net)
        k = whole.k if fades else np.full(4, 4096)
        u = sy.simulate(whole, ones).u["out"][0, :, 0]
        assert np.array_equal(u, fixed.rshift(k * (127 + 64), 6))
        assert np.array_equal(u, simulate_on_chip(map_network(whole), ones)[0].u["out"][0, :, 0])
        save(whole, tmp_path / "net.h5")
        assert load(tmp_path / "net.h5").projections[0].fades is fades
        assert from_nir(to_nir(net, lossy=True)).projections[0].fades is fades


@pytest.mark.slow
def test_networks_too_large_to_unfold_and_other_layers_are_refused():
    net = ConvHybridNet((1, 28, 28), (128, 256, 256), (8, 3))
    with pytest.raises(UnsupportedError, match="conv2: got 5035261952 synapses unfolded, allowed 268435456"):
        to_description(net, 8)
    net = ConvHybridNet((1, 8, 8), (3,), (8, 3))
    net.convolutions[0] = torch.nn.Conv2d(1, 3, 3)
    with pytest.raises(UnsupportedError, match=r"ConvHybridNet.convolutions\[0\]: got Conv2d"):
        to_description(net, 8)
