# SPDX-License-Identifier: BSD-3-Clause
"""Plots of a mapping, and of what the cores of a chip did. `synergic.plots` has them."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from synergic._core.checks import choice, kinds, number, require
from synergic.hw_targets.costs._costs import cost
from synergic.hw_targets.costs._phase_clocks import phase_clocks
from synergic.hw_targets.mapping import RATE, Mapping, link_packets
from synergic.hw_targets.mapping._mapping_data import block
from synergic.hw_targets.simulation._activity import Activity

LETTERS = 24
"""Rows or columns up to which a letter in each core can be read."""


def whole_steps(axes: Axes) -> None:
    """Set ticks at whole numbers only."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def of_simulation(where: str, axes: Axes, mapping: Mapping, activity: Activity, title: str) -> None:
    """Refuse what does not come from a run of the simulator, step by step, with ParameterError."""
    given = {"axes": (axes, Axes), "mapping": (mapping, Mapping), "activity": (activity, Activity)}
    kinds(where, **given, title=(title, str))
    stepwise, remedy = len(activity.integrated) > 0, "simulate_on_chip() gives one."
    require(stepwise, f"{where}.activity", "counts of a whole run", "those of each step", remedy)


def occupancy(axes: Axes, mapping: Mapping, activity: Activity | None = None, title: str = "") -> Axes:
    """Draw the grid of cores by the share of a core's synapses that the mapping uses, in per cent.

    Cores without a tile are blank. On small chips a letter shows what a core stores: W for slow weights, P for local
    weights.

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    mapping : Mapping
        The network on the chip.
    activity : Activity or None, default None
        Not used; all plots of a mapping take the same arguments.
    title : str, default ""
        Title of the axes.

    Returns
    -------
    Axes
        The same axes.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
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


def routes(axes: Axes, mapping: Mapping, rate: float = RATE, title: str = "") -> Axes:
    """Draw the grid with every link that carries packets, coloured by their number in a step in both directions.

    A red cross marks a known dead core, a dotted red line a dead link.

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    mapping : Mapping
        The network on the chip.
    rate : float, default RATE
        Expected spikes of a neuron in a step, 0 to 1.
    title : str, default ""
        Title of the axes.

    Returns
    -------
    Axes
        The same axes.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
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


def grid_of_cores(axes: Axes, grid: npt.NDArray[np.floating], label: str, title: str, top: float | None = None) -> Axes:
    """Draw values (rows, columns) of the cores of a chip in colours; NaN leaves a core blank."""
    rows, columns = grid.shape
    image = axes.imshow(grid, cmap="viridis", vmin=0, vmax=top)
    # Every core has its square, used or not: the free part of the chip is what a reader looks for.
    x, y = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    upright = [[(at, y[0]), (at, y[-1])] for at in x]
    across = [[(x[0], at), (x[-1], at)] for at in y]
    axes.add_collection(LineCollection(upright + across, colors="lightgrey", linewidths=0.6), autolim=False)
    whole_steps(axes)
    axes.set(title=title, xlabel="core x", ylabel="core y")
    axes.figure.colorbar(image, ax=axes, label=label, shrink=0.8)
    return axes


def heat_map(
    axes: Axes,
    mapping: Mapping,
    activity: Activity,
    what: Literal["energy", "spikes", "work"] = "energy",
    title: str = "",
) -> Axes:
    """Draw the grid of cores by what they did in a sample.

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    mapping : Mapping
        The network on the chip.
    activity : Activity
        What simulate_on_chip counted, step by step.
    what : {"energy", "spikes", "work"}, default "energy"
        "energy": energy in uJ, by the envelope model of hw_targets.cost. "spikes": spikes that the neurons sent.
        "work": synapse slots that were read, updated or recalled.
    title : str, default ""
        Title of the axes.

    Returns
    -------
    Axes
        The same axes.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
    of_simulation("heat_map", axes, mapping, activity, title)
    choice("heat_map.what", what, ("energy", "spikes", "work"))
    grid = np.full((int(mapping.chip.rows), int(mapping.chip.columns)), np.nan)
    if what == "energy":
        values = {core: 1e6 * joule for core, joule in enumerate(cost(mapping, activity).by_core) if joule}
    elif what == "work":
        did = (activity.integrated + activity.updated + activity.recalled).sum(axis=0) / max(activity.samples, 1)
        values = {core: float(slots) for core, slots in enumerate(did) if slots}
    else:
        values = {}
        for p in mapping.network.populations:
            for (first, last), core in mapping.soma_cores(p.name).items():
                sent = activity.fired[p.name][:, first:last].sum() / max(activity.samples, 1)
                values[core] = values.get(core, 0.0) + sent
    for core, value in values.items():
        x, y = mapping.position(core)
        grid[y, x] = value
    label = {"energy": "energy a sample, uJ", "spikes": "spikes a sample", "work": "synapse slots a sample"}[what]
    return grid_of_cores(axes, grid, label, title)


def core_raster(axes: Axes, mapping: Mapping, activity: Activity, title: str = "") -> Axes:
    """Draw how many synapse slots each core visits or rewrites in each step of the clock, as a mean of the samples.

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    mapping : Mapping
        The network on the chip.
    activity : Activity
        What simulate_on_chip counted, step by step.
    title : str, default ""
        Title of the axes.

    Returns
    -------
    Axes
        The same axes.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
    of_simulation("core_raster", axes, mapping, activity, title)
    did = (activity.integrated + activity.updated + activity.recalled) / max(activity.samples, 1)
    extent = (0.5, len(did) + 0.5, mapping.cores - 0.5, -0.5)
    image = axes.imshow(did.T, aspect="auto", cmap="viridis", interpolation="nearest", extent=extent)
    axes.set(title=title, xlabel="step of the clock", ylabel="core")
    axes.figure.colorbar(image, ax=axes, label="synapse slots", shrink=0.8)
    whole_steps(axes)
    return axes


def phase_timeline(axes: Axes, mapping: Mapping, activity: Activity, title: str = "") -> Axes:
    """Draw the clock cycles that each phase of each step takes.

    A bar is the slowest core with its set-up, a short line the busiest link. The dashed line is the
    chip's `phase_cycles`: how long a phase lasts where phases have a fixed length.

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    mapping : Mapping
        The network on the chip.
    activity : Activity
        What simulate_on_chip counted, step by step.
    title : str, default ""
        Title of the axes.

    Returns
    -------
    Axes
        The same axes.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
    of_simulation("phase_timeline", axes, mapping, activity, title)
    clocks, names = phase_clocks(mapping, activity)
    width = 0.8 / len(names)
    steps = np.arange(1, len(clocks["slowest core"]) + 1)
    for i, name in enumerate(names):
        at = steps + (i - (len(names) - 1) / 2) * width
        axes.bar(at, clocks["slowest core"][:, i], width, label=name)
        axes.plot(at, clocks["busiest link"][:, i], linestyle="", marker="_", color="black")
    fixed = int(mapping.chip.phase_cycles)
    axes.axhline(fixed, color="black", linestyle="--", linewidth=0.8, label=f"a phase of fixed length: {fixed:,}")
    axes.set(title=title, xlabel="step of the clock", ylabel="clocks (short line: busiest link)")
    axes.legend(fontsize=7)
    whole_steps(axes)
    return axes
