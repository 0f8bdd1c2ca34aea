# SPDX-License-Identifier: BSD-3-Clause
"""Plots: each takes matplotlib Axes, draws on them and returns them. Nothing is shown or saved here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from synergic._core.checks import choice, kinds, number, numbers, require, whole
from synergic.hw_targets.costs._costs import cost, phase_clocks
from synergic.hw_targets.mapping import RATE, Mapping, link_packets
from synergic.hw_targets.mapping._mapping_data import block
from synergic.hw_targets.simulation._activity import Activity

__all__ = [
    "core_raster",
    "heat_map",
    "learning_curve",
    "membrane",
    "occupancy",
    "phase_timeline",
    "raster",
    "robustness",
    "routes",
    "weights",
    "weights_over_time",
]

LETTERS = 24
"""Rows or columns up to which a letter in each core can be read."""


def whole_steps(axes: Any) -> None:
    """Ticks at whole numbers only."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def table(where: str, values: Any, shape: str, finite: bool = True) -> Any:
    """An array of the axes named in `shape`, as "(T, n)", none of them empty, finite or not. Raises ParameterError."""
    array = numbers(where, values, "iufb")
    fits = array.ndim == shape.count(",") + 1 and array.size > 0
    require(fits, where, f"shape {array.shape}", f"{shape}, none of them 0", "Choose one sample, or one projection.")
    require(not finite or bool(np.isfinite(array).all()), where, "NaN or infinite", "finite values", "Check the run.")
    return array


def of_simulation(where: str, axes: Any, mapping: Any, activity: Any, title: Any) -> None:
    """Refuse what is not of a simulator's run, step by step. Raises ParameterError."""
    given = {"axes": (axes, Axes), "mapping": (mapping, Mapping), "activity": (activity, Activity)}
    kinds(where, **given, title=(title, str))
    stepwise, remedy = len(activity.integrated) > 0, "simulate_on_chip() gives one."
    require(stepwise, f"{where}.activity", "counts of a whole run", "those of each step", remedy)


def raster(axes: Any, spikes: Any, title: str = "") -> Any:
    """Spikes (T, n) of one presentation: a mark a spike, step along x, neuron along y."""
    kinds("raster", axes=(axes, Axes), title=(title, str))
    step, neuron = np.nonzero(table("raster.spikes", spikes, "(T, n)"))
    axes.scatter(step + 1, neuron, s=5, marker="s", linewidths=0, color="tab:blue")
    axes.set(title=title, xlabel="step m", ylabel="neuron", xlim=(0.5, len(spikes) + 0.5))
    axes.set_ylim(-1, np.shape(spikes)[1])
    whole_steps(axes)
    return axes


def membrane(axes: Any, u: Any, vth: float, title: str = "", labels: Any = None) -> Any:
    """Membrane potentials (T, n) over threshold, u / v_th, one line a neuron; the threshold dashed."""
    kinds("membrane", axes=(axes, Axes), title=(title, str), labels=(labels, Sequence | None))
    number("membrane.vth", vth, 0, float("inf"), "It is the neurons' threshold.", open_low=True)
    u = table("membrane.u", u, "(T, n)") / vth
    if labels is not None:
        got, allowed = f"{len(labels)}", f"{u.shape[1]}, one a neuron"
        require(len(labels) == u.shape[1], "membrane.labels", got, allowed, "Name each, or none.")
    for i in range(u.shape[1]):
        axes.plot(np.arange(1, len(u) + 1), u[:, i], linewidth=1, label=None if labels is None else labels[i])
    axes.axhline(1, color="black", linestyle="--", linewidth=0.8)
    axes.set(title=title, xlabel="step m", ylabel=r"$u / v_{th}$")
    whole_steps(axes)
    if labels is not None:
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1)
    return axes


def weights(axes: Any, matrix: Any, title: str = "", limit: float | None = None) -> Any:
    """A weight matrix (n_out, n_in) as an image, symmetric colours; `limit` fixes their range."""
    kinds("weights", axes=(axes, Axes), title=(title, str))
    if limit is not None:
        number("weights.limit", limit, 0, float("inf"), "It is the largest weight that has a colour.", open_low=True)
    matrix = table("weights.matrix", matrix, "(n_out, n_in)")
    top = limit or float(np.abs(matrix).max()) or 1.0
    image = axes.imshow(matrix, aspect="auto", cmap="RdBu_r", vmin=-top, vmax=top, interpolation="nearest")
    axes.set(title=title, xlabel="presynaptic", ylabel="postsynaptic")
    axes.figure.colorbar(image, ax=axes, shrink=0.8)
    return axes


def weights_over_time(axes: Any, history: Any, title: str = "", lines: int = 10, xlabel: str = "step m") -> Any:
    """Weights or local weights as they change, (T, n_out, n_in), moments 1, 2, ... along x.

    Black: the median of all synapses; grey: the range of the middle 90 % of them; in colour the `lines` synapses that
    move most. history : of Lava's Monitor on HybridDense.local_weights, a step a row; or HybridDense.local_record, a
    presentation a row, with its `xlabel`; slow weights that decay are k[:, None, None] * W.
    """
    kinds("weights_over_time", axes=(axes, Axes), title=(title, str), xlabel=(xlabel, str))
    values = table("weights_over_time.history", history, "(T, n_out, n_in)").astype(float)
    whole("weights_over_time.lines", lines, 0, float("inf"), "It is a number of synapses.")
    flat = values.reshape(len(values), -1)
    at = np.arange(1, len(flat) + 1)
    low, middle, high = np.quantile(flat, (0.05, 0.5, 0.95), axis=1)
    axes.fill_between(at, low, high, color="lightgrey", linewidth=0)
    most = np.argsort(-np.ptp(flat, axis=0), kind="stable")[:lines]
    axes.plot(at, flat[:, most], linewidth=0.8, alpha=0.8)
    axes.plot(at, middle, color="black", linewidth=1.5)
    axes.set(title=title, xlabel=xlabel, ylabel="weight")
    whole_steps(axes)
    return axes


def occupancy(axes: Any, mapping: Mapping, activity: Activity | None = None, title: str = "") -> Any:
    """The grid of cores: the share of a core's synapses that the mapping uses; empty cores are blank. W : slow weights,
    P : local ones."""
    kinds("occupancy", axes=(axes, Axes), title=(title, str), mapping=(mapping, Mapping))
    rows, columns = int(mapping.chip.rows), int(mapping.chip.columns)
    grid = np.full((rows, columns), np.nan)
    slots = int(mapping.chip.axons) * int(mapping.chip.neurons)
    for core, tiles in mapping.on_core.items():
        x, y = mapping.position(core)
        grid[y, x] = 100 * math.prod(block(tiles)) / slots
        holds = "P" if core in tiles[0].local_cores else "W"
        if max(rows, columns) <= LETTERS:
            color = "black" if grid[y, x] > 70 else "white"  # what can be read on the map's yellow, and on its blue
            axes.text(x, y, holds, ha="center", va="center", fontsize=7, color=color)
    return grid_of_cores(axes, grid, "synapses used, %", title, 100)


def routes(axes: Any, mapping: Mapping, rate: float = RATE, title: str = "") -> Any:
    """The grid with every link that carries packets, its colour how many in a step, both directions together.

    rate : spikes of a neuron in a step. A cross marks a known dead core, a dotted line a dead link.
    """
    number("routes.rate", rate, 0, 1, "It is a share of the steps.")
    kinds("routes", axes=(axes, Axes), title=(title, str), mapping=(mapping, Mapping))
    carried: dict[Any, float] = {}
    for (a, b), count in link_packets(mapping, rate).items():
        carried[min(a, b), max(a, b)] = carried.get((min(a, b), max(a, b)), 0.0) + count
    rows, columns = int(mapping.chip.rows), int(mapping.chip.columns)
    y, x = np.divmod(mapping.slots, columns)
    axes.scatter(x, y, s=12, marker="s", color="black", zorder=3, linewidths=0)
    lines = LineCollection(list(carried), cmap="plasma_r", linewidths=2)
    lines.set_array(np.array(list(carried.values())))
    lines.set_clim(0, max(carried.values(), default=1.0))
    axes.add_collection(lines)
    axes.add_collection(LineCollection(list(mapping.dead_links), colors="red", linestyles="dotted"))
    if mapping.dead_cores:
        axes.scatter(*zip(*mapping.dead_cores, strict=True), marker="x", color="red")
    axes.set(title=title, xlabel="core x", ylabel="core y", xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    axes.set_aspect("equal")
    axes.figure.colorbar(lines, ax=axes, label="packets a step", shrink=0.8)
    return axes


def grid_of_cores(axes: Any, grid: Any, label: str, title: str, top: float | None = None) -> Any:
    """The grid of a chip's cores, (rows, columns), in colours; NaN: an empty core, left blank."""
    rows, columns = grid.shape
    image = axes.imshow(grid, cmap="viridis", vmin=0, vmax=top)
    # Every core has its square, used or not: the free part of the chip is what a reader looks for.
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="lightgrey", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    whole_steps(axes)
    axes.set(title=title, xlabel="core x", ylabel="core y")
    axes.figure.colorbar(image, ax=axes, label=label, shrink=0.8)
    return axes


def heat_map(axes: Any, mapping: Mapping, activity: Activity, what: str = "energy", title: str = "") -> Any:
    """The grid of cores by what they did, a sample: "energy" in nJ (costs.cost), or "spikes" sent by their neurons."""
    of_simulation("heat_map", axes, mapping, activity, title)
    choice("heat_map.what", what, ("energy", "spikes"))
    grid = np.full((int(mapping.chip.rows), int(mapping.chip.columns)), np.nan)
    if what == "energy":
        values = {core: 1e9 * joule for core, joule in enumerate(cost(mapping, activity).by_core) if joule}
    else:
        values = {}
        for p in mapping.network.populations:
            for (first, last), core in mapping.soma_cores(p.name).items():
                sent = activity.fired[p.name][:, first:last].sum() / max(activity.samples, 1)
                values[core] = values.get(core, 0.0) + sent
    for core, value in values.items():
        x, y = mapping.position(core)
        grid[y, x] = value
    label = {"energy": "energy a sample, nJ", "spikes": "spikes a sample"}[what]
    return grid_of_cores(axes, grid, label, title)


def core_raster(axes: Any, mapping: Mapping, activity: Activity, title: str = "") -> Any:
    """Synapse slots that each core visits (or rewrites) in each step of the chip's clock, mean of the samples."""
    of_simulation("core_raster", axes, mapping, activity, title)
    did = (activity.integrated + activity.updated + activity.recalled) / max(activity.samples, 1)
    extent = (0.5, len(did) + 0.5, mapping.cores - 0.5, -0.5)
    image = axes.imshow(did.T, aspect="auto", cmap="viridis", interpolation="nearest", extent=extent)
    axes.set(title=title, xlabel="step of the clock", ylabel="core")
    axes.figure.colorbar(image, ax=axes, label="synapse slots", shrink=0.8)
    whole_steps(axes)
    return axes


def phase_timeline(axes: Any, mapping: Mapping, activity: Activity, title: str = "") -> Any:
    """Clocks that each phase of each step takes: set-up, slowest core, busiest link (costs.phase_clocks)."""
    of_simulation("phase_timeline", axes, mapping, activity, title)
    clocks, names = phase_clocks(mapping, activity)
    width = 0.8 / len(names)
    steps = np.arange(1, len(clocks["slowest core"]) + 1)
    for i, name in enumerate(names):
        at = steps + (i - (len(names) - 1) / 2) * width
        axes.bar(at, clocks["slowest core"][:, i], width, label=name)
        axes.plot(at, clocks["busiest link"][:, i], linestyle="", marker="_", color="black")
    axes.axhline(int(mapping.chip.phase_cycles), color="black", linestyle="--", linewidth=0.8)
    axes.set(title=title, xlabel="step of the clock", ylabel="clocks (line: busiest link)")
    axes.legend(fontsize=7)
    whole_steps(axes)
    return axes


def learning_curve(axes: Any, losses: Any, title: str = "") -> Any:
    """Mean loss of each epoch, 1, 2, ..."""
    kinds("learning_curve", axes=(axes, Axes), title=(title, str))
    losses = table("learning_curve.losses", losses, "(epochs)", finite=False)  # a run may diverge
    axes.plot(np.arange(1, len(losses) + 1), losses, marker=".", linewidth=1)
    axes.set(title=title, xlabel="epoch", ylabel="loss")
    whole_steps(axes)
    return axes


def robustness(axes: Any, levels: Any, curves: dict[str, Any], title: str = "") -> Any:
    """Accuracy by level of damage; curves : by label, (seeds, levels) of 0 .. 1, drawn as the seeds' mean and range."""
    kinds("robustness", axes=(axes, Axes), title=(title, str), curves=(curves, dict))
    levels = table("robustness.levels", levels, "(levels)")
    for label, values in curves.items():
        values = 100.0 * table(f"robustness.curves[{label!r}]", values, "(seeds, levels)")
        where, remedy = f"robustness.curves[{label!r}]", "Give a value a level."
        require(values.shape[1] == len(levels), where, f"shape {values.shape}", f"(seeds, {len(levels)})", remedy)
        (line,) = axes.plot(levels, values.mean(axis=0), marker=".", linewidth=1, label=label)
        low, high = values.min(axis=0), values.max(axis=0)
        axes.fill_between(levels, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set(title=title, xlabel="level of damage", ylabel="accuracy, %")
    axes.legend()
    return axes
