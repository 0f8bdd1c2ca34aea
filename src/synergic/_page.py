# SPDX-License-Identifier: BSD-3-Clause
"""A report as one HTML file that needs nothing else: notes, tables, plots."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from synergic._core.checks import function, kind, kinds, require
from synergic._core.files import write_whole
from synergic.hw_targets._chip import Chip


@dataclass(frozen=True)
class Table:
    """One table of a page. rows : of cells, each as long as the others. header : names of the columns, or none.
    Raises ParameterError."""

    title: str
    rows: Sequence[Sequence[Any]]
    header: Sequence[str] = ()

    def __post_init__(self) -> None:
        row = list | tuple
        kinds("Table", title=(self.title, str), rows=(self.rows, row), header=(self.header, row))
        kinds("Table", **{f"rows[{i}]": (cells, row) for i, cells in enumerate(self.rows)})
        kinds("Table", **{f"header[{i}]": (name, str) for i, name in enumerate(self.header)})
        lengths = sorted({len(cells) for cells in self.rows} | ({len(self.header)} if self.header else set()))
        require(len(lengths) < 2, "Table.rows and header", f"lengths {lengths}", "one length", "Fill rows with ''.")


def lines(title: str, section: dict[str, Any]) -> Table:
    """Names and values as a table. Raises ParameterError."""
    kinds("lines", title=(title, str), section=(section, dict))
    return Table(title, [(name, shown(value)) for name, value in section.items()])


FULL, LINKS, PHASES = "where the cores lie, and how full they are", "packets over each link", "phases of a sample"
"""Captions of plots that several reports have."""
EXPLAINED = {
    FULL: "Each square is a core of the chip. W: it stores slow weights. P: it stores local weights, which change "
    "while the network runs. The colour says how many of its synapses are used; a blank core is free.",
    LINKS: "Lines are links between neighbouring cores, coloured by the packets that they carry in a time step, both "
    "directions together. Black squares are cores in use, red marks are known faults.",
    PHASES: "A time step has several phases, which all cores take together. A bar is the time of the slowest core, a "
    "short line that of the busiest link. Above the dashed line a phase would be longer than the chip's fixed one.",
    "work of the cores": "Synapses that a core reads, updates or recalls during a sample.",
    "energy of the cores": "By core in use, in uJ a sample; idle energy included.",
    "spikes of the cores": "Sent by the neurons of a core during a sample.",
    "training loss": "Mean of the training samples in each epoch.",
}
"""What a plot shows, by caption: it stands below the caption."""


def explained(caption: str) -> str:
    """What the plot of that caption shows; a caption may begin with the name of an input."""
    return next((text for end, text in EXPLAINED.items() if caption.endswith(end)), "")


def per_cent(share: float) -> str:
    """An accuracy as all reports show it."""
    return f"{100 * share:.2f} %"


UNITS = {"_j": (1e6, "uJ"), "_s": (1e3, "ms")}
"""By the end of a figure's name: the factor to the unit that reports show it in."""


def in_units(section: dict[str, Any]) -> dict[str, Any]:
    """Figures in joules and seconds as uJ and ms, with names that say so: "energy_j" as "energy, uJ"."""
    found: dict[str, Any] = {}
    for name, value in section.items():
        factor, unit = UNITS.get(name[-2:], (0, ""))
        if unit and isinstance(value, int | float):
            # Four digits: 6.534 uJ and not 6.53427, which no model knows.
            found[f"{name[:-2].replace('_', ' ')}, {unit}"] = float(f"{factor * value:.4g}")
        else:
            found[name] = value
    return found


def grid(title: str, rows: dict[str, dict[str, Any]]) -> Table:
    """Rows of the same entries, by name, as a table; the title's last word names the rows. Raises ParameterError."""
    kinds("grid", title=(title, str), rows=(rows, dict))
    kinds("grid", **{f"rows[{name!r}]": (row, dict) for name, row in rows.items()})
    require(bool(title.split()) and bool(rows), "grid.title and rows", "none", "a word and a row", "Give some.")
    header = (title.split()[-1], *next(iter(rows.values())))
    return Table(title, [(name, *map(shown, row.values())) for name, row in rows.items()], header)


def facts(chip: Chip) -> Table:
    """The chip's numbers, and how sure they are. Raises ParameterError."""
    kind("facts.chip", chip, Chip, "load_chip() gives one.")
    rows = [(name, f.value, f.unit, f.mark, f.source) for name, f in chip.facts.items()]
    return Table("the chip, and how sure its numbers are", rows, ("number", "value", "unit", "mark", "source"))


LARGE = 1e5
"""From here on a number is shown as a whole one: 1,403,470 and not 1.40347e+06."""


def shown(value: Any) -> str:
    """A value as tables show it: numbers with separated thousands."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def show(table: Table, console: Console) -> None:
    """A table on the console. Raises ParameterError."""
    kinds("show", table=(table, Table), console=(console, Console))
    printed = RichTable(title=escape(table.title), show_header=bool(table.header))
    for name in table.header or [""] * max(map(len, table.rows), default=0):
        printed.add_column(escape(name), overflow="fold")  # a number is never cut
    for row in table.rows:
        printed.add_row(*(escape(str(value)) for value in row))
    console.print(printed)


def drawing(draw: Callable[..., Any], *what: Any) -> str:
    """Return a plot as a data URL. draw : a function of synergic.plots, which gets axes, then `what`. Raises
    ParameterError, and what `draw` raises."""
    function("drawing.draw", draw)
    figure = Figure(figsize=(7, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure.subplots(), *what)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def page_text(
    title: str, notes: Sequence[str], tables: Sequence[Table], drawings: dict[str, str], answer: str = ""
) -> str:
    """Return a page: the answer in a sentence, the plots, the tables, then the notes. drawings : plots by caption, of
    `drawing`. Names and texts are escaped. Raises ParameterError."""
    row = list | tuple
    kinds("write_page", answer=(answer, str), title=(title, str), drawings=(drawings, dict))
    kinds("write_page", notes=(notes, row), tables=(tables, row))
    kinds("write_page", **{f"notes[{i}]": (note, str) for i, note in enumerate(notes)})
    kinds("write_page", **{f"tables[{i}]": (table, Table) for i, table in enumerate(tables)})
    kinds("write_page", **{f"drawings[{name!r}]": (url, str) for name, url in drawings.items()})
    return filled("report.html", answer=answer, title=title, notes=notes, tables=tables, drawings=drawings)


def body_text(notes: Sequence[str], tables: Sequence[Table], drawings: dict[str, str], answer: str) -> str:
    """Return what a notebook shows: the same as a page of `page_text`, without title and style of its own."""
    return filled("body.html", answer=answer, notes=notes, tables=tables, drawings=drawings)


def filled(template: str, **given: Any) -> str:
    """Return a template with its values, escaped."""
    environment = Environment(loader=PackageLoader("synergic"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(template).render(explained=explained, **given)


def write_page(
    path: str | Path, title: str, notes: Sequence[str], tables: Sequence[Table], drawings: dict[str, str],
    answer: str = "",
) -> None:  # fmt: skip
    """Write a page of `page_text`. Raises ParameterError."""
    text = page_text(title, notes, tables, drawings, answer)
    write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8", errors="backslashreplace"))
