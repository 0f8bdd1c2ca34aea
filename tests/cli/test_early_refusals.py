# SPDX-License-Identifier: BSD-3-Clause
"""What a command cannot write, and options that contradict each other, are refused before anything is printed."""

import json

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from synergic import hw_targets
from synergic._core.outputs import check_new_folder, check_outputs, image_format
from synergic.cli._chip_run import run_on_chip
from synergic.cli._map import answer
from synergic.data import Images
from synergic.errors import FormatError, ParameterError
from synergic.experiments import Classification, Continual
from synergic.hw_targets import estimate, report
from synergic.interchange import check, from_lava_dl, from_nir
from synergic.learning.tasks import ClassificationTask
from synergic.learning.tasks._continual import ContinualTask
from synergic.learning.tasks._runs import settings
from synergic.network import save


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file, and a run's folder as far as its settings."""
    place = tmp_path_factory.mktemp("refused")
    (place / "file").write_text("text")
    (place / "run").mkdir()
    (place / "run" / "config.json").write_text(json.dumps(settings(Classification(hidden=4, epochs=1))))
    (place / "run" / "checkpoint.pt").write_text("of an epoch")
    (place / "other").mkdir()
    save(plastic_network(), place / "other" / "network.h5")
    (place / "empty").mkdir()
    return place


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("map digits-hp --json out --output out", "--json: got out, as --output, allowed a file for each"),
        ("map digits-hp --html ./out --output out", "--html: got out, as --output"),
        ("simulate digits-hp --json out --html out", "--html: got out, as --json"),
        ("simulate digits-hp --json out --figure out", "--figure: got out, as --json"),
        ("simulate digits-hp --figure out.txt", "--figure: got out.txt, allowed a name that ends in .png"),
        ("report digits-hp --json out --html out", "--json: got out, as --html"),
        ("demo --figure out.txt", "--figure: got out.txt, allowed a name that ends in .png, .pdf"),
        ("demo --figure out --json out", "--figure: got out, as --json"),
        ("demo --run-folder file/below", "--run-folder: got file/below, where"),
        ("train fashion-hp --run-folder file/below", "file is a file, allowed a folder that is there or can be made"),
        ("export digits-hp --c file", "--c: got file, where file is a file"),
        ("export digits-hp --c file/below", "--c: got file/below, where"),
        ("export digits-hp --c out --name 3x", "--name: got '3x', allowed letters"),
        ("evaluate run --stream", "--stream: got none, allowed at least one. Give --stream clean gaussian:6."),
        ("evaluate run --stream dust:3", "--stream: got 'dust:3', allowed"),
        ("evaluate run --stream clean --memory 0", "--memory: got 0, allowed 1 to"),
        ("evaluate run --stream clean --homeostasis -1", "--homeostasis: got -1"),
        ("evaluate run --stream clean --limit -1", "--limit: got -1"),
        ("evaluate run --stream clean --samples 0", "--samples: got 0, allowed 1"),
        ("evaluate run --stream clean --samples 5 --warm-up 7", "--warm-up: got 7, allowed 0 to 4"),
        ("evaluate run --warm-up 7", "--warm-up: got one without --stream"),
        ("evaluate file", "file: got a file, allowed the folder of a run"),
        (
            "evaluate run",
            "run: got a run that has not ended, allowed the folder of a run that has ended. Start",
        ),
        ("evaluate other", "other: got a folder without a training, allowed"),
        ("evaluate empty", "empty: got another folder, allowed"),
        ("evaluate nowhere", "nowhere: got no such folder, allowed the folder of a run"),
    ],
)
def test_nothing_is_done_before(line, said, folder, commands):
    before = sorted(folder.rglob("*"))
    done = commands.run(*line.split(), cwd=folder, SYNERGIC_DATA="/no/data/set")
    assert done.returncode == 2, done
    assert said in done.stderr
    assert done.stdout == ""
    assert sorted(folder.rglob("*")) == before


def test_outputs(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(ParameterError, match=r"--html: got .*link, as --json, allowed a file for each"):
        check_outputs("who", json_file=tmp_path / "file", html=tmp_path / "link")
    with pytest.raises(ParameterError, match="--html: got -, as --json"):
        check_outputs("who", json_file="-", html="-")
    check_outputs("who", json_file="/dev/null", html="/dev/null", figure=None)
    with pytest.raises(ParameterError, match="does not exist"):
        check_outputs("who", json_file=tmp_path / "no" / "file")


def test_folders_that_can_be_made(tmp_path, monkeypatch):
    check_new_folder("who", tmp_path / "a" / "b")
    check_new_folder("who", tmp_path)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(ParameterError, match=r"who: got .*b, where .* is read-only"):
        check_new_folder("who", tmp_path / "a" / "b")


@pytest.mark.parametrize(
    ("suffix", "start"), [(".pdf", b"%PDF"), (".svg", b"<?xml"), ("", b"\x89PNG"), (".JPG", b"\xff\xd8")]
)
def test_an_image_has_the_format_of_its_name(suffix, start, tmp_path):
    network = sy.quantise(plastic_network())
    found = report(network, random_spikes(network))
    found.draw(tmp_path / f"image{suffix}")
    assert (tmp_path / f"image{suffix}").read_bytes().startswith(start)
    assert image_format("who", "/dev/stdout") == "png"
    with pytest.raises(ParameterError, match=r"draw.path: got .*image.gif, allowed a name that ends in .png"):
        found.draw(tmp_path / "image.gif")


def test_data_are_checked_before_the_network_is_mapped(monkeypatch, tmp_path):
    monkeypatch.setattr(hw_targets._chip_report, "map_network", lambda *_: pytest.fail("mapped"))
    network = plastic_network()
    save(network, tmp_path / "net.h5")
    with pytest.raises(FormatError, match=r"missing.npz: no such file"):
        run_on_chip(tmp_path / "net.h5", tmp_path / "missing.npz")
    np.save(tmp_path / "other.npy", np.zeros((2, 6, 5), int))
    with pytest.raises(ParameterError, match=r"input: got shape \(2, 6, 5\)"):
        run_on_chip(tmp_path / "net.h5", tmp_path / "other.npy")
    with pytest.raises(ParameterError, match=r"input: got shape \(2, 6, 5\)"):
        report(network, np.zeros((2, 6, 5), int))


@pytest.mark.parametrize("name", ["digits-hp", "omniglot-classes"])
def test_map_and_simulate_say_the_same_time(name):
    """A stream is written in a phase of its own, after the last step."""
    example = sy.load_example(name)
    network = sy.quantise(example.network)
    found = report(network, example.inputs, samples=1)
    said = answer(estimate(network), network)
    assert f" {1e3 * found.costs.latency_s:.3g} ms a sample" in said
    assert f"of {network.steps} step{'s' * (network.steps > 1)}." in said
    awaited = round(found.costs.latency_s / found.mapping.chip.phase_seconds)
    assert f"{awaited} from its input to its answer" in str(found)


def test_more_training_samples_than_there_are_are_refused():
    images, classes = np.zeros((30, 28, 28), np.float32), np.arange(30) % 10
    data = Images(images, classes, images[:20], classes[:20])
    for task, config in ((ClassificationTask, Classification), (ContinualTask, Continual)):
        with pytest.raises(ParameterError, match=r"config\.train_samples: got 31, allowed 1 to 30"):
            task(config(hidden=4, train_samples=31), data=data)


def test_files_are_called_what_they_are(tmp_path):
    empty, ours = tmp_path / "empty.h5", tmp_path / "ours.h5"
    empty.touch()
    save(plastic_network(), ours)
    for read in (lambda path: from_nir(path, dt=1e-3, steps=3), lambda path: from_lava_dl(path, 3), check):
        with pytest.raises(FormatError, match=r"empty.h5: got an empty file, allowed"):
            read(empty)
    with pytest.raises(FormatError, match=r"ours.h5: got a file of synergic's own.*synergic.network.load reads it"):
        from_lava_dl(ours, 3)
