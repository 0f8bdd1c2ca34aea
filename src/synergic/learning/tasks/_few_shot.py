# SPDX-License-Identifier: BSD-3-Clause
"""New characters from few drawings: local weights learn within an episode, everything else between (Wu et al. 2022).

An episode is one presentation. Step m shows the features x(m) of one image, and in the support also its label as a
teaching current, l_i(m) = 1 into the right neuron, -1 into all others; P starts at zero and lives until the last step,
the query, where l is 0:

    u_i(m) = d r(u_i(m-1)) + sum_j x_j(m) (W_ij + alpha_i P_ij(m-1)) + TEACHER l_i(m) + b_i
    P_ij(m) = clip(lambda P_ij(m-1) + eta_j x_j(m) (tanh(u_i(m) / v_th) + beta_i))

The features f of the convolutions enter as x = min(1, SCALE f / |f|), f >= 0, so that the local term compares
directions: by what angle the query differs from each support. The class is that of the highest u(T). Unlike the
read-out of the publication (softmax, alpha a synapse) this is the rule of all other networks here, so that episodes
run in Lava and on the chip; x enters as 8-bit values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from synergic._core.checks import kind, kinds, require
from synergic.experiments import FewShot
from synergic.learning._descent import descend
from synergic.learning._episodes import answers, presented
from synergic.learning._export import to_description
from synergic.learning._hybrid_net import HybridNet
from synergic.learning._omniglot import (
    Episodes,
    distorted,
    draw_episodes,
    load_omniglot,
    oriented_images,
    split_characters,
)
from synergic.learning._tensors import checked_device, tensor
from synergic.learning.tasks._trained_task import TrainedTask
from synergic.network._description import Network

TEACHER = 10.0
"""Current of a label, in thresholds."""
SCALE = 4.0
"""Length of the feature vector of an image: some hundred are above zero, and the largest come near 1."""
ETA, ALPHA = 0.1, 0.05
"""At the start, all the same; beta starts at 1 - 2 / ways, so that what all characters share cancels: tanh is 1 in one
neuron and -1 in the others, for any features. Without the negative current in the others, each would take
what resembles its own for a part of it."""
COPIES = 64
"""Channels that a label comes by on a machine, each with its part of the current: in one channel it would take the
whole range of the 8-bit weights, and nothing would be left of alpha."""
SHARPNESS = 100.0
"""Of the softmax that the loss is formed with, per unit of u; the class does not depend on it."""


class Direction(nn.Module):
    """Normalise the features f of each image to ``x = min(1, SCALE f / |f|)``, so that the rule compares directions."""

    def forward(self, features: Tensor) -> Tensor:
        """Normalise features.

        Parameters
        ----------
        features : torch.Tensor
            (images, ...), at least 0.

        Returns
        -------
        torch.Tensor
            (images, features), 0 to 1.
        """
        return (SCALE * functional.normalize(features.flatten(1), dim=1)).clamp(max=1)


PLACES = {"strided": 4, "pooled": 9}
"""Number of output positions of the last convolution: 2 x 2 or 3 x 3."""


def convolutions(kind: str, channels: int) -> list[nn.Module]:
    """Return four layers of 3 x 3 with batch normalisation and ReLU, from 31 x 31 pixels to channels at PLACES[kind].

    "strided": every convolution takes every second position. "pooled": all positions, and the first three keep the
    largest of 2 x 2, which forgives small shifts.
    """
    layers: list[nn.Module] = []
    for i, n_in in enumerate((1, *[channels] * 3)):
        layers.append(nn.Conv2d(n_in, channels, 3, stride=2 if kind == "strided" else 1, padding=1))
        if kind == "pooled" and i < 3:
            layers.append(nn.MaxPool2d(2))  # before what costs memory traffic at each place
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
    return layers


class FewShotNet(nn.Module):
    """Convolutional features of images, then one plastic layer that receives features and labels.

    Parameters
    ----------
    config : FewShot
        The settings.

    Attributes
    ----------
    features : torch.nn.Sequential
        The convolutions and `Direction`: (images, 1, 31, 31) to (images, size).
    plastic : HybridNet
        The plastic layer: size + ways inputs, ways neurons.
    ways, size : int
        Characters of an episode, and features of an image.
    """

    features: nn.Sequential
    precision: torch.dtype
    ways: int
    size: int
    plastic: HybridNet

    def __init__(self, config: FewShot) -> None:
        super().__init__()
        kind("FewShotNet.config", config, FewShot, "Give settings of synergic.experiments.")
        self.features = nn.Sequential(*convolutions(config.convolutions, config.channels), Direction())
        if config.convolutions == "pooled":
            # Twice as quick on CPUs.
            self.features.to(memory_format=torch.channels_last)
        self.precision = {"float32": torch.float32, "bfloat16": torch.bfloat16}[config.precision]
        self.ways, self.size = config.ways, PLACES[config.convolutions] * config.channels
        self.plastic = HybridNet(
            (self.size + config.ways, config.ways), steps=config.ways * config.shots + 1, tau_w=float("inf"), vth=1.0,
            decay=config.decay, reset="zero", lambda_=config.lambda_, p_max=config.p_max,
        )  # fmt: skip
        layer, last = self.plastic.layers[0], self.features[-3]
        assert isinstance(last, nn.BatchNorm2d)
        with torch.no_grad():
            # Few features at a time: what all characters share would drown what distinguishes them.
            last.bias.fill_(-0.5)
            layer.weight.zero_(), layer.bias.zero_(), layer.beta.fill_(1 - 2 / config.ways)
            layer.weight[:, self.size :] = TEACHER * (2 * torch.eye(config.ways) - 1)
            layer.eta.fill_(ETA), layer.alpha.fill_(ALPHA)
            layer.eta[self.size :] = 0
        # Labels teach and are not learned: what they weigh stays as it is.
        free = (torch.arange(self.size + config.ways) < self.size).float()
        layer.weight.register_hook(lambda g: g * free)
        layer.eta.register_hook(lambda g: g * free)

    def shown(
        self,
        images: Tensor,
        episodes: Episodes,
        generator: torch.Generator,
        regroupings: int = 0,
        distortion: float = 0,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the plastic layer receives in each episode.

        Parameters
        ----------
        images : torch.Tensor
            Of `load_omniglot`.
        episodes : Episodes
            Which drawings are support and queries.
        generator : torch.Generator
            Draws the order of the support, regroupings and distortions.
        regroupings : int, default 0
            0 takes the episodes as drawn. n: the characters of all of them, which must be different, come together n
            times anew, `ways` at a time, and any of their drawings may become the support: n times as many
            comparisons for the same features.
        distortion : float, default 0
            How far the affine map of each image is from the identity.

        Returns
        -------
        seen : torch.Tensor
            (episodes, ways shots, features + ways): the support, in an order drawn anew.
        asked : torch.Tensor
            (episodes, ways queries, features + ways): the queries, each the last step of a presentation of its own.
        classes : torch.Tensor
            (episodes, ways queries): the classes of the queries.
        """
        shots, ways = episodes.support.shape[2], self.ways
        shown = oriented_images(images, torch.cat([episodes.support, episodes.queries], 2), episodes.orientations)
        flat = shown.flatten(0, 2)[:, None]
        flat = distorted(flat, distortion, generator) if distortion else flat
        place = images.device.type
        with torch.autocast(place, self.precision, enabled=self.training and self.precision != torch.float32):
            features = self.features(flat).to(images.dtype).reshape(*shown.shape[:3], -1).cpu()
        if regroupings:
            pool = features.flatten(0, 1)
            characters = torch.rand(regroupings, len(pool), generator=generator).argsort(1).reshape(-1, ways)
            drawings = torch.rand(*characters.shape, pool.shape[1], generator=generator).argsort(2)
            features = pool[characters[..., None], drawings]
        count, each = len(features), features.shape[2] - shots
        seen, asked = features[:, :, :shots].flatten(1, 2), features[:, :, shots:].flatten(1, 2)
        label = torch.eye(ways).repeat_interleave(shots, 0).expand(count, -1, -1)
        seen = torch.cat([seen, label], 2)
        order = torch.rand(count, ways * shots, generator=generator).argsort(1)
        seen = seen[torch.arange(count)[:, None], order]
        asked = torch.cat([asked, asked.new_zeros(*asked.shape[:2], ways)], 2)
        return seen, asked, torch.arange(ways).repeat_interleave(each).expand(count, -1)

    def answers(self, seen: Tensor, asked: Tensor) -> Tensor:
        """Return u(T), (episodes, ways queries, ways), for what `shown` returns."""
        layer = self.plastic.layers[0]
        return answers(layer, seen, asked, self.plastic.k.to(seen.dtype))


class FewShotTask(TrainedTask):
    """New characters from few drawings. A unit of work is some steps of Adam, on episodes drawn anew.

    Parameters
    ----------
    config : FewShot
        The settings.
    folder : pathlib.Path, optional
        Folder of the data set. Default: $SYNERGIC_DATA, then the cache, which a download fills.
    images : torch.Tensor, optional
        (characters, 20, 31, 31), to use instead of Omniglot.
    device : str, default "cpu"
        Where torch computes images and convolutions. The plastic layer is too small to gain by a GPU and stays on the
        processor.

    Attributes
    ----------
    net : FewShotNet
        The net.
    train, test : torch.Tensor
        Characters to train on, and to measure `figures` with.
    evaluated_on : str
        Which episodes the figures are measured on.

    Raises
    ------
    ParameterError
        For settings that do not fit the data, and a device that cannot be used.
    DataError
        If the data set is nowhere to be had.
    """

    PARTS: ClassVar[tuple[str, ...]] = ("net", "optimizer", "schedule", "generator", "history")
    net: FewShotNet
    config: FewShot
    device: torch.device
    images: Tensor
    train: Tensor
    test: Tensor
    evaluated_on: str
    optimizer: torch.optim.Adam
    schedule: torch.optim.lr_scheduler.CosineAnnealingLR
    generator: torch.Generator

    def __init__(
        self, config: FewShot, folder: Path | None = None, images: Tensor | None = None, device: str = "cpu"
    ) -> None:
        kinds("FewShotTask", config=(config, FewShot), images=(images, Tensor | None))
        if images is not None:
            tensor("FewShotTask.images", images, "(characters, drawings, height, width)", finite=True)
        self.config = config
        aside, remedy = config.held_characters, "Set held_characters, or leave out validation."
        require(
            aside > 0 or not config.validation, "FewShot.held_characters", aside, "1 or more for validation", remedy
        )
        self.device = checked_device(device)
        self.images = (load_omniglot(folder) if images is None else images).to(self.device)
        train, held_out, test = split_characters(config.split, config.held_characters, config.seed)
        self.train = train[train < len(self.images)]
        self.test = held_out if config.validation else test
        self.test = self.test[self.test < len(self.images)]
        kind = "training characters held back" if config.validation else f"test characters, {config.split} split"
        self.evaluated_on = f"{config.test_episodes} episodes of {len(self.test)} {kind}"
        torch.manual_seed(config.seed)
        self.net = FewShotNet(config)
        self.net.features.to(self.device)
        theta = {id(p) for p in self.net.plastic.theta()}
        slow = [p for p in self.net.parameters() if p.requires_grad and id(p) not in theta]
        self.optimizer = torch.optim.Adam(
            [{"params": slow, "lr": config.lr}, {"params": self.net.plastic.theta(), "lr": config.lr_theta}],
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimizer, config.epochs * config.steps_an_epoch
        )
        self.generator = torch.Generator().manual_seed(config.seed)
        super().__init__()

    def unit(self) -> dict[str, float]:
        """Train some steps, each on episodes formed out of the images of some training characters."""
        config, right = self.config, []

        def loss(at_once: Episodes) -> Tensor:
            """Return the loss of episodes, and note their accuracy."""
            seen, asked, classes = self.net.shown(
                self.images, at_once, self.generator, config.regroupings, config.distortion
            )
            u, classes = self.net.answers(seen, asked).flatten(0, 1), classes.flatten()
            right.append(float((u.argmax(1) == classes).double().mean()))
            return functional.cross_entropy(SHARPNESS * u, classes)

        # All characters of a step are different, so that any of them may meet in an episode.
        together, appearances = config.batch * config.ways, 8 if config.mirrored else 4
        drawn = (
            draw_episodes(self.train, 1, together, config.shots, config.queries, appearances, self.generator)
            for _ in range(config.steps_an_epoch)
        )
        losses = [float(value) for _, value in descend(drawn, loss, self.optimizer, schedule=self.schedule)]
        return {"loss": float(np.mean(losses)), "accuracy": float(np.mean(right))}

    @torch.no_grad()
    def episodes(self, count: int, seed: int = 0) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield test episodes of one query for each way, some at a time, as `FewShotNet.shown` returns them.

        Parameters
        ----------
        count : int
            Number of episodes.
        seed : int, default 0
            Seed of the episodes.
        """
        self.net.eval()
        generator = torch.Generator().manual_seed(seed)
        config = self.config
        for start in range(0, count, 50):
            some = min(50, count - start)
            drawn = draw_episodes(self.test, some, config.ways, config.shots, 1, 1, generator)
            yield self.net.shown(self.images, drawn, generator)

    def presentations(self, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Return all that the plastic layer receives in test episodes.

        Parameters
        ----------
        count : int
            Number of episodes.
        seed : int, default 0
            Seed of the episodes.

        Returns
        -------
        inputs : torch.Tensor
            (count ways, T, features + ways).
        classes : torch.Tensor
            (count ways,): the classes of the last steps.
        """
        parts = [(presented(seen, asked), classes.flatten()) for seen, asked, classes in self.episodes(count, seed)]
        return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])

    @torch.no_grad()
    def figures(self) -> dict[str, Any]:
        """Measure the accuracy over test episodes, the same for all networks of a split.

        Returns
        -------
        dict
            "accuracy" of 0 to 1, and its "standard_error".
        """
        parts = [
            (self.net.answers(seen, asked).argmax(2) == classes).double().mean(1)
            for seen, asked, classes in self.episodes(self.config.test_episodes)
        ]
        right = torch.cat(parts)
        return {"accuracy": float(right.mean()), "standard_error": float(right.std() / len(right) ** 0.5)}

    def to_machine(self, presentations: Tensor) -> Tensor:
        """Return presentations as the network of `description` receives them: each label channel COPIES times.

        Parameters
        ----------
        presentations : torch.Tensor
            (..., features + ways).

        Returns
        -------
        torch.Tensor
            (..., features + COPIES ways).
        """
        features, labels = presentations.split([self.net.size, self.config.ways], -1)
        return torch.cat([features, labels.repeat_interleave(COPIES, -1)], -1)

    @torch.no_grad()
    def description(self) -> Network | None:
        """Describe the plastic layer, labels by COPIES channels each. The host computes the features."""
        net, size, ways = self.net.plastic, self.net.size, self.config.ways
        trained = net.layers[0]
        machine = HybridNet(
            (size + COPIES * ways, ways), steps=net.steps, tau_w=net.tau_w, vth=trained.vth, decay=trained.decay,
            reset=trained.reset, lambda_=trained.lambda_, p_max=trained.p_max,
        )  # fmt: skip
        layer = machine.layers[0]
        features, labels = trained.weight.split([size, ways], 1)
        layer.weight.copy_(torch.cat([features, labels.repeat_interleave(COPIES, 1) / COPIES], 1))
        layer.eta.copy_(torch.cat([trained.eta[:size], torch.zeros(COPIES * ways)]))
        for name in ("bias", "alpha", "beta"):
            getattr(layer, name).copy_(getattr(trained, name))
        network = to_description(machine, num_message_bits=8)
        (projection,) = network.projections
        # Labels have no local weights: without them the others may have more bits.
        mask = np.repeat(np.arange(size + COPIES * ways)[None] < size, ways, axis=0)
        rule = replace(projection.rule, mask=mask)
        return replace(network, projections=(replace(projection, rule=rule),))

    def _inputs(self, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Presentations of test episodes as the network of `description` takes them, 0 .. 255."""
        inputs, classes = self.presentations(-(-count // self.config.ways))
        values = (255 * self.to_machine(inputs[:count])).round().to(torch.uint8)
        return values.cpu().numpy(), classes[:count].cpu().numpy()
