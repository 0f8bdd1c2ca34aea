# SPDX-License-Identifier: BSD-3-Clause
"""Training by back-propagation through time; loss functions and read-outs of rank and rate coding."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from synergic._core.checks import choice, function, kind, number, require, whole
from synergic.learning._descent import descend, mean_loss, shuffled
from synergic.learning._hybrid_net import HybridNet
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


def samples(where: str, net: HybridNet, spikes: Tensor, labels: Tensor) -> None:
    """Refuse what a net cannot be trained or tested with. Raises ParameterError."""
    kind(f"{where}.net", net, HybridNet, "Make one with HybridNet(sizes).")
    kind(f"{where}.spikes", spikes, Tensor, "Make one with torch.as_tensor(...).")
    tensor(f"{where}.spikes", spikes, "(samples, channels)" if spikes.ndim == 2 else "(samples, T, channels)", True)
    class_labels(f"{where}.labels", labels, len(spikes), net.sizes[-1])


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


def train(
    net: HybridNet,
    spikes: Tensor,
    labels: Tensor,
    *,
    epochs: int = 30,
    batch: int = 50,
    lr: float = 2e-3,
    lr_theta: float = 1e-3,
    seed: int = 0,
    progress: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Train a net by back-propagation through time: Adam with a cosine schedule, and `rank_loss`.

    Parameters
    ----------
    net : HybridNet
        The net, changed in place.
    spikes : torch.Tensor
        (samples, T, channels), or (samples, channels) for inputs that are the same in all steps.
    labels : torch.Tensor
        int64, (samples,): the classes, 0 .. classes - 1.
    epochs : int, default 30
        Passes over the samples.
    batch : int, default 50
        Samples of a step.
    lr, lr_theta : float
        Learning rates of W and b, default 2e-3, and of theta, default 1e-3.
    seed : int, default 0
        Seed of the order of the samples.
    progress : callable, optional
        Called after each epoch with its number and its mean loss.

    Returns
    -------
    list of float
        The mean loss of each epoch.

    Raises
    ------
    ParameterError
        For tensors of another shape or type, and for values outside their range.
    """
    samples("train", net, spikes, labels)
    for name, count in (("epochs", epochs), ("batch", batch)):
        whole(f"train.{name}", count, 1, float("inf"), "Give a whole number.")
    for name, rate in (("lr", lr), ("lr_theta", lr_theta)):
        number(f"train.{name}", rate, 0, 1e3, "It is a learning rate.")
    whole("train.seed", seed, 0, 2**63 - 1, "It seeds the order of the samples.")
    if progress is not None:
        function("train.progress", progress)
    groups = [{"params": net.slow(), "lr": lr}]
    if net.theta():
        groups.append({"params": net.theta(), "lr": lr_theta})
    optimizer = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    generator = torch.Generator().manual_seed(seed)
    output = net.layers[-1]

    def loss(chosen: Tensor) -> Tensor:
        """Return the loss of the samples with these indices."""
        return rank_loss(net(spikes[chosen])[1], labels[chosen], float(output.vth))

    history = []
    for epoch in range(epochs):
        history.append(mean_loss(descend(shuffled(len(spikes), batch, generator), loss, optimizer)))
        schedule.step()
        if progress:
            progress(epoch, history[-1])
    return history


@torch.no_grad()
def evaluate(net: HybridNet, spikes: Tensor, labels: Tensor) -> float:
    """Return the share of samples whose class has the highest u(T).

    Parameters
    ----------
    net : HybridNet
        The net.
    spikes : torch.Tensor
        (samples, T, channels), or (samples, channels) for inputs that are the same in all steps.
    labels : torch.Tensor
        int64, (samples,): the classes, 0 .. classes - 1.

    Returns
    -------
    float
        The accuracy, 0 to 1.

    Raises
    ------
    ParameterError
        For tensors of another shape or type, and for values outside their range.
    """
    samples("evaluate", net, spikes, labels)
    _, u = net(spikes)
    return float((u[:, -1].argmax(1) == labels).double().mean())
