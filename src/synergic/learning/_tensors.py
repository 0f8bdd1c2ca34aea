# SPDX-License-Identifier: BSD-3-Clause
"""Refusing tensors and devices that do not fit where they enter."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from synergic._core.checks import kind, require
from synergic.errors import ParameterError


def tensor(where: str, value: Any, axes: str, finite: bool = False) -> Tensor:
    """A tensor of real numbers with the axes named in `axes`, as "(batch, T, n)", none of them 0. finite : also look
    for NaN. Raises ParameterError."""
    kind(where, value, Tensor, "Make one with torch.as_tensor(...).")
    found: Tensor = value
    require(found.is_floating_point(), where, f"{found.dtype}", "real numbers", "Call float().")
    fits = found.ndim == axes.count(",") + 1 and found.numel() > 0
    require(fits, where, f"shape {tuple(found.shape)}", f"{axes}, none of them 0", "Check the axes.")
    require(not finite or bool(torch.isfinite(found).all()), where, "NaN or infinite", "finite numbers", "Check them.")
    return found


def check_input(where: str, value: Any, weights: Tensor | None = None) -> None:
    """Refuse as the input of a layer what is no tensor of real numbers, or of another precision than its weights unless
    torch converts by itself; its shape is the layer's affair. Raises ParameterError."""
    kind(where, value, Tensor, "Make one with torch.as_tensor(...).")
    require(value.is_floating_point(), where, f"{value.dtype}", "real numbers", "Call float().")
    if weights is not None and not (torch.is_autocast_enabled() or torch.is_autocast_enabled("cpu")):
        fits, wanted = value.dtype == weights.dtype, f"{weights.dtype}, as the layer's weights"
        require(fits, where, f"{value.dtype}", wanted, "Convert one of them by to(...).")


def clip(x: Tensor, bound: float) -> Tensor:
    """x within +-bound, with the gradient 1 on the bound itself and 0 beyond. torch.clamp's gradient on the bound is 1
    in torch 2.3 and 0 in torch 2.15, and a P that stays on its bound must not train otherwise for it."""
    return torch.where(x.abs() > bound, x.detach().clamp(-bound, bound), x)


def class_labels(where: str, labels: Any, samples: int, n: int) -> Tensor:
    """Labels (samples,), integers of 0 .. n - 1. Raises ParameterError."""
    kind(where, labels, Tensor, "Make one with torch.as_tensor(...).")
    found: Tensor = labels
    fits, got = found.dtype == torch.int64 and found.shape == (samples,), f"shape {tuple(found.shape)}, {found.dtype}"
    require(fits, where, got, f"({samples},) of int64", "Give the number of a class a sample.")
    low, high = (int(x) for x in torch.aminmax(found))
    require(low >= 0 and high < n, where, f"classes from {low} to {high}", f"0 to {n - 1}", "Count from 0.")
    return found


def checked_device(device: Any) -> torch.device:
    """A device that torch can use now, given as its name or as torch has it. Raises ParameterError."""
    there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    allowed, remedy = f"one that torch can use here: {', '.join(there)}", "Leave it out for the processor."
    kind("device", device, str | torch.device, f"Allowed is {allowed}.")
    try:
        found = torch.device(device)
        if found.type not in ("cpu", "cuda"):
            raise RuntimeError("neither a processor nor a GPU")
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ParameterError(f"device: got {device!r} ({reason}), allowed {allowed}. {remedy}") from error
    return found


def as_rows(images: npt.NDArray[Any]) -> Tensor:
    """(samples, ...) as float32, (samples, pixels)."""
    return torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32).reshape(len(images), -1))


def in_every_step(images: Tensor, steps: int) -> npt.NDArray[np.uint8]:
    """Images (samples, pixels) of 0 .. 1 as values of 8 bits, the same in every step: (samples, T, pixels)."""
    values = (255 * images).round().to(torch.uint8)
    return values[:, None].expand(-1, steps, -1).contiguous().numpy()
