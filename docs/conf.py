# SPDX-License-Identifier: BSD-3-Clause
"""The documentation site: `uv run --group docs sphinx-build -W docs build/docs`."""

from __future__ import annotations

import inspect
import re
import shutil
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

project = "synergic"
author = copyright = "The synergic authors"
release = version = installed("synergic")
extensions = [
    "myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.viewcode", "sphinx-mathjax-offline",
]  # fmt: skip
html_theme = "furo"
html_title = f"synergic {release}"
templates_path = ["_templates"]
exclude_patterns = ["_templates", "tutorials/*.ipynb"]

# The tutorials lie at the root, and Sphinx reads nothing outside its folder. A copy and no link: a link does not
# survive every way in which a repository travels.
here = Path(__file__).resolve().parent
shutil.rmtree(here / "tutorials", ignore_errors=True)
shutil.copytree(here.parent / "tutorials", here / "tutorials", ignore=shutil.ignore_patterns("*.ipynb", ".*"))

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"  # a page is run again when its code has changed
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
suppress_warnings = ["mystnb.unknown_mime_type"]

autosummary_generate = True
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_inherit_docstrings = False


def as_text(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Our docstrings are plain text with equations, indented: show text as text, equations as they are, and what is
    under an underlined heading as a list."""
    shown: list[str] = []
    listed, kind = False, ""  # of the line before: "text", "code" or "" after an empty one
    for i, line in enumerate(lines):
        if set(line) == {"-"}:
            shown, listed, kind = [*shown[:-1], f"**{lines[i - 1]}**", ""], True, "text"
        elif not line.strip():
            shown.append("")
            listed, kind = False, ""
        elif line.startswith("    ") and kind == "text":  # the entry before goes on
            shown[-1] += " " + plain(line.strip())
        elif line.startswith("    "):
            shown += [line] if kind == "code" else ["::", "", line]
            kind = "code"
        else:
            shown += [*([""] if kind == "code" else []), ("- " if listed else "") + plain(line)]
            kind = "text"
    lines[:] = shown


def with_arguments(app: Any, what: str, name: str, obj: Any, options: Any, given: str, returned: str) -> Any:
    """Lava's processes hide their arguments behind a metaclass."""
    if what == "class" and given == "(*args, **kwargs)":
        own = inspect.signature(obj.__init__)
        given = str(own.replace(parameters=list(own.parameters.values())[1:], return_annotation=own.empty))
    return given, returned


def plain(line: str) -> str:
    """A line in which nothing but `code` means something to Sphinx."""
    parts = re.split(r"(`+[^`]+`+)", line)
    return "".join(
        f"``{part.strip('`')}``" if part.startswith("`") and part.endswith("`") else re.sub(r"([*|_\\])", r"\\\1", part)
        for part in parts
    )


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", as_text)
    app.connect("autodoc-process-signature", with_arguments)
