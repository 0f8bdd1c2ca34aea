# SPDX-License-Identifier: BSD-3-Clause
"""NeuroBench's complexity metrics (Yik et al., Nat. Commun. 16:1545, 2025; package neurobench 2.3) of a network's run.

The definitions are NeuroBench's, over the whole run and all samples; the network is read as its torch model would be:
a projection is a Linear layer called at every step, a population a spiking layer. Where NeuroBench rounds or depends on
how a data loader cuts batches, the exact figure for batches of one is given.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from synergic._core.checks import kind, require, whole
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.neurons._neuron import plain_only
from synergic.reference._simulate import Record, arriving


@dataclass(frozen=True)
class Operations:
    """Synaptic operations a sample, in NeuroBench's names.

    Parameters
    ----------
    Effective_MACs : float
        Multiply-accumulates of projections that receive values other than 0 and 1, where weight and input are not 0.
    Effective_ACs : float
        Accumulates of projections that receive spikes, where weight and input are not 0.
    Dense : float
        Operations of both kinds, those with a weight or an input of 0 too.
    """

    Effective_MACs: float
    Effective_ACs: float
    Dense: float


def check(network: Any) -> None:
    """Refuse what is not a network."""
    kind("metrics.network", network, Network | IntNetwork, "Build one, or load it.")


def check_record(network: Any, record: Any) -> None:
    """Refuse a record that is not one of this network's runs."""
    check(network)
    kind("metrics.record", record, Record, "simulate() and the chip give one.")
    names = {network.source.name, *(p.name for p in network.populations)}
    require(
        set(record.spikes) == names, "metrics.record", sorted(record.spikes), f"{sorted(names)}", "Probe all spikes."
    )


def footprint(network: Network | IntNetwork, bits: int = 32) -> float:
    """Return the bytes of the parameters and of the state: NeuroBench's Footprint.

    Parameters
    ----------
    network : Network or IntNetwork
        The network.
    bits : int, default 32
        Width of a number, 1 .. 64; 32 is that of a torch model. An IntNetwork has its own widths of slow and local
        weights, for which this one is not used.

    Returns
    -------
    float
        Bytes.

    Raises
    ------
    ParameterError
        If `network` is not a network, or `bits` is out of range.

    Notes
    -----
    The sum has weights, biases, thresholds, decays and potentials, and what a kind of neuron declares in `parameters`
    and `states`. Homeostasis adds its bias, a sum, its targets, rate and bound. A projection with a rule adds alpha,
    the rule's parameters and P. If it learns, it adds the P that a presentation starts with, and the rule's arrays in
    `state`. A delay adds a bit, of values 8, for each input and step. This figure is not compared with the package
    neurobench, because a torch model stores other arrays.
    """
    check(network)
    whole("footprint.bits", bits, 1, 64, "It is the width of a number.")
    integer = isinstance(network, IntNetwork)
    total = 0
    for p in network.populations:
        total += bits * (2 * p.size + 2)  # bias, potential, threshold, decay
        if p.homeostasis is not None:
            total += bits * (2 * p.size + np.size(p.homeostasis.target) + 2)  # c, its sum, targets, rate, bound
        total += bits * (len(p.neuron.states) * p.size + sum(map(np.size, p.neuron.values.values())))
    for q in network.projections:
        total += q.weights.size * (q.weight_bits if integer else bits)
        total += q.n_in * int(q.delay) * (network.message_bits[q.source] or 1)
        if q.rule is not None:
            copies = 2 if q.learns else 1
            total += copies * q.local_weights.size * (int(q.rule.p_top).bit_length() + 1 if integer else bits)
            arrays = q.rule.fresh(q.n_out, q.n_in).values() if q.learns else ()
            total += bits * (np.size(q.alpha) + sum(map(np.size, (*q.rule.values.values(), *arrays))))
            total += 0 if q.rule.mask is None else q.rule.mask.size
    return float(total) / 8


def connection_sparsity(network: Network | IntNetwork) -> float:
    """Share of the slow weights that are 0: NeuroBench's ConnectionSparsity, which rounds it to 4 decimals."""
    check(network)
    weights = [q.weights for q in network.projections]
    return float(sum(np.count_nonzero(w == 0) for w in weights) / sum(w.size for w in weights))


def activation_sparsity(network: Network | IntNetwork, record: Record) -> float:
    """Share of neuron-steps without a spike, over all populations and samples: NeuroBench's ActivationSparsity."""
    check_record(network, record)
    spikes = [record.spikes[p.name] for p in network.populations]
    return float(1 - sum(np.count_nonzero(s) for s in spikes) / sum(s.size for s in spikes))


def synaptic_operations(network: Network | IntNetwork, record: Record) -> Operations:
    """Operations a sample of the weights: NeuroBench's SynapticOperations.

    As in NeuroBench, a projection's step counts as accumulates if all inputs of a sample's step are 0 or 1. Local
    weights share the synapse, hence its operation, where alpha P may be other than 0; the updates of P are not counted.
    """
    check_record(network, record)
    macs = acs = dense = 0.0
    samples = len(record.spikes[network.source.name])
    for q in network.projections:
        used = q.weights != 0
        if q.rule is not None and np.any(q.alpha):
            used = used | (np.ones_like(used) if q.rule.mask is None else q.rule.mask != 0)
        fan_out = used.sum(axis=0)
        for m in range(network.steps):
            received = arriving(record.spikes[q.source], m - network.lag(q))
            operations = (received != 0) @ fan_out
            spiking = np.isin(received, (0, 1)).all(axis=1)
            acs += float(operations[spiking].sum())
            macs += float(operations[~spiking].sum())
        dense += q.weights.size * network.steps
    return Operations(macs / samples, acs / samples, dense)


def membrane_updates(network: Network | IntNetwork, record: Record) -> float:
    """Return the number of potentials that change, per sample: NeuroBench's MembraneUpdates.

    A potential changes in a step if it differs after that step's reset from after the one before. The first step always
    counts, as in NeuroBench.

    Parameters
    ----------
    network : Network or IntNetwork
        The network.
    record : Record
        A run of it, with all spikes and potentials.

    Returns
    -------
    float
        Changes per sample.

    Raises
    ------
    ParameterError
        If the record is of another network.
    UnsupportedError
        If the network has other neurons than LIF, whose further states a record does not have.
    """
    check_record(network, record)
    remedy = "Ask for the other metrics one by one."
    plain_only("membrane_updates", network.populations, "a record does not hold what else they keep", remedy)
    updates = 0
    for p in network.populations:
        u, s = record.u[p.name], record.spikes[p.name]
        after = u - p.vth * s if p.reset == "subtract" else np.where(s, 0, u)
        updates += after[:, 0].size + int(np.count_nonzero(np.diff(after, axis=1)))
    return updates / len(u)


def metrics(network: Network | IntNetwork, record: Record) -> dict[str, Any]:
    """Return all metrics of a run, by NeuroBench's names."""
    return {
        "Footprint": footprint(network),
        "ConnectionSparsity": connection_sparsity(network),
        "ActivationSparsity": activation_sparsity(network, record),
        "SynapticOperations": asdict(synaptic_operations(network, record)),
        "MembraneUpdates": membrane_updates(network, record),
    }
