# SPDX-License-Identifier: BSD-3-Clause
"""docs/results.md from the records in benchmarks/results: published and reached side by side.

uv run python benchmarks/results_page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PUBLISHED = {"lp": (75.8, 69.2), "gp": (87.9, 65.5), "hp": (88.3, 72.2)}
"""By mode: clean, and with Gaussian noise of variance .06; Wu et al. 2022, trace shared by the batch."""


OTHERS = {
    "mnist-lp": "-", "mnist-gp": "-", "mnist-hp": "-", "mnist-conv-hp": "99.5", "fashion-conv-hp": "93.3",
    "nmnist-lp": "-", "nmnist-gp": "-", "nmnist-hp": "-",
    "omniglot-5way-1shot": "98.8", "omniglot-5way-1shot-official": "-", "omniglot-5way-5shot": "-",
    "omniglot-20way-1shot": "-", "omniglot-20way-5shot": "-",
    "continual-gp": "-", "continual-hp": "highest of the three", "continual-ewc": "-",
}  # fmt: skip
"""Accuracies published for the other experiments, in per cent; "-" where there is none."""


def records(experiment: str) -> list[dict[str, Any]]:
    """The records of an experiment, by seed."""
    return [json.loads(p.read_text()) for p in sorted(RESULTS.glob(f"{experiment}-[0-9]*.json"))]


def spread(values: Any) -> str:
    """Mean and range over seeds, in per cent."""
    values = 100 * np.asarray(values)
    return f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})"


def page() -> str:
    """The page's text."""
    lines = [
        "# Results",
        "",
        "Made by `benchmarks/results_page.py` from the records in `benchmarks/results/`; each holds settings, seed,",
        "versions, machine and history. Repeat them with `benchmarks/experiments.py`.",
        "",
        "## Fashion-MNIST, 784-512-10, 30 epochs, test set",
        "",
        "Predictions independent of the batch (`per_sample`); the published figures come from the authors' protocol,",
        "in which a batch of 100 shares its local weights. Settings were chosen on the last 10,000 training images",
        "(training on the first 50,000), and are the same for GP and HP. Accuracy in per cent, mean and range of the",
        "seeds; noise is Gaussian, variance .06, added to the test images only.",
        "",
        "| mode | seeds | clean, published | clean, reached | noise, published | noise, reached |",
        "|---|---|---|---|---|---|",
    ]
    crops = {}
    for mode in ("lp", "gp", "hp"):
        found = [r["figures"] for r in records(f"fashion-{mode}")]
        if not found:
            continue
        clean, noise = [f["accuracy"] for f in found], [f["curves"]["gaussian"][6] for f in found]
        crops[mode] = (found[0]["levels"]["crop"], np.mean([f["curves"]["crop"] for f in found], axis=0))
        was = PUBLISHED[mode]
        lines.append(f"| {mode.upper()} | {len(found)} | {was[0]} | {spread(clean)} | {was[1]} | {spread(noise)} |")
    if crops:
        levels = next(iter(crops.values()))[0]
        lines += ["", "A centred square of half-width i erased, mean of the seeds:", ""]
        lines += ["| i | " + " | ".join(map(str, levels)) + " |", "|---" * (len(levels) + 1) + "|"]
        lines += [f"| {m.upper()} | " + " | ".join(f"{100 * v:.1f}" for v in c[1]) + " |" for m, c in crops.items()]
    lines += ["", "## Other experiments", "", "Accuracy in per cent on what the last column says.", ""]
    lines += ["| experiment | seeds | published | reached | epochs | evaluated on |", "|---|---|---|---|---|---|"]
    for name, published in OTHERS.items():
        found = records(name)
        if found:
            reached = spread([r["figures"]["accuracy"] for r in found])
            last = f"{len(found[0]['history'])} | {found[0]['evaluated_on']}"
            lines.append(f"| {name} | {len(found)} | {published} | {reached} | {last} |")
    speed = RESULTS / "training.json"
    if speed.exists():
        report = json.loads(speed.read_text())
        lines += ["", "## Speed of training", "", "`benchmarks/training.py`, ratios in one run, medians:", ""]
        lines += ["| figure | reached | to reach |", "|---|---|---|"]
        for name, value in report["figures"].items():
            reached = "not measured" if value is None else f"{value:.3g}"
            lines.append(f"| `{name}` | {reached} | {report['reach'].get(name, '')} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "results.md").write_text(page())
