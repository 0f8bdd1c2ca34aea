# SPDX-License-Identifier: BSD-3-Clause
"""The words of pages, help texts, messages and docstrings are the field's, each with one meaning (docs/glossary.md)."""

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

import pytest

from synergic.cli import main
from synergic.experiments import EXPERIMENTS

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*/*.md"),
                 *(ROOT / "tutorials").glob("*.md"))
)  # fmt: skip
OLD = {
    r"\bhears?\b|\bhear(?:d|ing)\b": "receives",
    r"\bheld\b(?![- ](?:back|out))": "clamped, stored",
    r"\b(?:kept|lies|lay)\b": "stored, placed, left",
    r"\bshared trace\b": "shared P",
    r"\b(?:lost|losing) packets\b|\blosses\b": "packet loss, export issues",
    r"\bpictures?\b": "image, plot",
    r"\bturns\b|\bplaces of\b": "passes of time-multiplexing, output positions",
    r"\bun(?:fire|hear|overlap)\w*": "*_backward",
    r"\breached\b|\bto (?:be )?reach(?:ed)?\b": "target, measured",
    r"paper\.md|\bshared/": "the section of Wu et al. 2022",
    r"\bsays nothing\b|\bwhoever\b": "a sentence with a subject that is a thing",
}
"""What is not said any more, and what to say. Names in code (`trace=`, `losses=`, "lost packets") are not prose."""
IN_CODE = ("hears", "paper", "unhear")
"""Of these, what code that readers see does not say either."""


def split(text):
    """The prose of a page with its lines in place, and its code."""
    fences = re.findall(r"```.*?```", text, re.DOTALL)
    prose = re.sub(r"^---\n.*?\n---\n", lambda m: "\n" * m[0].count("\n"), text, count=1, flags=re.DOTALL)
    prose = re.sub(r"```.*?```", lambda m: "\n" * m[0].count("\n"), prose, flags=re.DOTALL)
    prose = re.sub(r"^    .*$", "", prose, flags=re.MULTILINE)
    return re.sub(r"``?[^`]*?``?|\]\([^)]*\)|\"[^\"\n]*\"", "", prose, flags=re.DOTALL), "\n".join(fences)


def said(text, words=OLD):
    """Lines of a text that say one of these words."""
    return [
        f"{number}: {line.strip()} -> {words[pattern]}"
        for number, line in enumerate(text.splitlines(), 1)
        for pattern in words
        if re.search(pattern, line, re.IGNORECASE)
    ]


def test_the_search_finds_what_it_must():
    page = (
        "A core hears `trace=` spikes.\n```python\npicture = 1  # heard\n```\n    losses in a shell line\nIt was kept."
    )
    prose, code = split(page)
    assert [line.split(":")[0] for line in said(prose)] == ["1", "6"]
    assert "picture" in code
    assert not said(prose.replace("hears", "receives").replace("kept", "stored"))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_says_it_in_the_words_of_the_field(page):
    prose, code = split(page.read_text())
    assert not said(prose)
    assert not said(code, {pattern: say for pattern, say in OLD.items() if any(word in pattern for word in IN_CODE)})


@pytest.mark.parametrize("command", ["", "demo", "evaluate", "map", "simulate", "report", "bench", "info"])
def test_help_says_it_too(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["synergic", *command.split(), "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    shown = capsys.readouterr().out
    assert "--help" in shown
    assert not said(shown)


NAMES = {"lost packets"}
"""Strings that are names: a kind of fault, as an argument of `break_chip`."""


def messages(text):
    """The strings with words in a module that are not docstrings, without names of parameters."""
    tree = ast.parse(text)
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [
        re.sub(r"``?[^`]*``?|\w+=", "", node.value)
        for node in strings
        if id(node) not in documents and " " in node.value and node.value not in NAMES
    ]


def test_messages_are_told_from_docstrings():
    found = messages('"""A core hears."""\nraise ValueError(f"it was {x} kept, picture=...")\nname = "hears"\n')
    assert found == ["it was ", " kept, ..."]


def test_messages_say_it_too():
    modules = [path for room in ("src/synergic", "processes", "models", "hw_targets")
               for path in (ROOT / room).rglob("*.py")]  # fmt: skip
    assert len(modules) > 100
    assert not [(path.name, line) for path in modules for text in messages(path.read_text()) for line in said(text)]


CLEAN = ("src/synergic", "processes", "models", "hw_targets")
"""Folders whose docstrings and comments are searched."""


def documents(text):
    """Docstrings, strings below attributes and comments of a module, without names of parameters, code and strings."""
    nodes = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr)]
    found = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found += [token.string for token in tokens if token.type == tokenize.COMMENT]
    return [re.sub(r"``?[^`]*?``?|\"[^\"\n]*\"|\w+(?:, \w+)* : ", "", document) for document in found]


def test_docstrings_and_comments_are_found_and_names_are_not():
    module = (
        '"""A core hears."""\nx = "held"  # it was kept\n"""Losses."""\n\n\nclass A:\n    """A `picture`."""\n\n'
        '    def f(self):\n        """Sum.\n\n        picture, losses : int\n            A picture.\n        """\n'
    )
    found = [line.split(":")[1].split(" -> ")[0].strip() for text in documents(module) for line in said(text)]
    assert found == ["A core hears.", "Losses.", "A picture.", "# it was kept"]


@pytest.mark.parametrize("folder", CLEAN)
def test_docstrings_and_comments_say_it_too(folder):
    modules = sorted((ROOT / folder).rglob("*.py"))
    assert len(modules) > 10
    assert not [(path.name, line) for path in modules for text in documents(path.read_text()) for line in said(text)]


def test_the_list_of_experiments_says_it_too():
    assert not said("\n".join(what for what, _ in EXPERIMENTS.values()))


GONE = re.compile(
    r"(?:^|_)(?:hears?|heard|hearing|held(?!_(?:out|back|characters)(?:_|$))|kept|lies|lay|pictures?|turns?|"
    r"un(?:fire|hear|overlap))(?:_|$)",
    re.IGNORECASE,
)
"""Words that no function, class, argument, variable or attribute has in its name; the field says `held_out`."""
LOST = re.compile(r"(?:^|_)losses(?:_|$)", re.IGNORECASE)
"""In the model of the chip a loss is of packets, and is not called so."""


def identifiers(text):
    """Names of functions, classes, arguments, variables and attributes in a module, without deprecated ones."""
    tree = ast.parse(text)
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call)]
    old = {id(node.target) for node in assigned if ast.unparse(node.value.func) == "OldName"}
    for node in ast.walk(tree):
        if id(node) in old:
            continue
        for field in ("name", "arg", "attr", "id"):
            if isinstance(name := getattr(node, field, None), str):
                yield name


def test_identifiers_are_found():
    text = "class Heard:\n    def f(self, picture):\n        lay = self.old_pictures(unhear=1)\n"
    assert {n for n in identifiers(text) if GONE.search(n)} == {"Heard", "picture", "lay", "old_pictures", "unhear"}
    text = "held: Any = OldName('stored', '0.3')\nturns = 1\nfor kept in by_turn(held_back, hearing=cores_held): pass\n"
    found = {n for n in identifiers(text) if GONE.search(n)}
    assert found == {"turns", "kept", "by_turn", "hearing", "cores_held"}
    said = "layer = display + relays + returns(held_characters, held_out, n_held_out, upheld)"
    assert not [n for n in identifiers(said) if GONE.search(n)]


@pytest.mark.parametrize("folder", [*CLEAN, "benchmarks", "tests"])
def test_identifiers_say_it_too(folder):
    modules = [path for path in sorted((ROOT / folder).rglob("*.py")) if path.name != "test_renamed.py"]
    assert len(modules) > 10
    found = [(path.name, name) for path in modules for name in identifiers(path.read_text())]
    assert not [(path, name) for path, name in found if GONE.search(name)]
    # Losses: the name by which numba's caches of 0.1 know PacketLoss.
    assert folder != "hw_targets" or [name for _, name in found if LOST.search(name)] == ["Losses"]
