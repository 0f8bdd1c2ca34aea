# SPDX-License-Identifier: BSD-3-Clause
"""Neurons with too many inputs, split into spiking sub-neurons: the lossy way, to be compared with the exact one.

A mapping cuts a neuron's inputs into partial sums and adds them up (synergic.hw_targets.mapping): exact. Without cores
that relay sums, each part of the inputs would need a neuron of its own, which can tell only by spikes what it has
summed up. `split_by_spikes` makes that network, so that `simulate` of both says what the spikes lose.
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
    """The network with every neuron of more than `fan_in` inputs split into spiking sub-neurons.

    network : Network or IntNetwork; the result is of the same kind. fan_in : inputs that a neuron may have, all
    projections into its population together, weights of 0 too. threshold : of sub-neurons, a share of v_th in (0, 1].

    A neuron's N inputs are cut evenly into G = ceil(N / fan_in) parts, a sub-neuron g each: the same decay d and the
    part W_g of the weights, no bias, threshold v_g = threshold * v_th, reset by subtraction, so that what a spike does
    not tell stays: u_g(m) = d (u_g(m-1) - v_g s_g(m-1)) + k(m) W_g s_in(m). The neuron itself keeps decay, bias, v_th
    and reset, and hears its sub-neurons: a spike brings the charge v_g that it stands for, u(m) = d u(m-1) + b +
    v_g sum_g s_g(m), a frozen local weight, for slow ones fade with k. What is lost: a sum below 0 says nothing, one
    above 2 v_g says it late, and leaks meanwhile; of low thresholds the second is worse, of high ones that a sum below
    v_g says nothing either. Populations "<name> parts" (G x size, part by part) and projections "<name> collects" are
    new; what follows lives a step later.

    Raises ParameterError, also where G itself exceeds fan_in; UnsupportedError for a projection with a local rule into
    a population to be split: the rule needs the neuron's potential, which no sub-neuron has; for other neurons there.
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
    """The network with one population's neurons in so many parts."""
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
    no_bias = np.zeros(parts * population.size, population.bias.dtype)
    sub = replace(population, name=f"{name} parts", size=len(no_bias), reset="subtract", bias=no_bias)
    if network.integer:
        sub = replace(sub, vth=max(1, round(vth)))
        population = replace(population, accumulator_shift=fixed.ACCUMULATOR_SHIFT)  # it hears spikes now
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
