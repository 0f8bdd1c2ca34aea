# SPDX-License-Identifier: BSD-3-Clause
"""What all families share: the unit of training with its record, and the state between two units."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from torch import nn

from synergic.learning._state import load_state, state_of


class TrainedTask:
    """A task that trains in units, and whose state between two units can be saved and loaded.

    A family defines `unit` and `_inputs`, and names in `PARTS` the attributes that training changes.

    Attributes
    ----------
    net : torch.nn.Module
        What is trained.
    history : list of dict
        The record of each unit: its mean "loss", the "seconds" it took, and further figures of the family.
    """

    PARTS: ClassVar[tuple[str, ...]] = ("net", "history")
    net: nn.Module
    history: list[dict[str, float]]

    def __init__(self) -> None:
        self.history = []

    def unit(self) -> dict[str, float]:
        """Train one unit, and return its figures, "loss" among them."""
        raise NotImplementedError

    def epoch(self) -> None:
        """Train one unit, and append its figures and its seconds to `history`."""
        began = time.perf_counter()
        self.net.train()
        figures = self.unit()
        self.history.append({**figures, "seconds": time.perf_counter() - began})

    def test_inputs(self, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Return the first test samples as the network of `description` takes them in integers, and their classes.

        Parameters
        ----------
        count : int
            The most samples to return.

        Returns
        -------
        inputs : ndarray of uint8, shape (samples, T, channels)
            Spikes 0 or 1, or values 0 .. 255.
        labels : ndarray of int64, shape (samples,)
            Their classes; of an episode, that of the last step.
        """
        return self._inputs(count)

    def _inputs(self, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """`test_inputs` of a family."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Return the state after a whole unit: tensors, numbers, and dicts and lists of them."""
        return {name: state_of(getattr(self, name)) for name in self.PARTS}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state.

        Parameters
        ----------
        state : dict
            What `state` returned, of a task with the same settings.
        """
        for name in self.PARTS:
            setattr(self, name, load_state(getattr(self, name), state[name]))
