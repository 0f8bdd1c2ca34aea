# SPDX-License-Identifier: BSD-3-Clause
"""What neurons lose that are split into spiking sub-neurons, on the digits network; run as a script, a minute.

    uv run python benchmarks/spiking_split.py --json benchmarks/results/spiking_split.json

By seed: a network of 64, 100 and 10 neurons is trained whole with global learning, made integers, and both ways are
simulated: the exact one, which is the network itself (partial sums change nothing), and `split_by_spikes` for several
limits of inputs, and thresholds of sub-neurons. Nothing is trained anew after the split.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import torch
import tyro

import synergic as sy
from synergic.data import digits
from synergic.learning import HybridNet, to_description, train
from synergic.network import split_by_spikes

SIZES, STEPS, EPOCHS, BATCH = (64, 100, 10), 10, 20, 25
FAN_IN = (64, 48, 32, 20)
"""64 splits the read-out only: 100 inputs, two sub-neurons each."""
THRESHOLDS = (0.25, 0.5, 1.0)


def measured(seed: int) -> dict[str, float]:
    """Test accuracy by what was simulated."""
    spikes, labels, test, test_labels = digits(STEPS, seed)
    torch.manual_seed(seed)
    net = HybridNet(SIZES, mode="gp", steps=STEPS)
    train(net, torch.tensor(spikes).float(), torch.tensor(labels), epochs=EPOCHS, batch=BATCH, seed=seed)
    network = sy.quantise(to_description(net))

    def accuracy(of: sy.IntNetwork) -> float:
        return float((sy.simulate(of, test).classes(of) == test_labels).mean())

    found = {"exact": accuracy(network)}
    for fan_in in FAN_IN:
        for threshold in THRESHOLDS:
            found[f"fan_in={fan_in} threshold={threshold}"] = accuracy(split_by_spikes(network, fan_in, threshold))
    return found


def main(
    json_path: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    seeds: tuple[int, ...] = (0, 1, 2),
) -> None:
    """Measure and print, and write `json`."""
    by_seed = [measured(seed) for seed in seeds]
    figures: dict[str, Any] = {name: mean(found[name] for found in by_seed) for name in by_seed[0]}
    for name, value in figures.items():
        print(f"{name:30} {100 * value:5.1f} %")
    if json_path:
        versions = {name: importlib.metadata.version(name) for name in ("synergic", "numpy", "torch")}
        command = " ".join(["python", "benchmarks/spiking_split.py", *sys.argv[1:]])
        record = {
            "accuracy": figures, "by_seed": by_seed, "seeds": seeds, "sizes": SIZES, "steps": STEPS, "epochs": EPOCHS,
            "batch": BATCH, "versions": versions, "command": command, "date": time.strftime("%Y-%m-%d"),
        }  # fmt: skip
        json_path.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
