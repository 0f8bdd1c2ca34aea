# SPDX-License-Identifier: BSD-3-Clause
"""The command line teaches, refuses bad arguments with an exit code, and the demo delivers all its figures."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from synergic.demo import picture, run_demo, tables, write_json
from synergic.info import info, installed

SYNERGIC = str(Path(sys.executable).with_name("synergic"))


def synergic(*arguments):
    return subprocess.run([SYNERGIC, *arguments], capture_output=True, text=True, timeout=120)


def test_help_names_the_commands_and_explains_the_options():
    assert "demo" in synergic("--help").stdout
    text = synergic("demo", "--help").stdout
    for word in ("--json", "--seed", "--figure", "Training epochs"):
        assert word in text


def test_info_names_versions_and_parts(tmp_path, monkeypatch):
    (tmp_path / "mnist.npz").touch()
    monkeypatch.setenv("SYNERGIC_DATA", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    done = synergic("info", "--json", str(tmp_path / "info.json"))
    assert done.returncode == 0
    assert "lava-nc 0.10.0" in done.stdout
    found = json.loads((tmp_path / "info.json").read_text())
    assert found["versions"]["lava-nc"] == "0.10.0"
    parts = {part["name"]: part for part in found["parts"]}
    assert all(parts[name]["works"] for name in ("lava", "training", "lava-dl", "events", "plots", "mnist"))
    assert not parts["fashion"]["works"]
    assert f"fashion (data set Fashion-MNIST): MISSING: not in {tmp_path}. Unset SYNERGIC_DATA" in done.stdout
    assert {"nir", "gpu", "cluster", "documentation", "browser", "notebooks"} <= parts.keys()
    assert all(part["needs"] and part["why_not"] for part in parts.values() if not part["works"])
    assert parts["chip peers"] | {"what": ""} == {
        "name": "chip peers", "what": "", "works": False, "why_not": "no program uv", "needs": "pip install uv",
    }  # fmt: skip


def test_info_survives_a_package_that_is_broken_or_not_there(monkeypatch):
    for name in ("tonic", "ray", "nir"):
        monkeypatch.setitem(sys.modules, name, None)  # import tonic fails
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    parts = {part["name"]: part for part in info()["parts"]}
    assert not parts["events"]["works"]
    assert parts["events"]["why_not"].startswith("tonic: ModuleNotFoundError")
    assert parts["cluster"]["needs"].startswith("pip install 'synergic[cluster]'")
    assert not parts["nir"]["works"]
    assert parts["gpu"]["why_not"] == "torch finds no GPU"
    assert parts["plots"]["works"]
    assert installed("no-such-package") is None


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("demo", "--seed", "many")])
def test_wrong_arguments_end_with_two(arguments):
    done = synergic(*arguments)
    assert done.returncode == 2
    assert done.stderr


def test_a_missing_folder_is_refused_before_any_work(tmp_path):
    done = synergic("demo", "--json", str(tmp_path / "missing" / "figures.json"))
    assert done.returncode == 2
    assert done.stderr.startswith("synergic: ")
    assert "missing does not exist" in done.stderr


@pytest.fixture(scope="module")
def figures():
    return run_demo(epochs=2, samples=6, progress=False)


def test_the_demo_delivers_its_figures(figures, tmp_path):
    write_json(figures, tmp_path / "figures.json")
    read = json.loads((tmp_path / "figures.json").read_text())
    executors = {"gp", "lp", "hp", "hp_lava_float", "hp_lava_fixed", "gp_chip", "hp_chip"}
    assert set(read["accuracy"]) == executors
    assert all(0 <= a <= 1 for a in read["accuracy"].values())
    assert read["agreement"]["fixed_chip"] == 1.0
    assert read["agreement"]["float_reference"] <= 1e-4
    assert read["chip"]["cores"] == 12
    assert read["chip"]["phases"] == 30
    bare = read["chip"]["without_local_weights"]  # 300 neurons and 300 inputs: two cores each; no update phase
    assert (bare["cores"], bare["local_cores"], bare["phases"]) == (4, 0, 20)
    assert bare["latency_s"] * 3 == pytest.approx(read["chip"]["latency_s"] * 2)
    assert 0 < bare["energy_j"] < read["chip"]["energy_j"]
    assert read["chip"]["latency_s"] > 0
    assert read["chip"]["energy_j"] > 0
    assert read["seconds"]["total"] > 0


def test_the_demo_prints_the_marks_of_its_constants(figures):
    console = Console(record=True, width=200, file=io.StringIO())
    tables(figures, console)
    text = console.export_text()
    assert "(second-hand)" in text
    assert "(assumed)" in text
    assert "model of tianjic" in text


def test_the_demo_draws_its_picture(figures, tmp_path):
    picture(figures, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
