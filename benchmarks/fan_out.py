# SPDX-License-Identifier: BSD-3-Clause
"""Chains against copies of soma cores, on networks of the paper's shapes; run as a script, a minute.

    uv run python benchmarks/fan_out.py --json benchmarks/results/fan_out.json

Random weights, mapped onto 2 x 2 chips for room, 8 % of the inputs spiking; with slow weights only (GP) and with local
ones (HP). By the number of cores that a route of spikes may visit: cores, packets over all links and over the busiest
one in a step (at the rate that mapping assumes), hops of the longest route of spikes, and of a sample the latency with
contention and the energy.
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

from synergic.hw_targets import Probes, check_mapping, cost, estimate, map_network, simulate_on_chip
from synergic.hw_targets.mapping import link_packets

sys.path.insert(0, str(Path(__file__).parent))
from chip_mapping import PAPER, paper_network

FAN_OUT = (None, 8, 4, 2, 1)
CHIPS = (2, 2)
RATE, SAMPLES = 0.08, 4


def figures(network: Any, fan_out: int | None) -> dict[str, float] | None:
    """What one mapping costs; None if it does not fit."""
    if not estimate(network, chips=CHIPS, fan_out=fan_out).fits:
        return None
    mapping = map_network(network, chips=CHIPS, fan_out=fan_out)
    assert not check_mapping(mapping)
    rng = np.random.default_rng(0)
    spikes = (rng.random((SAMPLES, network.steps, network.source.size)) < RATE).astype(int)
    costs = cost(mapping, simulate_on_chip(mapping, spikes, probes=Probes.readout(network))[1])
    links = link_packets(mapping)
    assert costs.latency_contention_s is not None
    return {
        "cores": mapping.cores,
        "soma cores": len({t.soma_core for t in mapping.stored}),
        "packets over links": sum(links.values()),
        "busiest link": max(links.values(), default=0.0),
        "longest route of spikes": max((len(c.path) for c in mapping.chains if c.kind == "spike"), default=0),
        "latency_us": 1e6 * costs.latency_contention_s,
        "energy_uj": 1e6 * costs.energy_j,
    }


def main(json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None) -> None:
    """Measure and print, and write the record."""
    found: dict[str, dict[str, Any]] = {}
    for name, sizes in PAPER.items():
        hp = paper_network(sizes)
        bare = tuple(dataclasses.replace(p, rule=None, local_weights=None) for p in hp.projections)
        for mode, network in (("GP", dataclasses.replace(hp, projections=bare)), ("HP", hp)):
            for fan_out in FAN_OUT:
                row = figures(network, fan_out)
                found.setdefault(f"{name} {mode}", {})[str(fan_out)] = row
                text = "does not fit" if row is None else ", ".join(f"{k} {v:.5g}" for k, v in row.items())
                print(f"{name} {mode} fan_out={fan_out}: {text}", flush=True)
    if json_file:
        setting = {"chips": CHIPS, "rate": RATE, "samples": SAMPLES, "date": time.strftime("%Y-%m-%d")}
        json_file.write_text(json.dumps({"figures": found, "setting": setting}, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
