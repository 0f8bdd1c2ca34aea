# SPDX-License-Identifier: BSD-3-Clause
"""What the families of labelled samples share: Adam, a cosine schedule, a drawn order, the state between epochs."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from synergic.learning.layers import HybridNet
from synergic.learning.parallel import mean, parallel, share
from synergic.learning.training import LOSSES, scores


class SupervisedTask:
    """Trains `net` on samples, several at a step.

    config : with epochs, batch, lr, lr_theta, weight_decay, theta_decay, readout and seed, as
    synergic.experiments.Classification has them. samples : (count, ...), what the net hears, converted to float32 a
    batch at a time. labels : (count,) integers.
    """

    def __init__(self, config: Any, net: HybridNet, samples: Tensor, labels: Tensor) -> None:
        self.config, self.net, self.samples, self.labels = config, net, samples, labels
        self.model = parallel(net)
        groups: list[dict[str, Any]] = [
            {"params": net.slow(), "lr": config.lr, "weight_decay": config.weight_decay},
            {"params": net.theta(), "lr": config.lr_theta, "weight_decay": config.theta_decay},
        ]
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]])
        batches = -(-len(samples) // config.batch)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, config.epochs * batches)
        self.order = torch.Generator().manual_seed(config.seed)
        self.history: list[dict[str, float]] = []

    def epoch(self) -> None:
        """One pass over the training samples."""
        began, total = time.perf_counter(), 0.0
        vth, loss_of = float(self.net.layers[-1].vth), LOSSES[self.config.readout]
        self.net.train()
        for chosen in torch.randperm(len(self.samples), generator=self.order).split(self.config.batch):
            mine, weight = share(chosen)
            spikes, u = self.model(self.samples[mine].float())
            loss = weight * loss_of(spikes, u, self.labels[mine], vth)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            total += float(loss.detach()) * len(chosen)
        self.history.append({"loss": mean(total / len(self.samples)), "seconds": time.perf_counter() - began})

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

    @torch.no_grad()
    def outputs(self, samples: Tensor, batch: int = 100) -> tuple[Tensor, Tensor]:
        """Spikes and potentials of the last layer. batch : of importance for the "shared" trace only."""
        self.net.eval()
        parts = [self.net(part.float()) for part in samples.split(batch)]
        return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])

    def accuracy(self, samples: Tensor, labels: Tensor, batch: int = 100) -> float:
        """Share of samples that are given their class."""
        classes = scores(*self.outputs(samples, batch), self.config.readout).argmax(1)
        return float((classes == labels).double().mean())
