# SPDX-License-Identifier: BSD-3-Clause
"""Few-shot learning beside simpler read-outs of the same features, and by the network that runs on the chip whole.

    uv run synergic train omniglot-5way-1shot --epochs 10 --run-folder runs/omniglot-5way-1shot-0
    uv run python benchmarks/few_shot_read_outs.py --few-shot runs/omniglot-5way-1shot-0 --whole runs/omniglot-classes-0

--few-shot: runs of the few-shot experiments. Their test episodes are answered by the local rule, and, from the same
features, by the nearest drawing of the support and by the nearest mean of a class, both by the cosine. Both store all
drawings or divide by lengths, and neither runs on the chip.

--whole: runs of omniglot-classes, whose convolutions are on the chip too (few-shot networks normalise the features,
which it cannot do). Episodes are drawn from their 250 evaluation characters. A character is learned from one drawing by
the local rule, in floating point and in integers. As neither rule nor label changes what the neurons of other
characters know, all are learned once for each draw of the drawings, and an episode compares the potentials of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from class_incremental import features, readout
from torch.nn.functional import normalize

import synergic as sy
from synergic._core.files import read_json, write_json
from synergic.learning.tasks import circumstances, restore
from synergic.learning.tasks._class_incremental import QUERIES
from synergic.reference import stream

WAYS, DRAWS, EPISODES, SEED = (5, 20), 5, 1000, 0


@dataclass
class Arguments:
    """What to measure."""

    few_shot: tuple[Path, ...] = ()
    """Folders of trained runs of the few-shot experiments."""
    whole: tuple[Path, ...] = ()
    """Folders of trained runs of the experiment omniglot-classes."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""
    json: Path = Path(__file__).parent / "results" / "few_shot_read_outs.json"
    """Record to write, or to complete."""


@torch.no_grad()
def beside(folder: Path, data: Path | None) -> dict[str, Any]:
    """Accuracy of the local rule, the nearest drawing and the nearest mean, on the same test episodes."""
    task: Any = restore(folder, data)
    task.net.eval()
    size, right, asked_so_far = task.net.size, {"local rule": 0, "nearest drawing": 0, "nearest class mean": 0}, 0
    for seen, asked, classes in task.episodes(EPISODES, SEED):
        support, labels = normalize(seen[..., :size], dim=-1), seen[..., size:].argmax(-1)
        questions = normalize(asked[..., :size], dim=-1)
        means = torch.einsum("esw,esn->ewn", seen[..., size:], seen[..., :size])
        by_drawing = labels.gather(1, (questions @ support.transpose(1, 2)).argmax(-1))
        answers = {
            "local rule": task.net.answers(seen, asked).argmax(-1),
            "nearest drawing": by_drawing,
            "nearest class mean": (questions @ normalize(means, dim=-1).transpose(1, 2)).argmax(-1),
        }
        for name, given in answers.items():
            right[name] += int((given == classes).sum())
        asked_so_far += classes.numel()
    config = task.config
    return {
        "accuracy": {name: n / asked_so_far for name, n in right.items()},
        "ways": config.ways, "shots": config.shots, "split": config.split, "seed": config.seed,
        "epochs": len(task.history),
    }  # fmt: skip


def whole(folder: Path, data: Path | None) -> dict[str, Any]:
    """Accuracy over episodes of one shot, by numbers and ways, of the network with its convolutions."""
    task: Any = restore(folder, data)
    floating = task.blank()
    drawings = task.presented(task.ink[task.test].flatten(0, 1))[:, 0]
    channels = task.label_channels().T.ravel()
    classes = len(task.test)
    label = np.zeros((classes, channels.size))
    label[np.arange(channels.size) % classes, np.arange(channels.size)] = 1
    found: dict[str, Any] = {}
    for name, network in (("floating", floating), ("integers", sy.quantise(floating))):
        x = features(network, drawings).reshape(classes, -1, network.projections[-1].n_in)
        alone, one = readout(network, channels), 255 if network.integer else 1
        marks = (one * label).astype(x.dtype)
        potentials = []
        for draw in range(DRAWS):
            course = task.course(1, draw)
            _, taught = stream(alone, [np.r_[x[c, course.shown[c, 0]], marks[c]][None] for c in range(classes)])
            questions = np.stack([np.r_[x[c, d], 0 * marks[c]][None] for c in range(classes) for d in course.asked[c]])
            u = sy.simulate(taught, questions).u["output"][:, -1]
            potentials.append(u.reshape(classes, QUERIES, classes))
        found[name] = {str(ways): answered(potentials, ways) for ways in WAYS}
    return found


def answered(potentials: list[np.ndarray], ways: int) -> float:
    """Share of right answers in episodes, each with one question of each of its classes."""
    rng, right = np.random.default_rng(SEED), 0
    for _ in range(EPISODES):
        u = potentials[rng.integers(len(potentials))]
        chosen = rng.choice(len(u), ways, replace=False)
        asked = u[chosen, rng.integers(QUERIES, size=ways)][:, chosen]
        right += int((asked.argmax(1) == np.arange(ways)).sum())
    return right / (EPISODES * ways)


def main() -> None:
    """Write the record."""
    given = tyro.cli(Arguments, description=__doc__)
    record: dict[str, Any] = {"episodes": EPISODES, "beside": {}, "whole": {}}
    if given.json.exists():
        record = read_json(given.json)
    for part, folders, measured in (("beside", given.few_shot, beside), ("whole", given.whole, whole)):
        for folder in folders:
            record[part][folder.name] = measured(folder, given.data)
            print(folder.name, record[part][folder.name], flush=True)
            write_json(given.json, {**record, **circumstances()})


if __name__ == "__main__":
    main()
