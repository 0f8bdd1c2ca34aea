# SPDX-License-Identifier: BSD-3-Clause
"""A network onto a chip, pass by pass. `PASSES` is the only list of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from synergic._core.checks import kind, require
from synergic.errors import CapacityError, UnsupportedError
from synergic.hw_targets._chip import Chip, load_chip
from synergic.hw_targets.mapping._arrange import arranged
from synergic.hw_targets.mapping._checker import check_mapping
from synergic.hw_targets.mapping._grid import Grid
from synergic.hw_targets.mapping._mapping_data import Estimate, Mapping, Violation
from synergic.hw_targets.mapping._options import MappingOptions, NamedOptions, options_of
from synergic.hw_targets.mapping.passes import (
    Balance,
    Copies,
    Fold,
    Limits,
    MappingState,
    Merge,
    Partition,
    Pass,
    Placement,
    Routing,
)
from synergic.network._quantise import IntGraph, IntNetwork

if TYPE_CHECKING:
    from typing_extensions import Unpack

PASSES: tuple[Pass, ...] = (
    Fold(),
    Partition(),
    Merge(),
    Limits(),
    Balance(),
    Copies(),
    Placement(),
    Routing(),
)
"""What `map_network` runs, in this order."""
SHOWN = 5
"""Errors of a mapping that a refusal names."""


def map_network(
    network: IntNetwork | IntGraph,
    chip: Chip | str | Path = "tianjic",
    *,
    options: MappingOptions | None = None,
    passes: tuple[Pass, ...] = PASSES,
    **named: Unpack[NamedOptions],
) -> Mapping:
    """Place a network on a chip.

    Parameters
    ----------
    network : IntNetwork or IntGraph
        An integer network, made by `quantise`.
    chip : Chip, str or Path, default "tianjic"
        A chip, the name of a shipped one, or the path of a chip file.
    options : MappingOptions, optional
        What is asked for, as one object. Default: the defaults of `MappingOptions`.
    passes : tuple of Pass, default PASSES
        What is run, in order. A pass of your own is inserted here: `(*PASSES[:-1], MyPass(), PASSES[-1])`.
        A mapping by other passes than PASSES is checked with `check_mapping`.
    **named
        Single options by name, such as `placement="greedy"` or `fold=4`: every field of `MappingOptions`.
        They replace those of `options`.

    Returns
    -------
    Mapping
        What is stored on each core, where each core is on the grid, and the route of every packet. It computes the
        same integers as the network, whatever the options.

    Raises
    ------
    FormatError
        If `chip` is neither a name nor a valid file.
    ParameterError
        If an option is out of range, or passes leave an unsound mapping.
    CapacityError
        If the network needs more than the chip has. The text lists everything, with the smallest change that fits.
    UnsupportedError
        If the chip cannot compute something of the network at all.
    """
    state = begin("map_network", network, chip, options_of("map_network", options, named))
    for each in check_passes("map_network", passes):
        if each.needs_fit and state.needs is not None:
            refuse(state.needs.violations)
        state = run(each, state)
    mapping = finished(state)
    if tuple(passes) != PASSES:
        wrong = check_mapping(mapping)
        got = f"{len(wrong)} errors in the mapping: " + "; ".join(map(str, wrong[:SHOWN]))
        require(not wrong, "map_network.passes", got, "passes that make a sound mapping", "Correct the pass.")
    return mapping


def estimate(
    network: IntNetwork | IntGraph,
    chip: Chip | str | Path = "tianjic",
    *,
    options: MappingOptions | None = None,
    passes: tuple[Pass, ...] = PASSES,
    **named: Unpack[NamedOptions],
) -> Estimate:
    """Compute whether and how a network fits, without mapping it.

    Parameters
    ----------
    network, chip, options, passes, **named
        As of `map_network`. Passes from the first that needs a network that fits are not run, and options of
        placement have no effect.

    Returns
    -------
    Estimate
        Cores, phases and time of a step. What does not fit is in `violations`.

    Raises
    ------
    FormatError
        If `chip` is neither a name nor a valid file.
    ParameterError
        If an option is out of range.
    """
    state = begin("estimate", network, chip, options_of("estimate", options, named))
    for each in itertools.takewhile(lambda p: not p.needs_fit, check_passes("estimate", passes)):
        state = run(each, state)
    needs = state.needs
    require(needs is not None, "estimate.passes", "no pass that sets state.needs", "Limits among them", "Add it.")
    assert needs is not None
    return needs


def begin(where: str, network: IntNetwork | IntGraph, chip: Chip | str | Path, options: MappingOptions) -> MappingState:
    """Return the state before the first pass, everything checked."""
    kind(f"{where}.network", network, IntNetwork | IntGraph, "Call quantise() first.")
    one = chip if isinstance(chip, Chip) else load_chip(chip)
    whole = one if options.chips == (1, 1) else one.array(*options.chips)
    options.check_against(network, whole)
    grid = Grid(whole, options.dead_cores, options.dead_links)
    return MappingState(network, arranged(network), whole, options, grid)


def check_passes(where: str, passes: Iterable[Pass]) -> tuple[Pass, ...]:
    """Refuse what is no row of passes. Raises ParameterError."""
    kind(f"{where}.passes", passes, tuple | list, "Give PASSES with yours among them.")
    for each in passes:
        kind(f"{where}.passes", each, Pass, "Derive it from Pass, and give an instance.")
        kind(f"{where}.passes, {type(each).__name__}.name", getattr(each, "name", None), str, "Name the pass.")
    return tuple(passes)


def run(each: Pass, state: MappingState) -> MappingState:
    """Run one pass. Raises ParameterError if it returns anything else than a state."""
    after = each(state)
    kind(f"pass {each.name}'s result", after, MappingState, "Return dataclasses.replace(state, ...).")
    return after


def finished(state: MappingState) -> Mapping:
    """Return the mapping of a state. Raises ParameterError if something is not decided."""
    slots, chains, asked = state.slots, state.chains, state.options
    left = [name for name, value in (("slots", slots), ("chains", chains)) if value is None]
    remedy = "Add those of PASSES that do."
    require(not left, "map_network.passes", f"none that sets state.{' or state.'.join(left)}", "passes that do", remedy)
    assert slots is not None
    assert chains is not None
    slots = np.asarray(slots)
    slots.setflags(write=False)
    return Mapping(
        state.network,
        state.chip,
        state.tiles,
        state.cores,
        slots,
        chains,
        weight_storage=asked.weight_storage,
        placement=asked.placement,
        seed=asked.seed,
        dead_cores=tuple(asked.dead_cores),
        dead_links=tuple(asked.dead_links),
        copies=state.copies,
        fan_out=asked.fan_out,
    )


def refuse(found: tuple[Violation, ...]) -> None:
    """Raise one error that names every violation.

    UnsupportedError if the chip cannot represent something, else CapacityError.
    """
    if not found:
        return
    error = UnsupportedError if any(v.wrong_kind for v in found) else CapacityError
    raise error("\n".join(map(str, found)))
