# SPDX-License-Identifier: BSD-3-Clause
"""The scan as a GPU runs it (learning.graphs) against the kernels of the CPU, values and gradients, in float64."""

import pytest
import torch

from synergic.learning._scan import GRAPHS, KERNELS, Fused, Neuron

BATCH, STEPS, N = 5, 7, 11
PARTS = ("slow", "bias", "stored", "overlap", "alpha", "beta")


def inputs(slow_steps, local, stored_steps=None, overlap=True):
    """slow, k, bias, and the local term's five or Nones."""
    generator = torch.Generator().manual_seed(4)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    k = torch.exp(-torch.arange(1, STEPS + 1, dtype=torch.float64) / 9)
    rest = (None,) * 5
    if local:
        stored = None if stored_steps is None else draw(BATCH, stored_steps, N)
        over = draw(BATCH, STEPS, STEPS).detach().tril(-1).requires_grad_() if overlap else None
        rest = (stored, 0.9 ** torch.arange(STEPS, dtype=torch.float64), over, draw(N), draw(N))
    return (draw(BATCH, slow_steps, N), k, draw(N), *rest)


def gradients(form, given, neuron, both):
    """Outputs, and the gradients of a sum that weighs every entry of them differently."""
    fresh = [x.detach().clone().requires_grad_(x.requires_grad) if x is not None else None for x in given]
    spikes, u = Fused.apply(*fresh, neuron, form)
    weights = torch.linspace(-1, 1, u.numel(), dtype=u.dtype, device=u.device).view(u.shape)
    loss = (weights * u).sum()
    if both:
        loss = loss + (weights.flip(0) * spikes).sum()
    loss.backward()
    return spikes, u, [x.grad for x in fresh if x is not None and x.requires_grad]


NEURONS = [Neuron(0.6, 0.4, "subtract", "tanh"), Neuron(0.8, 0.7, "zero", "identity")]
INPUTS = [
    (STEPS, False, None, True),
    (1, False, None, True),
    (STEPS, True, None, True),
    (1, True, 1, True),
    (STEPS, True, STEPS, True),
    (STEPS, True, STEPS, False),
]


@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("shape", INPUTS)
@pytest.mark.parametrize("both", [True, False])
def test_equal_to_the_kernels(neuron, shape, both):
    given = inputs(*shape)
    want, have = (gradients(form, given, neuron, both) for form in (KERNELS, GRAPHS))
    assert 0 < float(want[0].sum()) < want[0].numel()
    torch.testing.assert_close(have[0], want[0])
    torch.testing.assert_close(have[1], want[1], rtol=1e-10, atol=1e-12)
    for a, b in zip(have[2], want[2], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_gradients_of_gradients_take_the_plain_form():
    slow, k, bias, *rest = inputs(STEPS, True)
    second = []
    for form in (KERNELS, GRAPHS):
        a = slow.detach().requires_grad_()
        (g,) = torch.autograd.grad(
            Fused.apply(a, k, bias, *rest, NEURONS[0], form)[1].square().sum(), a, create_graph=True
        )
        second.append(torch.autograd.grad(g.square().sum(), a)[0])
    torch.testing.assert_close(second[1], second[0], rtol=1e-10, atol=1e-12)
