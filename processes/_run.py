# SPDX-License-Identifier: BSD-3-Clause
"""Executors 2 and 3: a description as a graph of Lava processes, and its run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg, RunConfig
from lava.proc.io.source import RingBuffer

from synergic._core.checks import function, kind, whole
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.processes._composition import Composition, compose
from synergic.processes._population import Neurons
from synergic.processes._runtime import running
from synergic.processes.hybrid_dense.process import HybridDense
from synergic.reference._simulate import Record


class Graph:
    """Connected Lava processes of a network: `source`, and `populations`, `projections` by name.

    spikes : (samples, T, channels). signal : (samples, T), for rules that hear one. Presentations follow each other
    without a gap; every process keeps its own clock. The graph runs `n_steps` steps.
    """

    def __init__(self, network: Network | IntNetwork, spikes: Any, signal: Any = None) -> None:
        kind("Graph.network", network, Network | IntNetwork, "Build one, or export it with to_description().")
        spikes = network.check_input(spikes)
        signal = network.check_signal(signal, len(spikes))
        self.n_steps: int = len(spikes) * network.steps + network.depth
        data = np.zeros((network.source.size, self.n_steps), spikes.dtype)
        data[:, : len(spikes) * network.steps] = spikes.reshape(-1, network.source.size).T
        self.source: RingBuffer = RingBuffer(data=data)
        self.composition: Composition = compose(network, len(spikes), len(spikes))
        self.populations: dict[str, Neurons] = self.composition.populations
        self.projections: dict[str, HybridDense] = self.composition.projections
        for dense in self.composition.entries:
            self.source.s_out.connect(dense.s_in)
        for p in network.projections:
            if p.learns and p.rule.signalled:
                onset = network.onsets[p.target]
                told = np.zeros((1, self.n_steps), signal.dtype)
                told[0, onset : onset + signal.size] = signal.ravel()
                RingBuffer(data=told).s_out.connect(self.projections[p.name].r_in)

    def record(self, spikes: Any) -> Record:
        """What the populations recorded, on the clock of the presentations."""
        return self.composition.record(spikes)


def run_in_lava(
    network: Network | IntNetwork,
    spikes: Any,
    run_cfg: Any = None,
    progress: Callable[[int], None] | None = None,
    chunk: int = 200,
    signal: Any = None,
) -> Record:
    """Run presentations through Lava; floating point for a Network, exact integers for an IntNetwork.

    run_cfg : default Lava's own Loihi2SimCfg with the fitting tag. progress : called with the steps done
    since the last call, every `chunk` steps. signal : (samples, T), for rules that hear one.
    """
    kind("run_in_lava.network", network, Network | IntNetwork, "Build one, or export it with to_description().")
    kind("run_in_lava.run_cfg", run_cfg, RunConfig | None, "Make HybridSimCfg(), or one of Lava's.")
    whole("run_in_lava.chunk", chunk, 1, float("inf"), "It is a number of steps.")
    if progress is not None:
        function("run_in_lava.progress", progress)
    graph = Graph(network, spikes, signal)
    tag = "fixed_pt" if isinstance(network, IntNetwork) else "floating_pt"
    run_cfg = run_cfg or Loihi2SimCfg(select_tag=tag)
    head = next(iter(graph.populations.values()))
    with running(head):
        done = 0
        while done < graph.n_steps:
            n = min(chunk, graph.n_steps - done)
            head.run(condition=RunSteps(num_steps=n), run_cfg=run_cfg)
            done += n
            if progress:
                progress(n)
        record = graph.record(network.check_input(spikes))
    return record
