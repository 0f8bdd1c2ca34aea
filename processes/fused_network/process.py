# SPDX-License-Identifier: BSD-3-Clause
"""A network description as one process that computes a whole presentation in a Lava step."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort

from synergic._core.checks import kind, whole
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.numerics._compiled import warm_up
from synergic.processes._composition import refuse_signals
from synergic.processes._shared_memory import SENDS, SharedProcess, SharedVar
from synergic.reference._presentation import split
from synergic.reference._simulate import Record


class FusedNetwork(SharedProcess):
    """FusedNetwork(network=quantise(description)): any network, also a recurrent one, T of its steps in a Lava step.

    Spikes, potentials and local weights are those of HybridNetwork, bit for bit. What Lava costs, a fixed time a step
    and a process, is paid once a presentation. The answer leaves in the Lava step in which the input comes, so the
    process cannot be a part of a loop of Lava processes.

    Parameters
    ----------
    network : Network (floats) or IntNetwork (integers).
    record : number of presentations that `result` can read, default none.

    Ports: s_in (T, n_in) input of a presentation; s_out (T, n_out) spikes of the output population and u_out (n_out,)
    its membrane at step T, before its reset; u_all_out (T, n_out), at all steps. Vars: local_weights, of all
    projections with a rule, after the last recorded presentation (`local_weights_of` takes them apart); saturated,
    events in the order of `network`: values of each population clipped, then entries of each P; s_record, u_record
    (record, T, all neurons), local_record.

    Raises ParameterError; input that `network.check_input` refuses ends the run with an ExecutionError.
    """

    def __init__(self, *, network: Network | IntNetwork, record: int = 0, **kwargs: Any) -> None:
        name = kwargs.get("name", type(self).__name__)
        kind(f"{name}.network", network, Network | IntNetwork, "Build one, or export it with to_description().")
        refuse_signals(name, network)
        whole(f"{name}.record", record, 0, float("inf"), "It is a number of presentations.")
        super().__init__(integer=network.integer, network=network, record=record, **kwargs)
        self.proc_params[SENDS] = network.message_bits[network.output]
        dtype = np.int64 if network.integer else np.float64
        plastic = [q for q in network.projections if q.rule is not None]
        neurons, total = sum(p.size for p in network.populations), sum(q.weights.size for q in plastic)
        out = network.population(network.output).size
        self.s_in: InPort = InPort(shape=(network.steps, network.source.size))
        self.s_out: OutPort = OutPort(shape=(network.steps, out))
        self.u_out: OutPort = OutPort(shape=(out,))
        self.u_all_out: OutPort = OutPort(shape=(network.steps, out))
        # Lava wants every Var of the model to exist, and no empty ones.
        self.local_weights: SharedVar = SharedVar(np.zeros(max(total, 1), dtype))
        for q in plastic:
            self.views(self.local_weights.shared)[q.name][...] = q.local_weights
        self.saturated: SharedVar = SharedVar(np.zeros(len(network.populations) + len(plastic), np.int64))
        kept = (record, network.steps, neurons) if record else (1, 1, 1)
        self.s_record: SharedVar = SharedVar(np.zeros(kept, dtype))
        self.u_record: SharedVar = SharedVar(np.zeros(kept, dtype))
        self.local_record: SharedVar = SharedVar(np.zeros((record, max(total, 1)) if record else (1, 1), dtype))
        self.share()

    def check(self, model: Any) -> None:
        """As any process of synergic; also prepares for the start."""
        super().check(model)
        warm_up()

    def views(self, flat: Any) -> dict[str, Any]:
        """The local weights of each projection in a row of all."""
        return split(flat, self.proc_params["network"])

    def local_weights_of(self, projection: str) -> Any:
        """P of a projection with a rule, (n_out, n_in), after the last recorded presentation."""
        return self.views(self.local_weights.get())[projection]

    def result(self, spikes: Any) -> Record:
        """What was recorded of the input spikes (samples, T, channels), samples up to `record`."""
        network, record = self.proc_params["network"], self.proc_params["record"]
        spikes = network.check_input(spikes)
        n = whole(f"{self.name}.result: samples", len(spikes), 1, record, "Build the process with a larger record.")
        found = Record(spikes={network.source.name: spikes})
        s, u, local = (var.get()[:n] for var in (self.s_record, self.u_record, self.local_record))
        ends = np.cumsum([p.size for p in network.populations])
        for p, end in zip(network.populations, ends, strict=True):
            found.spikes[p.name] = s[..., end - p.size : end]
            found.u[p.name] = u[..., end - p.size : end]
        rows = [self.views(row) for row in local]
        found.local_weights = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        names = [f"{p.name}.u" for p in network.populations] + [f"{name}.P" for name in rows[0]]
        found.saturated = dict(zip(names, map(int, self.saturated.get()), strict=True))
        return found
