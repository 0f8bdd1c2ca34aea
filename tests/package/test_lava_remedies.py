# SPDX-License-Identifier: BSD-3-Clause
"""lava-nc on Python 3.11 and later, numpy 2.4 and later: what is changed in memory, that no more is, and until when."""

import ast
import dataclasses
import importlib.metadata
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lava.magma.compiler.var_model import AxonEncoder, ByteEncoder, ChipEncoder, CoreEncoder
from lava.magma.core.process.ports.ports import ReshapePort
from lava.proc.graded.models import inv_sqrt

import synergic
from synergic._core import lava_remedies as _lava_remedies
from synergic._core.lava_remedies import REMEDIES, Remedy, _Finder, install

LATER = sys.version_info >= (3, 11)


def run(code):
    """What a new Python says to some lines."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=900)


@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda r: f"{r.module}: {r.new}")
def test_a_remedy_goes_when_lava_no_longer_has_its_line(remedy):
    source = Path(importlib.util.find_spec(remedy.module).origin).read_text()
    release = importlib.metadata.version("lava-nc")
    assert remedy.old in source, f"lava-nc {release} has mended this: delete the remedy, raise the lower bound"
    changed = source.replace(remedy.old, remedy.new)
    ast.parse(changed)
    assert changed.count("\n") == source.count("\n"), "tracebacks would show other lines"


@pytest.mark.skipif(not LATER, reason="Python 3.10 allows the defaults")
def test_without_the_remedy_python_refuses_lava():
    # If this fails, lava-nc or Python has changed: the remedy of the defaults can go.
    done = run("import lava.magma.compiler.var_model")
    assert "mutable default <class 'lava.magma.compiler.var_model.ByteEncoder'>" in done.stderr


@pytest.mark.skipif(not LATER, reason="nothing is refused on Python 3.10")
@pytest.mark.parametrize(
    "first", ["", "try:\n    import lava.magma.compiler.var_model\nexcept ValueError:\n    pass\n"]
)
def test_importing_synergic_is_enough_also_after_a_failed_import(first):
    done = run(
        f"{first}import dataclasses, sys\nbefore = dataclasses.dataclass\nimport synergic\n"
        "import lava.magma.compiler.var_model as m\nassert dataclasses.dataclass is before\n"
        "print(m.CoreEncoder())"
    )
    assert "CoreEncoder(x=ByteEncoder(base=0, len=0, ptr=0)" in done.stdout, done.stderr


def test_the_classes_are_what_they_are_on_3_10():
    for encoder in (CoreEncoder, ChipEncoder, AxonEncoder):
        assert dataclasses.is_dataclass(encoder)
        assert {type(f.default) for f in dataclasses.fields(encoder)} == {ByteEncoder}
        assert encoder() == encoder()
    assert [f.name for f in dataclasses.fields(ByteEncoder)] == ["base", "len", "ptr"]


def test_dataclasses_are_as_they_were():
    @dataclasses.dataclass
    class Free:
        """Has no hash, as every mutable dataclass."""

    assert Free.__hash__ is None
    assert dataclasses.dataclass.__module__ == "dataclasses"
    if LATER:
        with pytest.raises(ValueError, match="mutable default"):
            dataclasses.make_dataclass("Holder", [("field", Free, Free())])


def test_two_threads_import_at_once():
    done = run(
        "import synergic, threading, importlib\nfound = []\nbarrier = threading.Barrier(8)\n"
        "def load():\n"
        "    barrier.wait()\n"
        "    found.append(importlib.import_module('lava.magma.compiler.var_model').CoreEncoder)\n"
        "threads = [threading.Thread(target=load) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "print(len(found), len(set(found)))"
    )
    assert done.stdout.split() == ["8", "1"], done.stderr


@pytest.mark.skipif(not _Finder.modules, reason="this Python and numpy need no remedy")
def test_a_module_of_lava_that_was_loaded_before_is_named():
    done = run("import sys, types\nsys.modules['lava.proc.graded.models'] = types.ModuleType('m')\nimport synergic")
    if "lava.proc.graded.models" in _Finder.modules:
        assert "ImportError: lava.proc.graded.models was imported before synergic" in done.stderr
        assert "put `import synergic` before the imports of lava" in done.stderr
    else:
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not _Finder.modules, reason="this Python and numpy need no remedy")
def test_a_file_that_fails_fails_and_leaves_nothing_behind(tmp_path, monkeypatch):
    (tmp_path / "broken_part.py").write_text("value = 1\nraise RuntimeError('as before')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(_Finder, "modules", frozenset({"broken_part"}))
    monkeypatch.setattr(_lava_remedies, "REMEDIES", (Remedy("broken_part", "value = 1", "value = 2", True),))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="as before"):
            __import__("broken_part")
        assert "broken_part" not in sys.modules
    (tmp_path / "broken_part.py").write_text("value = 1\n")
    assert __import__("broken_part").value == 2
    assert not list(tmp_path.rglob("*.pyc")), "a cache would hold another text than the file"


def test_nothing_is_installed_where_nothing_is_needed(monkeypatch):
    monkeypatch.setattr(_Finder, "modules", frozenset())
    monkeypatch.setattr(sys, "meta_path", [])
    install()
    assert sys.meta_path == []


def test_the_finder_stands_once():
    before = list(sys.meta_path)
    install()
    assert sys.meta_path == before
    assert sum(isinstance(finder, _Finder) for finder in before) == bool(_Finder.modules)
    assert synergic.__version__


def test_ports_reshape_and_graded_numbers_compute():
    values = np.arange(6)
    port = ReshapePort(new_shape=(2, 3), old_shape=(6,))
    np.testing.assert_array_equal(port.get_transform_func_fwd()(values), values.reshape(2, 3))
    np.testing.assert_array_equal(port.get_transform_func_bwd()(values.reshape(2, 3)), values)
    # 1 / sqrt(4) in 12 bits of fraction, as Lava's own test of it allows: 2048 = 0.5
    for value in (4 << 12, np.array([4 << 12])):
        assert abs(int(np.asarray(inv_sqrt(value)).item()) - 2048) <= 64


def test_lava_is_imported_after_multiprocessing_was_used():
    script = (
        "import multiprocessing, synergic; multiprocessing.Lock(); multiprocessing.get_start_method();"
        "import synergic.processes; print(multiprocessing.get_start_method())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "fork"
