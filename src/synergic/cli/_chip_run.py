# SPDX-License-Identifier: BSD-3-Clause
"""What `synergic simulate` does: a saved network, or a mapping, on data, on the model of a chip."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from synergic._core.checks import kind, numbers, require, whole
from synergic._core.files import check_folder, check_path, write_json, write_whole
from synergic.cli._inputs import open_mapping, samples_of, widths
from synergic.cli._page import in_units, per_cent
from synergic.hw_targets._chip import Chip
from synergic.hw_targets.costs._costs import ASSUMPTIONS, Costs, cost
from synergic.hw_targets.mapping import Mapping
from synergic.hw_targets.simulation._activity import Activity
from synergic.hw_targets.simulation._probes import Probes
from synergic.hw_targets.simulation._simulator import Simulator
from synergic.network._quantise import IntNetwork

Array = npt.NDArray[Any]


def checked(network: IntNetwork, given: Array, labels: Array | None, samples: int | None) -> tuple[Array, Any]:
    """The first samples, as the network takes them, and their labels. Raises ParameterError."""
    kind("checked.network", network, IntNetwork, "quantise() gives one.")
    given = numbers("input", given, "iufb")
    given = given[None] if given.ndim == 2 else given
    allowed = "(samples, T, channels), at least one sample"
    fits = given.ndim == 3 and len(given) > 0
    require(fits, "input", f"shape {given.shape}", allowed, "Axes are sample, step, channel.")
    if samples is not None:
        whole("samples", samples, 1, len(given), "That many are there.")
        given = given[:samples]
    if network.source.num_message_bits and given.dtype.kind == "f":
        given = network.encode(given)
    given = network.check_input(given)
    if labels is None:
        return given, None
    labels = numbers("labels", labels, "iu")
    one_each = labels.ndim == 1 and len(labels) >= len(given)
    require(one_each, "labels", f"shape {labels.shape}", f"({len(given)},)", "Give one label a sample.")
    labels, classes = labels[: len(given)], network.population(network.output).size
    bad = labels[(labels < 0) | (labels >= classes)]
    require(bad.size == 0, "labels", f"{bad[:3]}", f"0 to {classes - 1}", f"{network.output} has {classes} neurons.")
    return given, labels


def describe(costs: Costs) -> dict[str, Any]:
    """The costs as JSON holds them. Raises ParameterError."""
    kind("describe.costs", costs, Costs, "cost() gives them.")
    plain = dataclasses.asdict(costs)
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in plain.items()}


def run_on_chip(
    network: str | Path,
    data: str | Path | None = None,
    chip: Chip | str | None = None,
    samples: int | None = None,
    local_memory: str = "matrix",
    strict: bool = False,
    json_file: Path | None = None,
    figure: Path | None = None,
    html: Path | None = None,
    console: Console | None = None,
    weight_bits: int | None = None,
    local_bits: int | None = None,
) -> dict[str, Any]:
    """Run a saved network or mapping on data, print accuracy and costs with their assumptions.

    network : as of `open_mapping`. data : as of `samples_of`. weight_bits, local_bits : of a network in floating point,
    as of `quantise`. Returns what json_file gets.

    Raises FormatError, ParameterError, CapacityError, UnsupportedError, before anything runs but for `strict`.
    """
    kind("run_on_chip.console", console, Console | None, "Make one of rich.")
    network = check_path("run_on_chip.network", network)
    data = None if data is None else check_path("run_on_chip.data", data)
    for name, path in (("json_file", json_file), ("figure", figure), ("html", html)):
        if path is not None:
            check_folder(path, f"run_on_chip.{name}")
    mapping = open_mapping(network, chip, weight_bits, local_bits)
    net = mapping.network
    assert isinstance(net, IntNetwork)
    found = samples_of(data, network, samples)
    given, labels = checked(net, found.inputs, found.labels, samples)
    simulator = Simulator(mapping, local_memory, strict, Probes.readout(net))
    record, activity = simulator.run(given)
    predicted = record.classes(net)
    costs = cost(mapping, activity)
    result: dict[str, Any] = {
        "accuracy": None if labels is None else float(np.mean(predicted == labels)),
        "samples": len(given),
        "data": found.what,
        "widths": widths(net),
        "classes": predicted.tolist(),
        "saturated": record.saturated,
        "too_wide": activity.too_wide,
        "costs": describe(costs),
        "assumptions": list(ASSUMPTIONS),
        "facts": {name: dataclasses.asdict(fact) for name, fact in mapping.chip.facts.items()},
    }
    console = console or Console()
    show(result, costs, console)
    if figure is not None:
        draw(mapping, activity, figure)
    if html is not None:
        write_html(html, f"{network.name} on the {costs.chip}", result, costs, mapping, activity)
    if json_file is not None:
        write_json(json_file, result)
    if html is None:
        told = [str(network), *([] if data is None else [str(data)])]
        console.print(f"Next: synergic simulate {shlex.join(told)} --html report.html", soft_wrap=True, highlight=False)
    return result


def answer(result: dict[str, Any], costs: Costs) -> str:
    """The result in one sentence."""
    right = "no labels given" if result["accuracy"] is None else f"{per_cent(result['accuracy'])} right"
    where = f"{costs.cores} of {costs.cores_available} cores of the {costs.chip}"
    return (
        f"{result['samples']} {result['data']}: {right}, on {where}; {1e3 * costs.latency_s:.3g} ms and "
        f"{1e6 * costs.energy_j:.3g} uJ a sample."
    )


def show(result: dict[str, Any], costs: Costs, console: Console) -> None:
    """The report: the answer in one sentence, then tables."""
    console.print(answer(result, costs), soft_wrap=True, highlight=False, markup=False)
    table = Table(title=f"{costs.chip}: {result['samples']} samples", show_header=False)
    for name, value in summary(result, costs).items():
        table.add_row(name, value)
    console.print(table)
    by_population = {name: in_units(part) for name, part in costs.layers.items()}
    layers = Table("population", *next(iter(by_population.values())), title="by population, a sample")
    for name, part in by_population.items():
        layers.add_row(name, *(f"{value:.4g}" for value in part.values()))
    console.print(layers)
    for line in ASSUMPTIONS:
        console.print(f"- {line}")


def summary(result: dict[str, Any], costs: Costs) -> dict[str, str]:
    """The figures of a run by name, as text."""
    figures = {
        "accuracy": "no labels given" if result["accuracy"] is None else per_cent(result["accuracy"]),
        "data": result.get("data", "not recorded"),
        "numbers": result.get("widths", "not recorded"),
        "saturated values": ", ".join(f"{k} {v}" for k, v in result["saturated"].items() if v) or "none",
        "cores": f"{costs.cores} of {costs.cores_available}, {costs.local_cores} of them for local weights",
        "local weights": f"{costs.local_memory}, {costs.local_weight_bytes + costs.history_bytes:,} bytes",
        "traces of the rules": f"{costs.trace_bytes:,} bytes",
        **({"spikes that wait": f"{costs.delay_bytes:,} bytes"} if costs.delay_bytes else {}),
        "slow weights": f"{costs.weight_bytes:,} bytes",
        "phases": f"{costs.phases}, {costs.phases_per_step} a step",
        "latency, phases only": f"{1e6 * costs.latency_s:.1f} us, if a phase has the chip's fixed length",
        "latency, slowest core": f"{1e6 * (costs.latency_slowest_s or 0):.1f} us, if it ends with its slowest core",
        "latency, contention": f"{1e6 * (costs.latency_contention_s or 0):.1f} us, and not before its busiest link",
        "energy a sample": f"{1e6 * costs.energy_j:.2f} uJ, {1e6 * costs.energy_idle_j:.2f} uJ of it idle",
        "energy, all cores on": f"{1e6 * costs.energy_chip_j:.2f} uJ",
    }
    return figures | {name: f"{count:,.0f} a sample" for name, count in costs.events.items()}


def write_html(
    path: Path, title: str, result: dict[str, Any], costs: Costs, mapping: Mapping, activity: Activity
) -> None:
    """Write the report as one page: figures, assumptions, and the plots of `draw` with the map beside them."""
    from synergic import plots
    from synergic.cli._page import FULL, LINKS, PHASES, drawing, facts, grid, lines, write_page

    drawings = {
        PHASES: drawing(plots.phase_timeline, mapping, activity),
        "work of the cores": drawing(plots.heat_map, mapping, activity, "work"),
        "energy of the cores": drawing(plots.heat_map, mapping, activity, "energy"),
        "spikes of the cores": drawing(plots.heat_map, mapping, activity, "spikes"),
        FULL: drawing(plots.occupancy, mapping),
        LINKS: drawing(plots.routes, mapping),
    }
    samples = lines(f"{result['samples']} samples", summary(result, costs))
    layers = {name: in_units(part) for name, part in costs.layers.items()}
    tables = [samples, grid("costs of a sample by population", layers), facts(mapping.chip)]
    write_page(path, title, ASSUMPTIONS, tables, drawings, answer(result, costs))


def draw(mapping: Mapping, activity: Activity, path: Path) -> None:
    """Timeline of the phases, work by core and step, energy and spikes on the grid, as a PNG. Raises ParameterError."""
    check_folder(path, "draw.path")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from synergic import plots

    figure = Figure(figsize=(13, 9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    plots.phase_timeline(axes[0, 0], mapping, activity, "phases of a sample")
    plots.core_raster(axes[0, 1], mapping, activity, "work by core")
    plots.heat_map(axes[1, 0], mapping, activity, "energy", "energy")
    plots.heat_map(axes[1, 1], mapping, activity, "spikes", "spikes")
    write_whole(path, lambda draft: figure.savefig(draft, dpi=110, format="png"))
