# SPDX-License-Identifier: BSD-3-Clause
"""Many tasks one after the other, and what is left of the first ones (Wu et al. 2022, continual learning).

Tasks are permutations of the pixels of MNIST. With masks ("gp", "hp") a task trains the sparse part of the slow weights
that is its own; where masks overlap, later tasks overwrite. theta is shared by all tasks, and trained between them.
Elastic weight consolidation (Kirkpatrick et al., PNAS 114:3521, 2017) trains all weights and holds those back that
mattered before, by the diagonal of the Fisher information, F:

    loss + strength / 2 sum_tasks sum_i F_i (w_i - w_i*)^2
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from synergic._core.checks import kinds, require
from synergic.data._images import Images, check_finite, load_images
from synergic.experiments import Continual
from synergic.learning._descent import descend, mean_loss, shuffled
from synergic.learning._export import to_description
from synergic.learning._hybrid_net import HybridNet
from synergic.learning._masked import MaskedNet, Pattern
from synergic.learning._tensors import as_rows, in_every_step
from synergic.learning._training import rank_loss
from synergic.learning.tasks._trained_task import TrainedTask
from synergic.network._description import Network


def drawn(*key: int) -> torch.Generator:
    """Return a generator of its own for each purpose, so that resuming needs no state."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))


class ContinualTask(TrainedTask):
    """Many tasks one after the other: permutations of the pixels of MNIST. A unit of work is one task.

    Parameters
    ----------
    config : Continual
        The settings.
    folder : pathlib.Path, optional
        Folder of the data set. Default: $SYNERGIC_DATA, then the cache, which a download fills.
    data : Images, optional
        Images to use instead of MNIST.

    Attributes
    ----------
    net : HybridNet
        The network of all tasks: a `MaskedNet`, or a `HybridNet` in mode "ewc".
    matrix : list of list of float
        Row t: the accuracy of the tasks 0 .. t after task t was learned.
    evaluated_on : str
        Which samples the figures are measured on.

    Raises
    ------
    ParameterError
        For settings that do not fit the data.
    DataError
        If the data set is nowhere to be had.

    References
    ----------
    Kirkpatrick et al., PNAS 114:3521, 2017 (elastic weight consolidation).
    """

    PARTS: ClassVar[tuple[str, ...]] = ("net", "theta", "importance", "pull", "matrix", "history")
    net: HybridNet
    config: Continual
    images: Tensor
    labels: Tensor
    test: Tensor
    test_labels: Tensor
    evaluated_on: str
    theta: torch.optim.Adam | None
    importance: list[Tensor]
    pull: list[Tensor]
    matrix: list[list[float]]
    masks: dict[int, list[Pattern]]

    def __init__(self, config: Continual, folder: Path | None = None, data: Images | None = None) -> None:
        kinds("ContinualTask", config=(config, Continual), data=(data, Images | None))
        self.config, data = config, check_finite("ContinualTask.data", data or load_images("mnist", folder))
        held_out, count = config.validation, len(data.train)
        require(0 <= held_out < count, "config.validation", held_out, f"0 to {count - 1}", "Hold back less.")
        stop = count - held_out
        test, labels = (data.train[stop:], data.train_labels[stop:]) if held_out else (data.test, data.test_labels)
        end, stop = stop, stop if config.train_samples is None else config.train_samples
        require(stop <= end, "config.train_samples", stop, f"1 to {end}", "There are no more; leave it out for all.")
        self.images, self.labels = as_rows(data.train[:stop]), torch.from_numpy(data.train_labels[:stop])
        self.test, self.test_labels = as_rows(test), torch.from_numpy(labels)
        self.evaluated_on = f"last {held_out} training images" if held_out else "test set"
        torch.manual_seed(config.seed)
        sizes = (self.images.shape[1], config.hidden, config.hidden, 10)
        kind = HybridNet if config.mode == "ewc" else MaskedNet
        self.net = kind(
            sizes, mode="hp" if config.mode == "hp" else "gp", steps=config.steps, tau_w=config.tau_w, vth=config.vth,
            decay=config.decay, lambda_=config.lambda_, p_max=config.p_max,
        )  # fmt: skip
        received = 1.0 if config.mode == "ewc" else config.density
        with torch.no_grad():
            for layer in self.net.layers:
                # torch's own are uniform within one over the root of all inputs
                layer.weight.mul_(config.gain / received**0.5)
                layer.bias.requires_grad_(False).zero_()
        self.theta = torch.optim.Adam(self.net.theta(), lr=config.lr_theta, fused=True) if config.mode == "hp" else None
        shapes = [layer.weight.shape for layer in self.net.layers] if config.mode == "ewc" else []
        # The penalty of all tasks so far as one quadratic: sum F w^2 / 2 - sum (F w*) w.
        self.importance, self.pull = ([torch.zeros(s) for s in shapes] for _ in range(2))
        self.matrix = []
        super().__init__()
        self.masks = {}

    def permuted(self, images: Tensor, task: int) -> Tensor:
        """Return the images, (samples, pixels), as a task shows them."""
        return images[:, torch.randperm(images.shape[1], generator=drawn(self.config.seed, task, 0))]

    def take_up(self, task: int | None) -> None:
        """Use the masks of a task; None puts the weights back."""
        if not isinstance(self.net, MaskedNet):
            return
        if task is not None and task not in self.masks:
            generator = drawn(self.config.seed, task, 1)
            shapes = [(layer.weight.shape[0], layer.weight.shape[1]) for layer in self.net.layers]
            self.masks[task] = [Pattern.draw(shape, self.config.density, generator) for shape in shapes]
        self.net.use(None if task is None else self.masks[task])

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of rank coding. images : (batch, pixels); labels : (batch,)."""
        return rank_loss(self.net(images)[1], labels, self.config.vth)

    def unit(self) -> dict[str, float]:
        """Learn the next task."""
        task, config = len(self.history), self.config
        self.take_up(task)
        images, order = self.permuted(self.images, task), drawn(config.seed, task, 2)
        batches = (b for _ in range(config.epochs_a_task) for b in shuffled(len(images), config.batch, order))
        loss = mean_loss(
            descend(
                batches, lambda chosen: self.loss(images[chosen], self.labels[chosen]),
                torch.optim.Adam(self.net.slow(), lr=config.lr, fused=True), penalty=self.penalty if task else None,
            )
        )  # fmt: skip
        if config.mode == "ewc":
            self.consolidate(images)
        if self.theta is not None and task < config.theta_tasks:
            self.learn_theta(self.theta, task + 1)
        row = slice(config.matrix_samples)
        self.matrix.append([self.accuracy(t, self.test[row], self.test_labels[row]) for t in range(task + 1)])
        self.take_up(None)
        return {"loss": loss, "mean_so_far": float(np.mean(self.matrix[-1]))}

    def penalty(self) -> Tensor:
        """Return what elastic weight consolidation adds to the loss; 0 in the other modes."""
        terms = [
            (0.5 * f * layer.weight - p).mul(layer.weight).sum()
            for layer, f, p in zip(self.net.layers, self.importance, self.pull, strict=False)
        ]
        return self.config.ewc * torch.stack(terms).sum() if terms else torch.zeros(())

    def consolidate(self, images: Tensor) -> None:
        """Add the Fisher information of the task: the mean squared gradient of single images."""
        chosen = torch.randperm(len(images), generator=drawn(self.config.seed, len(self.history), 3))
        weights = [layer.weight for layer in self.net.layers]
        chosen = chosen[: self.config.fisher_samples]
        for i in chosen.split(1):
            for f, p, w, g in zip(
                self.importance,
                self.pull,
                weights,
                torch.autograd.grad(self.loss(images[i], self.labels[i]), weights),
                strict=True,
            ):
                square = g.square() / len(chosen)
                f += square
                p += square * w.detach()

    def learn_theta(self, optimizer: torch.optim.Optimizer, count: int) -> None:
        """Pass once over the training images, each batch shown by one of the tasks so far; only theta changes."""
        generator = drawn(self.config.seed, count, 4)

        def loss(chosen: Tensor) -> Tensor:
            """Return the loss of images that a task, drawn anew, shows."""
            task = int(torch.randint(count, (1,), generator=generator))
            self.take_up(task)
            return self.loss(self.permuted(self.images[chosen], task), self.labels[chosen])

        mean_loss(descend(shuffled(len(self.images), self.config.batch, generator), loss, optimizer))

    @torch.no_grad()
    def accuracy(self, task: int, images: Tensor, labels: Tensor) -> float:
        """Return the share of images whose class has the highest u(T), with the weights of now, 0 to 1."""
        self.net.eval()
        self.take_up(task)
        parts = self.permuted(images, task).split(self.config.batch)
        classes = torch.cat([self.net(part)[1][:, -1].argmax(1) for part in parts])
        return float((classes == labels).double().mean())

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state, which need not hold the values of the task in use: between two tasks there is none."""
        self.take_up(None)
        super().load({**state, "net": {**self.net.state_dict(), **state["net"]}})

    def figures(self) -> dict[str, Any]:
        """Measure the accuracy of all tasks at the end, on all images.

        Returns
        -------
        dict
            "accuracy", the mean over tasks; "forgetting", the mean over tasks of the best accuracy that a task ever
            had less that after the last task; the "matrix"; and "curves" with their "levels".
        """
        final = [self.accuracy(t, self.test, self.test_labels) for t in range(len(self.history))]
        self.take_up(None)
        last = len(self.matrix) - 1
        lost = [max(row[t] for row in self.matrix[t:]) - self.matrix[-1][t] for t in range(last)]
        numbers = list(range(1, last + 2))
        return {
            "accuracy": float(np.mean(final)),
            "forgetting": float(np.mean(lost)) if lost else 0.0,
            "matrix": self.matrix,
            "curves": {"tasks learned": [float(np.mean(r)) for r in self.matrix], "task, after all": final},
            "levels": {"tasks learned": numbers, "task, after all": numbers},
        }

    def description(self, task: int | None = None) -> Network:
        """Describe the network with the masks of a task. It receives images as `permuted` returns them.

        Parameters
        ----------
        task : int, optional
            Number of the task, from 0. Default: the last that was learned.
        """
        self.take_up(len(self.history) - 1 if task is None else task)
        network = to_description(self.net, num_message_bits=8)
        self.take_up(None)
        return network

    def _inputs(self, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """The first test images as the last task shows them, 0 .. 255 in every step."""
        images = self.permuted(self.test[:count], len(self.history) - 1)
        return in_every_step(images, self.config.steps), self.test_labels[:count].numpy()
