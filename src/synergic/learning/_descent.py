# SPDX-License-Identifier: BSD-3-Clause
"""The training loop that `train` and all families of experiments share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

Batch = TypeVar("Batch")


def shuffled(count: int, batch: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Return the indices 0 .. count - 1 in an order drawn from `generator`, `batch` at a time."""
    return torch.randperm(count, generator=generator).split(batch)


def descend(
    batches: Iterable[Batch],
    loss: Callable[[Batch], Tensor],
    optimizer: torch.optim.Optimizer,
    *,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    penalty: Callable[[], Tensor] | None = None,
    fixed: Iterable[torch.nn.Parameter] = (),
    after: Callable[[], None] | None = None,
) -> Iterator[tuple[Batch, Tensor]]:
    """Take one step of the optimizer for each batch.

    Parameters
    ----------
    batches : iterable
        What `loss` takes, one for each step.
    loss : callable
        The mean loss of a batch, to be differentiated.
    optimizer : torch.optim.Optimizer
        Changes the parameters.
    schedule : torch.optim.lr_scheduler.LRScheduler, optional
        Advanced after each step.
    penalty : callable, optional
        Is minimised together with the loss, and not reported.
    fixed : iterable of torch.nn.Parameter
        Parameters of the optimizer that these steps leave as they are.
    after : callable, optional
        Called after each step, before the schedule.

    Yields
    ------
    tuple
        The batch, and its loss before the step: a float64 tensor of no axes, on the device of the loss, because a
        Python number would wait for a GPU in every step.
    """
    fixed = tuple(fixed)
    for batch in batches:
        value = loss(batch)
        optimizer.zero_grad()
        (value if penalty is None else value + penalty()).backward()
        for parameter in fixed:
            parameter.grad = None  # which the optimizer leaves alone, its moments too
        optimizer.step()
        if after is not None:
            after()
        if schedule is not None:
            schedule.step()
        yield batch, value.detach().double()


def mean_loss(steps: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Run the steps of `descend`, and return the mean loss of a sample. The batches are indices of samples."""
    total, count = torch.zeros((), dtype=torch.float64), 0
    for batch, value in steps:
        total, count = total + value * len(batch), count + len(batch)
    return float(total) / count
