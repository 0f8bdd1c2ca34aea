# SPDX-License-Identifier: BSD-3-Clause
"""An installation and a home that cannot be written, or no home at all: everything imports, and functions compile."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from synergic.data._cache import cache
from synergic.numerics import _compiler

IMPORTS = """
import os
from pathlib import Path
import numba.core.caching as caching

def nobody(*_):
    raise RuntimeError("Could not determine home directory.")

def refuse(*_):
    raise OSError(30, "Read-only file system")

for locator in (caching.InTreeCacheLocator, caching.UserWideCacheLocator):
    locator.ensure_cache_path = refuse
Path.home = nobody
import synergic, synergic.processes, synergic.learning.tasks, synergic.hw_targets, synergic.interchange, synergic.cli
from synergic.cli._info import info
parts = {part["name"]: part for part in info(thorough=True)["parts"]}
assert parts["lava"]["works"] and parts["training"]["works"], parts
from synergic.data._cache import cache
print(cache())
print(numba.config.CACHE_DIR)
"""
ONE = """
import numpy as np
from synergic.numerics._compiled import weighted_sum
assert weighted_sum(np.ones(2), np.ones((2, 3))).tolist() == [2.0] * 3
"""
ALL = """
example = synergic.load_example("digits-hp")
integer = synergic.quantise(example.network)
mapping = synergic.hw_targets.map_network(integer)
synergic.hw_targets.simulate_on_chip(mapping, example.inputs[:1])
"""


def run(code, folder, **environment):
    """What a Python says, whose temporary files lie in a folder."""
    variables = {name: value for name, value in os.environ.items() if name not in ("HOME", "NUMBA_CACHE_DIR")}
    variables |= {"TMPDIR": str(folder), **environment}
    command = [sys.executable, "-c", "import numba\n" + code]
    return subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, timeout=900)


@pytest.mark.slow
@pytest.mark.parametrize("use", [ONE, ALL], ids=["one function", "all"])
@pytest.mark.parametrize("temporary", ["own", "of others"])
def test_without_a_place_for_caches_everything_works(temporary, use, tmp_path):
    """A cache that others may write is none: numba runs what it finds there. Nor is there a home: data sets are
    searched among temporary files.

    numba looks for a place when a module is imported, and all are; it writes when a function is first called, and one
    function shows it as well as all, whose compilation takes half a minute.
    """
    cache = tmp_path / f"synergic-numba-{os.getuid()}"
    if temporary == "of others":
        cache.mkdir()
        cache.chmod(0o777)
    done = run(IMPORTS + use, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert str(tmp_path / f"synergic-{os.getuid()}") in done.stdout.splitlines()
    assert not list(tmp_path.glob("~*")), "nothing is made in a folder called ~"
    if temporary == "own":
        assert str(cache) in done.stdout
        assert any(cache.rglob("*.nbi"))
        assert cache.stat().st_mode & 0o777 == 0o700
        assert done.stderr.count("compiled functions are cached in") <= 1
    else:
        assert not any(cache.rglob("*.nbi"))


def test_the_folder_of_the_data_sets_where_there_is_no_home(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert cache() == tmp_path / "home" / ".cache" / "synergic"

    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    assert cache() == tmp_path / f"synergic-{os.getuid()}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where compiled functions would be cached among temporary files; numba's setting is put back."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(_compiler.settings, "CACHE_DIR", "")
    monkeypatch.setattr(_compiler, "temporary_cache", _compiler.temporary_cache.__wrapped__)  # asked anew each time
    return tmp_path / f"synergic-numba-{os.getuid()}"


def of_others(folder):
    folder.mkdir()
    folder.chmod(0o777)


def a_link(folder):
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to("elsewhere")


@pytest.mark.parametrize("made", [of_others, a_link, Path.touch])
def test_a_cache_that_is_no_folder_of_ones_own_is_none(made, folder, caplog):
    made(folder)
    assert not _compiler.temporary_cache()
    assert _compiler.settings.CACHE_DIR == ""
    assert "compiled anew in every process" in caplog.text


def test_a_cache_of_ones_own_is_found_again(folder):
    for _ in range(2):
        assert _compiler.temporary_cache()
        assert str(folder) == _compiler.settings.CACHE_DIR
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("refusals", "cached"), [(0, True), (1, True), (2, False)])
def test_functions_are_compiled_whether_or_not_they_can_be_cached(refusals, cached, folder, monkeypatch):
    """numba refuses so often to find a place: beside the source and at home, then among temporary files."""
    left = [refusals]

    def njit(cache=False, **options):
        if cache and left[0]:
            left[0] -= 1
            raise RuntimeError("cannot cache function 'f': no locator available")
        return lambda function: (function, cache, options)

    monkeypatch.setattr(_compiler, "njit", njit)
    assert _compiler.cached_jit(nogil=True)(abs) == (abs, cached, {"nogil": True})
    assert folder.exists() == bool(refusals)


def test_without_a_home_no_folder_of_that_name_is_made(folder, monkeypatch):
    monkeypatch.setattr(_compiler, "njit", lambda **options: lambda function: function)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert _compiler.cached_jit()(abs) is abs
    assert str(folder) == _compiler.settings.CACHE_DIR


def test_other_errors_of_the_compiler_are_not_hidden(folder, monkeypatch):
    def njit(**options):
        raise RuntimeError("a defect")

    monkeypatch.setattr(_compiler, "njit", njit)
    with pytest.raises(RuntimeError, match="a defect"):
        _compiler.cached_jit()(abs)
