# SPDX-License-Identifier: BSD-3-Clause
"""Spiking convolutions: against a loop written from the equations, and as a part of a network."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

import synergic as sy
from synergic.data import Images
from synergic.errors import ParameterError
from synergic.experiments import EXPERIMENTS, Convolution
from synergic.learning import ConvHybridNet, SpikingConv2d
from synergic.learning._conv_layers import Pooled
from synergic.learning.tasks._classification import ClassificationTask, build
from synergic.network import load, save

K = torch.exp(-torch.arange(1, 5, dtype=torch.float64) / 40)


def by_the_equations(layer, s, k):
    """u(m) = d r(u(m-1)) + k(m) W * s(m) + b, pooled spikes."""
    u, out = torch.zeros(()).double(), []
    fired = torch.zeros(()).double()
    for m in range(len(k)):
        left = u - layer.vth * fired if layer.reset == "subtract" else u * (1 - fired)
        current = k[m] * functional.conv2d(s[:, min(m, s.shape[1] - 1)], layer.weight, padding="same")
        u = layer.decay * left + current + layer.bias[:, None, None]
        fired = (u > layer.vth).double()
        out.append(functional.avg_pool2d(fired, layer.pool))
    return torch.stack(out, 1)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize(("pool", "steps"), [(1, 4), (2, 4), (2, 1)])
def test_as_the_equations_say(reset, pool, steps):
    torch.manual_seed(0)
    layer = SpikingConv2d(2, 3, pool=pool, reset=reset).double()
    s = torch.rand(5, steps, 2, 6, 8, dtype=torch.float64)
    got = layer(s, K)
    assert got.shape == (5, 4, 3, 6 // pool, 8 // pool)
    assert torch.equal(got, by_the_equations(layer, s, K))
    assert 0 < got.mean() < 1


@pytest.mark.parametrize("side", [2, 3])
def test_means_over_squares_and_their_gradient_are_torchs(side):
    spikes = torch.rand(2, 3, 7, 6, dtype=torch.float64, requires_grad=True)
    found = []
    for form in (Pooled.apply, functional.avg_pool2d):
        means = form(spikes, side)
        found.append((means, *torch.autograd.grad((means * torch.arange(means.numel()).view_as(means)).sum(), spikes)))
    for ours, torchs in zip(*found, strict=True):
        assert torch.allclose(ours, torchs, rtol=1e-14)


def test_an_image_that_stays_is_one_shown_again_also_in_its_gradient():
    torch.manual_seed(0)
    layer, s = SpikingConv2d(2, 3).double(), torch.rand(4, 1, 2, 6, 6, dtype=torch.float64)
    grads = []
    for shown in (s, s.repeat(1, 4, 1, 1, 1)):
        out = layer(shown, K)
        grads.append((out, *torch.autograd.grad(out.square().sum(), [layer.weight, layer.bias])))
    for once, again in zip(*grads, strict=True):
        assert torch.allclose(once, again)
    assert grads[0][1].abs().max() > 0


def test_a_prediction_does_not_depend_on_its_batch():
    torch.manual_seed(0)
    net = ConvHybridNet((1, 8, 8), (3, 4), (6, 3), steps=4)
    s, order = torch.rand(7, 64), torch.randperm(7)
    together = net(s)[1]
    assert torch.allclose(net(s[order])[1], together[order], atol=1e-6)
    assert torch.allclose(torch.cat([net(one)[1] for one in s.split(1)]), together, atol=1e-6)


def test_local_plasticity_alone_trains_the_read_out_only():
    net = ConvHybridNet((1, 8, 8), (3,), (6, 3), mode="lp", steps=3)
    trained = {name for name, p in net.named_parameters() if p.requires_grad}
    assert trained
    assert all(name.startswith("layers.1.") for name in trained)


def test_pooling_by_layer_and_images_with_colours():
    net = ConvHybridNet((3, 8, 8), (4, 5), (6, 3), pools=(1, 4), steps=2)
    assert net.layers[0].weight.shape == (6, 5 * 2 * 2)
    assert net(torch.rand(2, 3 * 64))[1].shape == (2, 2, 3)


def test_the_shipped_network_for_cifar_is_the_papers():
    """Five convolutions and three dense layers (paper 2, table of settings)."""
    config = replace(EXPERIMENTS["cifar-conv-hp"][1], channels=(2, 2, 2, 2, 2), dense=(8,), hidden=8)
    net = build(config, (3, 32, 32))
    assert (len(net.convolutions), len(net.layers)) == (5, 3)
    assert net.layers[0].weight.shape == (8, 2 * 8 * 8)
    assert net(torch.rand(2, 3 * 1024))[1].shape == (2, 8, 10)


def test_the_family_learns(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 10
    images = rng.random((300, 28, 28), dtype=np.float32) * 0.1
    for image, label in zip(images, labels, strict=True):
        y, x = divmod(int(label), 4)
        image[2 + 8 * y : 8 + 8 * y, 1 + 6 * x : 7 + 6 * x] += 0.6
    data = Images(images[:200], labels[:200], images[200:], labels[200:])
    task = ClassificationTask(Convolution(channels=(4, 8), hidden=32, steps=3, epochs=5, batch=20, lr=5e-3), data=data)
    for _ in range(5):
        task.epoch()
    figures = task.figures()
    assert figures["accuracy"] > 0.6  # chance is .1
    # The description is the trained network, and its file is as small as its kernels.
    save(task.description(), tmp_path / "net.h5")
    assert (tmp_path / "net.h5").stat().st_size < 2**20
    network = load(tmp_path / "net.h5")
    inputs = np.repeat(task.test[:20].reshape(20, 1, -1), 3, axis=1)
    record = sy.simulate(network, inputs)
    u = task.outputs(torch.from_numpy(task.test[:20].reshape(20, -1)))[1].numpy()
    assert np.abs(record.u["output"] - u).max() < 1e-4  # torch trains in 32 bits


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: SpikingConv2d(1, 2, kernel_size=4), "odd"),
        (lambda: SpikingConv2d(0, 2), "in_channels"),
        (lambda: SpikingConv2d(1, 2)(torch.zeros(2, 3, 1, 6, 6), K), "shape"),
        (lambda: ConvHybridNet((1, 4, 4), (2, 2, 2), (5, 3)), "large enough"),
        (lambda: ConvHybridNet((1, 8, 8), (2, 2), (5, 3), pools=(2,)), "one each"),
        (lambda: ConvHybridNet((1, 8, 8), (2,), (5, 3))(torch.zeros(2, 63)), "pixel"),
        (lambda: SpikingConv2d(1, 2)(torch.zeros(2, 1, 1, 6, 6, dtype=torch.int64), K), "real numbers"),
        (lambda: SpikingConv2d(1, 2)(torch.zeros(2, 1, 1, 6, 6).double(), K), "float64, allowed torch.float32"),
        (lambda: ConvHybridNet((1, 8, 8), (2,), (5, 3)).double()(torch.zeros(2, 64)), "float32, allowed torch.float64"),
    ],
)
def test_bad_input_is_refused(act, message):
    with pytest.raises(ParameterError, match=message):
        act()


def test_no_samples_give_no_outputs():
    net = ConvHybridNet((1, 8, 8), (2,), (5, 3), steps=4)
    for empty in (torch.zeros(0, 64), torch.zeros(0, 4, 64)):
        spikes, u = net(empty)
        assert spikes.shape == u.shape == (0, 4, 3)
