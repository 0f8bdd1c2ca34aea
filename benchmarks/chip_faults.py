# SPDX-License-Identifier: BSD-3-Clause
"""Accuracy of trained runs on the model of a broken chip: dead cores, dead links, lost packets; GP and HP.

    uv run python benchmarks/chip_faults.py --runs runs/nmnist-gp-0 runs/nmnist-hp-0

The mapping does not know of the faults (one that does goes around them, and loses nothing). Faults of memories and
neurons are in deployment.py. Writes benchmarks/results/chip-faults.json, all runs together.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from deployment import RESULTS, cases, encode, integers_of

from synergic.hw_targets.faults import accuracy_under
from synergic.learning.tasks import circumstances, restore

RATES = {
    "dead cores": (0, 0.05, 0.1, 0.2),
    "dead links": (0, 0.01, 0.02, 0.05, 0.1),
    "lost packets": (0, 0.05, 0.1, 0.2, 0.4),
}
"""Shares of the cores in use, of all links, of the packets."""


@dataclass
class Arguments:
    """What to run."""

    runs: tuple[Path, ...]
    """Folders of trained runs."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""
    samples: int = 100
    """Test samples of each case."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Of the faults."""


def main() -> None:
    """One run after the other."""
    arguments = tyro.cli(Arguments)
    curves: dict[str, Any] = {}
    for folder in arguments.runs:
        case = cases(restore(folder, arguments.data), arguments.samples)[-1]
        whole, _ = integers_of(case.network)
        encoded = encode(whole, case.inputs)
        curves[folder.name] = {
            fault: accuracy_under(whole, encoded, case.labels, fault, rates, arguments.seeds).tolist()
            for fault, rates in RATES.items()
        }
        sys.stdout.write(f"{folder.name}: {curves[folder.name]}\n")
        sys.stdout.flush()
    result = {"samples": arguments.samples, "seeds": arguments.seeds, "rates": RATES, "curves": curves}
    text = json.dumps(result | circumstances(), indent=2)
    (RESULTS / "chip-faults.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
