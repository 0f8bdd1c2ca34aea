# SPDX-License-Identifier: BSD-3-Clause
"""How long phases would take if they ended with the slowest core, or with the busiest link."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.hw_targets.costs._core_work import (
    lanes,
    phases_per_step,
    setup_cycles,
    trace_slots,
    used_cores,
    writes_apart,
)
from synergic.hw_targets.mapping import Chain, Mapping
from synergic.hw_targets.simulation._activity import Activity

LINK_CYCLES = 1
"""Clocks for which a packet occupies a link. Assumed."""


def busiest_link(mapping: Mapping, activity: Activity, local: set[int]) -> npt.NDArray[np.float64]:
    """Packets over the busiest link in each phase of each step of the clock, mean of the samples.

    The shape is (clock, 2 `mapping.n_passes` + 1): two phases for each time-multiplexing pass, then the update. Spikes
    travel in phase 1 of the pass after the one that sends them. Spikes of the last pass travel in the next step.
    Partial sums and overlaps travel in phase 2, potentials in the update.
    """
    pass_of = {p.name: np.zeros(p.size, np.int64) for p in mapping.network.populations}
    for t in mapping.tiles:
        pass_of[t.population][slice(*t.rows)] = t.pass_index
    last = 2 * mapping.n_passes
    idle = {c for t in mapping.stored for c in t.local_cores} - local
    load: dict[tuple[int, Any, Any], npt.NDArray[np.float64]] = {}
    for chain in mapping.chains:
        ends = (chain.start,) if chain.kind == "partial sum" else chain.stops
        used = [i for i, core in enumerate(ends) if core not in idle]
        if not used:
            continue
        # A chain that carries potentials or spikes on to cores not in use ends before them.
        hops = len(chain.path) if chain.kind == "partial sum" else chain.arrivals[used[-1]]
        pass_index = int(pass_of[mapping.population_of[chain.start]][chain.neurons[0]])
        packets = packets_of(mapping, activity, chain, pass_index)
        phase = {"spike": 2 * (pass_index + 1) % last, "partial sum": 2 * pass_index + 1, "membrane": last}[chain.kind]
        for a, b in itertools.pairwise((mapping.position(chain.start), *chain.path[:hops])):
            load[phase, a, b] = load.get((phase, a, b), 0) + packets
    out = np.zeros((len(activity.integrated), last + 1))
    for (phase, _, _), carried in load.items():
        out[:, phase] = np.maximum(out[:, phase], carried)
    return out


def packets_of(mapping: Mapping, activity: Activity, chain: Chain, pass_index: int) -> npt.NDArray[np.float64]:
    """Packets that one chain carries in each step of the clock for neurons that fire in one pass, (clock,).

    The counts are means of the samples.
    """
    packets = np.zeros(len(activity.integrated))
    population = mapping.population_of[chain.start]
    onset = mapping.network.onsets[population]  # type: ignore[union-attr]
    works = slice(onset, onset + activity.steps)
    first, last = chain.neurons
    if chain.kind == "spike":
        fired = activity.fired[population][:, first:last].sum(axis=1) / max(activity.samples, 1)
        if pass_index < mapping.n_passes - 1:
            return fired
        packets[1:] = fired[:-1]
        return packets
    if activity.local_memory == "matrix":
        packets[works] = last - first
    elif chain.kind == "partial sum":
        learns = {p.name: p.learns for p in mapping.network.projections}
        overlaps = sum(t.core == chain.start and learns[t.projection] for t in mapping.on_core[chain.start])
        packets[works] = last - first + overlaps * np.arange(activity.steps)
    return packets


def phase_clocks(mapping: Mapping, activity: Activity) -> tuple[dict[str, npt.NDArray[np.float64]], tuple[str, ...]]:
    """Clocks of each phase in each step of the chip's clock, and the phases' names.

    "slowest core", "busiest link" : (clock, phases), mean of the samples. Where a step has one phase only, what the
    soma cores do is at its end.
    """
    chip, count = mapping.chip, phases_per_step(mapping, activity.local_memory)
    samples, rate = max(activity.samples, 1), lanes(chip)
    n_passes = mapping.n_passes
    work = np.zeros((len(activity.slowest), 2 * n_passes + 1))
    work[:, :-1:2] = activity.slowest[:, :-1] / samples / rate
    work[:, -1] = (activity.updated + samples * trace_slots(mapping, activity)).max(axis=1) / samples / rate
    work[:, 1] = activity.recalled.max(axis=1) / samples / rate  # populations that learn are not folded: pass 0
    apart = activity.local_memory == "matrix" and writes_apart(mapping.network)
    updates = activity.local_memory == "matrix" and any(p.learns for p in mapping.network.projections)
    relays = count - updates > n_passes
    used = [*[True, relays] * n_passes, updates or apart]
    if not relays:
        work[:, 0] += work[:, 1]
    _, local = used_cores(mapping, activity.local_memory)
    links = busiest_link(mapping, activity, local) * LINK_CYCLES
    numbers = [f" {pass_index + 1}" if n_passes > 1 else "" for pass_index in range(n_passes)]
    every = [*(f"{name}{n}" for n in numbers for name in ("integrate", "add up and fire")), "update"]
    names = [n for n, u in zip(every, used, strict=True) if u]
    clocks = work + setup_cycles(chip)
    if apart:
        clocks[work[:, -1] == 0, -1] = 0  # a step without a write has no such phase
    return {"slowest core": clocks[:, used], "busiest link": links[:, used]}, tuple(names)


def measured_latencies(mapping: Mapping, activity: Activity) -> tuple[float, float]:
    """Seconds from a sample's first input to its last output, by the slowest core, and with contention on the mesh."""
    clocks, _ = phase_clocks(mapping, activity)
    both = np.maximum(clocks["slowest core"], clocks["busiest link"])
    clock = mapping.chip.clock.value
    return float(clocks["slowest core"].sum() / clock), float(both.sum() / clock)
