# SPDX-License-Identifier: BSD-3-Clause
"""A network description as one process that computes a whole presentation in a Lava step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from lava.magma.core.process.ports.ports import InPort, OutPort

from synergic._core.checks import kind, whole
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.numerics._compiled import warm_up
from synergic.processes._composition import refuse_signals
from synergic.processes._shared_memory import SENDS, SharedProcess, SharedVar
from synergic.reference._presentation import split, split_biases
from synergic.reference._simulate import Record, start_biases

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synergic.processes._arguments import ProcessArguments


class FusedNetwork(SharedProcess):
    """Process that computes a whole network, a presentation of T steps in each Lava step.

    The network may be recurrent. Spikes, potentials and local weights are those of HybridNetwork, bit for bit. What
    Lava costs, a fixed time a step and a process, is paid once a presentation. The answer leaves in the Lava step in
    which the input comes in, so the process cannot be a part of a loop of Lava processes.

    Parameters
    ----------
    network : Network or IntNetwork
        The description: a Network selects the floating-point model, an IntNetwork the fixed-point model.
    record : int, default 0
        Number of presentations that `result` can read.
    name, log_config
        As of every Lava process.

    Attributes
    ----------
    s_in : InPort, shape (T, n_in)
        Input of a presentation.
    s_out : OutPort, shape (T, n_out)
        Spikes of the output population.
    u_out : OutPort, shape (n_out,)
        Potential of the output population at step T, before its reset.
    u_all_out : OutPort, shape (T, n_out)
        Potential of the output population at all steps, before its reset.
    local_weights : Var
        P of all projections with a rule after the last recorded presentation, in a row; see `local_weights_of`. Of a
        stream, P now: it may be set between two runs.
    homeostatic_bias : Var
        Intrinsic biases c of all populations with homeostasis, in a row, in the order of `network`.
    homeostatic_record : Var, shape (record, neurons with homeostasis)
        c after each recorded presentation.
    saturated : Var
        Numbers of clipped values, in the order of `network`: of each population, then of each P.
    s_record, u_record : Var, shape (record, T, all neurons)
        Recorded output and potentials.
    local_record : Var
        The last P of each recorded presentation, in a row.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or a rule needs a global signal, for which there is no port.
    ExecutionError
        From the run, if `network.check_input` refuses the input.

    Examples
    --------
    >>> fused = FusedNetwork(network=sy.quantise(description), record=100)
    """

    def __init__(self, *, network: Network | IntNetwork, record: int = 0, **kwargs: Unpack[ProcessArguments]) -> None:
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
        c = np.concatenate([np.zeros(0, dtype), *start_biases(network).values()])
        self.homeostatic_bias: SharedVar = SharedVar(c if c.size else np.zeros(1, dtype))
        self.homeostatic_record: SharedVar = SharedVar(np.zeros((max(record, 1), max(c.size, 1)), dtype))
        shape = (record, network.steps, neurons) if record else (1, 1, 1)
        self.s_record: SharedVar = SharedVar(np.zeros(shape, dtype))
        self.u_record: SharedVar = SharedVar(np.zeros(shape, dtype))
        self.local_record: SharedVar = SharedVar(np.zeros((record, max(total, 1)) if record else (1, 1), dtype))
        self.share()

    def check(self, model: type) -> None:
        """Refuse a model of the other kind of numbers, and compile the loops before the start."""
        super().check(model)
        warm_up()

    def views(self, flat: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """Return the local weights of each projection, by name, as views of the row `flat` of all."""
        return split(flat, self.proc_params["network"])

    def local_weights_of(self, projection: str) -> npt.NDArray[Any]:
        """Return P of a projection with a rule, (n_out, n_in), after the last recorded presentation."""
        return self.views(self.local_weights.get())[projection]

    def result(self, spikes: npt.ArrayLike) -> Record:
        """Return what was recorded of presentations.

        Parameters
        ----------
        spikes : array_like, shape (samples, T, channels)
            The input that the process received, up to `record` samples.

        Returns
        -------
        Record
            Spikes, potentials and local weights, on the clock of the presentations.

        Raises
        ------
        ParameterError
            If there are more samples than `record`, or they do not fit the network.
        """
        network, record = self.proc_params["network"], self.proc_params["record"]
        checked = network.check_input(spikes)
        n = whole(f"{self.name}.result: samples", len(checked), 1, record, "Build the process with a larger record.")
        found = Record(spikes={network.source.name: checked})
        s, u, local = (var.get()[:n] for var in (self.s_record, self.u_record, self.local_record))
        ends = np.cumsum([p.size for p in network.populations])
        for p, end in zip(network.populations, ends, strict=True):
            found.spikes[p.name] = s[..., end - p.size : end]
            found.u[p.name] = u[..., end - p.size : end]
        rows = [self.views(row) for row in local]
        streams = {q.name for q in network.streams}
        found.local_weights = {
            name: np.stack([row[name] for row in (rows[-1:] if name in streams else rows)]) for name in rows[0]
        }
        found.homeostatic_bias = split_biases(self.homeostatic_record.get()[:n], network)
        names = [f"{p.name}.u" for p in network.populations] + [f"{name}.P" for name in rows[0]]
        found.saturated = dict(zip(names, map(int, self.saturated.get()), strict=True))
        return found
