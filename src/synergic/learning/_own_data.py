# SPDX-License-Identifier: BSD-3-Clause
"""What a net is trained or tested with: tensors, a Dataset or a DataLoader, as batches checked where they enter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from synergic._core.checks import kind, number, require
from synergic.learning._descent import shuffled
from synergic.learning._hybrid_net import HybridNet
from synergic.learning._tensors import class_labels, tensor

Pair = tuple[Tensor, Tensor]
GIVEN = "a tensor with its labels, a torch Dataset or a DataLoader"


class Rows:
    """Tensors of samples and labels, a batch at a time, in their order or in one drawn anew each time."""

    def __init__(self, spikes: Tensor, labels: Tensor, batch: int, order: torch.Generator | None) -> None:
        self.spikes, self.labels, self.batch, self.order = spikes, labels, batch, order

    def __iter__(self) -> Iterator[Pair]:
        count = len(self.spikes)
        rows = torch.arange(count).split(self.batch) if self.order is None else None
        for chosen in rows or shuffled(count, self.batch, self.order or torch.Generator()):
            yield self.spikes[chosen], self.labels[chosen]


class Batches:
    """Batches as a net takes them: on its device, in its precision, with images as rows of pixels.

    Parameters
    ----------
    where : str
        Who asks, for messages.
    net : HybridNet
        The net.
    spikes, labels
        As of `train`.
    batch : int
        Samples of a batch. A DataLoader has its own.
    order : torch.Generator, optional
        Draws the order of the samples. Without it they come in theirs.

    Raises
    ------
    ParameterError
        Here or when a batch comes: for what is none of these, and for samples and labels that do not fit the net.
    """

    def __init__(
        self, where: str, net: HybridNet, spikes: Any, labels: Any, batch: int, order: torch.Generator | None = None
    ) -> None:
        kind(f"{where}.net", net, HybridNet, "Make one with HybridNet(sizes).")
        kind(f"{where}.spikes", spikes, Tensor | Dataset | DataLoader, f"Give {GIVEN}.")
        self.where, self.net, self.loader = where, net, spikes
        self.seen: Seen | None = None
        self.source: Iterable[Any] = spikes
        if isinstance(spikes, Tensor):
            tensor(f"{where}.spikes", spikes, "(samples, channels)" if spikes.ndim == 2 else "(samples, T, channels)")
            class_labels(f"{where}.labels", labels, len(spikes), net.sizes[-1])
            require_finite(f"{where}.spikes", spikes)
            self.seen = seen(spikes)
            self.source = Rows(spikes, labels, batch, order)
            return
        fits, remedy = labels is None, "Leave it out: the data set has them."
        require(fits, f"{where}.labels", type(labels).__name__, "none beside a Dataset or DataLoader", remedy)
        if isinstance(spikes, Dataset):
            ordered: dict[str, Any] = {}
            if not isinstance(spikes, IterableDataset):
                filled = not hasattr(spikes, "__len__") or len(spikes) > 0
                require(filled, f"{where}.spikes", "an empty data set", "one sample or more", "Check where it looks.")
                ordered = {"shuffle": order is not None, "generator": order}
            self.source = DataLoader(spikes, batch, **ordered)

    def __iter__(self) -> Iterator[Pair]:
        batches = 0
        for given in self.source:
            yield self.checked(given, batches)
            batches += 1
        require(batches > 0, f"{self.where}.spikes", "no batch", "one or more", "A loader that drop_last empties?")

    def checked(self, given: Any, number_of: int) -> Pair:
        """Return a batch as the net takes it. Raises ParameterError."""
        net, where = self.net, f"{self.where}, batch {number_of}"
        pair = isinstance(given, tuple | list) and len(given) == 2
        require(pair, where, type(given).__name__, "a pair of samples and labels", "Return both from __getitem__.")
        samples, labels = given
        kind(f"{where}: samples", samples, Tensor, "Return tensors; of images, torchvision's ToTensor makes them.")
        weights = net.layers[0].bias
        if not samples.is_floating_point():
            whole = not samples.is_complex() and bool(((samples == 0) | (samples == 1)).all())
            remedy = "Divide pixels by 255, as torchvision's ToTensor does."
            require(whole, f"{where}: samples", f"{samples.dtype} other than 0 and 1", "spikes or real numbers", remedy)
        samples = as_rows(net, samples, f"{where}: samples")
        if not isinstance(self.loader, Tensor):  # tensors were looked at as a whole
            samples = samples.to(weights.dtype)
            require_finite(f"{where}: samples", samples)
            self.seen = seen_both(self.seen, seen(samples))
            labels = torch.as_tensor(labels)
            if labels.dtype in (torch.uint8, torch.int8, torch.int16, torch.int32):
                labels = labels.to(torch.int64)
            labels = class_labels(f"{where}: labels", labels, len(samples), net.sizes[-1])
        return samples.to(weights.device), labels.to(weights.device)


def channels_of(net: HybridNet) -> int:
    """Input channels of a net, or the pixels of its image."""
    return math.prod(getattr(net, "input_shape", net.sizes[:1]))


Seen = tuple[bool, float, float]
"""Whether inputs are spikes, their lowest and their highest value."""


def seen(samples: Tensor) -> Seen:
    """What samples are, of finite numbers."""
    low, high = (float(x) for x in torch.aminmax(samples))
    return bool(((samples == 0) | (samples == 1)).all()), low, high


def seen_both(one: Seen | None, other: Seen) -> Seen:
    """What two lots of samples are together."""
    return other if one is None else (one[0] and other[0], min(one[1], other[1]), max(one[2], other[2]))


def require_finite(where: str, samples: Tensor) -> None:
    """Refuse NaN and infinity, with the first sample that has one. Raises ParameterError."""
    fine = torch.isfinite(samples).flatten(1).all(1)
    if not bool(fine.all()):
        got = f"NaN or infinite in sample {int((~fine).nonzero()[0, 0])}"
        require(False, where, got, "finite numbers", "Check them.")


def as_rows(net: HybridNet, samples: Tensor, where: str) -> Tensor:
    """Samples as (batch, channels) or (batch, T, channels): images and frames of events become rows. Raises
    ParameterError."""
    channels = channels_of(net)
    shape, steps = tuple(samples.shape[1:]), net.steps
    if shape in ((channels,), (steps, channels)):
        return samples
    if len(shape) > 1 and math.prod(shape) == channels:
        return samples.flatten(1)
    if len(shape) > 2 and shape[0] == steps and math.prod(shape[1:]) == channels:
        return samples.flatten(2)
    allowed = f"(batch, {channels}), (batch, {steps}, {channels}), or images and frames of {channels} pixels"
    require(False, where, f"shape {tuple(samples.shape)}", allowed, "The net's sizes and steps say so.")
    return samples


def set_aside(where: str, spikes: Any, labels: Any, share: float, seed: int) -> tuple[Any, Any, Any, Any]:
    """Return what is left, and a share of the samples, drawn from `seed`: each as samples and labels. Raises
    ParameterError."""
    number(where, share, 0, 0.9, "It is the share of the samples that is set aside.", open_low=True)
    there = isinstance(spikes, Tensor | Dataset) and not isinstance(spikes, IterableDataset)
    require(there, where, share, "a Dataset or DataLoader beside a DataLoader", "Split it before.")
    count = len(spikes)
    aside = round(share * count)
    require(0 < aside < count, where, f"{share:g} of {count} samples", "a sample on both sides", "Give another share.")
    rows = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    parts: list[Any] = []
    for chosen in (rows[aside:], rows[:aside]):
        if isinstance(spikes, Tensor):
            parts += [spikes[chosen], labels[chosen]]
        else:
            parts += [Subset(spikes, chosen.tolist()), None]
    return parts[0], parts[1], parts[2], parts[3]
