# SPDX-License-Identifier: BSD-3-Clause
"""One core at a time, by the functions of synergic.numerics.fixed: the chip inside Lava is made of these.

The simulator proper (synergic.hw_targets.simulation) computes the same with all cores in one compiled loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.hw_targets.mapping import Tile
from synergic.hw_targets.simulation._activity import Activity
from synergic.numerics import fixed
from synergic.rules import IntRule
from synergic.rules._rates import piece

Array = npt.NDArray[np.int64]


@dataclass
class CoreState:
    """The cores of one tile: their axon buffer and views of the parameters that they store.

    weights : (rows, columns). alpha : (rows,) or one value. theta : the rule's parameters by name, this core's part of
    them. local : None or (samples, rows, columns), updated in place. state : the rule's extra arrays; a trace by neuron
    is in every core that receives from the neuron. mask : None or (rows, columns), the rule's. A view follows its
    owner: the core uses what is written there.
    """

    tile: Tile
    axons: Array
    weights: Array
    alpha: Any
    rule: IntRule | None = None
    theta: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Array] = field(default_factory=dict)
    local: Array | None = None
    mask: Array | None = None

    def partial_sum(self, k: int) -> Array:
        """The exact accumulator of this tile's synapses, (samples, rows)."""
        return fixed.accumulate(self.axons, self.weights, k, self.local, self.alpha)

    def begin(self) -> None:
        """A presentation begins: the rule's extra arrays are 0."""
        for values in self.state.values():
            values[...] = 0

    def update(self, u: Array, signal: Any = 0) -> int:
        """Phase 3; u : (samples, rows); signal : (samples, 1). Returns the entries that a bound changed."""
        r = self.rule
        assert self.local is not None
        assert r is not None
        self.local[...], state, clipped = r.update(
            fixed, self.local, self.state, self.axons, u, signal, self.theta, None, self.mask
        )
        for name, values in state.items():
            self.state[name][...] = values
        return clipped


def build_core(tile: Tile, given: dict[str, Any], rule: IntRule | None, local: Array | None) -> CoreState:
    """The state of a tile's cores before the first step.

    given : weights, alpha, and theta, the rule's parameters by name. local : (samples, n_out, n_in), which the cores
    read and update, or None.
    """
    rows, columns = tile.slices
    samples = 1 if local is None else len(local)
    core = CoreState(
        tile,
        axons=np.zeros((samples, tile.columns[1] - tile.columns[0]), np.int64),
        weights=given["weights"][rows, columns],
        alpha=piece(given["alpha"], rows),
    )
    if rule is not None and local is not None:
        core.rule, core.local = rule, local[:, rows, columns]
        core.mask = None if rule.mask is None else rule.mask[rows, columns]
        core.theta = rule.values_at(given["theta"], rows, columns)
        core.state = rule.fresh(rows.stop - rows.start, columns.stop - columns.start, (samples,))
    return core


def soma(u: Array, acc: Array, p: Any, rows: slice) -> tuple[Array, npt.NDArray[np.bool_], Array, int]:
    """Phase 2 of a soma core: u(m) before its reset, spikes, u after it, membranes saturated.

    p : an IntPopulation, or another owner of decay, bias, vth, reset and accumulator_shift.
    """
    u, saturated = fixed.membrane(u, acc, p.decay, piece(p.bias, rows), p.accumulator_shift)
    s = fixed.spike(u, p.vth)
    return u, s, fixed.reset(u, s, p.vth, p.reset), saturated


def count_integration(core: CoreState, activity: Activity, senders: tuple[int, ...]) -> None:
    """Synapse slots visited, and partial sums sent, in phase 1; senders : the tile's cores that send one."""
    tile, n = core.tile, len(core.axons)
    rows = tile.rows[1] - tile.rows[0]
    visited = int(np.count_nonzero(core.axons)) * rows
    for number in tile.cores:
        activity.synaptic[number] += visited
    activity.partial_sums += n * rows * len(senders)


def count_update(core: CoreState, activity: Activity) -> None:
    """Local weights rewritten, and potentials received, in phase 3."""
    tile, n = core.tile, len(core.axons)
    for number in tile.local_cores:
        activity.synaptic[number] += n * tile.synapses
        activity.membranes += n * (tile.rows[1] - tile.rows[0])
    activity.local_writes += n * tile.synapses


def count_write(core: CoreState, s: Array, activity: Activity) -> None:
    """Count the write of a stream. s : (T, columns), what the core received in the presentation."""
    tile, rows = core.tile, core.tile.rows[1] - core.tile.rows[0]
    gathered = int(np.count_nonzero(s)) * rows
    for number in tile.local_cores:
        activity.synaptic[number] += tile.synapses + gathered
        activity.membranes += len(s) * rows
    activity.local_writes += tile.synapses
