# SPDX-License-Identifier: BSD-3-Clause
"""Memory for the large arrays of a training step, reused in the next step.

The C library gives blocks of this size back to the system as soon as they are free, and the system hands every page
out anew at the next step, empty: for a GP step of 784-512-10 that alone takes as long as all the loops over it.
"""

from __future__ import annotations

import math
import weakref
from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

SMALLEST = 1 << 16
"""Smallest block that is reused, in bytes."""
MOST = 1 << 28
"""Largest sum of the blocks that wait for their next use, in bytes."""

KIND = {torch.float32: np.float32, torch.float64: np.float64}
idle: defaultdict[int, list[np.ndarray]] = defaultdict(list)


def give_back(block: np.ndarray) -> None:
    """Take back a block whose last tensor is gone, for the next use."""
    if sum(b.nbytes for blocks in list(idle.values()) for b in list(blocks)) + block.nbytes <= MOST:
        idle[block.nbytes].append(block)


def release() -> None:
    """Give all idle memory back to the system."""
    idle.clear()


def empty(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """A tensor on the CPU, float32 or float64, its values arbitrary; its memory comes back here when it is freed."""
    size = math.prod(shape) * np.dtype(KIND[dtype]).itemsize
    if size < SMALLEST:
        return torch.empty(shape, dtype=dtype)
    block = None
    for large in sorted(n for n in list(idle) if size <= n <= 2 * size):  # a larger one rather than one more
        try:
            block = idle[large].pop()
            break
        except IndexError:
            continue
    if block is None:
        raw = np.empty(size + 64, np.uint8)
        start = -raw.ctypes.data % 64  # a vector register's worth, so that no access straddles two cache lines
        block = raw[start : start + size]
    # The tensor holds this one view, and with it goes; views that torch makes of the tensor hold its storage.
    view = block[:size].view(KIND[dtype]).reshape(shape)
    weakref.finalize(view, give_back, block).atexit = False
    return torch.from_numpy(view)


def like(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A tensor of the type and place of `values`, its own values arbitrary, in such memory if that can hold it."""
    holds = values.device.type == "cpu" and values.dtype in KIND
    return empty(tuple(shape), values.dtype) if holds else values.new_empty(shape)


def stored(values: Tensor) -> Tensor:
    """The same values in such memory, if that can hold them; a gradient does not pass."""
    if values.device.type != "cpu" or values.dtype not in KIND or torch.is_grad_enabled():
        return values
    return empty(tuple(values.shape), values.dtype).copy_(values)
