# SPDX-License-Identifier: BSD-3-Clause
"""The Python that the documents show runs, block after block, as a reader would type it."""

import ast
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from synergic import processes

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("faq", "how-to", "interchange", "lava", "neurons")
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


@pytest.mark.parametrize("tutorial", sorted((DOCS.parent / "tutorials").glob("*.md")), ids=lambda path: path.stem)
def test_every_tutorial_ends_in_a_figure(tutorial):
    cells = re.findall(r"```\{code-cell\}.*?\n(.*?)```", tutorial.read_text(), re.DOTALL)
    assert "plt.show()" in cells[-1]


def test_no_page_with_python_is_left_out():
    own = {"microcontroller"}  # test_c_page.py: shell in between
    assert {path.stem for path in DOCS.glob("*.md") if blocks(path.stem)} == {*PAGES, *own}


def test_the_results_are_what_the_records_say():
    """Nobody writes a figure into the page by hand."""
    script = DOCS.parent / "benchmarks" / "results_page.py"
    if not script.exists():
        pytest.skip("benchmarks are not in the sdist")
    spec = importlib.util.spec_from_file_location("results_page", script)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.page() == (DOCS / "results.md").read_text(), "run benchmarks/results_page.py"


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
