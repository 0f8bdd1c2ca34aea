# SPDX-License-Identifier: BSD-3-Clause
"""A network description as connected HybridLIF, HybridNeuron and HybridDense processes, and what they recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from synergic._core.checks import require
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.neurons._neuron_kernels import LEAKY
from synergic.processes._population import Neurons
from synergic.processes.hybrid_dense.process import HybridDense
from synergic.processes.hybrid_lif.process import HybridLIF
from synergic.processes.hybrid_neuron.process import HybridNeuron
from synergic.reference._simulate import Record


@dataclass(frozen=True)
class Composition:
    """The processes of a description by name, connected with each other, but not with a source."""

    network: Network | IntNetwork
    populations: dict[str, Neurons]
    projections: dict[str, HybridDense]

    @property
    def entries(self) -> list[HybridDense]:
        """The connections that the source feeds, by `s_in`."""
        source = self.network.source.name
        return [self.projections[q.name] for q in self.network.projections if q.source == source]

    @property
    def output(self) -> Neurons:
        """The read-out neurons."""
        return self.populations[self.network.output]

    def record(self, spikes: Any) -> Record:
        """Return what the processes recorded of presentations (samples, T, channels), on the clock of each."""
        net, samples = self.network, len(spikes)
        record = Record(spikes={net.source.name: np.asarray(spikes)})
        for name, process in self.populations.items():
            begin = net.onsets[name]
            shape = (samples, net.steps, -1)
            window = slice(begin, begin + samples * net.steps)
            record.spikes[name] = process.s_record.get()[window].reshape(shape)
            record.u[name] = process.u_record.get()[window].reshape(shape)
            record.saturated[f"{name}.u"] = int(process.saturated.get()[0])
            if net.population(name).homeostasis is not None:
                record.homeostatic_bias[name] = process.homeostatic_record.get()[:samples]
        for p in net.projections:
            if p.rule is not None:
                process = self.projections[p.name]
                record.saturated[f"{p.name}.P"] = int(process.saturated.get()[0])
                record.local_weights[p.name] = process.local_record.get()[: 1 if p.streams else samples]
        return record


def refuse_signals(where: str, network: Network | IntNetwork) -> None:
    """Refuse rules with a global signal: a network as one process has no port for it."""
    signalled = [q.name for q in network.projections if q.plastic and q.rule.signalled]
    allowed, remedy = "rules without one", "Use synergic.processes, or connect HybridDense.r_in yourself."
    require(
        not signalled, f"{where}.network", f"a rule with a global signal in {', '.join(signalled)}", allowed, remedy
    )


def compose(network: Network | IntNetwork, presentations: int | None, record: int) -> Composition:
    """Make the processes for presentations that follow each other without a gap. Each process has its own clock.

    presentations : how many, None for no end. record : how many of them are recorded.
    """
    populations: dict[str, Neurons] = {
        p.name: (HybridLIF if p.neuron.kernel == LEAKY else HybridNeuron).from_description(
            p,
            onset=network.onsets[p.name],
            period=network.steps,
            presentations=presentations,
            record=record * network.steps + network.depth if record else 0,
        )
        for p in network.populations
    }
    projections = {
        p.name: HybridDense.from_description(
            p,
            network.population(p.target),
            network.k_of(p),
            onset=network.onsets[p.target],
            lag=network.lag(p),
            presented=network.presented,
            period=network.steps,
            presentations=presentations,
            record=record,
        )
        for p in network.projections
    }
    for p in network.projections:
        dense, post = projections[p.name], populations[p.target]
        if p.source in populations:
            populations[p.source].s_out.connect(dense.s_in)
        dense.a_out.connect(post.a_in)
        if p.plastic:
            post.u_out.connect(dense.u_in)
    return Composition(network, populations, projections)
