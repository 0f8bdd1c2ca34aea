# SPDX-License-Identifier: BSD-3-Clause
"""The independent checker: whether a mapping respects every limit and delivers every packet.

It shares no code with the mapping passes. It counts what each core stores in each time-multiplexing pass, compares the
weights that a folded core uses in different time-multiplexing passes, and walks every packet link by link. It numbers
neurons as the mapping does (`Mapping.arranged`).
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from synergic._core.checks import kind
from synergic._core.integers import VALUE_MAX
from synergic.hw_targets.mapping._core_messages import messages, soma_table
from synergic.hw_targets.mapping._mapping_data import STORAGES, Chain, Mapping, Position, Tile, Violation
from synergic.network._quantise import IntProjection

Owners = dict[int, tuple[str, set[tuple[int, int]]]]
"""Soma cores: their population, and its pieces that are there."""
KINDS = ("spike", "partial sum", "membrane")


def check_mapping(mapping: Mapping) -> tuple[Violation, ...]:
    """Find everything that is wrong with a mapping, wherever the mapping comes from.

    Parameters
    ----------
    mapping : Mapping
        Made by `map_network`, loaded from a file, or made by hand.

    Returns
    -------
    tuple of Violation
        Limits of the chip that are broken, synapses on no core or on several, packets that are lost or arrive twice,
        routes over dead cores or links. Empty if the mapping is sound. Wrong names and numbers are reported alone, and
        routes only if the rest is sound.

    Raises
    ------
    ParameterError
        If `mapping` is no Mapping.

    Notes
    -----
    The checker shares no code with the passes that make mappings.
    """
    kind("check_mapping.mapping", mapping, Mapping, "Make one with map_network(), or load one.")
    found = list(names_and_numbers(mapping))
    if not found:  # what follows looks tiles and cores up by these names and numbers
        found = [*synapses(mapping), *somas(mapping), *copies(mapping), *contents(whole(mapping)), *places(mapping)]
    if not found:
        found = [*walks(mapping), *deliveries(whole(mapping))]
    return tuple(found)


def whole(mapping: Mapping) -> Mapping:
    """Return the mapping with the tiles of copies among the others: what a core needs does not depend on it."""
    return dataclasses.replace(mapping, tiles=(*mapping.tiles, *mapping.copies), copies=())


def copies(mapping: Mapping) -> Iterator[Violation]:
    """Check that a copy has what the soma core has, on cores of its own, and that chains of spikes have few stops."""

    def pieces(tiles: Iterable[Tile]) -> dict[int, list[Any]]:
        """Return, by soma core, what it has: pieces, how many local cores, and which of them are on one core."""
        found: dict[int, list[Any]] = defaultdict(list)
        cores: dict[int, dict[int, int]] = defaultdict(dict)
        for t in tiles:
            order = cores[t.soma_core]
            numbers = [order.setdefault(c, len(order)) for c in (t.soma_core, t.core, *t.local_cores)]
            found[t.soma_core].append((t.projection, t.rows, t.columns, t.pass_index, t.axon, numbers))
        return found

    originals = list(pieces(mapping.tiles).values())
    taken = {c for t in mapping.tiles for c in (t.soma_core, t.core, *t.local_cores)}
    for core, mine in pieces(mapping.copies).items():
        if mine not in originals:
            yield wrong(f"copy on core {core}", f"{len(mine)} tiles, not all as of a soma core", "all of one")
    owners: dict[int, set[int]] = defaultdict(set)
    for t in mapping.copies:
        for c in (t.soma_core, t.core, *t.local_cores):
            owners[c].add(t.soma_core)
    both = sorted(c for c, somas in owners.items() if c in taken or len(somas) > 1)
    if both:
        yield wrong("cores of copies", f"{both[:3]} used by others too", "cores of their own")
    limit = mapping.fan_out
    if mapping.copies and limit is None:
        yield wrong("copies", f"{len(mapping.copies)} tiles", "none where a chain may visit any number of cores")
    for chain in mapping.chains:
        if limit is not None and chain.kind == "spike" and len(chain.stops) > limit:
            where, stops = f"spike from core {chain.start}.stops", len(chain.stops)
            yield Violation(where, f"{stops}", f"{limit}", "Map the network again.")


def wrong(where: str, got: object, allowed: object, change: str = "Map the network again.") -> Violation:
    """Return a violation of a mapping that a smaller network would not mend."""
    return Violation(where, str(got), str(allowed), change, wrong_kind=True)


def names_and_numbers(mapping: Mapping) -> Iterator[Violation]:
    """Find tiles of unknown projections or empty ranges, and numbers of cores that are missing or beyond the count."""
    if not 0 < mapping.cores <= mapping.chip.cores:
        yield wrong("cores", mapping.cores, f"1 to {mapping.chip.cores} on the model of {mapping.chip.name}")
        return
    if mapping.weight_storage not in STORAGES:
        yield wrong("weight_storage", mapping.weight_storage, STORAGES)
    shapes = {p.name: (p.target, p.n_out, p.n_in) for p in mapping.network.projections}
    largest = max(p.size for p in mapping.network.populations)
    axons = sum(p.n_in for p in mapping.network.projections)
    used: set[int] = set()
    for i, t in enumerate((*mapping.tiles, *mapping.copies)):
        target, rows, columns = shapes.get(t.projection, (None, 0, 0))
        if target is None or target != t.population:
            ends = f"a projection of the network and its target {target!r}"
            yield wrong(f"tile {i}", f"{t.projection!r} into {t.population!r}", ends)
        elif not (0 <= t.rows[0] < t.rows[1] <= rows and 0 <= t.columns[0] < t.columns[1] <= columns):
            yield wrong(f"tile {i} of {t.projection}", f"rows {t.rows}, columns {t.columns}", f"in {rows} x {columns}")
        elif not (0 <= t.pass_index < len(mapping.tiles) and 0 <= t.axon < axons) or (t.pass_index and t.local_cores):
            got, allowed = (
                f"pass {t.pass_index}, axon {t.axon}",
                f"passes below {len(mapping.tiles)}, axons below {axons}",
            )
            yield wrong(f"tile {i} of {t.projection}", got, f"{allowed}, local weights in pass 0 only")
        used.update((t.core, t.soma_core, *t.local_cores))
    if used != set(range(mapping.cores)):
        yield wrong("numbers of the cores", f"{len(used)} up to {max(used, default=-1)}", f"0 to {mapping.cores - 1}")
    for c in mapping.chains:
        if not {c.start, *c.stops} <= used or c.kind not in KINDS:
            yield wrong("a chain", f"{c.kind!r} from {c.start} to {c.stops}", f"{KINDS} between cores in use")
        elif not 0 <= c.neurons[0] < c.neurons[1] <= largest:
            yield wrong(f"{c.kind} from core {c.start}", f"neurons {c.neurons}", f"some of 0 to {largest}")
        elif not all(0 < hops < len(c.path) for hops in c.relays):
            yield wrong(f"{c.kind} from core {c.start}", f"relays {c.relays}", f"hops of a path of {len(c.path)}")


def synapses(mapping: Mapping) -> Iterator[Violation]:
    """Check that every synapse but zeros is on one synapse core, and its local weight on enough local cores."""
    width = int(mapping.chip.weight_bits)
    tiles = defaultdict(list)
    for t in mapping.tiles:
        tiles[t.projection].append(t)
    for p in mapping.arranged.projections:
        bits = 0 if p.rule is None else int(p.rule.p_top).bit_length() + 1
        stored = np.zeros(p.weights.shape, np.int8)
        for t in tiles[p.name]:
            stored[t.rows[0] : t.rows[1], t.columns[0] : t.columns[1]] += 1
            if len(t.local_cores) * width < bits:
                yield wrong(f"{p.name}.local cores of {t.rows} x {t.columns}", len(t.local_cores), -(-bits // width))
        if stored.min() == 1 == stored.max():
            continue
        needed = p.weights != 0
        if p.rule is not None:
            mask = getattr(p.rule, "mask", None)
            needed = needed | (True if mask is None else mask != 0)
        missing, twice = int(np.count_nonzero(needed & (stored == 0))), int(np.count_nonzero(stored > 1))
        if missing or twice:
            yield wrong(f"{p.name}.synapses", f"{missing} on no core and {twice} on several", "each on one")


def somas(mapping: Mapping) -> Iterator[Violation]:
    """Check that every neuron has one soma core and one time-multiplexing pass, for all its tiles."""
    pieces: dict[str, dict[tuple[int, int], set[tuple[int, int]]]] = defaultdict(lambda: defaultdict(set))
    for t in mapping.tiles:
        pieces[t.population][t.rows].add((t.soma_core, t.pass_index))
    owner: dict[tuple[int, int], tuple[str, tuple[int, int]]] = {}
    for p in mapping.network.populations:
        count = np.zeros(p.size, np.int64)
        for (a, b), cores in pieces[p.name].items():
            count[a:b] += len(cores)
            for at in cores:
                if owner.setdefault(at, (p.name, (a, b))) != (p.name, (a, b)):
                    yield wrong(f"core {at[0]}", f"soma of {owner[at]} and of {(p.name, (a, b))}", "of one a pass")
        if not (count == 1).all():
            yield wrong(f"{p.name}.neurons", f"{int((count != 1).sum())} with none or several", "one soma core each")


def contents(mapping: Mapping) -> Iterator[Violation]:
    """Check axons, neurons, memory, widths and sums of each core, in each time-multiplexing pass."""
    chip, projections = mapping.chip, {p.name: p for p in mapping.arranged.projections}
    for p in mapping.network.projections:
        if p.weight_bits > int(chip.weight_bits):
            yield wrong(f"{p.name}.weight_bits", p.weight_bits, int(chip.weight_bits), "Quantise with fewer.")
    slow, local = defaultdict(list), defaultdict(list)
    for t in mapping.tiles:
        slow[t.core].append(t)
        for core in t.local_cores:
            local[core].append(t)
    yield from messages(mapping, slow, local)
    for core, pass_index, on_core in by_pass(slow, local):
        axons = max(t.axon + t.columns[1] - t.columns[0] for t in on_core)
        if axons > int(chip.axons):
            yield Violation(f"core {core}.axons", f"{axons}", f"{int(chip.axons)}", "Map the network again.")
        taken = sum(t.columns[1] - t.columns[0] for t in on_core)
        if len({axon for t in on_core for axon in range(t.axon, t.axon + t.columns[1] - t.columns[0])}) < taken:
            yield wrong(f"core {core}.axons", f"some for several inputs in pass {pass_index}", "one input each")
        rows = {(t.population, t.rows) for t in on_core}
        neurons = sum(b - a for _, (a, b) in rows)
        if neurons > int(chip.neurons):
            yield Violation(f"core {core}.neurons", f"{neurons}", f"{int(chip.neurons)}", "Map the network again.")
        if len(rows) > 1:
            yield wrong(f"core {core}", f"neurons {sorted(rows)}", "one piece of one population")
        total = 0
        for t in on_core if core in slow else ():
            p, at = projections[t.projection], np.s_[t.rows[0] : t.rows[1], t.columns[0] : t.columns[1]]
            total += int(np.abs(p.weights[at]).sum(axis=1).max()) * (VALUE_MAX if p.num_message_bits else 1)
        # Of a single tile the network's own check has proven that 32 bits are enough.
        if len(on_core) > 1 and total >= 2 ** (int(chip.accumulator_bits) - 1):
            yield Violation(f"core {core}.sum", f"{total}", f"{int(chip.accumulator_bits)} bits", "Do not share it.")
    everywhere = defaultdict(set)
    for t in mapping.tiles:
        for core in (*t.cores, t.soma_core):
            everywhere[core].add(t.population)
    for core, names in everywhere.items():
        if len(names) > 1:
            yield wrong(f"core {core}", f"populations {sorted(names)}", "one")
    both = sorted(set(slow) & set(local))
    if both or any(len(on_core) > 1 for on_core in local.values()):
        yield wrong("local cores", f"{both} with slow weights too, or with several tiles", "one tile each")
    for core, on_core in slow.items():
        yield from bytes_of(mapping, core, on_core, projections, True)
        yield from shared(core, on_core, projections)
    for core, on_core in local.items():
        yield from bytes_of(mapping, core, on_core, projections, False)


def by_pass(*cores: dict[int, list[Tile]]) -> Iterator[tuple[int, int, list[Tile]]]:
    """Yield core, time-multiplexing pass, and the tiles that the core computes in it."""
    for several in cores:
        for core, on_core in several.items():
            passes = defaultdict(list)
            for t in on_core:
                passes[t.pass_index].append(t)
            yield from ((core, pass_index, mine) for pass_index, mine in passes.items())


def extent(on_core: list[Tile]) -> tuple[int, int]:
    """Return the neurons and axons that a core stores weights for."""
    rows = max(t.rows[1] - t.rows[0] for t in on_core)
    return rows, max(t.axon + t.columns[1] - t.columns[0] for t in on_core)


def shared(core: int, on_core: list[Tile], names: dict[str, IntProjection]) -> Iterator[Violation]:
    """Check that a folded core, which stores its weights once, has the right ones for every time-multiplexing pass."""
    if len({t.pass_index for t in on_core}) < 2:
        return
    stored, known = np.zeros(extent(on_core), np.int64), np.zeros(extent(on_core), bool)
    for t in on_core:
        at = slice(0, t.rows[1] - t.rows[0]), slice(t.axon, t.axon + t.columns[1] - t.columns[0])
        weights = names[t.projection].weights[slice(*t.rows), slice(*t.columns)]
        different = int(np.count_nonzero(known[at] & (stored[at] != weights)))
        if different:
            yield wrong(
                f"core {core}.weights of pass {t.pass_index}", f"{different} others than in passes before", "the same"
            )
        stored[at], known[at] = weights, True


def bytes_of(
    mapping: Mapping, core: int, on_core: list[Tile], names: dict[str, IntProjection], slow: bool
) -> Iterator[Violation]:
    """Check the memory of one core, in the form that the mapping was made for."""
    chip, entries = mapping.chip, int(mapping.chip.weight_values)
    rows, axons = extent(on_core)
    count = rows * axons
    each = int(np.ceil(int(chip.weight_bits) / 8))
    limit = int(chip.weight_memory) if mapping.weight_storage == "full" else int(chip.sram)
    needed = count * each
    if slow and mapping.weight_storage == "indexed":
        bits = int(np.ceil(np.log2(entries)))
        needed = entries * each + int(np.ceil(count * bits / 8)) + soma_table(mapping, core, on_core)
        values: set[int] = set()
        for t in on_core:
            values.update(np.unique(names[t.projection].weights[slice(*t.rows), slice(*t.columns)]).tolist())
        if len(values) > entries:
            yield Violation(f"core {core}.different weights", f"{len(values)}", f"{entries}", "Use fewer weight_bits.")
    if len({t.pass_index for t in on_core}) > 1:
        needed += beside_weights(mapping, core, on_core, names)
    if needed > limit:
        yield Violation(f"core {core}.memory", f"{needed} bytes", f"{limit} bytes", "Map the network again.")


def beside_weights(mapping: Mapping, core: int, on_core: list[Tile], names: dict[str, IntProjection]) -> int:
    """Return the bytes of a folded core for membranes and inputs of other passes. `_memory` lists the assumptions."""
    chip = mapping.chip
    mine = {t.rows for t in mapping.into(on_core[0].population) if t.soma_core == core}
    neuron = next(p.neuron for p in mapping.network.populations if p.name == on_core[0].population)
    each = int(np.ceil(int(chip.membrane_bits) / 8)) * (neuron.memory + len(neuron.states))
    membranes = max(0, sum(b - a for a, b in mine) - int(chip.neurons)) * each
    received: dict[str, set[int]] = defaultdict(set)
    bits = 1
    for t in on_core:
        received[names[t.projection].source].update(range(*t.columns))
        bits = max(bits, names[t.projection].num_message_bits)
    inputs = max(0, sum(map(len, received.values())) - int(chip.axons))
    return membranes + int(np.ceil(2 * bits * inputs / 8))


def places(mapping: Mapping) -> Iterator[Violation]:
    """Check that each core has one place on the grid, and none is dead."""
    size, slots = int(mapping.chip.rows) * int(mapping.chip.columns), np.asarray(mapping.slots)
    if slots.shape != (mapping.cores,) or slots.dtype.kind not in "iu":
        yield wrong("slots", f"{slots.dtype} of shape {slots.shape}", f"({mapping.cores},) whole numbers")
        return
    outside = np.flatnonzero((slots < 0) | (slots >= size)).tolist()
    if outside:
        yield wrong("positions of the cores", f"{outside[:3]} off the grid", f"0 to {size - 1}")
    if len(np.unique(slots)) < len(slots):
        yield wrong("positions of the cores", f"{len(slots) - len(np.unique(slots))} taken twice", "one core a place")
    columns = int(mapping.chip.columns)
    dead = {y * columns + x for x, y in mapping.dead_cores} & set(slots.tolist())
    if dead:
        yield wrong("positions of the cores", f"{sorted(dead)[:3]} dead", "working cores")


def walks(mapping: Mapping) -> Iterator[Violation]:
    """Walk every chain, link by link.

    It must stay on the grid and on working links, take x before y between the cores that send it anew, and find each
    stop at the position that the chain gives.
    """
    rows, columns = int(mapping.chip.rows), int(mapping.chip.columns)
    dead = set(mapping.dead_cores)
    blocked = {frozenset(link) for link in mapping.dead_links}
    where = [(int(s) % columns, int(s) // columns) for s in mapping.slots]
    for c in mapping.chains:
        name = f"{c.kind} from core {c.start}"
        here, turned = where[c.start], False
        duty = set(c.relays) | set(c.arrivals)  # hops after which a core takes the packet up and sends it anew
        for hops, there in enumerate(c.path, 1):
            across, down = there[0] - here[0], there[1] - here[1]
            if abs(across) + abs(down) != 1 or not (0 <= there[0] < columns and 0 <= there[1] < rows):
                yield wrong(name, f"a hop from {here} to {there}", "neighbours on the grid")
                break
            if there in dead or frozenset((here, there)) in blocked:
                yield wrong(name, f"a hop from {here} to {there}", "cores and links that work")
            if across and turned:
                yield wrong(name, f"a turn from y to x at {here}", "x first, then y, but at stops and relays")
            turned = (turned or down != 0) and hops not in duty
            here = there
        else:
            yield from arrivals(c, name, where)


def arrivals(c: Chain, name: str, where: list[Position]) -> Iterator[Violation]:
    """Check that a packet is at each stop of its chain after the stop's number of hops, and that it ends in a stop."""
    ordered = list(c.arrivals) == sorted(set(c.arrivals)) and len(c.arrivals) == len(c.stops) > 0
    if not ordered or c.arrivals[0] < 1 or c.arrivals[-1] != len(c.path):
        yield wrong(
            name, f"arrivals {c.arrivals} on a path of {len(c.path)}", "one a stop, ascending, the last its end"
        )
        return
    for stop, hops in zip(c.stops, c.arrivals, strict=True):
        if c.path[hops - 1] != where[stop]:
            yield wrong(name, f"core {stop} at {c.path[hops - 1]}", f"at {where[stop]}")


def deliveries(mapping: Mapping) -> Iterator[Violation]:
    """Check that every core gets every packet that it needs exactly once, and no other packet."""
    arriving: dict[tuple[str, int], list[Chain]] = defaultdict(list)
    for c in mapping.chains:
        for stop in c.stops:
            arriving[c.kind, stop].append(c)
    feeds = {p.name: (p.source, p.plastic) for p in mapping.network.projections}
    owner: Owners = {}
    for t in mapping.tiles:
        owner.setdefault(t.soma_core, (t.population, set()))[1].add(t.rows)
    needs: dict[tuple[str, int], set[tuple[str, int, int]]] = defaultdict(set)
    for t in mapping.tiles:
        source, learns = feeds[t.projection]
        for core in (t.core, *t.local_cores):
            needs["spike", core].add((source, *t.columns))
            if core != t.soma_core:
                needs["partial sum", t.soma_core].add((f"sums of core {core}", *t.rows))
            if learns and core != t.core:
                needs["membrane", core].add((t.population, *t.rows))
    sizes = {p.name: p.size for p in mapping.network.populations}
    routes: dict[tuple[str, int, str], list[Chain]] = defaultdict(list)
    for c in mapping.chains:
        sender = f"sums of core {c.start}" if c.kind == "partial sum" else owner.get(c.start, ("nobody", set()))[0]
        routes[c.kind, c.start, sender].append(c)
    for key in {*needs, *arriving}:
        yield from delivered(key, needs.get(key, set()), arriving.get(key, []), owner, sizes)
    limit = int(mapping.chip.routing_entries)
    for (what, start, _), mine in routes.items():
        taken = np.zeros(max(c.neurons[1] for c in mine), np.int64)
        for c in mine:
            taken[slice(*c.neurons)] += 1
        if taken.max() > limit:
            yield Violation(f"{what} routes of a neuron of core {start}", f"{taken.max()}", f"{limit}", "Use chains.")


def delivered(
    key: tuple[str, int],
    needs: set[tuple[str, int, int]],
    arriving: list[Chain],
    owner: Owners,
    sizes: dict[str, int],
) -> Iterator[Violation]:
    """Compare what one core needs of one kind of packet with what its chains bring, neuron by neuron."""
    what, core = key
    name = f"{what} at core {core}"
    top = max([b for _, _, b in needs] + [c.neurons[1] for c in arriving] + [*sizes.values()])
    wanted: dict[str, Any] = defaultdict(lambda: np.zeros(top, bool))
    brought: dict[str, Any] = defaultdict(lambda: np.zeros(top, np.int64))
    for sender, a, b in needs:
        if what == "partial sum" or sender in sizes:  # spikes of the source come from outside
            wanted[sender][a:b] = True
    if what == "spike" and core in owner:
        inside, pieces = owner[core]
        for a, b in pieces if inside in wanted else ():
            wanted[inside][a:b] = False  # its own spikes stay inside
    for c in arriving:
        population, pieces = owner.get(c.start, ("nobody", set()))
        if what == "partial sum":
            brought[f"sums of core {c.start}"][slice(*c.neurons)] += 1
            continue
        if not any(a <= c.neurons[0] < c.neurons[1] <= b for a, b in pieces):
            allowed = ", ".join(map(str, sorted(pieces)))
            yield wrong(name, f"neurons {c.neurons} from core {c.start}", f"{allowed} of {population}")
        brought[population][slice(*c.neurons)] += 1
    for sender in {*wanted, *brought}:
        lost = int(np.count_nonzero(wanted[sender] & (brought[sender] == 0)))
        more = int(np.count_nonzero(brought[sender] > wanted[sender]))
        if lost or more:
            yield wrong(f"{name}, {sender}", f"{lost} lost and {more} too many", "each exactly once")
