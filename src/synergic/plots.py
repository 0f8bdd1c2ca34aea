# SPDX-License-Identifier: BSD-3-Clause
"""Plots: each takes matplotlib Axes, draws on them and returns them. Nothing is shown or saved here."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from synergic.hw_targets.mapping import Mapping
from synergic.hw_targets.simulator import Activity


def whole_steps(axes: Any) -> None:
    """Ticks at whole numbers only."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def raster(axes: Any, spikes: Any, title: str = "") -> Any:
    """Spikes (T, n) of one presentation: a mark a spike, step along x, neuron along y."""
    step, neuron = np.nonzero(np.asarray(spikes))
    axes.scatter(step + 1, neuron, s=5, marker="s", linewidths=0, color="tab:blue")
    axes.set(title=title, xlabel="step m", ylabel="neuron", xlim=(0.5, len(spikes) + 0.5))
    axes.set_ylim(-1, np.shape(spikes)[1])
    whole_steps(axes)
    return axes


def membrane(axes: Any, u: Any, vth: float, title: str = "", labels: Any = None) -> Any:
    """Membrane potentials (T, n) over threshold, u / v_th, one line a neuron; the threshold dashed."""
    u = np.asarray(u) / vth
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
    top = limit or float(np.abs(matrix).max()) or 1.0
    image = axes.imshow(matrix, aspect="auto", cmap="RdBu_r", vmin=-top, vmax=top, interpolation="nearest")
    axes.set(title=title, xlabel="presynaptic", ylabel="postsynaptic")
    axes.figure.colorbar(image, ax=axes, shrink=0.8)
    return axes


def occupancy(axes: Any, mapping: Mapping, activity: Activity | None = None, title: str = "") -> Any:
    """The grid of cores: the share of a core's synapses that the mapping uses; empty cores are blank."""
    rows, columns = int(mapping.chip.rows), int(mapping.chip.columns)
    grid = np.full((rows, columns), np.nan)
    slots = int(mapping.chip.axons) * int(mapping.chip.neurons)
    for tile in mapping.tiles:
        for core in (tile.core, *tile.local_cores):
            x, y = mapping.position(core)
            grid[y, x] = 100 * tile.synapses / slots
            axes.text(
                x, y, "P" if core in tile.local_cores else "W", ha="center", va="center", fontsize=7, color="white"
            )
    image = axes.imshow(grid, cmap="viridis", vmin=0, vmax=100)
    # Every core has its square, used or not: the free part of the chip is what a reader looks for.
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="lightgrey", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    whole_steps(axes)
    axes.set(title=title, xlabel="core x", ylabel="core y")
    axes.figure.colorbar(image, ax=axes, label="synapses used, %", shrink=0.8)
    return axes


def learning_curve(axes: Any, losses: Any, title: str = "") -> Any:
    """Mean loss of each epoch, 1, 2, ..."""
    axes.plot(np.arange(1, len(losses) + 1), losses, marker=".", linewidth=1)
    axes.set(title=title, xlabel="epoch", ylabel="loss")
    whole_steps(axes)
    return axes


def robustness(axes: Any, levels: Any, curves: dict[str, Any], title: str = "") -> Any:
    """Accuracy by level of damage; curves : by label, (seeds, levels) of 0 .. 1, drawn as the seeds' mean and range."""
    for label, values in curves.items():
        values = 100 * np.asarray(values, float)
        (line,) = axes.plot(levels, values.mean(axis=0), marker=".", linewidth=1, label=label)
        low, high = values.min(axis=0), values.max(axis=0)
        axes.fill_between(levels, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set(title=title, xlabel="level of damage", ylabel="accuracy, %")
    axes.legend()
    return axes
