# SPDX-License-Identifier: BSD-3-Clause
"""How a mapping counts the neurons of an image: pixel by pixel, row by row, the channels of a pixel side by side.

The network counts channel by channel. The neurons and inputs of one output position of a convolution are a few ranges
in the mapping's numbering, and the next position has the same ranges, shifted. The neurons of a population
without an image have the same numbers in both.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.network._convolution import Convolution
from synergic.network._quantise import IntGraph, IntNetwork, IntPopulation, IntProjection
from synergic.neurons._homeostasis import moved as moved_homeostasis

Array = npt.NDArray[np.int64]
Image = tuple[int, int, int]
"""Channels, height, width."""


def ends(p: IntProjection) -> tuple[Image, Image]:
    """Return the shapes of the input and output image of a convolution."""
    geometry = p.convolution
    assert geometry is not None
    outs, ins = geometry.channels(p.name, p.n_out, p.n_in)
    return (ins, *geometry.image), (outs, *geometry.after)


def images(network: IntNetwork | IntGraph) -> dict[str, Image]:
    """Return the shape of the source and of each population that is an image; the first convolution decides."""
    found: dict[str, Image] = {}
    for p in network.projections:
        if p.convolution is not None:
            before, after = ends(p)
            found.setdefault(p.source, before)
            found.setdefault(p.target, after)
    return found


def orders(network: IntNetwork | IntGraph) -> dict[str, Array]:
    """Return, for each image, the network's number of each neuron in the order of the mapping."""
    return {
        name: np.arange(np.prod(shape)).reshape(shape).transpose(1, 2, 0).ravel()
        for name, shape in images(network).items()
    }


def arranged(network: IntNetwork | IntGraph) -> IntNetwork | IntGraph:
    """Return the network with its neurons in the order of the mapping; the same object if it has no image."""
    order = orders(network)
    if not order:
        return network
    everything = slice(None)
    populations = [moved(p, order[p.name]) if p.name in order else p for p in network.populations]
    projections = []
    for p in network.projections:
        rows, columns = order.get(p.target, everything), order.get(p.source, everything)
        changes: dict[str, Any] = {"weights": p.weights[rows][:, columns], "convolution": None}
        if p.alpha.ndim:
            changes["alpha"] = p.alpha[rows]
        if p.rule is not None:
            rule: Any = p.rule
            mask = None if rule.mask is None else rule.mask[rows][:, columns]
            changes["rule"] = dataclasses.replace(rule, **rule.values_at(rule.values, rows, columns), mask=mask)
            changes["local_weights"] = p.local_weights[rows][:, columns]
        projections.append(dataclasses.replace(p, **changes))
    return dataclasses.replace(network, populations=tuple(populations), projections=tuple(projections))


def moved(p: IntPopulation, order: Array) -> IntPopulation:
    """Return a population with its neurons in another order."""
    neuron = dataclasses.replace(p.neuron, **p.neuron.values_at(p.neuron.values, order))
    rule = moved_homeostasis(p.homeostasis, order)
    return dataclasses.replace(p, bias=p.bias[order], neuron=neuron, homeostasis=rule)


@dataclasses.dataclass(frozen=True)
class Layer:
    """A convolution that a chip may fold.

    Attributes
    ----------
    convolution : Convolution
        Its geometry.
    ins, outs : int
        Channels of the input image and of the output image.
    bits : int, default 1
        Width of one input.
    heavy : int, default 0
        The largest |sum| of a neuron's inputs.
    words : int, default 1
        Numbers that a neuron stores from step to step.
    name : str
        Name of the projection.
    """

    convolution: Convolution
    ins: int
    outs: int
    bits: int = 1
    heavy: int = 0
    words: int = 1
    name: str = ""


def layers(network: IntNetwork | IntGraph) -> dict[str, list[Layer]]:
    """Return, by population, the convolutions into it that may share weights.

    Populations with local weights are left out: every synapse has a local weight of its own, which cannot be shared.
    """
    shapes, found = images(network), {}
    convolved = {p.target for p in network.projections if p.convolution is not None}
    for population in network.populations:
        if population.name not in convolved:
            continue  # before `into`, which looks through all projections
        into = network.into(population.name)
        if any(p.rule is not None for p in into):
            continue
        fitting = [p for p in into if p.convolution is not None and receives_pixels(p.convolution)]
        fitting = [p for p in fitting if ends(p) == (shapes[p.source], shapes[p.target])]
        if fitting:
            found[population.name] = [layer(p, words(population)) for p in fitting]
    return found


def receives_pixels(geometry: Convolution) -> bool:
    """Return whether every output position receives at least one pixel that is no padding."""
    for axis in (0, 1):
        out, lines = np.arange(geometry.after[axis]), np.arange(geometry.kernel[axis])
        under = out[:, None] * geometry.stride + lines * geometry.dilation - geometry.padding
        if not ((under >= 0) & (under < geometry.image[axis])).any(axis=1).all():
            return False
    return True


def words(population: IntPopulation) -> int:
    """Count the numbers of a membrane's width that a neuron stores from step to step."""
    neuron = population.neuron
    return int(neuron.memory) + len(neuron.states)


def layer(p: IntProjection, stored: int) -> Layer:
    """Return what the fold of a projection needs to know of it. stored : words of a neuron."""
    (ins, _, _), (outs, _, _) = ends(p)
    assert p.convolution is not None
    bits = p.num_message_bits or 1
    heavy = (2**bits - 1) * int(np.abs(p.weights).sum(axis=1).max())
    return Layer(p.convolution, ins, outs, bits, heavy, stored, p.name)
