# SPDX-License-Identifier: BSD-3-Clause
"""How much faster a training step is than the plain formulation and than other libraries; run as a script.

    uv run --group bench python benchmarks/training.py --json benchmarks/results/training.json

784-512-10, T 10, batch 100, float32, one real-valued image a sample shown at all steps. The programs run one after the
other, round by round, on the same threads; a figure is the median of the rounds' ratios (above 1: synergic is faster).

gemm_share is the limit of a step: the time of its products of matrices alone, of the same shapes and layouts and by the
same functions, over the time of the step. A step without any other work would have a share of 1. "parts" in the record
is where the rest goes: forward and backward with the products in them, and Adam, which changes every weight.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

sys.path.insert(0, str(Path(__file__).parent))
from peers import PEERS
from plain import PlainNet, plain_episode

from synergic.experiments import Classification, FewShot
from synergic.learning import TARGET_CLIP, HybridNet, MaskedNet, Pattern, rank_loss
from synergic.learning._buffers import release
from synergic.learning._omniglot import Episodes, draw_episodes, oriented_images
from synergic.learning.tasks import SHARPNESS, FewShotNet, SupervisedTask
from synergic.learning.tasks._seeds import TrainedAsOne

SIZES, STEPS, BATCH = (784, 512, 10), 10, 100
CONTINUAL = {"steps": 3, "vth": 0.5, "decay": 0.8, "lambda_": 0.8}
REACH = {
    "continual_speedup": 60,
    "fewshot_speedup": 2,
    "fewshot_infer_speedup": 2,
    "hp_step_speedup": 100,
    "hp_infer_speedup": 150,
    "gp_step_speedup": 5,
    "memory_ratio": 20,
    "hp_step_speedup_per_sample": 200,
    "hp_infer_speedup_per_sample": 300,
    "seeds_speedup": 3,
    "gemm_share_gp": 0.7,
    "gemm_share_hp_per_sample": 0.6,
} | {f"vs_{name}": 5.5 for name in PEERS}
EPISODES, TEST_EPISODES = 5, 20
SEEDS, DIGITS, SEEDS_THREADS = 8, {"sizes": (64, 50, 10), "steps": 8}, 2
"""Nets trained as one, of the digits; threads, for both sides."""


def data(seed: int) -> tuple[Tensor, Tensor]:
    """Images and labels; half of the pixels black, as in Fashion-MNIST. The cost does not depend on the values."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(BATCH, SIZES[0], generator=generator) * (torch.rand(BATCH, SIZES[0], generator=generator) < 0.5)
    return x, torch.randint(SIZES[-1], (BATCH,), generator=generator)


def plain_loss(net: PlainNet, x: Tensor, labels: Tensor) -> Tensor:
    """Rank coding, as synergic's."""
    target = functional.one_hot(labels, SIZES[-1]).to(x.dtype)
    return functional.mse_loss((net(x)[0] / net.vth).clamp(max=TARGET_CLIP), target)


def our_loss(net: HybridNet, x: Tensor, labels: Tensor) -> Tensor:
    """Rank coding."""
    return rank_loss(net(x)[1], labels, float(net.layers[-1].vth))


def rate_loss(count: Tensor, labels: Tensor) -> Tensor:
    """Rate coding, with which the peers are compared: all of them return spikes."""
    return functional.mse_loss(count, functional.one_hot(labels, SIZES[-1]).to(count.dtype))


def stepper(net: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """One training step, Adam included: torch's compiled one for all programs, as synergic trains."""
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "mv", "_linear_pointwise")
"""Operations that multiply matrices: those of torch, and oneDNN's."""


class Products(TorchDispatchMode):
    """Notes each product of matrices within a block, and what it multiplies."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, list[Any]]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function.__name__.split(".")[0] in PRODUCTS:
            self.calls.append((function, list(args)))
        return function(*args, **(kwargs or {}))


def products_of(step: Callable[[], Any]) -> Callable[[], None]:
    """The products of a step and nothing else: the same functions, on other numbers in the same shapes and layouts."""
    with Products() as noted:
        step()

    def other(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        same = {"dtype": value.dtype, "device": value.device}
        return torch.empty_strided(value.shape, value.stride(), **same).uniform_(0.1, 1)

    calls = [(function, [other(value) for value in args]) for function, args in noted.calls]

    @torch.no_grad()
    def run() -> None:
        for function, args in calls:
            function(*args)

    return run


def parts(net: nn.Module, loss: Callable[[], Tensor], repeats: int = 20) -> dict[str, float]:
    """Milliseconds of a step's forward pass, backward pass and Adam, medians."""
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-4, fused=True)
    took: dict[str, list[float]] = {"forward": [], "backward": [], "optimizer": []}
    for _ in range(repeats):
        optimizer.zero_grad()
        marks = [time.perf_counter()]
        value = loss()
        marks.append(time.perf_counter())
        value.backward()  # type: ignore[no-untyped-call]
        marks.append(time.perf_counter())
        optimizer.step()
        marks.append(time.perf_counter())
        for name, a, b in zip(took, marks, marks[1:], strict=False):
            took[name].append(1e3 * (b - a))
    return {name: statistics.median(times) for name, times in took.items()}


def ours(mode: str, plasticity_scope: str = "per_sample") -> HybridNet:
    """The net of synergic."""
    return HybridNet(SIZES, mode=mode, steps=STEPS, plasticity_scope=plasticity_scope)


def programs(
    seed: int, device: str = "cpu", batch: int = BATCH
) -> tuple[dict[str, tuple[Callable[[], Any], int]], dict[str, str]]:
    """Everything that is timed, by name, with its repeats a round; and the peers that are not there, with reason."""
    torch.manual_seed(seed)
    x, labels = (part.repeat(-(-batch // BATCH), *[1] * (part.ndim - 1))[:batch].to(device) for part in data(seed))
    plain_hp, plain_gp = (PlainNet(SIZES, plastic=plastic).to(device) for plastic in (True, False))
    plain_hp.p = [p.to(device) for p in plain_hp.p]
    gp = ours("gp").to(device)
    timed: dict[str, tuple[Callable[[], Any], int]] = {
        "plain hp step": (stepper(plain_hp, lambda: plain_loss(plain_hp, x, labels)), 1),
        "plain hp infer": (torch.no_grad()(lambda: plain_hp(x)), 1),
        "plain gp step": (stepper(plain_gp, lambda: plain_loss(plain_gp, x, labels)), 5),
        "gp step": (stepper(gp, lambda: our_loss(gp, x, labels)), 10),
        "gp rate step": (stepper(gp, lambda: rate_loss(gp(x)[0].mean(1), labels)), 10),
    }
    for plasticity_scope in ("shared", "per_sample"):
        net = ours("hp", plasticity_scope).to(device)
        timed[f"hp {plasticity_scope} step"] = (stepper(net, lambda net=net: our_loss(net, x, labels)), 10)  # type: ignore[misc]
        timed[f"hp {plasticity_scope} infer"] = (torch.no_grad()(lambda net=net: net(x)), 10)
    for name in ("gp", "hp shared", "hp per_sample"):
        step = timed[f"{name} step"][0]
        step()
        timed[f"{name} products"] = (products_of(step), 10)
    missing = {}
    for name, build in PEERS.items():
        try:
            peer = build(SIZES, STEPS).to(device)
        except ImportError as error:
            missing[name] = f"not installed: {error}"
            continue
        timed[f"{name} step"] = (stepper(peer, lambda peer=peer: rate_loss(peer(x), labels)), 3)  # type: ignore[misc]
    return timed, missing


def stepped(seed: int) -> dict[str, tuple[nn.Module, Callable[[], Tensor]]]:
    """The nets whose steps are taken apart, each with its loss."""
    torch.manual_seed(seed)
    x, labels = data(seed)
    nets = {"gp": ours("gp"), "hp per_sample": ours("hp"), "hp shared": ours("hp", "shared")}
    return {name: (net, lambda net=net: our_loss(net, x, labels)) for name, net in nets.items()}  # type: ignore[misc]


def continual(seed: int, batch: int = BATCH) -> tuple[PlainNet, MaskedNet, Tensor, Tensor]:
    """784-1024-1024-10 with masks of 3 %, the same weights and theta in both; and a batch."""
    torch.manual_seed(seed)
    generator, sizes = torch.Generator().manual_seed(seed), (SIZES[0], 1024, 1024, 10)
    net = MaskedNet(sizes, **CONTINUAL)
    for layer in net.layers:
        layer.weight.data.mul_(4)
    plain = PlainNet(sizes, plastic=True, masks=[], **CONTINUAL)
    patterns = [Pattern.draw(layer.size, 0.03, generator) for layer in net.layers]
    plain.masks = [p.matrix(torch.ones(len(p.rows))).to_dense() for p in patterns]
    for i, layer in enumerate(net.layers):
        plain.linear[i].weight.data.copy_(layer.weight), plain.linear[i].bias.data.zero_().requires_grad_(False)
        for name in ("alpha", "eta", "beta"):
            getattr(layer, name).data.mul_(20)
            getattr(plain, name)[i].data.copy_(getattr(layer, name))
    net.use(patterns)
    x, labels = data(seed)
    return plain, net, x[:batch], labels[:batch]


def continual_gap(seed: int) -> float:
    """As `gaps`; of one image, for which the P of a batch and the P of a sample are the same."""
    plain, net, x, _ = continual(seed, batch=1)
    plain, net, x = plain.double(), net.double(), x.double()
    plain.masks = [m.double() for m in plain.masks or []]
    plain.p = [p.double() for p in plain.p]
    u, v = plain(x)[0], net(x)[1][:, -1]
    (u - 1).square().mean().backward(), (v - 1).square().mean().backward()
    pairs = [(u, v)]
    for i, layer in enumerate(net.layers):
        pattern = layer.pattern
        pairs.append((plain.linear[i].weight.grad[pattern.rows, pattern.cols], layer.values.grad))
        pairs += [(getattr(plain, n)[i].grad, getattr(layer, n).grad) for n in ("alpha", "eta", "beta")]
    return max(float((a - b).abs().max() / a.abs().max().clamp(min=1e-30)) for a, b in pairs)


def continual_programs(seed: int) -> dict[str, tuple[Callable[[], Any], int]]:
    """A step of continual learning."""
    plain, net, x, labels = continual(seed)
    return {
        "plain continual step": (stepper(plain, lambda: plain_loss(plain, x, labels)), 1),
        "continual step": (stepper(net, lambda: our_loss(net, x, labels)), 5),
    }


def seeds_programs(seed: int) -> dict[str, tuple[Callable[[], Any], int]]:
    """A step of each of several digits nets: one after the other, and as one."""
    generator = torch.Generator().manual_seed(seed)
    nets = [HybridNet(**DIGITS) for _ in range(SEEDS)]
    s = (torch.rand(SEEDS, 50, DIGITS["steps"], 64, generator=generator) < 0.3).float()
    labels = torch.randint(10, (SEEDS, 50), generator=generator)
    alone = [stepper(net, lambda i=i, net=net: our_loss(net, s[i], labels[i])) for i, net in enumerate(nets)]  # type: ignore[misc]
    configs = [Classification(hidden=50, steps=DIGITS["steps"], batch=50, seed=i) for i in range(SEEDS)]
    tasks = [SupervisedTask(c, HybridNet(**DIGITS), s[i], labels[i]) for i, c in enumerate(configs)]
    as_one, rows = TrainedAsOne(tasks), [torch.arange(50)] * SEEDS
    as_one.collect()
    return {
        "seeds one by one": (lambda: [step() for step in alone], 5),
        "seeds as one": (lambda: as_one.step(rows), 5),
    }


class FewShotPair:
    """Episodes of 5 characters from 1 drawing each, in both formulations: the same net, drawings and order.

    Batch normalisation has fixed statistics, so that a picture's features do not depend on the others.
    """

    def __init__(self, seed: int, kind: torch.dtype = torch.float32) -> None:
        torch.manual_seed(seed)
        self.net = (
            FewShotNet(FewShot(convolutions="strided", channels=128, decay=0.2, precision="float32")).to(kind).eval()
        )
        self.net.features[-3].bias.data.zero_()  # so that some features of the untrained net are above zero
        self.images = torch.rand(40, 20, 31, 31, generator=torch.Generator().manual_seed(seed)).to(kind)
        self.seed = seed

    def episodes(self, count: int) -> Episodes:
        """Some, with a query for each character."""
        return draw_episodes(torch.arange(40), count, 5, 1, 1, 1, torch.Generator().manual_seed(self.seed))

    def ours(self, count: int) -> Tensor:
        """u(T) of all queries."""
        shown = self.net.shown(self.images, self.episodes(count), torch.Generator().manual_seed(self.seed))
        seen, asked = (part.to(self.images.dtype) for part in shown[:2])
        return self.net.answers(seen, asked).flatten(0, 1)

    def plain(self, count: int) -> Tensor:
        """The same, episode by episode."""
        drawn = self.episodes(count)
        support, queries = (
            oriented_images(self.images, p, drawn.orientations).flatten(1, 2) for p in (drawn.support, drawn.queries)
        )
        order = torch.rand(count, 5, generator=torch.Generator().manual_seed(self.seed)).argsort(1)
        each = zip(support, order, queries, strict=True)
        return torch.cat([plain_episode(self.net, s[o], o, q) for s, o, q in each])

    def loss(self, u: Tensor) -> Tensor:
        """Cross entropy."""
        return functional.cross_entropy(SHARPNESS * u, torch.arange(5).repeat(len(u) // 5))

    def programs(self) -> dict[str, tuple[Callable[[], Any], int]]:
        """An iteration on 5 episodes, and the evaluation of some."""
        plain, ours = (stepper(self.net, lambda f=f: self.loss(f(EPISODES))) for f in (self.plain, self.ours))  # type: ignore[misc]
        return {
            "plain fewshot step": (plain, 1),
            "fewshot step": (ours, 3),
            "plain fewshot infer": (torch.no_grad()(lambda: self.plain(TEST_EPISODES)), 1),
            "fewshot infer": (torch.no_grad()(lambda: self.ours(TEST_EPISODES)), 3),
        }


def fewshot_gap(seed: int) -> float:
    """As `gaps`."""
    pair, found = FewShotPair(seed, torch.float64), []
    for run in (pair.plain, pair.ours):
        pair.net.zero_grad()
        u = run(EPISODES)
        pair.loss(u).backward()
        found.append([u.detach(), *(p.grad.clone() for p in pair.net.parameters() if p.grad is not None)])
    # One current for all neurons changes no class: the gradient of b is zero but for rounding.
    pairs = [(a, b) for a, b in zip(*found, strict=True) if a.abs().max() > 1e-12]
    return max(float((a - b).abs().max() / a.abs().max()) for a, b in pairs)


def measure(
    timed: dict[str, tuple[Callable[[], Any], int]], rounds: int, wait: Callable[[], None] = lambda: None
) -> dict[str, list[float]]:
    """Milliseconds of each program in each round, the median of its repeats; two rounds before that to warm up.

    wait : until a device has done what it was given; for a processor nothing.
    """
    times: dict[str, list[float]] = {name: [] for name in timed}
    for round_ in range(-2, rounds):
        for name, (run, repeats) in timed.items():
            took = []
            for _ in range(repeats):
                wait()
                start = time.perf_counter()
                run()
                wait()
                took.append(1e3 * (time.perf_counter() - start))
            if round_ >= 0:
                times[name].append(statistics.median(took))
    return times


def ratio(times: dict[str, list[float]], slow: str, fast: str) -> float | None:
    """The median of the rounds' ratios; None for what was not measured."""
    if slow not in times or fast not in times:
        return None
    return statistics.median(a / b for a, b in zip(times[slow], times[fast], strict=True))


def gaps(seed: int) -> dict[str, float]:
    """Largest differences from the plain formulation, float64, second batch, so that P is not zero: u and gradients."""
    torch.manual_seed(seed)
    x, found = data(seed)[0][:20].double(), {}
    for mode in ("hp", "gp"):
        plain, net = PlainNet(SIZES, plastic=mode == "hp").double(), ours(mode, "shared").double()
        for i, layer in enumerate(net.layers):
            layer.weight.data.copy_(plain.linear[i].weight), layer.bias.data.copy_(plain.linear[i].bias)
            if mode == "hp":
                plain.p[i] = plain.p[i].double()
                for name in ("alpha", "eta", "beta"):
                    getattr(plain, name)[i].data.mul_(20)
                    getattr(layer, name).data.copy_(getattr(plain, name)[i])
        for _ in range(2):
            plain.zero_grad(), net.zero_grad()
            u, v = plain(x)[0], net(x)[1][:, -1]
            (u - 1).square().mean().backward(), (v - 1).square().mean().backward()
        pairs = [(u, v)] + [(plain.linear[i].weight.grad, layer.weight.grad) for i, layer in enumerate(net.layers)]
        if mode == "hp":
            names = [(i, n) for i in range(2) for n in ("alpha", "eta", "beta")]
            pairs += [(getattr(plain, n)[i].grad, getattr(net.layers[i], n).grad) for i, n in names]
            pairs += [(plain.p[i].T, layer.local_weights) for i, layer in enumerate(net.layers)]
        found[mode] = max(float((a - b).abs().max() / a.abs().max()) for a, b in pairs)
    return found


def peak(which: str, threads: int, seed: int) -> float:
    """MiB that an HP step adds at most to what stands between steps (parameters, Adam's state). Linux.

    In a fresh process whose allocator gives every large block back, so that the second step pays for all it uses.
    """
    command = [sys.executable, __file__, "--peak-of", which, "--threads", str(threads), "--seed", str(seed)]
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout.split()[-1])


def peak_here(which: str, seed: int) -> float:
    """As `peak`, in this process. A first step before: libraries and compiled code are not the step's memory."""
    nets = {
        "plain": lambda sizes: PlainNet(sizes, plastic=True),
        "shared": lambda sizes: HybridNet(sizes, plasticity_scope="shared"),
        "per_sample": HybridNet,
    }
    loss = plain_loss if which == "plain" else our_loss
    x, labels = data(seed)
    net = nets[which](SIZES)
    step = stepper(net, lambda: loss(net, x, labels))  # type: ignore[operator]
    step()
    net.zero_grad()
    release()

    def status(field: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(field))

    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = status("VmRSS")
    step()
    return (status("VmHWM") - before) / 1024


def record(rounds: int, threads: int, seed: int, families: bool = True) -> dict[str, Any]:
    """Measure everything. families : also the continual and the few-shot step, which take minutes."""
    timed, missing = programs(seed)
    # A plain continual step takes seconds.
    times = measure(timed, rounds)
    if families:
        times |= measure(continual_programs(seed), max(3, rounds // 5))
        times |= measure(FewShotPair(seed).programs(), rounds)
    else:
        missing |= dict.fromkeys(("continual", "fewshot"), "left out by --quick")
    torch.set_num_threads(SEEDS_THREADS)
    times |= measure(seeds_programs(seed), rounds)
    torch.set_num_threads(threads)
    memory = {which: peak(which, threads, seed) for which in ("plain", "shared", "per_sample")}
    figures: dict[str, float | None] = {
        # Equal mathematics: the shared trace on both sides.
        "hp_step_speedup": ratio(times, "plain hp step", "hp shared step"),
        "hp_infer_speedup": ratio(times, "plain hp infer", "hp shared infer"),
        "gp_step_speedup": ratio(times, "plain gp step", "gp step"),
        "continual_speedup": ratio(times, "plain continual step", "continual step"),
        "fewshot_speedup": ratio(times, "plain fewshot step", "fewshot step"),
        "fewshot_infer_speedup": ratio(times, "plain fewshot infer", "fewshot infer"),
        "memory_ratio": memory["plain"] / memory["shared"],
        "seeds_speedup": ratio(times, "seeds one by one", "seeds as one"),
        # The mode that is deployed, against the same plain step.
        "hp_step_speedup_per_sample": ratio(times, "plain hp step", "hp per_sample step"),
        "hp_infer_speedup_per_sample": ratio(times, "plain hp infer", "hp per_sample infer"),
        "memory_ratio_per_sample": memory["plain"] / memory["per_sample"],
    }
    for name in ("gp", "hp per_sample", "hp shared"):
        figures[f"gemm_share_{name.replace(' ', '_')}"] = ratio(times, f"{name} products", f"{name} step")
    for name in PEERS:
        figures[f"vs_{name}"] = ratio(times, f"{name} step", "gp rate step")
    packages = ("torch", "numba", "numpy", "snntorch", "norse", "spikingjelly", "lava-dl")
    have = {d.metadata["Name"].lower() for d in importlib.metadata.distributions() if d.metadata["Name"]}
    cpu = next((x.split(":")[1].strip() for x in cpu_lines() if x.startswith("model name")), platform.processor())
    return {
        "figures": figures,
        "reach": REACH,
        "not_measured": missing,
        "largest_relative_gap_float64": gaps(seed)
        | ({"continual": continual_gap(seed), "fewshot": fewshot_gap(seed)} if families else {}),
        "milliseconds": {
            n: {"median": statistics.median(t), "least": min(t), "rounds": t} for n, t in times.items()
        },
        "peak_mib": memory,
        "parts": {name: parts(net, loss) for name, (net, loss) in stepped(seed).items()},
        "setting": {
            "sizes": SIZES, "steps": STEPS, "batch": BATCH, "rounds": rounds, "threads": threads, "seed": seed,
            "command": " ".join(["python", "benchmarks/training.py", *sys.argv[1:]]), "cpu": cpu,
            "cpus": len(os.sched_getaffinity(0)), "python": platform.python_version(),
            "versions": {p: importlib.metadata.version(p) for p in packages if p in have},
            "date": time.strftime("%Y-%m-%d"),
        },
    }  # fmt: skip


def cpu_lines() -> list[str]:
    """What Linux says of the CPU; nothing elsewhere."""
    info = Path("/proc/cpuinfo")
    return info.read_text().splitlines() if info.exists() else []


def main(
    json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    rounds: int = 15,
    threads: int = 1,
    seed: int = 0,
    quick: bool = False,
    peak_of: str = "",
) -> None:
    """Measure, print the figures, and write the record.

    json_file : where to. threads : of torch and of the kernels. quick : three rounds, without the continual and the
    few-shot step. peak_of : internal, for the memory of one program.
    """
    torch.set_num_threads(threads)
    if peak_of:
        print(peak_here(peak_of, seed))
        return
    result = record(3 if quick else rounds, threads, seed, families=not quick)
    for name, figure in result["figures"].items():
        reach = f"  (reach {REACH[name]})" if name in REACH else ""
        print(f"{name:30} {'not measured' if figure is None else f'{figure:.3g}'}{reach}")
    if json_file:
        json_file.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
