# SPDX-License-Identifier: BSD-3-Clause
"""The compiled form with P written out against torch operations, and against a case done by hand. That both are what
the paper says, test_scan.py tests through the layer."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synergic.learning._exact import Trace, by_torch, exact
from synergic.learning._scan import Neuron

STEPS, N_IN, N_OUT, BATCH = 6, 7, 5, 4


def draw(seed, steps, kind=torch.float64):
    """Arguments of `exact`: neurons of all samples but one, some of which nobody asks for; some inputs are silent."""
    g = torch.Generator().manual_seed(seed)

    def uniform(low, high, *shape):
        return (low + (high - low) * torch.rand(shape, generator=g, dtype=torch.float64)).to(kind)

    s = uniform(-0.3, 1.2, BATCH, steps, N_IN) * (torch.rand(BATCH, steps, N_IN, generator=g) < 0.7)
    sample = torch.tensor([0, 0, 0, 1, 3, 3, 3, 3])
    index = torch.tensor([0, 2, 4, 1, 0, 1, 3, 4])
    tensors = [
        s, uniform(-0.5, 1, len(index), STEPS), uniform(-0.3, 0.3, N_OUT, N_IN), uniform(-0.5, 0.5, N_OUT),
        uniform(-0.2, 0.4, N_IN), uniform(-0.3, 0.3, N_OUT),
    ]  # fmt: skip
    return tensors, sample, index


def course(form, tensors, sample, index, trace):
    """Spikes, potentials and the gradients of s, current, alpha, eta and beta."""
    wanted = [x.clone().requires_grad_(i != 2) for i, x in enumerate(tensors)]
    spikes, u = form(*wanted, sample, index, trace)
    weight = torch.linspace(-1, 1, u.numel(), dtype=u.dtype).view_as(u)
    grads = torch.autograd.grad(((spikes + u.square()) * weight).sum(), [x for x in wanted if x.requires_grad])
    return [spikes.detach(), u.detach(), *grads]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1000), st.sampled_from([1, STEPS]), st.sampled_from(["tanh", "identity"]),
    st.sampled_from(["subtract", "zero"]), st.sampled_from([1, -1]), st.sampled_from([0.0, 0.9, 1.0]),
    st.sampled_from([0.05, 0.4, 50.0]),
)  # fmt: skip
def test_loops_equal_torch_operations_in_values_and_gradients(seed, steps, rho, reset, sign, lambda_, p_max):
    trace = Trace(Neuron(0.35, 0.6, reset, rho), lambda_, sign, p_max)
    given = draw(seed, steps)
    for a, b in zip(course(exact, *given, trace), course(by_torch, *given, trace), strict=True):
        assert torch.allclose(a, b, rtol=1e-10, atol=1e-12)


def test_single_precision_is_that_close():
    trace = Trace(Neuron(0.35, 0.6, "subtract", "tanh"), 0.95, 1, 0.1)
    tensors, *rows = draw(3, STEPS)
    fine, coarse = (course(exact, [x.to(k) for x in tensors], *rows, trace) for k in (torch.float64, torch.float32))
    assert fine[0].sum() > 0
    for a, b in zip(fine, coarse, strict=True):
        assert b.dtype == torch.float32
        assert torch.allclose(a, b.double(), rtol=2e-5, atol=2e-6)


def test_two_steps_by_hand():
    # Nothing fires. I = 0, u = 0; P = clip(1 (0 + 2) .5 = 1, .6) = .6; then u = 1 + .5 (.6 2 + 0 3) = 1.6.
    trace = Trace(Neuron(10.0, 0.0, "subtract", "identity"), 1.0, 1, 0.6)
    s = torch.tensor([[[1.0, 0.0], [2.0, 3.0]]], requires_grad=True)
    current, eta = torch.tensor([[0.0, 1.0]], requires_grad=True), torch.tensor([0.5, 0.1], requires_grad=True)
    alpha, beta = (torch.tensor([x], requires_grad=True) for x in (0.5, 2.0))
    row = torch.tensor([0])
    spikes, u = exact(s, current, torch.zeros(1, 2), alpha, eta, beta, row, row, trace)
    assert spikes.sum() == 0
    assert torch.allclose(u, torch.tensor([[0.0, 1.6]]))
    u[0, 1].backward()
    # What is clipped passes nothing on. The other weight stayed 0, but had its input been heard at first, it would be
    # 2 x .1 of it, which counts for 3 x .5.
    assert eta.grad.tolist() == [0, 0]
    assert beta.grad.tolist() == [0]
    assert torch.allclose(alpha.grad, torch.tensor([1.2]))
    assert torch.allclose(s.grad, torch.tensor([[[0.0, 0.3], [0.3, 0.0]]]))
    assert current.grad.tolist() == [[0, 1]]


def test_threads_change_no_bit():
    trace, given, before = (
        Trace(Neuron(0.35, 0.6, "zero", "tanh"), 0.9, -1, 0.1),
        draw(4, STEPS),
        torch.get_num_threads(),
    )
    found = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found.append(course(exact, *given, trace))
    torch.set_num_threads(before)
    for a, b in zip(*found, strict=True):
        assert torch.equal(a, b)


def test_gradients_of_gradients_are_those_of_torch():
    trace = Trace(Neuron(0.35, 0.6, "subtract", "tanh"), 0.9, 1, 0.1)
    tensors, sample, index = draw(5, STEPS)
    found = []
    for form in (exact, by_torch):
        alpha = tensors[3].clone().requires_grad_()
        eta = tensors[4].clone().requires_grad_()
        _, u = form(*tensors[:3], alpha, eta, tensors[5], sample, index, trace)
        (first,) = torch.autograd.grad(u.square().sum(), eta, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), (alpha, eta)))
    for a, b in zip(*found, strict=True):
        assert b.abs().max() > 0
        assert torch.allclose(a, b, rtol=1e-10)


def test_the_gradient_of_what_is_stored_is_not_dropped():
    trace = Trace(Neuron(0.35, 0.6, "subtract", "tanh"), 0.9, 1, 0.5)
    tensors, sample, index = draw(6, STEPS)
    tensors[2].requires_grad_()
    _, u = exact(*tensors, sample, index, trace)
    (g,) = torch.autograd.grad(u.sum(), tensors[2])
    assert g.abs().max() > 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_a_number_stays_seen(value):
    trace = Trace(Neuron(0.35, 0.6, "subtract", "identity"), 0.9, 1, 0.5)
    tensors, sample, index = draw(7, STEPS)
    tensors[1][3, 1] = value
    _, u = exact(*tensors, sample, index, trace)
    same = by_torch(*tensors, sample, index, trace)[1]
    assert torch.equal(u.isfinite(), same.isfinite())
    assert not u[3].isfinite().all()
    assert u[[0, 1, 2, 4, 5, 6, 7]].isfinite().all()
