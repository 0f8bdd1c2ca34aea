# SPDX-License-Identifier: BSD-3-Clause
"""The whole path on real digits: train, quantise, Lava in floats and integers, the model of the chip."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from tqdm.auto import tqdm

from synergic import plots
from synergic._core import files
from synergic._core.checks import kind, whole
from synergic._core.files import check_path, write_whole
from synergic._core.outputs import image_format
from synergic._page import per_cent
from synergic.data._digits import digits
from synergic.errors import ParameterError
from synergic.experiments import NETWORK, TEST
from synergic.hw_targets.costs._costs import assumptions, cost
from synergic.hw_targets.mapping import Mapping, map_network
from synergic.hw_targets.simulation._simulator import simulate_on_chip
from synergic.learning import HybridNet, evaluate, to_description, train
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork, quantise
from synergic.network._storage import save
from synergic.processes._run import run_in_lava
from synergic.reference._simulate import Record, simulate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = (64, 300, 10)
STEPS = 10
MODES = ("gp", "lp", "hp")
BATCH = 25
"""Chosen, like the epochs, on a quarter of the training samples held back, not on the test split."""
COSTS = (
    "cores", "cores_available", "phases", "phases_per_step", "latency_s", "energy_j", "energy_idle_j", "utilisation",
    "local_cores", "weight_bytes", "local_weight_bytes", "fits_sram",
)  # fmt: skip
"""The costs that the demo prints, of HP and of GP."""


def identical(a: Record, b: Record) -> np.ndarray:
    """For each sample, whether every spike, potential and final local weight is the same."""
    same = np.ones(len(next(iter(a.u.values()))), bool)
    for part in ("spikes", "u", "local_weights"):
        for name, values in getattr(a, part).items():
            same &= (values == getattr(b, part)[name]).reshape(len(values), -1).all(axis=1)
    return same


def run_demo(seed: int = 0, epochs: int = 40, samples: int | None = None, progress: bool = True) -> dict[str, Any]:
    """Run everything; return figures, and the objects that the plot needs under "objects".

    seed : of the split, the start and the order of training. epochs : of training. samples : test samples
    used by all executors, default all 360. progress : show bars. Raises ParameterError.
    """
    whole("run_demo.epochs", epochs, 1, float("inf"), "They are passes over the training samples.")
    if samples is not None:
        whole("run_demo.samples", samples, 1, float("inf"), "It is a number of test samples.")
    kind("run_demo.progress", progress, bool, "True shows bars.")
    began = time.perf_counter()
    spikes, labels, test, test_labels = digits(STEPS, seed)
    test, test_labels = test[:samples], test_labels[:samples]
    accuracy: dict[str, float] = {}
    seconds: dict[str, float] = {}
    trained: dict[str, Network] = {}
    with tqdm(total=epochs * len(MODES), desc="train", unit="epoch", disable=not progress) as bar:
        for mode in MODES:
            start = time.perf_counter()
            bar.set_postfix(mode=mode)
            torch.manual_seed(seed)
            net = HybridNet(SIZES, mode=mode, steps=STEPS)
            train(
                net,
                torch.tensor(spikes).float(),
                torch.tensor(labels),
                epochs=epochs,
                batch=BATCH,
                seed=seed,
                progress=lambda *_: bar.update(),
            )
            accuracy[mode] = evaluate(net, torch.tensor(test).float(), torch.tensor(test_labels))
            seconds[f"train_{mode}"] = time.perf_counter() - start
            trained[mode] = to_description(net)
    network = trained["hp"]
    integer = quantise(network)

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        seconds[name] = time.perf_counter() - start
        return result

    reference = timed("reference", lambda: simulate(network, test))
    lava = {}
    for name, net_in_lava in (("hp_lava_float", network), ("hp_lava_fixed", integer)):
        total = len(test) * STEPS + network.depth
        with tqdm(
            total=total, desc=name.replace("hp_", "").replace("_", " "), unit="step", disable=not progress
        ) as bar:
            lava[name] = timed(name, partial(run_in_lava, net_in_lava, test, progress=bar.update))
        accuracy[name] = float((lava[name].classes(net_in_lava) == test_labels).mean())
    on_chip = {}
    for mode, mapped in (("gp", quantise(trained["gp"])), ("hp", integer)):
        mapping = map_network(mapped)
        chip, activity = timed(f"{mode}_chip", partial(simulate_on_chip, mapping, test))
        accuracy[f"{mode}_chip"] = float((chip.classes(mapped) == test_labels).mean())
        on_chip[mode] = cost(mapping, activity)
    costs = on_chip["hp"]
    fixed, floats = lava["hp_lava_fixed"], lava["hp_lava_float"]
    gap = max(float(np.abs(reference.u[p] - floats.u[p]).max()) for p in reference.u)
    flips = float(np.mean([(reference.spikes[p] != chip.spikes[p]).mean() for p in reference.u]))
    seconds["total"] = time.perf_counter() - began
    return {
        "accuracy": accuracy,
        "agreement": {
            "float_reference": gap,
            "fixed_chip": float(identical(fixed, chip).mean()),
            "classes_float_fixed": float((floats.classes(network) == fixed.classes(integer)).mean()),
            "spikes_changed_by_quantisation": flips,
        },
        "chip": {
            "name": costs.chip,
            **{name: getattr(costs, name) for name in COSTS},
            "without_local_weights": {name: getattr(on_chip["gp"], name) for name in COSTS},
            "saturated": chip.saturated,
            "facts": {
                k: {"value": f.value, "unit": f.unit, "mark": f.mark, "source": f.source}
                for k, f in mapping.chip.facts.items()
            },
            "assumptions": assumptions(mapping, "matrix"),
        },
        "samples": len(test),
        "seconds": seconds,
        "seed": seed,
        "epochs": epochs,
        "versions": {p: version(p) for p in ("synergic", "lava-nc", "torch", "numpy")},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "objects": {
            "network": network,
            "mapping": mapping,
            "reference": reference,
            "test": test,
            "labels": test_labels,
            "integer": integer,
        },
    }


def tables(figures: dict[str, Any], console: Console) -> None:
    """Print the figures."""
    a, s, g, c = (figures[k] for k in ("accuracy", "seconds", "agreement", "chip"))
    table = Table(title=f"hybrid plasticity on 8x8 digits, {figures['samples']} test samples")
    for heading in ("mode", "executor", "accuracy", "seconds"):
        table.add_column(heading, justify="right" if heading in ("accuracy", "seconds") else "left")
    rows = [(m.upper(), "torch (seconds: training)", m, f"train_{m}") for m in MODES] + [
        ("HP", "Lava, floating point", "hp_lava_float", "hp_lava_float"),
        ("HP", "Lava, fixed point", "hp_lava_fixed", "hp_lava_fixed"),
        ("GP", c["name"], "gp_chip", "gp_chip"),
        ("HP", c["name"], "hp_chip", "hp_chip"),
    ]
    for mode, executor, key, clock in rows:
        table.add_row(mode, executor, per_cent(a[key]), f"{s[clock]:.1f}")
    table.add_section()
    table.add_row("", "all together", "", f"{s['total']:.1f}")
    console.print(table)
    facts = c["facts"]
    used = {k: f"{k} = {facts[k]['value']:g} {facts[k]['unit']} ({facts[k]['mark']})" for k in facts}
    table = Table(title="agreement and cost", show_header=False)
    table.add_column()
    table.add_column()
    table.add_column(style="dim")
    table.add_row("Lava floating point and numpy reference", f"{g['float_reference']:.1e}", "largest difference of u")
    table.add_row("Lava fixed point and chip", per_cent(g["fixed_chip"]), "samples identical in spikes and states")
    table.add_row("floating and fixed point", per_cent(g["classes_float_fixed"]), "samples of the same class")
    gp = c["without_local_weights"]
    table.add_row(
        "cores, GP and HP",
        f"{gp['cores']} and {c['cores']}",
        f"of {c['cores_available']}; HP: {c['local_cores']} local",
    )
    steps = f"{gp['phases_per_step']} and {c['phases_per_step']} a step"
    table.add_row("phases a sample, GP and HP", f"{gp['phases']} and {c['phases']}", steps)
    latency = f"{1e3 * gp['latency_s']:.3f} and {1e3 * c['latency_s']:.3f} ms"
    table.add_row("latency, GP and HP", latency, f"{used['phase_cycles']}, {used['clock']}")
    energy = f"{1e6 * gp['energy_j']:.2f} and {1e6 * c['energy_j']:.2f} uJ"
    table.add_row("energy a sample, GP and HP", energy, f"{used['power_low']}, {used['power_high']}")
    table.add_row("saturated values", str(sum(c["saturated"].values())), "membranes and local weights, chip")
    console.print(table)
    for line in c["assumptions"]:
        console.print(f"[dim]* {line}[/dim]")


def demo_figure(figures: dict[str, Any]) -> Figure:
    """Input and layers, membranes, local weights before and after a presentation, cores used."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    o = figures["objects"]
    network: Network = o["network"]
    mapping: Mapping = o["mapping"]
    record: Record = o["reference"]
    integer: IntNetwork = o["integer"]
    figure = Figure(figsize=(14, 7), layout="constrained")
    FigureCanvasAgg(figure)
    # Rows of their own: colour bars in one must not squeeze the other.
    axes = np.array([row.subplots(1, 4) for row in figure.subfigures(2, 1, squeeze=False)[:, 0]])
    plots.raster(axes[0, 0], o["test"][0], f"input: a {o['labels'][0]}")
    plots.raster(axes[0, 1], record.spikes["hidden1"][0], "hidden layer")
    plots.raster(axes[0, 2], record.spikes["output"][0], "output layer")
    vth = network.population("output").vth
    plots.membrane(axes[0, 3], record.u["output"][0], vth, "output membranes", range(10))
    plots.membrane(axes[1, 0], record.u["hidden1"][0][:, :12], network.population("hidden1").vth, "hidden, first 12")
    p = network.projections[0]
    after = record.local_weights[p.name][0]
    limit = float(np.abs(after).max())
    plots.weights(axes[1, 1], p.local_weights, "local weights P, before", limit)
    plots.weights(axes[1, 2], after, "P after the presentation", limit)
    plots.occupancy(axes[1, 3], mapping, title=f"model of {mapping.chip.name}: {mapping.cores} cores")
    figure.suptitle(f"one sample, {integer.steps} steps; W slow weights, P local weights on the cores")
    return figure


def plot_figures(figures: dict[str, Any], path: Path) -> None:
    """Write the plot of the demo, in the format that the path ends in. Raises ParameterError."""
    kind_of, figure = image_format("plot_figures.path", path), demo_figure(figures)
    write_whole(path, lambda draft: figure.savefig(draft, dpi=110, format=kind_of))


def write_json(figures: dict[str, Any], path: Path) -> None:
    """All figures as JSON."""
    files.write_json(path, {k: v for k, v in figures.items() if k != "objects"})


def write_run(figures: dict[str, Any], folder: Path) -> None:
    """Leave the HP network and its test set where `synergic map` and `synergic simulate` take them.

    folder : is made if it is not there. Raises ParameterError for one that cannot be written.
    """
    folder = check_path("write_run.folder", folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        allowed = "a folder that is there or can be made"
        raise ParameterError(f"{folder}: got {error.strerror}, allowed {allowed}. Choose another one.") from error
    o = figures["objects"]
    save(o["network"], folder / NETWORK)
    inputs = o["test"].astype(np.uint8)
    write_whole(folder / TEST, lambda draft: np.savez_compressed(draft, input=inputs, labels=o["labels"]))
