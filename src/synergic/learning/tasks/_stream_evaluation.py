# SPDX-License-Identifier: BSD-3-Clause
"""A trained network of images on a stream of samples whose condition changes: what lives on adapts to it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, kind, number, require, whole
from synergic.data._corruptions import damage
from synergic.learning._export import to_description
from synergic.learning.tasks._classification import ClassificationTask
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.reference._set_points import with_homeostasis
from synergic.reference._stream_run import stream
from synergic.rules._stream import check_memory

ORDERS = ("given", "sorted", "runs")
RUN = 100
"""Samples of one class one after another in the order "runs"."""
KINDS = ("clean", "gaussian", "crop", "salt", "pepper", "salt-and-pepper", "speckle")
MEASURED = 2000
"""Training images on which the targets of homeostasis are measured."""


def stream_network(
    task: ClassificationTask, memory: int = 1000, homeostasis: float | None = None, limit: float = 1.0
) -> Network:
    """Describe the trained network of a task as one that lives on.

    Parameters
    ----------
    task : ClassificationTask
        A trained run of images, from `restore`.
    memory : int, default 1000
        B of the plastic layers, which become streams. A net without plastic layers has none.
    homeostasis : float or None, default None
        Rate g of a homeostatic bias of each hidden neuron, above 0; its targets are measured on the first 2,000
        training images. None means no such bias.
    limit : float, default 1.0
        Bound c_max of that bias.

    Returns
    -------
    Network
        The network, which receives values of 0 to 1.

    Raises
    ------
    ParameterError
        If an argument is out of its range.
    """
    kind("stream_network.task", task, ClassificationTask, "Restore a run of images.")
    check_what_lives_on(memory, homeostasis, limit)
    network = to_description(task.net, 8, task.config.readout, memory)
    if homeostasis is None:
        return network
    rows = task.samples[:MEASURED].double().numpy()
    inputs = np.repeat(rows[:, None], network.steps, axis=1)
    return with_homeostasis(network, inputs, homeostasis, limit)


def check_what_lives_on(memory: int, homeostasis: float | None, limit: float) -> None:
    """Refuse arguments of `stream_network`, without its task. Raises ParameterError."""
    where = "stream_network"
    check_memory(where, memory)
    number(f"{where}.limit", limit, 0, 1e6, "Give a positive bound.", open_low=True)
    if homeostasis is not None:
        number(f"{where}.homeostasis", homeostasis, 0, 1e6, "None leaves it out.", open_low=True)


def check_conditions(conditions: Any, warm_up: int, samples: int | None) -> list[tuple[str, int]]:
    """Return conditions of `evaluate_stream` as kinds and levels, checked without its task. Raises ParameterError."""
    where, example = "evaluate_stream", 'Give ("clean", "gaussian:6").'
    kind(f"{where}.conditions", conditions, tuple, example)
    require(bool(conditions), f"{where}.conditions", "none", "at least one", example)
    most = (
        float("inf") if samples is None else whole(f"{where}.samples", samples, 1, float("inf"), "None means all.") - 1
    )
    whole(f"{where}.warm_up", warm_up, 0, most, "Some samples must count.")
    return [parse(f"{where}.conditions", condition) for condition in conditions]


def evaluate_stream(
    task: ClassificationTask,
    network: Network | IntNetwork,
    conditions: tuple[str, ...] = ("clean",),
    order: Literal["given", "sorted", "runs"] = "given",
    warm_up: int = 0,
    samples: int | None = None,
) -> list[dict[str, Any]]:
    """Present the test images of a task one after another, once under each condition, and measure the accuracy.

    Parameters
    ----------
    task : ClassificationTask
        The run whose test images are used.
    network : Network or IntNetwork
        Its network, from `stream_network`, or quantised.
    conditions : tuple of str, default ("clean",)
        One after another, without a reset between them: "clean", or a kind of `synergic.data.damage` and its level, as
        "gaussian:6" for Gaussian noise of variance .06, "crop:8" or "salt:12".
    order : {"given", "sorted", "runs"}, default "given"
        "given" is that of the data set. "sorted" shows one class after the other, and "runs" shows 100 images of a
        class at a time.
    warm_up : int, default 0
        Images at the beginning of each condition that adapt the network and do not count.
    samples : int or None, default None
        Images of each condition, the first of the test set. None means all.

    Returns
    -------
    list of dict
        By condition "condition", "samples" that count, and "accuracy" of 0 to 1.

    Raises
    ------
    ParameterError
        If an argument is out of its range.
    """
    where = "evaluate_stream"
    kind(f"{where}.task", task, ClassificationTask, "Restore a run of images.")
    kind(f"{where}.network", network, Network | IntNetwork, "Make one with stream_network().")
    choice(f"{where}.order", order, ORDERS)
    parsed = check_conditions(conditions, warm_up, samples)
    count = len(task.test) if samples is None else samples
    whole(f"{where}.samples", count, 1, len(task.test), "The test set has no more.")
    whole(f"{where}.warm_up", warm_up, 0, count - 1, "Some samples must count.")
    labels = task.test_labels[:count].numpy()
    shown = arranged(labels, order)
    found = []
    for condition, (damaged, level) in zip(conditions, parsed, strict=True):
        images = task.test[:count] if damaged == "clean" else damage(task.test, damaged, level)[:count]
        rows = np.clip(np.asarray(images, np.float64).reshape(count, -1), 0, 1)[shown]
        rows = rows if not network.integer else network.encode(rows)  # type: ignore[union-attr]
        inputs = (np.broadcast_to(row, (network.steps, row.size)) for row in rows)
        classes, network = stream(network, inputs)
        right = (classes == labels[shown])[warm_up:]
        found.append({"condition": condition, "samples": len(right), "accuracy": float(right.mean())})
    return found


def parse(where: str, condition: Any) -> tuple[str, int]:
    """A condition as kind and level. Raises ParameterError."""
    kind(where, condition, str, 'Give names such as "clean" or "gaussian:6".')
    name, _, level = condition.partition(":")
    fits = name in KINDS and (level.isdecimal() if name != "clean" else not level)
    allowed = '"clean", or kind:level with ' + ", ".join(KINDS[1:])
    require(fits, where, repr(condition), allowed, 'For example "gaussian:6" is noise of variance .06.')
    return name, whole(f"{where} {condition}", int(level or 0), 0, 14, "It is a level of `damage`.")


def arranged(labels: npt.NDArray[np.int64], order: str) -> npt.NDArray[np.int64]:
    """Numbers of the samples in an order."""
    if order == "given":
        return np.arange(len(labels))
    by_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    if order == "sorted":
        return np.concatenate(by_class)
    longest = max(map(len, by_class))
    return np.concatenate([rows[i : i + RUN] for i in range(0, longest, RUN) for rows in by_class])
