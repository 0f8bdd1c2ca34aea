# SPDX-License-Identifier: BSD-3-Clause
"""Code on the pages names where the library's things come from: a reader who types a page from its top finds all."""

import ast
import builtins
import re
from pathlib import Path

import pytest
from public_api import public_api

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/extending").glob("*.md"))]
OURS = {name.rpartition(".")[2] for name in public_api()} - vars(builtins).keys() | {"sy", "np", "torch", "plt"}
"""What must be imported before it is used. Data of the reader's own, such as `images`, need not."""


def not_imported(text):
    """Names of the library, or of what it is used with, that no block of a page up to their use has brought."""
    known, found = set(), []
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        nodes = list(ast.walk(ast.parse(block)))
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                known |= {(name.asname or name.name).partition(".")[0] for name in node.names}
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                known.add(node.name)
            elif isinstance(node, ast.arg):
                known.add(node.arg)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                known.add(node.id)
        used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        found += sorted((used & OURS) - known)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_imports_what_it_uses(page):
    assert not_imported(page.read_text(encoding="utf-8")) == []


def test_a_name_without_an_import_is_found():
    text = "```python\nsy.quantise(network)\n```\n```python\nimport synergic as sy\nsy.save(1)\nOja(0.1)\n```"
    assert not_imported(text) == ["sy", "Oja"]
