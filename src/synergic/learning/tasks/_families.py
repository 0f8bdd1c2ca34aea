# SPDX-License-Identifier: BSD-3-Clause
"""The families of experiments. A family is one module with a task class, and one line in `families` below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, kind, require
from synergic._core.files import check_path
from synergic.errors import ParameterError
from synergic.experiments import Classification, ClassIncremental, Continual, Convolution, Events, FewShot
from synergic.learning._tensors import checked_device
from synergic.network._description import Network


class Task(Protocol):
    """An experiment that trains in resumable units. All randomness is in `state` or follows from the seed."""

    config: Any
    """Settings: a dataclass of `synergic.experiments`."""
    history: list[dict[str, float]]
    """An entry an epoch, "loss" and "seconds" among it."""
    evaluated_on: str
    """Which samples `figures` speaks of."""

    def epoch(self) -> None:
        """Train one unit, and append its record to `history`."""

    def state(self) -> dict[str, Any]:
        """Return what resuming needs: tensors, numbers, lists and dicts of them."""

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state` returned."""

    def figures(self) -> dict[str, Any]:
        """Measure the trained network: "accuracy" of 0 to 1, "curves" and their "levels" by name, further numbers."""

    def description(self) -> Network | None:
        """Describe the trained network for the executors; None if they cannot run it."""

    def test_inputs(self, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Return the first test samples as the network of `description` takes them in integers, and their classes.

        Shapes are (samples, T, channels), spikes 0 or 1 or values 0 .. 255, and (samples,). `count` is the most there
        are to be.
        """


def families() -> dict[str, tuple[type, Callable[[Any, Path | None], Task]]]:
    """Return the families of experiments.

    Returns
    -------
    dict
        By name: the class of the settings, and the task class. The latter is called with settings and the folder of the
        data sets.
    """
    from synergic.learning.tasks._class_incremental import ClassIncrementalTask
    from synergic.learning.tasks._classification import ClassificationTask
    from synergic.learning.tasks._continual import ContinualTask
    from synergic.learning.tasks._events import EventsTask
    from synergic.learning.tasks._few_shot import FewShotTask

    return {
        "classification": (Classification, ClassificationTask),
        "convolution": (Convolution, ClassificationTask),
        "continual": (Continual, ContinualTask),
        "events": (Events, EventsTask),
        "few-shot": (FewShot, FewShotTask),
        "class-incremental": (ClassIncremental, ClassIncrementalTask),
    }


ON_PROCESSOR = ("continual", "class-incremental")
"""Families that train on the processor only."""


def family_of(config: Any) -> str:
    """Return the name of the family that settings belong to.

    Parameters
    ----------
    config : dataclass
        Settings of `synergic.experiments`.

    Raises
    ------
    ParameterError
        For what are no settings.
    """
    for name, (settings, _) in families().items():
        if type(config) is settings:
            return name
    allowed = f"one of synergic.experiments: {', '.join(s.__name__ for s, _ in families().values())}"
    raise ParameterError(f"config: got {config!r} of type {type(config).__name__}, allowed {allowed}. Make some.")


def open_task(config: Any, data: Path | None = None, device: str = "cpu") -> Task:
    """Make the untrained task of an experiment.

    Parameters
    ----------
    config : dataclass
        Settings of `synergic.experiments`.
    data : pathlib.Path, optional
        Folder of the data sets. Default: $SYNERGIC_DATA, then the cache, which a download fills.
    device : str, default "cpu"
        Where torch trains: "cpu" or, but for the families "continual" and "class-incremental", for example "cuda".

    Returns
    -------
    Task
        The task; `run` trains it.

    Raises
    ------
    ParameterError
        For settings that do not fit the data set, and a device that cannot be used.
    DataError
        If the data set is nowhere to be had.
    """
    family = family_of(config)
    if data is not None:
        data = check_path("open_task.data", data)
    open_family: Any = families()[family][1]
    if family in ON_PROCESSOR:
        choice(f"device of {family}", device, ("cpu",))
        return open_family(config, data)
    return open_family(config, data, device=checked_device(device))  # before the data is read


RENAMED = {"trace": "plasticity_scope"}
"""Settings by the names that 0.1 wrote, and their names now."""


def settings_now(values: dict[str, Any]) -> dict[str, Any]:
    """Return settings of a file by their present names; one that has both names stays as it is."""
    return {(name if RENAMED.get(name) in values else RENAMED.get(name, name)): v for name, v in values.items()}


def read_config(family: str, values: dict[str, Any]) -> Any:
    """Make settings from the values that a file holds.

    Parameters
    ----------
    family : str
        Name of the family, as `families` has it.
    values : dict
        The settings by name.

    Returns
    -------
    dataclass
        Settings of `synergic.experiments`.

    Raises
    ------
    ParameterError
        For an unknown family, unknown settings, and values that they do not allow.
    """
    choice("family", family, tuple(families()))
    kind("read_config.values", values, dict, "It holds settings by name.")
    values = settings_now(values)
    settings: Any = families()[family][0]
    names = [field.name for field in fields(settings)]
    unknown = [name for name in values if name not in names]
    require(not unknown, "read_config.values", f"the settings {unknown}", f"some of {names}", "Leave others out.")
    return settings(**values)


def check_task(where: str, task: Any) -> None:
    """Refuse what is no task. Raises ParameterError. where : the argument."""
    parts = ("config", "history", "epoch", "state", "load")
    fits = all(hasattr(task, part) for part in parts)
    require(fits, where, f"{task!r} of type {type(task).__name__}", f"a task, with {parts}", "open_task() gives one.")
