# SPDX-License-Identifier: BSD-3-Clause
"""The pass `limits`: what a network needs of a chip, and every limit that it breaks, all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._arrange import layers
from synergic.hw_targets.mapping._mapping_data import (
    Estimate,
    Tile,
    Violation,
    core_count,
    count_passes,
    phases,
    stored_synapses,
)
from synergic.hw_targets.mapping._memory import different_weights, full_bytes, most_neurons, room
from synergic.hw_targets.mapping._options import Folding
from synergic.hw_targets.mapping._time_multiplexing import bound, cut
from synergic.hw_targets.mapping.passes._pass import MappingState, Pass
from synergic.network._partial_sums import NARROWEST_LOCAL
from synergic.network._quantise import IntGraph, IntNetwork
from synergic.numerics import fixed

MEMBRANE_BITS = int(fixed.MEMBRANE_MAX).bit_length() + 1
Net = IntNetwork | IntGraph


class Limits(Pass):
    """Count what the network needs, and list every limit that it breaks with the smallest change that fits.

    Needs `state.tiles`, sets `state.needs`. Refuses nothing: `map_network` does before the first pass that needs a
    network that fits.
    """

    name = "limits"
    what = "Nothing: it counts cores and phases, and lists every limit that the network breaks."

    def __call__(self, state: MappingState) -> MappingState:
        """Estimate."""
        network, chip, tiles, asked = state.network, state.chip, state.tiles, state.options
        cores, local = core_count(tiles), {c for t in tiles for c in t.local_cores}
        slots = int(chip.axons) * int(chip.neurons)
        per_step = phases(network, tiles)
        found = [
            *formats(network, chip),
            *memories(state.arranged, chip, asked.weight_storage, tiles),
            *unshared(network, asked.fold),
        ]
        if cores > state.available:
            found.append(too_many(state))
        needs = Estimate(
            chip=chip.name,
            cores=cores,
            available=state.available,
            synapse_cores=cores - len(local),
            local_cores=len(local),
            occupancy=stored_synapses(tiles) / (slots * cores),
            phases_per_step=per_step,
            step_seconds=per_step * chip.phase_seconds,
            n_passes=count_passes(tiles),
            violations=tuple(found),
        )
        return replace(state, needs=needs)


def too_many(state: MappingState) -> Violation:
    """Return the violation of a network with more cores than work."""
    network, chip, asked, available = state.network, state.chip, state.options, state.available
    lost = chip.cores - available
    less = f" ({chip.cores} less {lost} dead or cut off)" if lost else ""
    change = (
        fold_more(network, chip, asked.weight_storage, asked.fold, available)
        if layers(network)
        else remedy(network, chip, asked.weight_storage, available)
    )
    return Violation(f"cores of the model of {chip.name}", f"{state.cores}", f"{available}{less}", change)


def formats(network: Net, chip: Chip) -> list[Violation]:
    """List the numbers that are wider than the chip's."""
    found = []
    limit = int(chip.weight_bits)
    for p in network.projections:
        if p.weight_bits > limit:
            on = f"up to {limit} on the model of {chip.name}"
            change = f"Quantise with weight_bits={limit}."
            found.append(Violation(f"{p.name}.weight_bits", f"{p.weight_bits}", on, change, True))
    widest = int(chip.message_bits)
    senders = [(p.name, p.num_message_bits) for p in (*network.populations, *network.projections)]
    for name, bits in senders:
        if bits > widest:
            on = f"up to {widest} on the model of {chip.name}"
            change = "Use neurons and a source that send spikes, or a chip whose cores have an ANN mode."
            found.append(Violation(f"{name}.num_message_bits", f"{bits}", on, change, True))
    if int(chip.membrane_bits) < MEMBRANE_BITS:
        on = f"up to {int(chip.membrane_bits)} on the model of {chip.name}"
        change = "Use a chip with wider membranes: the arithmetic of the integer network has this width."
        found.append(Violation("membrane bits of the network", f"{MEMBRANE_BITS}", on, change, True))
    return found


def unshared(network: Net, fold: Folding | int) -> list[Violation]:
    """List the convolutions that were to be folded and cannot, because every synapse has a local weight of its own."""
    if fold in ("auto", "none", 1):
        return []
    change = "Map with fold='auto' or 'none', or train the convolution without local weights."
    return [
        Violation(
            f"{p.name}.local weights", f"fold={fold!r}", "no fold of what learns synapse by synapse", change, True
        )
        for p in network.projections
        if p.convolution is not None and p.rule is not None
    ]


def memories(network: Net, chip: Chip, storage: str, tiles: tuple[Tile, ...]) -> list[Violation]:
    """List the projections whose weights no core has the memory for. network : as arranged."""
    found = []
    indexed = storage == "indexed"
    limit, memory = int(chip.weight_values), int(chip.sram if indexed else chip.weight_memory)
    rooms = {p.name: room(p, chip) for p in network.populations}
    for p in network.projections:
        if most_neurons(rooms[p.target], storage, p.rule is not None) < 1:
            needed = full_bytes(int(chip.axons), chip)
            change = f"Use fewer than {int(chip.axons)} axons a core, or a chip with {needed} bytes."
            found.append(Violation(f"{p.name}.weights of one neuron", f"{needed} bytes", f"{memory} bytes", change))
        if not indexed or 2**p.weight_bits <= limit:
            continue
        cores: dict[int, list[Tile]] = {}
        for t in tiles:
            if t.projection == p.name:
                cores.setdefault(t.core, []).append(t)
        most = max((different_weights(p, mine) for mine in cores.values()), default=0)
        if most > limit:
            narrow = limit.bit_length() - 1
            change = f"Quantise with weight_bits={narrow}, or map with weight_storage='full'."
            found.append(Violation(f"{p.name}.different weights in a core", f"{most}", f"{limit}", change))
    return found


def fold_more(network: Net, chip: Chip, storage: str, fold: Folding | int, available: int) -> str:
    """Return the smallest change that fits a network with convolutions, whose images cannot have just any size."""
    tiles = cut(network, chip, storage, "auto", available)
    if fold != "auto" and core_count(tiles) <= available:
        return f"With fold='auto' it needs {core_count(tiles)}, in {count_passes(tiles)} passes of a step."
    least = core_count(cut(network, chip, storage, "full", available))
    wide, narrow = (bound(network, chip, storage, {}, bits) for bits in (None, NARROWEST_LOCAL))
    if narrow < wide and least - (wide - narrow) <= available:
        return f"With quantise(local_bits={NARROWEST_LOCAL}) and fold='full' it needs {least - (wide - narrow)}."
    chips = -(-least // (chip.cores // chip.chips))
    return (
        f"Folded as far as it goes it needs {least}: use fewer channels, a larger chip, or an array of {chips} chips "
        "(map_network(chips=(rows, columns)))."
    )


def remedy(network: Net, chip: Chip, storage: str, available: int) -> str:
    """Return the smallest change that fits: narrower local weights, else fewer neurons in the largest population."""
    narrow = bound(network, chip, storage, {}, NARROWEST_LOCAL)
    if narrow <= available:
        return f"With quantise(local_bits={NARROWEST_LOCAL}) it needs {narrow}."
    largest = max(network.populations, key=lambda p: p.size if p.name != network.output else 0)
    size = last_that_fits(
        int(largest.size), lambda n: bound(network, chip, storage, {largest.name: n}, None) <= available
    )
    if size:
        return f"It fits with {size} instead of {largest.size} neurons in {largest.name!r}."
    cores_of_one = chip.cores // chip.chips
    chips = -(-bound(network, chip, storage, {}, None) // cores_of_one)
    return (
        "No size of a single population makes it fit: use fewer populations, a larger chip, or an array of "
        f"{chips} chips (map_network(chips=(rows, columns)))."
    )


def last_that_fits(high: int, fits: Callable[[int], bool]) -> int:
    """Return the largest n in 1 .. high - 1 that fits, by bisection, where the need grows with n; 0 if none does."""
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
