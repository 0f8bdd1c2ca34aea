# SPDX-License-Identifier: BSD-3-Clause
"""How a mapping counts the neurons of a picture: pixel by pixel, row by row, the channels of a pixel side by side.

The network counts channel by channel. What a place of a convolution computes and hears is a few ranges in the
mapping's numbering, and the same ranges moved at the next place. Whatever is no picture keeps its numbers.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.network._convolution import Convolution
from synergic.network._quantise import IntGraph, IntNetwork, IntPopulation, IntProjection

Array = npt.NDArray[np.int64]
Picture = tuple[int, int, int]
"""Channels, height, width."""


def ends(p: IntProjection) -> tuple[Picture, Picture]:
    """What a convolution sees and what it makes."""
    geometry = p.convolution
    assert geometry is not None
    outs, ins = geometry.channels(p.name, p.n_out, p.n_in)
    return (ins, *geometry.picture), (outs, *geometry.after)


def pictures(network: IntNetwork | IntGraph) -> dict[str, Picture]:
    """The source and the populations that are pictures; where convolutions disagree, as the first one says."""
    found: dict[str, Picture] = {}
    for p in network.projections:
        if p.convolution is not None:
            before, after = ends(p)
            found.setdefault(p.source, before)
            found.setdefault(p.target, after)
    return found


def orders(network: IntNetwork | IntGraph) -> dict[str, Array]:
    """Of each picture, the network's number of each neuron in the order of the mapping."""
    return {
        name: np.arange(np.prod(shape)).reshape(shape).transpose(1, 2, 0).ravel()
        for name, shape in pictures(network).items()
    }


def arranged(network: Any) -> Any:
    """The network with its neurons in the order of the mapping; the network itself if that is its own."""
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
            mask = None if p.rule.mask is None else p.rule.mask[rows][:, columns]
            held = p.rule.held(p.rule.values, rows, columns)
            changes["rule"] = dataclasses.replace(p.rule, **held, mask=mask)
            changes["local_weights"] = p.local_weights[rows][:, columns]
        projections.append(dataclasses.replace(p, **changes))
    return dataclasses.replace(network, populations=tuple(populations), projections=tuple(projections))


def moved(p: IntPopulation, order: Array) -> IntPopulation:
    """A population with its neurons in another order."""
    neuron = p.neuron
    if neuron is not None:
        neuron = dataclasses.replace(neuron, **neuron.held(neuron.values, order))
    return dataclasses.replace(p, bias=p.bias[order], neuron=neuron)


@dataclasses.dataclass(frozen=True)
class Layer:
    """A convolution that a chip may fold. bits : of one input. heavy : the largest |sum| of a neuron's inputs. words :
    numbers that a neuron keeps from step to step."""

    convolution: Convolution
    ins: int
    outs: int
    bits: int = 1
    heavy: int = 0
    words: int = 1
    name: str = ""


def layers(network: IntNetwork | IntGraph) -> dict[str, list[Layer]]:
    """By population, the convolutions into it that may share weights; only populations without local weights.

    A local weight is one a synapse: nothing there can be shared.
    """
    shapes, found = pictures(network), {}
    convolved = {p.target for p in network.projections if p.convolution is not None}
    for population in network.populations:
        if population.name not in convolved:
            continue  # before `into`, which looks through all projections
        into = network.into(population.name)
        if any(p.rule is not None for p in into):
            continue
        fitting = [p for p in into if p.convolution is not None and hears(p.convolution)]
        fitting = [p for p in fitting if ends(p) == (shapes[p.source], shapes[p.target])]
        if fitting:
            found[population.name] = [layer(p, words(population)) for p in fitting]
    return found


def hears(geometry: Convolution) -> bool:
    """Whether every pixel that comes out hears one that is no padding."""
    for axis in (0, 1):
        out, lines = np.arange(geometry.after[axis]), np.arange(geometry.kernel[axis])
        under = out[:, None] * geometry.stride + lines * geometry.dilation - geometry.padding
        if not ((under >= 0) & (under < geometry.picture[axis])).any(axis=1).all():
            return False
    return True


def words(population: IntPopulation) -> int:
    """Numbers of a membrane's width that a neuron keeps from step to step."""
    neuron = population.neuron
    return 1 if neuron is None else neuron.memory + len(neuron.states)


def layer(p: IntProjection, kept: int) -> Layer:
    """What the fold of a projection needs to know of it. kept : words of a neuron."""
    (ins, _, _), (outs, _, _) = ends(p)
    assert p.convolution is not None
    bits = p.num_message_bits or 1
    heavy = (2**bits - 1) * int(np.abs(p.weights).sum(axis=1).max())
    return Layer(p.convolution, ins, outs, bits, heavy, kept, p.name)
