# SPDX-License-Identifier: BSD-3-Clause
"""Images into a fully connected network, tested also on damaged images (paper 2, classification, fault tolerance)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synergic.checks import require
from synergic.experiments import Classification
from synergic.learning.datasets import Images, load_images
from synergic.learning.export import to_description
from synergic.learning.faults import damage
from synergic.learning.layers import HybridNet
from synergic.learning.parallel import mean, parallel, share
from synergic.learning.training import rank_loss
from synergic.network import Network

CURVES = {"gaussian": range(7), "crop": range(0, 15, 2)}
"""Damages, and their levels (learning.faults.damage), that every run is tested under."""


def build(config: Classification) -> HybridNet:
    """The untrained network of an experiment; seeds torch."""
    torch.manual_seed(config.seed)
    net = HybridNet(
        (784, config.hidden, 10),
        mode=config.mode,
        steps=config.steps,
        tau_w=config.tau_w,
        vth=config.vth,
        decay=config.decay,
        lambda_=config.lambda_,
        p_max=config.p_max,
        sign=config.sign,
        trace=config.trace,
    )
    with torch.no_grad():
        for layer in net.layers:
            # A layer draws the paper's, uniform between 0 and .01.
            layer.alpha.mul_(config.alpha_start / 0.01)
            layer.eta.mul_(config.eta_start / 0.01)
    return net


def split(config: Classification, data: Images) -> tuple[Tensor, Tensor, np.ndarray, np.ndarray]:
    """Training images and labels as tensors, evaluation images and labels as arrays."""
    held = config.validation
    require(0 <= held < len(data.train), "config.validation", held, f"0 to {len(data.train) - 1}", "Hold back less.")
    end = len(data.train) - held
    stop = end if config.train_samples is None else min(end, config.train_samples)
    images = torch.from_numpy(data.train[:stop].reshape(stop, -1))
    labels = torch.from_numpy(data.train_labels[:stop])
    if held:
        return images, labels, data.train[end:], data.train_labels[end:]
    return images, labels, data.test, data.test_labels


class ClassificationTask:
    """Adam, a cosine schedule and a drawn order of images. data : instead of the sets in `folder`."""

    def __init__(self, config: Classification, folder: Path | None = None, data: Images | None = None) -> None:
        self.config = config
        self.images, self.labels, self.test, self.test_labels = split(
            config, data or load_images(config.dataset, folder)
        )
        held = config.validation
        self.evaluated_on = f"last {held} training images" if held else "test set"
        self.net = build(config)
        self.model = parallel(self.net)
        groups: list[dict[str, Any]] = [
            {"params": self.net.slow(), "lr": config.lr, "weight_decay": config.weight_decay},
            {"params": self.net.theta(), "lr": config.lr_theta, "weight_decay": config.theta_decay},
        ]
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]])
        batches = -(-len(self.images) // config.batch)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, config.epochs * batches)
        self.order = torch.Generator().manual_seed(config.seed)
        self.history: list[dict[str, float]] = []

    def epoch(self) -> None:
        """One pass over the training images."""
        began, total = time.perf_counter(), 0.0
        vth = float(self.net.layers[-1].vth)
        self.net.train()
        for chosen in torch.randperm(len(self.images), generator=self.order).split(self.config.batch):
            mine, weight = share(chosen)
            _, u = self.model(self.images[mine])
            loss = weight * rank_loss(u, self.labels[mine], vth)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            total += float(loss.detach()) * len(chosen)
        self.history.append({"loss": mean(total / len(self.images)), "seconds": time.perf_counter() - began})

    def state(self) -> dict[str, Any]:
        """The state after a whole epoch."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "order": self.order.get_state(),
            "history": self.history,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.order.set_state(state["order"])
        self.history = state["history"]

    def figures(self) -> dict[str, Any]:
        """Accuracy on clean images, and under damage; noise with seed 0, the same for all networks."""
        curves = {
            kind: [accuracy(self.net, damage(self.test, kind, i), self.test_labels) for i in levels]
            for kind, levels in CURVES.items()
        }
        return {"accuracy": curves["gaussian"][0], "curves": curves, "levels": {k: list(v) for k, v in CURVES.items()}}

    def description(self) -> Network | None:
        """The network for values of 8 bits; none for the "shared" trace, which no machine runs."""
        return None if self.config.trace == "shared" else to_description(self.net, num_message_bits=8)


@torch.no_grad()
def accuracy(net: HybridNet, images: np.ndarray, labels: np.ndarray, batch: int = 100) -> float:
    """Share of images whose class has the highest u(T). batch : of importance for the "shared" trace only."""
    net.eval()
    flat = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32).reshape(len(images), -1))
    classes = torch.cat([net(part)[1][:, -1].argmax(1) for part in flat.split(batch)])
    return float((classes.numpy() == labels).mean())
