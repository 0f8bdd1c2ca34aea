# SPDX-License-Identifier: BSD-3-Clause
"""Runs of one experiment that differ in their seed, trained beside each other in one process."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR

from synergic._core.checks import function, require, whole
from synergic._core.files import alone_in, check_path
from synergic.experiments import CHECKPOINT
from synergic.learning._descent import shuffled
from synergic.learning._many_nets import ManyNets
from synergic.learning._training import LOSSES, TARGET_CLIP
from synergic.learning.tasks._families import family_of, open_task
from synergic.learning.tasks._runs import go_on_or_begin, make_folder, run, write_checkpoint
from synergic.learning.tasks._supervised import SupervisedTask


def trains_as_one(task: Any) -> bool:
    """Return whether tasks like this one, which differ in the seed, can be trained as one: `ManyNets` takes the net."""
    one_process = not distributed.is_initialized()
    return one_process and isinstance(task, SupervisedTask) and not task.config.theta_every and ManyNets.takes(task.net)


class TrainedAsOne:
    """The tasks of `trains_as_one`. After an epoch each task has the state that it would have alone, bit for bit.

    Parameters
    ----------
    tasks : sequence of SupervisedTask
        Tasks whose nets, optimizers and schedules have come equally far.
    """

    def __init__(self, tasks: Sequence[SupervisedTask]) -> None:
        self.tasks: tuple[SupervisedTask, ...] = tuple(tasks)
        self.nets: ManyNets = ManyNets([task.net for task in tasks])
        one = tasks[0].optimizer
        names = {id(p): name for name, p in tasks[0].net.named_parameters()}
        stacked = [[self.nets.stacked[names[id(p)]] for p in group["params"]] for group in one.param_groups]
        self.stacked: list[Tensor] = [values for of_group in stacked for values in of_group]
        # The optimizer sees each net's part by itself: the compiled one rounds the last few numbers of a tensor, which
        # fill no vector register, otherwise than the rest.
        groups = [
            {**group, "params": [part for values in of_group for part in values.detach()]}
            for group, of_group in zip(one.param_groups, stacked, strict=True)
        ]
        self.optimizer: torch.optim.AdamW = torch.optim.AdamW(groups)
        self.schedule: CosineAnnealingLR = CosineAnnealingLR(self.optimizer, tasks[0].schedule.T_max)

    def pairs(self) -> list[tuple[Tensor, Tensor, torch.optim.Optimizer]]:
        """Return the optimizer's parameters, each with that of a task and the task's own optimizer."""
        theirs = [[p for group in task.optimizer.param_groups for p in group["params"]] for task in self.tasks]
        mine = iter([p for group in self.optimizer.param_groups for p in group["params"]])
        each = [(task, p) for of_nets in zip(*theirs, strict=True) for task, p in zip(self.tasks, of_nets, strict=True)]
        return [(next(mine), p, task.optimizer) for task, p in each]

    def collect(self) -> None:
        """Take parameters, moments and rates of the tasks."""
        self.nets.collect()
        for mine, theirs, optimizer in self.pairs():
            if theirs in optimizer.state:
                self.optimizer.state[mine] = {name: value.clone() for name, value in optimizer.state[theirs].items()}
        self.schedule.load_state_dict(self.tasks[0].schedule.state_dict())
        for group, other in zip(self.optimizer.param_groups, self.tasks[0].optimizer.param_groups, strict=True):
            group["lr"] = other["lr"]

    def hand_back(self) -> None:
        """Give the tasks their parameters, moments and rates."""
        self.nets.hand_back()
        for mine, theirs, optimizer in self.pairs():
            if mine in self.optimizer.state:
                optimizer.state[theirs] = {name: value.clone() for name, value in self.optimizer.state[mine].items()}
        for task in self.tasks:
            task.schedule.load_state_dict(self.schedule.state_dict())
            for group, other in zip(task.optimizer.param_groups, self.optimizer.param_groups, strict=True):
                group["lr"] = other["lr"]

    def epoch(self) -> None:
        """Train one pass over the training samples, and append a record to each task's history.

        "seconds" of a record is a task's share: the time of all, divided by their number.
        """
        began = time.perf_counter()
        for task in self.tasks:
            task.net.train()
        self.collect()
        batches = [shuffled(len(task.samples), task.config.batch, task.order) for task in self.tasks]
        total = torch.zeros(len(self.tasks), dtype=torch.float64)
        for chosen in zip(*batches, strict=True):
            total += len(chosen[0]) * self.step(chosen)
        self.hand_back()
        seconds = (time.perf_counter() - began) / len(self.tasks)
        for task, loss in zip(self.tasks, total, strict=True):
            task.history.append({"loss": float(loss) / len(task.samples), "seconds": seconds})

    def step(self, chosen: Sequence[Tensor]) -> Tensor:
        """Take a step on a batch for each task, given by indices. Returns the loss of each before it, float64."""
        given = [task.batch(rows) for task, rows in zip(self.tasks, chosen, strict=True)]
        samples, labels = (torch.stack(part) for part in zip(*given, strict=True))
        spikes, u = self.nets(samples)
        losses = self.losses(spikes, u, labels)
        for stacked in self.stacked:
            stacked.grad = None
        losses.sum().backward()
        grads = (grad for stacked in self.stacked for grad in self.split(stacked.grad))
        for group in self.optimizer.param_groups:
            for part in group["params"]:
                part.grad = next(grads)
        self.optimizer.step()
        self.balance()
        self.schedule.step()
        return losses.detach().double()

    def split(self, grad: Tensor | None) -> Sequence[Tensor | None]:
        """Return each net's part of a gradient."""
        return [None] * len(self.tasks) if grad is None else grad.unbind()

    def losses(self, spikes: Tensor, u: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each net, (nets,). spikes, u : (nets, batch, T, classes); labels : (nets, batch)."""
        config, vth = self.tasks[0].config, float(self.nets.nets[0].layers[-1].vth)
        if config.readout != "rank":
            parts = zip(spikes, u, labels, strict=True)
            return torch.stack([LOSSES[config.readout](s, v, wanted, vth) for s, v, wanted in parts])
        # As rank_loss, whose checks would cost more than the arithmetic of a small net.
        found, target = (u[:, :, -1] / vth).clamp(max=TARGET_CLIP), functional.one_hot(labels, u.shape[-1]).to(u.dtype)
        return torch.stack([functional.mse_loss(a, b) for a, b in zip(found.unbind(0), target, strict=True)])

    @torch.no_grad()
    def balance(self) -> None:
        """As `SupervisedTask.balance`, of all nets."""
        if getattr(self.tasks[0].config, "balanced", False):
            for i in range(len(self.nets.nets[0].layers) - 1):
                weight = self.nets.named(i, "weight")
                weight.sub_(weight.mean(2, keepdim=True))


def run_seeds(
    config: Any,
    seeds: Sequence[int],
    folders: Sequence[Path],
    data: Path | None = None,
    device: str = "cpu",
    progress: Callable[[Any, dict[str, float]], None] | None = None,
) -> list[dict[str, Any]]:
    """Train an experiment with several seeds, each in its own folder, or go on where an interrupted run stopped.

    Networks of fully connected Hebbian layers and networks without local weights take their steps as one, which is
    faster the smaller they are. Others are trained one after the other. Either way each run ends as `run` ends it
    alone.

    Parameters
    ----------
    config : dataclass
        Settings of `synergic.experiments`; its own seed is not used.
    seeds : sequence of int
        The seeds, each once.
    folders : sequence of pathlib.Path
        A folder a seed, as `run` writes it.
    data, device
        Of `open_task`.
    progress : callable, optional
        Called after each epoch of each task with the task and its entry of the history.

    Returns
    -------
    list of dict
        The record of each run, of `run`.

    Raises
    ------
    ParameterError
        For no seeds, a seed or folder that is given twice, a folder that cannot be used or that holds a run with other
        settings, and as `open_task`.
    DataError
        If the data set is nowhere to be had.
    FormatError
        For a damaged file.
    """
    family_of(config)
    for name, several in (("seeds", seeds), ("folders", folders)):
        listed = isinstance(several, Sequence) and not isinstance(several, str)
        require(
            listed, f"run_seeds.{name}", repr(several), f"a list or tuple of {name}", "Give several, or one in a list."
        )
    numbers = [whole("run_seeds.seeds", seed, 0, 2**63 - 1, "Give whole numbers.") for seed in seeds]
    fits = len(numbers) > 0 and len(set(numbers)) == len(numbers)
    require(fits, "run_seeds.seeds", str(list(seeds)), "one seed or more, each once", "Leave the others out.")
    places = [check_path("run_seeds.folders", folder) for folder in folders]
    got, want = f"{len(places)}, of them {len(set(places))} different", f"{len(numbers)}, one for each seed"
    require(len(places) == len(set(places)) == len(numbers), "run_seeds.folders", got, want, "Give each run its own.")
    if progress is not None:
        function("run_seeds.progress", progress)

    def opened(seed: int) -> Any:
        """Return the untrained task of a seed."""
        return open_task(dataclasses.replace(config, seed=seed), data, device)

    def finished(task: Any, place: Path) -> dict[str, Any]:
        """Train what is left, evaluate, and return the record."""
        return run(task, place, None if progress is None else lambda entry: progress(task, entry))

    first = opened(numbers[0])
    if len(numbers) == 1 or not trains_as_one(first):
        # Each is opened when the one before has ended: dropout draws from torch's own generator.
        return [finished(first, places[0])] + [
            finished(opened(n), p) for n, p in zip(numbers[1:], places[1:], strict=True)
        ]
    tasks = [first, *(opened(seed) for seed in numbers[1:])]
    for task in tasks[1:]:
        share(task, first)
    with contextlib.ExitStack() as locks:
        for place in places:
            make_folder(place)
            locks.enter_context(alone_in(place))
        train_together(config, list(zip(tasks, places, strict=True)), progress)
    return [finished(task, place) for task, place in zip(tasks, places, strict=True)]


def train_together(config: Any, runs: list[tuple[Any, Path]], progress: Callable[[Any, Any], None] | None) -> None:
    """Train tasks in their folders, as one where they are equally far."""
    for task, place in runs:
        go_on_or_begin(task, place, True)
    while (least := min(len(task.history) for task, _ in runs)) < config.epochs:
        # After an interruption between two checkpoints some are an epoch ahead: they wait for the others.
        behind = [(task, place) for task, place in runs if len(task.history) == least]
        now = [task for task, _ in behind]
        (TrainedAsOne(now) if len(now) > 1 else now[0]).epoch()
        for task, place in behind:
            write_checkpoint(task, place / CHECKPOINT)
            if progress is not None:
                progress(task, task.history[-1])


def share(task: Any, other: Any) -> None:
    """Let a task hold the samples of another one where they are the same: in memory once."""
    for part in ("samples", "labels", "test", "test_labels"):
        mine, theirs = getattr(task, part, None), getattr(other, part, None)
        if isinstance(mine, Tensor) and isinstance(theirs, Tensor) and torch.equal(mine, theirs):
            setattr(task, part, theirs)
