# SPDX-License-Identifier: BSD-3-Clause
"""What lives on, on streams of damaged images: local weights, a homeostatic bias, and simple statistics beside them.

    uv run python benchmarks/streams.py --hp runs/fashion-hp-stream-0 --gp runs/fashion-gp-plain-0 \\
        --per-sample runs/fashion-hp-per-sample-0 --json streams.json

Needs trained runs, without weight decay, for each seed (17, 5 and 6 minutes on one core of 2026):

    uv run synergic train fashion-hp-shared --weight-decay 0 --theta-decay 0 --lr-theta 5e-4 --seed 0 \\
        --run-folder runs/fashion-hp-stream-0
    uv run synergic train fashion-gp --weight-decay 0 --seed 0 --run-folder runs/fashion-gp-plain-0
    uv run synergic train fashion-hp --weight-decay 0 --theta-decay 0 --lr-theta 5e-4 --seed 0 \\
        --run-folder runs/fashion-hp-per-sample-0

Each condition begins at the trained network and shows test images one after another; the sequence of conditions at the
end has no reset. Rate and bound of homeostasis were chosen on the last 10,000 training images of networks that were
trained on the others for 5 epochs. About half an hour a seed. What is in the JSON file already is not computed again.

results/streams-5-epochs.json: of runs with `--epochs 5`, by `--short`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from joblib import Parallel, delayed

from synergic._core.files import read_json, write_json
from synergic.data import damage
from synergic.learning import to_description
from synergic.learning.tasks import circumstances, evaluate_stream, restore, stream_network

MODES: dict[str, dict[str, Any]] = {
    "GP": {"run": "gp", "memory": None},
    "HP per sample": {"run": "per_sample", "memory": None},
    "HP stream, B 100": {"run": "hp", "memory": 100},
    "HP stream, B 1000": {"run": "hp", "memory": 1000},
    "GP + homeostasis": {"run": "gp", "memory": 1000, "homeostasis": 0.003, "limit": 0.35},
    "HP stream, B 1000 + homeostasis": {"run": "hp", "memory": 1000, "homeostasis": 0.003, "limit": 0.35},
}
STATISTICS = ("GP, running mean", "GP, running mean and variance")
"""For comparison: the hidden neurons' input currents as their mean (and deviation) over the last presentations."""
TAU = 1000
"""Presentations over which these statistics average."""
CONDITIONS = (
    "clean", "gaussian:2", "gaussian:4", "gaussian:6", "salt:12", "pepper:12", "salt-and-pepper:12", "speckle:12",
    "crop:2", "crop:4", "crop:6", "crop:8", "crop:10", "crop:12", "crop:14",
)  # fmt: skip
SHORT = tuple(c for c in CONDITIONS[:-1] if c.startswith(("clean", "gaussian", "crop")))
ORDERS, ORDERED = ("runs", "sorted"), ("clean", "gaussian:6")
"""Conditions that are also shown with 100 images of a class at a time, and with one class after the other."""
SWITCHES = ("clean", "gaussian:6", "clean")


@dataclass
class Arguments:
    """What to measure."""

    hp: tuple[Path, ...]
    """Folders of trained runs with plasticity_scope "shared", one a seed."""
    gp: tuple[Path, ...]
    """Folders of trained runs of mode "gp", one a seed, in the same order."""
    per_sample: tuple[Path, ...] = ()
    """Folders of trained runs with plasticity_scope "per_sample", one a seed, or none."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""
    samples: int = 5000
    """Test images of each condition."""
    short: bool = False
    """Leave out other damages than noise and crops, other orders, and statistics."""
    jobs: int = 1
    """Processes."""
    json: Path = Path(__file__).parent / "results" / "streams.json"
    """Record to write, or to complete."""


def evaluated(folder: Path, data: Path | None, settings: dict[str, Any], conditions: Any, order: Any, n: int) -> Any:
    """Accuracy under conditions that follow each other."""
    task = restore(folder, data)
    if settings["memory"] is None:  # without anything that lives on from one image to the next
        network = to_description(task.net, 8, task.config.readout)  # type: ignore[union-attr]
    else:
        network = stream_network(task, **{k: v for k, v in settings.items() if k != "run"})  # type: ignore[arg-type]
    return [part["accuracy"] for part in evaluate_stream(task, network, conditions, order, samples=n)]  # type: ignore


def normalised(folder: Path, data: Path | None, variance: bool, condition: str, n: int) -> list[float]:
    """The GP network whose hidden currents W x keep the mean (and the deviation) that they had in training."""
    task: Any = restore(folder, data)
    net = stream_network(task)
    hidden, out = net.populations
    first, second = (q.weights for q in net.projections)
    trained = task.samples[:2000].double().numpy() @ first.T
    mean, deviation = trained.mean(0), trained.std(0)
    now, square, right = mean.copy(), deviation**2, 0
    kind, _, level = condition.partition(":")
    images = task.test[:n] if kind == "clean" else damage(task.test, kind, int(level))[:n]
    for x, label in zip(np.asarray(images, float).reshape(n, -1), task.test_labels[:n].numpy(), strict=True):
        current = first @ x
        scale = deviation / np.sqrt(square) if variance else 1.0
        fed, u, v = (current - now) * scale + mean, np.zeros(hidden.size), np.zeros(out.size)
        for k in net.k:
            u = hidden.decay * u + k * fed + hidden.bias
            s = u > hidden.vth
            u = u - hidden.vth * s if hidden.reset == "subtract" else u * (1 - s)
            v = out.decay * v + k * (second @ s) + out.bias
            last, spikes = v, v > out.vth
            v = v - out.vth * spikes if out.reset == "subtract" else v * (1 - spikes)
        right += int(last.argmax() == label)
        square += ((current - now) ** 2 - square) / TAU
        now += (current - now) / TAU
    return [right / n]


def main() -> None:
    """Measure what the record lacks, and write it after each figure."""
    given = tyro.cli(Arguments)
    record = read_json(given.json) if given.json.exists() else {"accuracy": {}, "samples": given.samples}
    known = record["accuracy"]
    table = record["accuracy"] = {mode: known[mode] for mode in (*MODES, *STATISTICS) if mode in known}
    todo = []
    for hp, gp, per_sample in zip_longest(given.hp, given.gp, given.per_sample):
        folders = {"hp": hp, "gp": gp, "per_sample": per_sample}
        for mode, settings in MODES.items():
            folder = folders[settings["run"]]
            if folder is None:
                continue
            asked = [(c, (c,), "given", given.samples) for c in (SHORT if given.short else CONDITIONS)]
            if not given.short:
                asked += [(f"{c}, {order}", (c,), order, given.samples) for order in ORDERS for c in ORDERED]
                asked += [(", ".join(SWITCHES), SWITCHES, "given", 2000)]
            for name, conditions, order, n in asked:
                job = delayed(evaluated)(folder, given.data, settings, conditions, order, n)
                todo.append((mode, name, folder.name, job))
        for mode in () if given.short else STATISTICS:
            for c in CONDITIONS:
                job = delayed(normalised)(gp, given.data, "variance" in mode, c, given.samples)
                todo.append((mode, c, gp.name, job))
    todo = [t for t in todo if t[2] not in table.get(t[0], {}).get(t[1], {})]
    found = Parallel(given.jobs, return_as="generator")(job for *_, job in todo)
    begin = time.monotonic()
    for (mode, name, folder_name, _), accuracies in zip(todo, found, strict=True):
        table.setdefault(mode, {}).setdefault(name, {})[folder_name] = accuracies
        write_json(given.json, {**record, **circumstances()})
        text = " ".join(f"{100 * a:.1f}" for a in accuracies)
        print(f"{time.monotonic() - begin:5.0f} s  {folder_name}  {mode}  {name}: {text} %", flush=True)


if __name__ == "__main__":
    main()
