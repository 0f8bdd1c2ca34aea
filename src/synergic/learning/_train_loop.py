# SPDX-License-Identifier: BSD-3-Clause
"""Training by back-propagation through time on one's own data, with checkpoints, and testing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from synergic._core.checks import choice, function, kind, number, require, whole
from synergic._core.files import check_folder
from synergic.learning._descent import descend, mean_loss
from synergic.learning._hybrid_net import HybridNet
from synergic.learning._own_data import Batches, Pair, seen_both, set_aside
from synergic.learning._rule_layer import RuleLinear
from synergic.learning._state import load_state, read_state, state_of, write_state
from synergic.learning._tensors import checked_device
from synergic.learning._training import LOSSES, scores

READOUTS = ("rank", "rate")
SMALL = 1 << 20
"""Local weights of a batch up to which one thread trains a rule of one's own faster than two."""


@contextmanager
def threads_for(net: HybridNet, batch: int) -> Iterator[None]:
    """Let one thread compute small layers of `RuleLinear`.

    Threads that meet in each of its hundreds of small operations wait for each other longer than they work, most of all
    where other programs run beside them.
    """
    sizes = [layer.weight.numel() for layer in net.layers if isinstance(layer, RuleLinear) and layer.plastic]
    before = torch.get_num_threads()
    if sizes and batch * max(sizes) <= SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class History(list[float]):
    """The mean loss of each epoch, and the accuracy after each.

    Attributes
    ----------
    accuracies : list of float
        Accuracy on the validation part after each epoch, 0 to 1; empty if there is none.
    """

    accuracies: list[float]

    def __init__(self) -> None:
        super().__init__()
        self.accuracies = []


class Training:
    """The state of a `train`, which a checkpoint holds: net, optimizer, schedule, order and history."""

    PARTS = ("net", "optimizer", "schedule", "order", "sampler")

    def __init__(
        self, net: HybridNet, sampler: torch.Generator | None, lr: float, lr_theta: float, epochs: int, seed: int
    ) -> None:
        groups = [{"params": net.slow(), "lr": lr}]
        if net.theta():
            groups.append({"params": net.theta(), "lr": lr_theta})
        self.net, self.history = net, History()
        self.optimizer = torch.optim.Adam(groups, fused=True)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, epochs)
        self.order = torch.Generator().manual_seed(seed)
        self.sampler = sampler

    def write(self, path: Path, settings: dict[str, Any]) -> None:
        """Write a checkpoint. Raises ParameterError."""
        parts = {name: state_of(getattr(self, name)) for name in self.PARTS}
        told = {"losses": [*self.history], "accuracies": self.history.accuracies, "seen": self.net.seen}
        write_state({"settings": settings, **parts, **told}, path)

    def read(self, path: Path, settings: dict[str, Any], epochs: int) -> None:
        """Go on from a checkpoint. Raises FormatError; ParameterError for one of other settings or of more epochs."""

        def load(state: dict[str, Any]) -> None:
            there, done = state["settings"], len(state["losses"])
            other = [f"{k} {there.get(k)!r} there, {v!r} given" for k, v in settings.items() if there.get(k) != v]
            require(not other, "train.checkpoint", f"{path} of other settings: {'; '.join(other)}",
                    "the same, or more epochs", "Choose another path, or delete it to begin again.")  # fmt: skip
            require(done <= epochs, "train.epochs", epochs, f"{done} or more", f"{path} has so many behind it.")
            for name in self.PARTS:
                load_state(getattr(self, name), state[name])
            self.history[:] = state["losses"]
            self.history.accuracies = state["accuracies"]
            self.net.seen = None if state["seen"] is None else tuple(state["seen"])

        read_state(path, load)


def train(
    net: HybridNet,
    spikes: Tensor | Dataset[Any] | DataLoader[Any],
    labels: Tensor | None = None,
    *,
    epochs: int = 30,
    batch: int = 50,
    lr: float = 2e-3,
    lr_theta: float = 1e-3,
    seed: int = 0,
    readout: str = "rank",
    validation: float | tuple[Tensor, Tensor] | Dataset[Any] | DataLoader[Any] | None = None,
    checkpoint: str | Path | None = None,
    device: str | torch.device | None = None,
    progress: bool | Callable[..., None] | None = None,
) -> History:
    """Train a net by back-propagation through time: Adam, with a cosine schedule over the epochs.

    Parameters
    ----------
    net : HybridNet
        The net, changed in place.
    spikes : torch.Tensor, Dataset or DataLoader
        Spikes, or real values, (samples, T, channels), or (samples, channels) for inputs that are the same in all
        steps. A Dataset gives pairs of such a sample, without its first axis, and its class; a DataLoader gives batches
        of them. Of these, images (channels, height, width) and frames (T, ...) become rows of their pixels.
    labels : torch.Tensor, optional
        int64, (samples,): the classes, 0 .. classes - 1. None beside a Dataset or DataLoader.
    epochs : int, default 30
        Passes over the samples.
    batch : int, default 50
        Samples of a step. A DataLoader has its own.
    lr, lr_theta : float
        Learning rates of W and b, default 2e-3, and of theta, default 1e-3.
    seed : int, default 0
        Seed of the order of the samples, and of a share for validation. A DataLoader has an order of its own.
    readout : {"rank", "rate"}
        What decides the class, and so the loss: `rank_loss` of u(T), or `rate_loss` of the spike counts.
    validation : float, tuple of torch.Tensor, Dataset or DataLoader, optional
        What the accuracy is measured on after each epoch: a share of the samples, which is then not trained on, 0 to
        0.9; or further samples, a pair of tensors or as of `spikes`.
    checkpoint : str or Path, optional
        File that is replaced as a whole after each epoch. If it is there, training goes on from it: an interrupted
        training ends with the same bits. A larger `epochs` continues one that has ended.
    device : str or torch.device, optional
        Where torch trains, "cpu" or "cuda". The net is moved there, and each batch. None: where the net is.
    progress : bool or callable, optional
        True shows a bar. A function is called after each epoch with its number and its mean loss, and with
        `validation` the accuracy too.

    Returns
    -------
    History
        A list of the mean loss of each epoch, with `accuracies` on the validation part.

    Raises
    ------
    ParameterError
        For tensors of another shape or type, for values outside their range and NaN, for a device that cannot be used,
        and for a checkpoint of other settings.
    FormatError
        For a damaged checkpoint.
    """
    for name, count in (("epochs", epochs), ("batch", batch)):
        whole(f"train.{name}", count, 1, float("inf"), "Give a whole number.")
    for name, rate in (("lr", lr), ("lr_theta", lr_theta)):
        number(f"train.{name}", rate, 0, 1e3, "It is a learning rate.")
    whole("train.seed", seed, 0, 2**63 - 1, "It seeds the order of the samples.")
    choice("train.readout", readout, READOUTS)
    if progress is not None and not isinstance(progress, bool):
        function("train.progress", progress)
    Batches("train", net, spikes, labels, batch)  # refused before anything is moved or drawn
    tests: tuple[Any, Any] | None = None
    if isinstance(validation, int | float) and not isinstance(validation, bool):
        spikes, labels, *tests_found = set_aside("train.validation", spikes, labels, validation, seed)
        tests = (tests_found[0], tests_found[1])
    elif validation is not None:
        allowed = tuple | Dataset | DataLoader
        kind("train.validation", validation, allowed, "Give a share of the samples, or further samples.")
        pair = isinstance(validation, tuple)
        fits = not pair or len(validation) == 2  # type: ignore[arg-type]
        require(fits, "train.validation", "a tuple of another length", "(spikes, labels)", "Give both.")
        tests = validation if isinstance(validation, tuple) else (validation, None)
    if tests is not None:
        Batches("train.validation", net, *tests, batch)
    if checkpoint is not None:
        check_folder(checkpoint, "train.checkpoint")
    if device is not None:
        net.to(checked_device(device))
    sampler = getattr(spikes, "generator", None)
    state = Training(net, sampler if isinstance(sampler, torch.Generator) else None, lr, lr_theta, epochs, seed)
    batches = Batches("train", net, spikes, labels, batch, state.order)
    settings = {"net": repr(net), "batch": batch, "lr": lr, "lr_theta": lr_theta, "seed": seed, "readout": readout}
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.exists():
        state.read(path, settings, epochs)
    was_training, output, history = net.training, net.layers[-1], state.history

    def loss(given: Pair) -> Tensor:
        """Return the loss of a batch."""
        out, u = net(given[0])
        return LOSSES[readout](out, u, given[1], float(output.vth))

    bar_of = tqdm(total=epochs, initial=len(history), unit="epoch", disable=progress is not True)
    with bar_of as bar, threads_for(net, batch):
        for epoch in range(len(history), epochs):
            net.train()
            steps = descend(batches, loss, state.optimizer)
            history.append(mean_loss((targets, value) for (_, targets), value in steps))
            state.schedule.step()
            if batches.seen is not None:
                net.seen = seen_both(net.seen, batches.seen)
            told = [history[-1]]
            if tests is not None:
                history.accuracies.append(evaluate(net, *tests, batch=batch, readout=readout))
                told.append(history.accuracies[-1])
            if path is not None:
                state.write(path, settings)
            bar.update()
            bar.set_postfix(loss=told[0], **({"accuracy": f"{100 * told[1]:.2f} %"} if len(told) > 1 else {}))
            if callable(progress):
                progress(epoch, *told)
    net.train(was_training)
    return history


@torch.no_grad()
def evaluate(
    net: HybridNet,
    spikes: Tensor | Dataset[Any] | DataLoader[Any],
    labels: Tensor | None = None,
    *,
    batch: int = 500,
    readout: str = "rank",
) -> float:
    """Return the share of samples that are given their class, by the net in eval mode.

    Parameters
    ----------
    net : HybridNet
        The net.
    spikes, labels
        As of `train`.
    batch : int, default 500
        Samples at a time. It changes the result for plasticity_scope "shared" only. A DataLoader has its own.
    readout : {"rank", "rate"}
        What decides the class: the highest u(T), or the largest spike count.

    Returns
    -------
    float
        The accuracy, 0 to 1.

    Raises
    ------
    ParameterError
        For tensors of another shape or type, for values outside their range, and NaN.
    """
    whole("evaluate.batch", batch, 1, float("inf"), "Give a whole number.")
    choice("evaluate.readout", readout, READOUTS)
    batches = Batches("evaluate", net, spikes, labels, batch)
    was_training, right, count = net.training, 0, 0
    net.eval()
    try:
        with threads_for(net, batch):
            for samples, targets in batches:
                out, u = net(samples)
                right += int((scores(out, u, readout).argmax(1) == targets).sum())
                count += len(targets)
    finally:
        net.train(was_training)
    return right / count
