# SPDX-License-Identifier: BSD-3-Clause
"""Two tutorials run, cell after cell, as a reader runs them; all run where the documentation is built (`.ci/run`).

These two train nothing: another processor rounds training differently, and a plot would then show other figures.
"""

import re
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest

import synergic as sy

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "tutorials"
QUICK = ("a_plastic_synapse", "map_a_network")


@pytest.mark.parametrize("name", QUICK)
def test_a_tutorial_runs(name, tmp_path, monkeypatch):
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    for kind in (sy.Rule, sy.Neuron):
        monkeypatch.setattr(kind, "registry", dict(kind.registry))
    cells = re.findall(r"```\{code-cell\}[^\n]*\n(.*?)```", (TUTORIALS / f"{name}.md").read_text(), re.DOTALL)
    assert len(cells) > 3
    known = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        cell = re.sub(r"^%.*$", "", cell, flags=re.MULTILINE)  # notebooks alone know these
        exec(compile(cell, f"{name}.md, cell {number}", "exec"), known)
    if not (ROOT / "docs" / "images").exists():
        return  # they are not in the sdist
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import images

    assert images.same(images.read(name)["axes"], images.shown(plt.gcf())), f"run benchmarks/images.py {name}"
    plt.close("all")
