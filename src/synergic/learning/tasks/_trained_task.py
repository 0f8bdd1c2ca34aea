# SPDX-License-Identifier: BSD-3-Clause
"""What all families share: the unit of training with its record, and the state between two units."""

from __future__ import annotations

import math
import time
from typing import Any, ClassVar

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR


class TrainedTask:
    """A task that trains in units, and whose state between two units can be saved and loaded.

    A family defines `unit` and names in `PARTS` the attributes that training changes.

    Attributes
    ----------
    net : torch.nn.Module
        What is trained.
    history : list of dict
        The record of each unit: its mean "loss", the "seconds" it took, and further figures of the family.
    """

    PARTS: ClassVar[tuple[str, ...]] = ("net", "history")
    net: nn.Module
    history: list[dict[str, float]]

    def __init__(self) -> None:
        self.history = []

    def unit(self) -> dict[str, float]:
        """Train one unit, and return its figures, "loss" among them."""
        raise NotImplementedError

    def epoch(self) -> None:
        """Train one unit, and append its figures and its seconds to `history`."""
        began = time.perf_counter()
        self.net.train()
        figures = self.unit()
        self.history.append({**figures, "seconds": time.perf_counter() - began})

    def state(self) -> dict[str, Any]:
        """Return the state after a whole unit: tensors, numbers, and dicts and lists of them."""
        return {name: state_of(getattr(self, name)) for name in self.PARTS}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state.

        Parameters
        ----------
        state : dict
            What `state` returned, of a task with the same settings.
        """
        for name in self.PARTS:
            part = getattr(self, name)
            if isinstance(part, torch.Generator):
                part.set_state(state[name])
            elif isinstance(part, CosineAnnealingLR):
                go_on(part, state[name])
            elif hasattr(part, "load_state_dict"):
                part.load_state_dict(state[name])
            elif part is not None:
                setattr(self, name, state[name])


def state_of(part: Any) -> Any:
    """Return a part as a checkpoint holds it: an optional part that a task does without is an empty dict."""
    if isinstance(part, torch.Generator):
        return part.get_state()
    if hasattr(part, "state_dict"):
        return part.state_dict()
    return {} if part is None else part


def go_on(schedule: CosineAnnealingLR, state: dict[str, Any]) -> None:
    """Load the state of a schedule. One of another length goes on where it is, at the rates of its own length.

    The optimizer of the schedule must have its state already: the rates are set anew in it.
    """
    length = schedule.T_max
    schedule.load_state_dict(state)
    if schedule.T_max != length:
        schedule.T_max = length
        done = (1 + math.cos(math.pi * schedule.last_epoch / length)) / 2
        rates = [schedule.eta_min + (base - schedule.eta_min) * done for base in schedule.base_lrs]
        for group, rate in zip(schedule.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        schedule._last_lr = rates
