# SPDX-License-Identifier: BSD-3-Clause
"""Training steps on a GPU: milliseconds, samples a second, share of the card's throughput; run as a script.

    uv run --group bench python benchmarks/training_gpu.py --json benchmarks/results/training_gpu.json

The programs of training.py (784-512-10, T 10, float32) with batches of 100 and 1,000, on one card, round by round: the
plain formulation, the other libraries, and ours. The record is written after each batch size, so that a card that is
lent for a short time leaves what was measured. A figure "_b1000" is that of batches of 1,000.

throughput_share : floating-point operations of the products of a step, over what the card does in the same time when it
multiplies two matrices of 4096 x 4096 in float32.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

sys.path.insert(0, str(Path(__file__).parent))
from peers import PEERS
from training import SIZES, STEPS, Products, measure, programs, ratio

from synergic.learning.tasks import circumstances

REACH = {"hp_step_speedup": 20} | {f"vs_{name}": 3 for name in PEERS}
OURS = ("gp", "hp per_sample", "hp shared")


def operations(step: Any) -> int:
    """Floating-point operations of the products of a step: two for each product of two numbers."""
    with Products() as noted:
        step()
    total = 0
    for function, args in noted.calls:
        a, b = (args[1], args[2]) if "addmm" in function.__name__ or "baddbmm" in function.__name__ else args[:2]
        # A matrix times a matrix, or oneDNN's form, which takes the second one transposed.
        columns = b.shape[0] if "pointwise" in function.__name__ else b.shape[-1] if b.ndim > 1 else 1
        total += 2 * a.numel() * columns
    return total


def throughput(device: str, size: int, wait: Any) -> float:
    """Floating-point operations a second of one large product, the best of ten."""
    a, b = (torch.rand(size, size, device=device) for _ in range(2))
    times = measure({"product": (lambda: a @ b, 1)}, 10, wait)["product"]
    return 2 * size**3 / (1e-3 * min(times))


def figures_of(times: dict[str, list[float]], batch: int, done: dict[str, int], peak: float) -> dict[str, float | None]:
    """The figures of one batch size."""
    end = "" if batch == 100 else f"_b{batch}"
    found = {
        "hp_step_speedup": ratio(times, "plain hp step", "hp shared step"),
        "hp_step_speedup_per_sample": ratio(times, "plain hp step", "hp per_sample step"),
        "gp_step_speedup": ratio(times, "plain gp step", "gp step"),
    } | {f"vs_{name}": ratio(times, f"{name} step", "gp rate step") for name in PEERS}
    for name in OURS:
        seconds = 1e-3 * statistics.median(times[f"{name} step"])
        key = name.replace(" ", "_")
        found[f"{key}_samples_per_s"] = batch / seconds
        found[f"{key}_throughput_share"] = done[name] / seconds / peak
    return {f"{name}{end}": value for name, value in found.items()}


def main(
    json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    device: str = "cuda",
    rounds: int = 15,
    batches: tuple[int, ...] = (100, 1000),
    size: int = 4096,
    seed: int = 0,
) -> None:
    """Measure, print the figures, and write the record.

    json_file : where to. device : a GPU of torch. size : of the matrices that show the throughput.
    """
    if device != "cpu" and not torch.cuda.is_available():
        raise SystemExit(f"--device: got {device}, but torch finds no GPU. Run it where one is.")
    wait = torch.cuda.synchronize if device != "cpu" else lambda: None
    peak = throughput(device, size, wait)
    result: dict[str, Any] = {"figures": {}, "reach": REACH, "milliseconds": {}, "not_measured": {},
                              "operations_per_s": peak}  # fmt: skip
    for batch in batches:
        timed, missing = programs(seed, device, batch)
        done = {name: operations(timed[f"{name} step"][0]) for name in OURS}
        times = measure(timed, rounds, wait)
        result["figures"] |= figures_of(times, batch, done, peak)
        result["milliseconds"][f"batch {batch}"] = {name: statistics.median(t) for name, t in times.items()}
        result["not_measured"] |= missing
        result["setting"] = {
            "sizes": SIZES, "steps": STEPS, "batches": batches, "rounds": rounds, "seed": seed,
            "command": " ".join(["python", "benchmarks/training_gpu.py", *sys.argv[1:]]),
            "python": platform.python_version(), "date": time.strftime("%Y-%m-%d"), **circumstances(device),
        }  # fmt: skip
        if json_file:
            json_file.write_text(json.dumps(result, indent=1) + "\n")
    for name, figure in result["figures"].items():
        reach = f"  (reach {REACH[name]})" if name in REACH else ""
        print(f"{name:36} {'not measured' if figure is None else f'{figure:.3g}'}{reach}")


if __name__ == "__main__":
    tyro.cli(main)
