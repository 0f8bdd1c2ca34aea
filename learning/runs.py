# SPDX-License-Identifier: BSD-3-Clause
"""Runs on disk: a folder with settings, checkpoint, network and record, which an interrupted run resumes from.

`config.json` the settings, `checkpoint.pt` the state after the last whole epoch, `network.h5` the description of the
trained network, `record.json` figures, history, seed and versions. Every file is replaced as a whole.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import platform
import time
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synergic.checks import require
from synergic.errors import FormatError, ParameterError
from synergic.experiments import Classification
from synergic.files import write_whole
from synergic.learning.datasets import Images
from synergic.learning.export import to_description
from synergic.learning.faults import DAMAGE, damage
from synergic.learning.layers import HybridNet
from synergic.learning.training import rank_loss
from synergic.storage import save

CURVES = {"gaussian": range(7), "crop": range(0, 15, 2)}
"""Damages, and their levels (learning.faults.damage), that every run is tested under."""


def build(config: Classification) -> HybridNet:
    """The untrained network of an experiment; seeds torch."""
    torch.manual_seed(config.seed)
    return HybridNet(
        (784, config.hidden, 10),
        mode=config.mode,
        steps=config.steps,
        tau_w=config.tau_w,
        vth=config.vth,
        decay=config.decay,
        lambda_=config.lambda_,
        p_max=config.p_max,
        sign=config.sign,
        trace=config.trace,
    )


def split(config: Classification, data: Images) -> tuple[Tensor, Tensor, np.ndarray, np.ndarray]:
    """Training images and labels as tensors, evaluation images and labels as arrays."""
    held = config.validation
    require(0 <= held < len(data.train), "config.validation", held, f"0 to {len(data.train) - 1}", "Hold back less.")
    end = len(data.train) - held
    stop = end if config.train_samples is None else min(end, config.train_samples)
    images = torch.from_numpy(data.train[:stop].reshape(stop, -1))
    labels = torch.from_numpy(data.train_labels[:stop])
    if held:
        return images, labels, data.train[end:], data.train_labels[end:]
    return images, labels, data.test, data.test_labels


def open_run(config: Classification, folder: Path) -> None:
    """Create a run's folder, or check that the one there belongs to the same settings."""
    folder.mkdir(parents=True, exist_ok=True)
    path, wanted = folder / "config.json", dataclasses.asdict(config)
    if not path.exists():
        text = json.dumps(wanted, indent=2) + "\n"
        write_whole(path, lambda draft: draft.write_text(text))
        return
    there = read_json(path)
    other = {k: (there.get(k), v) for k, v in wanted.items() if there.get(k) != v}
    if other:
        raise ParameterError(
            f"{folder}: holds a run with other settings, (there, given): {other}; allowed the same. Choose another one."
        )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises FormatError."""
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file. Is this the folder of a run?") from None
    except (OSError, ValueError) as error:
        raise FormatError(f"{path}: damaged: {error}. Delete the run and repeat it.") from error
    if not isinstance(value, dict):
        raise FormatError(f"{path}: holds no JSON object. Delete the run and repeat it.")
    return value


def load_config(folder: Path) -> Classification:
    """The settings of a run. Raises FormatError."""
    values = read_json(folder / "config.json")
    try:
        return Classification(**values)
    except TypeError as error:
        raise FormatError(f"{folder}/config.json: {error}. It is from another release.") from error


class Trainer:
    """Optimiser, schedule and order of a run, and its state between two epochs."""

    def __init__(self, config: Classification, images: Tensor, labels: Tensor) -> None:
        self.config, self.images, self.labels = config, images, labels
        self.net = build(config)
        groups: list[dict[str, Any]] = [
            {"params": self.net.slow(), "lr": config.lr, "weight_decay": config.weight_decay},
            {"params": self.net.theta(), "lr": config.lr_theta, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]])
        batches = -(-len(images) // config.batch)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, config.epochs * batches)
        self.order = torch.Generator().manual_seed(config.seed)
        self.history: list[dict[str, float]] = []

    def epoch(self) -> None:
        """One pass over the training images."""
        began, total = time.perf_counter(), 0.0
        vth = float(self.net.layers[-1].vth)
        self.net.train()
        for chosen in torch.randperm(len(self.images), generator=self.order).split(self.config.batch):
            _, u = self.net(self.images[chosen])
            loss = rank_loss(u, self.labels[chosen], vth)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            total += float(loss.detach()) * len(chosen)
        self.history.append({"loss": total / len(self.images), "seconds": time.perf_counter() - began})

    def save(self, path: Path) -> None:
        """Write the state after a whole epoch."""
        state = {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "order": self.order.get_state(),
            "random": torch.get_rng_state(),
            "history": self.history,
        }
        write_whole(path, lambda draft: torch.save(state, draft))

    def load(self, path: Path) -> None:
        """Go on from a checkpoint. Raises FormatError."""
        try:
            state = torch.load(path, weights_only=True)
            self.net.load_state_dict(state["net"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.order.set_state(state["order"])
            torch.set_rng_state(state["random"])
            self.history = state["history"]
        except (OSError, RuntimeError, KeyError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
            raise FormatError(f"{path}: damaged: {error}. Delete it to begin again.") from error


def run(
    config: Classification, data: Images, folder: Path, progress: Callable[[dict[str, float]], None] | None = None
) -> dict[str, Any]:
    """Train, or resume, and evaluate. Returns the record. progress : called after each epoch with its figures.

    A run that was killed at any moment and is started again with the same settings ends with the same figures.
    Raises ParameterError, FormatError.
    """
    open_run(config, folder)
    images, labels, test, test_labels = split(config, data)
    trainer, checkpoint = Trainer(config, images, labels), folder / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
    while len(trainer.history) < config.epochs:
        trainer.epoch()
        trainer.save(checkpoint)
        if progress:
            progress(trainer.history[-1])
    record = {
        "figures": figures(trainer.net, test, test_labels),
        "evaluated_on": f"last {config.validation} training images" if config.validation else "test set",
        "history": trainer.history,
        "config": dataclasses.asdict(config),
        "versions": {p: version(p) for p in ("synergic", "torch", "numpy")},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
    }
    if config.trace != "shared":
        save(to_description(trainer.net, num_message_bits=8), folder / "network.h5")
    text = json.dumps(record, indent=2) + "\n"
    write_whole(folder / "record.json", lambda draft: draft.write_text(text))
    return record


def restore(folder: Path) -> HybridNet:
    """The trained network of a run. Raises FormatError."""
    config = load_config(folder)
    trainer = Trainer(config, torch.zeros(1, 784), torch.zeros(1, dtype=torch.long))
    trainer.load(folder / "checkpoint.pt")
    return trainer.net


def figures(net: HybridNet, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Accuracy on clean images, and curves of accuracy by level of damage; noise with seed 0, the same for all."""
    curves = {kind: [accuracy(net, damage(images, kind, i), labels) for i in CURVES[kind]] for kind in CURVES}
    assert set(CURVES) <= set(DAMAGE)
    return {"accuracy": curves["gaussian"][0], "curves": curves, "levels": {k: list(v) for k, v in CURVES.items()}}


@torch.no_grad()
def accuracy(net: HybridNet, images: np.ndarray, labels: np.ndarray, batch: int = 100) -> float:
    """Share of images whose class has the highest u(T). batch : of importance for the "shared" trace only."""
    net.eval()
    flat = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32).reshape(len(images), -1))
    classes = torch.cat([net(part)[1][:, -1].argmax(1) for part in flat.split(batch)])
    return float((classes.numpy() == labels).mean())
