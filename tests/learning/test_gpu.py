# SPDX-License-Identifier: BSD-3-Clause
"""Networks on a GPU against the same on the processor, values and gradients; skipped where torch finds none."""

import copy

import pytest
import torch

from synergic.experiments import FewShot
from synergic.learning import ConvHybridNet, HybridLinear, HybridNet, train
from synergic.learning import _graphs as graphs
from synergic.learning._layers import FORMS
from synergic.learning.tasks._few_shot import FewShotTask

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")
STEPS = 6


def outcome(net, s, **more):
    """Spikes, potentials and the gradients of s and of all parameters, on the processor."""
    place = next(net.parameters()).device
    s = s.to(place).requires_grad_()
    spikes, u = net(s, **more)
    assert spikes.device == u.device == place
    weights = torch.linspace(-1, 1, u.numel(), dtype=u.dtype, device=place).view(u.shape)
    ((weights * u).sum() + (weights.flip(0) * spikes).sum()).backward()
    found = [spikes.detach(), u.detach(), s.grad, *(p.grad for p in net.parameters() if p.grad is not None)]
    return [values.cpu() for values in found]


def check_equal(net, s, **more):
    there = copy.deepcopy(net).cuda()
    want = outcome(net, s, **more)
    have = outcome(there, s.detach().clone(), **{k: v.cuda() if torch.is_tensor(v) else v for k, v in more.items()})
    assert 0 < float(want[0].sum()) < want[0].numel()
    for a, b in zip(have, want, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-10)


def test_torch_can_compile():
    assert graphs.HAS_COMPILER


@pytest.mark.parametrize(
    "settings", [{}, {"reset": "zero", "rho": "identity", "sign": -1}, {"plasticity_scope": "frozen"}]
)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("constant", [True, False])
def test_a_layer_in_each_form(settings, form, constant):
    torch.manual_seed(0)
    layer = HybridLinear(12, 9, p_max=0.3 if form == "matrix" else 1e6, **settings).double()
    with torch.no_grad():
        layer.weight.mul_(3), layer.alpha.mul_(30), layer.eta.mul_(20), layer.beta.mul_(20)
        layer.local_weights.uniform_(-0.2, 0.2)
    k = torch.exp(-torch.arange(1, STEPS + 1, dtype=torch.float64) / 9)
    s = torch.rand((7, 12) if constant else (7, STEPS, 12), dtype=torch.float64)
    check_equal(layer, s, k=k, form=form)


def test_p_that_reaches_its_bound_is_noticed():
    torch.manual_seed(0)
    net = HybridNet((12, 9, 3), steps=STEPS, rho="identity", p_max=0.05).double()
    with torch.no_grad():
        for layer in net.layers:
            layer.weight.mul_(4), layer.eta.mul_(30), layer.alpha.mul_(30)
    check_equal(net, torch.rand(7, 12, dtype=torch.float64))


def test_convolutions():
    torch.manual_seed(0)
    net = ConvHybridNet((1, 9, 9), (3, 4), (6, 3), steps=STEPS, vth=0.05).double()
    with torch.no_grad():
        for convolution in net.convolutions:
            convolution.weight.mul_(3)
    check_equal(net, torch.rand(5, 81, dtype=torch.float64))


def test_training_goes_the_same_way():
    samples = torch.rand(60, 20)[:, None].expand(-1, STEPS, -1)
    labels = (samples[:, 0, :10].sum(1) > samples[:, 0, 10:].sum(1)).long()
    losses = []
    for place in ("cpu", "cuda"):
        torch.manual_seed(0)
        net = HybridNet((20, 16, 2), steps=STEPS).to(place)
        losses.append(train(net, samples.to(place), labels.to(place), epochs=3, batch=20))
    torch.testing.assert_close(torch.tensor(losses[1]), torch.tensor(losses[0]), rtol=1e-3, atol=1e-4)


def test_few_shot_learning_takes_its_images_there():
    images = torch.rand(1623, 20, 31, 31, generator=torch.Generator().manual_seed(0))
    config = FewShot(channels=4, epochs=1, steps_an_epoch=2, batch=2, precision="float32", test_episodes=50)
    found = []
    for place in ("cpu", "cuda"):
        task = FewShotTask(config, images=images, device=place)
        task.epoch()
        found.append((task.history[0]["loss"], task.figures()["accuracy"]))
    (loss, accuracy), (loss_there, accuracy_there) = found
    assert abs(loss - loss_there) < 0.02
    assert abs(accuracy - accuracy_there) <= 0.1
