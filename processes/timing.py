# SPDX-License-Identifier: BSD-3-Clause
"""The clock of a process within a presentation."""

from __future__ import annotations

from typing import Any

from synergic.network import require


def check_timing(name: str, onset: int, period: int | None, lag: int = 0) -> dict[str, Any]:
    """The timing arguments as proc_params, refused unless whole numbers in range."""
    require(onset >= 0 and int(onset) == onset, f"{name}.onset", onset, "0, 1, ...", "")
    require(lag >= 0 and int(lag) == lag, f"{name}.lag", lag, "0, 1, ...", "")
    require(period is None or (period > 0 and int(period) == period), f"{name}.period", period, "None or 1, 2, ...", "")
    return {"onset": int(onset), "period": period, "lag": int(lag)}


def presentation_step(time_step: int, onset: int, period: int | None) -> int:
    """m = 1, 2, ... of the presentation at Lava's time step (1, 2, ...); 0 before the first one begins."""
    since = time_step - onset
    if since < 1:
        return 0
    return since if period is None else (since - 1) % period + 1
