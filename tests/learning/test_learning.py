# SPDX-License-Identifier: BSD-3-Clause
"""The torch layers against the numpy reference, finite differences, and batch independence."""

import numpy as np
import pytest
import torch

import synergic as sy
from synergic.errors import ParameterError
from synergic.learning import HybridLinear, HybridNet, evaluate, to_description, train


def make_net(mode="hp", seed=0, **settings):
    torch.manual_seed(seed)
    net = HybridNet((12, 9, 4), mode=mode, steps=6, **settings).double()
    with torch.no_grad():
        for layer in net.layers:
            layer.weight.mul_(3)
            layer.local_weights.uniform_(-0.3, 0.3)
            layer.alpha.uniform_(-0.5, 0.5)
    return net


def spikes(samples=5, seed=0):
    return (torch.rand((samples, 6, 12), generator=torch.Generator().manual_seed(seed)) < 0.4).double()


@pytest.mark.parametrize("mode", ["gp", "lp", "hp"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"plasticity_scope": "frozen"},
        {"rho": "identity", "sign": -1, "p_max": 0.4},
        {"reset": "zero"},
        {"rho": "softmax"},
    ],
)
def test_forward_equals_the_numpy_reference(mode, settings):
    net, s = make_net(mode, **settings), spikes()
    out, u = net(s)
    record = sy.simulate(to_description(net), s.numpy().astype(int))
    assert np.array_equal(record.spikes["output"], out.detach().numpy())
    assert np.abs(record.u["output"] - u.detach().numpy()).max() < 1e-12


def test_softmax_has_no_integers():
    with pytest.raises(ParameterError, match=r"rho in integers.*'softmax'"):
        sy.quantise(to_description(make_net(rho="softmax")))


def test_gram_form_equals_matrix_form_in_values_and_gradients():
    results = []
    for form in ("gram", "matrix"):
        layer, s = make_net().layers[0], spikes()
        _, u = layer(s, torch.ones(6).double(), form)
        u.square().sum().backward()
        results.append([u.detach(), *(p.grad for p in layer.parameters())])
    for a, b in zip(*results, strict=True):
        assert (a - b).abs().max() < 1e-10


def test_gradient_of_theta_runs_through_the_local_trajectory():
    # One neuron that cannot spike: then u is smooth in theta and finite differences are exact evidence.
    torch.manual_seed(0)
    layer = HybridLinear(3, 1, vth=1e3, p_max=1e3).double()
    s, k = torch.ones(1, 4, 3).double(), torch.ones(4).double()

    def loss():
        return layer(s, k)[1][0, -1, 0]

    loss().backward()
    for name in ("alpha", "eta", "beta", "weight"):
        parameter = getattr(layer, name)
        step = torch.zeros_like(parameter)
        step.view(-1)[0] = 1e-5
        with torch.no_grad():
            parameter += step
            up = loss()
            parameter -= 2 * step
            down = loss()
            parameter += step
        slope = float((up - down) / 2e-5)
        assert slope != 0
        assert float(parameter.grad.view(-1)[0]) == pytest.approx(slope, rel=1e-5)


def test_the_exact_path_is_taken_where_p_may_clip():
    layer = HybridLinear(3, 2, p_max=0.01)
    assert layer.may_clip(5)
    assert not HybridLinear(3, 2, p_max=4.0).may_clip(5)
    assert HybridLinear(3, 2, p_max=4.0, rho="identity").may_clip(5)


def test_prediction_does_not_depend_on_the_batch():
    net, s = make_net(), spikes(20)
    with torch.no_grad():
        whole, alone = net(s)[1], torch.cat([net(x[None])[1] for x in s])
    assert (whole - alone).abs().max() < 1e-12


def test_modes_train_what_they_should():
    labels = torch.arange(20) % 4
    for mode in ("gp", "lp", "hp"):
        net = make_net(mode)
        before = {n: p.detach().clone() for n, p in net.named_parameters()}
        history = train(net, spikes(20), labels, epochs=8, batch=10, lr=1e-2, lr_theta=1e-2)
        moved = {n for n, p in net.named_parameters() if not torch.equal(before[n], p)}
        hidden = {n for n in moved if n.startswith("layers.0")}
        theta = {n for n in moved if n.split(".")[-1] in ("alpha", "eta", "beta")}
        assert history[-1] < history[0]
        assert bool(hidden) == (mode != "lp")
        assert bool(theta) == (mode != "gp")
        assert 0 <= evaluate(net, spikes(20), labels) <= 1


def test_training_is_reproducible():
    runs = []
    for _ in range(2):
        net = make_net()
        runs.append(train(net, spikes(20), torch.arange(20) % 4, epochs=2, seed=3))
    assert runs[0] == runs[1]


def test_bad_arguments_are_refused():
    with pytest.raises(ParameterError, match="'xp'"):
        HybridNet((3, 2), mode="xp")
    with pytest.raises(ParameterError, match=r"float32, allowed torch\.float64"):
        make_net()(torch.zeros(1, 6, 12))
    with pytest.raises(ParameterError, match="Axes"):
        make_net()(torch.zeros(1, 6, 13).double())
    with pytest.raises(ParameterError, match="rho"):
        HybridLinear(3, 2, rho="sine")
