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
"""Largest difference between a record and its repetition, of 1 or of the figure if that is larger: other machines
round otherwise."""


def numbers(value: Any, path: str = "") -> dict[str, float]:
    """All numbers of nested figures, by path."""
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        return {k: v for key, item in entries for k, v in numbers(item, f"{path}.{key}".strip(".")).items()}
    return {path: float(value)} if isinstance(value, int | float) else {}


def compare(recorded: dict[str, Any], again: dict[str, Any], console: Console | None = None) -> bool:
    """Print both; whether they hold the same figures, equal within TOLERANCE."""
    table = Table("figure", title="recorded and repeated")
    for heading in ("level", "recorded", "repeated"):
        table.add_column(heading, justify="right")
    levels = {f"curves.{k}.{i}": v for k, at in recorded.get("levels", {}).items() for i, v in enumerate(at)}
    was, now = ({k: v for k, v in numbers(f).items() if not k.startswith("levels.")} for f in (recorded, again))
    worst = 0.0 if was.keys() == now.keys() else float("inf")
    for path in was:
        shown = f"{now[path]:.4f}" if path in now else "missing"
        name = path.rpartition(".")[0] if path in levels else path
        table.add_row(name, str(levels.get(path, "")), f"{was[path]:.4f}", shown)
        worst = max(worst, abs(was[path] - now.get(path, float("inf"))) / max(1.0, abs(was[path])))
    console = console or Console()
    console.print(table)
    console.print(f"largest difference {worst:.4f}, allowed {TOLERANCE:.4f}")
    return worst <= TOLERANCE


def draw(record: dict[str, Any], path: Path) -> None:
    """The learning curve and the robustness curves of a run."""
    curves, levels = record["figures"].get("curves", {}), record["figures"].get("levels", {})
    figure = Figure(figsize=(4 * (1 + len(curves)), 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 1 + len(curves), squeeze=False)[0]
    plots.learning_curve(axes[0], [epoch["loss"] for epoch in record["history"]], "training")
    for at, kind in zip(axes[1:], curves, strict=True):
        plots.robustness(at, levels[kind], {record["config"].get("mode", "accuracy").upper(): [curves[kind]]}, kind)
    write_whole(path, lambda draft: figure.savefig(draft, dpi=110, format="png"))
