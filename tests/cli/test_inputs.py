# SPDX-License-Identifier: BSD-3-Clause
"""NETWORK and DATA of the commands: a run's folder, an example by name, a file; and what is said at the end of each."""

import ast
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import plastic_network, random_spikes
from public_functions import TINY, images
from rich.console import Console

import synergic as sy
from synergic._page import grid, in_units, show
from synergic.cli._chip_run import run_on_chip
from synergic.cli._demo import write_run
from synergic.cli._inputs import network_of, open_network, samples_of
from synergic.cli._learning_commands import Train
from synergic.cli._map import map_to_chip
from synergic.cli._overview import overview
from synergic.cli._wording import NAMES, as_options
from synergic.errors import DataError, FormatError, ParameterError
from synergic.experiments import TEST
from synergic.learning import tasks
from synergic.learning.tasks._runs import read_checkpoint
from synergic.network import load, save

SOURCES = Path(sy.__file__).parent


def console():
    """One that keeps what is printed."""
    return Console(record=True, width=200, file=io.StringIO())


@pytest.fixture
def folder(tmp_path):
    """The folder of a run on images."""
    tasks.run(tasks.ClassificationTask(TINY, data=images()), tmp_path / "run")
    return tmp_path / "run"


def test_a_run_is_mapped_and_simulated_with_its_own_test_set(folder):
    said = console()
    report = map_to_chip(folder, console=said)
    text = said.export_text()
    assert text.startswith("It fits: ")
    assert f"Next: synergic simulate {folder}" in text
    assert report["answer"] in text
    said = console()
    out = run_on_chip(folder, console=said)
    network = sy.quantise(load(folder / "network.h5"))
    values = network.encode(np.repeat(images().test.reshape(2, 1, -1), TINY.steps, axis=1))
    assert out["classes"] == sy.simulate(network, values).classes(network).tolist()
    assert out["accuracy"] == np.mean(np.array(out["classes"]) == images().test_labels)
    text = said.export_text()
    assert text.startswith(f"2 test samples of the run {folder}: ")
    assert "uJ a sample." in text.splitlines()[0]
    assert "slow weights 8 bits, local weights 14 bits" in text
    assert f"synergic simulate {folder} --html report.html" in text


def test_a_run_without_stored_samples_takes_them_from_its_data_set(folder, monkeypatch):
    with_data = tasks.ClassificationTask(TINY, data=images())
    monkeypatch.setattr("synergic.learning.tasks._runs.restore", lambda _: with_data)
    want = samples_of(None, folder)
    (folder / TEST).unlink()
    found = samples_of(folder, "net.h5")
    assert np.array_equal(found.inputs, want.inputs)
    assert np.array_equal(found.labels, want.labels)


def test_an_example_is_network_and_data_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = sy.load_example("digits-hp")
    out = run_on_chip("digits-hp", samples=20, console=console())
    mapped = map_to_chip("digits-hp", console=console())["answer"]
    assert f"{1e3 * out['costs']['latency_s']:.3g} ms a sample" in mapped, "one latency in both reports"
    integer = sy.quantise(example.network)
    assert out["classes"] == sy.simulate(integer, example.inputs[:20]).classes(integer).tolist()
    assert open_network("digits-hp", local_bits=8).projections[0].rule.p_top == 127
    save(plastic_network(sizes=(20, 12, 4)), "digits-hp")
    assert network_of("digits-hp").source.size == 20, "a file of that name goes first"


def test_what_the_demo_leaves_is_taken_as_a_run(tmp_path):
    network = plastic_network(sizes=(20, 12, 4))
    test = random_spikes(network, samples=3)
    write_run({"objects": {"network": network, "test": test, "labels": np.zeros(3, int)}}, tmp_path / "a" / "demo")
    out = run_on_chip(tmp_path / "a" / "demo", console=console())
    integer = sy.quantise(network)
    assert out["classes"] == sy.simulate(integer, test).classes(integer).tolist()
    assert overview(tmp_path / "a" / "demo").kind == "network"
    with pytest.raises(ParameterError, match="allowed a folder that is there or can be made"):
        write_run({}, tmp_path / "a" / "demo" / "network.h5" / "below")


def test_the_network_file_of_a_run_brings_the_samples_beside_it(folder, tmp_path):
    assert np.array_equal(samples_of(None, folder / "network.h5").inputs, samples_of(None, folder).inputs)
    said = console()
    map_to_chip(folder / "network.h5", output=tmp_path / "map.h5", console=said)
    assert f"Next: synergic simulate {tmp_path / 'map.h5'} {folder}\n" in said.export_text()


def test_what_is_no_network_and_no_data_is_refused_with_the_reason(folder, tmp_path):
    (folder / "network.h5").unlink()
    with pytest.raises(FormatError, match="a run whose network only torch can run"):
        open_network(folder)
    (folder / "record.json").unlink()
    with pytest.raises(FormatError, match=r"a run that has not ended.*it resumes"):
        open_network(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match=r"a folder without network.h5, allowed the folder of a run"):
        open_network(tmp_path / "empty")
    with pytest.raises(FormatError, match=r"a folder without test.npz, allowed the folder of a run"):
        samples_of(tmp_path / "empty", "digits-hp")
    save(plastic_network(), tmp_path / "net.h5")
    with pytest.raises(ParameterError, match=r"data: got none, allowed .*add DATA"):
        samples_of(None, tmp_path / "net.h5")


def test_a_run_that_has_ended_says_so_and_more_epochs_go_on(folder, capsys):
    Train(TINY, run_folder=folder).run()  # needs no data set: nothing is trained
    text = capsys.readouterr().out
    assert "It had ended before. More than --epochs 1 goes on." in text
    for command in ("evaluate", "map", "simulate"):
        assert f"synergic {command} {folder}\n" in text
    more = replace(TINY, epochs=3)
    task = tasks.ClassificationTask(more, data=images())
    record = tasks.run(task, folder)
    assert len(record["history"]) == record["config"]["epochs"] == 3
    assert json.loads((folder / "config.json").read_text())["epochs"] == 3
    assert task.schedule.T_max == 3, "two images are one batch of an epoch"
    assert task.optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12), "the end of the longer schedule"
    with pytest.raises(ParameterError, match=r"other settings: epochs 3 there, 1 given; allowed the same, or more ep"):
        tasks.run(tasks.ClassificationTask(TINY, data=images()), folder)
    longer = replace(more, epochs=5, hidden=5)
    with pytest.raises(ParameterError, match=rf"other settings: hidden {TINY.hidden} there, 5 given; .*--run-folder"):
        Train(longer, run_folder=folder, data=folder / "nowhere").run()  # no data set is read


def test_a_run_without_its_checkpoint_is_trained_again(folder):
    """Else `train` would say that it had ended, and `evaluate` that there is no checkpoint."""
    (folder / "checkpoint.pt").unlink()
    with pytest.raises(DataError, match="nowhere"):
        Train(TINY, run_folder=folder, data=folder / "nowhere").run()


def test_rates_of_a_longer_schedule_are_those_it_would_have_there(folder):
    more = replace(TINY, epochs=3)
    going_on, whole = (tasks.ClassificationTask(more, data=images()) for _ in range(2))
    read_checkpoint(going_on, folder / "checkpoint.pt")
    whole.epoch()
    for on, of in zip(going_on.optimizer.param_groups, whole.optimizer.param_groups, strict=True):
        assert on["lr"] == pytest.approx(of["lr"]) != 0
    going_on.epoch()
    whole.epoch()
    for on, of in zip(going_on.optimizer.param_groups, whole.optimizer.param_groups, strict=True):
        assert on["lr"] == pytest.approx(of["lr"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quantise(local_bits=14) fits.", "--local-bits 14 fits."),
        ("With quantise(local_bits=8) and fold='full' it", "With --local-bits 8 and --fold full it"),
        ("an array of 4 chips (map_network(chips=(rows, columns))).", "an array of 4 chips (--chips ROWS COLUMNS)."),
        ("quantise(weight_bits=8, local_bits=8)", "--weight-bits 8 --local-bits 8"),
        ("run with strict=False", "run with --no-strict"),
        ("Map with fan_out=None.", "Map with no --fan-out."),
        ("quantise.local_bits: got 20", "--local-bits: got 20"),
        ("Use more weight_bits or fewer local_bits.", "Use more --weight-bits or fewer --local-bits."),
        ("MappingOptions.budget: got -3", "--budget: got -3"),
        ("layer1.weight_bits: got 12", "layer1.weight_bits: got 12"),
        ("Call quantise() first.", "Call quantise() first."),
    ],
)
def test_calls_in_messages_are_options_on_the_command_line(text, said):
    assert as_options(text) == said


def messages():
    """Every text in the package that names an argument with a value, as a message has it: fields are a 0."""
    linked = [SOURCES / name for name in ("hw_targets", "processes", "models")]
    for path in (path for top in (SOURCES, *linked) for path in top.resolve().rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        apart = {id(n.body[0].value) for n in ast.walk(tree) if isinstance(n, documented) and n.body
                 and isinstance(n.body[0], ast.Expr)}  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                apart |= {id(part) for part in node.values}
                yield "".join(part.value if isinstance(part, ast.Constant) else "0" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart:
                yield node.value


def test_no_message_of_the_package_names_an_argument_where_the_command_has_an_option():
    named = re.compile(rf"\b({'|'.join(NAMES)})=[^`]")
    found = [text for text in messages() if named.search(text)]
    assert len(found) > 10
    assert not [text for text in found if named.search(as_options(text))]


def test_figures_are_shown_in_units_that_their_names_say():
    shown = in_units({"energy_j": 1.57e-5, "step_s": 2e-6, "cores": 3, "latency_slowest_s": None})
    assert shown == pytest.approx({"energy, uJ": 15.7, "step, ms": 0.002, "cores": 3, "latency_slowest_s": None})


def test_a_number_in_a_table_is_never_cut():
    narrow = Console(record=True, width=80, file=io.StringIO())
    row = {"cores": 24, "local cores": 16, "slots": 1403470.25, "spikes": 558.09, "energy, uJ": 39.2793}
    show(grid("costs by population", {"hidden1": row}), narrow)
    text = narrow.export_text()
    assert "\u2026" not in text
    assert "1,403,470" in text
    assert "e+" not in text


def test_the_bar_of_training_ends_before_the_test_set_is_measured(folder, capsys, monkeypatch):
    order = []
    real = tasks.ClassificationTask.figures
    monkeypatch.setattr("synergic.learning.tasks.open_task", lambda *_: tasks.ClassificationTask(TINY, data=images()))

    def figures(self):
        order.append(capsys.readouterr().err)
        return real(self)

    monkeypatch.setattr(tasks.ClassificationTask, "figures", figures)
    Train(TINY, run_folder=folder.with_name("other")).run()
    assert order[0].endswith("Trained. Measuring the figures on the test set ...\n")
    assert "1/1" in order[0]
