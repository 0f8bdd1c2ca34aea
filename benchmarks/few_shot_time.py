# SPDX-License-Identifier: BSD-3-Clause
"""How long few-shot training takes until test episodes are answered well enough; run as a script.

    uv run python benchmarks/few_shot_time.py --data DATA

Trains omniglot-5way-1shot with the shipped settings, whose rate falls over all 70 epochs, and evaluates after every
epoch; the time is that of training alone. The network is the one that `synergic train` makes, so that the level is met
in the midst of its training. Writes benchmarks/results/few-shot-time.json.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from synergic.experiments import EXPERIMENTS
from synergic.learning.tasks import circumstances, open_task

RECORD = Path(__file__).parent / "results" / "few-shot-time.json"


@dataclass
class Arguments:
    """What to measure."""

    level: float = 0.98
    """Share of right answers in 1,000 episodes."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""
    threads: int = 1
    """Of torch."""


def main() -> None:
    """Train until the level is reached."""
    arguments = tyro.cli(Arguments)
    torch.set_num_threads(arguments.threads)
    task = open_task(EXPERIMENTS["omniglot-5way-1shot"][1], arguments.data)
    accuracies: list[float] = []
    while not accuracies or (accuracies[-1] < arguments.level and len(accuracies) < task.config.epochs):
        task.epoch()
        accuracies.append(task.figures()["accuracy"])
        seconds = sum(epoch["seconds"] for epoch in task.history)
        sys.stdout.write(f"{len(accuracies)} epochs, {seconds:.0f} s: {100 * accuracies[-1]:.2f} %\n")
        sys.stdout.flush()
    reached = accuracies[-1] >= arguments.level
    found = {"level": arguments.level, "reached": reached, "epochs": len(accuracies), "seconds": seconds}
    RECORD.write_text(json.dumps({**found, "accuracies": accuracies, **circumstances()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
