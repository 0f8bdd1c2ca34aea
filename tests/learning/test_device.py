# SPDX-License-Identifier: BSD-3-Clause
"""Networks keep to the device that they are on.

No GPU is needed: on torch's device "meta" tensors have no values, but an operation that mixes it with the processor
fails as one that mixes a GPU with it does. Decisions by values are taken beforehand here.
"""

import pytest
import torch

from synergic.errors import ParameterError
from synergic.experiments import Continual
from synergic.learning import ConvHybridNet, HybridLinear, HybridNet
from synergic.learning import _layers as layers
from synergic.learning._tensors import checked_device
from synergic.learning.tasks import open_task

DEVICE = "meta"


@pytest.fixture(autouse=True)
def without_values(monkeypatch):
    monkeypatch.setattr(layers, "top_of", lambda values: 1.0)
    monkeypatch.setattr(HybridLinear, "may_clip", lambda self, *arguments: False)


@pytest.mark.parametrize("mode", ["gp", "lp", "hp"])
@pytest.mark.parametrize(
    "settings", [{}, {"rho": "softmax"}, {"alpha_shape": "synapse"}, {"plasticity_scope": "frozen"}]
)
@pytest.mark.parametrize("shape", [(6, 20), (6, 4, 20)])
def test_dense_layers_forward_and_backward(mode, settings, shape):
    net = HybridNet((20, 16, 5), mode=mode, steps=4, dropout=0.5, **settings).to(DEVICE)
    spikes, u = net(torch.empty(shape, device=DEVICE))
    (spikes.sum() + u.sum()).backward()
    assert {u.device.type, *(p.grad.device.type for p in net.parameters() if p.grad is not None)} == {DEVICE}


def test_convolutions_forward_and_backward():
    net = ConvHybridNet((1, 8, 8), (3, 4), (6, 3), steps=4).to(DEVICE)
    u = net(torch.empty(5, 64, device=DEVICE))[1]
    u.sum().backward()
    assert u.device.type == DEVICE


def test_a_mix_would_be_noticed():
    net = HybridNet((20, 5), steps=4).to(DEVICE)
    net.k = net.k.new_ones(4, device="cpu")
    with pytest.raises(RuntimeError, match="device"):
        net(torch.empty(6, 20, device=DEVICE))


def test_a_device_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ParameterError, match=r"device: got 'cuda:99' .* allowed one that torch can use here: cpu"):
        checked_device("cuda:99")
    with pytest.raises(ParameterError, match="device: got 'gpu'"):
        checked_device("gpu")
    with pytest.raises(ParameterError, match="device: got 'meta'"):
        checked_device("meta")
    with pytest.raises(ParameterError, match="device of continual: got 'cuda'"):
        open_task(Continual(), device="cuda")
