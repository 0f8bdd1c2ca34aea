# SPDX-License-Identifier: BSD-3-Clause
"""What `synergic map` does: whether and how a saved network fits on the model of a chip, as report, file and page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from rich.console import Console

from synergic._core.checks import kind, kinds
from synergic._core.files import check_path, write_json
from synergic._core.outputs import check_outputs
from synergic._page import FULL, LINKS, drawing, facts, grid, lines, show, write_page
from synergic.cli._inputs import open_network, own_data
from synergic.cli._wording import quoted
from synergic.errors import ExecutionError
from synergic.hw_targets._chip import Chip
from synergic.hw_targets._chip_report import widths
from synergic.hw_targets.costs._core_work import writes_apart
from synergic.hw_targets.mapping import (
    Estimate,
    Mapping,
    MappingOptions,
    check_mapping,
    estimate,
    link_packets,
    map_network,
    save_mapping,
)
from synergic.hw_targets.mapping._arrange import layers
from synergic.hw_targets.mapping._grid import Grid
from synergic.hw_targets.mapping._memory import memory_of
from synergic.hw_targets.mapping._modes import count_modes, tables
from synergic.hw_targets.mapping._options import Folding
from synergic.hw_targets.mapping._traffic import RATE, flows, traffic, weighted_hops
from synergic.network._quantise import IntNetwork

NOTE = "A model of the chip, not the chip: nothing here is measured on silicon."
MAPS = "map_network() gives one."
Sections = dict[str, dict[str, Any]]


def estimate_section(needs: Estimate) -> dict[str, Any]:
    """What is known before anything is placed. Raises ParameterError."""
    kind("estimate_section.needs", needs, Estimate, "estimate() gives one.")
    return {
        "cores": f"{needs.cores} of {needs.available}",
        "of them for slow weights": needs.synapse_cores,
        "of them for local weights": needs.local_cores,
        "synapses used of these cores": f"{100 * needs.occupancy:.1f} %",
        "phases a step": needs.phases_per_step,
        "passes of time-multiplexed cores a step": needs.n_passes,
        "time of a step": f"{1e6 * needs.step_seconds:.1f} us",
        "fits": "yes" if needs.fits else "no",
    }


def answer(needs: Estimate, network: IntNetwork) -> str:
    """The result in one sentence. Raises ParameterError."""
    kinds("answer", needs=(needs, Estimate), network=(network, IntNetwork))
    cores = f"{needs.cores} of {needs.available} cores of the model of {needs.chip}"
    if not needs.fits:
        return f"It does not fit: it needs {cores}, and the limits below are broken."
    # Until the output has had its last step; what is behind the input begins later. A stream is written after it.
    phases = (network.steps + network.depth) * needs.phases_per_step + writes_apart(network)
    milliseconds = 1e3 * phases * needs.step_seconds / needs.phases_per_step
    return f"It fits: {cores}, {milliseconds:.3g} ms a sample of {network.steps} step{'s' * (network.steps > 1)}."


def folding_section(network: IntNetwork, chip: Chip | str, asked: MappingOptions) -> Sections:
    """Cores and phases of a network with convolutions, unfolded, as asked, and fully folded; empty for another one."""
    if not layers(network):
        return {}
    found: Sections = {}
    folds: dict[str, Folding | int] = {"unfolded": "none", f"fold={asked.fold}": asked.fold, "fully folded": "full"}
    for name, fold in folds.items():
        needs = estimate(network, chip, options=asked, fold=fold)
        step = f"{1e6 * needs.step_seconds:.1f} us"
        found[name] = {
            "cores": needs.cores,
            "turns": needs.n_passes,
            "phases a step": needs.phases_per_step,
            "step": step,
        }
    return found


def placement_section(mapping: Mapping) -> dict[str, Any]:
    """What placement and routing found; beside it what first-fit would. Raises ParameterError."""
    kind("placement_section.mapping", mapping, Mapping, MAPS)
    between = traffic(flows(mapping.network, mapping.tiles, mapping.copies), mapping.cores)
    columns = int(mapping.chip.columns)
    free = Grid(mapping.chip, mapping.dead_cores, mapping.dead_links).free_slots()
    hops = weighted_hops(between, mapping.slots, columns)
    first = weighted_hops(between, free[: mapping.cores], columns)
    links = link_packets(mapping)
    return {
        "placement": mapping.placement,
        "packets x hops a step": round(hops, 1),
        "the same by first-fit": round(first, 1),
        "packets over links a step, one for all stops of a route": round(sum(links.values()), 1),
        "routes": len(mapping.chains),
        "cores that a route of spikes may visit": "any number" if mapping.fan_out is None else mapping.fan_out,
        "copies of soma cores": len({t.soma_core for t in mapping.copies}),
        "longest route, hops": max((len(c.path) for c in mapping.chains), default=0),
        "busiest link, packets a step": round(max(links.values(), default=0.0), 1),
        "largest routing table, entries": max(mapping.tables().values(), default=0),
        "assumed spikes of a neuron in a step": RATE,
        "known faults": f"{len(mapping.dead_cores)} cores, {len(mapping.dead_links)} links",
    }


def memory_section(mapping: Mapping) -> dict[str, Any]:
    """What the weights take in both forms of storage, and which of them the mapping needs. Raises ParameterError."""
    kind("memory_section.mapping", mapping, Mapping, MAPS)
    memory = memory_of(mapping.arranged, mapping.stored, mapping.chip)
    table_size, table_cores = tables(mapping.network, mapping.stored)
    return {
        "storage": mapping.weight_storage,
        "bytes at full width": memory.full,
        "bytes in the fullest core": memory.full_largest,
        "bytes with indexed slow weights": memory.indexed,
        "synapse cores that indices are enough for": f"{memory.indexed_cores} of {memory.slow_cores}",
        "local cores that the small memory is enough for": f"{memory.local_fit} of {memory.local_cores}",
        "bytes of tables in somas": f"{table_size} in {table_cores} cores",
        "needs": "full storage" if memory.needs_full else "indexed storage, or full",
    }


def populations(mapping: Mapping) -> Sections:
    """Neurons and cores of each population. Raises ParameterError."""
    kind("populations.mapping", mapping, Mapping, MAPS)
    found: Sections = {}
    for p in mapping.network.populations:
        tiles = mapping.into(p.name)
        local = {c for t in tiles for c in t.local_cores}
        found[p.name] = {
            "neurons": p.size,
            "pieces": len(mapping.soma_cores(p.name)),
            "slow cores": len({c for t in tiles for c in t.cores} - local),
            "local cores": len(local),
            "synapses": sum(t.synapses for t in tiles),
        }
    return found


def report_of(mapping: Mapping, needs: Estimate) -> dict[str, Any]:
    """Everything that is said about a mapping, as JSON and the page hold it. Raises ParameterError."""
    kinds("report_of", mapping=(mapping, Mapping), needs=(needs, Estimate))
    return {
        "chip": f"model of {mapping.chip.name}",
        "chips": [mapping.chip.chips_rows, mapping.chip.chips_columns],
        "estimate": estimate_section(needs),
        "placement": placement_section(mapping),
        "memory": memory_section(mapping),
        "modes": count_modes(mapping),
        "populations": populations(mapping),
        "facts": {name: dataclasses.asdict(fact) for name, fact in mapping.chip.facts.items()},
        "positions": {str(core): mapping.position(core) for core in range(mapping.cores)},
        "note": NOTE,
    }


def map_to_chip(
    network: str | Path,
    chip: str = "tianjic",
    options: MappingOptions | None = None,
    *,
    output: Path | None = None,
    json_file: Path | None = None,
    html: Path | None = None,
    console: Console | None = None,
    weight_bits: int | None = None,
    local_bits: int | None = None,
) -> dict[str, Any]:
    """Estimate, map and check a saved network, print the report, write what is asked for.

    Parameters
    ----------
    network : str or Path
        Network file, folder of a run, or name of an example. A network in floating point is quantised.
    chip : str, default "tianjic"
        Name of a shipped chip, or path of a chip file.
    options : MappingOptions, optional
        As of `map_network`.
    output : Path, optional
        Mapping file to write.
    json_file : Path, optional
        JSON file for the report, or for what does not fit.
    html : Path, optional
        HTML file for the report with plots.
    console : rich.console.Console, optional
        Where the report is printed. Default: standard output.
    weight_bits, local_bits : int, optional
        As of `quantise`, for a network in floating point.

    Returns
    -------
    dict
        What the JSON file stores.

    Raises
    ------
    FormatError, ParameterError, CapacityError, UnsupportedError
        As of `load` and `map_network`.
    """
    kind("map_to_chip.options", options, MappingOptions | None, "Make one with MappingOptions().")
    asked = options or MappingOptions()
    kind("map_to_chip.console", console, Console | None, "Make one of rich.")
    network = check_path("map_to_chip.network", network)
    check_outputs("map_to_chip", output=output, json_file=json_file, html=html)
    console = console or Console()
    net = open_network(network, weight_bits, local_bits)
    needs = estimate(net, chip, options=asked)
    said = answer(needs, net)
    console.print(said, soft_wrap=True, highlight=False, markup=False)
    section = {"numbers": widths(net)} | estimate_section(needs)
    estimated = lines(f"estimate, model of {needs.chip}", section)
    show(estimated, console)
    folding = folding_section(net, chip, asked)
    folds = [grid("cores and phases by fold", folding)] if folding else []
    for table in folds:
        show(table, console)
    if not needs.fits and json_file is not None:  # a program that asks wants to know why, too
        broken = [dataclasses.asdict(v) for v in needs.violations]
        write_json(json_file, {"answer": said, "estimate": section, "violations": broken, "note": NOTE})
    mapping = map_network(net, chip, options=asked)
    wrong = check_mapping(mapping)
    if wrong:  # a defect of synergic's own: nobody else made this mapping
        raise ExecutionError("map_network made an unsound mapping, please report it:\n" + "\n".join(map(str, wrong)))
    report = {"answer": said} | report_of(mapping, needs) | {"estimate": section, "folding": folding}
    tables = [
        lines("placement and routes", report["placement"]),
        lines("memory", report["memory"]),
        lines("core modes", report["modes"]),
        grid("cores by population", report["populations"]),
    ]
    for table in tables:
        show(table, console)
    console.print(f"The checker finds every packet delivered and every limit respected. {NOTE}")
    if output is not None:
        save_mapping(mapping, output)
    if json_file is not None:
        write_json(json_file, report)
    if html is not None:
        title = f"{network.name} on the {report['chip']}"
        write_page(html, title, [NOTE], [estimated, *folds, *tables, facts(mapping.chip)], drawings(mapping), said)
        console.print(f"page: {html}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"Next: {next_command(network, output)}", soft_wrap=True, highlight=False, markup=False)
    return report


def next_command(network: Path, output: Path | None) -> str:
    """The command that runs what was mapped."""
    own = own_data(network)
    if output is None:
        return f"synergic simulate {quoted(network)}{'' if own else ' DATA'}"
    return f"synergic simulate {quoted(output)} {quoted(own) if own else 'DATA'}"


def drawings(mapping: Mapping) -> dict[str, str]:
    """Return the plots of a page, by caption. Raises ParameterError."""
    kind("drawings.mapping", mapping, Mapping, MAPS)
    from synergic import plots

    return {
        FULL: drawing(plots.occupancy, mapping),
        LINKS: drawing(plots.routes, mapping),
    }
