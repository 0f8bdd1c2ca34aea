# SPDX-License-Identifier: BSD-3-Clause
"""What a user installs: the wheel holds the rooms and their data, and only them; the citation fits the version."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tomli
import yaml

ROOT = Path(__file__).parents[2]
SKIPPED = shutil.ignore_patterns(".git", ".venv", "build", "dist", "__pycache__", ".*_cache", ".hypothesis")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The files in the wheel built from the tree, and in the one built from the sdist: checksums by name."""
    tree = tmp_path_factory.mktemp("tree") / "synergic"
    shutil.copytree(ROOT, tree, symlinks=True, ignore=SKIPPED)
    contents = []
    for number, targets in enumerate((["--wheel"], [])):  # the second: sdist, and from it the wheel
        out = tree.parent / f"dist{number}"
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, *targets, tree]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stdout + done.stderr
        with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
            contents.append({file.filename: file.CRC for file in wheel.infolist()})
    return contents


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_the_chips(wheels):
    for room in ("processes", "models", "hw_targets"):
        for file in (ROOT / room).rglob("*.py"):
            assert f"synergic/{file.relative_to(ROOT)}" in wheels[0]
    for file in (ROOT / "src").rglob("*.py"):
        assert file.relative_to(ROOT / "src").as_posix() in wheels[0]
    chips = {f"synergic/{file.relative_to(ROOT)}" for file in (ROOT / "hw_targets" / "chips").glob("*.toml")}
    assert chips
    assert {*chips, "synergic/py.typed"} <= set(wheels[0])


def test_the_wheel_holds_nothing_else(wheels):
    packages = {name.split("/")[0] for name in wheels[0]}
    assert {name for name in packages if not name.endswith(".dist-info")} == {"synergic"}
    inner = {name.split("/")[1] for name in wheels[0] if name.startswith("synergic/")}
    assert not inner & {"tests", "tutorials", "benchmarks", "docs"}
    assert not [name for name in wheels[0] if "__pycache__" in name]


def test_the_sdist_builds_the_same_wheel(wheels):
    assert wheels[0] == wheels[1]


def test_the_citation_fits_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert citation["preferred-citation"]["doi"] == "10.1038/s41467-021-27653-2"
