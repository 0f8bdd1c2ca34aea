# SPDX-License-Identifier: BSD-3-Clause
"""What balance of phases gains, on networks of the paper's shapes; run as a script, half a minute.

    uv run python benchmarks/balance.py --json benchmarks/results/balance.json

Random weights, with slow weights only (GP) and with local ones (HP); 8 % of the inputs spiking, each at a rate of its
own, 0.4 x^4 with x uniform. By cut: latency of a sample, us, where a phase ends with its slowest core. "expected" cuts
by these rates.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from synergic.hw_targets import Probes, cost, map_network, simulate_on_chip

sys.path.insert(0, str(Path(__file__).parent))
from chip_mapping import PAPER, paper_network

SAMPLES = 4


def latencies(network: Any) -> dict[str, float]:
    """By cut, latency_slowest_s in microseconds."""
    rng = np.random.default_rng(0)
    rates = 0.4 * rng.random(network.source.size) ** 4
    spikes = (rng.random((SAMPLES, network.steps, network.source.size)) < rates).astype(int)
    found = {}
    for name, balance in (("filled", False), ("even", True), ("expected", {network.source.name: rates})):
        mapping = map_network(network, balance=balance)
        costs = cost(mapping, simulate_on_chip(mapping, spikes, probes=Probes.readout(network))[1])
        assert costs.latency_slowest_s is not None
        found[name] = 1e6 * costs.latency_slowest_s
    return found


def main(json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None) -> None:
    """Measure and print, and write the record."""
    found: dict[str, Any] = {}
    for name, sizes in PAPER.items():
        hp = paper_network(sizes)
        bare = tuple(dataclasses.replace(p, rule=None, local_weights=None) for p in hp.projections)
        for mode, network in (("GP", dataclasses.replace(hp, projections=bare)), ("HP", hp)):
            found[f"{name} {mode}"] = latencies(network)
            print(
                f"{name} {mode}:", ", ".join(f"{k} {v:.1f} us" for k, v in found[f"{name} {mode}"].items()), flush=True
            )
    if json_file:
        record = {"latency_us": found, "samples": SAMPLES, "date": time.strftime("%Y-%m-%d")}
        json_file.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
