# SPDX-License-Identifier: BSD-3-Clause
"""The command line teaches, refuses bad arguments with an exit code, and the demo delivers all its figures."""

import inspect
import io
import json
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tyro
from networks import plastic_network
from rich.console import Console

from synergic.cli import main
from synergic.cli._demo import plot_figures, run_demo, tables, write_json
from synergic.cli._help import texts_of, tidy
from synergic.cli._info import gpu, info, installed, is_there
from synergic.hw_targets import map_network, save_mapping
from synergic.network import quantise, save

SYNERGIC = str(Path(sys.executable).with_name("synergic"))


def synergic(*arguments):
    return subprocess.run([SYNERGIC, *arguments], capture_output=True, text=True, timeout=900)


def test_help_names_the_commands_and_explains_the_options(commands):
    assert "demo" in commands.run("--help").stdout
    text = commands.run("demo", "--help").stdout
    for word in ("--json", "--seed", "--figure", "training epochs"):
        assert word in text


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("demo", "│ --json PATH JSON file to write all figures to. │"),
        (
            "train",
            "mode and seed, as in runs/fashion-mnist-hp-0. With --seeds, the folder in which each run has one",
        ),
        (
            "train fashion-hp",
            "Learning rate of Adam for theta = (alpha, eta, beta). A cosine schedule lowers it to 0. (default",
        ),
        ("evaluate", "With --stream: images of each condition. Default: all test images. │"),
        ("map", "Default: the widest, up to 16, with which no partial sum can exceed 32 bits. │"),
        (
            "simulate",
            "of shape (samples, T, channels), or .npz file with `input` and optionally `labels`. Default",
        ),
        ("export", "What does not fit is refused, with the smallest change that fits. │"),
        ("check", "for a NIR graph that does not say it. Default: 0.001. │"),
        ("report", "│ --html PATH"),
        ("info", "Otherwise they are looked for, and one that is broken is called installed. (default: False)"),
    ],
)
def test_help_is_running_text_without_the_word_none(line, text, commands):
    shown = commands.run(*line.split(), "--help", COLUMNS="500")
    assert shown.returncode == 0
    assert "None" not in shown.stdout
    assert re.sub(r" +", " ", text) in re.sub(r" +", " ", shown.stdout)


@dataclass
class Option:
    size: int | None = None
    """How large
    it is."""


def test_help_needs_no_source(monkeypatch):
    def missing(_):
        raise OSError("could not get source code")

    assert texts_of(Option) == {"size": "How large it is."}
    monkeypatch.setattr(inspect, "getsource", missing)  # an installation of compiled files alone
    tidy(Option)
    assert tyro.cli(Option, args=["--size", "3"]) == Option(3)


def test_info_names_versions_and_parts(commands, tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"four arrays")
    (tmp_path / "omniglot_packed105.npz").touch()  # what a failed download leaves
    (tmp_path / "NMNIST" / "Train").mkdir(parents=True)
    places = {"SYNERGIC_DATA": str(tmp_path), "PATH": str(tmp_path)}
    done = commands.run("info", "--json", str(tmp_path / "info.json"), **places)
    assert done.returncode == 0
    assert done.stdout.startswith(f"python {platform.python_version()}"), "not with what other packages print"
    assert "lava-nc 0.10.0" in done.stdout
    found = json.loads((tmp_path / "info.json").read_text())
    assert found["versions"]["lava-nc"] == "0.10.0"
    parts = {part["name"]: part for part in found["parts"]}
    assert all(parts[name]["works"] for name in ("lava", "nir", "plots", "mnist"))
    untried = ("training", "lava-dl", "events", "digits")
    assert [parts[name]["works"] for name in untried] == [None] * 4, "no claim that was not checked"
    assert "train, demo): installed, not tried\n" in done.stdout
    assert "synergic info --thorough" in done.stdout
    assert not parts["fashion"]["works"]
    assert f"fashion (data set Fashion-MNIST): MISSING: not in {tmp_path}. Downloaded at its first use" in done.stdout
    assert [parts[name]["why_not"] for name in ("n-mnist", "omniglot")] == [f"not complete in {tmp_path}"] * 2
    assert {"nir", "gpu", "cluster", "documentation", "browser", "notebooks"} <= parts.keys()
    assert all(part["needs"] and part["why_not"] for part in parts.values() if part["works"] is False)
    assert parts["chip peers"] | {"what": ""} == {
        "name": "chip peers", "what": "", "works": False, "why_not": "no program uv",
        "needs": "pip install uv, in a clone of the repository",
    }  # fmt: skip


def test_info_survives_a_package_that_is_broken_or_not_there(monkeypatch, tmp_path):
    for name in ("tonic", "ray", "nir"):
        monkeypatch.setitem(sys.modules, name, None)  # import tonic fails
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr("synergic.cli._info.DEVICES", tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    parts = {part["name"]: part for part in info()["parts"]}
    assert parts["events"]["works"] is parts["cluster"]["works"] is False
    assert parts["events"]["why_not"] == "tonic is not installed"
    assert parts["cluster"]["needs"].startswith("pip install 'synergic[cluster]'")
    assert parts["nir"]["why_not"].startswith("nir: ModuleNotFoundError")
    assert parts["gpu"]["why_not"] == "torch finds no GPU"
    assert parts["plots"]["works"]
    assert installed("no-such-package") is None


SPARING = """
import sys
from synergic.cli._info import PARTS, info
parts = {part["name"]: part["works"] for part in info()["parts"]}
print(parts["cluster"], parts["training"], *({"torch", "tonic", "sklearn", "lava.lib"} & sys.modules.keys()))
print(*[part.state(True) for part in PARTS if part.name in ("cluster", "notebooks")])
"""


def test_info_imports_large_packages_only_if_asked(tmp_path):
    (tmp_path / "ray.py").write_text("raise OSError('libray.so: cannot open shared object file')")
    done = subprocess.run(
        [sys.executable, "-c", SPARING],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.splitlines()
    assert first == "None None"
    assert second == "(False, 'ray: OSError: libray.so: cannot open shared object file') (True, '')"


@pytest.mark.parametrize(
    ("module", "there"),
    [("lava.lib.dl.slayer", True), ("xml.etree.ElementTree", True), ("torch", True), ("lava.lib.dl.no_such", False),
     ("lava.no_such.slayer", False), ("no_such", False), ("numpy.no_such", False)],
)  # fmt: skip
def test_modules_are_found_also_in_folders_without_init(module, there):
    assert is_there(module) is there


def test_info_without_a_driver_does_not_ask_torch(monkeypatch, tmp_path):
    monkeypatch.setattr("synergic.cli._info.DEVICES", tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: pytest.fail("asked"))
    assert gpu() == f"no driver of a GPU in {tmp_path}"


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("demo", "--seed", "many")])
def test_wrong_arguments_end_with_two(arguments, commands):
    done = commands.run(*arguments)
    assert done.returncode == 2
    assert done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("given", "read"), [(None, "PASSIVE"), ("active", "ACTIVE")])
def test_threads_that_wait_leave_their_core_to_others_unless_told_otherwise(given, read, monkeypatch):
    monkeypatch.setenv("OMP_DISPLAY_ENV", "true")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if given:
        monkeypatch.setenv("OMP_WAIT_POLICY", given)
    shown = synergic("train", "fashion-hp", "--data", "missing").stderr
    if "OMP_WAIT_POLICY" not in shown:
        pytest.skip("this torch has other threads than OpenMP's")
    assert f"OMP_WAIT_POLICY = '{read}'" in shown


def test_a_missing_folder_is_refused_before_any_work(tmp_path, commands):
    done = commands.run("demo", "--json", str(tmp_path / "missing" / "figures.json"))
    assert done.returncode == 2
    assert done.stderr.startswith("synergic: ")
    assert "missing does not exist" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("train fashion-hp --batch 0", ("config.batch", "got 0", "allowed 1, 2", "--help")),
        ("train fashion-hp --lr nan", ("config.lr", "got nan", "[0, 1000]")),
        ("train fashion-hp --mode xp", ("--mode", "'xp'", "'hp'")),
        ("train fashion-hp --run-folder net.h5", ("net.h5 is a file", "allowed a folder", "--run-folder")),
        ("train fashion-hp --data missing", ("not in missing", "IDX files", "Leave the folder out")),
        ("train fashion-hp --device tpu", ("got 'tpu'", "allowed one that torch can use here: cpu")),
        ("evaluate missing", ("missing: got no such folder", "folder of a run")),
        ("map missing.h5", ("missing.h5", "no such file")),
        ("map map.h5", ("map.h5", "got a mapping, allowed a network", "synergic simulate")),
        ("map .", ("got a folder without network.h5", "allowed the folder of a run")),
        ("map digits-hq", ("digits-hq: no such file", "Did you mean digits-hp?")),
        ("map digits-hp --local-bits 20", ("--local-bits: got 20", "8 to 16")),
        ("simulate net.h5", ("data: got none", "add DATA")),
        ("map net.h5 --chip none", ("got 'none'", "tianjic")),
        ("map net.h5 --budget -3", ("budget", "got -3", "allowed 1, 2")),
        ("simulate net.h5 missing.npz", ("missing.npz", "no such file")),
        ("simulate net.h5 scalar.npy --samples 1", ("input", "got shape ()", "(samples, T, channels)")),
        ("report missing", ("missing", "allowed the folder of a run")),
        ("report broken.json", ("broken.json", "damaged", "Write it anew")),
        ("report run", ("run", "without ['config'", "repeat it")),
        ("bench nonsense", ("'nonsense'", "'training'")),
    ],
)
def test_errors_say_what_was_given_what_is_allowed_and_what_to_do(arguments, said, wrong_files, commands):
    done = commands.run(*arguments.split(), cwd=wrong_files, COLUMNS="300")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for words in said:
        assert words in done.stderr


@pytest.fixture(scope="module")
def wrong_files(tmp_path_factory):
    """A network, its mapping, and files that are not what they should be."""
    folder = tmp_path_factory.mktemp("wrong")
    network = plastic_network()
    save(network, folder / "net.h5")
    save_mapping(map_network(quantise(network), "generic"), folder / "map.h5")
    np.save(folder / "scalar.npy", np.float64(1))
    (folder / "broken.json").write_text("{")
    (folder / "run").mkdir()
    for name in ("config.json", "record.json"):
        (folder / "run" / name).write_text("{}")
    return folder


@pytest.mark.parametrize(
    "error", [MemoryError("8 TiB"), RuntimeError("[enforce fail] can't allocate memory"), RuntimeError("a defect")]
)
def test_too_little_memory_is_an_answer_and_a_defect_is_not(error, monkeypatch, capsys):
    def fail(_):
        raise error

    monkeypatch.setattr("synergic.cli._commands.Info.run", fail)
    monkeypatch.setattr("sys.argv", ["synergic", "info"])
    if str(error) == "a defect":
        with pytest.raises(RuntimeError, match="a defect"):
            main()
        return
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "fewer neurons" in capsys.readouterr().err


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


def test_the_demo_draws_its_image(figures, tmp_path):
    plot_figures(figures, tmp_path / "image.png")
    assert (tmp_path / "image.png").read_bytes().startswith(b"\x89PNG")
