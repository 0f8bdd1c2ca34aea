# SPDX-License-Identifier: BSD-3-Clause
"""docs/reproduce.md from the records: each claim, the command behind it, the figure to expect, and how long it takes.

uv run python benchmarks/reproduce_page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synergic.experiments import EXPERIMENTS

ROOT = Path(__file__).parents[1]
RESULTS, EXAMPLES = ROOT / "benchmarks" / "results", ROOT / "src" / "synergic" / "examples"

TEXT = """\
# Reproduce the figures

Each figure of README and of [results](results.md), the command that gives it, and what to expect. Commands run in a
clone of the repository, each after `uv run`. With the same seed, versions and processor a command gives the recorded
figure. Other processors and versions of torch round differently, and training follows another path: the tolerance is
what is then to be expected. So it is for the trained runs: since they were recorded, training takes torch's compiled
Adam and adds the terms of four steps at a time, which round differently too. Minutes are those of the machine that is
named.

`benchmarks/reproduce_page.py` makes this page from the records. The rows of the first table are run by the tests
(`tests/package/test_reproduce.py`).
"""
SHORT = {
    "digits-hp": "64-300-10, hybrid plasticity, 8x8 digits, as integers",
    "digits-conv": "a convolution before plastic layers, 8x8 digits, as integers",
    "digits-recurrent": "a recurrent network, 8x8 digits, as integers",
    "nmnist-hp": "2312-128-10, hybrid plasticity, trained on 1,000 recordings of N-MNIST, as integers",
    "omniglot-few-shot": "5 characters from one drawing each, learned on the chip, as integers",
    "omniglot-classes": "25 characters that the local rule learned one after another, as integers on the chip",
}
"""Examples, and what they show."""
BENCHMARKS = (
    ("streams of damaged images: what lives on", "streams.py --hp RUN --gp RUN", "streams", "2 points"),
    ("streams of damaged recordings", "event_streams.py --hp RUN --gp RUN", "event_streams", "4 points"),
    ("250 classes one after another", "class_incremental.py --runs RUN", "class_incremental", "1 point"),
    (
        "few-shot learning beside simpler read-outs",
        "few_shot_read_outs.py --few-shot RUN --whole RUN",
        "few_shot_read_outs",
        "1 point",
    ),
    (
        "trained runs in integers, in Lava and on the chip",
        "deployment.py --runs RUN",
        "deployed-fashion-hp-0",
        "1 point",
    ),
    ("what trained runs cost on the chip", "chip_costs.py --runs RUN", "costs-fashion-hp-0", "5 %"),
    ("new digits from events, learned in Lava on the chip", "nmnist_classes.py", "nmnist_classes", "3 points"),
    ("rules of adaptation learned by gradient", "learned_adaptation.py --runs RUN", "learned_adaptation", "2 points"),
    ("broken chips", "chip_faults.py --runs RUN", "chip-faults", "1 point"),
    ("networks as C", "c_export.py", "c-export", "1 point; speeds of another processor differ"),
    ("speed of training, as ratios", "training.py", "training", "a fifth"),
    ("speed of the model of the chip, as ratios", "chip.py", "chip", "a fifth"),
    ("a time step inside Lava", "lava_runtime.py", "lava_runtime", "a fifth"),
    ("few-shot training to 98 %", "few_shot_time.py", "few-shot-time", "a third"),
    ("size of the installations", "installation.py", "installation", "5 %"),
)
"""Claim, command in benchmarks/, record, tolerance."""


def example_rows() -> list[str]:
    """The examples that ship."""
    lines = ["| claim | command | expected | tolerance |", "|---|---|---|---|"]
    for name, claim in SHORT.items():
        record = json.loads((EXAMPLES / f"{name}.json").read_text())
        expected = f"{100 * record['accuracy']['integers']:.2f} % of {record['samples']} right"
        lines.append(f"| {claim} | `synergic simulate {name}` | {expected} | exact |")
    return lines


def run_rows() -> list[str]:
    """The trained experiments, by seed."""
    lines = ["| claim | command | expected | tolerance | minutes, machine |", "|---|---|---|---|---|"]
    for experiment, (what, _) in EXPERIMENTS.items():
        for path in sorted(RESULTS.glob(f"{experiment}-[0-9].json")):
            record = json.loads(path.read_text())
            lines.append(row(experiment, what, record))
    return lines


def row(experiment: str, what: str, record: dict[str, Any]) -> str:
    """One trained run."""
    seed = record["config"]["seed"]
    minutes = sum(epoch.get("seconds", 0.0) for epoch in record["history"]) / 60
    expected = f"{100 * record['figures']['accuracy']:.2f} %"
    device = "--device cuda " if "NVIDIA" in record["machine"] else ""
    command = f"synergic train {device}{experiment} --seed {seed}"
    # Of a hundred test recordings a few more or fewer are right; the other test sets have thousands of samples.
    tolerance = "5 points" if record["evaluated_on"].startswith("100 test recordings") else "1 point"
    return f"| {what} | `{command}` | {expected} | {tolerance} | {minutes:.0f}, {record['machine']} |"


def benchmark_rows() -> list[str]:
    """The benchmarks."""
    lines = ["| claim | command | record, with its machine and date | tolerance |", "|---|---|---|---|"]
    for claim, command, record, tolerance in BENCHMARKS:
        if (RESULTS / f"{record}.json").exists():
            where = f"benchmarks/results/{record}.json"
            lines.append(f"| {claim} | `python benchmarks/{command}` | {where} | {tolerance} |")
    return lines


def page() -> str:
    """The page."""
    parts = [
        TEXT,
        "## Run by the tests\n",
        *example_rows(),
        "\n## Trained runs\n\nEach needs its data set (downloaded, or from the folder that `SYNERGIC_DATA` names). "
        "`synergic evaluate RUN` computes the figures of a finished run again.\n",
        *run_rows(),
        "\n## Benchmarks\n\nRUN is the folder of a trained run. The first lines of each script say which.\n",
        *benchmark_rows(),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "reproduce.md").write_text(page())
