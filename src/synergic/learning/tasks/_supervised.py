# SPDX-License-Identifier: BSD-3-Clause
"""What the families of labelled samples share: Adam, a cosine schedule, a drawn order, the state between epochs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.func import functional_call

from synergic._core.checks import require
from synergic.learning._descent import descend, mean_loss, shuffled
from synergic.learning._layers import HybridNet
from synergic.learning._meta import Loss, Tensors, meta_gradient
from synergic.learning._parallel import average, mean, parallel, part_of_batch
from synergic.learning._tensors import checked_device
from synergic.learning._training import LOSSES, scores
from synergic.learning.tasks._trained_task import TrainedTask


class SupervisedTask(TrainedTask):
    """Trains `net` on samples, several at a step.

    config : with epochs, batch, lr, lr_theta, weight_decay, theta_decay, theta_every, look_ahead, second_order, readout
    and seed, as synergic.experiments.Supervised has them. samples : (count, ...), what the net hears, brought to
    the device and to float32 a batch at a time. labels : (count,) integers. device : of torch, where the net lives.
    """

    PARTS: ClassVar = ("net", "optimizer", "schedule", "order", "history")
    net: HybridNet

    def __init__(
        self, config: Any, net: HybridNet, samples: Tensor, labels: Tensor, device: str | torch.device = "cpu"
    ) -> None:
        self.device = checked_device(device)
        alternates = config.mode != "gp" and getattr(config, "trace", "") != "shared"
        got = f"{config.theta_every} in mode {config.mode}, trace {getattr(config, 'trace', 'per_sample')}"
        allowed = "0 in mode gp and with trace shared"
        require(not config.theta_every or alternates, "config.theta_every", got, allowed, "Leave it out.")
        self.config, self.net, self.samples, self.labels = config, net.to(self.device), samples, labels
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
        self.balance()

    def unit(self) -> dict[str, float]:
        """Train one pass over the training samples."""
        batches = shuffled(len(self.samples), self.config.batch, self.order)
        return {"loss": mean(mean_loss(self.steps(batches)))}

    def steps(self, batches: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, Tensor]]:
        """Take a step for each batch: of W and theta together, or of theta alone after each `theta_every` of W."""
        every = self.config.theta_every
        if not every:
            yield from descend(batches, self.batch_loss, self.optimizer, schedule=self.schedule, after=self.balance)
            return
        for start in range(0, len(batches), every + 1):
            group = batches[start : start + every + 1]
            yield from descend(
                group[:every], self.batch_loss, self.optimizer, schedule=self.schedule, after=self.balance,
                fixed=self.net.theta(),
            )  # fmt: skip
            if len(group) > every:
                # Not a step of `descend`: this gradient goes through a step of W, and is no gradient of one loss.
                yield group[-1], self.learn_theta(group[-2], group[-1])
                self.schedule.step()

    def batch_loss(self, chosen: Tensor) -> Tensor:
        """Return this process's part of the loss of a batch, given by the indices of its samples."""
        mine, weight = part_of_batch(chosen)
        samples, labels = self.batch(mine)
        spikes, u = self.model(samples)
        return weight * self.loss(spikes, u, labels)

    @torch.no_grad()
    def balance(self) -> None:
        """Where the settings say so, bring the slow weights of each hidden neuron to a sum of zero, as
        numerics.floating.balanced."""
        if getattr(self.config, "balanced", False):
            for layer in self.net.layers[:-1]:
                layer.weight.sub_(layer.weight.mean(1, keepdim=True))

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Training samples and labels, on the device."""
        return self.samples[rows].to(self.device).float(), self.labels[rows].to(self.device)

    def loss(self, spikes: Tensor, u: Tensor, labels: Tensor) -> Tensor:
        """Of the read-out that is trained."""
        return LOSSES[self.config.readout](spikes, u, labels, float(self.net.layers[-1].vth))

    def learn_theta(self, before: Tensor, chosen: Tensor) -> Tensor:
        """A step of theta: the loss on `chosen` after a step of W on `before`. The same in all processes."""
        theta = {id(p) for p in self.net.theta()}
        named = {name: p for name, p in self.net.named_parameters() if p.requires_grad}
        w = {name: p.detach() for name, p in named.items() if id(p) not in theta}
        held = {name: p.detach() for name, p in named.items() if id(p) in theta}

        def loss_on(rows: Tensor) -> Loss:
            samples, labels = self.batch(rows)

            def of(w: Tensors, theta: Tensors) -> Tensor:
                spikes, u = functional_call(self.net, {**w, **theta}, (samples,))
                return self.loss(spikes, u, labels)

            return of

        validation = loss_on(chosen)
        found = meta_gradient(loss_on(before), validation, w, held, self.config.look_ahead, self.config.second_order)
        self.optimizer.zero_grad()
        for name, gradient in found.items():
            named[name].grad = average(gradient.contiguous())  # dropout differs between processes
        self.optimizer.step()
        with torch.no_grad():
            _, weight = part_of_batch(chosen)
            return (weight * validation(w, held)).double()

    @torch.no_grad()
    def outputs(self, samples: Tensor, batch: int = 100) -> tuple[Tensor, Tensor]:
        """Spikes and potentials of the last layer, on the processor. batch : it matters to the "shared" trace only."""
        self.net.eval()
        parts = [self.net(part.to(self.device).float()) for part in samples.split(batch)]
        return torch.cat([p[0].cpu() for p in parts]), torch.cat([p[1].cpu() for p in parts])

    def accuracy(self, samples: Tensor, labels: Tensor, batch: int = 100) -> float:
        """Share of samples that are given their class."""
        classes = scores(*self.outputs(samples, batch), self.config.readout).argmax(1)
        return float((classes == labels).double().mean())
