# SPDX-License-Identifier: BSD-3-Clause
"""Omniglot, class after class on the chip: accuracy over the number of classes, in floats, integers and on the chip.

    uv run synergic train omniglot-classes --seed 0 --run-folder runs/omniglot-classes-0
    uv run python benchmarks/class_incremental.py --runs runs/omniglot-classes-0 --json class_incremental.json

Training takes 20 minutes on one core, for each seed. Every class of the evaluation characters is shown by 1, 5 or 10
labelled drawings, one sample at a time, and never again; the local rule alone learns. At each stop all ten drawings of
each class so far that were never shown with a label are asked, among all 250 neurons. The features do not change, so
they are computed once, by the convolutions alone, and the read-out runs as a stream. The model of the chip runs the
whole network, lessons and questions, for the first run; its local weights and answers must be those of the integers.

Beside it, with the same features: the nearest class mean and the nearest stored drawing, both by the cosine. Both
would need a division and, the second, all drawings in memory.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from torch.nn.functional import normalize

import synergic as sy
from synergic._core.files import write_json
from synergic.hw_targets import Simulator, cost, map_network
from synergic.learning.tasks import ClassIncrementalTask, circumstances, restore
from synergic.learning.tasks._class_incremental import QUERIES, stops
from synergic.reference import stream
from synergic.reference._presentation import by_input, present

SHOTS = (1, 5, 10)
BATCH = 100


@dataclass
class Arguments:
    """What to measure."""

    runs: tuple[Path, ...]
    """Folders of trained runs of the experiment omniglot-classes, one a seed."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""
    classes: int = 250
    """Classes to learn."""
    on_chip: bool = True
    """Whether the model of the chip runs the whole network, for the first run: ten minutes."""
    json: Path = Path(__file__).parent / "results" / "class_incremental.json"
    """Record to write."""


def features(network: Any, drawings: np.ndarray) -> np.ndarray:
    """What the convolutions send of drawings (samples, channels), as the network's numbers."""
    convolutions = replace(
        network,
        populations=network.populations[:-1],
        projections=network.projections[: len(network.populations) - 1],
        output=network.populations[-2].name,
    )
    rows = drawings.astype(np.int64) if network.integer else drawings / 255
    laid_out, last = by_input(convolutions), convolutions.output
    return np.stack([present(laid_out, row[None], {}, False).spikes[last][0] for row in rows])


def readout(network: Any, channels: np.ndarray) -> Any:
    """The read-out alone: its source has the features, then the channels of the labels."""
    label, plastic = network.projections[-2:]
    n, teacher = plastic.n_in, label.weights[:, channels]
    wide = {"weights": np.concatenate([plastic.weights, teacher], 1)}
    more = np.zeros_like(teacher)
    eta = np.broadcast_to(plastic.rule.eta, (n,))
    rule = replace(
        plastic.rule,
        eta=np.concatenate([eta, np.zeros(len(channels), eta.dtype)]),
        mask=np.repeat((np.arange(n + len(channels)) < n)[None].astype(int), plastic.n_out, 0),
    )
    one = replace(
        plastic, source="input", rule=rule, local_weights=np.concatenate([plastic.local_weights, more], 1), **wide
    )
    return replace(
        network,
        source=sy.Source("input", n + len(channels), 8),
        populations=network.populations[-1:],
        projections=(one,),
    )


def curve(network: Any, x: np.ndarray, channels: np.ndarray, shown: np.ndarray, asked: np.ndarray) -> list[float]:
    """Accuracy after each stop. x : (classes, 20, features); shown, asked : numbers of drawings."""
    one, classes = 255 if network.integer else 1.0, len(x)
    label = np.zeros((classes, channels.size), x.dtype)
    label[np.arange(channels.size) % classes, np.arange(channels.size)] = one
    now, found, learned = network, [], 0
    for stop in stops(classes):
        lessons = [np.concatenate([x[c, d], label[c]])[None] for c in range(learned, stop) for d in shown[c]]
        _, now = stream(now, lessons)
        learned = stop
        questions = [np.concatenate([x[c, d], 0 * label[c]])[None] for c in range(stop) for d in asked[c]]
        answers, after = stream(now, questions)
        if network.integer and (after.projections[0].local_weights != now.projections[0].local_weights).any():
            raise AssertionError("questions changed the local weights")
        found.append(float((answers == np.repeat(np.arange(stop), QUERIES)).mean()))
    return found


def nearest(x: torch.Tensor, shown: torch.Tensor, asked: torch.Tensor) -> dict[str, float]:
    """Accuracy by the cosine, after all classes."""
    rows = torch.arange(len(x))[:, None]
    questions, truth = normalize(x[rows, asked].flatten(0, 1), dim=1), rows.expand(-1, QUERIES).flatten()
    means = normalize(x[rows, shown].mean(1), dim=1)
    stored = normalize(x[rows, shown].flatten(0, 1), dim=1)
    by_mean = (questions @ means.T).argmax(1)
    by_drawing = (questions @ stored.T).argmax(1) // shown.shape[1]
    return {
        "nearest class mean": float((by_mean == truth).double().mean()),
        "nearest stored drawing": float((by_drawing == truth).double().mean()),
    }


def on_chip(task: ClassIncrementalTask, network: Any) -> dict[str, Any]:
    """The whole network on the mapped chip, ten drawings of each class, then all questions."""
    course, classes = task.course(max(SHOTS)), task.config.classes
    rows = torch.arange(classes)[:, None]
    drawn = task.ink[task.test]
    lessons = task.presented(drawn[rows, course.shown].flatten(0, 1), rows.expand(-1, max(SHOTS)).flatten())
    questions = task.presented(drawn[rows, course.asked].flatten(0, 1))
    mapping = map_network(network, fold="auto")
    began = time.perf_counter()
    chip = Simulator(mapping)
    figures = {}
    answers = []
    for name, inputs in (("lesson", lessons), ("question", questions)):
        for i in range(0, len(inputs), BATCH):
            record, activity = chip.stream(inputs[i : i + BATCH])
            if name == "question":
                answers.append(record.classes(network))
            if i == 0:
                costs = cost(mapping, activity)
                figures[name] = {"latency_ms": 1e3 * costs.latency_s, "energy_uJ": 1e6 * costs.energy_j}
    truth = np.repeat(np.arange(classes), QUERIES)
    checked = chip.checkpoint()
    some = slice(0, 20)
    same, _ = stream(checked, questions[some])
    return {
        "accuracy": float((np.concatenate(answers) == truth).mean()),
        "answers_of_the_integers": bool((same == np.concatenate(answers)[some]).all()),
        "cores": mapping.cores,
        "passes": mapping.n_passes,
        "seconds": time.perf_counter() - began,
        "samples": len(lessons) + len(questions),
        "local_weights": checked.projections[-1].local_weights,
        **figures,
    }


def measured(folder: Path, arguments: Arguments, chip: bool) -> dict[str, Any]:
    """The figures of one run."""
    restored: Any = restore(folder, arguments.data)
    task = restored
    if restored.config.classes != arguments.classes:
        task = ClassIncrementalTask(replace(restored.config, classes=arguments.classes), arguments.data)
        task.net.load_state_dict(restored.net.state_dict())
    floating = task.blank()
    integers = sy.quantise(floating)
    drawings = task.presented(task.ink[task.test].flatten(0, 1))[:, 0]
    channels = task.label_channels().T.ravel()
    found: dict[str, Any] = {
        "stops": list(stops(task.config.classes)),
        "local_bits": int(integers.projections[-1].rule.p_top).bit_length() + 1,
    }
    for name, network in (("floating", floating), ("integers", integers)):
        x = features(network, drawings).reshape(task.config.classes, 20, -1)
        alone = readout(network, channels)
        for shots in SHOTS:
            course = task.course(shots)
            found.setdefault(name, {})[str(shots)] = curve(
                alone, x, channels, course.shown.numpy(), course.asked.numpy()
            )
    y = task.features()
    found["nearest"] = {str(s): nearest(y, task.course(s).shown, task.course(s).asked) for s in SHOTS}
    if chip:
        result = on_chip(task, integers)
        local = result.pop("local_weights")
        x = features(integers, drawings).reshape(task.config.classes, 20, -1)
        course, alone = task.course(max(SHOTS)), readout(integers, channels)
        label = np.zeros((task.config.classes, len(channels)), x.dtype)
        label[np.arange(len(channels)) % task.config.classes, np.arange(len(channels))] = 255
        lessons = [np.concatenate([x[c, d], label[c]])[None] for c in range(len(x)) for d in course.shown[c].numpy()]
        _, after = stream(alone, lessons)
        want = after.projections[0].local_weights[:, : local.shape[1]]
        found["chip"] = {**result, "local_weights_of_the_integers": bool((local == want).all())}
    return found


def main() -> None:
    """Write the record."""
    arguments = tyro.cli(Arguments, description=__doc__)
    record: dict[str, Any] = {"classes": arguments.classes, "questions_a_class": QUERIES, "runs": {}}
    for i, folder in enumerate(arguments.runs):
        began = time.perf_counter()
        record["runs"][folder.name] = measured(folder, arguments, arguments.on_chip and i == 0)
        print(f"{folder.name}: {time.perf_counter() - began:.0f} s", record["runs"][folder.name], flush=True)
        write_json(arguments.json, {**record, **circumstances()})


if __name__ == "__main__":
    main()
