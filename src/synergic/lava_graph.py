# SPDX-License-Identifier: BSD-3-Clause
"""Executors 2 and 3: a description as a graph of Lava processes, and its run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import RingBuffer

from synergic.network import Network
from synergic.processes import HybridDense, HybridLIF
from synergic.quantise import IntNetwork
from synergic.runtime import running
from synergic.simulate import Record


class Graph:
    """Connected Lava processes of a network: `source`, and `populations`, `projections` by name.

    spikes : (samples, T, channels). Presentations follow each other without a gap; every process keeps its
    own clock. The graph runs `n_steps` steps.
    """

    def __init__(self, network: Network | IntNetwork, spikes: Any) -> None:
        spikes = network.check_input(spikes)
        self.network, self.samples = network, len(spikes)
        self.n_steps = len(spikes) * network.steps + network.depth
        data = np.zeros((network.source.size, self.n_steps), spikes.dtype)
        data[:, : len(spikes) * network.steps] = spikes.reshape(-1, network.source.size).T
        self.source = RingBuffer(data=data)
        self.populations = {
            p.name: HybridLIF.from_description(
                p, onset=network.onsets[p.name], period=network.steps, presentations=len(spikes), record=self.n_steps
            )
            for p in network.populations
        }
        self.projections = {}
        for p in network.projections:
            post = self.populations[p.target]
            dense = HybridDense.from_description(
                p,
                network.population(p.target),
                network.k,
                onset=network.onsets[p.target],
                lag=network.lag(p),
                period=network.steps,
                presentations=len(spikes),
                record=len(spikes),
            )
            pre = self.source if p.source == network.source.name else self.populations[p.source]
            pre.s_out.connect(dense.s_in)
            dense.a_out.connect(post.a_in)
            if p.learns:
                post.u_out.connect(dense.u_in)
            self.projections[p.name] = dense

    def record(self, spikes: Any) -> Record:
        """What the populations recorded, on the clock of the presentations."""
        net = self.network
        record = Record(spikes={net.source.name: np.asarray(spikes)})
        for name, process in self.populations.items():
            begin = net.onsets[name]
            shape = (self.samples, net.steps, -1)
            window = slice(begin, begin + self.samples * net.steps)
            record.spikes[name] = process.s_record.get()[window].reshape(shape)
            record.u[name] = process.u_record.get()[window].reshape(shape)
            record.saturated[f"{name}.u"] = int(process.saturated.get()[0])
        for p in net.projections:
            if p.rule is not None:
                process = self.projections[p.name]
                record.saturated[f"{p.name}.P"] = int(process.saturated.get()[0])
                record.local_weights[p.name] = process.local_record.get()
        return record


def run_in_lava(
    network: Network | IntNetwork,
    spikes: Any,
    run_cfg: Any = None,
    progress: Callable[[int], None] | None = None,
    chunk: int = 200,
) -> Record:
    """Run presentations through Lava; floating point for a Network, exact integers for an IntNetwork.

    run_cfg : default Lava's own Loihi2SimCfg with the fitting tag. progress : called with the steps done
    since the last call, every `chunk` steps.
    """
    graph = Graph(network, spikes)
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
