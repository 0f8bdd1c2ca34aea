# SPDX-License-Identifier: BSD-3-Clause
"""The state between two epochs, and the checkpoint file that holds it."""

from __future__ import annotations

import math
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

from synergic._core.files import check_folder, check_path, write_whole
from synergic.errors import FormatError, ParameterError


def state_of(part: Any) -> Any:
    """Return a part as a checkpoint holds it: an optional part that a task does without is an empty dict."""
    if isinstance(part, torch.Generator):
        return part.get_state()
    if hasattr(part, "state_dict"):
        return part.state_dict()
    return {} if part is None else part


def load_state(part: Any, state: Any) -> Any:
    """Bring a part to a state, and return it: what has no state of its own is replaced by what was stored."""
    if part is None:
        return None
    if isinstance(part, torch.Generator):
        part.set_state(state)
    elif isinstance(part, CosineAnnealingLR):
        go_on(part, state)
    elif hasattr(part, "load_state_dict"):
        part.load_state_dict(state)
    else:
        return state
    return part


def go_on(schedule: CosineAnnealingLR, state: dict[str, Any]) -> None:
    """Load the state of a schedule. One of another length goes on where it is, at the rates of its own length.

    The optimizer of the schedule must have its state already: the rates are set anew in it.
    """
    length = schedule.T_max
    schedule.load_state_dict(state)
    if schedule.T_max != length:
        schedule.T_max = length
        done = (1 + math.cos(math.pi * schedule.last_epoch / length)) / 2
        rates = [schedule.eta_min + (base - schedule.eta_min) * done for base in schedule.base_lrs]
        for group, rate in zip(schedule.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        schedule._last_lr = rates


def write_state(state: Any, path: Path) -> None:
    """Write a state, and those of the random numbers of torch, numpy and Python, as a whole. Raises ParameterError."""
    check_folder(path, "checkpoint")
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    # As plain numbers: a checkpoint is read without running what it says.
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 -- what data sets of others draw from
    others = {"random_numpy": (name, keys.tolist(), *rest), "random_python": random.getstate()}
    found = {"task": state, "random": torch.get_rng_state(), "random_cuda": cuda, **others}

    def write(draft: Path) -> None:
        """Save into an open file: torch refuses the name of a draft that has no suffix."""
        with draft.open("wb") as file:
            torch.save(found, file)

    write_whole(path, write)


def read_state(path: Path, load: Callable[[Any], None]) -> None:
    """Hand the state in a checkpoint to `load`, and bring the random numbers to theirs. Raises FormatError."""
    path = check_path("read_checkpoint.path", path)
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        load(state["task"])
        torch.set_rng_state(state["random"])
        if state.get("random_cuda") and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["random_cuda"])
        if "random_python" in state:
            random.setstate(state["random_python"])
            np.random.set_state(state["random_numpy"])  # noqa: NPY002
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file. Is this the folder of a run? Then train it again.") from None
    except ParameterError:
        raise
    except Exception as error:  # torch has one of its own for every kind of damage
        raise FormatError(
            f"{path}: {damage(path, error)}, allowed a checkpoint of this run. Delete it, and train: the run then "
            "begins again."
        ) from error


def damage(path: Path, error: Exception) -> str:
    """What is wrong with a file that could not be read, in words: torch's have several lines, or none."""
    try:
        start = path.read_bytes()[:4]
        whole = zipfile.is_zipfile(path)
    except OSError as reason:
        return f"got {reason.strerror}"
    if not start:
        return "damaged: got an empty file"
    if start != b"PK\x03\x04":
        return "damaged at its start, or no file of torch"
    if not whole:
        return "damaged: got a file without its end"
    if isinstance(error, KeyError):
        return f"not a checkpoint of synergic: nothing is called {error}"
    lines = str(error).splitlines() or [type(error).__name__]
    return f"damaged, or of another release: {lines[0][:200]}"
