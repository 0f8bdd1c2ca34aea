# SPDX-License-Identifier: BSD-3-Clause
"""Any rule inside the gradient: the same forward pass as the reference, true gradients, and training that works."""

import numpy as np
import pytest
import torch
from user_rule import Habit

import synergic as sy
from synergic.errors import ParameterError, UnsupportedError
from synergic.learning import HybridNet, RuleLinear, evaluate, to_description, train

MASK = np.random.default_rng(0).random((4, 6)) < 0.7
RULES = {
    "Oja": sy.Oja(0.1),
    "BCM": sy.BCM(0.2),
    "PairSTDP": sy.PairSTDP(0.2, 0.1),
    "ThreeFactor": sy.ThreeFactor(0.2),
    "Habit": Habit(0.2),
    "masked": sy.BCM(0.2, mask=MASK),
    "at its bound": sy.BCM(2.0, p_max=0.25),
}


@pytest.fixture
def doubles():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def net_of(rule, **settings):
    torch.manual_seed(0)
    net = HybridNet((6, 4), steps=5, layer=RuleLinear, rule=rule, **settings)
    with torch.no_grad():
        net.layers[0].weight.mul_(2)
        net.layers[0].alpha.fill_(0.3)
    return net


def data(rule):
    rng = np.random.default_rng(1)
    spikes = (rng.random((7, 5, 6)) < 0.5).astype(int)
    return spikes, rng.uniform(-1, 1, (7, 5)) if rule.signalled else None


@pytest.mark.parametrize(
    "settings", [{}, {"plasticity_scope": "frozen"}, {"alpha_shape": "synapse"}, {"alpha_shape": "scalar"}], ids=str
)
@pytest.mark.parametrize("name", RULES)
def test_the_forward_pass_is_that_of_the_reference(name, settings, doubles):
    net = net_of(RULES[name], **settings)
    with torch.no_grad():
        net.layers[0].local_weights += 0.2 * torch.tensor(1 if RULES[name].mask is None else RULES[name].mask)
    spikes, signal = data(RULES[name])
    signal = None if settings.get("plasticity_scope") == "frozen" else signal
    s, u = net(torch.tensor(spikes).double(), None if signal is None else torch.tensor(signal))
    record = sy.simulate(to_description(net), spikes, signal=signal)
    assert np.array_equal(s.detach().numpy(), record.spikes["output"])
    assert np.abs(u.detach().numpy() - record.u["output"]).max() < 1e-12
    assert record.spikes["output"].any()


@pytest.mark.parametrize("name", ["Oja", "BCM", "ThreeFactor"])
def test_gradients_are_those_of_finite_differences(name, doubles):
    # Without spikes of the layer nothing but the rule is between theta and the potentials.
    net = net_of(RULES[name], vth=50.0)
    spikes, signal = data(RULES[name])
    told = None if signal is None else torch.tensor(signal)
    layer = net.layers[0]
    with torch.no_grad():
        layer.alpha.fill_(1.0)
        layer.bias.fill_(20.0)

    def loss():
        return (net(torch.tensor(spikes).double(), told)[1] ** 2).mean()

    assert not net(torch.tensor(spikes).double(), told)[0].any()
    for p in net.theta():
        (gradient,) = torch.autograd.grad(loss(), p)
        with torch.no_grad():
            at, step = (0,) * p.ndim, 1e-5
            p[at] += step
            above = loss()
            p[at] -= 2 * step
            below = loss()
            p[at] += step
        slope = float(above - below) / (2 * step)
        assert abs(slope - float(gradient[at])) <= 1e-5 * max(1.0, abs(slope))
        assert abs(slope) > 1e-6
    assert {id(p) for p in net.theta()} == {id(layer.alpha), *map(id, layer.rule_theta.values())}


def test_a_net_with_a_rule_of_ones_own_is_trained_and_exported():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    spikes = (rng.random((200, 5, 6)) < np.where(labels[:, None, None] == np.arange(6) % 2, 0.7, 0.2)).astype(int)
    torch.manual_seed(0)
    net = HybridNet((6, 12, 2), steps=5, layer=RuleLinear, rule=Habit(0.1))
    before = [p.detach().clone() for p in net.theta()]
    x, y = torch.tensor(spikes).float(), torch.tensor(labels)
    train(net, x, y, epochs=10, lr=2e-2)
    assert all(not torch.equal(a, b) for a, b in zip(before, net.theta(), strict=True))
    assert evaluate(net, x, y) > 0.9
    whole = sy.quantise(to_description(net))
    assert (sy.simulate(whole, spikes).classes(whole) == labels).mean() > 0.9


def test_what_does_not_fit_is_refused():
    with pytest.raises(UnsupportedError, match=r"RuleLinear: got Hebbian.*Use HybridLinear"):
        RuleLinear(3, 2, rule=sy.Hebbian(0.1, 0.1))
    with pytest.raises(UnsupportedError, match=r"plasticity_scope='shared'"):
        RuleLinear(3, 2, rule=sy.Oja(), plasticity_scope="shared")
    with pytest.raises(ParameterError, match=r"RuleLinear.forward.form: got 'gram'"):
        RuleLinear(3, 2, rule=sy.Oja())(torch.zeros(1, 2, 3), torch.ones(2), "gram")
    with pytest.raises(ParameterError, match=r"HybridNet.signal: got NoneType"):
        net_of(sy.ThreeFactor())(torch.zeros(1, 5, 6))
    with pytest.raises(ParameterError, match=r"HybridNet.signal: got Tensor"):
        net_of(sy.Oja())(torch.zeros(1, 5, 6), torch.zeros(1, 5))
