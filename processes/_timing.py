# SPDX-License-Identifier: BSD-3-Clause
"""The clock of a process within a presentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synergic._core.checks import whole


@dataclass(frozen=True)
class Timing:
    """The clock of a process, in Lava's time steps 1, 2, ...

    Attributes
    ----------
    onset : int, default 0
        Steps before the first presentation.
    period : int or None, default None
        Steps of a presentation. None: one presentation that does not end.
    presentations : int or None, default None
        Number of presentations, after which the process rests and its state stays. None: no end.
    lag : int, default 0
        First steps of a presentation in which a connection delivers no spikes; 0 on a forward path.
    """

    onset: int = 0
    period: int | None = None
    presentations: int | None = None
    lag: int = 0

    def check(self, name: str) -> Timing:
        """Itself, or ParameterError unless these are whole numbers in range."""
        for field, low, optional in (
            ("onset", 0, False),
            ("period", 1, True),
            ("presentations", 1, True),
            ("lag", 0, False),
        ):
            value: Any = getattr(self, field)
            if not (optional and value is None):
                remedy = "Steps are counted in whole numbers" + (", None is no end." if optional else ".")
                whole(f"{name}.{field}", value, low, float("inf"), remedy)
        return self

    def step(self, time_step: int) -> int:
        """m = 1, 2, ... of the presentation at a time step; 0 before the first one and after the last."""
        since = time_step - self.onset
        if since < 1:
            return 0
        if self.period is None:
            return since
        number, m = divmod(since - 1, self.period)
        return m + 1 if self.presentations is None or number < self.presentations else 0

    def presentation(self, time_step: int) -> int:
        """Which presentation, from 0, a time step belongs to."""
        return 0 if self.period is None else (time_step - self.onset - 1) // self.period
