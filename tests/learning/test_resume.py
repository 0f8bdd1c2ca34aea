# SPDX-License-Identifier: BSD-3-Clause
"""A training run killed at any moment and started again ends as one that was never disturbed."""

import dataclasses
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import resuming
import torch
from resuming import FAMILIES, MODULES, train

from synergic.data import Images
from synergic.errors import FormatError, ParameterError
from synergic.experiments import Classification, Continual
from synergic.learning._tensors import as_rows
from synergic.learning.tasks import run_seeds
from synergic.learning.tasks._classification import ClassificationTask
from synergic.learning.tasks._continual import ContinualTask
from synergic.learning.tasks._runs import load_config, read_checkpoint, read_json, run, settings

CONFIG = Classification(hidden=48, epochs=6, batch=25, steps=4, seed=3, lr=3e-3)
SCRIPT = """
import sys, json
from pathlib import Path
sys.path[:0] = {here!r}
import torch
torch.set_num_threads(1)
from test_resume import CONFIG, made_up
from synergic.learning.tasks._runs import run
from synergic.learning._parallel import processes
from synergic.learning.tasks._classification import ClassificationTask
from synergic.learning.tasks._continual import ContinualTask
print("ready", flush=True)
with processes() as writes:
    run(ClassificationTask(CONFIG, data=made_up()), Path(sys.argv[1]), writes=writes)
"""


def made_up():
    """Ten classes of blurred squares at different places, in the shapes of MNIST but fewer."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 700)
    images = rng.random((700, 28, 28), dtype=np.float32) * 0.1
    for image, label in zip(images, labels, strict=True):
        y, x = divmod(int(label), 4)
        image[2 + 8 * y : 8 + 8 * y, 1 + 6 * x : 7 + 6 * x] += 0.6
    return Images(images[:500], labels[:500], images[500:], labels[500:])


def without_times(record):
    """What must repeat: everything but the time it took and the day, which ends in between now and then."""
    record = {k: v for k, v in record.items() if k != "date"}
    return {**record, "history": [{k: v for k, v in e.items() if k != "seconds"} for e in record["history"]]}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    script = folder.parent / "train.py"
    script.write_text(SCRIPT.format(here=[str(Path(file).parent) for file in (__file__, resuming.__file__)]))
    subprocess.run([sys.executable, script, folder], check=True, capture_output=True, timeout=900)
    return script, folder, read_json(folder / "record.json")


@pytest.fixture(scope="module")
def processes():
    """Processes that begin with all imports done: forked from a server that has done nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(MODULES)
    first = context.Process(target=int)
    with pytest.MonkeyPatch.context() as patch:
        # The server forgets this process's sys.path, and leaves out what it does not find without a word.
        patch.setenv("PYTHONPATH", str(Path(resuming.__file__).parent), prepend=os.pathsep)
        first.start()  # and with it the server, whose imports take longer than a run
    first.join()
    return context


@pytest.mark.parametrize(
    ("family", "n"), [("images", 3), *(pytest.param(family, 10, marks=pytest.mark.slow) for family in FAMILIES)]
)
def test_kills_change_nothing(family, n, processes, tmp_path):
    data = FAMILIES[family].data()

    def started(folder):
        process = processes.Process(target=train, args=(family, folder, data))
        process.start()
        return process

    def whole(folder):
        """The record of a run that nobody disturbs, and the seconds that it took."""
        began, process = time.monotonic(), started(folder)
        process.join()
        assert process.exitcode == 0
        return without_times(read_json(folder / "record.json")), time.monotonic() - began

    want, seconds = whole(tmp_path / "undisturbed")
    chance, kills, inside, runs = random.Random(family), 0, 0, 0
    while kills < n or not inside:  # inside: stopped between its first checkpoint and its end
        folder, runs = tmp_path / f"run{runs}", runs + 1
        while not (folder / "record.json").exists() and (kills < n or not inside):
            assert kills < 60
            process = started(folder)
            # Later and later: on a machine that has become busy none would get to its first checkpoint.
            process.join(chance.uniform(0, 0.7 * seconds * (1 + kills / 10)))
            inside += (folder / "checkpoint.pt").exists() and not (folder / "record.json").exists()
            if process.is_alive():
                process.kill()
                kills += 1
            process.join()
            assert process.exitcode in (0, -signal.SIGKILL)
        assert whole(folder)[0] == want


def test_a_run_learns_and_repeats_its_figures(undisturbed):
    _, folder, record = undisturbed
    data = made_up()
    assert record["figures"]["accuracy"] > 0.8
    assert record["history"][-1]["loss"] < record["history"][0]["loss"] / 2
    task = ClassificationTask(CONFIG, data=data)
    read_checkpoint(task, folder / "checkpoint.pt")
    assert task.figures() == record["figures"]
    assert load_config(folder) == CONFIG
    alone = task.accuracy(as_rows(data.test), torch.from_numpy(data.test_labels), batch=1)
    assert alone == record["figures"]["accuracy"], "a prediction must not depend on its batch"


def test_the_network_file_runs_in_integers_and_on_the_chip(undisturbed):
    from synergic import quantise, simulate
    from synergic.hw_targets import map_network, simulate_on_chip
    from synergic.network import load

    _, folder, record = undisturbed
    network, data = load(folder / "network.h5"), made_up()
    values = np.repeat(data.test.reshape(200, 1, 784).clip(0, 1), 4, axis=1)
    whole = quantise(network, local_bits=14)
    reached = (simulate(network, values).classes(network) == data.test_labels).mean()
    assert reached == pytest.approx(record["figures"]["accuracy"], abs=0.01)
    integer = simulate(whole, whole.encode(values))
    assert (integer.classes(whole) == data.test_labels).mean() == pytest.approx(reached, abs=0.03)
    chip, _ = simulate_on_chip(map_network(whole), whole.encode(values[:20]))
    assert np.array_equal(chip.u["output"], integer.u["output"][:20])


@pytest.mark.slow
def test_two_processes_train_as_one(undisturbed, tmp_path):
    script, _, want = undisturbed
    folder = tmp_path / "run"
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*launch, script, folder], check=True, capture_output=True, timeout=900)
    got = read_json(folder / "record.json")
    losses = [[epoch["loss"] for epoch in record["history"]] for record in (got, want)]
    # The sum over a batch is formed in another order: single precision, then a few spikes that tip over.
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert got["figures"]["accuracy"] == pytest.approx(want["figures"]["accuracy"], abs=0.01)


def test_other_settings_and_damaged_files_are_refused(undisturbed, tmp_path):
    _, folder, _ = undisturbed
    other = Classification(**{**asdict(CONFIG), "lr": 1.0})
    with pytest.raises(ParameterError, match=r"other settings.*lr"):
        run(ClassificationTask(other, data=made_up()), folder)
    with pytest.raises(FormatError, match="no such file"):
        load_config(tmp_path)
    broken = tmp_path / "run"
    broken.mkdir()
    (broken / "config.json").write_text(json.dumps(settings(CONFIG)))
    (broken / "config.json").write_text("{")
    with pytest.raises(FormatError, match=r"config\.json: damaged"):
        load_config(broken)


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda content: b"", r"damaged: got an empty file"),
        (lambda content: content[:1], r"damaged at its start, or no file of torch"),
        (lambda content: content[:1000], r"damaged: got a file without its end"),
        (lambda content: content[:-1], r"damaged: got a file without its end"),
        (None, r"not a checkpoint of synergic: nothing is called 'task'"),
    ],
)
def test_a_run_whose_checkpoint_is_damaged_stays_as_it_is(damage, text, undisturbed, tmp_path):
    _, folder, _ = undisturbed
    broken = tmp_path / "run"
    shutil.copytree(folder, broken)
    if damage is None:
        torch.save({"weights": torch.ones(3)}, broken / "checkpoint.pt")
    else:
        (broken / "checkpoint.pt").write_bytes(damage((folder / "checkpoint.pt").read_bytes()))
    before = {path.name: path.read_bytes() for path in broken.iterdir()}
    more = dataclasses.replace(CONFIG, epochs=CONFIG.epochs + 1)
    with pytest.raises(FormatError, match=rf"checkpoint\.pt: {text}, allowed .*Delete it, and train"):
        run(ClassificationTask(more, data=made_up()), broken)
    assert {path.name: path.read_bytes() for path in broken.iterdir()} == before, "record and settings are not lost"


def test_one_training_at_a_time_writes_into_a_folder(tmp_path, commands, monkeypatch):
    task = ClassificationTask(CONFIG, data=made_up())
    text = r"another training writes into now, allowed one training at a time.*--run-folder"

    def second(_):
        with pytest.raises(ParameterError, match=text):
            run(task, tmp_path)
        with pytest.raises(ParameterError, match=text):
            run_seeds(CONFIG, [0, 1], [tmp_path, tmp_path / "b"])
        done = commands.run("train", "fashion-hp", "--run-folder", str(tmp_path))
        assert done.returncode == 2
        assert "one training at a time" in done.stderr
        raise KeyboardInterrupt

    opened = ClassificationTask(CONFIG, data=made_up())
    monkeypatch.setattr("synergic.learning.tasks._seeds.open_task", lambda *_: opened)
    with pytest.raises(KeyboardInterrupt):
        run(ClassificationTask(CONFIG, data=made_up()), tmp_path, second)
    assert not (tmp_path / "record.json").exists()
    assert run(task, tmp_path)["figures"], "nothing is left behind by the one that was interrupted"


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_no_numbers_are_refused_at_the_door(part, value):
    """A network answers NaN with a class, and nothing shows it."""
    data = made_up()
    getattr(data, part)[3, 5, 5] = value
    for open_it in (
        lambda: ClassificationTask(CONFIG, data=data),
        lambda: ContinualTask(Continual(tasks=2, hidden=8, steps=2), data=data),
    ):
        with pytest.raises(ParameterError, match=rf"data\.{part}: got 1 pixels of NaN or infinity, allowed finite"):
            open_it()
