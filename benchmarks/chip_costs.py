# SPDX-License-Identifier: BSD-3-Clause
"""What trained runs cost on the model of the chip, with local weights and without, for docs/results.md.

    uv run python benchmarks/chip_costs.py --runs runs/fashion-gp-0 runs/fashion-hp-0 runs/nmnist-hp-0 ...

A run with local weights is mapped in both forms of its local memory ("matrix", "history"), and once more without them
("bare"): the same slow weights and the same input, so that the difference is the price of the local ones. What the
history form cannot do is recorded with its reason. Of the continual family it is the last task that is run.

Writes benchmarks/results/costs-RUN.json for each run.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from deployment import CONTINUAL_TASKS, RESULTS, cases, encode, integers_of

from synergic.errors import UnsupportedError
from synergic.hw_targets import map_network, simulate_on_chip
from synergic.hw_targets.costs import cost
from synergic.hw_targets.simulation import Probes
from synergic.learning.tasks import ContinualTask, circumstances, restore

FIELDS = (
    "cores", "local_cores", "phases", "latency_s", "latency_slowest_s", "latency_contention_s", "energy_j",
    "energy_chip_j", "weight_bytes", "local_weight_bytes", "history_bytes",
)  # fmt: skip
"""Of synergic.hw_targets.costs._costs.Costs, a sample."""
EVENTS = ("slow weights read", "local weights read", "local weights rewritten", "spikes sent")


@dataclass
class Arguments:
    """What to run."""

    runs: tuple[Path, ...]
    """Folders of trained runs."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""
    samples: int = 100
    """Test samples on the model of the chip."""
    chip: str = "tianjic"
    """Preset, or file."""


def bare(whole: Any) -> Any:
    """The integer network without its local weights."""
    projections = tuple(replace(p, rule=None, local_weights=None) for p in whole.projections)
    return replace(whole, projections=projections)


def figures(mapping: Any, encoded: np.ndarray, labels: np.ndarray, form: str) -> dict[str, Any]:
    """The costs of a sample in one form, and the accuracy on what was run; or why the form cannot run it."""
    network = mapping.network
    try:
        record, activity = simulate_on_chip(mapping, encoded, local_memory=form, probes=Probes.readout(network))
    except UnsupportedError as error:
        return {"refused": str(error)}
    found = cost(mapping, activity)
    return {
        **{name: getattr(found, name) for name in FIELDS},
        "turns": mapping.n_passes,
        "events": {name: found.events[name] for name in EVENTS},
        "accuracy": float((record.classes(network) == labels).mean()),
    }


def costs_of(task: Any, arguments: Arguments) -> dict[str, Any]:
    """One run, in all forms that it has."""
    parts = CONTINUAL_TASKS if isinstance(task, ContinualTask) else 1  # of which the last one is run
    case = cases(task, parts * arguments.samples)[-1]
    whole, bits = integers_of(case.network)
    encoded = encode(whole, case.inputs)[: arguments.samples]
    labels = case.labels[: len(encoded)]
    local = any(p.rule is not None for p in whole.projections)
    plain = figures(map_network(bare(whole), arguments.chip), encoded, labels, "matrix")
    forms = {"bare" if local else "gp": plain}
    if local:
        mapping = map_network(whole, arguments.chip)
        forms |= {form: figures(mapping, encoded, labels, form) for form in ("matrix", "history")}
    sizes = [p.size for p in (whole.source, *whole.populations)]
    return {
        "samples": len(encoded),
        "chip": arguments.chip,
        "network": "-".join(map(str, sizes)),
        "steps": whole.steps,
        "local_bits": bits if local else 0,
        "forms": forms,
        "config": asdict(task.config),
        **circumstances(),
    }


def main() -> None:
    """One run after the other."""
    arguments = tyro.cli(Arguments)
    for folder in arguments.runs:
        record = costs_of(restore(folder, arguments.data), arguments)
        (RESULTS / f"costs-{folder.name}.json").write_text(json.dumps(record, indent=2, default=str) + "\n")
        sys.stdout.write(f"{folder.name}: {json.dumps(record['forms'])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
