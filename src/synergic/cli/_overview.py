# SPDX-License-Identifier: BSD-3-Clause
"""What a run's folder, a network, a mapping or a file of figures holds, in the same form for all: `synergic report`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from synergic import plots
from synergic._core.checks import kind, kinds, require
from synergic._core.files import check_path, read_json, reading
from synergic._examples import example_file
from synergic._page import drawing, in_units
from synergic.cli._map import drawings, memory_section, placement_section, populations
from synergic.errors import FormatError
from synergic.experiments import CONFIG, RECORD
from synergic.experiments import NETWORK as NETWORK_FILE
from synergic.hw_targets._chip_report import summary
from synergic.hw_targets.costs._costs import Costs
from synergic.hw_targets.mapping import load_mapping
from synergic.hw_targets.mapping._mapping_file import FORMAT as MAPPING
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.network._storage import FORMAT as NETWORK
from synergic.network._storage import load, says
from synergic.reference._metrics import connection_sparsity, footprint

ALLOWED = (
    "the folder of a run, an example, a network or mapping that synergic saved, or the JSON file of `synergic demo`, "
    "`simulate`, `map` or of a run"
)
RECORDED = {"figures", "config", "history", "evaluated_on", "versions"}
"""What the record of a run holds at least."""
SHOWN = 4
"""Weight matrices of a network that are drawn."""


@dataclass(frozen=True)
class Overview:
    """What one input holds.

    kind : in words. sections : names and values by title. tables : further ones, by title names, each with names and
    values. `losses` : of each epoch. curves : accuracy by level of damage, (levels, values) by kind of damage. notes :
    remarks. `drawings` : plots that only this input has, by caption. Raises ParameterError for what
    cannot be shown.
    """

    name: str
    kind: str
    sections: dict[str, dict[str, Any]]
    tables: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    curves: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    drawings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # What a file holds is shown as it is: here is the last place that knows which file it was.
        kinds("Overview", kind=(self.kind, str), sections=(self.sections, dict), tables=(self.tables, dict))
        kinds("Overview.sections", **{title: (section, dict) for title, section in self.sections.items()})
        kinds("Overview.notes", **{str(i): (note, str) for i, note in enumerate(self.notes)})
        kinds("Overview.tables", **{title: (rows, dict) for title, rows in self.tables.items()})
        for title, rows in self.tables.items():
            kinds(f"Overview.tables.{title}", **{name: (row, dict) for name, row in rows.items()})
            alike = len({tuple(row) for row in rows.values()}) < 2
            require(alike, f"Overview.tables.{title}", "rows of different entries", "the same in all", "Write it anew.")


def overview(path: Path, draw: bool = False) -> Overview:
    """Read an input. draw : also make the plots. Raises FormatError, naming the file, for anything that `ALLOWED`
    does not name, and for what is damaged."""
    path = example_file(check_path("overview.path", path))
    kind("overview.draw", draw, bool, "True also makes the plots.")
    if not path.exists():
        raise FormatError(f"{path}: no such file or folder, allowed {ALLOWED}. Check the path.")
    with reading(path, f"Give {ALLOWED}."):
        if path.is_dir():
            left = (path / NETWORK_FILE).exists() and not (path / CONFIG).exists()  # by `synergic demo`
            return of_network(path / NETWORK_FILE, draw) if left else of_run_folder(path)
        if says(path, NETWORK):
            return of_network(path, draw)
        if says(path, MAPPING):
            return of_mapping(path, draw)
        if path.suffix != ".json":
            with path.open("rb") as file:  # says why it cannot be read
                got = "a file of another kind" if file.read(1) else "an empty file"
            raise FormatError(f"{path}: got {got}, allowed {ALLOWED}. Give one of these.")
        return of_figures(path, read_json(path, "Write it anew."))


def of_run_folder(folder: Path) -> Overview:
    """The record of a run. Raises FormatError where it has not ended, or is none."""
    if not (folder / RECORD).exists():
        if not (folder / CONFIG).exists():
            raise FormatError(f"{folder}: got a folder without {CONFIG} and {RECORD}, allowed {ALLOWED}. Give a run's.")
        raise FormatError(
            f"{folder}: got a run that has not ended, allowed one with {RECORD}. Start the same `synergic train` "
            "again: it resumes."
        )
    return of_run(folder, read_json(folder / RECORD))


def of_run(path: Path, record: dict[str, Any]) -> Overview:
    """Settings, versions and figures of a run, its learning curve and what damage does."""
    missing = sorted(RECORDED - record.keys())
    if missing:
        raise FormatError(f"{path}: got a record without {missing}, allowed one with them. Delete the run, repeat it.")
    figures = record["figures"]
    curves = {
        kind: (list(figures["levels"][kind]), [float(v) for v in values])
        for kind, values in figures.get("curves", {}).items()
    }
    return Overview(
        named(path),
        f"run of the family {record['config']['family']}, evaluated on the {record['evaluated_on']}",
        {
            "figures": {k: v for k, v in flat(figures).items() if k.partition(".")[0] not in ("levels", "curves")},
            "settings": record["config"],
            "versions": made_by(record),
            **{f"accuracy: {kind}": dict(zip(map(str, at), v, strict=True)) for kind, (at, v) in curves.items()},
        },
        losses=[float(epoch["loss"]) for epoch in record["history"]],
        curves=curves,
    )


def named(path: Path) -> str:
    """The name of a run: of its folder, whose record may be given instead."""
    path = path.resolve()
    return path.parent.name if path.name == RECORD else path.name


def made_by(record: dict[str, Any]) -> dict[str, Any]:
    """Versions, machine and date, as far as a record has them."""
    return dict(record["versions"]) | {k: record[k] for k in ("machine", "date") if k in record}


def flat(values: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Nested names and values as one level, lists left out: they are curves and matrices."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= flat(value, f"{path}{key}.")
        elif not isinstance(value, list):
            found[f"{path}{key}"] = value
    return found


def of_network(path: Path, draw: bool) -> Overview:
    """Sizes, parameters and memory of a network."""
    network = load(path)
    whole = isinstance(network, IntNetwork)
    settings = {
        "numbers": "integers" if whole else "floating point",
        "input": f"{network.source.size} channels of {'values' if network.source.num_message_bits else 'spikes'}",
        "output": f"{network.output}, read by {network.readout}",
        "steps": network.steps,
        "neurons": sum(p.size for p in network.populations),
        "synapses": sum(int(np.count_nonzero(q.weights)) for q in network.projections),
        "of them plastic": sum(int(np.count_nonzero(q.weights)) for q in network.projections if q.rule is not None),
        "bytes of parameters and state": footprint(network),
        "share of weights that are 0": connection_sparsity(network),
    }
    shown = {f"weights of {q.name}": drawing(plots.weights, q.weights) for q in network.projections[: SHOWN * draw]}
    tables = {"by population": neurons(network), "by projection": connections(network)}
    return Overview(path.name, "network", {"network": settings}, tables, drawings=shown)


def neurons(network: Network | IntNetwork) -> dict[str, dict[str, Any]]:
    """Populations and their parameters."""
    return {p.name: {"neurons": p.size, "v_th": p.vth, "decay": p.decay, "reset": p.reset} for p in network.populations}


def connections(network: Network | IntNetwork) -> dict[str, dict[str, Any]]:
    """Projections, their sizes and rules."""
    return {
        q.name: {
            "from": q.source,
            "to": q.target,
            "shape": " x ".join(map(str, q.weights.shape)),
            "largest |W|": abs(q.weights).max().item(),
            "rule": "none" if q.rule is None else f"{type(q.rule).__name__}, {q.plasticity_scope}",
        }
        for q in network.projections
    }


def of_mapping(path: Path, draw: bool) -> Overview:
    """Chip, cores, routes and memory of a mapping."""
    mapping = load_mapping(path)
    chip = {
        "chip": f"model of {mapping.chip.name}",
        "chips": mapping.chip.chips,
        "cores": f"{mapping.cores} of {mapping.chip.cores}",
        "phases a step": mapping.phases_per_step,
        "time of a step, us": 1e6 * mapping.phases_per_step * mapping.chip.phase_seconds,
        "seed": mapping.seed,
    }
    sections = {"chip": chip, "placement and routes": placement_section(mapping), "memory": memory_section(mapping)}
    shown = drawings(mapping) if draw else {}
    return Overview(path.name, "mapping", sections, {"cores by population": populations(mapping)}, drawings=shown)


def of_demo(path: Path, figures: dict[str, Any]) -> Overview:
    """Accuracies, agreement and costs of `synergic demo`."""
    apart = ("facts", "assumptions", "saturated", "without_local_weights")
    chip = in_units({k: v for k, v in figures["chip"].items() if k not in apart})
    bare = figures["chip"].get("without_local_weights")  # not in files of before
    sections = {
        "accuracy": figures["accuracy"],
        "agreement": figures["agreement"],
        "chip": chip | {"saturated values": sum(figures["chip"]["saturated"].values())},
        **({} if bare is None else {"chip, without local weights (GP)": in_units(bare)}),
        "seconds": figures["seconds"],
        "settings": {k: figures[k] for k in ("seed", "epochs", "samples")},
        "versions": made_by(figures),
    }
    return Overview(path.name, "figures of synergic demo", sections, notes=tuple(figures["chip"]["assumptions"]))


def of_simulation(path: Path, figures: dict[str, Any]) -> Overview:
    """Accuracy and costs of `synergic simulate`."""
    costs = Costs(**figures["costs"])
    sections = {"figures": {"chip": costs.chip, "samples": figures["samples"], **summary(figures, costs)}}
    tables = {"costs of a sample by population": {name: in_units(part) for name, part in costs.layers.items()}}
    return Overview(path.name, "figures of synergic simulate", sections, tables, notes=tuple(figures["assumptions"]))


def of_map_report(path: Path, figures: dict[str, Any]) -> Overview:
    """The report of `synergic map`, also of a network that does not fit."""
    if "violations" in figures:
        broken = {str(i): v for i, v in enumerate(figures["violations"], 1)}
        tables = {"limits that are broken, by number": broken}
        return Overview(path.name, "report of synergic map: does not fit", {"estimate": figures["estimate"]}, tables,
                        notes=(figures["note"],))  # fmt: skip
    sections = {title: figures[title] for title in ("estimate", "placement", "memory")}
    sections = {"chip": {"chip": figures["chip"], "chips": " x ".join(map(str, figures["chips"]))}} | sections
    tables = {"cores by population": figures["populations"]}
    return Overview(path.name, "report of synergic map", sections, tables, notes=(figures["note"],))


KINDS: tuple[tuple[set[str], Callable[[Path, dict[str, Any]], Overview]], ...] = (
    ({"figures", "config", "history", "evaluated_on"}, of_run),
    ({"accuracy", "agreement", "chip", "seconds"}, of_demo),
    ({"costs", "classes", "assumptions"}, of_simulation),
    ({"estimate", "note"}, of_map_report),
)
"""What a JSON file must have to be of a kind."""


def of_figures(path: Path, figures: dict[str, Any]) -> Overview:
    """A JSON file by what is in it. Raises FormatError for one of none of the kinds."""
    for entries, reader in KINDS:
        if entries <= figures.keys():
            return reader(path, figures)
    raise FormatError(f"{path}: got JSON with {sorted(figures)[:8]}, allowed {ALLOWED}. Give one of these.")
