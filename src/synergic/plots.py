# SPDX-License-Identifier: BSD-3-Clause
"""Plots: each takes matplotlib Axes, draws on them and returns them. Nothing is shown or saved here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from synergic._chip_plots import core_raster, heat_map, occupancy, phase_timeline, routes, whole_steps
from synergic._core.checks import kinds, number, numbers, require, whole
from synergic._process_plot import process_graph

__all__ = [
    "core_raster",
    "heat_map",
    "learning_curve",
    "membrane",
    "occupancy",
    "phase_timeline",
    "process_graph",
    "raster",
    "robustness",
    "routes",
    "weights",
    "weights_over_time",
]


def table(where: str, values: npt.ArrayLike, shape: str, finite: bool = True) -> npt.NDArray[Any]:
    """Return an array with the axes that `shape` names, such as "(T, n)", or raise ParameterError."""
    array = numbers(where, values, "iufb")
    fits = array.ndim == shape.count(",") + 1 and array.size > 0
    require(fits, where, f"shape {array.shape}", f"{shape}, none of them 0", "Choose one sample, or one projection.")
    require(not finite or bool(np.isfinite(array).all()), where, "NaN or infinite", "finite values", "Check the run.")
    return array


def raster(axes: Axes, spikes: npt.ArrayLike, title: str = "") -> Axes:
    """Draw the spikes of one presentation: a mark a spike, the step along x, the neuron along y.

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    spikes : array_like, shape (T, n)
        Spikes 0/1; everything but 0 is a mark.
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
    kinds("raster", axes=(axes, Axes), title=(title, str))
    given = table("raster.spikes", spikes, "(T, n)")
    step, neuron = np.nonzero(given)
    axes.scatter(step + 1, neuron, s=5, marker="s", linewidths=0, color="tab:blue")
    axes.set(title=title, xlabel="step m", ylabel="neuron", xlim=(0.5, len(given) + 0.5))
    axes.set_ylim(-1, given.shape[1])
    whole_steps(axes)
    return axes


def membrane(axes: Axes, u: npt.ArrayLike, vth: float, title: str = "", labels: Sequence[object] | None = None) -> Axes:
    """Draw membrane potentials over threshold, u / v_th, one line a neuron; the threshold is dashed.

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    u : array_like, shape (T, n)
        Potentials of one presentation.
    vth : float
        Threshold v_th, greater than 0, in the unit of u.
    labels : sequence, or None, default None
        A name a neuron; None for no legend.
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
    kinds("membrane", axes=(axes, Axes), title=(title, str), labels=(labels, Sequence | None))
    number("membrane.vth", vth, 0, float("inf"), "It is the neurons' threshold.", open_low=True)
    values = table("membrane.u", u, "(T, n)") / vth
    if labels is not None:
        got, allowed = f"{len(labels)}", f"{values.shape[1]}, one a neuron"
        require(len(labels) == values.shape[1], "membrane.labels", got, allowed, "Name each, or none.")
    for i in range(values.shape[1]):
        axes.plot(np.arange(1, len(values) + 1), values[:, i], linewidth=1, label=None if labels is None else labels[i])
    axes.axhline(1, color="black", linestyle="--", linewidth=0.8)
    axes.set(title=title, xlabel="step m", ylabel=r"$u / v_{th}$")
    whole_steps(axes)
    if labels is not None:
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1)
    return axes


def weights(axes: Axes, matrix: npt.ArrayLike, title: str = "", limit: float | None = None) -> Axes:
    """Draw a weight matrix as an image with colours that are symmetric about 0.

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    matrix : array_like, shape (n_out, n_in)
        Weights.
    limit : float or None, default None
        Largest weight that has a colour, greater than 0; None for the largest of the matrix.
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
    kinds("weights", axes=(axes, Axes), title=(title, str))
    if limit is not None:
        number("weights.limit", limit, 0, float("inf"), "It is the largest weight that has a colour.", open_low=True)
    values = table("weights.matrix", matrix, "(n_out, n_in)")
    top = limit or float(np.abs(values).max()) or 1.0
    image = axes.imshow(values, aspect="auto", cmap="RdBu_r", vmin=-top, vmax=top, interpolation="nearest")
    axes.set(title=title, xlabel="presynaptic", ylabel="postsynaptic")
    axes.figure.colorbar(image, ax=axes, shrink=0.8)
    return axes


def weights_over_time(
    axes: Axes, history: npt.ArrayLike, title: str = "", lines: int = 10, xlabel: str = "step m"
) -> Axes:
    """Draw weights or local weights as they change, moments 1, 2, ... along x.

    The median of all synapses is black, the range of the middle 90 % of them grey. The `lines` synapses that move most
    are in colour.

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    history : array_like, shape (T, n_out, n_in)
        A matrix a moment: what Lava's Monitor recorded of HybridDense.local_weights, a step a row, or
        HybridDense.local_record, a presentation a row. Slow weights that decay are k[:, None, None] * W.
    lines : int, default 10
        Number of synapses in colour, 0 or more.
    xlabel : str, default "step m"
        Name of the moments.
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


def learning_curve(axes: Axes, losses: npt.ArrayLike, title: str = "") -> Axes:
    """Draw the mean loss of each epoch, 1, 2, ...

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    losses : array_like, shape (epochs,)
        A loss an epoch; it may be NaN or infinite where a run diverged.
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
    kinds("learning_curve", axes=(axes, Axes), title=(title, str))
    values = table("learning_curve.losses", losses, "(epochs)", finite=False)  # a run may diverge
    axes.plot(np.arange(1, len(values) + 1), values, marker=".", linewidth=1)
    axes.set(title=title, xlabel="epoch", ylabel="loss")
    whole_steps(axes)
    return axes


def robustness(axes: Axes, levels: npt.ArrayLike, curves: dict[str, npt.ArrayLike], title: str = "") -> Axes:
    """Draw accuracy in per cent by level of damage: the mean of the seeds as a line, their range as an area.

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    levels : array_like, shape (levels,)
        Levels of damage.
    curves : dict of str to array_like, shape (seeds, levels)
        Accuracies of 0 .. 1 by label.
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
    kinds("robustness", axes=(axes, Axes), title=(title, str), curves=(curves, dict))
    at = table("robustness.levels", levels, "(levels)")
    for label, given in curves.items():
        values = 100.0 * table(f"robustness.curves[{label!r}]", given, "(seeds, levels)")
        where, remedy = f"robustness.curves[{label!r}]", "Give a value a level."
        require(values.shape[1] == len(at), where, f"shape {values.shape}", f"(seeds, {len(at)})", remedy)
        (line,) = axes.plot(at, values.mean(axis=0), marker=".", linewidth=1, label=label)
        low, high = values.min(axis=0), values.max(axis=0)
        axes.fill_between(at, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set(title=title, xlabel="level of damage", ylabel="accuracy, %")
    axes.legend()
    return axes
