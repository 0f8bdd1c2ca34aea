# SPDX-License-Identifier: BSD-3-Clause
"""Event recordings into a fully connected network, tested also with damaged recordings (Wu et al. 2022)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from synergic._core.checks import kinds, require
from synergic.data._corruptions import add_events, drop_events, mask_region
from synergic.data._recordings import SENSOR, Recordings, frames, load_recordings
from synergic.experiments import Events
from synergic.learning._export import to_description
from synergic.learning._hybrid_net import HybridNet
from synergic.learning.tasks._supervised import SupervisedTask
from synergic.network._description import Network

DAMAGES: dict[str, tuple[tuple[float, ...], Callable[[Any, Any, np.random.Generator], Any]]] = {
    "events dropped": ((0, 0.2, 0.4, 0.6, 0.8, 0.9), lambda e, share, rng: drop_events(e, share, rng)),
    "events added": ((0, 0.25, 0.5, 1, 2), lambda e, share, rng: add_events(e, share, SENSOR, rng)),
    "region masked": ((0, 2, 4, 6, 8, 10), lambda e, half_width, rng: mask_region(e, half_width, SENSOR)),
}
"""By name: levels (shares of the events; half the width of a square in the middle, pixels), and the damage."""


def build(config: Events) -> HybridNet:
    """Make the untrained network of an experiment. It seeds torch."""
    torch.manual_seed(config.seed)
    return HybridNet(
        (int(np.prod(SENSOR)), config.hidden, 10), mode=config.mode, steps=config.steps, tau_w=config.tau_w,
        vth=config.vth, decay=config.decay, lambda_=config.lambda_, p_max=config.p_max, dropout=config.dropout,
    )  # fmt: skip


class EventsTask(SupervisedTask):
    """Event recordings into a fully connected network.

    Parameters
    ----------
    config : Events
        The settings.
    folder : pathlib.Path, optional
        Folder of the data set. Default: $SYNERGIC_DATA, then the cache, which a download fills.
    data : Recordings, optional
        Recordings to use instead of N-MNIST.
    device : str, default "cpu"
        Where torch trains: "cpu" or, for example, "cuda".

    Attributes
    ----------
    test, test_labels
        What `figures` is measured on: a list of recordings, and classes (samples,).
    evaluated_on : str
        Which samples these are.

    Raises
    ------
    ParameterError
        For settings that do not fit the data, and a device that cannot be used.
    DataError
        If the data set is nowhere to be had.
    """

    config: Events
    test: list[npt.NDArray[Any]]
    test_labels: Tensor
    evaluated_on: str

    def __init__(
        self, config: Events, folder: Path | None = None, data: Recordings | None = None, device: str = "cpu"
    ) -> None:
        kinds("EventsTask", config=(config, Events), data=(data, Recordings | None))
        data = data or load_recordings(folder)
        held_out, count = config.validation, len(data.train)
        require(0 <= held_out < count, "config.validation", held_out, f"0 to {count - 1}", "Hold back less.")
        stop = count - held_out
        test, labels = (data.train[stop:], data.train_labels[stop:]) if held_out else (data.test, data.test_labels)
        self.test, self.test_labels = test, torch.from_numpy(labels)
        self.evaluated_on = (
            f"last {held_out} of {count} training recordings"
            if held_out
            else f"{len(test)} test recordings, {count} trained on"
        )
        train = frames(data.train[:stop], config.steps)
        super().__init__(config, build(config), train, torch.from_numpy(data.train_labels[:stop]), device)

    def figures(self) -> dict[str, Any]:
        """Measure the accuracy on whole and on damaged recordings. Random events have seed 0.

        Returns
        -------
        dict
            "accuracy" of 0 to 1, "curves" and their "levels" by name.
        """
        curves: dict[str, list[float]] = {}
        for kind, (levels, damaged) in DAMAGES.items():
            curves[kind] = []
            for level in levels:
                rng = np.random.default_rng(0)
                samples = [damaged(events, level, rng) if level else events for events in self.test]
                curves[kind].append(self.accuracy(frames(samples, self.config.steps), self.test_labels))
        levels_of = {kind: list(levels) for kind, (levels, _) in DAMAGES.items()}
        return {"accuracy": curves["events dropped"][0], "curves": curves, "levels": levels_of}

    def description(self) -> Network | None:
        """Describe the network, which receives spikes."""
        return to_description(self.net, 0, self.config.readout)

    def _inputs(self, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """The first test recordings as the network of `description` takes them."""
        return frames(self.test[:count], self.config.steps).numpy(), self.test_labels[:count].numpy()
