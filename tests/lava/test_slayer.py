# SPDX-License-Identifier: BSD-3-Clause
"""A plastic block among SLAYER's own: one model, one gradient, one file; and what comes back runs in Lava."""

import h5py
import numpy as np
import pytest
import torch
from lava.lib.dl import slayer

import synergic as sy
from synergic.errors import FormatError, ParameterError, UnsupportedError
from synergic.hw_targets import map_network, simulate_on_chip
from synergic.interchange import from_lava_dl, to_lava_dl
from synergic.interchange.slayer import HybridBlock
from synergic.learning import HybridLinear, to_description
from synergic.processes import run_in_lava

STEPS, SIZES = 16, (20, 16, 3)


def model(seed=0, **settings):
    """SLAYER's block, then ours."""
    torch.manual_seed(seed)
    neuron = {"threshold": 0.4, "current_decay": 1.0, "voltage_decay": 1.0, "requires_grad": False}
    hook = slayer.utils.quantize_hook_fx
    first = slayer.block.cuba.Dense(neuron, SIZES[0], SIZES[1], weight_scale=3, pre_hook_fx=hook)
    return torch.nn.Sequential(first, HybridBlock(SIZES[1], SIZES[2], vth=0.3, **settings))


def data(count=60, seed=0):
    """Three classes, each with channels of its own that spike more. (count, channels, T)."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    rate = 0.1 + 0.5 * (torch.arange(SIZES[0])[None] % 3 == labels[:, None]).float()
    return (torch.rand(count, SIZES[0], STEPS, generator=generator) < rate[..., None]).float(), labels


def trained(steps=40):
    """Steps of Adam on the spike counts."""
    net, (x, labels) = model(), data()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    losses = []
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(net(x).sum(2), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return net, losses


@pytest.fixture(scope="module")
def learned():
    return trained()


def export(net, path):
    with h5py.File(path, "w") as file:
        for i, block in enumerate(net):
            block.export_hdf5(file.create_group(f"layer/{i}"))
    return path


def test_the_block_is_the_layer_on_slayers_axes_and_clock():
    x = (torch.rand(2, 5, 7, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    torch.manual_seed(0)
    block = HybridBlock(5, 4, vth=0.2)
    layer = HybridLinear(5, 4, vth=0.2, reset="zero")
    layer.load_state_dict(block.layer.state_dict())
    want = layer(x.transpose(1, 2), torch.ones(7))[0].transpose(1, 2)
    got = block(x)
    assert want.any()
    assert torch.equal(got[..., 1:], want[..., :-1])
    assert not got[..., 0].any()
    block.delay_shift = False
    assert torch.equal(block(x), want)


def test_gradients_reach_theta_and_the_block_before():
    net, (x, labels) = model(), data(6)
    torch.nn.functional.cross_entropy(net(x).sum(2), labels).backward()
    layer = net[1].layer
    for name, p in {"W before": net[0].synapse.weight, "W": layer.weight, "alpha": layer.alpha, "eta": layer.eta,
                    "beta": layer.beta}.items():  # fmt: skip
        assert p.grad.abs().max() > 0, name


def test_they_learn_together(learned):
    net, losses = learned
    assert losses[-1] < 0.6 * losses[0]
    x, labels = data(30, seed=1)
    assert (net(x).sum(2).argmax(1) == labels).float().mean() > 0.8


def test_one_file_holds_both_and_the_plastic_part_comes_back_whole(learned, tmp_path):
    net, _ = learned
    got = from_lava_dl(export(net, tmp_path / "net.h5"), STEPS)
    want = sy.quantise(to_description(net[1].net))
    back, ours = got.projections[1], want.projections[0]
    assert np.array_equal(back.weights, ours.weights)
    assert np.array_equal(back.alpha, ours.alpha)
    assert type(back.rule) is type(ours.rule)
    assert np.array_equal(back.rule.eta, ours.rule.eta)
    assert np.array_equal(got.populations[1].bias, want.populations[0].bias)
    to_lava_dl(got, tmp_path / "again.h5", lossy=True)
    again = from_lava_dl(tmp_path / "again.h5", STEPS)
    spikes = data(4, seed=2)[0].transpose(1, 2).numpy().astype(int)
    once, twice = sy.simulate(got, spikes), sy.simulate(again, spikes)
    for name in ("layer1", "layer2"):
        assert np.array_equal(once.u[name], twice.u[name])
    assert np.array_equal(once.local_weights["dense2"], twice.local_weights["dense2"])


def test_it_classifies_in_lava_and_on_the_chip_as_in_slayer(learned, tmp_path):
    net, _ = learned
    network = from_lava_dl(export(net, tmp_path / "net.h5"), STEPS)
    x, labels = data(12, seed=1)
    spikes = x.transpose(1, 2).numpy().astype(int)
    lava, (chip, _) = run_in_lava(network, spikes), simulate_on_chip(map_network(network), spikes)
    assert np.array_equal(lava.u["layer2"], chip.u["layer2"])
    assert np.array_equal(lava.local_weights["dense2"], chip.local_weights["dense2"])
    assert lava.local_weights["dense2"].any(), "it learns while it runs"
    assert (lava.classes(network) == net(x).sum(2).argmax(1).numpy()).mean() >= 0.75
    assert (lava.classes(network) == labels.numpy()).mean() >= 0.75


def test_a_plastic_part_that_does_not_fit_is_refused(learned, tmp_path):
    path = export(learned[0], tmp_path / "net.h5")
    with h5py.File(path, "r+") as file:
        file["layer/1/weight"][0, 0] += 1
    with pytest.raises(FormatError, match=r"layer 1\.synergic: got another layer"):
        from_lava_dl(path, STEPS)
    with h5py.File(path, "r+") as file:
        del file["layer/1/synergic/population"]
    with pytest.raises(FormatError, match=r"layer 1\.synergic: damaged"):
        from_lava_dl(path, STEPS)


def test_wrong_input_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"HybridBlock input: got shape \(2, 7, 5\), allowed \(batch, 5, T\)"):
        HybridBlock(5, 4)(torch.zeros(2, 7, 5))
    with pytest.raises(ParameterError, match=r"HybridBlock\.delay_shift"):
        HybridBlock(5, 4, delay_shift=3)
    with h5py.File(tmp_path / "net.h5", "w") as file:
        HybridBlock(5, 4).export_hdf5(file.create_group("layer/0"))
        with pytest.raises(UnsupportedError, match="in use"):
            HybridBlock(5, 4).export_hdf5(file["layer/0"])
