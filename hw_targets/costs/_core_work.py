# SPDX-License-Identifier: BSD-3-Clause
"""What cores do and store beside reading weights: clocks, phases, traces, histories and homeostatic biases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping import Mapping, Tile
from synergic.hw_targets.mapping._mapping_data import block
from synergic.hw_targets.simulation._activity import Activity
from synergic.numerics.fixed import TABLE_SIZE

HOMEOSTATIC_BYTES = 12
"""Bytes of a neuron's homeostasis: bias, sum and target, 32 bits each."""
HISTORY_BYTES = 4
"""Bytes of a postsynaptic term in the history form: up to 32 bits. A spike takes one bit."""
TRACE_BYTES = 3
"""Bytes of a value of a rule's own arrays: within -64 .. 64 with 12 fraction bits, 19 bits."""


def lanes(chip: Chip) -> int:
    """Synapses that a core visits in a clock: the least power of two with which all of them fit into a phase."""
    slots = int(chip.axons) * int(chip.neurons)
    return 1 << max(0, (-(-slots // int(chip.phase_cycles)) - 1).bit_length())


def setup_cycles(chip: Chip) -> int:
    """Return the clocks of a phase that do not visit synapses: 954 of 5,050 on the tianjic."""
    return max(0, int(chip.phase_cycles) - int(chip.axons) * int(chip.neurons) // lanes(chip))


def used_cores(mapping: Mapping, local_memory: str) -> tuple[set[int], set[int]]:
    """All cores that a mapping uses, and those with local weights: in the history form only for a P(0) not 0."""
    projections = {p.name: p for p in mapping.network.projections}
    local: set[int] = set()
    for t in mapping.stored:
        p = projections[t.projection]
        if local_memory == "matrix" or (p.rule is not None and (not p.learns or bool(np.any(p.local_weights)))):
            local.update(t.local_cores)
    return {c for t in mapping.stored for c in (t.core, t.soma_core)} | local, local


def phases_per_step(mapping: Mapping, local_memory: str) -> int:
    """As the mapping's own; the history form has nothing to rewrite, and fewer sums from other cores."""
    if local_memory == "matrix":
        return mapping.phases_per_step
    _, local = used_cores(mapping, local_memory)
    used = ((c, t.soma_core) for t in mapping.stored for c in (t.core, *(set(t.local_cores) & local)))
    return mapping.n_passes * (1 + any(core != soma for core, soma in used))


def stored_weights(mapping: Mapping, p: Any) -> int:
    """Slow weights of a projection: all, or of a convolution those that cores store for all passes."""
    if p.convolution is None:
        return int(p.weights.size)
    by_core: dict[int, list[Any]] = {}
    for t in mapping.into(p.target):
        if t.projection == p.name:
            by_core.setdefault(t.core, []).append(t)
    return sum(math.prod(block(tiles)) for tiles in by_core.values())


def history_size(mapping: Mapping, steps: int) -> int:
    """Bytes that the history form stores for T steps: a bit an axon of each tile, and a term a neuron of each head."""
    projections = {p.name: p for p in mapping.network.projections}
    bits = terms = 0
    heads = set()
    for t in mapping.stored:
        if projections[t.projection].learns:
            bits += (t.columns[1] - t.columns[0]) * steps
            heads.add((t.projection, t.rows, t.soma_core))
    terms = sum(b - a for _, (a, b), _ in heads) * steps
    return -(-bits // 8) + HISTORY_BYTES * terms


def stream_size(t: Tile, steps: int) -> int:
    """Bytes that each core with local weights of a stream stores until the write: spikes and postsynaptic terms."""
    return -(-(t.columns[1] - t.columns[0]) * steps // 8) + HISTORY_BYTES * (t.rows[1] - t.rows[0]) * steps


def stream_sizes(mapping: Mapping, steps: int) -> dict[Tile, int]:
    """`stream_size` of all tiles whose local weights live on."""
    streams = {p.name for p in mapping.network.projections if p.streams}
    return {t: stream_size(t, steps) for t in mapping.stored if t.projection in streams}


def writes_apart(network: Any) -> bool:
    """Whether the update phase exists only after the last step: there are streams, and nothing changes step by step."""
    projections = network.projections
    return any(p.streams for p in projections) and not any(p.learns for p in projections)


def traces_of(mapping: Mapping, local_memory: str) -> dict[Tile, int]:
    """Values of the rules' own arrays in each core with local weights of a tile, by tile that learns by such a rule."""
    projections = {p.name: p for p in mapping.network.projections}
    found = {}
    for t in mapping.stored:
        p = projections[t.projection]
        if local_memory == "matrix" and p.plastic and p.rule is not None and p.rule.state:
            arrays = p.rule.fresh(t.rows[1] - t.rows[0], t.columns[1] - t.columns[0])
            found[t] = sum(values.size for values in arrays.values())
    return found


def trace_slots(mapping: Mapping, activity: Activity) -> npt.NDArray[np.int64]:
    """Slots that the update of the rules' own arrays takes in each step of the chip's clock, of one sample.

    The shape is (clock, cores). It is (1, cores), the steps added up, if the run has no counts by step.
    """
    stepwise = len(activity.integrated) > 0
    slots = np.zeros((len(activity.integrated) or 1, mapping.cores), np.int64)
    for t, values in traces_of(mapping, activity.local_memory).items():
        onset = mapping.network.onsets[t.population]  # type: ignore[union-attr]
        for core in t.local_cores:
            if stepwise:
                slots[onset : onset + activity.steps, core] += values
            else:
                slots[0, core] += values * activity.steps
    return slots


def soma_slots(mapping: Mapping, steps: int) -> npt.NDArray[np.int64]:
    """Slots that homeostasis takes in each core, of one sample: a neuron's term in each step, and its write."""
    slots, names = np.zeros(mapping.cores, np.int64), {p.name for p in homeostatic(mapping)}
    for core, (first, last) in {(t.soma_core, t.rows) for t in mapping.tiles if t.population in names}:
        slots[core] += (last - first) * (steps + 1)
    return slots


def delay_bytes(mapping: Mapping) -> int:
    """Bytes of spikes that wait at the axons of all cores of projections with a delay."""
    projections = {p.name: p for p in mapping.network.projections}
    total = 0
    for t in mapping.stored:
        p = projections[t.projection]
        bits = (t.columns[1] - t.columns[0]) * p.delay * max(p.num_message_bits, 1)
        total += -(-bits // 8) * len({t.core, *t.local_cores})
    return total


def homeostatic(mapping: Mapping) -> list[Any]:
    """The populations with homeostasis."""
    return [p for p in mapping.network.populations if p.homeostasis is not None]


def homeostatic_bytes(mapping: Mapping) -> int:
    """Bytes of homeostasis: c, the sum and the target of each neuron, and a table of rho in each soma core."""
    names = {p.name for p in homeostatic(mapping)}
    cores = {t.soma_core for t in mapping.tiles if t.population in names}
    return HOMEOSTATIC_BYTES * sum(p.size for p in homeostatic(mapping)) + 2 * TABLE_SIZE * len(cores)
