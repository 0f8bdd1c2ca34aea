# SPDX-License-Identifier: BSD-3-Clause
"""Training by several processes that `torchrun` starts; by one without it. torch does the work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from synergic._core.checks import require


@contextmanager
def processes() -> Iterator[bool]:
    """Join the processes that torchrun started, if it did. Yields whether this one writes files."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    distributed.init_process_group("gloo")
    try:
        yield distributed.get_rank() == 0
    finally:
        distributed.destroy_process_group()


def parallel(net: nn.Module) -> nn.Module:
    """The module whose gradients are the mean over all processes; the module itself if there is but one."""
    return DistributedDataParallel(net) if distributed.is_initialized() else net


def part_of_batch(chosen: Tensor) -> tuple[Tensor, float]:
    """This process's part of a batch, and the weight of its mean loss.

    The mean over n processes of the gradients of (n B_r / B) L_r, with L_r the mean over B_r of B samples, is the
    gradient of the mean over all B: the step is that of one process. Raises ParameterError for a batch with fewer
    samples than processes.
    """
    if not distributed.is_initialized():
        return chosen, 1.0
    n = distributed.get_world_size()
    require(len(chosen) >= n, "batch", f"{len(chosen)} samples", f"{n} processes or more", "Use larger batches.")
    mine = chosen[distributed.get_rank() :: n]
    return mine, n * len(mine) / len(chosen)


def mean(value: float) -> float:
    """The mean of a figure over all processes."""
    return float(average(torch.tensor(value, dtype=torch.float64)))


def average(value: Tensor) -> Tensor:
    """The mean over all processes, in place."""
    if distributed.is_initialized():
        distributed.all_reduce(value)
        value /= distributed.get_world_size()
    return value
