# SPDX-License-Identifier: BSD-3-Clause
"""Three tutorials run, cell after cell, as a reader runs them; all run where the documentation is built (`.ci/run`)."""

import re
from pathlib import Path

import matplotlib
import pytest

import synergic as sy

TUTORIALS = Path(__file__).parents[2] / "tutorials"
QUICK = ("from_float_to_fixed", "from_stdp_to_hybrid_learning", "map_a_network")


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
