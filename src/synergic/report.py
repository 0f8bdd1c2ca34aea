# SPDX-License-Identifier: BSD-3-Clause
"""What is shown of a run: recorded and repeated figures side by side, learning and robustness curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from synergic import plots
from synergic.files import write_whole

TOLERANCE = 0.002
"""Largest difference of an accuracy between a record and its repetition: other machines round otherwise."""


def compare(recorded: dict[str, Any], again: dict[str, Any], console: Console | None = None) -> bool:
    """Print both; whether they agree within TOLERANCE."""
    table = Table(title="accuracy, %")
    for heading in ("damage", "level", "recorded", "repeated"):
        table.add_column(heading, justify="left" if heading == "damage" else "right")
    worst = 0.0
    for kind, levels in recorded["levels"].items():
        for level, was, now in zip(levels, recorded["curves"][kind], again["curves"][kind], strict=True):
            table.add_row(kind, str(level), f"{100 * was:.2f}", f"{100 * now:.2f}")
            worst = max(worst, abs(was - now))
    console = console or Console()
    console.print(table)
    console.print(f"largest difference {100 * worst:.2f} points, allowed {100 * TOLERANCE:.2f}")
    return worst <= TOLERANCE


def draw(record: dict[str, Any], path: Path) -> None:
    """The learning curve and the robustness curves of a run."""
    curves, levels = record["figures"]["curves"], record["figures"]["levels"]
    figure = Figure(figsize=(4 * (1 + len(curves)), 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 1 + len(curves))
    plots.learning_curve(axes[0], [epoch["loss"] for epoch in record["history"]], "training")
    for at, kind in zip(axes[1:], curves, strict=True):
        plots.robustness(at, levels[kind], {record["config"]["mode"].upper(): [curves[kind]]}, kind)
    write_whole(path, lambda draft: figure.savefig(draft, dpi=110, format="png"))
