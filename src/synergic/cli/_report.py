# SPDX-License-Identifier: BSD-3-Clause
"""What is shown of runs and files: recorded and repeated figures side by side, curves, and what `synergic report`
prints of several inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from synergic import _page as page
from synergic import plots
from synergic._core.checks import kinds, require
from synergic._core.files import check_folder, check_path, write_json, write_whole
from synergic._core.outputs import check_outputs
from synergic.cli._overview import ALLOWED, Overview, overview

TOLERANCE = 0.002
"""Largest difference between a record and its repetition, of 1 or of the figure if that is larger: other machines
round otherwise."""
SHARES = {
    "accuracy", "forgetting", "fewer_right_of_the_first_ten", "standard_error", "curves", "matrix", "fixed_chip",
    "classes_float_fixed", "share of weights that are 0",
}  # fmt: skip
"""Names of figures that are shares of 1."""
COLUMNS = 3
"""Panels beside each other in `draw`: the axes of more cannot be read."""


def numbers(value: Any, path: str = "") -> dict[str, float]:
    """All numbers of nested figures, by path."""
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        return {k: v for key, item in entries for k, v in numbers(item, f"{path}.{key}".strip(".")).items()}
    return {path: float(value)} if isinstance(value, int | float) else {}


def compare(recorded: dict[str, Any], again: dict[str, Any], console: Console | None = None) -> bool:
    """Print both; whether they hold the same figures, equal within TOLERANCE. Raises ParameterError."""
    kinds("compare", recorded=(recorded, dict), again=(again, dict), console=(console, Console | None))
    table = Table("figure", title="recorded and repeated")
    for heading in ("level", "recorded", "repeated"):
        table.add_column(heading, justify="right")
    levels = {f"curves.{k}.{i}": v for k, at in recorded.get("levels", {}).items() for i, v in enumerate(at)}
    was, now = ({k: v for k, v in numbers(f).items() if not k.startswith("levels.")} for f in (recorded, again))
    worst = 0.0 if was.keys() == now.keys() else float("inf")
    for path in was:
        shown = cell("", path, now[path]) if path in now else "missing"
        name = path.rpartition(".")[0] if path in levels else path
        table.add_row(name, str(levels.get(path, "")), cell("", path, was[path]), shown)
        worst = max(worst, abs(was[path] - now.get(path, float("inf"))) / max(1.0, abs(was[path])))
    console = console or Console()
    console.print(table)
    console.print(f"largest difference {page.per_cent(worst)}, allowed {page.per_cent(TOLERANCE)}")
    return worst <= TOLERANCE


def draw(record: dict[str, Any], path: Path) -> None:
    """The learning curve and the robustness curves of a run, as a PNG. record : of a run, with "figures", "history" and
    "config". Raises ParameterError."""
    kinds("draw", record=(record, dict))
    missing = {"figures", "history", "config"} - record.keys()
    allowed = "the record of a run, with figures, history and config"
    require(not missing, "draw.record", f"one without {sorted(missing)}", allowed, "learning.runs.run() gives one.")
    check_folder(path, "draw.path")
    curves, levels = record["figures"].get("curves", {}), record["figures"].get("levels", {})
    figure = panels(1 + len(curves))
    axes = figure.axes
    plots.learning_curve(axes[0], [epoch["loss"] for epoch in record["history"]], "training")
    for at, kind in zip(axes[1:], curves, strict=True):
        plots.robustness(at, levels[kind], {record["config"].get("mode", "accuracy").upper(): [curves[kind]]}, kind)
    write_whole(path, lambda draft: figure.savefig(draft, dpi=110, format="png"))


def panels(count: int) -> Figure:
    """A figure with so many axes, in rows that fit a page."""
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(4 * columns, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for i in range(count):
        figure.add_subplot(rows, columns, i + 1)
    return figure


def cell(title: str, row: str, value: Any) -> str:
    """A figure as all reports show it: accuracies, and what is made of them, in per cent."""
    share = not SHARES.isdisjoint([title.partition(":")[0], *row.split(".")])
    return page.per_cent(value) if share and isinstance(value, int | float) else page.shown(value)


def rank(title: str) -> int:
    """Where a section stands: what was measured, then how it was asked for, then by what."""
    return {"settings": 1, "versions": 2}.get(title, 0)


def beside(shown: Sequence[Overview]) -> list[page.Table]:
    """Tables with a column an input for what several have, and those that belong to one."""
    names = unique([o.name for o in shown])
    tables = [page.Table("what is shown", [(n, o.kind) for n, o in zip(names, shown, strict=True)], ("input", "what"))]
    for title in sorted(dict.fromkeys(title for o in shown for title in o.sections), key=rank):
        having = [(name, o.sections[title]) for name, o in zip(names, shown, strict=True) if title in o.sections]
        rows = dict.fromkeys(row for _, section in having for row in section)
        header = ("", *(name for name, _ in having))
        cells = [(row, *(cell(title, row, s[row]) if row in s else "" for _, s in having)) for row in rows]
        tables.append(page.Table(title, cells, header))
    for name, o in zip(names, shown, strict=True):
        tables += [page.grid(title if len(shown) == 1 else f"{name}: {title}", rows)
                   for title, rows in o.tables.items() if rows]  # fmt: skip
    return tables


def unique(names: Sequence[str]) -> list[str]:
    """Names that differ: those of equal files get a number."""
    return [n if names.count(n) == 1 else f"{n} ({i})" for i, n in enumerate(names, 1)]


def curves(shown: Sequence[Overview]) -> dict[str, Callable[[Any], Any]]:
    """Return functions that draw each plot on matplotlib axes, by caption: learning curves and damage curves."""
    names = unique([o.name for o in shown])
    plotted: dict[str, Callable[[Any], Any]] = {}
    for kind in dict.fromkeys(kind for o in shown for kind in o.curves):
        lines = {n: o.curves[kind] for n, o in zip(names, shown, strict=True) if kind in o.curves}
        plotted[f"accuracy: {kind}"] = partial(draw_curves, lines=lines)
    if losses := {n: o.losses for n, o in zip(names, shown, strict=True) if o.losses}:
        plotted["training loss"] = partial(draw_losses, losses=losses)
    return plotted


def answer(shown: Sequence[Overview]) -> str:
    """The accuracy of every run, in a sentence; of other inputs nothing."""
    names = unique([o.name for o in shown])
    right = [
        f"{name}: {page.per_cent(o.sections['figures']['accuracy'])} right"
        for name, o in zip(names, shown, strict=True)
        if o.losses and isinstance(o.sections["figures"].get("accuracy"), int | float)
    ]
    return f"{'; '.join(right)}." if right else ""


def draw_losses(axes: Any, losses: dict[str, list[float]]) -> Any:
    """The learning curves of several runs."""
    for values in losses.values():
        plots.learning_curve(axes, values)
    axes.legend(list(losses))
    return axes


def draw_curves(axes: Any, lines: dict[str, tuple[list[float], list[float]]]) -> Any:
    """Curves of several runs over their own levels."""
    for name, (levels, values) in lines.items():
        plots.robustness(axes, levels, {name: [values]})
    return axes


def report(
    paths: Sequence[Path], html: Path | None = None, json_file: Path | None = None, console: Console | None = None
) -> dict[str, Any]:
    """Print what files and folders hold, side by side; write a page and JSON, if asked. Returns what JSON holds.

    paths : as `overview` takes them. Raises FormatError, ParameterError.
    """
    kinds("report", paths=(paths, list | tuple), console=(console, Console | None))
    require(bool(paths), "report.paths", "none", ALLOWED, "Name at least one.")
    for path in paths:
        check_path("report.paths", path)
    check_outputs("report", html=html, json_file=json_file)
    shown = [overview(path, draw=html is not None) for path in paths]
    tables, notes = beside(shown), list(dict.fromkeys(note for o in shown for note in o.notes))
    console = console or Console()
    for table in tables:
        page.show(table, console)
    for note in notes:
        console.print(f"- {note}")
    if html is not None:
        drawn = {caption: page.drawing(draw) for caption, draw in curves(shown).items()}
        own = {o.name if len(shown) > 1 else "": o.drawings for o in shown}
        drawn |= {f"{name}: {c}".removeprefix(": "): url for name, urls in own.items() for c, url in urls.items()}
        page.write_page(html, ", ".join(o.name for o in shown), notes, tables, drawn, answer(shown))
        console.print(f"page: {html}", soft_wrap=True, highlight=False, markup=False)
    result = {"inputs": [{k: v for k, v in asdict(o).items() if k != "drawings"} for o in shown]}
    if json_file is not None:
        write_json(json_file, result)
    return result
