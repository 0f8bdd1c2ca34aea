# SPDX-License-Identifier: BSD-3-Clause
"""Published figures of the chip, compared with the model's: references.toml, read by tests and documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import tomli

from synergic._core.checks import kinds
from synergic.hw_targets._chip import Chip, load_chip
from synergic.hw_targets.mapping._published import NETWORKS, count


@dataclass(frozen=True)
class Reference:
    """One published figure that the model of a chip is checked against.

    Attributes
    ----------
    id, quantity : str
        Name of the figure, and what it measures.
    value : float
        The published value, in `unit`.
    unit : str
        Unit of the value.
    tolerance : float
        Largest `abs(model / value - 1)` that passes.
    source : str
        The publication.
    mark : {"confirmed", "second-hand", "derived"}
        Whether the value was read in the source, comes from a third party, or follows from marked facts.
    """

    id: str
    quantity: str
    value: float
    unit: str
    tolerance: float
    source: str
    mark: str


@dataclass(frozen=True)
class NotMet:
    """A published figure that the model does not compute, and why."""

    id: str
    figure: str
    reason: str


def operations(chip: Chip) -> float:
    """All synapses of all cores in every phase, a second."""
    return chip.cores * int(chip.axons) * int(chip.neurons) / chip.phase_seconds


def powers(chip: Chip) -> tuple[float, float]:
    """The envelope of the whole chip, W."""
    return chip.cores * chip.power_low.value, chip.cores * chip.power_high.value


def inside(chip: Chip, value: float) -> float:
    """The value itself if it is inside the envelope, else the nearer end."""
    low, high = powers(chip)
    return min(max(value, low), high)


def core_savings(chip: Chip) -> list[float]:
    """How many times fewer cores folding along rows takes than none, by network."""
    return [c.cores / c.cores_by_rows for c in (count(name, chip) for name in NETWORKS)]


def phase_savings(chip: Chip) -> list[float]:
    """How many times fewer phases folding along rows takes than full folding, by network. Without LeNet: each of its
    layers has a core of its own by then, and full folding saves nothing."""
    return [c.phases_full / c.phases_by_rows for c in (count(name, chip) for name in NETWORKS if name != "LeNet")]


QUANTITIES: dict[str, Callable[[Chip, float], float]] = {
    "phase_seconds": lambda chip, _: chip.phase_seconds,
    "synaptic_operations_per_second": lambda chip, _: operations(chip),
    "weight_bytes_per_second": lambda chip, _: operations(chip) * int(chip.weight_bits) / 8,
    "neurons": lambda chip, _: chip.cores * int(chip.neurons),
    "synapses": lambda chip, _: chip.cores * int(chip.neurons) * int(chip.axons),
    "synaptic_operations_per_joule": lambda chip, _: operations(chip) / powers(chip)[1],
    "operations_per_joule_of_artificial_neurons": lambda chip, _: 2 * operations(chip) / powers(chip)[1],
    "lowest_power": lambda chip, _: powers(chip)[0],
    "highest_power": lambda chip, _: powers(chip)[1],
    "frames_per_second_of_9_phases": lambda chip, _: 1 / (9 * chip.phase_seconds),
    "frames_per_second_of_10_phases": lambda chip, _: 1 / (10 * chip.phase_seconds),
    "power_within_the_envelope": inside,
    "cores_of_vgg8_unfolded": lambda chip, _: count("VGG8", chip).cores,
    "least_saving_of_cores_by_folding": lambda chip, _: min(core_savings(chip)),
    "largest_saving_of_cores_by_folding": lambda chip, _: max(core_savings(chip)),
    "least_saving_of_phases_against_full_folding": lambda chip, _: min(phase_savings(chip)),
    "largest_saving_of_phases_against_full_folding": lambda chip, _: max(phase_savings(chip)),
}
"""Return the model's value for a row: from the chip, and from the published value if the row is a range."""


def load_references() -> tuple[tuple[Reference, ...], tuple[NotMet, ...]]:
    """Return the rows of references.toml, and the published figures that the model does not compute."""
    data = tomli.loads((files("synergic.hw_targets.costs") / "references.toml").read_text())
    return tuple(Reference(**r) for r in data["row"]), tuple(NotMet(**r) for r in data["not_met"])


def model_value(row: Reference, chip: Chip | None = None) -> float:
    """Compute the model's value of a published figure.

    Parameters
    ----------
    row : Reference
        The published figure, from `load_references`.
    chip : Chip or None, default None
        The chip. None takes the tianjic.

    Returns
    -------
    float
        The value, in the row's unit.

    Raises
    ------
    ParameterError
        If an argument has another type.
    """
    kinds("model_value", row=(row, Reference), chip=(chip, Chip | None))
    return QUANTITIES[row.quantity](chip or load_chip("tianjic"), row.value)


def page() -> str:
    """The rows as a table of Markdown, model and publication side by side."""
    rows, missing = load_references()
    lines = [
        "| id | figure | published | model | off by | allowed | mark | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        got = model_value(r)
        name = r.quantity.replace("_", " ")
        off = f"{100 * (got / r.value - 1):+.2f} %"
        cells = (r.id, name, f"{r.value:.6g} {r.unit}", f"{got:.6g}", off, f"{100 * r.tolerance:g} %", r.mark, r.source)
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| id | published | why the model does not give it |", "|---|---|---|"]
    lines += [f"| {r.id} | {r.figure} | {r.reason} |" for r in missing]
    return "\n".join(lines) + "\n"
