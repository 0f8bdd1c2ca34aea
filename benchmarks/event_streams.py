# SPDX-License-Identifier: BSD-3-Clause
"""What lives on, on streams of damaged recordings of N-MNIST: local weights and a homeostatic bias.

    uv run synergic train nmnist-hp --seed 0 --run-folder runs/nmnist-hp-0
    uv run synergic train nmnist-gp --seed 0 --run-folder runs/nmnist-gp-0
    uv run python benchmarks/event_streams.py --hp runs/nmnist-hp-0 --gp runs/nmnist-gp-0 --json event_streams.json

Each stream begins at the trained network. It shows damaged recordings one after another, and nothing is reset: first
300 of the training set, which adapt the network and do not count, then those of the test set. The HP networks were
trained with local weights for each sample, and are exported as streams. A few minutes a seed; training takes one for
each run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from synergic import with_homeostasis
from synergic._core.files import write_json
from synergic.data import frames, load_recordings
from synergic.learning import to_description
from synergic.learning.tasks import circumstances, restore
from synergic.learning.tasks._events import DAMAGES
from synergic.reference import stream

MODES: dict[str, dict[str, Any]] = {
    "GP": {"run": "gp"},
    "HP stream, B 100": {"run": "hp", "memory": 100},
    "HP stream, B 1000": {"run": "hp", "memory": 1000},
    "GP + homeostasis": {"run": "gp", "homeostasis": True},
    "HP stream, B 1000 + homeostasis": {"run": "hp", "memory": 1000, "homeostasis": True},
}
RATE, LIMIT = 0.003, 0.35
"""Of homeostasis, as chosen for Fashion-MNIST."""
WARM_UP = 300


@dataclass
class Arguments:
    """What to measure."""

    hp: tuple[Path, ...]
    """Folders of trained runs of nmnist-hp, one a seed."""
    gp: tuple[Path, ...]
    """Folders of trained runs of nmnist-gp, one a seed, in the same order."""
    data: Path | None = None
    """Folder with the data set, default $SYNERGIC_DATA."""
    json: Path = Path(__file__).parent / "results" / "event_streams.json"
    """Record to write."""


def network(task: Any, inputs: Any, run: str, memory: int = 1000, homeostasis: bool = False) -> Any:
    """The trained network as one that lives on. inputs : training recordings, on which targets are measured."""
    plain = to_description(task.net, 0, task.config.readout, memory)
    return with_homeostasis(plain, inputs, RATE, LIMIT) if homeostasis else plain


def main() -> None:
    """Write the record."""
    given = tyro.cli(Arguments, description=__doc__)
    recordings = load_recordings(given.data)
    accuracy: dict[str, Any] = {mode: {kind: [] for kind in DAMAGES} for mode in MODES}
    for folders in zip(given.hp, given.gp, strict=True):
        tasks = dict(zip(("hp", "gp"), (restore(folder, given.data) for folder in folders), strict=True))
        steps = tasks["gp"].config.steps  # type: ignore[attr-defined]
        healthy = frames(recordings.train[:WARM_UP], steps).numpy()
        networks = {mode: network(tasks[how["run"]], healthy, **how) for mode, how in MODES.items()}
        found: dict[str, Any] = {mode: {} for mode in MODES}
        for kind, (levels, damaged) in DAMAGES.items():
            for level in levels:
                rng = np.random.default_rng(0)
                shown = [*recordings.train[:WARM_UP], *recordings.test]
                inputs = frames([damaged(events, level, rng) if level else events for events in shown], steps).numpy()
                for mode, made in networks.items():
                    classes, _ = stream(made, inputs)
                    right = float((classes[WARM_UP:] == recordings.test_labels).mean())
                    found[mode].setdefault(kind, []).append(right)
        for mode, kinds in found.items():
            for kind, curve in kinds.items():
                accuracy[mode][kind].append(curve)
        print(folders[0].name, found, flush=True)
        levels_of = {kind: list(levels) for kind, (levels, _) in DAMAGES.items()}
        record = {"accuracy": accuracy, "levels": levels_of, "warm_up": WARM_UP, "samples": len(recordings.test)}
        write_json(given.json, {**record, **circumstances()})


if __name__ == "__main__":
    main()
