# SPDX-License-Identifier: BSD-3-Clause
"""Any rule inside the gradient: the same forward pass as the reference, true gradients, and training that works."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from user_rule import Habit

import synergic as sy
from synergic.errors import ParameterError, UnsupportedError
from synergic.learning import HybridNet, RuleLinear, evaluate, to_description, train
from synergic.learning._rule_layer import Sums, within
from synergic.learning._scan import Spike
from synergic.rules import Rule, outer, rate, share

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


@dataclass(frozen=True, eq=False)
class OwnSTDP(Rule):
    """`PairSTDP` as a user would write it."""

    eta_plus: Any = rate(0.2, per="post")
    eta_minus: Any = rate(0.1, per="pre")
    decay: float = share(0.8)
    p_max: float = 4.0
    state: ClassVar[dict[str, str]] = {"before": "pre", "after": "post"}

    @staticmethod
    def floating(p, state, received, theta):
        before = theta.decay * state["before"] + received.s
        after = theta.decay * state["after"]
        change = outer(theta.eta_plus * received.fired, before) - outer(after, theta.eta_minus * received.s)
        return p + change, {"before": before, "after": after + received.fired}


def stdp_by_the_equation(layer, x, k):
    """Sample by sample and step by step, with torch's own products, bounds and gradients."""
    eta_plus, eta_minus = layer.rule_theta["eta_plus"], layer.rule_theta["eta_minus"]
    every = []
    for sample in x:
        u, p, after = torch.zeros(4), layer.local_weights, torch.zeros(4)
        before, potentials = torch.zeros(6), []
        for m, s in enumerate(sample):
            alpha = layer.alpha if layer.alpha.ndim == 2 else layer.alpha.reshape(-1, 1)
            u = layer.decay * u + (layer.weight * k[m] + alpha * p) @ s + layer.bias
            potentials.append(u)
            fired = Spike.apply(u, layer.vth)
            u = u - layer.vth * fired
            before, after = 0.8 * before + s, 0.8 * after
            p = p + torch.outer(eta_plus * fired, before) - torch.outer(after, eta_minus * s)
            within_bounds = (p.detach() >= -layer.p_max) & (p.detach() <= layer.p_max)
            p, after = torch.where(within_bounds, p, layer.p_max * p.detach().sign()), after + fired
        every.append(torch.stack(potentials))
    return torch.stack(every)


@pytest.mark.parametrize("alpha_shape", ["neuron", "scalar", "synapse"])
@pytest.mark.parametrize("p_max", [4.0, 0.3])
def test_a_users_stdp_has_the_values_and_gradients_of_its_equation(alpha_shape, p_max, doubles):
    net = net_of(OwnSTDP(p_max=p_max), alpha_shape=alpha_shape)
    layer, found = net.layers[0], []
    with torch.no_grad():
        layer.local_weights += 0.1
    weight = torch.linspace(-1, 1, 7 * 5 * 4).view(7, 5, 4)
    for form in (lambda x: layer(x, net.k)[1], lambda x: stdp_by_the_equation(layer, x, net.k)):
        x = torch.tensor(data(OwnSTDP())[0]).double().requires_grad_()
        u = form(x)
        wanted = [x, *(p for p in layer.parameters() if p.requires_grad)]
        found.append([u, *torch.autograd.grad((weight * u * u).sum(), wanted)])
    for a, b in zip(*found, strict=True):
        assert b.abs().max() > 0
        assert torch.allclose(a, b, rtol=1e-10, atol=1e-12)
    assert (found[0][0] > layer.vth).any()
    assert not torch.allclose(found[0][0], stdp_by_the_equation(net_of(OwnSTDP()).layers[0], x, net.k))


def test_sums_have_first_and_second_gradients(doubles):
    p, s = (torch.randn(shape, requires_grad=True) for shape in ((3, 4, 5), (3, 5)))
    assert torch.allclose(Sums.apply(p, s), torch.einsum("bij,bj->bi", p, s), rtol=1e-14)
    assert torch.autograd.gradcheck(Sums.apply, (p, s))
    assert torch.autograd.gradgradcheck(Sums.apply, (p, s))


@pytest.mark.parametrize(("top", "passed"), [(0.9, 1), (1.0, 1), (1.1, 0), (float("inf"), 0), (float("nan"), 1)])
def test_what_is_cut_passes_no_gradient_and_what_is_not_a_number_stays_seen(top, passed):
    x = torch.tensor([-0.5, top], requires_grad=True)
    y = within(x, 1.0)
    assert torch.equal(y.detach().nan_to_num(7), torch.tensor([-0.5, 7 if top != top else min(top, 1.0)]))
    assert torch.autograd.grad(y.sum(), x)[0].tolist() == [1, passed]
    assert within(torch.zeros(0, 2), 1.0).shape == (0, 2)


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
