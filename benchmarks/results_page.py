# SPDX-License-Identifier: BSD-3-Clause
"""docs/results.md and docs/results/ from the records in benchmarks/results: published and measured side by side.

uv run python benchmarks/results_page.py

The texts are in benchmarks/pages/templates, a file a page; their tables and numbers come from functions beside them.
The plots are made by benchmarks/images.py.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pages import accuracy, claims, machines

DOCS = Path(__file__).parents[1] / "docs"
TEMPLATES = Path(__file__).parent / "pages" / "templates"


def pages() -> dict[str, str]:
    """By path below docs/: the text of every page."""
    reads = FileSystemLoader(TEMPLATES)
    environment = Environment(
        loader=reads,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    known = {"accuracy": accuracy, "machines": machines, "claims": claims.claims}
    found = {}
    for path in sorted(TEMPLATES.glob("*.md")):
        place = path.name if path.name == "results.md" else f"results/{path.name}"
        found[place] = environment.get_template(path.name).render(known)
    return found


if __name__ == "__main__":
    for place, text in pages().items():
        (DOCS / place).parent.mkdir(exist_ok=True)
        (DOCS / place).write_text(text)
