# SPDX-License-Identifier: BSD-3-Clause
"""The record of a batch, read from the state that the cores left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.hw_targets.simulation._probes import ChipRecord, Probes
from synergic.hw_targets.simulation._program import Layout, Program
from synergic.hw_targets.simulation._streams import window
from synergic.hw_targets.simulation.kernels import HISTORY, State
from synergic.network._quantise import IntNetwork
from synergic.numerics import fixed

Array = npt.NDArray[Any]


@dataclass
class StateReader:
    """Reads records from states, in the order of the network.

    network, arranged : the network, and the same in the order of the mapping. order : by population, the neurons in
    that order.
    """

    network: IntNetwork
    arranged: IntNetwork
    layout: Layout
    program: Program
    order: dict[str, Array]
    probes: Probes

    def record(self, state: State) -> ChipRecord:
        """Return what the probes select."""
        net, layout = self.network, self.layout
        sizes = {p.name: p.size for p in (net.source, *net.populations)}
        record = ChipRecord(sums={})
        for name in self.probes.spikes or ():
            at, onset = layout.neuron[name], net.onsets[name]
            sent = state.sent[:, onset + 1 : onset + 1 + net.steps, at : at + sizes[name]]
            record.spikes[name] = self.counted(name, sent)
        for name in self.probes.u or ():
            at = layout.probed[name]
            record.u[name] = self.counted(name, state.u_log[:, :, at : at + sizes[name]])
        for p in net.populations:
            groups = [i for i, (name, _) in enumerate(layout.groups) if name == p.name]
            record.saturated[f"{p.name}.u"] = int(state.saturated[:, groups].sum())
        for q in net.projections:
            if q.rule is not None:
                heads = [i for i, name in enumerate(layout.head_projection) if name == q.name]
                may = sum(self.may_clip(state, h) for h in heads if self.program.heads[h]["form"] == HISTORY)
                record.saturated[f"{q.name}.P"] = int(state.clipped[:, heads].sum()) + may
            if q.name in (self.probes.local_weights or ()):
                record.local_weights[q.name] = np.zeros((len(state.local), q.n_out, q.n_in), np.int64)
        for i, tile in enumerate(layout.tiles):
            entry = self.program.tiles[i]
            if tile.projection in record.local_weights:
                rows, columns = tile.slices
                record.local_weights[tile.projection][:, rows, columns] = self.local_of(state, i)
            if tile.projection in self.probes.sums:
                at, size = entry["parts"], tile.rows[1] - tile.rows[0]
                slow, local = (state.parts[:, :, at : at + size, k].astype(np.int64) for k in range(2))
                sums = {"core": tile.core, "rows": tile.rows, "slow": slow, "local": local}
                record.sums.setdefault(tile.projection, []).append(sums)  # type: ignore[union-attr]
        for q in net.projections if self.order else ():
            if q.name in record.local_weights:
                after, before = np.ix_(self.back(q.target, q.n_out), self.back(q.source, q.n_in))
                record.local_weights[q.name] = record.local_weights[q.name][:, after, before]
        return record

    def back(self, name: str, size: int) -> Array:
        """Return the positions of a population's neurons in the mapping's order."""
        return np.argsort(self.order[name]) if name in self.order else np.arange(size)

    def counted(self, name: str, values: Array) -> Array:
        """Values a neuron, (..., neurons), as the network counts them."""
        values = values.astype(np.int64)
        return values[..., self.back(name, values.shape[-1])] if name in self.order else values

    def local_of(self, state: State, number: int) -> Array:
        """Return P of one tile after the last step, (samples, rows, columns).

        The history form does not store P. Here P is computed from the history, and equals that of the matrix form up to
        rounding.
        """
        tile, entry = self.layout.tiles[number], self.program.tiles[number]
        rows, columns = tile.rows[1] - tile.rows[0], int(entry["columns"])
        head = self.program.heads[self.layout.tile_head[number]]
        local = np.zeros((len(state.local), rows, columns), np.int64)
        if entry["local"] >= 0:
            block = state.local[:, entry["local"] : entry["local"] + rows * columns]
            local[:] = block.reshape(-1, columns, rows).transpose(0, 2, 1)
        if head["form"] != HISTORY:
            return local
        steps = self.network.steps
        start = self.network.onsets[tile.population]
        sent = window(state.sent, start - int(head["delay"]), steps)
        source = sent[:, :, entry["axon"] : entry["axon"] + columns].astype(np.int64)
        if head["by_eta"]:
            source *= self.program.eta[entry["column"] : entry["column"] + columns]
        powers = self.program.powers[head["powers"]]
        posts = state.posts[:, :, head["post"] : head["post"] + rows] * powers[steps - 1 :: -1, None]
        local *= powers[steps] << int(head["start_shift"])
        local += np.einsum("nqi,nqj->nij", posts, source)
        return fixed.rshift(local, int(head["sum_shift"]))

    def may_clip(self, state: State, h: int) -> int:
        """Count the neurons, over samples, whose local weights the matrix form might have clipped at the bound.

        It is for the history form. It counts a neuron if the start and all increments of the presentation, taken with
        one sign, exceed the bound.
        """
        head = self.program.heads[h]
        rows = slice(int(head["post"]), int(head["post"]) + self.layout.head_rows[h][1] - self.layout.head_rows[h][0])
        p = next(q for q in self.arranged.projections if q.name == self.layout.head_projection[h])
        rule: Any = p.rule
        most = np.abs(state.posts[:, :, rows]).sum(axis=1).astype(float)
        if head["by_eta"]:
            most = most * float(np.abs(rule.eta).max()) / 2.0 ** int(head["start_shift"])
        start = np.abs(p.local_weights[slice(*self.layout.head_rows[h])]).max(axis=1)
        return int(np.count_nonzero(most + start > rule.p_top))
