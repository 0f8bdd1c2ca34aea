# SPDX-License-Identifier: BSD-3-Clause
"""`synergic bench` runs the scripts of a clone, compares with targets, and refuses to run elsewhere."""

import ast
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import synergic
from synergic.cli._bench import AGAINST, AT_MOST, SCRIPTS, all_reached, bench, compared
from synergic.cli._info import BENCHMARKS
from synergic.errors import ExecutionError, ParameterError, UnsupportedError

SCRIPT = """
import json, os, sys
given = sys.argv[sys.argv.index("--json") + 1]
assert os.environ["OMP_NUM_THREADS"]
print("measuring", *sys.argv[3:])
json.dump({"figures": {"speed": 3.0, "map_s_156": 9.0, "left_out": None},
           "reach": {"speed": 2, "map_s_156": 5, "left_out": 1}}, open(given, "w"))
"""


@pytest.fixture
def clone(tmp_path):
    """Scripts that take no time."""
    for name in SCRIPTS:
        (tmp_path / f"{name}.py").write_text(SCRIPT)
    return tmp_path


def test_measured_figures_stand_beside_targets(clone, tmp_path):
    console = Console(record=True, width=150, file=io.StringIO())
    result = bench(("chip",), folder=clone, json_file=tmp_path / "out.json", console=console)
    text = console.export_text()
    assert result["figures"]["chip"]["speed"] == {"target": 2, "at most": False, "measured": 3.0, "enough": True}
    assert [row["enough"] for row in result["figures"]["chip"].values()] == [True, False, None]
    assert not all_reached(result)
    assert "at most 5" in text
    assert "left_out" not in text, "a quick round was not asked for it"
    assert "seconds to map a network on all 156 cores" in text, "what each figure compares"
    assert json.loads((tmp_path / "out.json").read_text())["records"].keys() == {"chip"}
    console = Console(record=True, width=150, file=io.StringIO())
    bench(("chip",), quick=False, folder=clone, console=console)
    assert "chip: left_out not measured: their peers are not installed." in console.export_text()


def test_only_a_figure_that_was_measured_can_fail():
    assert all_reached({"figures": {"a": compared({"reach": {"speed": 2}, "figures": {"speed": None}})}})
    assert all_reached({"figures": {"a": compared({"reach": {"composed_ratio": 2}, "composed_ratio": 1.5})}})
    assert not all_reached({"figures": {"a": compared({"reach": {"speed": 2}, "figures": {"speed": 1.5}})}})


def test_scripts_that_fail_arguments_and_installations_without_scripts(clone, tmp_path):
    (clone / "chip.py").write_text("raise SystemExit(3)")
    with pytest.raises(ExecutionError, match=r"chip\.py ended with 3"):
        bench(("chip",), folder=clone)
    with pytest.raises(ParameterError, match=r"bench\.which: got 'chips'"):
        bench(("chips",), folder=clone)
    with pytest.raises(ParameterError, match=r"bench\.which: got none"):
        bench((), folder=clone)
    (clone / "chip.py").unlink()
    with pytest.raises(UnsupportedError, match=r"allowed a clone of the repository, .*\['chip'\]"):
        bench(folder=clone)


@pytest.mark.slow
def test_an_installed_package_says_that_it_needs_a_clone(tmp_path):
    shutil.copytree(Path(synergic.__file__).parent, tmp_path / "lib" / "x" / "synergic", symlinks=False,
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    code = "import sys; sys.argv = ['synergic', 'bench']; from synergic.cli._main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(tmp_path / "lib" / "x")}, cwd=tmp_path,
                          capture_output=True, text=True, timeout=900)  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "allowed a clone of the repository" in done.stderr


def test_the_scripts_take_the_options_and_have_the_figures():
    """Nothing is measured here: only that scripts and command speak of the same things."""
    texts = {name: (BENCHMARKS / f"{name}.py").read_text() for name in SCRIPTS}
    for name, script in SCRIPTS.items():
        for option in (word for word in script.quick if word.startswith("--")):
            field = option.removeprefix("--").removeprefix("no-")
            assert re.search(rf"\b{field}: (bool|int) = ", texts[name]), f"{name}.py {option}"
    assert not [figure for figure in AT_MOST if not any(f'"{figure}": ' in text for text in texts.values())]


def test_every_figure_with_a_target_says_what_it_compares():
    wanted = {f"vs_{name}" for name in keys(BENCHMARKS / "peers.py", "PEERS")}
    for name in SCRIPTS:
        wanted |= keys(BENCHMARKS / f"{name}.py", "REACH")
    assert wanted == AGAINST.keys()


def keys(path, variable):
    """The keys of the first dictionary that a variable of a script is made of."""
    for node in ast.walk(ast.parse(path.read_text())):
        target = node.target if isinstance(node, ast.AnnAssign) else (getattr(node, "targets", None) or [None])[0]
        if isinstance(target, ast.Name) and target.id == variable:
            return {k.value for k in next(n for n in ast.walk(node.value) if isinstance(n, ast.Dict)).keys}
    raise AssertionError(f"{path} has no {variable}")
