# SPDX-License-Identifier: BSD-3-Clause
"""What a step of HybridSparse costs inside Lava: against HybridDense under a mask, and Lava's Sparse; run as a script.

    OMP_NUM_THREADS=1 uv run python benchmarks/chosen_synapses.py --json benchmarks/results/chosen_synapses.json

Each graph is source - connection - HybridLIF of 1,024 inputs and neurons, with the same synapses and the same input.
As in lava_runtime.py graphs stand paused side by side and take turns; a figure is the median of the rounds' ratios of
seconds a step, messages included: beyond 1, HybridSparse is faster.

hebbian : HybridDense over HybridSparse, both learning in every step by the compiled rule. pair_stdp : the same by one
of two pure functions. lavas_sparse : Lava's Sparse over HybridSparse, neither with local weights.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

import synergic as sy  # before Lava, which Python 3.11 and later import only then

# isort: split
from lava.proc.io.source import RingBuffer
from lava.proc.sparse.process import Sparse
from lava_runtime import KINDS, RATE, Running, by_rounds, processor, ratios, spikes
from scipy.sparse import csr_matrix

from synergic.network._quantise import ONE
from synergic.processes import HybridDense, HybridLIF, HybridSparse

N, DENSITIES, STEPS = 1024, (0.01, 0.1), 30
VTH = 64 * 15000
"""Hardly ever reached."""
RULES = {"hebbian": sy.Hebbian(0.01, 0.1), "pair_stdp": sy.PairSTDP()}


def graph(connection: Any, kind: str, seed: int) -> Running:
    """A connection between a source and neurons, started."""
    source = RingBuffer(data=spikes(np.random.default_rng(seed), N, 200))
    whole = kind == "fixed"
    lif = HybridLIF(shape=(N,), vth=VTH if whole else float(VTH), decay=ONE // 2 if whole else 0.5)
    source.s_out.connect(connection.s_in)
    connection.a_out.connect(lif.a_in)
    if hasattr(connection, "u_in"):
        lif.u_out.connect(connection.u_in)
    return Running(lif, kind)


def measure(rounds: int, seed: int) -> dict[str, Any]:
    """Seconds a step, by comparison, density and kind."""
    found = {}
    for density in DENSITIES:
        for kind in KINDS:
            rng, whole = np.random.default_rng(seed), kind == "fixed"
            full = (2 * rng.integers(1, 60, (N, N)) if whole else rng.uniform(0, 0.1, (N, N))) * (
                rng.random((N, N)) < density
            )
            for name, rule in RULES.items():
                rule = rule.quantise("rule", 16, VTH, False) if whole else rule
                more = {"alpha": 1 if whole else 1.0}
                masked = dataclasses.replace(rule, mask=full != 0)
                graphs = {
                    "other": graph(HybridDense(weights=full, rule=masked, **more), kind, seed),
                    "ours": graph(HybridSparse(weights=csr_matrix(full), rule=rule, **more), kind, seed),
                }
                found[f"{name} {density:.0%} {kind}"] = by_rounds(rounds, dict.fromkeys(graphs, STEPS), graphs)
            graphs = {
                "other": graph(Sparse(weights=csr_matrix(full)), kind, seed),
                "ours": graph(HybridSparse(weights=csr_matrix(full)), kind, seed),
            }
            found[f"lavas_sparse {density:.0%} {kind}"] = by_rounds(rounds, dict.fromkeys(graphs, STEPS), graphs)
    return found


def main(json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None, rounds: int = 9, seed: int = 0) -> None:
    """Measure, print the figures, and write the record.

    json_file : where to. rounds : of which the figures are medians.
    """
    load = [os.getloadavg()]
    taken = measure(rounds, seed)
    load.append(os.getloadavg())
    speedup = {name: statistics.median(ratios(t["other"], t["ours"])) for name, t in taken.items()}
    for name, t in taken.items():
        ours, other = (1e3 * statistics.median(t[which]) for which in ("ours", "other"))
        print(f"{name}: {speedup[name]:.3g}  ({other:.3g} ms, HybridSparse {ours:.3g} ms)")
    setting = {
        "n": N, "input_rate": RATE, "steps_a_round": STEPS, "rounds": rounds, "seed": seed, "cpu": processor(),
        "cpus": len(os.sched_getaffinity(0)), "load_before_and_after": load, "date": time.strftime("%Y-%m-%d"),
        "threads": os.environ.get("OMP_NUM_THREADS", "not limited"),
        "command": " ".join(["python", "benchmarks/chosen_synapses.py", *sys.argv[1:]]),
    }  # fmt: skip
    if json_file:
        record = {"speedup": speedup, "seconds_a_step": taken, "setting": setting}
        json_file.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
