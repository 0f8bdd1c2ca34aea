# SPDX-License-Identifier: BSD-3-Clause
"""Plots of the records."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from synergic import plots
from synergic.data._corruptions import DAMAGE

from .records import one, records

DAMAGES = {
    "gaussian": "variance", "crop": "half-width, pixels", "salt": "share of the pixels",
    "pepper": "share of the pixels", "salt-and-pepper": "share of the pixels", "speckle": "variance",
    "events dropped": "share of the events", "events added": "share of the events",
    "region masked": "half-width, pixels",
}  # fmt: skip
"""Damages, and what their levels are in, of images and of events."""
DAMAGED = {"fashion": ("lp", "gp", "hp", "hp-balanced"), "nmnist": ("gp", "hp")}
"""Modes in the plots of damage, by how the names of the experiments begin."""
COLOURS = dict(zip(DAMAGED["fashion"], ("tab:blue", "tab:orange", "tab:green", "tab:red"), strict=True))
"""By mode, the same in all of them."""
LEARNED = {
    "Fashion-MNIST": ("fashion-lp", "fashion-gp", "fashion-hp", "fashion-conv-hp", "fashion-conv-hp-small"),
    "MNIST": ("mnist-conv-hp", "mnist-conv-hp-small"),
    "N-MNIST": ("nmnist-gp", "nmnist-hp"),
    "Omniglot": (
        "omniglot-5way-1shot",
        "omniglot-5way-5shot",
        "omniglot-20way-1shot",
        "omniglot-20way-5shot",
        "omniglot-classes",
    ),
}
"""Experiments in the panels of the plot of learning curves."""


def canvas(rows: int, columns: int, width: float = 4, height: float = 3.2) -> tuple[Figure, np.ndarray]:
    """A figure of so many panels, which no window shows."""
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def damages() -> Figure:
    """A panel a damage, a line a mode with the range of its seeds."""
    figure, panels = canvas(3, 3)
    for axes, (kind, unit) in zip(panels.flat, DAMAGES.items(), strict=True):
        start = "fashion" if kind in DAMAGE else "nmnist"
        runs = {mode: [r["figures"] for r in records(f"{start}-{mode}")] for mode in DAMAGED[start]}
        levels = np.array(runs["gp"][0]["levels"][kind]) * (DAMAGE[kind][1] if kind in DAMAGE else 1)
        curves = {mode.upper(): [r["curves"][kind] for r in of] for mode, of in runs.items()}
        axes.set_prop_cycle(color=[COLOURS[mode] for mode in runs])
        plots.robustness(axes, levels, curves, kind)
        axes.set_xlabel(unit)
    return figure


def machine_faults() -> Figure:
    """A panel a fault, a line a mode."""
    r = one("machine-faults")
    figure, panels = canvas(2, 2)
    for axes, (fault, rates) in zip(panels.flat, r["rates"].items(), strict=True):
        axes.set_prop_cycle(color=[COLOURS[mode] for mode in r["curves"]])
        plots.robustness(axes, rates, {m.upper(): c[fault] for m, c in r["curves"].items()}, fault)
        axes.set_xlabel("share of " + ("bits" if fault == "bit flips" else fault.split()[1]))
    return figure


def learning() -> Figure:
    """Loss of the training samples by epoch: a panel a data set, a line an experiment, the mean of its seeds."""
    figure, panels = canvas(2, 2, 5)
    for axes, (title, names) in zip(panels.flat, LEARNED.items(), strict=True):
        for name in names:
            losses = [[epoch["loss"] for epoch in r["history"]] for r in records(name)]
            epochs = np.arange(1, len(losses[0]) + 1)
            axes.plot(epochs, np.mean(losses, axis=0), linewidth=1, label=name)
        axes.set(title=title, xlabel="epoch", ylabel="loss", yscale="log")
        axes.legend(fontsize="small")
    return figure


def tasks() -> Figure:
    """Mean accuracy over the tasks so far, a line a method with the range of its seeds."""
    figure, ((axes,),) = canvas(1, 1, 6, 4)
    curves = {
        mode.upper(): [r["figures"]["curves"]["tasks learned"] for r in records(f"continual-{mode}")]
        for mode in ("gp", "hp", "ewc")
    }
    plots.robustness(axes, np.arange(1, len(curves["GP"][0]) + 1), curves, "mean over the tasks so far")
    axes.set_xlabel("tasks learned")
    return figure


def classes() -> Figure:
    """Accuracy by number of classes, a line a number of drawings, as integers."""
    figure, ((axes,),) = canvas(1, 1, 6, 4)
    runs = list(one("class_incremental")["runs"].values())
    curves = {f"{shots} drawings of each": [run["integers"][shots] for run in runs] for shots in runs[0]["integers"]}
    plots.robustness(axes, runs[0]["stops"], curves, "among all classes so far, integers")
    axes.set_xlabel("classes learned")
    return figure


IMAGES = {
    "damages": damages, "machine-faults": machine_faults, "learning-curves": learning, "tasks": tasks,
    "classes": classes,
}  # fmt: skip
"""By the name of the file, without its ending."""
