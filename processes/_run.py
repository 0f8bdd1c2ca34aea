# SPDX-License-Identifier: BSD-3-Clause
"""Executors 2 and 3: a description as a graph of Lava processes, and its run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from lava.magma.core.run_configs import Loihi2SimCfg, RunConfig
from lava.proc.io.source import RingBuffer

from synergic._core.checks import kind
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.processes._composition import Composition, compose
from synergic.processes._population import Neurons
from synergic.processes._progress import CHUNK, check_progress, run_steps
from synergic.processes._runtime import running
from synergic.processes.hybrid_dense.process import HybridDense
from synergic.reference._simulate import Record


class Graph:
    """Connected Lava processes of a network, with their input.

    Presentations follow each other without a gap. Every process has its own clock.

    Parameters
    ----------
    network : Network or IntNetwork
        The description: a Network selects the floating-point models, an IntNetwork the fixed-point models.
    spikes : array_like, shape (samples, T, channels)
        Input.
    signal : array_like, shape (samples, T), or None, default None
        Global signal, for rules that use one.

    Attributes
    ----------
    source : RingBuffer
        Process that sends the input.
    populations : dict of HybridLIF and HybridNeuron
        Neurons by name.
    projections : dict of HybridDense
        Connections by name.
    n_steps : int
        Lava steps until the last presentation has left the network.

    Raises
    ------
    ParameterError
        If the input does not fit the network.

    Examples
    --------
    >>> graph = Graph(network, spikes)
    >>> lif = graph.populations[network.output]
    >>> with running(lif):
    ...     lif.run(condition=RunSteps(num_steps=graph.n_steps), run_cfg=HybridSimCfg())
    ...     record = graph.record(spikes)
    """

    def __init__(
        self, network: Network | IntNetwork, spikes: npt.ArrayLike, signal: npt.ArrayLike | None = None
    ) -> None:
        kind("Graph.network", network, Network | IntNetwork, "Build one, or export it with to_description().")
        given = network.check_input(spikes)
        told = network.check_signal(signal, len(given))
        self.n_steps: int = len(given) * network.steps + network.depth
        data = np.zeros((network.source.size, self.n_steps), given.dtype)
        data[:, : len(given) * network.steps] = given.reshape(-1, network.source.size).T
        self.source: RingBuffer = RingBuffer(data=data)
        self.composition: Composition = compose(network, len(given), len(given))
        self.populations: dict[str, Neurons] = self.composition.populations
        self.projections: dict[str, HybridDense] = self.composition.projections
        for dense in self.composition.entries:
            self.source.s_out.connect(dense.s_in)
        for p in network.projections:
            if p.plastic and p.rule.signalled:
                onset = network.onsets[p.target]
                line = np.zeros((1, self.n_steps), told.dtype)
                line[0, onset : onset + told.size] = told.ravel()
                RingBuffer(data=line).s_out.connect(self.projections[p.name].r_in)

    def record(self, spikes: npt.ArrayLike) -> Record:
        """Return what the populations recorded.

        Parameters
        ----------
        spikes : array_like, shape (samples, T, channels)
            The input that the graph was made with.

        Returns
        -------
        Record
            Spikes, potentials and local weights, on the clock of the presentations.
        """
        return self.composition.record(spikes)


def run_in_lava(
    network: Network | IntNetwork,
    spikes: npt.ArrayLike,
    run_cfg: RunConfig | None = None,
    progress: bool | Callable[[int], None] | None = None,
    chunk: int = CHUNK,
    signal: npt.ArrayLike | None = None,
) -> Record:
    """Run presentations through Lava.

    Parameters
    ----------
    network : Network or IntNetwork
        The description: a Network runs in floating point, an IntNetwork in exact integers.
    spikes : array_like, shape (samples, T, channels)
        Input.
    run_cfg : RunConfig or None, default None
        Such as HybridSimCfg or ChipSimCfg. None: Lava's own Loihi2SimCfg with the tag that fits.
    progress : bool, callable or None, default None
        True: a bar on standard error. A function: it is called after every `chunk` steps with the number of steps since
        its last call. False or None: nothing is shown.
    chunk : int, default 200
        Lava steps between two calls of `progress`, 1 or more.
    signal : array_like, shape (samples, T), or None, default None
        Global signal, for rules that use one.

    Returns
    -------
    Record
        Spikes, potentials and local weights, on the clock of the presentations.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or the input does not fit the network.
    ExecutionError
        If a process model fails; all processes have then been ended.
    """
    kind("run_in_lava.network", network, Network | IntNetwork, "Build one, or export it with to_description().")
    kind("run_in_lava.run_cfg", run_cfg, RunConfig | None, "Make HybridSimCfg(), or one of Lava's.")
    check_progress("run_in_lava", progress, chunk)
    graph = Graph(network, spikes, signal)
    tag = "fixed_pt" if isinstance(network, IntNetwork) else "floating_pt"
    run_cfg = run_cfg or Loihi2SimCfg(select_tag=tag)
    head = next(iter(graph.populations.values()))
    with running(head):
        run_steps(head, graph.n_steps, run_cfg, progress or False, chunk)
        record = graph.record(network.check_input(spikes))
    return record
