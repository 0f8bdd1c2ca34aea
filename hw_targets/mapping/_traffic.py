# SPDX-License-Identifier: BSD-3-Clause
"""Who sends what to whom: the flows of packets that placement and routing work on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from synergic._core.checks import kind, number
from synergic.hw_targets.mapping._mapping_data import Chain, Link, Mapping, Slots, Tile
from synergic.hw_targets.mapping._options import RATE
from synergic.network._quantise import IntGraph, IntNetwork


@dataclass(frozen=True)
class Flow:
    """Packets of one kind from one core, all to the same cores.

    kind, neurons, stops : as of Chain. start : number of the core that sends.
    """

    kind: str
    start: int
    neurons: tuple[int, int]
    stops: tuple[int, ...]


def flows(network: IntNetwork | IntGraph, tiles: Sequence[Tile], copies: Sequence[Tile] = ()) -> list[Flow]:
    """Return all packets of a step: partial sums to the soma core; spikes, and potentials for the rule, from it.

    copies : tiles of copies of soma cores, which share the cores that need the spikes. Spikes to a core itself have no
    flow: they stay inside. Spikes of the source have none either: they come from outside the chip.
    """
    learns = {p.name: p.plastic for p in network.projections}
    source = {p.name: p.source for p in network.projections}
    sums: dict[tuple[int, int, tuple[int, int]], None] = {}  # in order; a shared core sends one sum a pass
    membranes: dict[int, tuple[tuple[int, int], list[int]]] = {}
    somas: dict[str, dict[tuple[int, int], int]] = {}
    receivers: dict[str, list[Tile]] = {}
    for t in (*tiles, *copies):
        sums.update({(core, t.soma_core, t.rows): None for core in t.cores if core != t.soma_core})
        if learns[t.projection]:
            membranes.setdefault(t.soma_core, (t.rows, []))[1].extend(t.local_cores)
        receivers.setdefault(source[t.projection], []).append(t)
    for t in tiles:
        somas.setdefault(t.population, {})[t.rows] = t.soma_core
    found = [Flow("partial sum", core, rows, (soma,)) for core, soma, rows in sums]
    found += [Flow("membrane", soma, rows, tuple(cores)) for soma, (rows, cores) in membranes.items()]
    for population, cores in somas.items():
        found += spike_flows(cores, receivers.get(population, []))
    return shared(found, tiles, copies) if copies else found


def families(tiles: Sequence[Tile], copies: Sequence[Tile]) -> dict[int, list[int]]:
    """Return, by soma core, the core itself and its copies."""
    first = {(t.population, t.rows): t.soma_core for t in tiles}
    found = {soma: [soma] for soma in first.values()}
    for t in copies:
        mine = found[first[t.population, t.rows]]
        if t.soma_core not in mine:
            mine.append(t.soma_core)
    return found


def spikes_needed(found: Sequence[Flow], tiles: Sequence[Tile], copies: Sequence[Tile]) -> dict[int, list[int]]:
    """Return, by soma core, the cores that need its spikes or those of a copy; copies have their own inside."""
    family = families(tiles, copies)
    first = {core: soma for soma, cores in family.items() for core in cores}
    needed: dict[int, dict[int, None]] = {}
    for f in found:
        if f.kind == "spike":
            needed.setdefault(first[f.start], {}).update(dict.fromkeys(f.stops))
    return {soma: [c for c in cores if c not in family[soma]] for soma, cores in needed.items()}


def shared(found: Sequence[Flow], tiles: Sequence[Tile], copies: Sequence[Tile]) -> list[Flow]:
    """Return the flows with spikes sent by copies too: each copy serves as many cores as the others, in their order."""
    family, needed = families(tiles, copies), spikes_needed(found, tiles, copies)
    server = {}
    for soma, cores in needed.items():
        for part, mine in zip(np.array_split(np.array(cores, np.int64), len(family[soma])), family[soma], strict=True):
            server.update({(soma, core): mine for core in part.tolist()})
    out = []
    for f in found:
        if f.kind != "spike":
            out.append(f)
            continue
        for mine in family[f.start]:
            stops = tuple(c for c in f.stops if server.get((f.start, c)) == mine)
            if stops:
                out.append(Flow(f.kind, mine, f.neurons, stops))
    return out


def spike_flows(somas: dict[tuple[int, int], int], receivers: list[Tile]) -> list[Flow]:
    """Return the spikes of one population: neurons of a piece whose spikes go to the same cores make one flow."""
    found: list[Flow] = []
    ends = np.array([t.columns for t in receivers], np.int64).reshape(-1, 2)
    for (first, last), soma in somas.items():
        receiving = [receivers[i] for i in np.flatnonzero((ends[:, 0] < last) & (first < ends[:, 1]))]
        edges = {first, last} | {c for t in receiving for c in t.columns if first < c < last}
        mine: list[Flow] = []
        for a, b in itertools.pairwise(sorted(edges)):
            cores = dict.fromkeys(c for t in receiving if t.columns[0] <= a and b <= t.columns[1] for c in t.cores)
            stops = tuple(c for c in cores if c != soma)
            if mine and mine[-1].stops == stops:
                mine[-1] = Flow("spike", soma, (mine[-1].neurons[0], b), stops)
            else:
                mine.append(Flow("spike", soma, (a, b), stops))
        found += [f for f in mine if f.stops]
    return found


def packets(flow: Flow | Chain, rate: float = RATE) -> float:
    """Count the packets of a flow in a step: one a neuron, of spikes `rate` a neuron."""
    count = flow.neurons[1] - flow.neurons[0]
    return count * rate if flow.kind == "spike" else float(count)


def traffic(found: Sequence[Flow], cores: int, rate: float = RATE) -> csr_array:
    """Count the packets of a step between each two cores, both directions together: symmetric, (cores, cores)."""
    ends = [(f.start, stop, packets(f, rate)) for f in found for stop in f.stops]
    starts, stops, counts = np.array(ends, float).reshape(-1, 3).T
    a, b = starts.astype(np.int64), stops.astype(np.int64)
    both = np.concatenate([counts, counts]), (np.concatenate([a, b]), np.concatenate([b, a]))
    return csr_array(coo_array(both, shape=(cores, cores)))  # entries of the same two cores add up


def weighted_hops(between: csr_array, slots: Slots, columns: int) -> float:
    """Return packets times hops of a step by the shortest ways: sum over pairs of traffic x Manhattan distance."""
    pairs = between.tocoo()
    y, x = np.divmod(slots, columns)
    distance = np.abs(x[pairs.row] - x[pairs.col]) + np.abs(y[pairs.row] - y[pairs.col])
    return float((pairs.data * distance).sum() / 2)


def link_packets(mapping: Mapping, rate: float = RATE) -> dict[Link, float]:
    """Count the packets of a step over each link.

    Parameters
    ----------
    mapping : Mapping
        Its chains are walked. One packet serves all stops of a chain.
    rate : float, default 0.1
        Spikes of a neuron in a step, 0 .. 1. Partial sums and potentials are one a neuron and step.

    Returns
    -------
    dict
        (position, position) in the direction of the packets -> packets of a step. Links without packets are left out.
    """
    kind("link_packets.mapping", mapping, Mapping, "Make one with map_network().")
    number("link_packets.rate", rate, 0, 1, "It is a share of the steps.")
    found: dict[Link, float] = {}
    for c in mapping.chains:
        for link in itertools.pairwise((mapping.position(c.start), *c.path)):
            found[link] = found.get(link, 0.0) + packets(c, rate)
    return found
