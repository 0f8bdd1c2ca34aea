# SPDX-License-Identifier: BSD-3-Clause
"""A network description as one hierarchical process."""

from __future__ import annotations

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort

from synergic._core.checks import kind, whole
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.processes._composition import Composition, compose, refuse_signals
from synergic.processes._shared_memory import SENDS, SharedProcess
from synergic.reference._simulate import Record


class HybridNetwork(SharedProcess):
    """HybridNetwork(network=quantise(description)): neurons and connections for every part of a description.

    Presentations of T steps follow each other without a gap. As every connection takes a step, the output population
    lives `network.onsets[network.output]` steps behind the source: the spikes it sends at its own step m leave so much
    later. FusedNetwork computes the same, faster, one presentation in a Lava step.

    Parameters
    ----------
    network : Network (floats) or IntNetwork (integers).
    presentations : how many, after which the network rests; None: no end.
    record : number of presentations that `result` can read, default none. To complete them takes
        `record * network.steps + network.depth` Lava steps.

    Ports: s_in (n_in,) input of a step; s_out (n_out,) spikes and u_out (n_out,) membrane before its reset of the
    output population. `composition.populations` and `composition.projections` are the processes inside by name, their
    variables readable and settable as ever. Raises ParameterError.
    """

    def __init__(
        self, *, network: Network | IntNetwork, presentations: int | None = None, record: int = 0, **kwargs: Any
    ) -> None:
        name = kwargs.get("name", type(self).__name__)
        kind(f"{name}.network", network, Network | IntNetwork, "Build one, or export it with to_description().")
        refuse_signals(name, network)
        whole(f"{name}.record", record, 0, float("inf"), "It is a number of presentations.")
        super().__init__(integer=network.integer, record=record, **kwargs)
        self.proc_params[SENDS] = network.message_bits[network.output]
        self.composition: Composition = compose(network, presentations, record)
        self.s_in: InPort = InPort(shape=(network.source.size,))
        self.s_out: OutPort = OutPort(shape=self.composition.output.s_out.shape)
        self.u_out: OutPort = OutPort(shape=self.composition.output.u_out.shape)
        self.share()

    def result(self, spikes: Any) -> Record:
        """What was recorded of the input spikes (samples, T, channels), samples up to `record`."""
        network, record = self.composition.network, self.proc_params["record"]
        spikes = network.check_input(spikes)
        whole(f"{self.name}.result: samples", len(spikes), 1, record, "Build the process with a larger record.")
        return self.composition.record(spikes)
