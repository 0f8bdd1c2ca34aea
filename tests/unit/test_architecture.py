# SPDX-License-Identifier: BSD-3-Clause
"""Imports point one way, as pyproject.toml says ([tool.importlinter]), and the guard would notice if not."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINT = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
ROOMS = ("src", "processes", "models", "numerics", "learning", "hw_targets", "pyproject.toml")


def lint(folder):
    """The guard's answer for a source tree."""
    environment = {"PYTHONPATH": str(folder / "src"), "PATH": ""}
    return subprocess.run(LINT, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_imports_point_one_way():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_the_guard_finds_a_planted_import(tmp_path):
    for room in ROOMS:
        copy = shutil.copytree if (ROOT / room).is_dir() else shutil.copy
        copy(ROOT / room, tmp_path / room, **({"symlinks": True} if copy is shutil.copytree else {}))
    planted = tmp_path / "numerics" / "fixed.py"
    planted.write_text(planted.read_text() + "\nimport torch\n")
    done = lint(tmp_path)
    assert done.returncode != 0
    assert "synergic.numerics.fixed -> torch" in done.stdout


def test_a_room_cannot_be_imported_as_a_package_of_its_own():
    for room in ("processes", "models", "numerics", "learning", "hw_targets"):
        done = subprocess.run([sys.executable, "-c", f"import {room}"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode != 0
        assert f"import synergic.{room}" in done.stderr
