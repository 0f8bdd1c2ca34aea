# SPDX-License-Identifier: BSD-3-Clause
"""A module that another process runs reports what it would report here; whatever ends that process is a failure."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
MODULE = """
import os, time
import pytest
pytestmark = pytest.mark.alone
def test_good(): pass
def test_bad(): assert 1 == 2
@pytest.mark.skip
def test_skipped(): pass
def test_crash(): os._exit(0)
@pytest.mark.timeout(2)
def test_hang(): time.sleep(1000)
@pytest.fixture
def broken():
    yield
    raise ValueError
def test_ending(broken): pass
def test_elsewhere(): assert os.getppid() != int(os.environ["TESTS"])
@pytest.mark.slow
def test_slow(): assert False
"""
HERE = """
import os, torch
os.environ["TESTS"] = str(os.getppid())
def test_here(): pass
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_reports_are_handed_on(workers, tmp_path):
    (tmp_path / "tests").mkdir()
    for name in ("alone.py", "commands.py", "conftest.py", "forks.py"):
        shutil.copy(TESTS / name, tmp_path / "tests" / name)
    shutil.copy(TESTS.parent / "pyproject.toml", tmp_path)
    (tmp_path / "tests" / "test_module.py").write_text(MODULE)
    (tmp_path / "tests" / "test_here.py").write_text(HERE)
    command = [sys.executable, "-m", "pytest", "-n", str(workers), "-rA", "--color=no"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900)
    assert done.returncode == 1, done.stderr
    found = {(kind, name) for kind, name in re.findall(r"^([A-Z]+) \S+::test_(\w+)", done.stdout, re.MULTILINE)}
    assert found == {
        *(("PASSED", name) for name in ("good", "here", "ending", "elsewhere")),
        *(("FAILED", name) for name in ("bad", "crash", "hang")),
        ("ERROR", "ending"),
    }, done.stdout  # fmt: skip
    assert "3 failed, 4 passed, 1 skipped, " in done.stdout.splitlines()[-1]
