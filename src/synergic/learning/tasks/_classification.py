# SPDX-License-Identifier: BSD-3-Clause
"""Images into a fully connected network, tested also on damaged images (Wu et al. 2022)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from synergic._core.checks import kinds, require
from synergic.data._corruptions import damage
from synergic.data._images import Images, check_finite, load_images
from synergic.errors import UnsupportedError
from synergic.experiments import Classification, Convolution
from synergic.learning._conv_layers import ConvHybridNet
from synergic.learning._export import to_description
from synergic.learning._hybrid_net import HybridNet
from synergic.learning._tensors import as_rows, in_every_step
from synergic.learning._training import early_exit
from synergic.learning.tasks._supervised import SupervisedTask
from synergic.network._description import Network

CURVES = {
    "gaussian": range(7), "crop": range(0, 15, 2), "salt": range(0, 15, 2), "pepper": range(0, 15, 2),
    "salt-and-pepper": range(0, 15, 2), "speckle": range(0, 15, 2),
}  # fmt: skip
"""Damages, and their levels (synergic.data.damage), that every run is tested under."""


def build(config: Classification, image: tuple[int, ...]) -> HybridNet:
    """Make the untrained network of an experiment for images of that shape. It seeds torch."""
    torch.manual_seed(config.seed)
    settings: dict[str, Any] = {
        "mode": config.mode,
        "steps": config.steps,
        "tau_w": config.tau_w,
        "vth": config.vth,
        "decay": config.decay,
        "reset": config.reset,
        "lambda_": config.lambda_,
        "rho": config.rho,
        "p_max": config.p_max,
        "sign": config.sign,
        "dropout": config.dropout,
        "plasticity_scope": config.plasticity_scope,
    }
    net: HybridNet
    if isinstance(config, Convolution):
        channels, height, width = (1, *image)[-3:]
        dense = (*config.dense, config.hidden, 10)
        net = ConvHybridNet((channels, height, width), tuple(config.channels), dense, tuple(config.pools), **settings)
    else:
        net = HybridNet((math.prod(image), config.hidden, 10), **settings)
    with torch.no_grad():
        for layer in net.layers:
            # A layer draws the values of the publication, uniform between 0 and .01.
            layer.alpha.mul_(config.alpha_start / 0.01)
            layer.eta.mul_(config.eta_start / 0.01)
    return net


def split(config: Classification, data: Images) -> tuple[Tensor, Tensor, np.ndarray, Tensor]:
    """Return training images (samples, pixels) and labels, evaluation images (samples, ...) and labels."""
    held_out, count = config.validation, len(data.train)
    require(0 <= held_out < count, "config.validation", held_out, f"0 to {count - 1}", "Hold back less.")
    end = count - held_out
    stop = end if config.train_samples is None else config.train_samples
    require(stop <= end, "config.train_samples", stop, f"1 to {end}", "There are no more; leave it out for all.")
    test, test_labels = (data.train[end:], data.train_labels[end:]) if held_out else (data.test, data.test_labels)
    return as_rows(data.train[:stop]), torch.from_numpy(data.train_labels[:stop]), test, torch.from_numpy(test_labels)


class ClassificationTask(SupervisedTask):
    """Images into a fully connected network, or into convolutions before it.

    Parameters
    ----------
    config : Classification or Convolution
        The settings.
    folder : pathlib.Path, optional
        Folder of the data set. Default: $SYNERGIC_DATA, then the cache, which a download fills.
    data : Images, optional
        Images to use instead of the data set.
    device : str, default "cpu"
        Where torch trains: "cpu" or, for example, "cuda".

    Attributes
    ----------
    test, test_labels
        What `figures` is measured on: images (samples, ...) and classes (samples,).
    evaluated_on : str
        Which samples these are.

    Raises
    ------
    ParameterError
        For settings that do not fit the data, and a device that cannot be used.
    DataError
        If the data set is nowhere to be had.
    """

    config: Classification
    test: npt.NDArray[Any]
    test_labels: Tensor
    evaluated_on: str

    def __init__(
        self, config: Classification, folder: Path | None = None, data: Images | None = None, device: str = "cpu"
    ) -> None:
        kinds("ClassificationTask", config=(config, Classification), data=(data, Images | None))
        data = check_finite("ClassificationTask.data", data or load_images(config.dataset, folder))
        images, labels, self.test, self.test_labels = split(config, data)
        held_out = config.validation
        self.evaluated_on = f"last {held_out} training images" if held_out else "test set"
        super().__init__(config, build(config, self.test.shape[1:]), images, labels, device)

    def figures(self) -> dict[str, Any]:
        """Measure the accuracy on clean and on damaged images. Noise has seed 0, the same for all networks.

        Returns
        -------
        dict
            "accuracy" of 0 to 1, "curves" and their "levels" by name, and "early_exit" of
            rank coding.
        """
        # A convolution costs too much for all of them.
        tried = {"gaussian": range(0, 7, 3)} if isinstance(self.config, Convolution) else CURVES
        curves = {
            kind: [self.accuracy(as_rows(damage(self.test, kind, i)), self.test_labels) for i in levels]
            for kind, levels in tried.items()
        }
        levels = {kind: list(at) for kind, at in tried.items()}
        early = early_exit(*self.outputs(as_rows(self.test)), self.test_labels, float(self.net.layers[-1].vth))
        return {"accuracy": curves["gaussian"][0], "early_exit": early, "curves": curves, "levels": levels}

    def description(self) -> Network | None:
        """Describe the network for values of 8 bits.

        Returns
        -------
        synergic.Network or None
            None for convolutions too large to unfold, and for plasticity_scope "shared", which no machine runs.
        """
        try:
            return to_description(self.net, 8, self.config.readout)
        except UnsupportedError:
            return None

    def _inputs(self, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """The first test images as the network of `description` takes them: 0 .. 255 in every step."""
        return in_every_step(as_rows(self.test)[:count], self.config.steps), self.test_labels[:count].numpy()
