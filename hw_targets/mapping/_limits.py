# SPDX-License-Identifier: BSD-3-Clause
"""Pass 1: what a network needs of a chip, before anything is placed, and every limit that it breaks, at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from synergic.errors import CapacityError, UnsupportedError
from synergic.hw_targets._chip import Chip
from synergic.hw_targets.mapping._arrange import layers
from synergic.hw_targets.mapping._mapping_data import Tile, incoming, kept, local_bits, phases, slices_of, turns_of
from synergic.hw_targets.mapping._memory import different_weights, full_bytes, most_neurons, room
from synergic.hw_targets.mapping._partition import core_count, rows_limit
from synergic.hw_targets.mapping._turns import cut
from synergic.network._quantise import IntGraph, IntNetwork
from synergic.numerics import fixed

MEMBRANE_BITS = int(fixed.MEMBRANE_MAX).bit_length() + 1
NARROWEST_LOCAL = 8
"""Bits of the narrowest local weights that quantise() makes."""
Net = IntNetwork | IntGraph


@dataclass(frozen=True)
class Violation:
    """A limit of the chip that a network breaks.

    where : the object and what of it. needed, available : how much. change : the smallest change that would fit.
    wrong_kind : whether the chip cannot represent it at all, however large it were.
    """

    where: str
    needed: str
    available: str
    change: str
    wrong_kind: bool = False

    def __str__(self) -> str:
        words = ("got", "allowed") if self.wrong_kind else ("needed", "available")
        return f"{self.where}: {words[0]} {self.needed}, {words[1]} {self.available}. {self.change}"


@dataclass(frozen=True)
class Estimate:
    """What a network needs of a chip, known before it is mapped; `cores` is what the mapping then takes.

    available : cores of the chip that work. synapse_cores, local_cores : of `cores`. occupancy : share of the synapses
    of these cores that are used. phases_per_step, step_seconds : of the chip's clock. turns : places of a picture that
    folded cores compute in a step, one after another. violations : what does not fit.
    """

    chip: str
    cores: int
    available: int
    synapse_cores: int
    local_cores: int
    occupancy: float
    phases_per_step: int
    step_seconds: float
    turns: int
    violations: tuple[Violation, ...]

    @property
    def fits(self) -> bool:
        """Whether map_network will succeed."""
        return not self.violations


def cores_needed(network: Net, chip: Chip, sizes: dict[str, int] | None = None, bits: int | None = None) -> int:
    """Cores for the network unfolded; with other population sizes or local bits an upper bound, tiles of zeros not
    known."""
    if sizes is None and bits is None:
        return core_count(cut(network, chip, "full", "none", 0)[1])
    return bound(network, chip, "full", sizes or {}, bits)


def bound(network: Net, chip: Chip, storage: str, sizes: dict[str, int], bits: int | None) -> int:
    """Cores for the network if no tile is left out and no core shared."""
    total, ends = 0, incoming(network)
    for population in network.populations:
        into = ends[population.name]
        pieces = -(-sizes.get(population.name, population.size) // rows_limit(into, room(population, chip), storage))
        for p in into:
            columns = -(-sizes.get(p.source, p.n_in) // int(chip.axons))
            width = local_bits(p) if bits is None else min(bits, local_bits(p))
            total += pieces * columns * (1 + slices_of(width, chip))
    return total


def estimate(
    network: Net, chip: Chip, storage: str = "full", lost: int = 0, fold: str | int = "auto", budget: int | None = None
) -> Estimate:
    """What the network needs of the chip, and what does not fit. lost : cores of the grid that cannot be used."""
    return assess(network, chip, storage, lost, fold, budget)[0]


def assess(
    network: Net, chip: Chip, storage: str, lost: int, fold: str | int, budget: int | None
) -> tuple[Estimate, list[Tile]]:
    """The estimate, and the tiles that it is made from. fold, budget : as of map_network."""
    available = chip.cores - lost
    laid, tiles = cut(network, chip, storage, fold, available if budget is None else min(budget, available))
    cores, local = core_count(tiles), {c for t in tiles for c in t.local_cores}
    slots = int(chip.axons) * int(chip.neurons)
    per_step = phases(network, tiles)
    found = [*formats(network, chip), *memories(laid, chip, storage, tiles), *unshared(network, fold)]
    if cores > available:
        of = f"cores of the model of {chip.name}"
        less = f" ({chip.cores} less {lost} dead or cut off)" if lost else ""
        convolutions = bool(layers(network))
        change = (
            fold_more(network, chip, storage, fold, available)
            if convolutions
            else remedy(network, chip, storage, available)
        )
        found.append(Violation(of, f"{cores}", f"{available}{less}", change))
    return (
        Estimate(
            chip=chip.name,
            cores=cores,
            available=available,
            synapse_cores=cores - len(local),
            local_cores=len(local),
            occupancy=kept(tiles) / (slots * cores),
            phases_per_step=per_step,
            step_seconds=per_step * chip.phase_seconds,
            turns=turns_of(tiles),
            violations=tuple(found),
        ),
        tiles,
    )


def formats(network: Net, chip: Chip) -> list[Violation]:
    """Numbers wider than the chip's."""
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


def unshared(network: Net, fold: str | int) -> list[Violation]:
    """Convolutions that were to be folded and cannot: a local weight is one a synapse, and no kernel shares it."""
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


def memories(network: Net, chip: Chip, storage: str, tiles: list[Tile]) -> list[Violation]:
    """Projections whose weights no core has the memory for."""
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


def fold_more(network: Net, chip: Chip, storage: str, fold: str | int, available: int) -> str:
    """The smallest change that fits a network with convolutions, whose pictures cannot have just any size."""
    tiles = cut(network, chip, storage, "auto", available)[1]
    if fold != "auto" and core_count(tiles) <= available:
        return f"With fold='auto' it needs {core_count(tiles)}, in {turns_of(tiles)} turns of a step."
    least = core_count(cut(network, chip, storage, "full", available)[1])
    wide, narrow = (bound(network, chip, storage, {}, bits) for bits in (None, NARROWEST_LOCAL))
    if narrow < wide and least - (wide - narrow) <= available:
        return f"With quantise(local_bits={NARROWEST_LOCAL}) and fold='full' it needs {least - (wide - narrow)}."
    chips = -(-least // (chip.cores // chip.chips))
    return (
        f"Folded as far as it goes it needs {least}: use fewer channels, a larger chip, or an array of {chips} chips "
        "(map_network(chips=(rows, columns)))."
    )


def remedy(network: Net, chip: Chip, storage: str, available: int) -> str:
    """The smallest change that fits: narrower local weights, else fewer neurons in the largest population."""
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
    """The largest n in 1 .. high - 1 that fits, by bisection, where the need grows with n; 0 if none does."""
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def refuse(found: tuple[Violation, ...]) -> None:
    """Raise one error that names every violation: UnsupportedError if the chip cannot represent something, else
    CapacityError."""
    if not found:
        return
    error = UnsupportedError if any(v.wrong_kind for v in found) else CapacityError
    raise error("\n".join(map(str, found)))
