# SPDX-License-Identifier: BSD-3-Clause
"""New characters one class after another, by the local rule alone, on features trained on other characters.

Four convolutions of value neurons form features f of an image, trained on the background characters of Omniglot. The
read-out receives x = (f, 1 - f), all of 0 to 1, so that a feature that is off counts as much as one that is on. Each
neuron of the read-out is one class. Its slow weights are 0 but for the label: the local weights P do the rest. A
presentation is one drawing, and P is written once at its end (a stream with memory B = 1 and lambda = 1):

    u_i  = alpha sum_j x_j P_ij + REST - l_i (REST + c)          v_th = 1
    P_ij <- clip(P_ij - eta_j x_j (tanh(u_i) - 1), -P_max, P_max)

This is the Hebbian rule with sign = -1 and beta = -1. Without a label, l_i = 0, u_i is REST or more, where tanh is 1:
no P changes, and the class is that of the largest u. The label l_i = 1 of a class brings its neuron down to
alpha sum_j x_j P_ij - c. There P_i grows by x, the less the better it already answers: a neuron stops where its own
drawings excite it enough, so that all classes answer equally strongly, whether their drawings are alike or not.
Nothing of other classes changes, so nothing that was learned is lost. theta = (alpha, eta, c) is meta-learned together
with the features, by the gradient through such courses of learning.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from synergic._core.checks import kinds, require, whole
from synergic._core.integers import ONE, VALUE_MAX
from synergic.experiments import ClassIncremental
from synergic.learning._descent import descend
from synergic.learning._export_convolution import as_array
from synergic.learning._omniglot import (
    DEVIATION,
    DRAWERS,
    MEAN,
    SIZE,
    distorted,
    draw_episodes,
    load_omniglot,
    oriented_images,
    split_characters,
)
from synergic.learning._tensors import checked_device, class_labels
from synergic.learning.tasks._class_incremental_net import ClassIncrementalNet, check_ink, folded
from synergic.learning.tasks._trained_task import TrainedTask
from synergic.network._convolution import Convolution
from synergic.network._description import Network, Population, Projection, Source
from synergic.network._partial_sums import WIDEST_LOCAL
from synergic.network._unfold import image_after
from synergic.neurons import ReLU
from synergic.rules import Hebbian

REST = 6.0
"""Potential of a neuron of the read-out without any input, in thresholds: there tanh is 1, and the rule is at rest."""
COPIES = 3
"""Channels that a label comes by, each with its part of the current: in one channel it would take the whole range of
the 8-bit weights, and nothing would be left of alpha."""
SHARPNESS = 150.0
"""Of the softmax that the loss is formed with, at the start; the class does not depend on it."""
QUERIES = 10
"""Drawings of a test character that are asked, and never shown with a label."""


@dataclass(frozen=True, eq=False)
class Course:
    """Which drawings of the test characters are shown with their label, and which are asked. (classes, drawings)."""

    shown: Tensor
    asked: Tensor


class ClassIncrementalTask(TrainedTask):
    """Omniglot, class after class. A unit of work is some steps of Adam on characters for training.

    Parameters
    ----------
    config : ClassIncremental
        The settings.
    folder : pathlib.Path, optional
        Folder of the data set. Default: $SYNERGIC_DATA, then the cache, which a download fills.
    images : torch.Tensor, optional
        (characters, 20, 31, 31), to use instead of Omniglot.
    device : str, default "cpu"
        Where torch trains: "cpu" alone.

    Attributes
    ----------
    net : ClassIncrementalNet
        The net.
    train, test : torch.Tensor
        Characters to train on, and those that are learned one after another, in that order.
    evaluated_on : str
        Which characters the figures are measured on.

    Raises
    ------
    ParameterError
        For settings that do not fit the data, and a device that cannot be used.
    DataError
        If the data set is nowhere to be had.
    """

    PARTS: ClassVar[tuple[str, ...]] = ("net", "optimizer", "schedule", "generator", "history")
    net: ClassIncrementalNet
    config: ClassIncremental
    ink: Tensor
    train: Tensor
    test: Tensor
    evaluated_on: str
    optimizer: torch.optim.Adam
    schedule: torch.optim.lr_scheduler.CosineAnnealingLR
    generator: torch.Generator

    def __init__(
        self, config: ClassIncremental, folder: Path | None = None, images: Tensor | None = None, device: str = "cpu"
    ) -> None:
        kinds("ClassIncrementalTask", config=(config, ClassIncremental), images=(images, Tensor | None))
        require(checked_device(device).type == "cpu", "ClassIncrementalTask.device", device, "cpu", "Leave it out.")
        self.config = config
        aside, remedy = config.held_characters, "Set held_characters, or leave out validation."
        require(
            aside > 0 or not config.validation,
            "ClassIncremental.held_characters",
            aside,
            "1 or more to validate",
            remedy,
        )
        most = DRAWERS - QUERIES
        require(config.shots <= most, "ClassIncremental.shots", config.shots, f"1 to {most}", "The others are asked.")
        most = DRAWERS - config.queries
        worst = max(config.trained_shots)
        require(worst <= most, "ClassIncremental.trained_shots", worst, f"1 to {most}", "A character has 20 drawings.")
        fits = config.classes * COPIES <= SIZE**2
        require(fits, "ClassIncremental.classes", config.classes, f"1 to {SIZE**2 // COPIES}", "Learn fewer.")
        if images is not None:
            got, fits = f"shape {tuple(images.shape)}", tuple(images.shape[1:]) == (DRAWERS, SIZE, SIZE)
            fits = fits and images.ndim == 4 and bool(torch.isfinite(images).all())
            allowed = f"finite (characters, {DRAWERS}, {SIZE}, {SIZE})"
            require(fits, "ClassIncrementalTask.images", got, allowed, "Give what load_omniglot returns.")
        self.ink = (load_omniglot(folder) if images is None else images) * DEVIATION + MEAN
        self.ink = self.ink.clamp(0, 1)
        train, held_out, test = split_characters("official", aside, config.seed)
        self.train = train[train < len(self.ink)]
        test = held_out if config.validation else test
        order = torch.randperm(len(test), generator=torch.Generator().manual_seed(config.seed))
        there = test[order][test[order] < len(self.ink)]
        remedy = "There are no more characters to learn."
        require(len(there) >= config.classes, "ClassIncremental.classes", config.classes, f"1 to {len(there)}", remedy)
        self.test = there[: config.classes]
        part = "training characters held back" if config.validation else "evaluation characters, official split"
        self.evaluated_on = f"{config.classes} {part}, {QUERIES} drawings each, {config.test_draws} draws"
        torch.manual_seed(config.seed)
        self.net = ClassIncrementalNet(config)
        theta = {id(p) for p in self.net.theta()}
        slow = [p for p in self.net.parameters() if id(p) not in theta]
        self.optimizer = torch.optim.Adam(
            [{"params": slow, "lr": config.lr}, {"params": self.net.theta(), "lr": config.lr_theta}], fused=True
        )
        steps = config.epochs * config.steps_an_epoch
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, steps)
        self.generator = torch.Generator().manual_seed(config.seed)
        super().__init__()

    def unit(self) -> dict[str, float]:
        """Train some steps, each on a course of learning with some training characters."""
        config, net, right = self.config, self.net, []
        appearances, together = 8 if config.mirrored else 4, max(config.trained_shots) + config.queries

        def loss(shots: int) -> Tensor:
            """Return the loss of the queries after so many drawings of each character."""
            drawn = draw_episodes(self.train, 1, config.ways, shots, together - shots, appearances, self.generator)
            pairs = torch.cat([drawn.support, drawn.queries], 2)
            shown = oriented_images(self.ink, pairs, drawn.orientations)[0].flatten(0, 1)
            if config.distortion:
                # `distorted` fills up with normalised paper.
                shown = distorted((shown[:, None] - MEAN) / DEVIATION, config.distortion, self.generator)[:, 0]
                shown = (shown * DEVIATION + MEAN).clamp(0, 1)
            x = net(shown).view(config.ways, together, -1)
            local = net.learned(x[:, :shots], config.p_max)
            asked = x[:, -config.queries :].flatten(0, 1)
            u = net.alpha * asked @ local.T
            classes = torch.arange(config.ways).repeat_interleave(config.queries)
            right.append(float((u.argmax(1) == classes).double().mean()))
            return functional.cross_entropy(SHARPNESS * net.sharpness.exp() * u, classes)

        tried = torch.randint(len(config.trained_shots), (config.steps_an_epoch,), generator=self.generator)
        shots = (config.trained_shots[i] for i in tried.tolist())
        losses = [float(value) for _, value in descend(shots, loss, self.optimizer, schedule=self.schedule)]
        return {"loss": float(np.mean(losses)), "accuracy": float(np.mean(right))}

    @torch.no_grad()
    def features(self) -> Tensor:
        """Return what the read-out receives of all drawings of the test characters, (classes, 20, size)."""
        self.net.eval()
        return torch.stack([self.net(self.ink[c]) for c in self.test])

    def course(self, shots: int, draw: int = 0) -> Course:
        """Return which drawings of the test characters are shown and asked.

        Parameters
        ----------
        shots : int
            Drawings of each character that are shown, 1 to 10.
        draw : int, default 0
            Number of the draw. Those of fewer shots are the first of those of more.

        Returns
        -------
        Course
            `shown` (classes, shots) and `asked` (classes, 10), numbers of drawings.
        """
        whole("ClassIncrementalTask.shots", shots, 1, DRAWERS - QUERIES, "The others are asked.")
        whole("ClassIncrementalTask.draw", draw, 0, 2**31, "It is a seed.")
        generator = torch.Generator().manual_seed(draw)
        order = torch.rand(len(self.test), DRAWERS, generator=generator).argsort(1)
        return Course(order[:, :shots], order[:, DRAWERS - QUERIES :])

    @torch.no_grad()
    def local_weights(self, shots: int, draw: int = 0) -> Tensor:
        """Return P, (classes, size), after all test characters have been learned; arguments as of `course`."""
        shown = self.course(shots, draw).shown
        x = self.features()
        return self.net.learned(x[torch.arange(len(x))[:, None], shown], self.config.p_max)

    @torch.no_grad()
    def figures(self) -> dict[str, Any]:
        """Measure the accuracy after every number of classes, for 1, 5 and `shots` drawings of each.

        Returns
        -------
        dict
            "accuracy" of 0 to 1 after all classes and `shots` drawings of each, "forgetting" of the first ten classes
            (the accuracy on them right after they were learned less that at the end), and by number of drawings
            "curves" over "levels", the numbers of classes.
        """
        x, config = self.features(), self.config
        levels = stops(config.classes)
        curves: dict[str, list[float]] = {}
        forgotten = []
        for shots in sorted({1, min(5, config.shots), config.shots}):
            found = []
            for draw in range(config.test_draws):
                course = self.course(shots, draw)
                rows = torch.arange(len(x))[:, None]
                local = self.net.learned(x[rows, course.shown], config.p_max)
                u = x[rows, course.asked] @ local.T  # (classes, queries, classes)
                truth = rows.expand(-1, QUERIES)
                right = [(u[:n, :, :n].argmax(2) == truth[:n]).double() for n in levels]
                found.append([float(r.mean()) for r in right])
                if shots == config.shots:
                    forgotten.append(float(right[0][:10].mean() - right[-1][:10].mean()))
            curves[f"{shots} shot{'s' * (shots > 1)}"] = np.mean(found, 0).tolist()
        return {
            "accuracy": list(curves.values())[-1][-1],
            "fewer_right_of_the_first_ten": float(np.mean(forgotten)),
            "curves": curves,
            "levels": {name: list(levels) for name in curves},
            "level": "number of classes",
        }

    @torch.no_grad()
    def blank(self) -> Network:
        """Describe the network that has learned no class yet; `sequence` makes its input.

        Returns
        -------
        synergic.Network
            Source "input" of two planes of 31 x 31, ink and labels; populations "conv1" ... of values, and "output"
            with a neuron for each class, whose local weights are a stream. The weights have 8 bits.
        """
        config, net = self.config, self.net
        populations, projections = [], []
        image, before, layers = (SIZE, SIZE), "input", list(net.convolutions)
        for i, (conv, norm) in enumerate(zip(layers[::3], layers[1::3], strict=True)):
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            kernel, bias = folded(conv, norm)
            if i == 0:  # the labels are no part of the image
                kernel = np.concatenate([kernel, np.zeros_like(kernel)], 1)
            if i == len(config.channels) - 1:
                kernel, bias = np.concatenate([kernel, -kernel]), np.concatenate([bias, 1 - bias])
            name, geometry = f"conv{i + 1}", Convolution((3, 3), image, 2, 1)
            projections.append(Projection.of_kernel(f"{before}_{name}", before, name, kernel, geometry))
            image = image_after(image, (3, 3), 2, 1)
            bias = np.repeat(bias, image[0] * image[1])
            populations.append(Population(name, len(bias), 1.0, 0.0, bias=bias, neuron=ReLU()))
            before = name
        classes = config.classes
        teacher = np.zeros((classes, 2 * SIZE**2))
        np.put_along_axis(teacher, self.label_channels(), -(REST + net.answer.item()) / COPIES, 1)
        alpha, scale = representable(net.alpha.item(), -float(teacher.min()), config.p_max, net.size)
        rule = Hebbian(
            eta=as_array(net.eta) / scale, beta=-1.0, lambda_=1.0, sign=-1, p_max=config.p_max,
        )  # fmt: skip
        populations.append(Population("output", classes, 1.0, 0.0, bias=REST))
        projections += [
            # It waits for the features, which come by all the convolutions.
            Projection("label_output", "input", "output", teacher, delay=len(config.channels)),
            Projection(
                f"{before}_output", before, "output", np.zeros((classes, net.size)), rule, alpha,
                plasticity_scope="stream", memory=1,
            ),
        ]  # fmt: skip
        return Network(Source("input", 2 * SIZE**2, 8), tuple(populations), tuple(projections), "output", 1)

    def label_channels(self) -> npt.NDArray[np.int64]:
        """Return the channels of the source that are 1 with a drawing of each class.

        Returns
        -------
        ndarray of int64, shape (classes, 3)
            Numbers of channels.
        """
        classes = self.config.classes
        return SIZE**2 + np.arange(classes)[:, None] + classes * np.arange(COPIES)

    def description(self) -> Network | None:
        """Describe the network that has learned all test characters from `shots` drawings each, the first draw."""
        network = self.blank()
        readout = network.projections[-1]
        scale = self.net.alpha.item() / float(readout.alpha)
        local = np.clip(
            as_array(self.local_weights(self.config.shots)) * scale, -readout.rule.p_max, readout.rule.p_max
        )
        return with_local_weights(network, local)

    def presented(self, drawings: Tensor, labels: Tensor | None = None) -> npt.NDArray[np.uint8]:
        """Return drawings as the network of `blank` takes them in integers.

        Parameters
        ----------
        drawings : torch.Tensor
            (samples, 31, 31), ink of 0 to 1.
        labels : torch.Tensor, optional
            (samples,), the classes to be learned. None asks.

        Returns
        -------
        ndarray of uint8, shape (samples, 1, 1922)
            Values of 0 to 255: the image, then the plane of the labels. A presentation has one step.
        """
        check_ink("presented.drawings", drawings)
        if labels is not None:
            class_labels("presented.labels", labels, len(drawings), self.config.classes)
        inputs = np.zeros((len(drawings), 1, 2, SIZE**2), np.uint8)
        inputs[:, 0, 0] = (255 * drawings.flatten(1)).round().to(torch.uint8).numpy()
        if labels is not None:
            channels = self.label_channels()[labels.numpy()] - SIZE**2
            inputs[np.arange(len(labels))[:, None], 0, 1, channels] = 255
        return inputs.reshape(len(drawings), 1, -1)

    def _inputs(self, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Drawings that are asked, of one class after the other, as the network of `description` takes them."""
        asked = self.course(self.config.shots).asked[:, : -(-count // self.config.classes)]
        drawings, labels = self.ink[self.test[:, None], asked].transpose(0, 1), torch.arange(self.config.classes)
        drawings, labels = drawings.flatten(0, 1)[:count], labels.repeat(asked.shape[1])[:count]
        return self.presented(drawings), labels.numpy()


def stops(classes: int) -> tuple[int, ...]:
    """Numbers of classes after which accuracy is measured: ten, then every twenty-five, then all."""
    return tuple(dict.fromkeys([min(10, classes), *range(25, classes, 25), classes]))


def representable(alpha: float, largest: float, p_max: float, n_in: int) -> tuple[float, float]:
    """The next alpha above that is a whole number in integers, and by what it is larger: P and eta are as much smaller.

    largest : the largest slow weight into the population, which sets the scale. n_in : plastic values into a neuron,
    which limit the bits of P.
    """
    local_bits = min(WIDEST_LOCAL, ((2**31 - 1) // (VALUE_MAX * n_in) + 1).bit_length())
    unit = ((2 ** (local_bits - 1) - 1) / p_max) / (127 / largest * ONE)
    found = max(np.ceil(alpha / unit), 1.0) * unit
    return found, found / alpha


def with_local_weights(network: Network, local: npt.NDArray[Any]) -> Network:
    """The network with other local weights in its last projection."""
    return replace(
        network, projections=(*network.projections[:-1], replace(network.projections[-1], local_weights=local))
    )
