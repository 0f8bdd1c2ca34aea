# SPDX-License-Identifier: BSD-3-Clause
"""Loss functions and read-outs of rank and rate coding."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from synergic._core.checks import choice, number, require
from synergic.learning._tensors import class_labels, tensor

TARGET_CLIP = 1.1
"""Bound of u(T) / v_th in `rank_loss`."""


def rank_loss(u: Tensor, labels: Tensor, vth: float) -> Tensor:
    """Return the mean squared error of u(T) / v_th against one-hot targets.

    Parameters
    ----------
    u : torch.Tensor
        Potentials of the output neurons before reset, (batch, T, classes).
    labels : torch.Tensor
        int64, (batch,): the classes, 0 .. classes - 1.
    vth : float
        Threshold of the output neurons, above 0.

    Returns
    -------
    torch.Tensor
        The loss, no axes. u(T) / v_th is clipped at TARGET_CLIP, 1.1, so that a class may be more certain than its
        target.

    Raises
    ------
    ParameterError
        For tensors of another shape or type, and for values outside their range.
    """
    u = tensor("rank_loss.u", u, "(batch, T, classes)")
    labels = class_labels("rank_loss.labels", labels, len(u), u.shape[-1])
    number("rank_loss.vth", vth, 0, 1e6, "It is the output neurons' threshold.", open_low=True)
    target = functional.one_hot(labels, u.shape[-1]).to(u.dtype)
    return functional.mse_loss((u[:, -1] / vth).clamp(max=TARGET_CLIP), target)


def rate_loss(spikes: Tensor, labels: Tensor) -> Tensor:
    """Return the mean squared error of the mean spike count, sum_m s(m) / T, against one-hot targets.

    Parameters
    ----------
    spikes : torch.Tensor
        Spikes of the output neurons, (batch, T, classes).
    labels : torch.Tensor
        int64, (batch,): the classes, 0 .. classes - 1.

    Returns
    -------
    torch.Tensor
        The loss, no axes.

    Raises
    ------
    ParameterError
        For tensors of another shape or type, and for values outside their range.
    """
    spikes = tensor("rate_loss.spikes", spikes, "(batch, T, classes)")
    labels = class_labels("rate_loss.labels", labels, len(spikes), spikes.shape[-1])
    return functional.mse_loss(spikes.mean(1), functional.one_hot(labels, spikes.shape[-1]).to(spikes.dtype))


LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor, float], Tensor]] = {
    "rank": lambda spikes, u, labels, vth: rank_loss(u, labels, vth),
    "rate": lambda spikes, u, labels, vth: rate_loss(spikes, labels),
}
"""By read-out: the loss of spikes and potentials (batch, T, classes), labels and v_th."""


def outputs(where: str, spikes: Tensor, u: Tensor) -> None:
    """Refuse what are not the spikes and potentials of one run. Raises ParameterError."""
    for name, value in (("spikes", spikes), ("u", u)):
        tensor(f"{where}.{name}", value, "(batch, T, classes)")
    got, want = f"shape {tuple(spikes.shape)}", f"that of u, {tuple(u.shape)}"
    require(spikes.shape == u.shape, f"{where}.spikes", got, want, "Give those of one run.")


def scores(spikes: Tensor, u: Tensor, readout: str) -> Tensor:
    """Return what decides the class: the class of a sample is that of its highest score.

    Parameters
    ----------
    spikes : torch.Tensor
        Spikes of the output neurons, (batch, T, classes).
    u : torch.Tensor
        Potentials of the output neurons before reset, (batch, T, classes).
    readout : {"rank", "rate"}
        "rank" takes u(T). "rate" takes the spike counts, and u(T) decides between equal counts.

    Returns
    -------
    torch.Tensor
        (batch, classes).

    Raises
    ------
    ParameterError
        For tensors of another shape or type, and for values outside their range.
    """
    choice("scores.readout", readout, ("rank", "rate"))
    outputs("scores", spikes, u)
    if readout == "rank":
        return u[:, -1]
    last = u[:, -1] - u[:, -1].amin(1, keepdim=True)
    return spikes.sum(1) + last / (2 * (last.amax(1, keepdim=True) + 1))


def early_exit(spikes: Tensor, u: Tensor, labels: Tensor, vth: float) -> dict[str, float]:
    """Read rank coding at the first step at which an output passes v_th, for each sample by itself.

    Parameters
    ----------
    spikes : torch.Tensor
        Spikes of the output neurons, (batch, T, classes).
    u : torch.Tensor
        Potentials of the output neurons before reset, (batch, T, classes).
    labels : torch.Tensor
        int64, (batch,): the classes, 0 .. classes - 1.
    vth : float
        Threshold of the output neurons, above 0.

    Returns
    -------
    dict
        "accuracy" of the highest u at that step, or at the last step if no output passes, 0 to 1; and the mean number
        of "steps".

    Raises
    ------
    ParameterError
        For tensors of another shape or type, and for values outside their range.
    """
    outputs("early_exit", spikes, u)
    labels = class_labels("early_exit.labels", labels, len(u), u.shape[-1])
    number("early_exit.vth", vth, 0, 1e6, "It is the output neurons' threshold.", open_low=True)
    fired = (u > vth).any(2)
    steps = u.shape[1]
    step = torch.where(fired.any(1), fired.int().argmax(1), steps - 1)
    classes = u[torch.arange(len(u)), step].argmax(1)
    return {"accuracy": float((classes == labels).double().mean()), "steps": float((step + 1).double().mean())}
