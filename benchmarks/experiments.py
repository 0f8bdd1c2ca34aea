# SPDX-License-Identifier: BSD-3-Clause
"""Train shipped experiments over several seeds, and keep their records.

    uv run python benchmarks/experiments.py --experiments fashion-gp fashion-lp fashion-hp --seeds 0 1 2

Runs resume where they were interrupted. A record goes to benchmarks/results/EXPERIMENT-SEED.json; `synergic evaluate
runs/EXPERIMENT-SEED` repeats its figures from the checkpoint. benchmarks/results_page.py makes docs/results.md.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import tyro

from synergic.experiments import EXPERIMENTS
from synergic.learning.tasks import open_task, run

RESULTS = Path(__file__).parent / "results"


@dataclass
class Arguments:
    """What to train."""

    experiments: tuple[str, ...] = ("fashion-gp", "fashion-lp", "fashion-hp")
    """Names as in `synergic train`."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run each."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    threads: int = 1
    """Of torch."""


def main() -> None:
    """Train one after the other."""
    arguments = tyro.cli(Arguments)
    torch.set_num_threads(arguments.threads)
    for name in arguments.experiments:
        for seed in arguments.seeds:
            config = replace(EXPERIMENTS[name][1], seed=seed)
            folder = arguments.runs / f"{name}-{seed}"
            record = run(open_task(config, arguments.data), folder)
            shutil.copy(folder / "record.json", RESULTS / f"{name}-{seed}.json")
            sys.stdout.write(f"{name} seed {seed}: {100 * record['figures']['accuracy']:.2f} %\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
