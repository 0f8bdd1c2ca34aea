# SPDX-License-Identifier: BSD-3-Clause
"""The continual family on a made-up set: what is learned, what is left alone, and that a run resumes exactly."""

import io
import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

import synergic as sy
from synergic.data import Images
from synergic.experiments import Continual
from synergic.learning.tasks._continual import ContinualTask

CONFIG = Continual(tasks=3, hidden=64, density=0.3, lr=5e-3, batch=20, epochs_a_task=3, theta_tasks=2, seed=1)


def made_up():
    """Ten classes, each with bright pixels of its own."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 500)
    images = (rng.random((500, 8, 8)) < 0.05).astype(np.float32)
    patterns = rng.random((10, 8, 8)) < 0.3
    images = np.maximum(images, patterns[labels]).astype(np.float32)
    return Images(images[:400], labels[:400], images[400:], labels[400:])


def finished(mode):
    task = ContinualTask(replace(CONFIG, mode=mode), data=made_up())
    for _ in range(CONFIG.epochs):
        task.epoch()
    return task


@pytest.fixture(scope="module", params=["hp", *(pytest.param(mode, marks=pytest.mark.slow) for mode in ("gp", "ewc"))])
def trained(request):
    return finished(request.param)


def test_tasks_are_learned(trained):
    figures = trained.figures()
    assert [len(row) for row in figures["matrix"]] == [1, 2, 3]
    assert min(row[-1] for row in figures["matrix"]) > 0.4  # chance is .1
    assert 0 <= figures["forgetting"] < 0.6


def test_resumed_equals_undisturbed(trained):
    task = ContinualTask(trained.config, data=made_up())
    task.epoch()
    file = io.BytesIO()
    torch.save(task.state(), file)
    file.seek(0)
    again = ContinualTask(trained.config, data=made_up())
    again.load(torch.load(file, weights_only=True))
    again.epoch(), again.epoch()
    assert again.figures() == trained.figures()


def test_the_description_of_a_task_classifies_as_the_trained_net(trained):
    for task in (0, 2):
        images = trained.permuted(trained.test, task)
        inputs = np.repeat(images.numpy()[:, None], CONFIG.steps, 1)
        network = trained.description(task)
        found = float((sy.simulate(network, inputs).classes(network) == trained.test_labels.numpy()).mean())
        assert found == pytest.approx(trained.accuracy(task, trained.test, trained.test_labels), abs=0.011)


def test_a_task_changes_only_the_weights_of_its_mask():
    task = ContinualTask(replace(CONFIG, mode="gp"), data=made_up())
    before = [layer.weight.clone() for layer in task.net.layers]
    task.epoch()
    for was, layer, pattern in zip(before, task.net.layers, task.masks[0], strict=True):
        rest = torch.ones_like(was, dtype=torch.bool)
        rest[pattern.rows, pattern.cols] = False
        assert torch.equal(was[rest], layer.weight[rest])
        assert not torch.equal(was, layer.weight)


def test_theta_is_trained_after_the_first_tasks_only():
    task = ContinualTask(CONFIG, data=made_up())
    theta = [task.net.layers[0].eta.detach().clone()]
    for _ in range(3):
        task.epoch()
        theta.append(task.net.layers[0].eta.detach().clone())
    assert [torch.equal(a, b) for a, b in itertools.pairwise(theta)] == [False, False, True]


@pytest.mark.slow
def test_a_strong_penalty_keeps_the_first_task():
    accuracy = {}
    for strength in (0.0, 1e8):
        task = ContinualTask(replace(CONFIG, mode="ewc", ewc=strength), data=made_up())
        for _ in range(3):
            task.epoch()
        accuracy[strength] = task.matrix[-1][0]
    assert accuracy[1e8] > accuracy[0.0] + 0.05


def test_the_penalty_is_the_sum_over_tasks():
    """F_1 (w - w_1)^2 + F_2 (w - w_2)^2 but for a constant: gradients agree."""
    task = ContinualTask(replace(CONFIG, mode="ewc", ewc=2.0), data=made_up())
    weight = task.net.layers[0].weight
    f, w = [torch.rand_like(weight) for _ in range(2)], [torch.rand_like(weight) for _ in range(2)]
    task.importance[0], task.pull[0] = f[0] + f[1], f[0] * w[0] + f[1] * w[1]
    (found,) = torch.autograd.grad(task.penalty(), weight)
    assert torch.allclose(found, 2.0 * sum(a * (weight.detach() - b) for a, b in zip(f, w, strict=True)), atol=1e-5)
