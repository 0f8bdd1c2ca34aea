# SPDX-License-Identifier: BSD-3-Clause
"""The table that the results begin with: claim, published, ours, command."""

from __future__ import annotations

import numpy as np

from .records import one, records, spread, table

TRAINED = {
    "Fashion-MNIST, 784-512-10": {
        "fashion-hp": ("hybrid", 88.3), "fashion-gp": ("global only", 87.9), "fashion-lp": ("local only", 75.8),
    },
    "Fashion-MNIST, convolutions": {
        "fashion-conv-hp": ("hybrid, all channels", 93.3), "fashion-conv-hp-small": ("hybrid, 16 to 64 channels", None),
    },
    "MNIST, convolutions": {
        "mnist-conv-hp": ("hybrid, all channels", 99.5), "mnist-conv-hp-small": ("hybrid, 16 to 64 channels", None),
    },
    "N-MNIST, 1,000 recordings": {"nmnist-hp": ("hybrid", None), "nmnist-gp": ("global only", None)},
    "Omniglot, few-shot": {
        "omniglot-5way-1shot": ("5-way 1-shot", 98.8),
        "omniglot-5way-1shot-official": ("5-way 1-shot, official split", None),
        "omniglot-5way-5shot": ("5-way 5-shot", None), "omniglot-20way-1shot": ("20-way 1-shot", None),
        "omniglot-20way-5shot": ("20-way 5-shot", None),
    },
    "Shuffled MNIST, mean of 50 tasks": {
        "continual-hp": ("hybrid", None), "continual-gp": ("global only", None),
        "continual-ewc": ("elastic weight consolidation", None),
    },
}  # fmt: skip
"""By data set and experiment: how a row calls it, and the published accuracy in per cent, if there is one."""
NOISY = {
    "fashion-hp": ("hybrid", 72.2), "fashion-gp": ("global only", 65.5), "fashion-lp": ("local only", 69.2),
    "fashion-gp-balanced": ("global, balanced weights", None),
    "fashion-hp-balanced": ("hybrid, balanced weights", None),
}  # fmt: skip
"""The same with Gaussian noise of variance .06 on the test images."""
FEWER = dict.fromkeys(("continual-hp", "continual-gp"), " of five tasks")
"""Experiments of which deployment.py tries a part, and which."""
VARIANCE = 6
"""Which level of "gaussian" that is."""
CLASSES = 82.2
"""Published after 250 classes of ten drawings, in silicon (Chameleon)."""


def published(value: float | None) -> str:
    """In per cent, or a dash."""
    return "-" if value is None else f"{value:.1f}"


def deployed(experiment: str) -> tuple[str, str]:
    """Cells: accuracy as integers, and whether the chip has the same."""
    found = records(f"deployed-{experiment}")
    if not found:
        return "-", "-"
    accuracy = [np.mean([100 * r["accuracy"][kind] for r in found]) for kind in ("fixed", "floating")]
    samples = found[0]["samples"]["integers"]
    same = all(r["identical_to_the_integer_reference"]["chip"] for r in found)
    cores = max(r["cores"] for r in found)
    part = FEWER.get(experiment, "")
    integers = f"{accuracy[0]:.2f} of {samples:,} samples{part} (floating: {accuracy[1]:.2f})"
    tried = min(r["samples"]["chip"] for r in found)
    return integers, f"{'the same' if same else 'NOT the same'} on {tried:,}, {cores} cores"


def rows() -> list[tuple[str, ...]]:
    """Every row of the table."""
    found: list[tuple[str, ...]] = []
    for family, experiments in TRAINED.items():
        for experiment, (what, value) in experiments.items():
            ours = spread([r["figures"]["accuracy"] for r in records(experiment)])
            command = f"`synergic train {experiment}`"
            found.append((f"{family}: {what}", published(value), ours, *deployed(experiment), command))
    for experiment, (what, value) in NOISY.items():
        ours = spread([r["figures"]["curves"]["gaussian"][VARIANCE] for r in records(experiment)])
        claim, command = f"Fashion-MNIST with noise: {what}", f"`synergic train {experiment}`"
        found.append((claim, published(value), ours, "-", "-", command))
    streams = one("streams")["accuracy"]
    both = "HP stream, B 1000 + homeostasis"
    as_stream = {"HP stream, B 100": NOISY["fashion-hp"][1], "GP + homeostasis": None, both: None}
    for mode, value in as_stream.items():
        ours = spread([values[0] for values in streams[mode][f"gaussian:{VARIANCE}"].values()])
        claim = f"Fashion-MNIST with noise, as a stream: {mode}"
        found.append((claim, published(value), ours, "-", "-", "`python benchmarks/streams.py --hp RUN --gp RUN`"))
    runs = list(one("class_incremental")["runs"].values())
    shots = max(runs[0]["floating"], key=int)
    ours, integers = (spread([run[kind][shots][-1] for run in runs]) for kind in ("floating", "integers"))
    chip = next(run["chip"] for run in runs if "chip" in run)
    claim = f"Omniglot: {runs[0]['stops'][-1]} classes one after another, {shots} drawings of each"
    on_chip = f"{100 * chip['accuracy']:.2f}, {chip['cores']} cores"
    command = "`python benchmarks/class_incremental.py --runs RUN`"
    found.append((claim, published(CLASSES), ours, integers, on_chip, command))
    return [*found, digits()]


def digits() -> tuple[str, ...]:
    """The row of N-MNIST's digits one after another."""
    runs = list(one("nmnist_classes")["runs"].values())
    shots = max(runs[0]["floating"]["after"], key=int)
    claim = f"N-MNIST: digits 7, 8, 9 learned after 0 to 6, {shots} recordings of each; all ten asked"
    ours, integers = (spread([r[kind]["after"][shots]["all"] for r in runs]) for kind in ("floating", "integers"))
    chip = next(run["chip"] for run in runs if "chip" in run)
    on_chip = f"{100 * chip['accuracy']:.2f}, {chip['cores']} cores"
    return claim, "-", ours, integers, on_chip, "`python benchmarks/nmnist_classes.py`"


def claims() -> str:
    """The table."""
    heads = ("accuracy, %", "published", "ours, floating point", "ours, integers", "ours, chip", "command")
    return table(heads, rows())
