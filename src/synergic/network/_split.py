# SPDX-License-Identifier: BSD-3-Clause
"""Neurons with too many inputs, split into spiking sub-neurons: the lossy way, to be compared with the exact one.

A mapping cuts a neuron's inputs into partial sums and adds them up (synergic.hw_targets.mapping): exact. Without cores
that relay sums, each part of the inputs would need a neuron of its own, which can send only spikes of what it has
summed up. `split_by_spikes` makes that network, so that `simulate` of both shows the difference.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from synergic._core.checks import kind, number, require, whole
from synergic._core.integers import ONE
from synergic.errors import UnsupportedError
from synergic.network._description import Network, Population, Projection
from synergic.network._quantise import IntNetwork, IntProjection
from synergic.neurons._neuron import plain_only
from synergic.numerics import fixed
from synergic.rules import Hebbian, IntHebbian

UNIT = 1 << fixed.ACCUMULATOR_SHIFT
"""P of a collecting synapse in integers: alpha P = v_g UNIT, from which the accumulator's shift leaves v_g."""


def split_by_spikes(network: Any, fan_in: int, threshold: float = 0.5) -> Any:
    """Return the network with every neuron of more than `fan_in` inputs split into spiking sub-neurons.

    Parameters
    ----------
    network : Network or IntNetwork
        The network to split.
    fan_in : int
        Largest number of inputs of a neuron, 1 or more: the sum over all projections into its population, weights of 0
        included.
    threshold : float, default 0.5
        Threshold of the sub-neurons as a share of v_th, in (0, 1].

    Returns
    -------
    Network or IntNetwork
        The network, of the same kind as the given one. It has new populations "<name> parts" (G x size neurons, part by
        part) and new projections "<name> collects". All later populations run one step later than before.

    Raises
    ------
    ParameterError
        If an argument is out of range, or the number of parts G is larger than `fan_in`.
    UnsupportedError
        If a projection into a population to be split has a local rule, because the rule needs the neuron's potential,
        which no sub-neuron has; or if that population's neurons are not LIF.

    Notes
    -----
    The N inputs of a neuron are divided evenly into G = ceil(N / fan_in) parts, one for each sub-neuron g. A sub-neuron
    has the same decay d, its part W_g of the weights, no bias and the threshold v_g = threshold * v_th. It is reset by
    subtraction, so that the charge above the threshold remains::

        u_g(m) = d (u_g(m-1) - v_g s_g(m-1)) + k(m) W_g s_in(m)

    The neuron itself has decay, bias, v_th and reset as before, and receives the spikes of its sub-neurons. Each spike
    adds the charge v_g, by a frozen local weight, because slow weights fade with k::

        u(m) = d u(m-1) + b + v_g sum_g s_g(m)

    The sub-neurons take a step more. Spikes that meet those of a split population by another way come a step earlier
    than before; raise the `delay` of their projection by 1.

    The split network is not exact. A negative sum of a part is not sent. A sum above 2 v_g is sent late, and leaks
    until then; this error grows as the threshold falls. A sum below v_g is not sent either; this error grows with the
    threshold.
    """
    where = "split_by_spikes"
    kind(f"{where}.network", network, Network | IntNetwork, "Build one, or export it with to_description().")
    whole(f"{where}.fan_in", fan_in, 1, float("inf"), "It is a number of inputs.")
    number(f"{where}.threshold", threshold, 0, 1, "It is a share of v_th.", open_low=True)
    for population in network.populations:
        inputs = sum(q.n_in for q in network.into(population.name))
        if inputs > fan_in:
            network = split_population(network, population, -(-inputs // fan_in), fan_in, threshold)
    return network


def split_population(network: Any, population: Any, parts: int, fan_in: int, threshold: float) -> Any:
    """Return the network with each neuron of one population split into `parts` sub-neurons."""
    name, into = population.name, network.into(population.name)
    remedy = "Raise fan_in, or use the plain neuron."
    plain_only("split_by_spikes.network", (population,), "a sub-neuron's charge is a plain neuron's", remedy)
    inputs = sum(q.n_in for q in into)
    needed = f"{fan_in} for {name!r}, whose neurons need {parts} sub-neurons"
    least = f"Give at least {int(np.ceil(np.sqrt(inputs)))}."
    require(parts <= fan_in, "split_by_spikes.fan_in", needed, "as many inputs as sub-neurons", least)
    plastic = [q.name for q in into if q.rule is not None]
    if plastic:
        raise UnsupportedError(
            f"split_by_spikes.network: got local weights in {plastic} into {name!r}, allowed slow weights only where "
            "neurons are split: a local rule needs the whole neuron's potential. Train with mode='gp', or raise fan_in."
        )
    vth = population.vth * threshold
    onset, population = population.onset, replace(population, onset=None)
    no_bias = np.zeros(parts * population.size, population.bias.dtype)
    sub = replace(population, name=f"{name} parts", size=len(no_bias), reset="subtract", bias=no_bias, homeostasis=None)
    sub = replace(sub, onset=onset)
    if network.integer:
        sub = replace(sub, vth=max(1, round(vth)))
        population = replace(population, accumulator_shift=fixed.ACCUMULATOR_SHIFT)  # it receives spikes now
    else:
        sub = replace(sub, vth=vth)
    part_of = np.array_split(np.arange(inputs) * parts // inputs, np.cumsum([q.n_in for q in into])[:-1])
    cut = {}
    for q, part in zip(into, part_of, strict=True):
        mine = part == np.arange(parts)[:, None, None]  # (parts, 1, n_in)
        weights = (q.weights * mine).reshape(sub.size, q.n_in)
        cut[q.name] = replace(q, target=sub.name, weights=weights, convolution=None)
    return replace(
        network,
        populations=tuple(new for p in network.populations for new in ((sub, population) if p.name == name else (p,))),
        projections=(*(cut.get(q.name, q) for q in network.projections), collecting(sub, population, into)),
    )


def collecting(sub: Any, population: Any, into: Any) -> Any:
    """The connection from the sub-neurons to their neurons: W = 0, and a frozen P with alpha = v_g."""
    name, copies = f"{population.name} collects", sub.size // population.size
    eye = np.tile(np.eye(population.size, dtype=np.int64), copies)
    if isinstance(sub, Population):
        still = Hebbian(eta=0.0, beta=0.0, lambda_=1.0, p_max=1.0, mask=eye)
        return Projection(name, sub.name, population.name, 0 * eye, still, sub.vth, eye, "frozen")
    rule = IntHebbian(0, 0, 0, ONE, 1, UNIT, np.zeros(fixed.TABLE_SIZE, int), 0, UNIT, eye)
    bits = max(q.weight_bits for q in into)
    return IntProjection(name, sub.name, population.name, 0 * eye, rule, sub.vth, UNIT * eye, "frozen", bits)
