# SPDX-License-Identifier: BSD-3-Clause
"""Local weights that live on: at the end of a presentation each core with local weights writes its part of P once.

During the presentation these cores add up P as it is, and keep the spikes and the potentials that they receive. The
write is the rule's own function, `Rule.write`, on the core's part of everything.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synergic.errors import UnsupportedError
from synergic.network._quantise import IntNetwork, IntProjection
from synergic.rules._kernels import write_in_place
from synergic.rules._stream import words_of

Array = npt.NDArray[Any]


class StreamTile(NamedTuple):
    """A tile whose local weights live on.

    projection : as the mapping has it. head : number of its head. rows, columns : of the projection. local, axon,
    probe : where its P, its inputs and its neurons' potentials begin in the arrays of a State.
    """

    projection: IntProjection
    head: int
    rows: slice
    columns: slice
    local: slice
    axon: slice
    probe: slice


def adapted(program: Any, net: IntNetwork, layout: Any, order: dict[str, Array], biases: dict[str, Array]) -> Any:
    """The program of one presentation: the soma cores' biases are b + c. biases : c by population, of the network."""
    if not biases:
        return program
    bias = program.bias.copy()
    for p in net.homeostatic:
        here = slice(layout.neuron[p.name], layout.neuron[p.name] + p.size)
        bias[here] += p.homeostasis.offset(biases[p.name])[order.get(p.name, slice(None))]
    return program._replace(bias=bias)


def written(net: IntNetwork, layout: Any, order: dict[str, Array], state: Any, biases: dict[str, Array]) -> Any:
    """c after a presentation of one sample, by population, in the network's order."""
    found = {}
    for p in net.homeostatic:
        at, here = layout.probed[p.name], order.get(p.name, np.arange(p.size))
        u = np.zeros((net.steps, p.size), np.int64)
        u[:, here] = state.u_log[0, :, at : at + p.size]
        found[p.name] = p.homeostasis.write(biases[p.name], p.homeostasis.term(u, p.vth).sum(axis=0), net.steps)
    return found


def check_streams(net: IntNetwork, local_memory: str, faults: Any, random_masks: Any) -> None:
    """Refuse, by name, what streams cannot be combined with. Raises UnsupportedError."""
    for p in net.streams:
        refused = {
            "local_memory": (local_memory != "matrix", repr(local_memory), "'matrix': a history ends with its sample"),
            "faults": (faults is not None, "a broken chip", "None: the write needs every spike"),
            "random_masks": (
                bool(random_masks) and not p.rule.kernel,
                sorted(random_masks),
                "none: a rule that uses postsynaptic spikes takes them from v_th",
            ),
        }
        for name, (bad, got, allowed) in refused.items():
            if bad:
                raise UnsupportedError(
                    f"simulate_on_chip.{name}: got {got} for {p.name}, whose local weights live on, allowed {allowed}."
                    " Leave it out, or use plasticity_scope='per_sample'."
                )


def stream_targets(net: IntNetwork) -> tuple[str, ...]:
    """Populations whose potentials must be recorded for the writes."""
    return tuple(dict.fromkeys([*(p.target for p in net.streams), *(p.name for p in net.homeostatic)]))


def stream_tiles(net: IntNetwork, layout: Any, program: Any) -> list[StreamTile]:
    """The tiles of a program whose local weights live on. net : as the mapping arranges it."""
    streams, found = {p.name: p for p in net.streams}, []
    for i, tile in enumerate(layout.tiles):
        p, entry = streams.get(tile.projection), program.tiles[i]
        if p is not None:
            rows, columns = tile.slices
            size = (rows.stop - rows.start, columns.stop - columns.start)
            starts = (int(entry["local"]), int(entry["axon"]), layout.probed[p.target] + rows.start)
            lengths = (size[0] * size[1], size[1], size[0])
            places = (slice(a, a + n) for a, n in zip(starts, lengths, strict=True))
            found.append(StreamTile(p, layout.tile_head[i], rows, columns, *places))
    return found


def window(sent: Array, start: int, steps: int) -> Array:
    """Of what was sent, (samples, clock + 1, neurons), `steps` steps from `start`; nothing before step 0."""
    before = min(max(-start, 0), steps)
    rest = sent[:, max(start, 0) : max(start, 0) + steps - before]
    return np.pad(rest, ((0, 0), (before, 0), (0, 0))) if before else rest


def write_tiles(
    tiles: list[StreamTile], net: IntNetwork, order: dict[str, Array], state: Any, signal: Array, presentation: int
) -> None:
    """Write P of one sample's state in place. net : in the order of the description, which random numbers follow.

    order : by population, the neurons in the mapping's order. signal : (1, T). presentation : its number.
    """
    words: dict[str, Array | None] = {}
    for p in net.streams:
        drawn = words_of(p, presentation)
        if drawn is not None and order:
            rows, columns = (order.get(n, np.arange(k)) for n, k in ((p.target, p.n_out), (p.source, p.n_in)))
            drawn = drawn[np.ix_(rows, columns)]
        words[p.name] = drawn
    for tile in tiles:
        p, n = tile.projection, (tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start)
        assert p.rule is not None
        onset = net.onsets[p.target]
        s = window(state.sent, onset - p.delay, net.steps)[0, :, tile.axon].astype(np.int64)
        u = state.u_log[0, :, tile.probe].astype(np.int64)
        theta = p.rule.values_at(p.rule.values, tile.rows, tile.columns)
        mask = None if p.rule.mask is None else p.rule.mask[tile.rows, tile.columns]
        drawn = words[p.name]
        mine = None if drawn is None else drawn[tile.rows, tile.columns]
        local = state.local[0, tile.local].reshape(n[1], n[0]).T.astype(np.int64)
        clipped = write_in_place(p.rule, local, s, u, signal.T, theta, None, mask, p.memory, mine)
        state.local[0, tile.local] = local.T.ravel()
        state.clipped[0, tile.head] += clipped
