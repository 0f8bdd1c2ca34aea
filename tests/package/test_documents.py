# SPDX-License-Identifier: BSD-3-Clause
"""The Python that the documents show runs, block after block, as a reader would type it."""

import ast
import re
from pathlib import Path

import numpy as np
import public_api
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from synergic import processes

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("energy", "faq", "how-to", "interchange", "lava", "neurons")
CLUSTER = "import ray"
"""A block with this is tried where Ray is installed: tests/hw_targets/test_jobs.py."""


def blocks(page):
    """The Python blocks of a page."""
    return re.findall(r"```python\n(.*?)```", (DOCS / f"{page}.md").read_text(), re.DOTALL)


def reader():
    """What a reader has, where a page does not say it: a network and its input, data, the processes' names."""
    network = plastic_network()
    events = np.zeros(4, [("x", int), ("y", int), ("t", int), ("p", int)])
    return {
        "sy": sy, "np": np, "network": network, "spikes": random_spikes(network), "labels": np.zeros(3, int),
        "images": np.ones((2, 12)), "sound": np.zeros((2, 4, 3)), "events": [events],
        "hybrid": processes.HybridNetwork(network=network),
        **{name: getattr(processes, name) for name in processes.__all__},
    }  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in (sy.Rule, sy.Neuron):  # a page's own ones have the names of those that other tests look up
        monkeypatch.setattr(kind, "registry", dict(kind.registry))
    known = {}
    shown = [block for block in blocks(page) if CLUSTER not in block]
    assert shown
    for block in shown:
        known |= reader()
        exec(compile(block, f"{page}.md", "exec"), known)


def test_tutorials_are_in_the_order_of_learning_and_each_has_its_plot_on_the_first_page():
    index = (DOCS / "index.md").read_text()
    there = {path.stem for path in (DOCS.parent / "tutorials").glob("*.md")}
    listed = re.findall(r"^tutorials/(\w+)$", index, re.MULTILINE)
    gallery = re.findall(r"\(images/(\w+)\.png\)\]\(tutorials/(\w+)\.md\)\n\[(.+)\]\(tutorials/(\w+)\.md\)", index)
    assert len(listed) == len(there)
    assert set(listed) == there, "a tutorial has a place in docs/index.md"
    assert [tutorial for _, tutorial, _, _ in gallery] == listed
    for image, tutorial, title, again in gallery:
        assert image == tutorial == again
        assert f"# {title}\n" in (DOCS.parent / "tutorials" / f"{tutorial}.md").read_text()
    # One must have read what the other needs.
    assert listed.index("from_float_to_fixed") < listed.index("map_a_network") < listed.index("learn_on_the_chip")


@pytest.mark.parametrize("word", ["continual learning", "quantisation", "quantization", "few-shot", "on-chip learning"])
def test_the_words_of_the_field_are_in_titles(word):
    titles = [
        path.read_text().partition("\n# ")[2].partition("\n")[0] for path in (DOCS.parent / "tutorials").glob("*.md")
    ]
    assert [title for title in titles if word in title.lower()]


REFERENCE = re.compile(r"\{py:(?:class|func|mod|exc|attr|meth)\}`([\w.]+)`")


@pytest.mark.parametrize(
    "name", ["Record", "IntNetwork", "Probes", "Activity", "simulate", "quantise", "synergic.data"]
)
def test_what_is_looked_for_most_often_has_its_place_in_the_api(name):
    page = (DOCS / "api.md").read_text()
    (full,) = [found for found in REFERENCE.findall(page) if found == name or found.rpartition(".")[2] == name]
    listed = re.findall(r"^   (synergic[\w.]*)$", page, re.MULTILINE)
    known = public_api.public_api()
    if full in known and not full.endswith(".data"):
        assert public_api.home(full) == full, "the name under which Sphinx has it"
        assert full.rpartition(".")[0] in listed
    else:
        assert full in listed


def test_references_of_pages_lead_to_what_is_documented():
    # Sphinx says nothing of one that it cannot find.
    known = public_api.public_api()
    modules = {module.__name__ for module in public_api.public_modules()}
    lost = []
    for page in (*DOCS.glob("*.md"), *DOCS.glob("extending/*.md"), *DOCS.glob("results/*.md")):
        for name in REFERENCE.findall(page.read_text()):
            owner = name.rpartition(".")[0]
            member = owner in known and hasattr(known[owner], name.rpartition(".")[2])
            if not (name in modules or member or (name in known and public_api.home(name) == name)):
                lost.append((page.name, name))
    assert lost == []


LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page):
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_to_files_and_headings():
    root = DOCS.parent
    pages = [*root.glob("*.md"), *DOCS.glob("*.md"), *DOCS.glob("extending/*.md"), *DOCS.glob("results/*.md")]
    pages += [*(root / "tutorials").glob("*.md")]
    lost, checked = [], 0
    for page in pages:
        for link in LINK.findall(re.sub(r"```(?!\{container).*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)):
            if "://" in link:
                continue
            path, _, anchor = link.partition("#")
            # The site has the tutorials below docs/, and the pages of a tutorial's links beside them.
            place = DOCS / "tutorials" / page.name if page.parent.name == "tutorials" else page
            target = (place.parent / path).resolve() if path else page
            if target.parent == DOCS / "tutorials":
                target = root / "tutorials" / target.name
            checked += 1
            if not target.exists() or (anchor and anchor not in anchors(target)):
                lost.append(f"{page.name} -> {link}")
    assert lost == []
    assert checked > 100


@pytest.mark.parametrize("tutorial", sorted((DOCS.parent / "tutorials").glob("*.md")), ids=lambda path: path.stem)
def test_every_tutorial_ends_in_a_figure(tutorial):
    cells = re.findall(r"```\{code-cell\}.*?\n(.*?)```", tutorial.read_text(), re.DOTALL)
    assert "plt.show()" in cells[-1]


def test_no_page_with_python_is_left_out():
    own = {"microcontroller", "coming-from"}  # test_c_page.py: shell in between; test_coming_from.py
    assert {path.stem for path in DOCS.glob("*.md") if blocks(path.stem)} == {*PAGES, *own}


@pytest.fixture
def benchmarks(monkeypatch):
    """Their folder, from which scripts are imported."""
    folder = DOCS.parent / "benchmarks"
    if not folder.exists():
        pytest.skip("benchmarks are not in the sdist")
    monkeypatch.syspath_prepend(folder)


def test_the_results_are_what_the_records_say(benchmarks):
    """Nobody writes a figure into a page by hand, and no page is left behind."""
    import results_page

    made = results_page.pages()
    there = {path.relative_to(DOCS).as_posix() for path in (DOCS / "results.md", *DOCS.glob("results/*.md"))}
    assert there == set(made)
    assert not [name for name, text in made.items() if text != (DOCS / name).read_text()], "run results_page.py"


def test_the_results_begin_with_one_table_of_claims(benchmarks):
    from pages import claims, records

    first = next(block for block in (DOCS / "results.md").read_text().split("\n\n") if block.startswith("|"))
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in first.splitlines()[2:]]
    by_command = {row[-1]: row for row in reversed(rows)}
    hp = by_command["`synergic train fashion-hp`"]
    # By hand, from the records of three seeds.
    right = [r["figures"]["accuracy"] for r in records.records("fashion-hp")]
    assert hp[1] == "88.3"
    assert float(hp[2].split()[0]) == pytest.approx(100 * sum(right) / 3, abs=0.005)
    assert hp[4].startswith("the same on ")
    # Every family is in it, and every run can be found again in the page of commands.
    assert {e for of in claims.TRAINED.values() for e in of} <= {c.split()[-1].strip("`") for c in by_command}
    reproduced = (DOCS / "reproduce.md").read_text()
    trained = re.findall(r"synergic train ([\w-]+)", first)
    assert not [name for name in trained if not re.search(rf"synergic train (--device cuda )?{name} ", reproduced)]


def test_a_result_says_accuracy_before_caveats():
    # What follows the first heading is a table, after two short paragraphs at most; what failed is at the end.
    for page in DOCS.glob("results/*.md"):
        text = page.read_text()
        assert text.index("\n|") < 500, page.name
        headings = re.findall(r"^## (.*)", text, re.MULTILINE)
        assert "Tried, and failed" not in headings[:-1], page.name


ROOT = DOCS.parent
WITH_LAVA = [p for p in (ROOT / "README.md", *DOCS.glob("*.md"), *(ROOT / "tutorials").glob("*.md"))
             if re.search(r"^(import|from) lava", p.read_text(), re.MULTILINE)]  # fmt: skip


@pytest.mark.parametrize("page", WITH_LAVA, ids=lambda p: p.name)
def test_synergic_is_imported_before_lava(page):
    # From Python 3.11 on, or with numpy 2.4, Lava works only so (lava_remedies). A tutorial is one script.
    blocks = re.findall(r"```(?:\{code-cell\}[^\n]*|python)\n(.*?)```", page.read_text(), re.DOTALL)
    scripts = ["\n".join(blocks)] if page.parent.name == "tutorials" else blocks
    for script in scripts:
        imports = re.findall(r"^(?:import|from) (synergic|lava)\b", script, re.MULTILINE)
        assert imports[:1] != ["lava"], script


def imported(script):
    """The modules that a script imports when it starts, in its order."""
    for node in ast.parse(script.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda p: p.stem)
def test_a_benchmark_imports_synergic_before_lava(script):
    packages = [name.split(".")[0] for name in imported(script)]
    assert next((name for name in packages if name in ("synergic", "lava")), "synergic") == "synergic"
