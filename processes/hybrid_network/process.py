# SPDX-License-Identifier: BSD-3-Clause
"""A network description as one hierarchical process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy.typing as npt
from lava.magma.core.process.ports.ports import InPort, OutPort

from synergic._core.checks import kind, whole
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.processes._composition import Composition, compose, refuse_signals
from synergic.processes._shared_memory import SENDS, SharedProcess
from synergic.reference._simulate import Record

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synergic.processes._arguments import ProcessArguments


class HybridNetwork(SharedProcess):
    """Hierarchical Process of a network: neurons and connections for every part of a description.

    Presentations of T steps follow each other without a gap. Every connection takes a Lava step. The output population
    therefore runs `network.onsets[network.output]` steps behind the source: the spikes of its own step m leave that
    much later. FusedNetwork computes the same, faster, one presentation in a Lava step.

    Parameters
    ----------
    network : Network or IntNetwork
        The description: a Network selects the floating-point models, an IntNetwork the fixed-point models.
    presentations : int or None, default None
        Number of presentations, after which the network rests. None: no end.
    record : int, default 0
        Number of presentations that `result` can read. To complete them takes `record * network.steps + network.depth`
        Lava steps.
    name, log_config
        As of every Lava process.

    Attributes
    ----------
    s_in : InPort, shape (n_in,)
        Input of a step.
    s_out : OutPort, shape (n_out,)
        Spikes of the output population.
    u_out : OutPort, shape (n_out,)
        Potential of the output population, before its reset.
    composition : Composition
        The processes inside, by name, in `populations` and `projections`. Their Vars can be read and set between two
        runs.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or a rule needs a global signal, for which there is no port.

    Examples
    --------
    >>> net = HybridNetwork(network=sy.quantise(description), presentations=100, record=100)
    """

    def __init__(
        self,
        *,
        network: Network | IntNetwork,
        presentations: int | None = None,
        record: int = 0,
        **kwargs: Unpack[ProcessArguments],
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
        network, record = self.composition.network, self.proc_params["record"]
        checked = network.check_input(spikes)
        whole(f"{self.name}.result: samples", len(checked), 1, record, "Build the process with a larger record.")
        return self.composition.record(checked)
