# SPDX-License-Identifier: BSD-3-Clause
"""Counting what the cores do: what is known before a run, and what follows from the spikes of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.hw_targets.mapping import Mapping
from synergic.hw_targets.simulation._activity import Activity
from synergic.hw_targets.simulation._program import Layout, head_form
from synergic.hw_targets.simulation._streams import window
from synergic.hw_targets.simulation.kernels import FROZEN, HISTORY, MATRIX, State, senders_before
from synergic.network._quantise import IntNetwork

Array = npt.NDArray[Any]


def no_counts() -> Array:
    """Before `count_plan` fills them."""
    return np.zeros(0, np.int64)


@dataclass
class Counting:
    """The part of a run's counts that is known before the run, by tile of the mapping and for one sample.

    first_axon, last_axon : from which neurons a tile receives. delays : steps that spikes wait at its axons. works,
    earlier : (clock, tiles), 1 in the steps of the tile's population, and how many earlier steps of the presentation
    there are. visit_tile, visit_core, visit_rows, visit_pass : one entry a tile and core that visits its rows, and in
    which time-multiplexing pass. compare_tile, compare_core : tiles that compare spikes (history form). gathers :
    (tile, core, rows, step) of each core that writes a stream.
    """

    first_axon: Array = field(default_factory=no_counts)
    last_axon: Array = field(default_factory=no_counts)
    works: Array = field(default_factory=no_counts)
    delays: Array = field(default_factory=no_counts)
    earlier: Array = field(default_factory=no_counts)
    rewritten: Array = field(default_factory=no_counts)
    recalled: Array = field(default_factory=no_counts)
    visit_tile: Array = field(default_factory=no_counts)
    visit_core: Array = field(default_factory=no_counts)
    visit_rows: Array = field(default_factory=no_counts)
    visit_pass: Array = field(default_factory=no_counts)
    compare_tile: Array = field(default_factory=no_counts)
    compare_core: Array = field(default_factory=no_counts)
    gathers: Array = field(default_factory=no_counts)
    partial_sums: int = 0
    membranes: int = 0
    local_writes: int = 0
    overlaps: int = 0


def count_plan(mapping: Mapping, layout: Any, local_memory: str) -> Counting:
    """The counts that do not depend on the input."""
    net = mapping.network
    assert isinstance(net, IntNetwork)
    clock, tiles = net.steps + net.depth, mapping.stored
    plan = Counting()
    plan.first_axon, plan.last_axon, plan.delays = np.zeros((3, len(tiles)), np.int64)
    plan.works, plan.earlier = np.zeros((2, clock, len(tiles)), np.int64)
    plan.rewritten, plan.recalled = np.zeros((2, clock, mapping.cores), np.int64)
    projections = {p.name: p for p in net.projections}
    visits, compares, gathers, recalling, earlier = [], [], [], set(), np.arange(net.steps)
    for i, tile in enumerate(tiles):
        p, rows = projections[tile.projection], tile.rows[1] - tile.rows[0]
        form, plan.delays[i] = head_form(p, local_memory == "history"), p.delay
        plan.first_axon[i], plan.last_axon[i] = (layout.neuron[p.source] + c for c in tile.columns)
        steps = slice(net.onsets[p.target], net.onsets[p.target] + net.steps)
        plan.works[steps, i] = 1
        holds_local = form in (FROZEN, MATRIX) or (form == HISTORY and p.local_weights.any())
        for core in (tile.core, *(tile.local_cores if holds_local else ())):
            visits.append((i, core, rows, tile.pass_index))
            plan.partial_sums += net.steps * rows * (core in mapping.senders[tile])
        if form == MATRIX or p.streams:
            writes = slice(steps.stop - 1, steps.stop) if p.streams else steps
            for core in tile.local_cores:
                plan.rewritten[writes, core] += tile.synapses
                plan.membranes += net.steps * rows
            plan.local_writes += (writes.stop - writes.start) * tile.synapses
        if p.streams:
            gathers += [(i, core, rows, steps.stop - 1) for core in tile.local_cores]
        if form == HISTORY:
            plan.earlier[steps, i] = earlier
            compares.append((i, tile.core))
            if (p.name, tile.rows, tile.soma_core) not in recalling:  # terms are added up once a soma tile
                recalling.add((p.name, tile.rows, tile.soma_core))
                plan.recalled[steps, tile.soma_core] += rows * earlier
            plan.overlaps += int(earlier.sum()) * (tile.core != tile.soma_core)
    plan.visit_tile, plan.visit_core, plan.visit_rows, plan.visit_pass = np.array(visits, np.int64).T
    plan.gathers = np.array(gathers, np.int64).reshape(-1, 4)
    plan.compare_tile, plan.compare_core = np.array(compares, np.int64).reshape(-1, 2).T
    return plan


def count(
    plan: Counting, mapping: Mapping, layout: Layout, state: State, local_memory: str, packet_loss: bool
) -> Activity:
    """Compute the counts of a batch from the spikes that each tile received, and from the packets that were sent.

    packet_loss : whether packet loss is possible. The loop itself has then counted what each tile received.
    """
    net, n = mapping.network, len(state.sent)
    assert isinstance(net, IntNetwork)
    clock = net.steps + net.depth
    if not packet_loss:
        edges, where = np.unique([plan.first_axon, plan.last_axon], return_inverse=True)
        before = np.empty((n, clock, edges.size), np.int64)
        senders_before(state.sent, edges, before)
        first, last = where.reshape(2, -1)
        received = before[:, :, last] - before[:, :, first]
        for delay in np.unique(plan.delays[plan.delays > 0]):
            late = plan.delays == delay
            received[:, :, late] = window(received[:, :, late], -int(delay), clock)
        received = received * plan.works
    else:
        received = state.received[:, 1:, [layout.tiles.index(t) for t in mapping.tiles]]
    visited, slowest = np.zeros((n, clock, mapping.cores), np.int64), np.zeros((clock, mapping.n_passes + 1), np.int64)
    slots = received[:, :, plan.visit_tile] * plan.visit_rows
    for pass_index in range(mapping.n_passes):
        mine = np.flatnonzero(plan.visit_pass == pass_index)
        cores, of_pass = plan.visit_core[mine], np.zeros_like(visited)
        if len(set(cores.tolist())) == len(cores):
            of_pass[:, :, cores] = slots[:, :, mine]
        else:  # several tiles on a core
            np.add.at(of_pass, (slice(None), slice(None), cores), slots[:, :, mine])  # type: ignore[arg-type]
        slowest[:, pass_index] = of_pass.max(axis=2).sum(axis=0)
        visited += of_pass
    rewritten = plan.rewritten * n
    for tile, core, rows, step in plan.gathers:  # the write of a stream adds up a term an active input, step and neuron
        rewritten[step, core] += int(received[:, :, tile].sum()) * rows
    slowest[:, -1] = rewritten.max(axis=1)
    recalled = plan.recalled * n
    compare: Any = (slice(None), plan.compare_core)
    np.add.at(recalled, compare, (received.sum(axis=0) * plan.earlier)[:, plan.compare_tile])
    out = Activity(
        synaptic=(visited.sum(axis=0) + rewritten + recalled).sum(axis=0),
        samples=n,
        steps=net.steps,
        partial_sums=n * plan.partial_sums,
        membranes=n * plan.membranes,
        local_writes=n * plan.local_writes,
        overlaps=n * plan.overlaps,
        local_memory=local_memory,
        integrated=visited.sum(axis=0),
        updated=rewritten,
        recalled=recalled,
        slowest=slowest,
        by_sample=visited.sum(axis=(1, 2)) + (rewritten.sum() + recalled.sum()) // n,
    )
    for i, tile in enumerate(layout.tiles):
        wide = int(state.too_wide[:, i].sum())
        out.too_wide[tile.projection] = out.too_wide.get(tile.projection, 0) + wide
    for p in net.populations:
        at = layout.neuron[p.name]
        out.fired[p.name] = np.count_nonzero(state.sent[:, 1:, at : at + p.size], axis=0)
        out.spikes += int(out.fired[p.name].sum())
    return out


def add_activity(total: Activity, more: Activity) -> None:
    """Add the counts of a further batch of the same run."""
    for name in ("synaptic", "samples", "spikes", "partial_sums", "membranes", "local_writes", "overlaps"):
        setattr(total, name, getattr(total, name) + getattr(more, name))
    for name in ("integrated", "updated", "recalled", "slowest"):
        setattr(total, name, getattr(total, name) + getattr(more, name))
    total.by_sample = np.concatenate([total.by_sample, more.by_sample])
    for name in ("fired", "too_wide"):
        counts = getattr(total, name)
        for key, value in getattr(more, name).items():
            counts[key] = counts[key] + value
