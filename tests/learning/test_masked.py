# SPDX-License-Identifier: BSD-3-Clause
"""Masked layers: sparse and without P, equal to the masked matrices written out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import synergic as sy
from synergic.errors import ParameterError
from synergic.learning import MaskedLinear, MaskedNet, to_description
from synergic.learning._masked import Pattern, sparse_product


def layer_of(seed, n_in=13, n_out=7, density=0.3, scale=30.0, **settings):
    torch.manual_seed(seed)
    layer = MaskedLinear(n_in, n_out, decay=0.8, lambda_=0.8, **settings).double()
    with torch.no_grad():
        for theta in (layer.alpha, layer.eta, layer.beta):
            theta.mul_(scale)
    layer.use(Pattern.draw((n_out, n_in), density, torch.Generator().manual_seed(seed)))
    return layer


def run(layer, s, form, steps=3):
    """Values and all gradients."""
    k = torch.exp(-torch.arange(1, steps + 1, dtype=s.dtype) / 40)
    s = s.clone().requires_grad_()
    spikes, u = layer(s, k, form)
    wanted = [layer.values, layer.alpha, layer.eta, layer.beta, s]
    weights = torch.linspace(-1, 1, u.numel(), dtype=s.dtype).reshape(u.shape)
    grads = torch.autograd.grad((weights * u).sum() + spikes.square().sum(), wanted, allow_unused=True)
    return [spikes, u, *grads]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([0.0, 0.03, 0.5, 1.0]), st.sampled_from([1, -1]))
def test_equal_to_the_matrix_form(seed, stays, density, sign):
    layer = layer_of(seed, density=density, sign=sign)
    generator = torch.Generator().manual_seed(seed)
    shape = (5, 13) if stays else (5, 3, 13)
    s = torch.rand(shape, generator=generator, dtype=torch.float64)
    s = s if stays else (s < 0.4).double()
    for fast, plain in zip(run(layer, s, None), run(layer, s, "matrix"), strict=True):
        assert torch.allclose(fast, plain, atol=1e-10, rtol=1e-10)


def test_equal_in_single_precision():
    layer = layer_of(1).float()
    s = torch.rand(5, 13, generator=torch.Generator().manual_seed(1))
    for fast, plain in zip(run(layer, s, None), run(layer, s, "matrix"), strict=True):
        assert torch.allclose(fast, plain, atol=1e-4, rtol=1e-4)


def test_the_bound_of_p_holds():
    layer = layer_of(2, p_max=0.05)
    s = torch.rand(5, 13, dtype=torch.float64)
    unbounded = layer_of(2, p_max=1e6)
    for fast, plain in zip(run(layer, s, None), run(layer, s, "matrix"), strict=True):
        assert torch.equal(fast, plain)
    assert not torch.allclose(run(layer, s, None)[1], run(unbounded, s, None)[1])


def test_one_neuron_by_hand():
    """Two inputs of 1, of which M connects the first: W adds .2, P of the second alone .5 alpha eta tanh(u / v_th)."""
    layer = MaskedLinear(2, 1, vth=1.0, decay=0.0, lambda_=0.8).double()
    with torch.no_grad():
        layer.weight[:] = torch.tensor([[0.2, 9.0]])
        layer.bias.zero_(), layer.alpha.fill_(0.5), layer.eta.copy_(torch.tensor([7.0, 0.1])), layer.beta.zero_()
    layer.use(Pattern(torch.tensor([0]), torch.tensor([0]), (1, 2)))
    _, u = layer(torch.ones(1, 2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    assert float(u[0, 0, 0]) == pytest.approx(0.2)
    assert float(u[0, 1, 0]) == pytest.approx(0.2 + 0.5 * 0.1 * torch.tanh(torch.tensor(0.2)).item())


def test_values_go_back_and_only_they_change():
    layer = layer_of(3)
    before, first = layer.weight.clone(), layer.pattern
    with torch.no_grad():
        layer.values.add_(1)
    layer.use(None)
    changed = torch.zeros_like(before)
    changed[first.rows, first.cols] = 1
    assert torch.equal(layer.weight, before + changed)


def test_sparse_product_and_its_gradients():
    pattern = Pattern.draw((6, 9), 0.4, torch.Generator().manual_seed(0))
    values = torch.randn(len(pattern.rows), dtype=torch.float64, requires_grad=True)
    s = torch.randn(4, 3, 9, dtype=torch.float64, requires_grad=True)
    dense = torch.zeros(6, 9, dtype=torch.float64).index_put((pattern.rows, pattern.cols), values)
    assert torch.allclose(sparse_product(s, values, pattern), s @ dense.T)
    assert torch.autograd.gradcheck(lambda v, x: sparse_product(x, v, pattern), (values, s))


def test_a_prediction_does_not_depend_on_its_batch():
    torch.manual_seed(0)
    net = MaskedNet((8, 6, 3), steps=3)
    generator = torch.Generator().manual_seed(0)
    net.use([Pattern.draw((6, 8), 0.3, generator), Pattern.draw((3, 6), 0.3, generator)])
    s = torch.rand(10, 8)
    order = torch.randperm(10)
    assert torch.equal(net(s)[1][order], net(s[order])[1])


@pytest.mark.parametrize("mode", ["gp", "hp"])
def test_the_description_computes_the_same(mode):
    torch.manual_seed(0)
    net = MaskedNet((8, 6, 3), mode=mode, steps=4, vth=0.1, decay=0.8, p_max=0.2).double()
    generator = torch.Generator().manual_seed(0)
    net.use([Pattern.draw((6, 8), 0.5, generator), Pattern.draw((3, 6), 0.5, generator)])
    with torch.no_grad():
        for layer in net.layers:
            layer.values.abs_().mul_(2)
        for theta in net.theta():
            theta.mul_(30)
    s = torch.rand(5, 8, generator=generator, dtype=torch.float64)
    network = to_description(net, num_message_bits=8)
    record = sy.simulate(network, s[:, None].expand(-1, 4, -1).numpy())
    spikes, u = net(s)
    assert np.array_equal(record.spikes["output"], spikes.detach().numpy())
    assert np.allclose(record.u["output"], u.detach().numpy(), atol=1e-12)
    assert spikes.sum() > 0
    rule, weights = network.projections[0].rule, network.projections[0].weights
    assert rule is None if mode == "gp" else not (rule.mask * weights).any()


def test_a_mask_leaves_more_bits_to_the_synapses_that_have_a_local_weight():
    """286 of 2,000 inputs of 255: 286 x 255 x (2^14 - 1) is below 2^31, what all of them could add up to is not."""

    def network(mask):
        rule = sy.Hebbian(0.1, 0.1, mask=mask)
        projection = sy.Projection("c", "in", "out", np.full((2, 2000), 0.01), rule, 0.5)
        return sy.Network(sy.Source("in", 2000, 8), (sy.Population("out", 2, 1.0, 0.5),), (projection,), "out", 3)

    few = np.repeat(np.arange(2000)[None] % 7 == 0, 2, axis=0)
    assert sy.quantise(network(few), local_bits=15).projections[0].rule.p_top == 2**14 - 1
    with pytest.raises(ParameterError, match=r"partial sum: got a possible .*32 bits.*local_bits=15"):
        sy.quantise(network(few), local_bits=16)
    assert sy.quantise(network(few)).projections[0].rule.p_top == 2**14 - 1, "the widest that fits, if none is given"
    with pytest.raises(ParameterError, match="partial sum: got a possible"):
        sy.quantise(network(None), local_bits=15)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: Pattern(torch.tensor([0, 0]), torch.tensor([1, 1]), (2, 2)), "twice"),
        (lambda: Pattern(torch.tensor([2]), torch.tensor([0]), (2, 2)), "outside"),
        (lambda: Pattern.draw((2, 2), 1.5, torch.Generator()), "density"),
        (lambda: MaskedLinear(2, 2, plasticity_scope="shared"), "per_sample"),
        (lambda: MaskedLinear(2, 2)(torch.ones(1, 2), torch.ones(3)), "mask"),
        (lambda: layer_of(0).use(Pattern.draw((3, 3), 0.1, torch.Generator())), "shape"),
    ],
)
def test_bad_input_is_refused(act, message):
    with pytest.raises(ParameterError, match=message):
        act()
