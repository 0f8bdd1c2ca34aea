# SPDX-License-Identifier: BSD-3-Clause
"""Is there a local rule, learned by gradient, that adapts better than a running mean and variance? Three attempts.

    uv run synergic train fashion-gp --epochs 5 --weight-decay 0 --seed 0 --run-folder runs/fashion-gp-5epochs-0
    uv run python benchmarks/learned_adaptation.py --runs runs/fashion-gp-5epochs-0 --json learned_adaptation.json

A trained 784-512-10 network stays as it is. Each hidden neuron i has a bias c_i and a gain a_i, which a local rule
writes once a presentation, and which live on. With r_i = mean over m of tanh(u_i(m) / v_th) and q_i the mean of its
square:

    u_i(m) = d u_i(m-1) + a_i k(m) sum_j W_ij x_j + b_i + c_i
    c_i <- clip(c_i - G g_i (r_i - rbar_i), -c_max, c_max)          a_i <- clip(a_i - G h_i (q_i - qbar_i), 1/2, 2)

1. "rate and target": g_i and rbar_i are learned, h = 0, G = 1.
2. "and gain": h_i and qbar_i too.
3. "and gate": G too, one number for the layer, sigmoid(w0 + w1 |D| + w2 M), D the mean of r_i - rbar_i over the neurons
   and M that of its absolute value: a layer whose input is unlike all that it knows could refuse to adapt.

They are trained by the gradient through streams of training images whose brightness (-.1 to .25), contrast (.5 to 1.2)
and background (0 to .4 where the image is black) change from time to time; noise and erased squares are not among
these. Beside them, on the same images: nothing, homeostasis as `with_homeostasis` has it (rate .003, bound .35), and
the running mean and variance of the hidden currents. About a quarter of an hour on one core for each run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from torch import Tensor, nn
from torch.nn import functional

from synergic._core.files import read_json, write_json
from synergic.data import damage
from synergic.learning._scan import Spike
from synergic.learning.tasks import circumstances, restore

CONDITIONS = ("clean", "gaussian:6", "crop:4", "crop:6", "crop:8", "crop:10", "crop:12")
RATE, LIMIT, TAU = 0.003, 0.35, 1000
STREAMS, LENGTH, SWITCH = 32, 40, 0.2
"""Streams at once, presentations between two steps of Adam, and how often a stream changes there."""
SIDE_BY_SIDE = 3
"""Streams into which the test images are divided."""


@dataclass
class Arguments:
    """What to measure."""

    runs: tuple[Path, ...]
    """Folders of trained runs of mode "gp", one a seed."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""
    samples: int = 3000
    """Test images of each condition."""
    updates: int = 100
    """Steps of Adam for each attempt."""
    json: Path = Path(__file__).parent / "results" / "learned_adaptation.json"
    """Record to write, or to complete."""


class Network:
    """The trained network: images and what the rule has written to potentials of the classes, and r and q."""

    def __init__(self, task: Any) -> None:
        description = task.description()
        self.hidden, self.out = description.populations
        self.k = [float(k) for k in description.k]
        self.w, self.v = (torch.tensor(np.asarray(p.weights), dtype=torch.float32) for p in description.projections)
        self.b, self.c = (torch.tensor(np.broadcast_to(p.bias, p.size).copy()).float() for p in description.populations)

    def current(self, images: Tensor) -> Tensor:
        """W x, (samples, n)."""
        return images @ self.w.T

    def present(self, fed: Tensor, bias: Tensor | float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
        """One presentation of each stream. fed, bias : (streams, n)."""
        u, v, r, q = fed * 0, fed.new_zeros(len(fed), self.out.size), fed * 0, fed * 0
        for k in self.k:
            u = self.hidden.decay * u + k * fed + self.b + bias
            rho = torch.tanh(u / self.hidden.vth)
            r, q = r + rho, q + rho * rho
            s = Spike.apply(u, self.hidden.vth)
            u = u - self.hidden.vth * s
            v = self.out.decay * v + k * (s @ self.v.T) + self.c
            last = v
            v = v - self.out.vth * (v > self.out.vth)
        return last, r / len(self.k), q / len(self.k)


class Learned(nn.Module):
    """The rule of the attempts. r, q : what they are on undamaged images, (n,)."""

    def __init__(self, r: Tensor, q: Tensor, gain: bool, gate: bool) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.full_like(r, RATE).log())
        self.target = nn.Parameter(r.clone())
        self.gain_rate = nn.Parameter(torch.full_like(q, RATE).log(), requires_grad=gain)
        self.gain_target = nn.Parameter(q.clone(), requires_grad=gain)
        self.gate = nn.Parameter(torch.tensor([4.0, 0.0, 0.0]), requires_grad=gate)
        self.gain, self.gated = gain, gate

    def start(self, streams: int) -> tuple[Tensor, ...]:
        """Bias and gain."""
        return torch.zeros(streams, len(self.rate)), torch.ones(streams, len(self.rate))

    def step(self, net: Network, fed: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Potentials of the classes, and the state that the presentation leaves."""
        bias, gain = state
        v, r, q = net.present(fed * gain, bias)
        off, share = r - self.target, torch.ones(())
        if self.gated:
            parts = torch.stack([torch.ones(len(off)), off.mean(1).abs(), off.abs().mean(1)], 1)
            share = torch.sigmoid(parts @ self.gate)[:, None]
        bias = (bias - share * self.rate.exp() * off).clamp(-LIMIT, LIMIT)
        if self.gain:
            gain = (gain - share * self.gain_rate.exp() * (q - self.gain_target)).clamp(0.5, 2)
        return v, (bias, gain)


class Statistics:
    """Running mean and variance of each hidden current, brought to those of training. mean, deviation : (n,)."""

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        self.mean, self.deviation = mean, deviation

    def start(self, streams: int) -> tuple[Tensor, ...]:
        """Mean and variance."""
        return self.mean.expand(streams, -1).clone(), (self.deviation**2).expand(streams, -1).clone()

    def step(self, net: Network, fed: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """As of Learned."""
        now, square = state
        v, _, _ = net.present((fed - now) * self.deviation / square.sqrt() + self.mean)
        return v, (now + (fed - now) / TAU, square + ((fed - now) ** 2 - square) / TAU)


class Nothing:
    """The network alone."""

    def start(self, streams: int) -> tuple[Tensor, ...]:
        """None."""
        return ()

    def step(self, net: Network, fed: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """As of Learned."""
        return net.present(fed)[0], ()


def circumstance(rng: torch.Generator) -> Callable[[Tensor], Tensor]:
    """Brightness, contrast and background of a stream."""
    brightness, contrast, background = torch.rand(3, generator=rng).tolist()
    brightness, contrast, background = 0.35 * brightness - 0.1, 0.7 * contrast + 0.5, 0.4 * background
    background *= float(torch.rand((), generator=rng) < 0.5)

    def changed(images: Tensor) -> Tensor:
        return (contrast * torch.where(images < 0.05, background, images) + brightness).clamp(0, 1)

    return changed


def train(net: Network, rule: Learned, images: Tensor, labels: Tensor, updates: int, seed: int) -> float:
    """Adam on streams; returns the mean loss of the last tenth."""
    rng = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam([p for p in rule.parameters() if p.requires_grad], lr=0.02)
    changes, state, losses = [circumstance(rng) for _ in range(STREAMS)], rule.start(STREAMS), []
    for _ in range(updates):
        for i in range(STREAMS):
            if torch.rand((), generator=rng) < SWITCH:
                changes[i] = circumstance(rng)
        chosen = torch.randint(len(images), (STREAMS, LENGTH), generator=rng)
        seen = torch.stack([change(images[some]) for change, some in zip(changes, chosen, strict=True)])
        fed, loss, state = net.current(seen), torch.zeros(()), tuple(s.detach() for s in state)
        for m in range(LENGTH):
            v, state = rule.step(net, fed[:, m], state)
            loss = loss + functional.cross_entropy(v / net.out.vth, labels[chosen[:, m]]) / LENGTH
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses[-max(1, updates // 10) :]))


@torch.no_grad()
def accuracy(net: Network, adaptation: Any, images: Tensor, labels: Tensor) -> float:
    """Of a stream of images, in some streams beside each other."""
    length = len(images) // SIDE_BY_SIDE
    fed = net.current(images[: length * SIDE_BY_SIDE]).reshape(SIDE_BY_SIDE, length, -1)
    truth, state, right = (
        labels[: length * SIDE_BY_SIDE].reshape(SIDE_BY_SIDE, length),
        adaptation.start(SIDE_BY_SIDE),
        0,
    )
    for m in range(length):
        v, state = adaptation.step(net, fed[:, m], state)
        right += int((v.argmax(1) == truth[:, m]).sum())
    return right / truth.numel()


def main() -> None:
    """Train the attempts, and measure all."""
    given = tyro.cli(Arguments, description=__doc__)
    record = read_json(given.json) if given.json.exists() else {"samples": given.samples, "accuracy": {}, "loss": {}}
    for folder in given.runs:
        began, task = time.monotonic(), restore(folder, given.data)
        net, data = Network(task), task.samples[:50_000].float()  # type: ignore[attr-defined]
        labels = task.labels[:50_000]  # type: ignore[attr-defined]
        with torch.no_grad():
            fed = net.current(data[:2000])
            _, r, q = net.present(fed)
        r, q = r.mean(0), q.mean(0)
        adaptations: dict[str, Any] = {
            "nothing": Nothing(),
            "homeostasis": Learned(r, q, False, False),
            "running mean and variance": Statistics(fed.mean(0), fed.std(0)),
        }
        attempts = (("rate and target", False, False), ("and gain", True, False), ("and gate", True, True))
        for name, gain, gate in attempts:
            rule = adaptations[name] = Learned(r, q, gain, gate)
            loss = train(net, rule, data, labels, given.updates, task.config.seed)
            record["loss"].setdefault(name, {})[folder.name] = loss
            print(f"{time.monotonic() - began:4.0f} s  {folder.name}  {name}: loss {loss:.3f}", flush=True)
        for condition in CONDITIONS:
            kind, _, level = condition.partition(":")
            images = task.test[: given.samples]  # type: ignore[attr-defined]
            seen = images if kind == "clean" else damage(images, kind, int(level))
            rows = torch.as_tensor(np.asarray(seen, np.float32)).reshape(given.samples, -1)
            truth = task.test_labels[: given.samples]  # type: ignore[attr-defined]
            for name, adaptation in adaptations.items():
                found = accuracy(net, adaptation, rows, truth)
                record["accuracy"].setdefault(name, {}).setdefault(condition, {})[folder.name] = found
                so_far = f"{time.monotonic() - began:4.0f} s  {folder.name}"
                print(f"{so_far}  {condition}  {name}: {100 * found:.1f} %", flush=True)
        write_json(given.json, {**record, **circumstances()})


if __name__ == "__main__":
    main()
