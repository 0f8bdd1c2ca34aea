# SPDX-License-Identifier: BSD-3-Clause
"""Runs on disk: a folder with settings, checkpoint, network and record, which an interrupted run resumes from.

`config.json` the settings, `checkpoint.pt` the state after the last whole epoch, `network.h5` the description of the
trained network, `test.npz` test samples as it takes them, `record.json` figures, history, seed, versions, machine and
date. Every file is replaced as a whole.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synergic._core.checks import function, kind
from synergic._core.files import alone_in, check_folder, check_path, read_json, write_json, write_whole
from synergic.errors import FormatError, ParameterError
from synergic.experiments import CHECKPOINT, CONFIG, NETWORK, RECORD, SAMPLES, TEST
from synergic.learning._state import read_state, write_state
from synergic.learning._tensors import checked_device
from synergic.learning.tasks._families import Task, check_task, family_of, open_task, read_config, settings_now
from synergic.network._storage import save


def settings(config: Any) -> dict[str, Any]:
    """Return what identifies an experiment, as JSON gives it back. Raises ParameterError for what are no settings."""
    values: dict[str, Any] = json.loads(json.dumps({"family": family_of(config), **dataclasses.asdict(config)}))
    return values


def more_epochs(config: Any, folder: Path) -> bool:
    """Whether the folder of a run has the same settings, but for fewer epochs.

    Raises ParameterError for one with other settings, FormatError.
    """
    path, wanted = check_path("more_epochs.folder", folder) / CONFIG, settings(config)
    if not path.exists():
        return False
    there = settings_now(read_json(path))
    other = [k for k in {**there, **wanted} if there.get(k) != wanted.get(k)]
    before, asked = there.get("epochs"), wanted.get("epochs", 0)
    more = "epochs" in other and isinstance(before, int) and before < asked
    if more:
        other.remove("epochs")
    if other:
        differ = "; ".join(f"{k} {there.get(k)!r} there, {wanted.get(k)!r} given" for k in other)
        allowed = "allowed the same, or more epochs"
        raise ParameterError(
            f"{folder}: holds a run with other settings: {differ}; {allowed}. Give those, or choose another folder "
            "(--run-folder)."
        )
    return more


def make_folder(folder: Path) -> None:
    """Make the folder of a run, if it is not there. Raises ParameterError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # a file is there, or the folder above is read-only
        allowed = "a folder that is there or can be made"
        raise ParameterError(f"{folder}: got {error.strerror}, allowed {allowed}. Choose another one.") from error


def open_run(config: Any, folder: Path) -> None:
    """Create a run's folder, or check that the one there belongs to the same settings.

    More epochs than there are allowed: the run goes on. Raises ParameterError, FormatError.
    """
    folder = check_path("open_run.folder", folder)
    make_folder(folder)
    goes_on = more_epochs(config, folder)
    if goes_on:
        (folder / RECORD).unlink(missing_ok=True)  # it has not ended now
    if goes_on or not (folder / CONFIG).exists():
        write_json(folder / CONFIG, settings(config))


def load_config(folder: Path) -> Any:
    """Return the settings of a run. Raises FormatError, ParameterError."""
    path = check_path("load_config.folder", folder) / CONFIG
    values = read_json(path)
    try:
        return read_config(values.pop("family", ""), values)
    except ParameterError as error:
        raise FormatError(f"{path}: {error} It is from another release.") from error


def write_checkpoint(task: Task, path: Path) -> None:
    """Write the state after a whole epoch. Raises ParameterError."""
    check_task("write_checkpoint.task", task)
    check_folder(path, "write_checkpoint.path")
    write_state(task.state(), path)


def read_checkpoint(task: Task, path: Path) -> None:
    """Go on from a checkpoint. Raises FormatError, ParameterError."""
    check_task("read_checkpoint.task", task)
    read_state(path, task.load)


def circumstances(device: str | torch.device = "cpu") -> dict[str, Any]:
    """Return versions, machine and date, as every record has them.

    Parameters
    ----------
    device : str or torch.device, default "cpu"
        Where torch computed.

    Returns
    -------
    dict
        "versions" of synergic, torch and numpy, "machine" and "date".

    Raises
    ------
    ParameterError
        For a device that cannot be used.
    """
    place = checked_device(device)
    gpu = f", {torch.cuda.get_device_name(place)}" if place.type == "cuda" else ""
    return {
        "versions": {p: version(p) for p in ("synergic", "torch", "numpy")},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads{gpu}",
        "date": date.today().isoformat(),
    }


def run(
    task: Task, folder: Path, progress: Callable[[dict[str, float]], None] | None = None, writes: bool = True
) -> dict[str, Any]:
    """Train a task in a folder, or go on where an interrupted run stopped, and evaluate it.

    A run that was killed at any moment and is started again with the same settings ends with the same figures. One that
    is started again with more epochs goes on, at the rates that the schedule of so many epochs has there.

    Parameters
    ----------
    task : Task
        Of `open_task`.
    folder : pathlib.Path
        Where settings, checkpoint, network and record are written.
    progress : callable, optional
        Called after each epoch with its entry of the history.
    writes : bool, default True
        False in all processes but one, if several train together.

    Returns
    -------
    dict
        The record: "figures", "evaluated_on", "history", "config", and the `circumstances`.

    Raises
    ------
    ParameterError
        For a folder that cannot be used, that another training writes into, or that holds a run with other settings.
    FormatError
        For a damaged file.
    """
    check_task("run.task", task)
    folder = check_path("run.folder", folder)
    kind("run.writes", writes, bool, "False where another process writes.")
    if progress is not None:
        function("run.progress", progress)
    with contextlib.ExitStack() as locks:
        if writes:
            make_folder(folder)
            locks.enter_context(alone_in(folder))
        go_on_or_begin(task, folder, writes)
        return trained(task, folder, progress, writes)


def go_on_or_begin(task: Task, folder: Path, writes: bool) -> None:
    """Bring a task to the state of its run, if there is one, and open the folder.

    A folder that cannot be gone on from stays as it is. Raises ParameterError, FormatError.
    """
    if writes:
        more_epochs(task.config, folder)
    checkpoint = folder / CHECKPOINT
    if checkpoint.exists():
        read_checkpoint(task, checkpoint)
    if writes:
        open_run(task.config, folder)


def trained(
    task: Task, folder: Path, progress: Callable[[dict[str, float]], None] | None, writes: bool
) -> dict[str, Any]:
    """`run` in a folder that is open, with a task at the state of its checkpoint."""
    checkpoint = folder / CHECKPOINT
    while len(task.history) < task.config.epochs:
        task.epoch()
        if writes:
            write_checkpoint(task, checkpoint)
        if progress:
            progress(task.history[-1])
    record = {
        "figures": task.figures(),
        "evaluated_on": task.evaluated_on,
        "history": task.history,
        "config": settings(task.config),
        **circumstances(getattr(task, "device", "cpu")),
    }
    if writes:
        network = task.description()
        if network is not None:
            save(network, folder / NETWORK)
            inputs, labels = task.test_inputs(SAMPLES)
            write_whole(folder / TEST, lambda draft: np.savez_compressed(draft, input=inputs, labels=labels))
        write_json(folder / RECORD, record)
    return record


def restore(folder: Path, data: Path | None = None, device: str = "cpu") -> Task:
    """Open the trained task of a run.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the run.
    data, device
        Of `open_task`.

    Returns
    -------
    Task
        The task, with the state after its last whole epoch.

    Raises
    ------
    FormatError
        For a folder that is none of a run, and for a damaged file.
    DataError
        If the data set is nowhere to be had.
    ParameterError
        For a device that cannot be used.
    """
    folder = check_path("restore.folder", folder)
    task = open_task(load_config(folder), data, device)
    read_checkpoint(task, folder / CHECKPOINT)
    return task
