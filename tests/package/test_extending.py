# SPDX-License-Identifier: BSD-3-Clause
"""Someone who adds a rule, a neuron, a chip or a mapping pass writes exactly one new file: the one that the page shows.

Each test writes that file into a temporary folder, runs the page's script beside it, and compares what came out with
numbers that are computed here without the library.
"""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PAGES = Path(__file__).parents[2] / "docs" / "extending"


def blocks(page):
    """The new file of a page, its name, and the script that uses it."""
    shown = re.findall(r"```(?:python|toml)\n(.*?)```", (PAGES / f"{page}.md").read_text(), re.DOTALL)
    assert len(shown) == 2, "a page shows one new file and one script"
    return re.match(r"# (\S+\.(?:py|toml))\n", shown[0])[1], *shown


def use(page, folder, also=""):
    """What the page's script prints, in a fresh interpreter; `also` runs at its end."""
    name, new, script = blocks(page)
    (folder / name).write_text(new)
    (folder / "script.py").write_text(script + also)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


EXAMPLES = """
np.savez("made.npz", w=projection.weights, s=spikes, u=record.u["out"], f=record.spikes["out"])
"""


def test_a_rule_is_one_new_file(tmp_path):
    said = use("rule", tmp_path, EXAMPLES + 'np.savez("p.npz", p=record.local_weights["c"])\n')
    assert "P identical on the chip: True" in said
    assert "rule in the file: Habit" in said
    made, learned = np.load(tmp_path / "made.npz"), np.load(tmp_path / "p.npz")["p"]
    for sample in range(2):
        p = np.zeros((5, 20))
        for m in range(8):  # by hand: keep P + eta s f
            p = 0.75 * p + 0.25 * np.outer(made["f"][sample, m], made["s"][sample, m])
        assert np.abs(p).max() > 0.3, "something is learned"
        np.testing.assert_allclose(learned[sample], p, atol=1e-12)


def test_a_neuron_is_one_new_file(tmp_path):
    said = use("neuron", tmp_path, EXAMPLES)
    assert "potentials identical on the chip: True" in said
    assert "neuron in the file: Draining" in said
    made = np.load(tmp_path / "made.npz")
    u = np.zeros((2, 5))
    for m in range(8):  # by hand: drain, add, fire, subtract
        u = np.maximum(u - 0.1, 0) + made["s"][:, m] @ made["w"].T
        np.testing.assert_allclose(made["u"][:, m], u, atol=1e-12)
        u = u - 0.5 * (u > 0.5)
    assert 0 < made["f"].mean() < 1


@pytest.mark.slow
def test_a_chip_is_one_new_file(tmp_path):
    said = use("chip", tmp_path)
    # 30 inputs on 16 axons and 10 neurons on 8: 2 x 2 cores. A step has two phases of 1000 clocks at 100 MHz: 20 us.
    # The spikes of the last of 8 steps leave a step later.
    assert "4 cores, 16 phases, 180.0 us a sample" in said
    assert "identical with the unmapped network: True" in said


@pytest.mark.slow
def test_a_pass_is_one_new_file(tmp_path):
    said = use("pass", tmp_path)
    # 4000 inputs on 256 axons: 16 cores. The tianjic has 13 columns, and (3, 0) does not work: 12 cores in row 0.
    row = [(x, 0) for x in range(13) if x != 3]
    back = [(12 - i, 1) for i in range(4)]
    assert f"places: {row + back}" in said
    assert "errors that the checker finds: 0" in said
    assert "identical with the unmapped network: True" in said


def test_a_chip_file_with_a_wrong_mark_is_refused(tmp_path):
    name, new, script = blocks("chip")
    (tmp_path / name).write_text(new.replace('mark = "derived"', 'mark = "certain"'))
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode != 0
    assert "small.toml.weight_memory.mark: got 'certain'" in done.stderr


@pytest.mark.parametrize("page", sorted(path.stem for path in PAGES.glob("*.md")))
def test_every_page_is_tried(page):
    assert f"test_a_{page}_is_one_new_file" in globals()
