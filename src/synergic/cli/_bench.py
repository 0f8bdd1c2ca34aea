# SPDX-License-Identifier: BSD-3-Clause
"""What `synergic bench` does: run `benchmarks/` on this machine, and show measured figures beside targets.

The scripts are not part of the installed package: their peers and records belong to a clone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from synergic import _page as page
from synergic._core.checks import choice, kind, kinds, require
from synergic._core.files import check_folder, check_path, write_json
from synergic.cli._info import BENCHMARKS
from synergic.errors import ExecutionError, UnsupportedError

AT_MOST = ("composed_ratio", "map_s_156", "map_s_15600", "placement_gap")
"""Figures of which less is better; of all others, more."""


AGAINST = {
    "continual_speedup": "a step of continual learning, masks as sparse matrices against masks as dense ones",
    "fewshot_speedup": "a step of few-shot training against the plain formulation",
    "fewshot_infer_speedup": "test episodes of few-shot learning against the plain formulation",
    "hp_step_speedup": "a training step of 784-512-10 HP against the plain formulation",
    "hp_infer_speedup": "inference of the same against the plain formulation",
    "gp_step_speedup": "a training step of GP against the plain formulation",
    "hp_step_speedup_per_sample": "a training step of HP, P of each sample by itself, against the plain formulation",
    "hp_infer_speedup_per_sample": "inference of the same against the plain formulation",
    "seeds_speedup": "runs of several seeds beside each other against one after the other",
    "gemm_share_gp": "time of the matrix products alone over that of a training step of GP",
    "gemm_share_hp_per_sample": "the same of HP, P of each sample by itself",
    "memory_ratio": "memory of the plain formulation over ours",
    "vs_snntorch": "a training step of GP against snnTorch",
    "vs_spikingjelly": "a training step of GP against SpikingJelly",
    "vs_norse": "a training step of GP against Norse",
    "vs_slayer": "a training step of GP against SLAYER of lava-dl",
    "composed_ratio": "time of our processes over that of Lava's LIF and Dense, as many spikes",
    "fused_speedup": "one fused process against a graph of processes, in Lava",
    "plastic_vs_learning_dense": "our plastic connection against Lava's LearningDense, in Lava",
    "plastic_kernel_vs_learning_dense": "the same without Lava's messages",
    "phases_per_s": "phases of the full chip that are simulated in a second",
    "vs_sanafe": "the simulated full chip against SANA-FE",
    "vs_paibox": "the simulated full chip against PAIBox",
    "vs_learning_dense": "a plastic step of the simulated chip against Lava's LearningDense",
    "bandwidth_share": "share of this machine's memory bandwidth that a plastic step uses",
    "map_s_156": "seconds to map a network on all 156 cores",
    "map_s_15600": "seconds to map a network on 100 chips",
    "placement_gap": "packets x hops above the best that is known, as a share",
    "placement_gain": "packets x hops saved against first-fit, as a share",
}
"""What each figure compares."""


@dataclass(frozen=True)
class Script:
    """One of the scripts. what : it measures. quick : its options for some minutes of two cores in all three."""

    what: str
    quick: tuple[str, ...]


SCRIPTS = {
    "training": Script("steps of training against the plain formulation and other libraries", ("--quick",)),
    "lava_runtime": Script("steps inside Lava against Lava's own processes", ("--rounds", "3")),
    "chip": Script(
        "the chip's simulator and the mapping, with SANA-FE and PAIBox",
        ("--rounds", "1", "--no-peers", "--no-mapping"),
    ),
}


def check_clone(folder: Path) -> None:
    """Refuse an installation without the scripts. Raises UnsupportedError, ParameterError."""
    folder = check_path("check_clone.folder", folder)
    missing = [name for name in SCRIPTS if not (folder / f"{name}.py").is_file()]
    if missing:
        raise UnsupportedError(
            f"bench: got an installation without {folder}, allowed a clone of the repository, which has the scripts "
            f"{missing} and their records. Clone it, and start `uv run synergic bench` there."
        )


def measure(script: Path, options: Sequence[str]) -> dict[str, Any]:
    """One script in a process of its own, its figures printed as it prints them. Raises ExecutionError."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "figures.json"
        command = [sys.executable, str(script), "--json", str(result), *options]
        # One thread for each program that is compared, as in the records.
        done = subprocess.run(command, env={"OMP_NUM_THREADS": "1", **os.environ}, check=False)
        if done.returncode or not result.exists():
            raise ExecutionError(f"bench: {script.name} ended with {done.returncode}; its output is above.")
        figures: dict[str, Any] = json.loads(result.read_text())
        return figures


def compared(measured: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Compare figures with targets: by figure its target, what was measured (or None), and whether that is enough.

    measured : what a script writes, with "reach" and, in it or in its "figures", the figures. Raises ParameterError.
    """
    kind("compared.measured", measured, dict, "It is what a script of benchmarks/ writes.")
    found, reach = measured.get("figures", measured), measured.get("reach")
    kinds("compared", **{"measured['reach']": (reach, dict), "measured['figures']": (found, dict)})
    rows: dict[str, dict[str, Any]] = {}
    for name, wanted in measured["reach"].items():
        got = found.get(name)
        enough = None if got is None else (got <= wanted if name in AT_MOST else got >= wanted)
        rows[name] = {"target": wanted, "at most": name in AT_MOST, "measured": got, "enough": enough}
    return rows


def bench(
    which: Sequence[str] = tuple(SCRIPTS),
    quick: bool = True,
    json_file: Path | None = None,
    folder: Path = BENCHMARKS,
    console: Console | None = None,
) -> dict[str, Any]:
    """Run benchmark scripts and print figures beside targets. Return what JSON holds: `compared` and records by script.

    which : names of SCRIPTS. quick : fewer rounds, no peers of the chip, no mapping of an array; else as the records in
    benchmarks/results were made. folder : of the scripts.
    Raises UnsupportedError outside of a clone, ExecutionError for a script that fails, ParameterError for arguments.
    """
    kinds("bench", which=(which, list | tuple), quick=(quick, bool), console=(console, Console | None))
    require(bool(which), "bench.which", "none", f"some of {list(SCRIPTS)}", "Name at least one.")
    for name in which:
        choice("bench.which", name, tuple(SCRIPTS))
    if json_file is not None:
        check_folder(json_file, "bench.json_file")
    folder = check_path("bench.folder", folder)
    check_clone(folder)
    console = console or Console()
    result: dict[str, Any] = {"quick": quick, "figures": {}, "records": {}}
    for name in dict.fromkeys(which):
        console.print(f"{name}: {SCRIPTS[name].what}")
        record = measure(folder / f"{name}.py", SCRIPTS[name].quick if quick else ())
        result["records"][name], result["figures"][name] = record, compared(record)
    for name, rows in result["figures"].items():
        cells = [
            (AGAINST.get(figure, figure), *shown(row)) for figure, row in rows.items() if row["enough"] is not None
        ]
        if cells:
            page.show(page.Table(name, cells, ("what is compared", "target", "measured", "enough")), console)
        left_out = [figure for figure, row in rows.items() if row["enough"] is None]
        if left_out and not quick:  # a quick round was not asked for them
            console.print(f"{name}: {', '.join(left_out)} not measured: their peers are not installed.")
    console.print("Targets were set for an idle machine of two cores (benchmarks/results); a busy one misses some.")
    if quick:
        console.print(
            "Quick: few rounds, so figures scatter, and some are left out. --full measures as for the records."
        )
    if json_file is not None:
        write_json(json_file, result)
    return result


def shown(row: dict[str, Any]) -> tuple[str, str, str]:
    """The cells of a figure that was measured."""
    target = f"{'at most' if row['at most'] else 'at least'} {row['target']:g}"
    return target, f"{row['measured']:.4g}", "yes" if row["enough"] else "no"


def all_reached(result: dict[str, Any]) -> bool:
    """Return whether every measured figure meets its target. `result` is of `bench`. Raises ParameterError."""
    kind("all_reached.result", result, dict, "bench() gives it.")
    kind("all_reached.result['figures']", result.get("figures"), dict, "bench() gives it.")
    return all(row["enough"] is not False for rows in result["figures"].values() for row in rows.values())
