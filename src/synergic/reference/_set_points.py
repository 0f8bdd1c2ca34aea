# SPDX-License-Identifier: BSD-3-Clause
"""The set points of homeostasis, measured on the inputs a network was trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, kind, require, whole
from synergic.network._description import Network
from synergic.neurons import Homeostasis
from synergic.reference._simulate import simulate


def with_homeostasis(
    network: Network,
    spikes: npt.ArrayLike,
    rate: float = 0.003,
    limit: float = 1.0,
    rho: str = "tanh",
    populations: tuple[str, ...] | None = None,
    batch: int = 64,
    signal: Any = None,
) -> Network:
    """Return a trained network with homeostasis, whose targets are the mean activities on given inputs.

    Each target is rhobar_i, the mean of rho(u_i(m) / v_th) over all steps and samples. The network is run as it is,
    with each presentation from rest and the local weights of streams as they stand.

    Parameters
    ----------
    network : Network
        A trained network in floating point.
    spikes : array_like, shape (samples, T, channels)
        Inputs from the training set; some thousand are enough.
    rate : float, default 0.003
        g of `Homeostasis`. Choose it on held-back samples.
    limit : float, default 1.0
        c_max of `Homeostasis`.
    rho : {"tanh", "identity"}, default "tanh"
        Non-linearity of `Homeostasis`.
    populations : tuple of str or None, default None
        Populations that get it. None means all but the output, whose activity is the answer.
    batch : int, default 64
        Samples that run together.
    signal : array_like, shape (samples, T), or None, default None
        Global signal, for rules that need one.

    Returns
    -------
    Network
        A copy with homeostasis.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or no population is left.

    Examples
    --------
    >>> adapted = sy.with_homeostasis(network, training_spikes, rate=0.003)
    """
    where = "with_homeostasis"
    kind(f"{where}.network", network, Network, "Quantise after this call.")
    kind(f"{where}.populations", populations, tuple | None, 'Give ("hidden",), or None.')
    whole(f"{where}.batch", batch, 1, float("inf"), "It is a number of samples.")
    names = tuple(p.name for p in network.populations)
    for name in populations or ():
        choice(f"{where}.populations", name, names)
    chosen = tuple(name for name in names if name != network.output) if populations is None else populations
    require(bool(chosen), f"{where}.populations", "none", "one or more", "Name the output if it is to have it.")
    probe = Homeostasis(0.0, rate, limit, rho)
    given = network.check_input(spikes)
    told = network.check_signal(signal, len(given))
    still = replace(
        network,
        populations=tuple(replace(p, homeostasis=None) for p in network.populations),
        projections=tuple(replace(q, plasticity_scope="frozen") if q.streams else q for q in network.projections),
    )
    used = any(q.plastic and q.rule.signalled for q in still.projections)
    sums = {name: np.zeros(network.population(name).size) for name in chosen}
    for i in range(0, len(given), batch):
        part = slice(i, i + batch)
        record = simulate(still, given[part], batch, told[part] if used else None)
        for name in chosen:
            sums[name] += probe.term(record.u[name], network.population(name).vth).sum(axis=(0, 1))
    count = len(given) * network.steps
    return replace(
        network,
        populations=tuple(
            replace(p, homeostasis=replace(probe, target=sums[p.name] / count)) if p.name in sums else p
            for p in network.populations
        ),
    )
