# SPDX-License-Identifier: BSD-3-Clause
"""Imports point one way, as pyproject.toml says ([tool.importlinter]), and the guard would notice if not."""

import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import tomli

ROOT = Path(__file__).parents[2]
LINT = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
ROOMS = ("src", "processes", "models", "hw_targets", "pyproject.toml")


def lint(folder):
    """The guard's answer for a source tree."""
    environment = {"PYTHONPATH": str(folder / "src"), "PATH": "", "COLUMNS": "300"}  # no line is broken
    return subprocess.run(LINT, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)


def test_imports_point_one_way():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.fixture
def tree(tmp_path):
    """A copy of what the guard reads, links included."""
    for room in ROOMS:
        if (ROOT / room).is_dir():
            shutil.copytree(ROOT / room, tmp_path / room, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / room, tmp_path / room)
    return tmp_path


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    ("file", "target"),
    [
        ("src/synergic/numerics/fixed.py", "torch"),
        ("src/synergic/numerics/floating.py", "synergic.errors"),
        ("src/synergic/network/_description.py", "lava.magma"),
        ("src/synergic/network/_quantise.py", "torch"),
        ("src/synergic/data/_digits.py", "synergic.learning"),
        ("processes/_timing.py", "synergic.models"),
        ("processes/hybrid_lif/process.py", "synergic.learning._layers"),
        ("src/synergic/learning/_training.py", "lava.proc.lif"),
        ("hw_targets/costs/_costs.py", "lava.magma"),
        ("hw_targets/_chip.py", "synergic.learning._layers"),
        ("hw_targets/mapping/_checker.py", "synergic.hw_targets.mapping.passes._limits"),
        ("hw_targets/mapping/_core_messages.py", "synergic.hw_targets.mapping._tiling"),
        ("hw_targets/mapping/passes/_merge.py", "synergic.hw_targets.mapping.passes._partition"),
    ],
)
def test_the_guard_finds_a_planted_import(tree, file, target):
    planted = tree / file
    planted.write_text(f"{planted.read_text()}\nimport {target}\n")
    done = lint(tree)
    assert done.returncode != 0
    module = "synergic." + file.removeprefix("src/synergic/").removesuffix(".py").replace("/", ".")
    external = target.split(".")[0]
    assert f"{module} -> {target if external == 'synergic' else external}" in done.stdout


def test_a_chain_of_imports_counts(tree):
    (tree / "src" / "synergic" / "_detour.py").write_text("import torch\n")
    planted = tree / "src" / "synergic" / "reference" / "_simulate.py"
    planted.write_text(f"{planted.read_text()}\nimport synergic._detour\n")
    done = lint(tree)
    assert done.returncode != 0
    assert "synergic.reference._simulate -> synergic._detour" in done.stdout


def contract(name):
    """A contract of pyproject.toml."""
    contracts = tomli.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(c for c in contracts if c["id"] == name)


def test_no_module_of_the_chips_is_forgotten():
    files = {file.stem for file in (ROOT / "hw_targets").glob("*.py")} - {"__init__", "lava_bridge"}
    modules = files | {file.parent.name for file in (ROOT / "hw_targets").glob("*/__init__.py")}
    assert set(contract("chip")["source_modules"]) == {f"synergic.hw_targets.{m}" for m in modules}


def test_no_pass_is_forgotten():
    files = {file.stem for file in (ROOT / "hw_targets" / "mapping" / "passes").glob("*.py")} - {"__init__", "_pass"}
    assert set(contract("passes")["modules"]) == {f"synergic.hw_targets.mapping.passes.{m}" for m in files}


def modules():
    """All modules of the library, as paths."""
    rooms = ("src", "processes", "models", "hw_targets")
    return [file for room in rooms for file in (ROOT / room).rglob("*.py") if "__pycache__" not in file.parts]


def test_a_name_of_a_module_says_one_thing():
    # Lava wants a process.py and a models.py in the folder of each process.
    names = [file.name for file in modules() if file.name not in ("__init__.py", "process.py", "models.py")]
    assert sorted(names) == sorted(set(names))


def test_a_module_is_private_or_documented():
    public = {file for file in modules() if not any(part.startswith("_") for part in file.relative_to(ROOT).parts)}
    pages = (ROOT / "docs" / "api.md").read_text()
    for file in public - {f for f in public if f.name in ("process.py", "models.py")}:
        name = ".".join(file.with_suffix("").relative_to(ROOT).parts).removeprefix("src.")
        name = name if name.startswith("synergic") else f"synergic.{name}"
        assert f"   {name}\n" in pages, f"{name}: neither private by name nor in docs/api.md"


LOADED = """
import os, sys
import h5py, matplotlib.figure, networkx, nir, numba, rich, scipy.sparse, tyro  # once, not in each fork
from importlib import import_module

for room in sys.argv[1:]:
    if os.fork() == 0:
        import_module("synergic." + room)
        print(room, *sorted({"lava", "torch", "tonic"} & set(sys.modules)), flush=True)
        os._exit(0)
    os.wait()
"""


def test_neither_lava_nor_torch_is_loaded_where_they_are_not_needed():
    # Also what the package itself imports on the way, which no contract names.
    rooms = ["hw_targets", "numerics", "network", "reference", "data", "interchange", "plots", "cli", "experiments"]
    command = [sys.executable, "-c", LOADED, *rooms, "learning"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.stdout.splitlines() == [*rooms, "learning torch"], done.stderr


@pytest.mark.parametrize("room", ["processes", "models", "hw_targets"])
def test_a_room_cannot_be_imported_as_a_package_of_its_own(room):
    spec = spec_from_file_location(room, ROOT / room / "__init__.py")  # what `import models` finds at the root
    with pytest.raises(ImportError, match=f"import synergic.{room}"):
        spec.loader.exec_module(module_from_spec(spec))


LONGEST = 500
"""Lines of a module. Each that was longer had two concepts or more, which are modules of their own now."""


def test_a_module_has_one_concept_and_fits_its_length():
    assert len(modules()) > 200
    assert {file.name for file in modules() if len(file.read_text().splitlines()) > LONGEST} == set()
