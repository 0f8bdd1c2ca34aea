# SPDX-License-Identifier: BSD-3-Clause
"""From a mapping to what the compiled core loop works on: the cores' memories, side by side in flat arrays."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.hw_targets.mapping import Mapping, Tile
from synergic.hw_targets.mapping._mapping_data import local_bits
from synergic.hw_targets.simulation._history import history_plan
from synergic.hw_targets.simulation.kernels import (
    BY_TABLE,
    FROZEN,
    GENERAL,
    GROUP,
    HEAD,
    HISTORY,
    MATRIX,
    NO_LOCAL,
    RECTIFIED,
    SPIKING,
    TILE,
    Program,
)  # fmt: skip
from synergic.network._quantise import ONE, IntNetwork, IntPopulation, IntProjection
from synergic.neurons import _neuron_kernels
from synergic.neurons._neuron import UNIT_SHIFT
from synergic.numerics import fixed
from synergic.rules._hebbian import computes_hebbian

Array = npt.NDArray[Any]
SOMAS = {_neuron_kernels.LEAKY: SPIKING, _neuron_kernels.RECTIFIED: RECTIFIED, _neuron_kernels.BY_TABLE: BY_TABLE}
"""What the compiled core loop does, by the kernel of a neuron."""


@dataclass
class Layout:
    """The position of each part of a mapping in the program's arrays.

    tiles : in the order of the program. groups : (population, rows) of each soma tile. neuron : first number of the
    source and of each population. tile_head : of each tile; head_projection, head_rows : of each head. probed : where
    the potentials of a population are recorded. columns, posts, probed_size, parts_size, sums : of what tiles, heads
    and somas fill.
    """

    tiles: list[Tile] = field(default_factory=list)
    groups: list[tuple[str, tuple[int, int]]] = field(default_factory=list)
    neuron: dict[str, int] = field(default_factory=dict)
    neurons: int = 0
    tile_head: list[int] = field(default_factory=list)
    head_projection: list[str] = field(default_factory=list)
    head_rows: list[tuple[int, int]] = field(default_factory=list)
    columns: int = 0
    posts: int = 0
    probed: dict[str, int] = field(default_factory=dict)
    probed_size: int = 0
    parts_size: int = 0
    sums: int = 0


def narrowest(bits: int) -> Any:
    """Return the narrowest integer type for signed values of this many bits."""
    return np.int8 if bits <= 8 else np.int16


def is_general(p: IntProjection) -> bool:
    """Whether a projection learns by a rule without a compiled form (synergic.hw_targets.simulation)."""
    return p.learns and not computes_hebbian(p.rule)


def soma_form(p: IntPopulation) -> int:
    """What the soma cores of a population do, by the kernel that its neuron declares."""
    return SOMAS.get(p.neuron.kernel, GENERAL)


def head_form(p: IntProjection, history: bool) -> int:
    """What the cores of a projection do about local weights."""
    if p.rule is None:
        return NO_LOCAL
    if not p.learns:
        return FROZEN
    return HISTORY if history else MATRIX


def together(net: IntNetwork, population: Any, spans: int) -> tuple[Tile, ...]:
    """The population's synapses in `spans` pieces of all their inputs, whatever cores they are on."""
    edges = np.linspace(0, population.size, min(spans, population.size) + 1).astype(int)
    return tuple(
        Tile(p.name, population.name, (int(a), int(b)), (0, p.n_in), -1, (), -1)
        for a, b in itertools.pairwise(edges)
        for p in net.into(population.name)
    )


class Builder:
    """Fills the arrays of a program: soma tile by soma tile, in it projection by projection, in that tile by tile."""

    def __init__(
        self,
        net: IntNetwork,
        history: bool,
        probed_u: tuple[str, ...],
        probed_sums: tuple[str, ...],
        random: Collection[str],
    ) -> None:
        self.net, self.history, self.probed_sums, self.random = net, history, probed_sums, random
        self.layout = layout = Layout()
        for p in (net.source, *net.populations):
            layout.neuron[p.name] = layout.neurons
            layout.neurons += p.size
        for name in probed_u:
            layout.probed[name] = layout.probed_size
            layout.probed_size += net.population(name).size
        self.groups: list[Array] = []
        self.heads: list[Array] = []
        self.tiles: list[Array] = []
        self.entries: list[Array] = [np.zeros(fixed.TABLE_SIZE, np.int64)]  # for somas that have no table
        names = ("weights", "local", "mask", "alpha", "beta", "eta", "tables", "powers")
        self.flat: dict[str, list[Array]] = {name: [] for name in names}
        self.length = dict.fromkeys(names, 0)

    def append(self, name: str, values: Array) -> int:
        """Add values to a flat array; returns where they begin."""
        start = self.length[name]
        self.flat[name].append(values)
        self.length[name] += values.size
        return start

    def add_group(self, population: Any, rows: tuple[int, int], into: tuple[Tile, ...]) -> None:
        """A soma tile, with the heads of all projections into it."""
        layout, group = self.layout, np.zeros((), GROUP)
        group["first_head"] = len(self.heads)
        for p in self.net.into(population.name):
            self.add_head(p, rows, [t for t in into if t.projection == p.name and t.rows == rows])
        group["last_head"] = len(self.heads)
        group["neuron"], group["rows"] = layout.neuron[population.name] + rows[0], rows[1] - rows[0]
        group["onset"] = self.net.onsets[population.name]
        group["vth"], group["decay"] = population.vth, population.decay
        group["shift"], group["reset_to_zero"] = population.accumulator_shift, population.reset == "zero"
        probe = layout.probed.get(population.name)
        group["probe"] = -1 if probe is None else probe + rows[0]
        group["random"] = group["neuron"] - self.net.source.size
        group["draws"] = population.name in self.random
        group["soma"], group["unit"] = soma_form(population), round(2**UNIT_SHIFT * ONE / population.vth)
        if group["soma"] == BY_TABLE:
            group["entries"] = len(self.entries)
            self.entries.append(population.neuron.entries)
        if group["soma"] == GENERAL:
            group["sums"], layout.sums = layout.sums, layout.sums + rows[1] - rows[0]
        self.groups.append(group)
        layout.groups.append((population.name, rows))

    def add_head(self, p: IntProjection, rows: tuple[int, int], tiles: list[Tile]) -> None:
        """One projection into a soma tile: its rule, then its tiles."""
        layout, head, form = self.layout, np.zeros((), HEAD), head_form(p, self.history)
        size, r = rows[1] - rows[0], p.rule
        beta, table = np.zeros(1, np.int64), np.zeros(fixed.TABLE_SIZE, np.int64)
        powers = np.zeros(self.net.steps + 1, np.int64)
        if computes_hebbian(r):
            head["lambda_"], head["sign"], head["p_top"] = r.lambda_, r.sign, r.p_top
            head["shift"], head["table_scale"] = fixed.FRACTION_BITS + r.eta_exp, r.table_scale
            beta, table = r.beta, r.table
        if form == HISTORY:
            plan = history_plan(p, self.net.steps)
            head["post"], layout.posts, powers = layout.posts, layout.posts + size, plan.powers
            for name in ("by_eta", "post_factor", "post_shift", "start_shift", "sum_shift"):
                head[name] = getattr(plan, name)
        head["row"] = self.append("alpha", np.broadcast_to(p.alpha, p.n_out)[slice(*rows)])
        self.append("beta", np.broadcast_to(beta, p.n_out)[slice(*rows)])
        head["fades"], head["delay"] = p.fades, p.delay
        head["form"], head["learns"] = form, form in (MATRIX, HISTORY) and not is_general(p)
        head["table"] = head["powers"] = len(self.heads)
        self.flat["tables"].append(table)
        self.flat["powers"].append(powers)
        head["first_tile"], head["last_tile"] = len(self.tiles), len(self.tiles) + len(tiles)
        for tile in tiles:
            self.add_tile(tile, p, form)
        layout.head_projection.append(p.name)
        layout.head_rows.append(rows)
        self.heads.append(head)

    def add_tile(self, tile: Tile, p: IntProjection, form: int) -> None:
        """One tile: its part of the weights and, where it has them, local weights, mask and recorded sums."""
        layout, entry = self.layout, np.zeros((), TILE)
        entry["axon"] = layout.neuron[p.source] + tile.columns[0]
        entry["columns"] = tile.columns[1] - tile.columns[0]
        entry["local"] = entry["mask"] = entry["parts"] = -1
        entry["weights"] = self.append("weights", by_axon(p.weights, tile))
        eta = p.rule.eta if computes_hebbian(p.rule) else 0
        entry["column"] = self.append("eta", np.broadcast_to(eta, p.n_in)[tile.slices[1]])
        if form in (FROZEN, MATRIX) or (form == HISTORY and p.local_weights.any()):
            entry["local"] = self.append("local", by_axon(p.local_weights, tile))
        if form == MATRIX and computes_hebbian(p.rule) and p.rule.mask is not None:
            entry["mask"] = self.append("mask", by_axon(p.rule.mask, tile))
        if p.name in self.probed_sums:
            entry["parts"], layout.parts_size = layout.parts_size, layout.parts_size + tile.rows[1] - tile.rows[0]
        layout.tiles.append(tile)
        layout.tile_head.append(len(self.heads))
        self.tiles.append(entry)

    def program(self) -> tuple[Program, Array]:
        """The program, and the local weights that every sample starts with."""
        net, none = self.net, np.zeros(0, np.int64)
        self.layout.columns = self.length["eta"]

        def flat(name: str, dtype: Any = np.int64) -> Array:
            return np.concatenate([none, *self.flat[name]]).astype(dtype)

        bias = [np.zeros(net.source.size, np.int64), *(p.bias for p in net.populations)]
        program = Program(
            groups=np.array(self.groups, GROUP),
            heads=np.array(self.heads, HEAD),
            tiles=np.array(self.tiles, TILE),
            k=net.k.astype(np.int64),
            bias=np.concatenate(bias),
            weights=flat("weights", narrowest(max(p.weight_bits for p in net.projections))),
            alpha=flat("alpha"),
            beta=flat("beta"),
            eta=flat("eta"),
            tables=np.array(self.flat["tables"], np.int64),
            powers=np.array(self.flat["powers"], np.int64),
            mask=flat("mask", np.uint8),
            entries=np.array(self.entries, np.uint8),
        )
        return program, flat("local", narrowest(max(map(local_bits, net.projections))))


def by_axon(matrix: Array, tile: Tile) -> Array:
    """A tile's part of a matrix (n_out, n_in), axon by axon."""
    return np.asarray(matrix[tile.slices].T.ravel())


def build(
    mapping: Mapping,
    history: bool,
    probed_u: tuple[str, ...],
    probed_sums: tuple[str, ...],
    random: Collection[str],
    spans: int,
) -> tuple[Program, Layout, Array]:
    """Return the program of a mapping, its layout, and the local weights that every sample starts with, (all,).

    history : local weights by the history form. probed_u : populations whose potentials are recorded; probed_sums :
    projections whose partial sums are. random : populations with random thresholds. spans : 0 computes core by core.
    Otherwise cores are computed together, the neurons of a population in so many pieces: the same result (no split of
    an exact sum changes it), and with an axon's weights for all its targets in one row of memory several times faster.
    """
    net = mapping.arranged
    assert isinstance(net, IntNetwork)
    builder = Builder(net, history, probed_u, probed_sums, random)
    for population in net.ordered:
        into = together(net, population, spans) if spans else mapping.into(population.name)
        for rows in dict.fromkeys(t.rows for t in into):
            builder.add_group(population, rows, into)
    program, start = builder.program()
    return program, builder.layout, start
