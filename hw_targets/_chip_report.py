# SPDX-License-Identifier: BSD-3-Clause
"""A network on data on the model of a chip, as a report: printed, in a notebook, as a page, as figures for JSON."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import kind, numbers, require, whole
from synergic._core.files import write_whole
from synergic._core.outputs import image_format
from synergic.errors import ParameterError
from synergic.hw_targets._chip import Chip
from synergic.hw_targets.costs._costs import Costs, assumptions, cost
from synergic.hw_targets.mapping import Mapping, map_network
from synergic.hw_targets.simulation._activity import Activity
from synergic.hw_targets.simulation._probes import Probes
from synergic.hw_targets.simulation._simulator import Simulator
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork, quantise
from synergic.reference import Record

if TYPE_CHECKING:
    from rich.console import Console

Array = npt.NDArray[Any]
WIDTH = 100
"""Characters of a line of `str(report)`."""


def checked(network: IntNetwork, given: Any, labels: Any, samples: int | None) -> tuple[Array, Any]:
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


def widths(network: IntNetwork) -> str:
    """The widths of the weights of a network, in words."""
    slow = sorted({q.weight_bits for q in network.projections})
    local = sorted({q.rule.p_top.bit_length() + 1 for q in network.projections if q.rule is not None})
    said = f"slow weights {' and '.join(map(str, slow))} bits"
    return f"{said}, local weights {' and '.join(map(str, local))} bits" if local else said


def chosen(weight_bits: int | None, local_bits: int | None) -> dict[str, Any]:
    """The widths that were asked for."""
    asked = {"weight_bits": weight_bits, "local_bits": local_bits}
    return {name: bits for name, bits in asked.items() if bits is not None}


def refuse_bits(weight_bits: int | None, local_bits: int | None, what: str) -> None:
    """Raises ParameterError for widths beside something that has its own."""
    for name, bits in chosen(weight_bits, local_bits).items():
        raise ParameterError(f"{name}: got {bits}, allowed none with {what}, which has its own. Quantise it again.")


def integers_of(
    network: Network | IntNetwork | Mapping, chip: Chip | str | None, weight_bits: int | None, local_bits: int | None
) -> IntNetwork | Mapping:
    """The network in integers; a mapping stays. Raises as `quantise`, and ParameterError for what a mapping or a
    network in integers has already."""
    kind("report.network", network, Network | IntNetwork | Mapping, "Give a description, or map_network's result.")
    if isinstance(network, Mapping):
        require(chip is None, "chip", repr(chip), "none with a mapping, which has its own", "Map the network again.")
        refuse_bits(weight_bits, local_bits, "a mapping")
        return network
    if isinstance(network, Network):
        return quantise(network, **chosen(weight_bits, local_bits))
    refuse_bits(weight_bits, local_bits, "a network in integers")
    return network


@dataclasses.dataclass(frozen=True, eq=False)
class ChipReport:
    """What a network did on the model of a chip, and what it cost. `str` is what `synergic simulate` prints.

    A notebook shows it with its plots.

    Attributes
    ----------
    mapping : Mapping
        The network on the chip.
    record : Record
        What was recorded: spikes and potentials of the output.
    activity : Activity
        What each core and link did.
    costs : Costs
        Time, energy and memory of a sample.
    classes : ndarray of int64, shape (samples,)
        The answer to each sample.
    accuracy : float or None
        Share of the samples that are given their class, 0 to 1. None without labels.
    data : str
        What the samples are, in words.
    """

    mapping: Mapping
    record: Record
    activity: Activity
    costs: Costs
    classes: npt.NDArray[np.int64]
    accuracy: float | None
    data: str = "samples"

    def figures(self) -> dict[str, Any]:
        """Return all figures as JSON holds them: what `synergic simulate --json` writes."""
        network = self.mapping.network
        assert isinstance(network, IntNetwork)
        plain = dataclasses.asdict(self.costs)
        return {
            "accuracy": self.accuracy,
            "samples": len(self.classes),
            "data": self.data,
            "widths": widths(network),
            "classes": self.classes.tolist(),
            "saturated": self.record.saturated,
            "too_wide": self.activity.too_wide,
            "costs": {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in plain.items()},
            "assumptions": self.notes(),
            "facts": {name: dataclasses.asdict(fact) for name, fact in self.mapping.chip.facts.items()},
        }

    def answer(self) -> str:
        """Return the result in one sentence."""
        from synergic._page import per_cent

        costs = self.costs
        right = "no labels given" if self.accuracy is None else f"{per_cent(self.accuracy)} right"
        where = f"{costs.cores} of {costs.cores_available} cores of the {costs.chip}"
        return (
            f"{len(self.classes)} {self.data}: {right}, on {where}; {1e3 * costs.latency_s:.3g} ms and "
            f"{1e6 * costs.energy_j:.3g} uJ a sample."
        )

    def notes(self) -> list[str]:
        """Return the assumptions that concern this network on this chip, a sentence each."""
        return assumptions(self.mapping, self.costs.local_memory)

    def tables(self) -> list[Any]:
        """Figures of a sample, and those of each population."""
        from synergic._page import grid, in_units, lines

        layers = {name: in_units(part) for name, part in self.costs.layers.items()}
        return [
            lines(f"{self.costs.chip}: {len(self.classes)} samples", summary(self.figures(), self.costs)),
            grid("costs of a sample by population", layers),
        ]

    def show(self, console: Console) -> None:
        """Print the answer in one sentence, then tables and assumptions. console : of rich."""
        from synergic._page import show

        console.print(self.answer(), soft_wrap=True, highlight=False, markup=False)
        for table in self.tables():
            show(table, console)
        for line in self.notes():
            console.print(f"- {line}")

    def __str__(self) -> str:
        from rich.console import Console

        text = io.StringIO()
        self.show(Console(file=text, width=WIDTH))
        return text.getvalue()

    def __repr__(self) -> str:
        return f"ChipReport({self.answer()!r})"

    def html(self, title: str = "") -> str:
        """Return the report as one HTML page that needs nothing else, with plots.

        Parameters
        ----------
        title : str
            The page's title. Default: the chip's name.
        """
        from synergic._page import facts, page_text

        title = title or f"A network on the {self.costs.chip}"
        return page_text(
            title, self.notes(), [*self.tables(), facts(self.mapping.chip)], self.drawings(), self.answer()
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: answer, plots, tables, assumptions."""
        from synergic._page import body_text

        return body_text(self.notes(), self.tables(), self.drawings(), self.answer())

    def drawings(self) -> dict[str, str]:
        """The plots by caption, as data URLs."""
        from synergic import plots
        from synergic._page import FULL, LINKS, PHASES, drawing

        mapping, activity = self.mapping, self.activity
        return {
            PHASES: drawing(plots.phase_timeline, mapping, activity),
            "work of the cores": drawing(plots.heat_map, mapping, activity, "work"),
            "energy of the cores": drawing(plots.heat_map, mapping, activity, "energy"),
            "spikes of the cores": drawing(plots.heat_map, mapping, activity, "spikes"),
            FULL: drawing(plots.occupancy, mapping),
            LINKS: drawing(plots.routes, mapping),
        }

    def draw(self, path: Path) -> None:
        """Timeline of the phases, work by core and step, energy and spikes on the grid, as an image of the kind that
        the path ends in: .png, .pdf, .svg or .jpg. Raises ParameterError."""
        kind_of = image_format("draw.path", path)
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        from synergic import plots

        figure = Figure(figsize=(13, 9), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(2, 2)
        plots.phase_timeline(axes[0, 0], self.mapping, self.activity, "phases of a sample")
        plots.core_raster(axes[0, 1], self.mapping, self.activity, "work by core")
        plots.heat_map(axes[1, 0], self.mapping, self.activity, "energy", "energy")
        plots.heat_map(axes[1, 1], self.mapping, self.activity, "spikes", "spikes")
        write_whole(path, lambda draft: figure.savefig(draft, dpi=110, format=kind_of))


def report(
    network: Network | IntNetwork | Mapping,
    data: npt.ArrayLike,
    labels: npt.ArrayLike | None = None,
    *,
    chip: Chip | str | None = None,
    samples: int | None = None,
    local_memory: str = "matrix",
    strict: bool = False,
    weight_bits: int | None = None,
    local_bits: int | None = None,
    what: str = "samples",
) -> ChipReport:
    """Run a network on data on the model of a chip, and report accuracy, time, energy and memory.

    `synergic simulate` prints this report.

    Parameters
    ----------
    network : Network, IntNetwork or Mapping
        What runs. A network in floating point is quantised, a network is mapped.
    data : array_like, shape (samples, T, channels)
        The input: spikes, or values; values as whole numbers of 0 .. 255, or as real numbers of 0 .. 1.
    labels : array_like of int, shape (samples,), optional
        The classes.
    chip : Chip or str, optional
        The chip, or its name or file. Default: "tianjic". A mapping has its own.
    samples : int, optional
        How many samples to run, from the start. Default: all.
    local_memory : {"matrix", "history"}
        As of `simulate_on_chip`.
    strict : bool, default False
        Whether a saturated value is an error.
    weight_bits, local_bits : int, optional
        As of `quantise`, for a network in floating point.
    what : str, default "samples"
        What the samples are, for the report's first sentence.

    Returns
    -------
    ChipReport
        Printed, it is the text; in a notebook a page; `figures()` for JSON.

    Raises
    ------
    ParameterError
        For arguments that do not fit the network.
    CapacityError
        If the network does not fit on the chip.
    UnsupportedError
        For what a chip cannot run.

    Examples
    --------
    >>> import synergic as sy
    >>> from synergic.hw_targets import report
    >>> example = sy.load_example("digits-hp")
    >>> print(report(example.network, example.inputs, example.labels, samples=20).answer())  # doctest: +ELLIPSIS
    20 samples: ... % right, on ... cores of the tianjic; ... ms and ... uJ a sample.
    """
    kind("report.what", what, str, "Name the samples.")
    whole = integers_of(network, chip, weight_bits, local_bits)
    net = whole.network if isinstance(whole, Mapping) else whole
    assert isinstance(net, IntNetwork)
    given, classes = checked(net, data, labels, samples)  # before the mapping, which may take minutes
    mapping = whole if isinstance(whole, Mapping) else map_network(whole, "tianjic" if chip is None else chip)
    record, activity = Simulator(mapping, local_memory, strict, Probes.readout(net)).run(given)
    predicted = record.classes(net)
    accuracy = None if classes is None else float(np.mean(predicted == classes))
    return ChipReport(mapping, record, activity, cost(mapping, activity), predicted, accuracy, what)


def summary(result: dict[str, Any], costs: Costs) -> dict[str, str]:
    """The figures of a run by name, as text."""
    from synergic._page import per_cent

    awaited = round(costs.latency_s / costs.interval_s * costs.phases)
    figures = {
        "accuracy": "no labels given" if result["accuracy"] is None else per_cent(result["accuracy"]),
        "data": result.get("data", "not recorded"),
        "numbers": result.get("widths", "not recorded"),
        "saturated values": ", ".join(f"{k} {v}" for k, v in result["saturated"].items() if v) or "none",
        "cores": f"{costs.cores} of {costs.cores_available}, {costs.local_cores} of them for local weights",
        "local weights": f"{costs.local_memory}, {costs.local_weight_bytes + costs.history_bytes:,} bytes",
        **({"traces of the rules": f"{costs.trace_bytes:,} bytes"} if costs.trace_bytes else {}),
        **({"spikes that wait": f"{costs.delay_bytes:,} bytes"} if costs.delay_bytes else {}),
        "slow weights": f"{costs.weight_bytes:,} bytes",
        "phases": f"{costs.phases} a sample, {costs.phases_per_step} a step; {awaited} from its input to its answer",
        "latency, phases only": f"{1e3 * costs.latency_s:.3f} ms, if a phase has the chip's fixed length",
        "latency, slowest core": f"{1e3 * (costs.latency_slowest_s or 0):.3f} ms, if it ends with its slowest core",
        "latency, contention": f"{1e3 * (costs.latency_contention_s or 0):.3f} ms, and not before its busiest link",
        "energy a sample": f"{1e6 * costs.energy_j:.2f} uJ, {1e6 * costs.energy_idle_j:.2f} uJ of it idle",
        "energy, all cores on": f"{1e6 * costs.energy_chip_j:.2f} uJ",
    }
    # A 0 of a part that the network does not have is left out; spikes and reads are counted in every network.
    told = {name: count for name, count in costs.events.items() if count or name.endswith(("sent", "read"))}
    return figures | {name: f"{count:,.0f} a sample" for name, count in told.items()}
