# SPDX-License-Identifier: BSD-3-Clause
"""Executor 4: the mapped network in exact integers, core by core and phase by phase.

All cores advance together. In a step: phase 1, every synapse and local core adds up the spikes of the previous
step into its partial sum; phase 2, soma cores add the parts, integrate, fire and send; phase 3, local cores
update their weights with the potentials. Spikes sent in one step are heard in the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.checks import kind, whole
from synergic.errors import ParameterError
from synergic.hw_targets.mapping import Mapping, Tile
from synergic.numerics import fixed
from synergic.quantise import IntHebbian, IntNetwork, IntProjection
from synergic.simulate import Record

Array = npt.NDArray[np.int64]


@dataclass
class Activity:
    """What the cores did, summed over samples.

    synaptic : by core, synapse slots visited (spiking axons x neurons, plus local weights rewritten).
    samples, steps : presentations, and steps of each. spikes, partial_sums, membranes : packets' payloads sent.
    local_writes : local weights rewritten.
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
    """The cores of one tile: their axon buffer and views of the parameters that they hold.

    weights : (rows, columns). alpha, beta : (rows,) or one value; eta : (columns,) or one value. local : None or
    (samples, rows, columns), updated in place. A view follows its owner: what is written there, the core uses.
    """

    tile: Tile
    axons: Array
    weights: Array
    alpha: Any
    rule: IntHebbian | None = None
    eta: Any = 0
    beta: Any = 0
    lambda_: Any = 0
    local: Array | None = None

    def partial_sum(self, k: int) -> Array:
        """The exact accumulator of this tile's synapses, (samples, rows)."""
        return fixed.accumulate(self.axons, self.weights, k, self.local, self.alpha)

    def update(self, u: Array) -> int:
        """Phase 3; u : (samples, rows). Returns the number of local weights that their bound changed."""
        r = self.rule
        assert self.local is not None
        assert r is not None
        q = fixed.postsynaptic(u, r.table, r.table_scale, self.beta)
        self.local[...], clipped = fixed.hebbian(
            self.local, self.axons, q, eta=self.eta, lambda_=self.lambda_, sign=r.sign, p_top=r.p_top, eta_exp=r.eta_exp
        )
        return clipped


def piece(values: Any, at: slice) -> Any:
    """A tile's part of one value a neuron, or the one value for all."""
    return values[at] if np.size(values) > 1 else values


def parameters(p: IntProjection) -> dict[str, Any]:
    """What the cores of a projection hold."""
    theta = {} if p.rule is None else {"eta": p.rule.eta, "beta": p.rule.beta, "lambda_": p.rule.lambda_}
    return {"weights": p.weights, "alpha": p.alpha, **theta}


def build_core(tile: Tile, held: dict[str, Any], rule: IntHebbian | None, local: Array | None) -> CoreState:
    """The state of a tile's cores before the first step.

    held : as of `parameters`. local : (samples, n_out, n_in), which the cores read and update, or None.
    """
    rows, columns = tile.slices
    samples = 1 if local is None else len(local)
    core = CoreState(
        tile,
        axons=np.zeros((samples, tile.columns[1] - tile.columns[0]), np.int64),
        weights=held["weights"][rows, columns],
        alpha=piece(held["alpha"], rows),
    )
    if rule is not None and local is not None:
        core.rule, core.local = rule, local[:, rows, columns]
        core.eta, core.beta, core.lambda_ = piece(held["eta"], columns), piece(held["beta"], rows), held["lambda_"]
    return core


def soma(u: Array, acc: Array, p: Any, rows: slice) -> tuple[Array, npt.NDArray[np.bool_], Array, int]:
    """Phase 2 of a soma core: u(m) before its reset, spikes, u after it, membranes saturated.

    p : an IntPopulation, or another owner of decay, bias, vth, reset and accumulator_shift.
    """
    u, saturated = fixed.membrane(u, acc, p.decay, piece(p.bias, rows), p.accumulator_shift)
    s = fixed.spike(u, p.vth)
    return u, s, fixed.reset(u, s, p.vth, p.reset), saturated


def simulate_on_chip(mapping: Mapping, spikes: Any, batch: int = 64) -> tuple[Record, Activity]:
    """Run presentations on the model of the chip.

    spikes : (samples, T, channels) of 0 and 1; batch : samples held at once.
    Returns the record, identical bit for bit with `simulate` of the integer network, and the cores' activity.
    Raises ParameterError.
    """
    kind("simulate_on_chip.mapping", mapping, Mapping, "Make one with map_network().")
    whole("simulate_on_chip.batch", batch, 1, float("inf"), "It is a number of samples.")
    net = mapping.network
    if not isinstance(net, IntNetwork):
        raise ParameterError(
            "simulate_on_chip.mapping: got a graph of Lava processes, allowed the mapping of an IntNetwork. "
            "Run the graph with a ChipSimCfg, or map a network description."
        )
    spikes = net.check_input(spikes)
    activity = Activity(np.zeros(mapping.cores, np.int64))
    parts = [simulate_batch(mapping, spikes[i : i + batch], activity) for i in range(0, len(spikes), batch)]
    return Record.concatenate(parts), activity


def simulate_batch(mapping: Mapping, source: Array, activity: Activity) -> Record:
    """The chip's clock: t = 1 .. T + depth; a population works in its own steps m = t - onset = 1 .. T."""
    net, n = mapping.network, len(source)
    assert isinstance(net, IntNetwork)
    record = Record.empty(net, source, np.int64)
    projections = {p.name: p for p in net.projections}
    cores = []
    for tile in mapping.tiles:
        p = projections[tile.projection]
        cores.append(build_core(tile, parameters(p), p.rule, record.local_weights.get(p.name)))
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
                projection = projections[core.tile.projection]
                late = m <= net.lag(projection)
                core.axons = heard[projection.source][:, core.tile.slices[1]] * (not late)
                count_integration(core, activity)
            for rows in mapping.soma_tiles(p.name).values():  # phase 2
                at = slice(*rows)
                acc = np.zeros((n, rows[1] - rows[0]), np.int64)
                for core in mine:
                    if core.tile.rows == rows:
                        acc += core.partial_sum(int(net.k[m - 1]))
                u, s, membranes[p.name][:, at], saturated = soma(membranes[p.name][:, at], acc, p, at)
                record.u[p.name][:, m - 1, at], record.spikes[p.name][:, m - 1, at] = u, s
                record.saturated[f"{p.name}.u"] += saturated
                activity.spikes += int(s.sum())
            for core in mine:  # phase 3
                if projections[core.tile.projection].learns:
                    clipped = core.update(record.u[p.name][:, m - 1, core.tile.slices[0]])
                    record.saturated[f"{core.tile.projection}.P"] += clipped
                    count_update(core, activity)
        # Only now: what is sent in this step is heard in the next.
        for p in net.populations:
            m = t - net.onsets[p.name]
            if 1 <= m <= net.steps:
                sent[p.name] = record.spikes[p.name][:, m - 1]
    return record


def count_integration(core: CoreState, activity: Activity) -> None:
    """Synapse slots visited, and partial sums sent, in phase 1."""
    tile, n = core.tile, len(core.axons)
    rows = tile.rows[1] - tile.rows[0]
    visited = int(np.count_nonzero(core.axons)) * rows
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
