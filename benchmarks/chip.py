# SPDX-License-Identifier: BSD-3-Clause
"""How fast the model of the chip runs, alone and against Lava's LearningDense, SANA-FE and PAIBox; run as a script.

    uv run python benchmarks/chip.py --json benchmarks/results/chip.json

Programs take turns, round by round; a figure is the median of the rounds' ratios (above 1: synergic is faster). The
full chip: 3,072 inputs, 3,328 neurons, every synapse of 156 cores, 5 % of the inputs spiking in each step; a step has
two phases (integrate; add partial sums and fire). SANA-FE and PAIBox come by `uv run --with` in environments of their
own, as programs beside: neither they nor their numpy fit into this one. --no-peers leaves them out.

bandwidth_share: of a plastic step on one thread, the share that reading and writing all of P takes, 0.8 MB in a cache.
The decay of each entry, a product of 16 by 16 bits that is rounded as the specification says, is one instruction of 16
entries (kernels/_decay.py), as fast as that stream. The rest of a step is the sums over the inputs that spike, the
increments of their rows, with a bound that is counted, the neurons, a new P for every presentation, and the counts.
Ruled out on paper: float32 (28 bits do not fit), waiting with the decay until an input spikes (it must be rounded once
a step, which is the work).
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numba
import numpy as np
import tyro

import synergic as sy  # before Lava, which Python 3.11 and later import only then

# isort: split
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import LearningDense
from lava.proc.io.source import RingBuffer
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi

from synergic.hw_targets import Probes, Simulator, map_network
from synergic.hw_targets.simulation.kernels import add_axons, rewrite
from synergic.hw_targets.simulation.kernels._decay import decay
from synergic.network import IntNetwork, IntPopulation, IntProjection

sys.path.insert(0, str(Path(__file__).parent))
from chip_mapping import mapping_figures

HERE = Path(__file__).parent
FULL, STEPS, RATE, THRESHOLD = (3072, 3328), 20, 0.05, 2000
PLASTIC, PLASTIC_STEPS, PLASTIC_RATE, STREAM = (784, 512), 10, 0.08, 20
LAVA_STEPS = 20
BEYOND_CACHES = 256 * 2**20
"""Bytes of an array that lies in no cache."""
REACH = {
    "phases_per_s": 5000, "vs_sanafe": 20, "vs_paibox": 20, "vs_learning_dense": 100, "bandwidth_share": 0.5,
    "map_s_156": 5, "map_s_15600": 600, "placement_gap": 0.1, "placement_gain": 0.2,
}  # fmt: skip
PEERS = {"sanafe": "2.2.9", "paibox": "1.3.0"}


def full_network(steps: int, seed: int) -> IntNetwork:
    """Every synapse of the chip, weights of 8 bits; neurons that forget nothing and start again at 0, as peers have."""
    rng = np.random.default_rng(seed)
    n_in, n_out = FULL
    weights = rng.integers(-100, 128, (n_out, n_in))
    # One unit of weight is 64 of the membrane.
    population = IntPopulation("out", n_out, THRESHOLD * 64, 4096, "zero", np.zeros(n_out, np.int64), 1.0)
    projection = IntProjection("c", "in", "out", weights, None, np.zeros((), np.int64), None, "frozen", 8)
    source = sy.Source("in", n_in)
    return IntNetwork(source, (population,), (projection,), "out", steps, "rank", np.full(steps, 4096))


def plastic_network(seed: int) -> IntNetwork:
    """One layer whose local weights all change in every step, 16 bits each; one eta an input."""
    rng = np.random.default_rng(seed)
    n_in, n_out = PLASTIC
    rule = sy.Hebbian(rng.uniform(0.01, 0.02, n_in), 0.01, 0.95)
    weights = rng.normal(0, 0.1, (n_out, n_in))
    projection = sy.Projection("c", "in", "out", weights, rule, 0.05)
    population = sy.Population("out", n_out, 0.5, 0.9)
    return sy.quantise(sy.Network(sy.Source("in", n_in), (population,), (projection,), "out", PLASTIC_STEPS))


def spikes(rng: Any, rate: float, *shape: int) -> np.ndarray:
    """Independent spikes."""
    return (rng.random(shape) < rate).astype(np.int64)


@numba.njit
def read_and_write(memory: Any) -> None:  # pragma: no cover
    """The stream that bounds any rule: every value read and written once."""
    for i in range(memory.size):
        memory[i] += 1


@numba.njit
def decayed(memory: Any, factor: Any) -> None:  # pragma: no cover
    """The decay of all local weights."""
    decay(memory, 0, memory.size, factor)


def seconds(call: Callable[[], Any]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


class Peer:
    """A peer in a process of its own, run round by round."""

    def __init__(self, name: str, folder: Path, network: Path) -> None:
        self.result = folder / f"{name}.npy"
        command = [
            "uv",
            "run",
            "--no-project",
            "--python",
            "3.10",
            "--with",
            f"{name}=={PEERS[name]}",
            "--with",
            "numpy",
        ]
        command += ["--with", "numpy", "python", str(HERE / "chip_peers.py"), name, str(network), str(self.result)]
        self.errors = (folder / f"{name}.err").open("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        self.wait_for("ready")

    def wait_for(self, word: str) -> str:
        """The next line that starts with the word; a peer prints lines of its own between. RuntimeError if it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return line
        self.errors.seek(0)
        raise RuntimeError(f"{' '.join(self.process.args[:8])}: {self.errors.read()[-500:]}")  # type: ignore[index]

    def round(self) -> float:
        """Seconds of one round."""
        assert self.process.stdin is not None
        self.process.stdin.write("round\n")
        self.process.stdin.flush()
        return float(self.wait_for("seconds").split()[1])

    def spikes(self) -> np.ndarray:
        """End it; what its neurons sent, (rounds T, n_out)."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        return np.asarray(np.load(self.result))


def against_peers(rounds: int, seed: int, chosen: tuple[str, ...]) -> dict[str, Any]:
    """The full chip in synergic and in the peers: seconds of `STEPS` steps by round, and whether spikes are equal."""
    rng = np.random.default_rng(seed)
    given = spikes(rng, RATE, rounds, STEPS, FULL[0])
    network = full_network(STEPS, seed)
    ours = Simulator(map_network(network), probes=Probes.readout(network))
    ours.run(given[0])  # compiles
    found: dict[str, Any] = {"seconds": {"synergic": []}, "equal_spikes": {}, "not_measured": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "in.npz", weights=network.projections[0].weights, spikes=given, threshold=THRESHOLD)
        peers = {}
        for peer in chosen:
            try:
                peers[peer] = Peer(peer, folder, folder / "in.npz")
            except (OSError, RuntimeError) as error:
                found["not_measured"][peer] = str(error)
        found["seconds"] |= {peer: [] for peer in peers}
        for i in range(rounds):
            found["seconds"]["synergic"].append(seconds(lambda i=i: ours.run(given[i])))  # type: ignore[misc]
            for peer, program in peers.items():
                found["seconds"][peer].append(program.round())
        whole = full_network(rounds * STEPS, seed)  # the peers went on from round to round
        want, _ = Simulator(map_network(whole), probes=Probes.readout(whole)).run(given.reshape(1, -1, FULL[0]))
        for peer, program in peers.items():
            found["equal_spikes"][peer] = bool(np.array_equal(program.spikes(), want.spikes["out"][0]))
        found["share_of_neurons_spiking"] = float(want.spikes["out"].mean())
    return found


def phases(rounds: int, seed: int, samples: int = 8) -> dict[str, list[float]]:
    """Phases a second of the full chip, by round: one sample, and several in one call on all threads."""
    rng = np.random.default_rng(seed)
    network = full_network(100, seed)
    mapping = map_network(network)
    assert mapping.cores == mapping.chip.cores
    given = spikes(rng, RATE, samples, network.steps, FULL[0])
    simulator = Simulator(mapping, probes=Probes.readout(network))
    count = network.steps * mapping.phases_per_step
    found: dict[str, list[float]] = {"one sample": [], "several samples": []}
    for i in range(-1, rounds):
        one, several = seconds(lambda: simulator.run(given[:1])), seconds(lambda: simulator.run(given))
        if i >= 0:
            found["one sample"].append(count / one)
            found["several samples"].append(samples * count / several)
    return found


def learning_dense(seed: int, fixed: bool) -> Any:
    """Lava's plastic connection of the same shape with the shipped rule, learning in every step, ready to run."""
    rng = np.random.default_rng(seed)
    rule = STDPLoihi(learning_rate=1, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=1)
    n_in, n_out = PLASTIC
    pre = RingBuffer(data=spikes(rng, PLASTIC_RATE, n_in, PLASTIC_STEPS))
    post = RingBuffer(data=spikes(rng, PLASTIC_RATE, n_out, PLASTIC_STEPS))
    dense = LearningDense(weights=rng.integers(0, 100, (n_out, n_in)), learning_rule=rule)
    pre.s_out.connect(dense.s_in)
    post.s_out.connect(dense.s_in_bap)
    tag = "fixed_pt" if fixed else "floating_pt"
    dense.run(condition=RunSteps(num_steps=2), run_cfg=Loihi2SimCfg(select_tag=tag))
    return dense


def plasticity(rounds: int, seed: int) -> dict[str, Any]:
    """Seconds a step of the plastic layer, of Lava's, and of the stream over as many values, by round."""
    rng, network = np.random.default_rng(seed), plastic_network(seed)
    given = spikes(rng, PLASTIC_RATE, STREAM, PLASTIC_STEPS, PLASTIC[0])
    simulator = Simulator(map_network(network), probes=Probes.readout(network), threads=1)  # as the stream and Lava
    simulator.run(given, STREAM)
    memory = simulator.start.copy()
    read_and_write(memory)
    repeats = STREAM * PLASTIC_STEPS
    large = np.zeros(BEYOND_CACHES // memory.itemsize, memory.dtype)
    read_and_write(large)
    found: dict[str, Any] = {"synergic": [], "stream": [], "stream in DRAM": [], "lava fixed": [], "lava floating": []}
    lava = {"lava fixed": learning_dense(seed, True), "lava floating": learning_dense(seed, False)}
    for _ in range(rounds):
        found["synergic"].append(seconds(lambda: simulator.run(given, STREAM)) / repeats)
        found["stream"].append(seconds(lambda: [read_and_write(memory) for _ in range(repeats)]) / repeats)
        slow = seconds(lambda: read_and_write(large)) * memory.size / large.size
        found["stream in DRAM"].append(slow)
        for name, dense in lava.items():
            found[name].append(seconds(lambda d=dense: d.run(RunSteps(LAVA_STEPS))) / LAVA_STEPS)  # type: ignore[misc]
    for dense in lava.values():
        dense.stop()
    return {"seconds": found, "bytes_a_value": memory.itemsize}


def plastic_parts(seed: int, repeats: int = 400) -> dict[str, float]:
    """Where a plastic step goes: microseconds of each loop by itself, medians; as in `plasticity`."""
    rng, network = np.random.default_rng(seed), plastic_network(seed)
    simulator = Simulator(map_network(network), probes=Probes.readout(network), threads=1)
    program, memory = simulator.program, simulator.start.copy()
    head, tile = program.heads[0], program.tiles[0]
    axons = spikes(rng, PLASTIC_RATE, PLASTIC[0]).astype(np.uint8)
    events, none = np.flatnonzero(axons).astype(np.int32), np.zeros(0, np.uint8)
    total, post = np.zeros(PLASTIC[1], np.int32), rng.integers(-4096, 4096, PLASTIC[1])
    eta, factor = program.eta[: PLASTIC[0]], np.int16(8 * head["lambda_"])

    def again() -> None:
        memory[:] = simulator.start

    loops: dict[str, Callable[[], Any]] = {
        "read and write P": lambda: read_and_write(memory),
        "decay": lambda: decayed(memory, factor),
        "decay and increments": lambda: rewrite(memory, 0, axons, eta, post, head, none, -1),
        "slow sums": lambda: add_axons(total, program.weights, tile["weights"], events, 0, axons),
        "local sums": lambda: add_axons(total, memory, 0, events, 0, axons),
        "P of a new presentation, a step": again,
    }
    found: dict[str, list[float]] = {name: [] for name in loops}
    for i in range(-10, repeats):
        for name, loop in loops.items():
            took = 1e6 * seconds(loop)
            if i >= 0:
                found[name].append(took / (PLASTIC_STEPS if loop is again else 1))
    return {name: statistics.median(times) for name, times in found.items()}


def in_a_loop(function: Any, has: str) -> float | None:
    """Instructions for 128 weights in a compiled function's innermost loop that has this one; None on other processors.

    Of several such loops, for what is left at an end, the longest.
    """
    lines = [line.strip() for asm in function.inspect_asm().values() for line in asm.splitlines()]
    labels = {line.partition(":")[0]: i for i, line in enumerate(lines) if re.match(r"\.LBB\w+:", line)}
    found: dict[int, float] = {}
    for i, line in enumerate(lines):
        jump = re.match(r"j\w+\s+(\.LBB\w+)", line)
        body = lines[labels.get(jump[1], i) + 1 : i + 1] if jump else []
        if not any(line.startswith(has) for line in body) or any(line.startswith(".LBB") for line in body):
            continue
        stored = re.findall(r"^(vmovdqu\w*|vpmovdw)\s+%([xyz])mm\d+, [^%]*\(", "\n".join(body), re.MULTILINE)
        weights = sum({"x": 8, "y": 16, "z": 32}[size] // (1 + (name == "vpmovdw")) for name, size in stored)
        if weights:
            found[len(body)] = 128 * len([line for line in body if not line.startswith((".", "#"))]) / weights
    return found[max(found)] if found else None


def plastic_instructions(seed: int) -> dict[str, float | None]:
    """Instructions for 128 local weights, of the loops that go through all of them or through rows of them."""
    network = plastic_network(seed)
    simulator = Simulator(map_network(network), probes=Probes.readout(network), threads=1)
    program, memory, none = simulator.program, simulator.start.copy(), np.zeros(0, np.uint8)
    read_and_write(memory)
    decayed(memory, np.int16(0))
    again = numba.njit(rewrite.py_func, error_model="numpy")  # numba shows no code that its cache holds
    silent, post = np.zeros(PLASTIC[0], np.uint8), np.zeros(PLASTIC[1], np.int64)
    again(memory, 0, silent, program.eta[: PLASTIC[0]], post, program.heads[0], none, -1)
    return {
        "read and write P": in_a_loop(read_and_write, "vpaddw"),
        "decay": in_a_loop(decayed, "vpmulhrsw"),
        "increments": in_a_loop(again, "vpminsd"),
    }


def ratio(slow: list[float], fast: list[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def record(rounds: int, seed: int, peers: tuple[str, ...], mapping: bool = True) -> dict[str, Any]:
    """Measure everything."""
    speed, plastic = phases(rounds, seed), plasticity(rounds, seed)
    beside = against_peers(rounds, seed, peers)
    took, synapses = plastic["seconds"], PLASTIC[0] * PLASTIC[1]
    mapped = mapping_figures() if mapping else {}
    if not mapping:
        beside["not_measured"]["mapping"] = "left out by --no-mapping"
    figures: dict[str, float | None] = {
        "phases_per_s": statistics.median(speed["one sample"]),
        "phases_per_s_several_samples": statistics.median(speed["several samples"]),
        "updates_per_s": synapses / statistics.median(took["synergic"]),
        # Lava's faster one is the peer.
        "vs_learning_dense": min(ratio(took[f"lava {kind}"], took["synergic"]) for kind in ("fixed", "floating")),
        "vs_learning_dense_fixed": ratio(took["lava fixed"], took["synergic"]),
        # Of the same array, which lies in the cache; and of an array as large as all of them.
        "bandwidth_share": ratio(took["stream"], took["synergic"]),
        "bandwidth_share_dram": ratio(took["stream in DRAM"], took["synergic"]),
    }
    for peer in PEERS:
        times = beside["seconds"].get(peer)
        figures[f"vs_{peer}"] = ratio(times, beside["seconds"]["synergic"]) if times else None
    figures |= mapped
    return {
        "figures": figures,
        "reach": REACH,
        "equal_spikes": beside["equal_spikes"],
        "not_measured": beside["not_measured"],
        "mapping": mapped,
        "phases_a_second": speed,
        "seconds_a_plastic_step": took,
        "microseconds_of_plastic_parts": plastic_parts(seed),
        "instructions_for_128_weights": plastic_instructions(seed),
        "seconds_of_the_full_chip": beside["seconds"],
        "setting": {
            "full": FULL, "steps": STEPS, "input_rate": RATE,
            "share_of_neurons_spiking": beside["share_of_neurons_spiking"],
            "plastic": PLASTIC, "plastic_steps": PLASTIC_STEPS, "plastic_rate": PLASTIC_RATE, "stream": STREAM,
            "local_bytes": plastic["bytes_a_value"], "rounds": rounds, "seed": seed, "cpu": processor(),
            "cpus": len(os.sched_getaffinity(0)), "load": os.getloadavg(), "python": platform.python_version(),
            "versions": PEERS | {p: importlib.metadata.version(p) for p in ("synergic", "numba", "numpy", "lava-nc")},
            "command": " ".join(["python", "benchmarks/chip.py", *sys.argv[1:]]), "date": time.strftime("%Y-%m-%d"),
        },
    }  # fmt: skip


def with_mapping(result: dict[str, Any]) -> dict[str, Any]:
    """A record with the mapping measured anew, and when that was."""
    mapped = mapping_figures()
    result["figures"] |= mapped
    setting = {"cpu": processor(), "cpus": len(os.sched_getaffinity(0)), "load": os.getloadavg()}
    setting |= {"command": " ".join(["python", "benchmarks/chip.py", *sys.argv[1:]]), "date": time.strftime("%Y-%m-%d")}
    result["mapping"] = mapped | {"setting": setting}
    result["not_measured"].pop("mapping", None)
    return result


def processor() -> str:
    """The CPU's name, as Linux gives it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), platform.processor())


def main(
    json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    rounds: int = 5,
    seed: int = 0,
    peers: bool = True,
    mapping: bool = True,
    only_mapping: bool = False,
) -> None:
    """Measure, print the figures, and write the record.

    json_file : where to. peers : whether to run SANA-FE and PAIBox. mapping : whether to measure it, some minutes.
    only_mapping : measure the mapping alone, and put its figures into the record that is there.
    """
    if only_mapping and json_file:
        result = with_mapping(json.loads(json_file.read_text()))
    else:
        result = record(rounds, seed, tuple(PEERS) if peers else (), mapping)
    for name, figure in result["figures"].items():
        reach = f"  (reach {REACH[name]})" if name in REACH else ""
        print(f"{name:30} {'not measured' if figure is None else f'{figure:.4g}'}{reach}")
    for name, why in result["not_measured"].items():
        print(f"{name}: not measured: {why}")
    for name, equal in result["equal_spikes"].items():
        print(f"spikes of {name}: {'equal' if equal else 'NOT equal'}")
    if json_file:
        json_file.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
