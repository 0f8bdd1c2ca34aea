# SPDX-License-Identifier: BSD-3-Clause
"""Devices, FIFOs, links, "-", full disks, readers that go away, and names that are not text."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from synergic._core.files import check_folder, write_json, write_whole
from synergic.cli._map import map_to_chip
from synergic.cli._wording import quoted
from synergic.errors import ParameterError
from synergic.network import load, save

SYNERGIC = str(Path(sys.executable).with_name("synergic"))
FULL = Path("/dev/full")


def run(folder, *arguments, **options):
    """`synergic` in a folder, with the network net.h5 and data.npy in it."""
    network = plastic_network(sizes=(20, 12, 4))
    save(network, folder / "net.h5")
    np.save(folder / "data.npy", random_spikes(network, samples=2))
    options = {"stdout": subprocess.PIPE, **options}
    return subprocess.run([SYNERGIC, *arguments], cwd=folder, stderr=subprocess.PIPE, timeout=900, **options)


def test_what_is_no_regular_file_is_written_to_and_stays_what_it_is(tmp_path):
    before = os.stat("/dev/null")
    write_json(Path("/dev/null"), {"a": 1})
    after = os.stat("/dev/null")
    assert (stat.S_ISCHR(after.st_mode), after.st_rdev) == (True, before.st_rdev)
    fifo, read = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: read.append(fifo.read_text()))
    reader.start()
    write_json(fifo, {"a": 1})
    reader.join(30)
    assert json.loads(read[0]) == {"a": 1}
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert [p.name for p in tmp_path.iterdir()] == ["fifo"], "no draft is left"


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    network = plastic_network(sizes=(20, 12, 4))
    for name, target in (("there", "far/old.h5"), ("dangling", "far/new.h5")):
        if name == "there":
            (tmp_path / target).write_text("old")
        (tmp_path / name).symlink_to(target)
        save(network, tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert load(tmp_path / target).steps == network.steps
    (tmp_path / "astray").symlink_to("none/new.h5")
    with pytest.raises(ParameterError, match=r"none does not exist, allowed an existing one"):
        save(network, tmp_path / "astray")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(ParameterError, match="round"):
        save(network, tmp_path / "round")


@pytest.mark.one_in(3)  # the next test has /dev/stdout
@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/proc/self/fd/1"])
def test_json_on_the_standard_output_is_json_alone(name, tmp_path):
    done = run(tmp_path, "simulate", "net.h5", "data.npy", "--json", name)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["samples"] == 2
    assert b"cores of the model of tianjic" in done.stderr, "the tables"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.npy", "net.h5"]


@pytest.mark.slow
def test_standard_output_that_is_a_file_keeps_what_was_in_it(tmp_path):
    with (tmp_path / "out").open("ab") as out:
        out.write(b"before\n")
        out.flush()
        done = run(tmp_path, "simulate", "net.h5", "data.npy", "--json", "/dev/stdout", stdout=out)
    assert done.returncode == 0, done.stderr
    before, _, rest = (tmp_path / "out").read_text().partition("\n")
    assert before == "before"
    assert json.loads(rest)["samples"] == 2


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    with pytest.raises(ParameterError, match=r"/dev/full: got No space left on device, allowed a place"):
        write_json(FULL, {"a": 1})
    assert stat.S_ISCHR(FULL.stat().st_mode)

    def fill(draft):
        draft.write_text("half")
        raise OSError(28, "No space left on device")

    (tmp_path / "old").write_text("whole")
    with pytest.raises(ParameterError, match="No space left on device, allowed a place that can be written"):
        write_whole(tmp_path / "old", fill)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("old", "whole")]
    for command in (("map", "net.h5"), ("--help",), ("map", "--help")):
        with FULL.open("wb") as full:
            done = run(tmp_path, *command, stdout=full)
        assert done.returncode == 2, command
        assert done.stderr.decode().splitlines() == ["synergic: No space left on device"]


def test_a_reader_that_goes_away_is_one_line(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    done = run(tmp_path, "map", "net.h5", stdout=writing)
    os.close(writing)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == ["synergic: nobody reads the output any more"]


@pytest.mark.slow
def test_names_that_are_no_text_are_written_and_shown(tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system has names of text only")
    done = run(
        folder, "simulate", "net.h5", os.fsencode(folder / "data.npy"), "--json", os.fsencode(folder / "out.json")
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "out.json").read_text())["data"].endswith("data.npy")
    map_to_chip(folder / "net.h5", html=folder / "report.html", output=folder / "map.h5")
    assert (folder / "report.html").read_text(encoding="utf-8")
    done = run(folder, "map", os.fsencode(folder / "missing"))
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert sy.load_example("digits-hp").name == "digits-hp"


def test_a_command_to_type_next_has_names_as_a_shell_takes_them(tmp_path):
    for raw in (b"plain.h5", b"with space.h5", b"it's \\ .h5", b"\xff.h5", b"caf\xe9 'b\\.h5", "caf\u00e9".encode()):
        path = os.fsdecode(raw)
        shown = subprocess.run(["bash", "-c", f"printf %s {quoted(path)}"], capture_output=True, check=True)
        assert shown.stdout == raw


@pytest.mark.parametrize("name", ["a\0b", "a" * 300 + "/b", "x" * 5000])
def test_a_path_that_cannot_be_is_refused_before_the_work(name, tmp_path):
    with pytest.raises(ParameterError, match="allowed"):
        check_folder(tmp_path / name)
