# SPDX-License-Identifier: BSD-3-Clause
"""What of a noise harms a classifier: its mean, which clipping gives it, or what is left without.

    uv run python benchmarks/noise_parts.py --runs runs/fashion-gp-0 runs/fashion-hp-balanced-0

Gaussian noise of variance .06 on the images that a run is evaluated on, clipped to 0 .. 1. The mean of a noisy image is
that of twenty draws. Writes benchmarks/results/noise-parts.json.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro

from synergic.data import gaussian
from synergic.learning._tensors import as_rows
from synergic.learning.tasks import circumstances, restore

RESULTS = Path(__file__).parent / "results"
VARIANCE, DRAWS = 0.06, 20


@dataclass
class Arguments:
    """What to test."""

    runs: tuple[Path, ...]
    """Folders of trained runs of images."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""


def main() -> None:
    """Test one run after the other."""
    arguments, accuracy = tyro.cli(Arguments), {}
    for folder in arguments.runs:
        task = restore(folder, arguments.data)
        clean = as_rows(task.test).numpy()  # type: ignore[attr-defined]
        drawn = (gaussian(clean, VARIANCE, np.random.default_rng(seed)) for seed in range(1, DRAWS + 1))
        noisy, mean = gaussian(clean, VARIANCE, np.random.default_rng(0)), sum(drawn) / np.float32(DRAWS)
        parts = {"clean": clean, "noise": noisy, "its mean alone": mean, "without its mean": noisy - mean + clean}
        accuracy[folder.name] = {
            name: task.accuracy(torch.from_numpy(images), task.test_labels)  # type: ignore[attr-defined]
            for name, images in parts.items()
        }
        sys.stdout.write(f"{folder.name}: {accuracy[folder.name]}\n")
    text = json.dumps({"variance": VARIANCE, "accuracy": accuracy, **circumstances()}, indent=1)
    (RESULTS / "noise-parts.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
