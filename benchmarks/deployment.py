# SPDX-License-Identifier: BSD-3-Clause
"""Trained runs as integers: what quantisation costs, that Lava and the chip agree, and what faults of the machine do.

    uv run python benchmarks/deployment.py --runs runs/fashion-gp-0 runs/fashion-hp-0 ...
    uv run python benchmarks/deployment.py --samples 100 --chip-samples 20 --lava-samples 5 --runs runs/mnist-conv-hp-0

A convolution is unfolded, and so slow: fewer samples. Its faults are not tried: a chip has no room for it but folded,
where a fault of one synapse is one of all places.

Writes benchmarks/results/deployed-RUN.json for each run, and for all of them together, by mode, machine-faults.json,
from which benchmarks/images.py draws.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

from synergic import quantise
from synergic.data import frames
from synergic.errors import ParameterError, UnsupportedError
from synergic.hw_targets import map_network, simulate_on_chip
from synergic.hw_targets.faults import FAULTS, break_network
from synergic.learning.tasks import ContinualTask, FewShotTask, SupervisedTask, circumstances, restore
from synergic.processes import run_in_lava
from synergic.reference import simulate

RESULTS = Path(__file__).parent / "results"
LOCAL_BITS = (16, 15, 14, 13, 12)
"""Widths of the local weights, of which the first is taken with which no sum can leave the 32 bits of a core."""
WIDE, ALLOWED = 12, 0.005
"""Bits of slow weights that the chip has not, tried where the integers lose more than this share of the samples."""
RATES = {
    "dead synapses": (0, 0.1, 0.2, 0.3, 0.4, 0.5),
    "stuck synapses": (0, 0.005, 0.01, 0.02, 0.04),
    "bit flips": (0, 0.001, 0.002, 0.005, 0.01, 0.02),
    "dead neurons": (0, 0.1, 0.2, 0.3, 0.4, 0.5),
}
"""Shares of the synapses, bits or neurons that are tried."""
CONTINUAL_TASKS = 5
BATCH = 16
"""Samples at a time: each has its own local weights."""


@dataclass
class Arguments:
    """What to run."""

    runs: tuple[Path, ...]
    """Folders of trained runs, of images or of events."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""
    samples: int = 1000
    """Test samples for the integers and for each fault, in all."""
    chip_samples: int = 100
    """Of these, on the model of the chip; of each task that is tried in the continual family."""
    lava_samples: int = 20
    """Of these, in Lava."""
    faults: bool = True
    """Whether to try faults."""


def integers_of(network: Any, weight_bits: int = 8) -> tuple[Any, int]:
    """The integer network, and the bits of its local weights."""
    for bits in LOCAL_BITS[:-1]:
        try:
            return quantise(network, weight_bits=weight_bits, local_bits=bits), bits
        except ParameterError:
            continue
    return quantise(network, weight_bits=weight_bits, local_bits=LOCAL_BITS[-1]), LOCAL_BITS[-1]


def encode(whole: Any, inputs: np.ndarray) -> np.ndarray:
    """Values become whole numbers; spikes are."""
    return whole.encode(inputs) if whole.source.num_message_bits else inputs.astype(np.int64)


def spikes_of(task: Any, samples: int) -> np.ndarray:
    """What the network hears, (samples, T, channels)."""
    if isinstance(task.test, list):
        return frames(task.test[:samples], task.config.steps).numpy()
    flat = task.test[:samples].reshape(len(task.test[:samples]), 1, -1)
    return np.repeat(flat, task.config.steps, axis=1)


def presented(task: Any, samples: int) -> tuple[np.ndarray, torch.Tensor]:
    """What the network hears, (samples, T, channels), and the labels."""
    if isinstance(task, FewShotTask):
        inputs, classes = task.presentations(samples // task.config.ways)
        return task.to_machine(inputs).numpy(), classes
    inputs = spikes_of(task, samples)
    return inputs, task.test_labels[: len(inputs)]


@dataclass
class Case:
    """A network, what it hears, (samples, T, channels), and the labels."""

    network: Any
    inputs: np.ndarray
    labels: np.ndarray


def cases(task: Any, samples: int) -> list[Case]:
    """What a run has learned; of the continual family some tasks, each with its masks and a part of the samples."""
    if not isinstance(task, ContinualTask):
        inputs, classes = presented(task, samples)
        network = task.description()
        if network is None:
            raise UnsupportedError(f"{task.config.name}: got a run without a description, allowed one with.")
        return [Case(network, inputs, classes.numpy())]
    found = []
    part = slice(samples // CONTINUAL_TASKS)
    for t in np.linspace(0, len(task.history) - 1, CONTINUAL_TASKS).round().astype(int).tolist():
        images = task.permuted(task.test[part], t).numpy()
        inputs = np.repeat(images[:, None], task.config.steps, axis=1)
        found.append(Case(task.description(t), inputs, task.test_labels[part].numpy()))
    return found


def with_wide_weights(found: list[Case]) -> float:
    """Accuracy as integers whose slow weights have WIDE bits: what of a loss is due to the chip's 8."""
    right = []
    for case in found:
        whole, _ = integers_of(case.network, WIDE)
        classes = simulate(whole, encode(whole, case.inputs), BATCH).classes(whole)
        right.append(float((classes == case.labels).mean()))
    return float(np.mean(right))


def together(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Several cases of one run as one record: samples and counts add up, accuracies are means."""
    first = records[0]
    if len(records) == 1:
        return first

    def over(key: str, how: Any) -> dict[str, Any]:
        return {k: how([r[key][k] for r in records]) for k in first[key]}

    mean = over("accuracy", lambda v: float(np.mean(v)))
    return {
        "samples": over("samples", sum),
        "accuracy": mean,
        "lost_by_fixed_point": mean["floating"] - mean["fixed"],
        "identical_to_the_integer_reference": over("identical_to_the_integer_reference", all),
        "saturated": over("saturated", sum),
        "cores": first["cores"],
        "turns": first["turns"],
    }


def deployed(case: Case, whole: Any, arguments: Arguments) -> dict[str, Any]:
    """Accuracy of each executor on the same samples, and whether the last two agree in every bit."""
    network, inputs, labels = case.network, case.inputs, case.labels
    encoded = encode(whole, inputs)
    integer = simulate(whole, encoded, BATCH)
    chip_input, lava_input = encoded[: arguments.chip_samples], encoded[: arguments.lava_samples]
    mapping = map_network(whole)
    chip, _ = simulate_on_chip(mapping, chip_input)
    lava = run_in_lava(whole, lava_input)
    same = {}
    for name, record in (("chip", chip), ("lava", lava)):
        count = len(record.u[whole.output])
        same[name] = bool(
            all(np.array_equal(record.u[p], integer.u[p][:count]) for p in record.u)
            and all(np.array_equal(record.spikes[p], integer.spikes[p][:count]) for p in record.spikes)
        )
    # The reference in floating point has the trained network's potentials within rounding.
    trained = float((simulate(network, inputs, BATCH).classes(network) == labels).mean())
    fixed = float((integer.classes(whole) == labels).mean())
    return {
        "samples": {"integers": len(inputs), "chip": len(chip_input), "lava": len(lava_input)},
        "accuracy": {
            "floating": trained,
            "fixed": fixed,
            "lava_fixed": float((lava.classes(whole) == labels[: len(lava_input)]).mean()),
            "chip": float((chip.classes(whole) == labels[: len(chip_input)]).mean()),
        },
        "lost_by_fixed_point": trained - fixed,
        "identical_to_the_integer_reference": same,
        "saturated": {k: int(v) for k, v in integer.saturated.items()},
        "cores": mapping.cores,
        "turns": mapping.n_passes,
    }


def fault_curves(case: Case, whole: Any, seed: int) -> dict[str, list[float]]:
    """Accuracy by fault and rate, on the model of the chip: the same integers as elsewhere, and the fastest."""
    encoded = encode(whole, case.inputs)
    curves: dict[str, list[float]] = {}
    for fault in FAULTS:
        broken = (break_network(whole, fault, rate, seed) for rate in RATES[fault])
        records = ((b, simulate_on_chip(map_network(b), encoded)[0]) for b in broken)
        curves[fault] = [float((record.classes(b) == case.labels).mean()) for b, record in records]
        sys.stdout.write(f"  {fault}: {curves[fault]}\n")
    return curves


def main() -> None:
    """One run after the other."""
    arguments = tyro.cli(Arguments)
    curves: dict[str, dict[str, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    for folder in arguments.runs:
        task: Any = restore(folder, arguments.data)
        found = cases(task, arguments.samples)
        integers = [integers_of(case.network) for case in found]
        records = [deployed(case, whole, arguments) for case, (whole, _) in zip(found, integers, strict=True)]
        record = together(records) | {"local_bits": integers[0][1]} | circumstances()
        if record["lost_by_fixed_point"] > ALLOWED:
            record["accuracy"]["fixed_wide_weights"] = with_wide_weights(found)
        sys.stdout.write(f"{folder.name}: {json.dumps(record)}\n")
        (RESULTS / f"deployed-{folder.name}.json").write_text(json.dumps(record, indent=2) + "\n")
        folded = any(p.convolution for p in found[0].network.projections)
        if arguments.faults and isinstance(task, SupervisedTask) and not folded:
            for fault, values in fault_curves(found[0], integers[0][0], task.config.seed).items():
                curves[task.config.mode][fault].append(values)
        sys.stdout.flush()
    if curves:
        result = {"samples": arguments.samples, "rates": RATES, "runs": [f.name for f in arguments.runs]}
        text = json.dumps(result | {"curves": curves}, indent=2)
        (RESULTS / "machine-faults.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
