# SPDX-License-Identifier: BSD-3-Clause
"""An installation and a home that cannot be written, or no home at all: everything imports, and functions compile."""

import os
import subprocess
import sys

import pytest

IMPORTS = """
import os
from pathlib import Path
import numba.core.caching as caching

def refuse(*_):
    raise OSError(30, "Read-only file system")

for locator in (caching.InTreeCacheLocator, caching.UserWideCacheLocator):
    locator.ensure_cache_path = refuse
import synergic, synergic.processes, synergic.learning.tasks, synergic.hw_targets, synergic.interchange, synergic.cli
from synergic.cli._info import info
parts = {part["name"]: part for part in info()["parts"]}
assert parts["lava"]["works"] and parts["training"]["works"], parts
example = synergic.load_example("digits-hp")
integer = synergic.quantise(example.network)
mapping = synergic.hw_targets.map_network(integer)
synergic.hw_targets.simulate_on_chip(mapping, example.inputs[:1])
print(numba.config.CACHE_DIR)
"""


def run(code, folder, **environment):
    """What a Python says, whose temporary files lie in a folder."""
    variables = {name: value for name, value in os.environ.items() if name not in ("HOME", "NUMBA_CACHE_DIR")}
    variables |= {"TMPDIR": str(folder), **environment}
    command = [sys.executable, "-c", "import numba\n" + code]
    return subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, timeout=900)


@pytest.mark.parametrize("temporary", ["own", "of others"])
def test_without_a_place_for_caches_everything_works(temporary, tmp_path):
    """A cache that others may write is none: numba runs what it finds there."""
    cache = tmp_path / f"synergic-numba-{os.getuid()}"
    if temporary == "of others":
        cache.mkdir()
        cache.chmod(0o777)
    done = run(IMPORTS, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    if temporary == "own":
        assert str(cache) in done.stdout
        assert any(cache.rglob("*.nbi"))
        assert cache.stat().st_mode & 0o777 == 0o700
        assert done.stderr.count("compiled functions are cached in") <= 1
    else:
        assert not any(cache.rglob("*.nbi"))


def test_without_a_home_data_sets_are_searched_among_temporary_files(tmp_path):
    code = """
import pwd
from pathlib import Path
def nobody(*_):
    raise RuntimeError("Could not determine home directory.")
Path.home = nobody
from synergic.data._cache import cache
from synergic.cli._info import info
assert info()["parts"]
print(cache())
"""
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == str(tmp_path / f"synergic-{os.getuid()}")
    assert not list(tmp_path.glob("~*")), "nothing is made in a folder called ~"
