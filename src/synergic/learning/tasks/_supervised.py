# SPDX-License-Identifier: BSD-3-Clause
"""What the families of labelled samples share: Adam, a cosine schedule, a drawn order, the state between epochs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from synergic._core.checks import require
from synergic.experiments import Supervised
from synergic.learning._descent import descend, mean_loss, shuffled
from synergic.learning._hybrid_net import HybridNet
from synergic.learning._meta import Loss, Tensors, meta_gradient
from synergic.learning._own_data import require_finite
from synergic.learning._parallel import average, mean, parallel, part_of_batch
from synergic.learning._tensors import checked_device
from synergic.learning._training import LOSSES, scores
from synergic.learning.tasks._trained_task import TrainedTask


class SupervisedTask(TrainedTask):
    """Trains a net on labelled samples: AdamW with a cosine schedule, the samples in an order drawn from the seed.

    Parameters
    ----------
    config : Supervised
        The settings of training: epochs, batch, rates, decays, theta_every, look_ahead, second_order, readout and seed.
    net : HybridNet
        The untrained net.
    samples : torch.Tensor
        (count, ...): what the net receives. A batch at a time is brought to the device and to float32.
    labels : torch.Tensor
        int64, (count,): the classes.
    device : str or torch.device, default "cpu"
        Where torch trains.

    Attributes
    ----------
    net : HybridNet
        The net, on the device.
    optimizer, schedule, order
        State of training: the optimizer, its schedule, and the generator of the order.

    Raises
    ------
    ParameterError
        For an alternation of W and theta in a mode without it, and for a device that cannot be used.
    """

    PARTS: ClassVar[tuple[str, ...]] = ("net", "optimizer", "schedule", "order", "history")
    net: HybridNet
    device: torch.device
    config: Supervised
    samples: Tensor
    labels: Tensor
    model: nn.Module
    optimizer: torch.optim.AdamW
    schedule: torch.optim.lr_scheduler.CosineAnnealingLR
    order: torch.Generator

    def __init__(
        self, config: Supervised, net: HybridNet, samples: Tensor, labels: Tensor, device: str | torch.device = "cpu"
    ) -> None:
        self.device = checked_device(device)
        require_finite(f"{type(self).__name__}.samples", samples)
        alternates = config.mode != "gp" and getattr(config, "plasticity_scope", "") != "shared"
        scope = getattr(config, "plasticity_scope", "per_sample")
        got = f"{config.theta_every} in mode {config.mode}, plasticity_scope {scope}"
        allowed = "0 in mode gp and with plasticity_scope shared"
        require(not config.theta_every or alternates, "config.theta_every", got, allowed, "Leave it out.")
        self.config, self.net, self.samples, self.labels = config, net.to(self.device), samples, labels
        self.model = parallel(net)
        groups: list[dict[str, Any]] = [
            {"params": net.slow(), "lr": config.lr, "weight_decay": config.weight_decay},
            {"params": net.theta(), "lr": config.lr_theta, "weight_decay": config.theta_decay},
        ]
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]], fused=True)
        batches = -(-len(samples) // config.batch)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, config.epochs * batches)
        self.order = torch.Generator().manual_seed(config.seed)
        super().__init__()
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
        """Bring the slow weights of each hidden neuron to a sum of zero, if the settings ask for it."""
        if getattr(self.config, "balanced", False):
            for layer in self.net.layers[:-1]:
                layer.weight.sub_(layer.weight.mean(1, keepdim=True))

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return training samples and labels, on the device. rows : (batch,) indices."""
        return self.samples[rows].to(self.device).float(), self.labels[rows].to(self.device)

    def loss(self, spikes: Tensor, u: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of the read-out that is trained. spikes, u : (batch, T, classes); labels : (batch,)."""
        return LOSSES[self.config.readout](spikes, u, labels, float(self.net.layers[-1].vth))

    def learn_theta(self, before: Tensor, chosen: Tensor) -> Tensor:
        """Take a step of theta: the loss on `chosen` after a step of W on `before`. The same in all processes."""
        theta = {id(p) for p in self.net.theta()}
        named = {name: p for name, p in self.net.named_parameters() if p.requires_grad}
        w = {name: p.detach() for name, p in named.items() if id(p) not in theta}
        thetas = {name: p.detach() for name, p in named.items() if id(p) in theta}

        def loss_on(rows: Tensor) -> Loss:
            """Return the loss on some samples, as a function of W and theta."""
            samples, labels = self.batch(rows)

            def of(w: Tensors, theta: Tensors) -> Tensor:
                """Return the loss for these W and theta."""
                spikes, u = functional_call(self.net, {**w, **theta}, (samples,))
                return self.loss(spikes, u, labels)

            return of

        validation = loss_on(chosen)
        found = meta_gradient(loss_on(before), validation, w, thetas, self.config.look_ahead, self.config.second_order)
        self.optimizer.zero_grad()
        for name, gradient in found.items():
            named[name].grad = average(gradient.contiguous())  # dropout differs between processes
        self.optimizer.step()
        with torch.no_grad():
            _, weight = part_of_batch(chosen)
            return (weight * validation(w, thetas)).double()

    @torch.no_grad()
    def outputs(self, samples: Tensor, batch: int = 100) -> tuple[Tensor, Tensor]:
        """Return spikes and potentials of the last layer, on the processor, in eval mode.

        Parameters
        ----------
        samples : torch.Tensor
            (count, ...): what the net receives.
        batch : int, default 100
            Samples at a time. It changes the result for plasticity_scope "shared" only.

        Returns
        -------
        spikes, u : torch.Tensor
            Each (count, T, classes).
        """
        require_finite(f"{type(self).__name__}.outputs.samples", samples)
        self.net.eval()
        parts = [self.net(part.to(self.device).float()) for part in samples.split(batch)]
        return torch.cat([p[0].cpu() for p in parts]), torch.cat([p[1].cpu() for p in parts])

    def accuracy(self, samples: Tensor, labels: Tensor, batch: int = 100) -> float:
        """Return the share of samples that are given their class, 0 to 1.

        Parameters
        ----------
        samples : torch.Tensor
            (count, ...): what the net receives.
        labels : torch.Tensor
            int64, (count,): the classes.
        batch : int, default 100
            Samples at a time. It changes the result for plasticity_scope "shared" only.
        """
        classes = scores(*self.outputs(samples, batch), self.config.readout).argmax(1)
        return float((classes == labels).double().mean())
