# SPDX-License-Identifier: BSD-3-Clause
"""The gradient of theta through a step of w: against a case by hand, and its ways of computing against each other."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from synergic.data import Images
from synergic.errors import ParameterError
from synergic.experiments import Classification
from synergic.learning._meta import meta_gradient
from synergic.learning.tasks._classification import ClassificationTask

XI = 0.25


def by_hand(second_order):
    """C_train = (w - theta)^2 / 2 and C_val = (w - 3)^2 / 2 + theta^2, at w = 1, theta = 2."""
    return meta_gradient(
        lambda w, theta: ((w["w"] - theta["t"]) ** 2 / 2).sum(),
        lambda w, theta: ((w["w"] - 3) ** 2 / 2 + theta["t"] ** 2).sum(),
        {"w": torch.tensor([1.0], dtype=torch.float64)}, {"t": torch.tensor([2.0], dtype=torch.float64)},
        XI, second_order,
    )["t"].item()  # fmt: skip


@pytest.mark.parametrize("second_order", ["exact", "difference"])
def test_quadratic_by_hand(second_order):
    # w' = 1 - .25 (1 - 2) = 1.25, dw'/dtheta = .25: 2 theta + (w' - 3) .25
    assert by_hand(second_order) == pytest.approx(4 - 1.75 * 0.25)


def test_first_order_by_hand():
    assert by_hand("none") == pytest.approx(4)


def test_exact_and_difference_agree_on_a_module():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    w = {name: p.detach() for name, p in module.named_parameters()}
    theta = {"gain": torch.rand(6, dtype=torch.float64), "shift": torch.rand(3, dtype=torch.float64)}
    x, y = torch.randn(2, 20, 6, dtype=torch.float64), torch.randint(3, (2, 20))

    def loss(part):
        def value(w, theta):
            said = torch.func.functional_call(module, w, (x[part] * theta["gain"],))
            return nn.functional.cross_entropy(said + theta["shift"], y[part])

        return value

    exact, difference, first = (
        meta_gradient(loss(0), loss(1), w, theta, 0.5, way) for way in ("exact", "difference", "none")
    )
    for name in theta:
        assert torch.allclose(exact[name], difference[name], rtol=1e-3, atol=1e-6)
        assert not torch.allclose(exact[name], first[name], rtol=1e-2)


def test_no_second_order_where_validation_does_not_depend_on_w():
    w, theta = {"w": torch.ones(2)}, {"t": torch.ones(2)}
    found = meta_gradient(
        lambda w, theta: (w["w"] * theta["t"]).sum(), lambda w, theta: theta["t"].sum(), w, theta, 0.1, "difference"
    )
    assert torch.equal(found["t"], torch.ones(2))


@pytest.mark.parametrize(("xi", "way", "match"), [(-1, "exact", "xi"), (0.1, "third", "second_order")])
def test_bad_input_is_refused(xi, way, match):
    with pytest.raises(ParameterError, match=match):
        meta_gradient(lambda w, t: w["w"].sum(), lambda w, t: t["t"].sum(), {"w": torch.ones(1)}, {"t": torch.ones(1)},
                      xi, way)  # fmt: skip


def test_a_task_alternates_between_slow_weights_and_theta():
    rng = np.random.default_rng(0)
    images, labels = rng.random((120, 28, 28), dtype=np.float32), rng.integers(0, 10, 120)
    data = Images(images, labels, images, labels)
    config = Classification(hidden=12, epochs=1, batch=20, steps=3, theta_every=2, lr_theta=1e-2, alpha_start=0.5)

    def trained(batches, **changes):
        """The slow weights and theta after so many batches of one order."""
        task = ClassificationTask(replace(config, **changes), data=data)
        task.samples, task.labels = task.samples[: 20 * batches], task.labels[: 20 * batches]
        task.epoch()
        return [[p.detach().clone() for p in part] for part in (task.net.slow(), task.net.theta())]

    def same(a, b):
        return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))

    start = ClassificationTask(config, data=data).net
    w, theta = trained(2)
    assert same(theta, start.theta())
    assert not same(w, start.slow())
    for second_order in ("difference", "none"):
        assert not same(trained(3, second_order=second_order)[1], start.theta())
    # Without its rate the step that theta takes by itself leaves everything as it was: W does not move in it.
    still = ClassificationTask(replace(config, lr_theta=0.0), data=data)
    before = [p.detach().clone() for p in still.net.slow()]
    still.learn_theta(torch.arange(20), torch.arange(20, 40))
    assert same(before, still.net.slow())
    assert same(still.net.theta(), start.theta())


@pytest.mark.parametrize(
    "changes", [{"theta_every": -1}, {"theta_every": 2, "mode": "gp"}, {"theta_every": 2, "plasticity_scope": "shared"}]
)
def test_an_alternation_that_cannot_be_is_refused_before_training(changes):
    images, labels = np.zeros((20, 28, 28), np.float32), np.zeros(20, int)
    with pytest.raises(ParameterError, match=r"config\.theta_every"):
        ClassificationTask(Classification(hidden=4, **changes), data=Images(images, labels, images, labels))
