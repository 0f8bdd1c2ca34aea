# SPDX-License-Identifier: BSD-3-Clause
"""What the command line says, and with which exit code, when a command ends in an error; in this process."""

import os
import sys
import warnings
from pathlib import Path

import pytest

from synergic.cli import _main
from synergic.errors import ParameterError


class Fails:
    """A command that ends in an error."""

    json = None

    def __init__(self, error):
        self.error = error

    def run(self):
        raise self.error


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ParameterError("net.vth: got 0, allowed above 0. Raise it."), 2, "net.vth: got 0, allowed above 0"),
        (MemoryError("8 GiB"), 2, "not enough memory: 8 GiB. Allowed is what fits this machine"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 2, "not enough memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device", "/data/net.h5"), 2, "/data/net.h5: No space left on device"),
        (BrokenPipeError(32, "Broken pipe"), 2, "nobody reads the output any more"),
    ],
)
def test_errors_are_one_line_with_an_exit_code(monkeypatch, capsys, error, code, said):
    monkeypatch.setattr(_main.tyro, "cli", lambda *_, **__: Fails(error))
    monkeypatch.setattr(_main, "nothing_more_to_write", lambda: None)  # the tests go on writing
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    with pytest.raises(SystemExit) as ended:
        _main.main()
    assert ended.value.code == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("synergic: ")
    assert said in line


def test_a_fault_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr(_main.tyro, "cli", lambda *_, **__: Fails(RuntimeError("a fault")))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    with pytest.raises(RuntimeError, match="a fault"):
        _main.main()


def test_warnings_of_ours_are_one_line_and_others_none(capsys):
    _main.show_warning("quantise: all round to 0", UserWarning, "file.py", 3)
    _main.show_warning("old", DeprecationWarning, "file.py", 3)
    assert capsys.readouterr().err == "synergic: warning: quantise: all round to 0\n"


def test_tables_make_room_for_json(capsys):
    with _main.tables_beside(Path("-")):
        print("table")
    with _main.tables_beside(None):
        print("beside")
    shown = capsys.readouterr()
    assert (shown.err, shown.out) == ("table\n", "beside\n")


def test_the_old_name_of_an_option(capsys):
    assert _main.arguments(["train", "--trace=frozen"]) == ["train", "--plasticity-scope=frozen"]
    assert "--trace is --plasticity-scope now" in capsys.readouterr().err
    assert _main.arguments(["map", "--trace"]) == ["map", "--trace"]


def test_a_reader_that_went_away_reaches_main(monkeypatch, tmp_path):
    with pytest.raises(BrokenPipeError):
        _main.raise_again(None)
    with (tmp_path / "out").open("w") as file:
        monkeypatch.setattr(sys, "stdout", file)
        _main.nothing_more_to_write()
        assert os.path.samestat(os.fstat(file.fileno()), os.stat(os.devnull))
