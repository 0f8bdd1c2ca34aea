# SPDX-License-Identifier: BSD-3-Clause
"""The documentation site: `uv run --group docs sphinx-build -W docs build/docs`."""

from __future__ import annotations

import inspect
import re
import shutil
import sys
from importlib import import_module
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

project = "synergic"
author = copyright = "The synergic authors"
release = version = installed("synergic")
extensions = [
    "myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
]  # fmt: skip
html_theme = "furo"
html_title = f"synergic {release}"
html_static_path, html_css_files = ["_static"], ["site.css"]
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
suppress_warnings = ["mystnb.unknown_mime_type", "config.cache"]  # the latter: functions in autosummary_context

# A page a public package, and one for what is looked for most often (docs/api.md lists both). Names that a package
# re-exports are documented in the package that they come from.
sys.path.insert(0, str(here.parent / "tests"))
public_api = import_module("public_api")
autosummary_generate = True
with_page = set(re.findall(r"^   (synergic[.\w]+)$", (here / "api.md").read_text(), re.MULTILINE)) & {
    *public_api.public_api()
}
autosummary_context = {"exported": public_api.exported, "kind_of": public_api.kind_of, "with_page": with_page}
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_inherit_docstrings = False
napoleon_google_docstring = False
# Types in docstrings are English ("array of float64, shape (steps, n)"): no word of theirs is a link.
napoleon_use_param = napoleon_use_rtype = False
napoleon_custom_sections = [(section, "params_style") for section in ("Attributes", "Ports", "Vars")]
default_role = "code"  # `name` in a docstring


def with_arguments(app: Any, what: str, name: str, obj: Any, options: Any, given: str, returned: str) -> Any:
    """Lava's processes hide their arguments behind a metaclass."""
    if what == "class" and given == "(*args, **kwargs)":
        own = inspect.signature(obj.__init__)
        given = str(own.replace(parameters=list(own.parameters.values())[1:], return_annotation=own.empty))
    return given, returned


def with_documentation(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """What is written below a constant in its module; autodoc looks for it only where the name is exported."""
    if what == "data" and name in public_api.public_api():
        lines[:] = (public_api.documentation(name) or "").splitlines()


def with_bars(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Let `|P|` in text be a size, where reStructuredText would look for a substitution."""
    literal: int | None = None  # the indent of the line that began a literal block
    for i, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if line.strip() and literal is not None and indent <= literal:
            literal = None
        if literal is None:
            parts = re.split(r"(`+[^`]+`+)", line)
            lines[i] = "".join(part if part.startswith("`") else part.replace("|", r"\|") for part in parts)
            literal = indent if line.rstrip().endswith("::") else None


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", with_bars, priority=600)  # after napoleon
    app.connect("autodoc-process-docstring", with_documentation)
    app.connect("autodoc-process-signature", with_arguments)
