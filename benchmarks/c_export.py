# SPDX-License-Identifier: BSD-3-Clause
"""Trained networks as C: accuracy, sizes, speed, instructions; for docs/results.md.

    uv run python benchmarks/c_export.py
    uv run python benchmarks/c_export.py --runs runs/mnist-hp-0 runs/nmnist-hp-0
    uv run python benchmarks/c_export.py --runs runs

Always measured: the examples that ship, digits-hp learning within a presentation, from one to the next, and frozen.
--runs adds trained runs; of a folder that is no run, all runs in it. Without it one network of each family is trained
first, of a size for microcontrollers and until it no longer gains much (TRAINED), in --into; a run that is there
already goes on, or is used as it is.

Each network is exported, compiled (gcc -O2) and run on test samples. Its classes and the potentials of its output must
be those of `simulate`. Steps a second are those of one thread on this machine, in alternation with `simulate` and the
model of the chip on the same samples. Instructions a step are counted by `valgrind --tool=callgrind` inside NAME_step
alone. Sizes for a Cortex-M4 are those of `arm-none-eabi-gcc -Os`. What is not installed is left out.

Writes benchmarks/results/c-export.json.
"""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from deployment import RESULTS, cases, encode, integers_of

import synergic as sy
from synergic._examples import EXAMPLES
from synergic.errors import CapacityError, FormatError, SynergicError
from synergic.experiments import CONFIG, EXPERIMENTS, Continual
from synergic.hw_targets import map_network, simulate_on_chip
from synergic.interchange import to_c
from synergic.learning.tasks import circumstances, open_task, restore, run

RUN = """
#include <string.h>
#include "net.h"
void run(const uint8_t *in, int samples, uint32_t *classes, int32_t *potentials);
void run(const uint8_t *in, int samples, uint32_t *classes, int32_t *potentials)
{
    static net_state net;
    net_reset(&net);
    for (int sample = 0; sample < samples; ++sample) {
        net_present_begin(&net);
        for (int step = 0; step < NET_STEPS; ++step) {
            net_step(&net, in, 0);
            in += NET_INPUTS;
        }
        classes[sample] = net_class(&net);
        memcpy(potentials, net.u_@, sizeof net.u_@);
        potentials += NET_OUTPUTS;
    }
}
"""
M4 = ("-mcpu=cortex-m4", "-mthumb", "-Os", "-std=c99", "-ffunction-sections")
TRAINED: dict[str, tuple[str, dict[str, Any]]] = {
    "mnist-hp-64": ("mnist-hp", {"hidden": 64}),
    "mnist-conv-hp-8": ("mnist-conv-hp-small", {"channels": (8, 16, 16), "dense": (32,), "hidden": 64, "epochs": 3}),
    "nmnist-hp-64": ("nmnist-hp", {"hidden": 64}),
    "omniglot-5way-1shot": ("omniglot-5way-1shot", {"epochs": 10}),
    "continual-hp-64": ("continual-hp", {"hidden": 64, "tasks": 5, "theta_tasks": 3}),
}
"""One network of each family, of a size for microcontrollers: the experiment, and the settings that differ."""
COUNTED = 3
"""Samples under callgrind, which is fifty times slower."""


@dataclass
class Arguments:
    """What to run."""

    runs: tuple[Path, ...] = ()
    """Folders of trained runs, or folders that hold such. Default: one network of each family is trained."""
    into: Path = Path("runs")
    """Folder for the runs that are trained here."""
    epochs: int | None = None
    """Epochs (tasks, of the continual family) of what is trained here, for a trial. Default: those of TRAINED."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""
    samples: int = 200
    """Test samples of each network."""
    rounds: int = 3
    """How often speed is measured; the best counts."""


def settings_of(name: str, epochs: int | None) -> Any:
    """The settings of a network that is trained here."""
    experiment, changes = TRAINED[name]
    config = EXPERIMENTS[experiment][1]
    changes = dict(changes)
    if epochs is not None:
        changes["tasks" if isinstance(config, Continual) else "epochs"] = epochs
    return replace(config, **changes)


def trained(arguments: Arguments) -> list[Path]:
    """Train what is not there yet; the folders of the runs."""
    found = []
    for name in TRAINED:
        folder = arguments.into / name
        began = time.perf_counter()
        task = open_task(settings_of(name, arguments.epochs), arguments.data, "cpu")
        run(task, folder)
        sys.stdout.write(f"{name}: {len(task.history)} epochs, {(time.perf_counter() - began) / 60:.1f} minutes\n")
        sys.stdout.flush()
        found.append(folder)
    return found


def run_folders(folders: tuple[Path, ...]) -> list[Path]:
    """The folders of runs among some folders, and in them."""
    found = []
    for folder in folders:
        inside = [folder] if (folder / CONFIG).exists() else sorted(p.parent for p in folder.glob(f"*/{CONFIG}"))
        if not inside:
            raise FormatError(f"{folder}: got no run, allowed the folder of one, or one that holds some. Train first.")
        found += inside
    return found


def ran(*command: str, where: Path) -> str:
    """What a command prints on both streams."""
    return subprocess.run(
        command, cwd=where, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ).stdout


def sizes(folder: Path) -> dict[str, int] | None:
    """Bytes of code, constants and state on a Cortex-M4, or None without its compiler."""
    if shutil.which("arm-none-eabi-gcc") is None:
        return None
    (folder / "state.c").write_text('#include "net.h"\nnet_state net;\n')
    found = {}
    for name, source in (("net", "src/net.c"), ("state", "state.c")):
        ran("arm-none-eabi-gcc", *M4, "-Isrc", "-c", source, "-o", f"{name}.o", where=folder)
        found[name] = [int(n) for n in ran("arm-none-eabi-size", f"{name}.o", where=folder).splitlines()[1].split()[:3]]
    return {"flash": found["net"][0], "ram": found["state"][1] + found["state"][2]}


def instructions(folder: Path, inputs: np.ndarray) -> float | None:
    """Instructions of a step on this machine, or None without valgrind."""
    if shutil.which("valgrind") is None:
        return None
    ran("gcc", "-std=c99", "-O2", "-g", "-Isrc", "-o", "counted", "main.c", "src/net.c", where=folder)
    np.savetxt(folder / "samples.txt", inputs.reshape(-1, inputs.shape[-1]), fmt="%d")
    valgrind = "valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=net_step"
    said = ran("sh", "-c", f"{valgrind} ./counted < samples.txt", where=folder)
    return int(re.search(r"Collected : (\d+)", said)[1]) / (len(inputs) * inputs.shape[1])  # type: ignore[index]


def fastest(rounds: int, **works: Any) -> dict[str, float]:
    """Seconds of each work, the best of some rounds in which they alternate."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - began)
    return best


def measure(network: Any, inputs: np.ndarray, labels: np.ndarray, rounds: int) -> dict[str, Any]:
    """All figures of one network in integers."""
    want = sy.simulate(network, inputs, batch=16)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        footprint = to_c(network, folder, "net")
        header = (folder / "src" / "net.h").read_text()
        output = re.search(rf" u_(\w+)\[\d+\]; /\* potentials of {re.escape(network.output)} before", header)
        (folder / "run.c").write_text(RUN.replace("@", output[1]))  # type: ignore[index]
        ran("gcc", "-std=c99", "-O2", "-fPIC", "-shared", "-Isrc", "-o", "net.so", "run.c", "src/net.c", where=folder)
        library = ctypes.CDLL(str(folder / "net.so"))
        bytes_in = np.ascontiguousarray(inputs, np.uint8)
        classes, u = (
            np.zeros(len(inputs), np.uint32),
            np.zeros((len(inputs), network.population(network.output).size), np.int32),
        )

        def as_c() -> None:
            pointers = [ctypes.c_void_p(a.ctypes.data) for a in (bytes_in, classes, u)]
            library.run(pointers[0], ctypes.c_int(len(inputs)), *pointers[1:])

        works = {"c": as_c, "simulate": lambda: sy.simulate(network, inputs, batch=16)}
        try:
            mapping = map_network(network, fold="auto")
        except (CapacityError, SynergicError) as error:
            sys.stdout.write(f"  not on the chip: {str(error)[:100]}\n")
        else:
            works["chip"] = lambda: simulate_on_chip(mapping, inputs)
        seconds = fastest(rounds, **works)
        same = bool((classes == want.classes(network)).all() and (u == want.u[network.output][:, -1]).all())
        return {
            "network": "-".join(str(n) for n in (network.source.size, *(p.size for p in network.populations))),
            "steps": network.steps,
            "learns": any(q.plastic for q in network.projections),
            "samples": len(inputs),
            "accuracy": float((classes == labels).mean()),
            "identical_to_the_integer_reference": same,
            "steps_a_second": {name: len(inputs) * network.steps / s for name, s in seconds.items()},
            "table": {"flash": footprint.flash, "ram": footprint.ram, "operations": footprint.operations},
            "cortex_m4": sizes(folder),
            "instructions_a_step": instructions(folder, inputs[:COUNTED]),
        }


def with_scope(network: Any, scope: str) -> Any:
    """The network with another lifetime of its local weights."""
    return replace(network, projections=tuple(replace(q, plasticity_scope=scope) for q in network.projections))


def main(arguments: Arguments) -> dict[str, Any]:
    """The record."""
    example = sy.load_example("digits-hp")
    integers, part = sy.quantise(example.network), slice(arguments.samples)
    stream = sy.quantise(with_scope(example.network, "stream"), local_bits=8, rounding="stochastic")
    found: dict[str, Any] = {}
    for name in EXAMPLES:
        if name != example.name:
            other = sy.load_example(name)
            whole = sy.quantise(other.network)
            sys.stdout.write(f"{name}\n")
            inputs = whole.encode(other.inputs[part]) if whole.source.num_message_bits else other.inputs[part]
            found[name] = measure(whole, inputs, other.labels[part], arguments.rounds)
    shipped = {"digits-hp": integers, "digits-hp, stream": stream, "digits-hp, frozen": with_scope(integers, "frozen")}
    for name, network in shipped.items():
        found[name] = measure(network, example.inputs[part], example.labels[part], arguments.rounds)
    epochs = {}
    for folder in run_folders(arguments.runs) if arguments.runs else trained(arguments):
        task = restore(folder, arguments.data, "cpu")
        epochs[folder.name] = len(task.history)
        case = cases(task, arguments.samples)[-1]
        whole, _ = integers_of(case.network)
        sys.stdout.write(f"{folder.name}\n")
        found[folder.name] = measure(whole, encode(whole, case.inputs), case.labels, arguments.rounds)
    compilers = [
        ran(name, "--version", where=Path()).splitlines()[0]
        for name in ("gcc", "arm-none-eabi-gcc")
        if shutil.which(name)
    ]
    return {
        "networks": found,
        "epochs": epochs,
        "compilers": compilers,
        "command": " ".join(["benchmarks/c_export.py", *sys.argv[1:]]),
        **circumstances(),
    }


if __name__ == "__main__":
    record = main(tyro.cli(Arguments, description=__doc__))
    (RESULTS / "c-export.json").write_text(json.dumps(record, indent=2) + "\n")
    for name, figures in record["networks"].items():
        sys.stdout.write(f"{name}: {figures}\n")
