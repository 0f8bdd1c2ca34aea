# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the machine, put into a quantised network: what a chip with broken memories or cores would compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.checks import choice, number
from synergic.quantise import IntNetwork, IntProjection

Array = npt.NDArray[np.int64]


def dead_synapses(weights: Array, rate: float, bits: int, rng: np.random.Generator) -> Array:
    """A share of the synapses always gives 0."""
    return np.where(rng.random(weights.shape) < rate, 0, weights)


def stuck_synapses(weights: Array, rate: float, bits: int, rng: np.random.Generator) -> Array:
    """A share of the synapses is stuck at the lowest or the highest weight, each as likely."""
    top = 2 ** (bits - 1)
    stuck = np.where(rng.random(weights.shape) < 0.5, -top, top - 1)
    return np.where(rng.random(weights.shape) < rate, stuck, weights)


def bit_flips(weights: Array, rate: float, bits: int, rng: np.random.Generator) -> Array:
    """Every bit of every weight, in two's complement, is inverted with probability `rate`."""
    flips = (rng.random((bits, *weights.shape)) < rate).astype(np.int64)
    mask = np.tensordot(2 ** np.arange(bits), flips, 1)
    raw = (weights % 2**bits) ^ mask
    return np.where(raw >= 2 ** (bits - 1), raw - 2**bits, raw)


SYNAPSES: dict[str, Callable[..., Array]] = {
    "dead synapses": dead_synapses,
    "stuck synapses": stuck_synapses,
    "bit flips": bit_flips,
}
FAULTS = (*SYNAPSES, "dead neurons")


def break_network(network: IntNetwork, fault: str, rate: float, seed: int = 0) -> IntNetwork:
    """The network with faults in its slow weights, or with neurons (input channels too) that nobody hears.

    fault : "dead synapses", "stuck synapses", "bit flips", "dead neurons". rate : share of the synapses, bits or
    neurons, 0 .. 1. What a dead neuron's local weights held is lost, and they learn nothing: its columns of P and its
    eta are 0, in every projection that it feeds. Raises ParameterError.
    """
    choice("break_network.fault", fault, FAULTS)
    number("break_network.rate", rate, 0, 1, "It is a share.")
    rng = np.random.default_rng(seed)
    if fault == "dead neurons":
        senders = (network.source, *network.populations)
        alive = {p.name: (rng.random(p.size) >= rate).astype(np.int64) for p in senders}
        broken = tuple(silence(p, alive[p.source]) for p in network.projections)
    else:
        broken = tuple(
            dataclasses.replace(p, weights=SYNAPSES[fault](p.weights, rate, p.weight_bits, rng))
            for p in network.projections
        )
    return dataclasses.replace(network, projections=broken)


def silence(p: IntProjection, alive: Array) -> IntProjection:
    """A projection that hears only some of its presynaptic neurons; alive : (n_in,) of 0 and 1."""
    changes: dict[str, Any] = {"weights": p.weights * alive}
    if p.rule is not None:
        changes["local_weights"] = p.local_weights * alive
        changes["rule"] = dataclasses.replace(p.rule, eta=p.rule.eta * alive)
    return dataclasses.replace(p, **changes)
