# SPDX-License-Identifier: BSD-3-Clause
"""A net of spiking convolutions, described, as Lava processes."""

import numpy as np
import pytest
import torch

import synergic as sy
from synergic.learning import ConvHybridNet, to_description
from synergic.processes import run_in_lava


@pytest.mark.parametrize("fixed", [False, True])
def test_lava_equals_the_unmapped_network(fixed):
    torch.manual_seed(0)
    net = ConvHybridNet((1, 8, 8), (3, 4), (6, 3), steps=4, tau_w=7.0)
    with torch.no_grad():
        for layer in (*net.convolutions, *net.layers):
            layer.weight.mul_(3)
        for layer in net.layers:
            layer.alpha.add_(0.2)
            layer.eta.add_(0.3)
    network, values = to_description(net, 8), np.random.default_rng(0).random((2, 4, 64))
    if fixed:
        network = sy.quantise(network)
        values = network.encode(values)
    want, got = sy.simulate(network, values), run_in_lava(network, values)
    for p in network.populations:
        assert want.spikes[p.name].any()
        assert np.abs(want.spikes[p.name] - got.spikes[p.name]).max() <= (0 if fixed else 1e-12)
        assert np.abs(want.u[p.name] - got.u[p.name]).max() <= (0 if fixed else 1e-12)
    for name, local in want.local_weights.items():
        assert np.abs(local - got.local_weights[name]).max() <= (0 if fixed else 1e-12)
    assert want.saturated == got.saturated
