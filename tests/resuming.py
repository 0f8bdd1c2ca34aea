# SPDX-License-Identifier: BSD-3-Clause
"""A small run of every family on made-up data, for processes that are killed: `train` is what they run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tonic.datasets import NMNIST

from synergic.data import Images, Recordings
from synergic.experiments import Classification, ClassIncremental, Continual, Convolution, Events, FewShot
from synergic.learning.tasks._class_incremental import ClassIncrementalTask
from synergic.learning.tasks._classification import ClassificationTask
from synergic.learning.tasks._continual import ContinualTask
from synergic.learning.tasks._events import EventsTask
from synergic.learning.tasks._few_shot import FewShotTask
from synergic.learning.tasks._runs import run

MODULES = ["resuming", "synergic.learning.tasks._runs"]


def images(count, side, seed=0):
    """Blurred squares at places of their own, ten classes; a fifth is for the test."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    images = rng.random((count, side, side), dtype=np.float32) * 0.1
    unit = side // 5
    for image, label in zip(images, labels, strict=True):
        y, x = divmod(int(label), 4)
        image[unit * y : unit * (y + 2), unit * x : unit * (x + 2)] += 0.6
    aside = count // 5
    return Images(images[aside:], labels[aside:], images[:aside], labels[:aside])


def recordings():
    """Events around a place of each class."""
    rng, labels = np.random.default_rng(0), np.arange(60) % 10
    made = []
    for label in labels:
        events = np.zeros(80, NMNIST.dtype)
        events["x"] = 3 + 6 * (label % 5) + rng.integers(0, 4, 80)
        events["y"] = 8 + 14 * (label // 5) + rng.integers(0, 4, 80)
        events["t"], events["p"] = np.sort(rng.integers(0, 10**5, 80)), rng.integers(0, 2, 80)
        made.append(events)
    return Recordings(made[:40], labels[:40], made[40:], labels[40:])


@dataclass(frozen=True)
class Family:
    """Settings of a run of seconds, the task that takes them, and what makes its data."""

    config: Any
    task: Any
    data: Any


FAMILIES = {
    "images": Family(
        Classification(hidden=48, epochs=6, batch=25, steps=4, seed=3, lr=3e-3, dropout=0.2),
        ClassificationTask, lambda: {"data": images(500, 28)},
    ),
    "convolutions": Family(
        Convolution(channels=(4, 4), hidden=12, epochs=5, batch=20, steps=3, seed=3, dropout=0.2),
        ClassificationTask, lambda: {"data": images(120, 12)},
    ),
    "events": Family(
        Events(hidden=16, steps=3, epochs=6, batch=10, theta_every=2), EventsTask, lambda: {"data": recordings()}
    ),
    "few-shot": Family(
        FewShot(ways=3, channels=8, epochs=5, steps_an_epoch=5, batch=2, queries=1, test_episodes=10),
        FewShotTask, lambda: {"images": torch.rand(1623, 20, 31, 31, generator=torch.Generator().manual_seed(0))},
    ),
    "class-incremental": Family(
        ClassIncremental(
            classes=3, shots=2, channels=(2, 2), epochs=5, steps_an_epoch=5, ways=4, trained_shots=(1, 2), queries=1,
            test_draws=1,
        ),
        ClassIncrementalTask,
        lambda: {"images": torch.rand(1000, 20, 31, 31, generator=torch.Generator().manual_seed(0))},
    ),
    "continual": Family(
        Continual(tasks=5, hidden=24, density=0.3, batch=20, theta_tasks=3, seed=1),
        ContinualTask, lambda: {"data": images(300, 10)},
    ),
    "continual with a penalty": Family(
        Continual(mode="ewc", tasks=5, hidden=24, batch=20, fisher_samples=20, seed=1),
        ContinualTask, lambda: {"data": images(300, 10)},
    ),
}  # fmt: skip


def train(family: str, folder: Path, data: Any) -> None:
    """Begin or resume a run. data : what the family makes, made before."""
    torch.set_num_threads(1)
    chosen = FAMILIES[family]
    run(chosen.task(chosen.config, **data), folder)
