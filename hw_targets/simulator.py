# SPDX-License-Identifier: BSD-3-Clause
"""Executor 4: the mapped network in exact integers, core by core and phase by phase.

All cores advance together. In a step: phase 1, every synapse and local core adds up the spikes of the previous
step into its partial sum; phase 2, soma cores add the parts, integrate, fire and send; phase 3, local cores
update their weights with the potentials. Spikes sent in one step are heard in the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.hw_targets.mapping import Mapping, Tile
from synergic.numerics import fixed
from synergic.quantise import IntPopulation, IntProjection
from synergic.simulate import Record

Array = npt.NDArray[np.int64]


@dataclass
class Activity:
    """What the cores did, summed over samples.

    synaptic : by core, synapse slots visited (spiking axons x neurons, plus local weights rewritten).
    phases : phases of one sample in a stream. spikes, partial_sums, membranes : packets' payloads sent.
    """

    synaptic: Array
    samples: int = 0
    steps: int = 0
    spikes: int = 0
    partial_sums: int = 0
    membranes: int = 0
    local_writes: int = 0


@dataclass
class CoreState:
    """The cores of one tile: axon buffer and, if plastic, local weights."""

    tile: Tile
    projection: IntProjection
    axons: Array
    weights: Array
    alpha: Any
    local: Array | None = field(default=None)

    def start(self, samples: int) -> None:
        """Local weights at the beginning of a presentation."""
        if self.projection.rule is not None:
            piece = self.projection.local_weights[self.tile.slices]
            self.local = np.broadcast_to(piece, (samples, *piece.shape)).copy()

    def partial_sum(self, k: int) -> Array:
        """The exact accumulator of this tile's synapses, (samples, rows)."""
        return fixed.accumulate(self.axons, self.weights, k, self.local, self.alpha)

    def update(self, u: Array) -> int:
        """Phase 3; u : (samples, rows). Returns the number of local weights held at their bound."""
        r, (rows, columns) = self.projection.rule, self.tile.slices
        assert self.local is not None
        assert r is not None
        beta = r.beta[rows] if r.beta.ndim else r.beta
        eta = r.eta[columns] if r.eta.ndim else r.eta
        q = fixed.postsynaptic(u, r.table, r.table_scale, beta)
        self.local, clipped = fixed.hebbian(
            self.local, self.axons, q, eta=eta, lambda_=r.lambda_, sign=r.sign, p_top=r.p_top, eta_exp=r.eta_exp
        )
        return clipped


def build_core(mapping: Mapping, tile: Tile, samples: int) -> CoreState:
    """The state of a tile's cores before the first step."""
    p = next(q for q in mapping.network.projections if q.name == tile.projection)
    rows, columns = tile.slices
    alpha = p.alpha[rows] if p.alpha.ndim else p.alpha
    axons = np.zeros((samples, tile.columns[1] - tile.columns[0]), np.int64)
    return CoreState(tile, p, axons, p.weights[rows, columns], alpha)


def soma(p: IntPopulation, rows: slice, u: Array, acc: Array) -> tuple[Array, npt.NDArray[np.bool_], Array, int]:
    """Phase 2 of a soma core: u(m) before its reset, spikes, u after it, membranes saturated."""
    u, saturated = fixed.membrane(u, acc, p.decay, p.bias[rows])
    s = fixed.spike(u, p.vth)
    return u, s, fixed.reset(u, s, p.vth, p.reset), saturated


def simulate_on_chip(mapping: Mapping, spikes: Any, batch: int = 64) -> tuple[Record, Activity]:
    """Run presentations on the model of the chip.

    spikes : (samples, T, channels) of 0 and 1; batch : samples held at once.
    Returns the record, identical bit for bit with `simulate` of the integer network, and the cores' activity.
    """
    spikes = mapping.network.check_spikes(spikes)
    activity = Activity(np.zeros(mapping.cores, np.int64))
    parts = [simulate_batch(mapping, spikes[i : i + batch], activity) for i in range(0, len(spikes), batch)]
    return Record.concatenate(parts), activity


def simulate_batch(mapping: Mapping, source: Array, activity: Activity) -> Record:
    """The chip's clock: t = 1 .. T + depth; a population works in its own steps m = t - onset = 1 .. T."""
    net, n = mapping.network, len(source)
    record = Record.empty(net, source, np.int64)
    cores = [build_core(mapping, t, n) for t in mapping.tiles]
    for core in cores:
        core.start(n)
    membranes = {p.name: np.zeros((n, p.size), np.int64) for p in net.populations}
    sent = {p.name: np.zeros((n, p.size), np.int64) for p in net.populations}
    activity.samples += n
    activity.steps = net.steps
    for t in range(1, net.steps + net.depth + 1):
        heard = dict(sent)
        heard[net.source.name] = source[:, t - 2] if 2 <= t <= net.steps + 1 else np.zeros_like(source[:, 0])
        for p in net.ordered:
            m = t - net.onsets[p.name]
            if not 1 <= m <= net.steps:
                continue
            mine = [c for c in cores if c.tile.population == p.name]
            for core in mine:  # phase 1
                late = m <= net.lag(core.projection)
                core.axons = heard[core.projection.source][:, core.tile.slices[1]] * (not late)
                count_integration(core, activity)
            for piece in mapping.soma_tiles(p.name).values():  # phase 2
                at = slice(*piece)
                acc = np.zeros((n, piece[1] - piece[0]), np.int64)
                for core in mine:
                    if core.tile.rows == piece:
                        acc += core.partial_sum(int(net.k[m - 1]))
                u, s, membranes[p.name][:, at], saturated = soma(p, at, membranes[p.name][:, at], acc)
                record.u[p.name][:, m - 1, at], record.spikes[p.name][:, m - 1, at] = u, s
                record.saturated[f"{p.name}.u"] += saturated
                activity.spikes += int(s.sum())
            for core in mine:  # phase 3
                if core.projection.learns:
                    clipped = core.update(record.u[p.name][:, m - 1, core.tile.slices[0]])
                    record.saturated[f"{core.projection.name}.P"] += clipped
                    count_update(core, activity)
        # Only now: what is sent in this step is heard in the next.
        for p in net.populations:
            m = t - net.onsets[p.name]
            if 1 <= m <= net.steps:
                sent[p.name] = record.spikes[p.name][:, m - 1]
    for core in cores:
        if core.local is not None:
            rows, columns = core.tile.slices
            record.local_weights[core.projection.name][:, rows, columns] = core.local
    return record


def count_integration(core: CoreState, activity: Activity) -> None:
    """Synapse slots visited, and partial sums sent, in phase 1."""
    tile, n = core.tile, len(core.axons)
    rows = tile.rows[1] - tile.rows[0]
    visited = int(core.axons.sum()) * rows
    for number in (tile.core, *tile.local_cores):
        activity.synaptic[number] += visited
        activity.partial_sums += n * rows if number != tile.soma_core else 0


def count_update(core: CoreState, activity: Activity) -> None:
    """Local weights rewritten, and potentials received, in phase 3."""
    tile, n = core.tile, len(core.axons)
    for number in tile.local_cores:
        activity.synaptic[number] += n * tile.synapses
        activity.membranes += n * (tile.rows[1] - tile.rows[0])
    activity.local_writes += n * tile.synapses
