# SPDX-License-Identifier: BSD-3-Clause
"""Meta-learning of theta on two time scales: the gradient of a validation loss through one step of w (Wu et al. 2022).

    w' = w - xi grad_w C_train(w, theta)
    grad_theta C_val(w', theta) = dC_val/dtheta (w', theta) - xi v d2C_train/(dw dtheta) (w, theta)
    v = dC_val/dw (w', theta)

Loss functions take two dictionaries of tensors, w and theta, by name; `torch.func.functional_call` makes one of
any module. Update w several times, then theta once by `meta_gradient`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from synergic._core import checks
from synergic.learning._tensors import check_input

Tensors = dict[str, Tensor]
Loss = Callable[[Tensors, Tensors], Tensor]
SecondOrder = Literal["exact", "difference", "none"]
REACH = 0.01
"""Of the finite difference: how far w is moved, in the norm over all its tensors."""


def gradients(loss: Loss, w: Tensors, theta: Tensors) -> tuple[Tensors, Tensors]:
    """Return dC/dw and dC/dtheta, zero where C does not depend on a tensor."""
    w, theta = ({name: value.detach().requires_grad_() for name, value in part.items()} for part in (w, theta))
    with torch.enable_grad():
        found = torch.autograd.grad(
            loss(w, theta), [*w.values(), *theta.values()], allow_unused=True, materialize_grads=True
        )
    return dict(zip(w, found[: len(w)], strict=True)), dict(zip(theta, found[len(w) :], strict=True))


def moved(w: Tensors, direction: Tensors, by: float) -> Tensors:
    """Return w + by * direction."""
    return {name: value + by * direction[name] for name, value in w.items()}


def meta_gradient(
    training: Loss, validation: Loss, w: Tensors, theta: Tensors, xi: float, second_order: SecondOrder = "exact"
) -> Tensors:
    """Return the gradient of theta through one step of w.

    Parameters
    ----------
    training, validation : callable
        C_train(w, theta) and C_val(w, theta): each takes two dicts of tensors by name and returns a loss.
    w, theta : dict of torch.Tensor
        The parameters by name.
    xi : float
        Learning rate of the step of w, at least 0.
    second_order : {"exact", "difference", "none"}
        "exact" differentiates the step. It needs loss functions that `torch.func` can differentiate twice, hence not
        the compiled kernels. "difference" is the authors' way and takes any loss function: w is moved by
        ``+-0.01 v / |v|``, and the central difference of dC_train/dtheta is taken. "none" leaves the term out.

    Returns
    -------
    dict of torch.Tensor
        The gradient of each tensor of theta, by name.

    Raises
    ------
    ParameterError
        For arguments of another type, and for xi or second_order outside their range.

    Notes
    -----
    ::

        w' = w - xi dC_train/dw (w, theta)
        gradient = dC_val/dtheta (w', theta) - xi v d2C_train/(dw dtheta) (w, theta),    v = dC_val/dw (w', theta)
    """
    for name, loss in (("training", training), ("validation", validation)):
        checks.function(f"meta_gradient.{name}", loss)
    for name, part in (("w", w), ("theta", theta)):
        checks.kind(f"meta_gradient.{name}", part, dict, "Give tensors by name.")
        for key, value in part.items():
            check_input(f"meta_gradient.{name}[{key!r}]", value)
    checks.number("meta_gradient: xi", xi, 0, 1e6, "Give the learning rate of w.")
    checks.choice("meta_gradient: second_order", second_order, ("exact", "difference", "none"))
    if second_order == "exact":

        def after_a_step(theta: Tensors) -> Tensor:
            """Return C_val after a step of w."""
            return validation(moved(w, torch.func.grad(training)(w, theta), -xi), theta)

        exact: Tensors = torch.func.grad(after_a_step)(theta)
        return exact
    ahead = moved(w, gradients(training, w, theta)[0], -xi)
    v, first = gradients(validation, ahead, theta)
    size = float(torch.stack([x.double().square().sum() for x in v.values()]).sum().sqrt())
    if second_order == "none" or size == 0:
        return first
    plus, minus = (gradients(training, moved(w, v, by), theta)[1] for by in (REACH / size, -REACH / size))
    return {name: first[name] - xi * (plus[name] - minus[name]) * (size / (2 * REACH)) for name in first}
