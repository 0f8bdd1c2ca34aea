# SPDX-License-Identifier: BSD-3-Clause
"""The local rule that keeps a neuron's slow weights at a sum of zero, alone and in training."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synergic.data import Images
from synergic.experiments import Classification
from synergic.learning.tasks._classification import ClassificationTask
from synergic.numerics.floating import balanced

CONFIG = Classification(hidden=6, epochs=1, batch=20, steps=3, balanced=True)
WEIGHTS = arrays(float, (3, 5), elements=st.floats(-10, 10))


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    images, labels = generator.integers(0, 256, (100, 4, 4), dtype=np.uint8), generator.integers(0, 10, 100)
    return Images(images, labels, images, labels)


def test_by_hand():
    assert balanced(np.array([[1.0, 2, 3], [0, 0, 6]])).tolist() == [[-1, 0, 1], [-2, -2, 4]]


@given(WEIGHTS, st.floats(-5, 5))
def test_what_all_inputs_share_is_not_received(weights, shared):
    once = balanced(weights)
    s = np.linspace(0, 1, 5)
    np.testing.assert_allclose(once @ (s + shared), once @ s, atol=1e-9)
    np.testing.assert_allclose(balanced(once), once, atol=1e-12)
    # The differences between a neuron's weights, which say what it is sensitive to, stay.
    np.testing.assert_allclose(np.diff(once), np.diff(weights), atol=1e-9)


@pytest.mark.parametrize("mode", ["gp", "lp", "hp"])
def test_hidden_neurons_stay_balanced_through_training(mode, data):
    task = ClassificationTask(replace(CONFIG, mode=mode), data=data)
    start = [layer.weight.detach().clone() for layer in task.net.layers]
    free = ClassificationTask(replace(CONFIG, mode=mode, balanced=False), data=data).net.layers
    np.testing.assert_allclose(start[0].numpy(), balanced(free[0].weight.detach().numpy()), atol=1e-7)
    assert torch.equal(start[1], free[1].weight), "the read-out is left alone"
    task.epoch()
    hidden, readout = task.net.layers
    assert hidden.weight.sum(1).abs().max() < 1e-5
    assert (hidden.weight - start[0]).abs().max() > 1e-4 or mode == "lp"
    assert readout.weight.sum(1).abs().max() > 1e-3
