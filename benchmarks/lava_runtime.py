# SPDX-License-Identifier: BSD-3-Clause
"""What a time step costs inside Lava: our processes against Lava's own, and fused against composed; run as a script.

    OMP_NUM_THREADS=1 uv run python benchmarks/lava_runtime.py --json benchmarks/results/lava_runtime.json

Two graphs stand paused side by side and take turns, round by round; a figure is the median of the rounds' ratios.
Seconds are of run(), hence with all messages and phases, without start and stop. Every process computes with
one thread; Lava's processes are processes of the operating system and share the cores.

composed_ratio : neurons - connection - neurons of ours over Lava's LIF-Dense-LIF with the same weights and the same
spikes a step, worst of six; below 1: ours is faster. Without local weights, which Lava's do not have; with them (and
the potentials sent back) under "plastic_against_lif_dense_lif" in the record.
fused_speedup : composed over fused, a step of the network, worst of two networks in floating point and integers, of
plastic layers and 10 steps a presentation.
plastic_vs_learning_dense : LearningDense with STDPLoihi between two sources, over our plastic connection between a
source and neurons, worst of floating and fixed; both learn in every step. Lava's rule is another one (traces of
spikes): the comparison is of costs.
plastic_kernel_vs_learning_dense : the same, of what is left without messages: LearningDense's step less that of a
graph of as many idle processes, over our functions of a step called in a loop, all decay included.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

import synergic as sy  # before Lava, which Python 3.11 and later import only then

# isort: split
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF

from synergic.network._quantise import ONE
from synergic.numerics import _compiled as compiled
from synergic.processes import FusedNetwork, HybridDense, HybridLIF
from synergic.processes._composition import compose
from synergic.reference._presentation import by_input, learn
from synergic.rules import quantise_rule

SIZES, STEPS = (10, 256, 1024), 100
"""Neurons of the chains; steps of a round."""
SILENT = 15000
"""A threshold that the last neurons of the chains hardly ever reach."""
NETWORKS, PRESENTATION = ((64, 300, 10), (784, 512, 10)), 10
NO_SIGNAL = np.zeros(())
"""For a rule that hears none."""
PLASTIC, RATE, PLASTIC_STEPS = (784, 512), 0.08, 20
REACH = {
    "composed_ratio": 1.5, "fused_speedup": 10, "plastic_vs_learning_dense": 8, "plastic_kernel_vs_learning_dense": 100,
}  # fmt: skip
KINDS = {"floating": "floating_pt", "fixed": "fixed_pt"}


def spikes(rng: Any, *shape: int) -> np.ndarray:
    """Independent spikes."""
    return (rng.random(shape) < RATE).astype(np.int64)


class Running:
    """A graph that is started, and paused after its first steps; `seconds(n)` : of n more, each."""

    def __init__(self, head: Any, kind: str) -> None:
        self.head = head
        head.run(condition=RunSteps(num_steps=2), run_cfg=Loihi2SimCfg(select_tag=KINDS[kind]))

    def seconds(self, steps: int) -> float:
        """How long one step takes."""
        start = time.perf_counter()
        self.head.run(condition=RunSteps(num_steps=steps))
        return (time.perf_counter() - start) / steps

    def stop(self) -> None:
        """End it."""
        self.head.stop()


def by_rounds(rounds: int, steps: dict[str, int], graphs: dict[str, Any]) -> dict[str, list[float]]:
    """Seconds a step of each graph by round; the graphs are ended."""
    found: dict[str, list[float]] = {name: [] for name in graphs}
    for _ in range(rounds):
        for name, graph in graphs.items():
            found[name].append(graph.seconds(steps[name]))
    for graph in graphs.values():
        graph.stop()
    return found


def chains(n: int, kind: str, seed: int) -> dict[str, Running]:
    """LIF-Dense-LIF of Lava, the same of ours, and ours with local weights that learn.

    The first neurons fire by their bias, each in a rhythm of its own, 7 to 21 steps; the last ones hardly ever.
    """
    rng = np.random.default_rng(seed)
    whole = kind == "fixed"
    weights = 2 * rng.integers(-60, 60, (n, n)) if whole else rng.normal(0, 0.1, (n, n))
    bias, number = rng.integers(200, 600, n), int if whole else float
    # Lava's integers: the threshold is shifted by 6 bits, and 4096 - (4095 + 1) of the current is kept.
    first = LIF(shape=(n,), du=0, dv=0, bias_mant=bias, vth=64 if whole else 4096.0)
    last = LIF(shape=(n,), du=4095 if whole else 1, dv=0, vth=SILENT)
    graphs = {"lava": (first, Dense(weights=weights), last)}
    for name in ("synergic", "synergic plastic"):
        local: dict[str, Any] = {}
        if name == "synergic plastic":
            rule = sy.Hebbian(0.01, 0.1)
            local = {"rule": quantise_rule(rule, "rule", 16, 64 * SILENT) if whole else rule, "alpha": number(1)}
        graphs[name] = (
            HybridLIF(shape=(n,), vth=number(4096), decay=ONE if whole else 1.0, bias=number(1) * bias, reset="zero"),
            HybridDense(weights=weights, **local),
            HybridLIF(shape=(n,), vth=number(64 * SILENT), decay=ONE if whole else 1.0),
        )
    for name, (pre, dense, post) in graphs.items():
        pre.s_out.connect(dense.s_in)
        dense.a_out.connect(post.a_in)
        if name == "synergic plastic":
            post.u_out.connect(dense.u_in)
    return {name: Running(parts[0], kind) for name, parts in graphs.items()}


def composed(rounds: int, seed: int) -> dict[str, Any]:
    """By size and kind: seconds a step of the chains."""
    found = {}
    for n in SIZES:
        for kind in KINDS:
            graphs = chains(n, kind, seed)
            found[f"{n} {kind}"] = by_rounds(rounds, dict.fromkeys(graphs, STEPS), graphs)
    return found


def described(sizes: tuple[int, ...], kind: str, seed: int) -> Any:
    """A chain of plastic layers."""
    rng = np.random.default_rng(seed)
    names = ["in", *(f"layer{i}" for i in range(1, len(sizes)))]
    populations, projections = [], []
    for pre, post, n_in, n_out in zip(names, names[1:], sizes, sizes[1:], strict=False):
        populations.append(sy.Population(post, n_out, 0.5, 0.5))
        rule = sy.Hebbian(rng.uniform(0.01, 0.02, n_in), 0.01, 0.95)
        projections.append(sy.Projection(f"to {post}", pre, post, rng.normal(0, 0.15, (n_out, n_in)), rule, 0.05))
    network = sy.Network(sy.Source("in", sizes[0]), tuple(populations), tuple(projections), names[-1], PRESENTATION)
    return sy.quantise(network) if kind == "fixed" else network


def fused(rounds: int, seed: int) -> dict[str, Any]:
    """By network and kind: seconds a step of the network, composed and fused, on the same stream of presentations."""
    found = {}
    for sizes in NETWORKS:
        for kind in KINDS:
            network = described(sizes, kind, seed)
            stream = spikes(np.random.default_rng(seed), 20, PRESENTATION, sizes[0])
            inside = compose(network, presentations=None, record=0)
            source = RingBuffer(data=stream.reshape(-1, sizes[0]).T)
            for dense in inside.entries:
                source.s_out.connect(dense.s_in)
            whole, presented = FusedNetwork(network=network), RingBuffer(data=np.moveaxis(stream, 0, -1))
            presented.s_out.connect(whole.s_in)
            graphs = {"composed": Running(inside.output, kind), "fused": Running(whole, kind)}
            took = by_rounds(rounds, dict.fromkeys(graphs, STEPS), graphs)
            took["fused"] = [seconds / PRESENTATION for seconds in took["fused"]]
            found[f"{'-'.join(map(str, sizes))} {kind}"] = took
    return found


def learning_dense(kind: str, seed: int) -> Running:
    """Lava's plastic connection with its shipped rule, learning in every step."""
    rng = np.random.default_rng(seed)
    rule = STDPLoihi(learning_rate=1, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=1)
    n_in, n_out = PLASTIC
    pre, post = (RingBuffer(data=spikes(rng, n, 200)) for n in (n_in, n_out))
    dense = LearningDense(weights=rng.integers(0, 100, (n_out, n_in)), learning_rule=rule)
    pre.s_out.connect(dense.s_in)
    post.s_out.connect(dense.s_in_bap)
    return Running(dense, kind)


def idle(kind: str, seed: int) -> Running:
    """As many processes and messages as `learning_dense`, with next to no work: what of its step is Lava's."""
    rng = np.random.default_rng(seed)
    n_in, n_out = PLASTIC
    pre, post = (RingBuffer(data=spikes(rng, n, 200)) for n in (n_in, n_out))
    dense = HybridDense(weights=np.zeros((n_out, n_in), int if kind == "fixed" else float))
    pre.s_out.connect(dense.s_in)
    post.s_out.connect(dense.u_in)
    return Running(dense, kind)


def our_plastic(kind: str, seed: int) -> Running:
    """Ours, between a source and neurons."""
    network = described(PLASTIC, kind, seed)
    inside = compose(network, presentations=None, record=0)
    source = RingBuffer(data=spikes(np.random.default_rng(seed), PLASTIC[0], 200))
    source.s_out.connect(inside.entries[0].s_in)
    return Running(inside.output, kind)


class Kernel:
    """Our functions of a plastic connection as FusedNetwork calls them, in a loop: decay put off, sum, rule."""

    def __init__(self, kind: str, seed: int) -> None:
        rng = np.random.default_rng(seed)
        network = by_input(described(PLASTIC, kind, seed))
        (self.projection,), (self.post,) = network.projections, network.populations
        number = np.int64 if kind == "fixed" else float
        self.k = network.k[0]
        self.stream = spikes(rng, 200, PLASTIC[0]).astype(number)
        self.u = rng.normal(0, self.post.vth, (200, PLASTIC[1])).astype(number)
        self.age = np.zeros(PLASTIC[0], np.int64)
        self.local = np.array(self.projection.local_weights, order="F")
        self.seconds(2)  # compiles

    def seconds(self, steps: int) -> float:
        """How long one step takes."""
        start = time.perf_counter()
        weights, rule, alpha = self.projection.weights, self.projection.rule, self.projection.alpha
        for t in range(steps):
            s, u = self.stream[t % 200], self.u[t % 200]
            compiled.synaptic_input(s, weights, self.k, self.local, alpha, self.age, rule.lambda_)
            learn(self.projection, self.post, self.local, {}, s, u, NO_SIGNAL, self.age)
        compiled.catch_up(self.local, self.age, rule.lambda_)
        return (time.perf_counter() - start) / steps

    def stop(self) -> None:
        """Nothing runs between the rounds."""


def plastic(rounds: int, seed: int) -> dict[str, Any]:
    """By kind: seconds a step of the plastic connections, of an idle graph, and of our functions alone."""
    found = {}
    for kind in KINDS:
        graphs = {"lava": learning_dense(kind, seed), "synergic": our_plastic(kind, seed), "idle": idle(kind, seed)}
        kernel = Kernel(kind, seed)
        steps = {"lava": PLASTIC_STEPS, "synergic": STEPS, "idle": STEPS, "kernel": STEPS}
        found[kind] = by_rounds(rounds, steps, {**graphs, "kernel": kernel})
    return found


def ratios(slow: list[float], fast: list[float]) -> list[float]:
    """Round by round."""
    return [a / b for a, b in zip(slow, fast, strict=True)]


def figures(chained: Any, networks: Any, connections: Any) -> dict[str, Any]:
    """The medians of the rounds' ratios, and of each kind the worst."""
    middle = statistics.median
    composed_ratio = {name: middle(ratios(t["synergic"], t["lava"])) for name, t in chained.items()}
    with_local = {name: middle(ratios(t["synergic plastic"], t["lava"])) for name, t in chained.items()}
    speedup = {kind: middle(ratios(t["composed"], t["fused"])) for kind, t in networks.items()}
    inside = {kind: middle(ratios(t["lava"], t["synergic"])) for kind, t in connections.items()}
    work = {kind: [a - b for a, b in zip(t["lava"], t["idle"], strict=True)] for kind, t in connections.items()}
    alone = {kind: middle(ratios(work[kind], t["kernel"])) for kind, t in connections.items()}
    return {
        "composed_ratio": max(composed_ratio.values()),
        "fused_speedup": min(speedup.values()),
        "plastic_vs_learning_dense": min(inside.values()),
        "plastic_kernel_vs_learning_dense": min(alone.values()),
        "by_case": {
            "composed_ratio": composed_ratio,
            "plastic_against_lif_dense_lif": with_local,
            "fused_speedup": speedup,
            "plastic_vs_learning_dense": inside,
            "plastic_kernel_vs_learning_dense": alone,
        },
    }


def processor() -> str:
    """The CPU's name, as Linux gives it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), platform.processor())


def record(rounds: int, seed: int) -> dict[str, Any]:
    """Measure everything."""
    load = [os.getloadavg()]
    measured = composed(rounds, seed), fused(rounds, seed), plastic(rounds, seed)
    load.append(os.getloadavg())
    chained, networks, connections = measured
    return {
        **figures(*measured),
        "reach": REACH,
        "seconds_a_step": {"chains": chained, "networks": networks, "plastic connections": connections},
        "setting": {
            "sizes": SIZES, "networks": NETWORKS, "presentation": PRESENTATION, "plastic": PLASTIC, "input_rate": RATE,
            "steps_a_round": STEPS, "rounds": rounds, "seed": seed,
            "threads": os.environ.get("OMP_NUM_THREADS", "not limited"), "cpu": processor(),
            "cpus": len(os.sched_getaffinity(0)), "load_before_and_after": load, "python": platform.python_version(),
            "versions": {p: importlib.metadata.version(p) for p in ("synergic", "lava-nc", "numba", "numpy")},
            "command": " ".join(["python", "benchmarks/lava_runtime.py", *sys.argv[1:]]),
            "date": time.strftime("%Y-%m-%d"),
        },
    }  # fmt: skip


def main(json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None, rounds: int = 21, seed: int = 0) -> None:
    """Measure, print the figures, and write the record.

    json_file : where to. rounds : of which the figures are medians.
    """
    found = record(rounds, seed)
    for name, reach in REACH.items():
        print(f"{name} {found[name]:.3g}  (reach {reach})")
        for case, figure in found["by_case"][name].items():
            print(f"    {case}: {figure:.3g}")
    if json_file:
        json_file.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
