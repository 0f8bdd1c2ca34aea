# SPDX-License-Identifier: BSD-3-Clause
"""Runs with several seeds that are trained as one end, bit for bit, as each ends alone."""

import json
from dataclasses import replace

import pytest
import torch
from resuming import images

from synergic.cli._learning_commands import Train
from synergic.errors import ParameterError
from synergic.experiments import CHECKPOINT, Classification
from synergic.learning import HybridNet
from synergic.learning._many_nets import ManyNets
from synergic.learning.tasks import ClassificationTask, _seeds, run, run_seeds
from synergic.learning.tasks._seeds import TrainedAsOne, trains_as_one

CONFIG = Classification(hidden=20, epochs=3, batch=40, steps=4, lr=5e-3, lr_theta=2e-3)
SEEDS = (3, 0, 8)


DATA = images(260, 28)


@pytest.fixture
def opening(monkeypatch):
    """`run_seeds` on these images."""
    monkeypatch.setattr(_seeds, "open_task", lambda config, *_: ClassificationTask(config, data=DATA))


def assert_same_state(one, other):
    """Parameters, moments of Adam, rates and the generator of the order."""
    a, b = one.state(), other.state()
    assert torch.equal(a["order"], b["order"])
    assert a["schedule"]["last_epoch"] == b["schedule"]["last_epoch"]
    assert all(torch.equal(a["net"][name], value) for name, value in b["net"].items())
    assert [g["lr"] for g in a["optimizer"]["param_groups"]] == [g["lr"] for g in b["optimizer"]["param_groups"]]
    assert a["optimizer"]["state"].keys() == b["optimizer"]["state"].keys()
    for number, moments in b["optimizer"]["state"].items():
        assert all(torch.equal(a["optimizer"]["state"][number][name], value) for name, value in moments.items())
    assert [h["loss"] for h in one.history] == [h["loss"] for h in other.history]


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "hp"},
        {"mode": "gp", "readout": "rate"},
        {"mode": "lp", "reset": "zero"},
        {"mode": "hp", "rho": "identity", "p_max": 0.02, "eta_start": 0.3},  # P meets its bound
        {"mode": "hp", "balanced": True, "sign": -1},
    ],
    ids=lambda c: " ".join(map(str, c.values())),
)
def test_trained_as_one_each_has_the_bits_of_its_own_run(changes):
    tasks, alone = ([ClassificationTask(replace(CONFIG, seed=s, **changes), data=DATA) for s in SEEDS] for _ in "ab")
    assert trains_as_one(tasks[0])
    together = TrainedAsOne(tasks)
    for _ in range(2):
        together.epoch()
        for task, other in zip(tasks, alone, strict=True):
            other.epoch()
            assert_same_state(task, other)
    assert not torch.equal(tasks[0].net.layers[0].weight, tasks[1].net.layers[0].weight)


def test_inputs_that_change_from_step_to_step():
    nets = [HybridNet((6, 5, 3), steps=4) for _ in range(2)]
    s = (torch.rand(2, 7, 4, 6) < 0.4).float().requires_grad_()
    many = ManyNets(nets)
    spikes, u = many(s)
    (u.square().sum() + spikes.sum()).backward()
    for i, net in enumerate(nets):
        mine = s.detach()[i].requires_grad_()
        one_spikes, one_u = net(mine)
        (one_u.square().sum() + one_spikes.sum()).backward()
        assert torch.equal(u[i], one_u)
        assert torch.equal(spikes[i], one_spikes)
        assert torch.equal(s.grad[i], mine.grad)
        for name, parameter in net.named_parameters():
            assert torch.equal(many.stacked[name].grad[i], parameter.grad), name


def test_records_are_those_of_separate_runs(tmp_path, opening):
    told = []
    records = run_seeds(CONFIG, SEEDS, [tmp_path / f"one-{s}" for s in SEEDS],
                        progress=lambda task, entry: told.append((task.config.seed, entry["loss"])))  # fmt: skip
    for seed, record in zip(SEEDS, records, strict=True):
        task = ClassificationTask(replace(CONFIG, seed=seed), data=DATA)
        alone = run(task, tmp_path / f"alone-{seed}")
        assert record["figures"] == alone["figures"]
        assert record["config"] == alone["config"]
        assert [loss for s, loss in told if s == seed] == [entry["loss"] for entry in alone["history"]]


def test_the_command(tmp_path, opening, capsys, monkeypatch):
    command = Train(replace(CONFIG, epochs=1), seeds=(3, 8), run_folder=tmp_path, progress=False)
    command.run()
    shown = capsys.readouterr().out
    found = [100 * json.loads((tmp_path / str(s) / "record.json").read_text())["figures"]["accuracy"] for s in (3, 8)]
    for seed, accuracy in zip((3, 8), found, strict=True):
        assert f"{tmp_path / str(seed)}: {accuracy:.2f} % on the test set" in shown
    assert f"2 seeds: mean {sum(found) / 2:.2f} %" in shown
    with pytest.raises(ParameterError, match="--json: got --seeds as well"):
        replace(command, json=tmp_path / "a.json").run()
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ParameterError, match="--seeds: got processes of torchrun"):
        command.run()


def test_an_interrupted_sweep_goes_on_where_each_run_stopped(tmp_path, opening):
    whole = [tmp_path / f"whole-{s}" for s in SEEDS]
    broken = [tmp_path / f"broken-{s}" for s in SEEDS]
    want = run_seeds(CONFIG, SEEDS, whole)

    class Stopped(Exception):
        pass

    def stop(task, entry):  # the first run has its second checkpoint, the others are an epoch behind
        if len(task.history) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        run_seeds(CONFIG, SEEDS, broken, progress=stop)
    epochs = [len(torch.load(f / CHECKPOINT, weights_only=True)["task"]["history"]) for f in broken]
    assert epochs == [2, 1, 1]
    assert [r["figures"] for r in run_seeds(CONFIG, SEEDS, broken)] == [r["figures"] for r in want]


def test_other_nets_are_trained_one_after_the_other_with_their_own_figures(tmp_path, opening):
    config = replace(CONFIG, dropout=0.3, epochs=2)
    records = run_seeds(config, (1, 2), [tmp_path / "1", tmp_path / "2"])
    alone = run(ClassificationTask(replace(config, seed=2), data=DATA), tmp_path / "alone")
    assert records[1]["figures"] == alone["figures"]


def test_what_is_not_taken():
    net = HybridNet((6, 5, 3), steps=4)
    assert ManyNets.takes(net)
    net.layers[0].local_weights += 1
    assert not ManyNets.takes(net)
    assert not ManyNets.takes(HybridNet((6, 5, 3), steps=4, dropout=0.1))
    assert not ManyNets.takes(HybridNet((6, 5, 3), steps=4, plasticity_scope="shared"))


@pytest.mark.parametrize(
    ("seeds", "folders", "text"),
    [
        ((), (), r"run_seeds.seeds: got \[\], allowed one seed or more"),
        ((1, 1), ("a", "b"), "run_seeds.seeds: got .1, 1., allowed one seed or more, each once"),
        ((1, 2), ("a", "a"), "run_seeds.folders: got 2, of them 1 different, allowed 2, one for each seed"),
        ((1, 2), ("a",), "run_seeds.folders: got 1, of them 1 different, allowed 2, one for each seed"),
        ((1, -1), ("a", "b"), "run_seeds.seeds: got -1, allowed 0"),
    ],
)
def test_bad_arguments_are_refused_before_any_data_are_read(tmp_path, seeds, folders, text):
    with pytest.raises(ParameterError, match=text):
        run_seeds(CONFIG, seeds, [tmp_path / f for f in folders])
    assert not any(tmp_path.iterdir())
