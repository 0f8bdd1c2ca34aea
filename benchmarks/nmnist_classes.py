# SPDX-License-Identifier: BSD-3-Clause
"""N-MNIST, new digits one after another: learned by the local rule from events, in a Lava script, on the chip.

    uv run python benchmarks/nmnist_classes.py --json nmnist_classes.json

Features are trained on recordings of the digits 0 to 6 alone: 512 value neurons that see six windows of 51.5 ms, each
by a delay of its own, under a classifier that is then thrown away. The read-out is that of class-incremental learning
(synergic.learning.tasks._class_incremental), over x = (f, 1 - f) and 64 neurons that always send 1: their eta is
negative, so that the rule learns by how much a recording is more alike than two recordings are in the mean. Nothing of
the rule is trained. The old digits are learned by the rule too, from ten recordings of each, then 7, 8 and 9 from 1, 5
or 10. A label is shown in the last step. Thirty other recordings of each digit are asked. Settings were looked at on
these recordings for seed 0: the figures are a demonstration, and no fair test.

For the first seed a Lava script runs the whole course on the model of the chip: EventSource, HybridDense with delays,
HybridNeuron, a plastic HybridDense, HybridLIF. Its answers must be those of the integers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from torch.nn import functional

import synergic as sy  # before Lava, which Python 3.11 and later import only then

# isort: split
from lava.proc.io.source import RingBuffer

from synergic._core.files import write_json
from synergic.data import SENSOR, load_recordings
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.learning.tasks import circumstances
from synergic.learning.tasks._class_incremental import REST, representable
from synergic.learning.tasks._class_incremental_net import Clip
from synergic.numerics._event_bins import bin_events, pooled, spread
from synergic.processes import EventSource, HybridDense, HybridLIF, HybridNeuron, running
from synergic.processes._run import run_steps
from synergic.reference import stream

STEPS, DURATION, POOL = 6, 51_500, 2
CHANNELS = int(np.prod(pooled(SENSOR, POOL, False)))
FEATURES, CONSTANT, COPIES, P_MAX = 512, 64, 3, 16.0
OLD, NEW, SHOTS, OLD_SHOTS, SET_ASIDE = range(7), (7, 8, 9), (1, 5, 10), 10, 20
UPDATES, BATCH, ETA, STEEP, ANSWER = 400, 128, 0.05, 0.2, 0.5
"""STEEP: potential, in thresholds, of a recording that is more alike by one deviation, after one lesson of weight 1."""


@dataclass
class Arguments:
    """What to measure."""

    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of training, and of which recordings are shown."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA."""
    json: Path = Path(__file__).parent / "results" / "nmnist_classes.json"
    """Record to write."""


class Data:
    """Recordings, their windows (recordings, steps, channels), and which of a digit are shown and asked."""

    def __init__(self, folder: Path | None) -> None:
        found = load_recordings(folder)
        self.recordings = [*found.train, *found.test]
        self.labels = np.concatenate([found.train_labels, found.test_labels])
        self.windows = np.stack([
            spread(bin_events(e, SENSOR, STEPS, DURATION, e["t"][0], POOL)[0], STEPS, CHANNELS) for e in self.recordings
        ])  # fmt: skip
        trained = len(found.train)
        of = [np.flatnonzero(self.labels == digit) for digit in range(10)]
        self.shown = [rows[rows < trained][:-SET_ASIDE] for rows in of]
        self.asked = [np.r_[rows[rows < trained][-SET_ASIDE:], rows[rows >= trained]] for rows in of]


def train(data: Data, seed: int) -> tuple[Any, Any]:
    """Weights (features, windows, channels) and biases of the features."""
    torch.manual_seed(seed)
    rows = np.concatenate([data.shown[digit] for digit in OLD])
    windows = torch.tensor(data.windows).float()
    first, mean = torch.nn.Linear(STEPS * CHANNELS, FEATURES), windows[rows].mean(0).flatten()
    torch.nn.init.normal_(first.weight, 0, 0.03)
    torch.nn.init.constant_(first.bias, 0.5)
    head = torch.nn.Linear(FEATURES, len(OLD))
    optimizer = torch.optim.Adam([*first.parameters(), *head.parameters()], lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, UPDATES)
    for _ in range(UPDATES):
        some = torch.tensor(rows)[torch.randint(len(rows), (BATCH,))]
        pixels = windows[some].reshape(BATCH, STEPS, *pooled(SENSOR, POOL, False))
        moved = torch.roll(pixels, tuple(torch.randint(-1, 2, (2,)).tolist()), (-2, -1)).flatten(1)
        f = Clip.apply(first(functional.dropout(moved) - mean))
        loss = functional.cross_entropy(head(functional.dropout(f - 0.5, 0.3)), torch.tensor(data.labels)[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        bias = first.bias - first.weight @ mean
    return first.weight.detach().double().numpy().reshape(FEATURES, STEPS, CHANNELS), bias.double().numpy()


def described(data: Data, weights: Any, bias: Any) -> sy.Network:
    """The network that has learned no digit yet. Its source has the events, then the channels of the labels."""
    rows = np.concatenate([data.shown[digit] for digit in OLD])
    f = np.clip(np.einsum("nwc,rwc->rn", weights, data.windows[rows]) + bias, 0, 1)
    alike = ((2 * f - 1) @ (2 * f - 1).T / FEATURES)[~np.eye(len(rows), dtype=bool)]
    relays = 10 * COPIES  # neurons that pass the label on, as a value like all others
    teacher = np.zeros((10, 2 * FEATURES + CONSTANT + relays))
    teacher[np.arange(10).repeat(COPIES), np.arange(-relays, 0)] = -(REST + ANSWER) / COPIES
    # Of 2 f - 1 the product is twice that of (f, 1 - f), less the number of features.
    wanted = STEEP / alike.std() * 2 / (FEATURES * ETA)
    alpha, scale = representable(wanted, -float(teacher.min()), P_MAX, teacher.shape[1])
    eta = np.full(teacher.shape[1], ETA / scale)
    eta[2 * FEATURES :] *= -FEATURES * (1 + alike.mean()) / 2 / CONSTANT
    eta[-relays:] = 0
    biases = np.r_[bias, 1 - bias, np.ones(CONSTANT), np.zeros(relays)]
    hidden = sy.Population("hidden", len(biases), 1.0, 0.0, bias=biases, neuron=sy.ReLU())
    projections = []
    for m, w in enumerate(weights.transpose(1, 0, 2)):
        seen = np.zeros((len(biases), CHANNELS + relays))
        seen[:FEATURES, :CHANNELS], seen[FEATURES : 2 * FEATURES, :CHANNELS] = w, -w
        projections.append(sy.Projection(f"window{m + 1}_hidden", "input", "hidden", seen, delay=STEPS - 1 - m))
    label = np.zeros((len(biases), CHANNELS + relays))
    label[-relays:, CHANNELS:] = np.eye(relays)
    rule = sy.Hebbian(eta=eta, beta=-1.0, lambda_=1.0, sign=-1, p_max=P_MAX)
    projections += [
        sy.Projection("label_hidden", "input", "hidden", label),
        sy.Projection("hidden_output", "hidden", "output", teacher, rule, alpha, plasticity_scope="stream", memory=1),
    ]
    output = sy.Population("output", 10, 1.0, 0.0, bias=REST)
    source = sy.Source("input", CHANNELS + relays)
    return sy.Network(source, (hidden, output), tuple(projections), "output", STEPS)


def labelled(digit: int | None) -> np.ndarray:
    """What the channels of the labels send, (steps, channels)."""
    out = np.zeros((STEPS, 10 * COPIES), np.int64)
    if digit is not None:
        out[-1, digit * COPIES : (digit + 1) * COPIES] = 1
    return out


def presentations(data: Data, rows: Any, labels: Any) -> Any:
    """Recordings as the network takes them."""
    return [np.hstack([data.windows[row], labelled(label)]) for row, label in zip(rows, labels, strict=True)]


def lessons(data: Data, digits: Any, shots: int, seed: int) -> tuple[list[int], list[int]]:
    """Recordings that are shown, one digit after another, and their labels."""
    rows = [np.random.default_rng([seed, d]).permutation(data.shown[d])[:shots] for d in digits]
    return [int(r) for some in rows for r in some], [d for d in digits for _ in range(shots)]


def course(data: Data, network: Any, seed: int) -> dict[str, Any]:
    """Accuracy before and after the new digits, by the number of their recordings."""
    questions = [int(row) for rows in data.asked for row in rows]
    truth, asked = data.labels[questions], presentations(data, questions, [None] * len(questions))
    _, before = stream(network, presentations(data, *lessons(data, OLD, OLD_SHOTS, seed)))
    old = np.isin(truth, OLD)
    answers, _ = stream(before, [given for given, of in zip(asked, old, strict=True) if of])
    found: dict[str, Any] = {"old digits before": float((answers == truth[old]).mean()), "after": {}}
    for shots in SHOTS:
        _, after = stream(before, presentations(data, *lessons(data, NEW, shots, seed)))
        answers, _ = stream(after, asked)
        right = answers == truth
        found["after"][str(shots)] = {
            "all": float(right.mean()), "old": float(right[old].mean()), "new": float(right[~old].mean()),
        }  # fmt: skip
    return found


def on_chip(data: Data, network: Any, seed: int) -> dict[str, Any]:
    """The whole course with ten recordings of the new digits, in Lava, on the chip: lessons, then questions."""
    rows, labels = lessons(data, (*OLD, *NEW), OLD_SHOTS, seed)
    questions = [int(row) for of in data.asked for row in of]
    shown: list[Any] = [*zip(rows, labels, strict=True), *((row, None) for row in questions)]
    source = EventSource(
        recordings=[(data.recordings[row], data.labels[row]) for row, _ in shown], sensor=SENSOR, period=STEPS,
        duration=DURATION, pool=POOL, presentations=len(shown),
    )  # fmt: skip
    teacher = RingBuffer(data=np.concatenate([labelled(label) for _, label in shown]).T)
    clock = {"period": STEPS, "presentations": len(shown)}
    onsets, record = network.onsets, len(shown) * STEPS + network.depth
    hidden, output = (network.population(name) for name in ("hidden", "output"))
    neurons = HybridNeuron.from_description(hidden, onset=onsets["hidden"], **clock)
    answer = HybridLIF.from_description(output, onset=onsets["output"], record=record, **clock)
    for q in network.projections:
        first, label = q.target == "hidden", q.name == "label_hidden"
        part = slice(CHANNELS, None) if label else slice(0, CHANNELS) if first else slice(None)
        dense = HybridDense.from_description(
            replace(q, weights=np.ascontiguousarray(q.weights[:, part])), network.population(q.target),
            network.k_of(q), onset=onsets[q.target], lag=network.lag(q), **clock,
        )  # fmt: skip
        sender, receiver = teacher if label else source if first else neurons, neurons if first else answer
        sender.s_out.connect(dense.s_in)
        dense.a_out.connect(receiver.a_in)
        if q.plastic:
            receiver.u_out.connect(dense.u_in)
    cfg, began = ChipSimCfg(), time.perf_counter()
    with running(answer):
        run_steps(answer, record, cfg, False, 200)
        u = answer.u_record.get()[onsets["output"] :][: len(shown) * STEPS].reshape(len(shown), STEPS, -1)
        report, costs, mapping = source.report(), cfg.costs(), cfg.mapping
    answers = u[len(rows) :, -1].argmax(1)
    want, _ = stream(network, presentations(data, [r for r, _ in shown], [label for _, label in shown]))
    assert mapping is not None
    return {
        "accuracy": float((answers == data.labels[questions]).mean()),
        "answers_of_the_integers": bool((answers == want[len(rows) :]).all()),
        "cores": mapping.cores, "presentations": len(shown), "seconds": time.perf_counter() - began,
        "energy_uJ": 1e6 * costs.energy_j / len(shown), "latency_ms": 1e3 * costs.latency_s / len(shown),
        "events": report,
    }  # fmt: skip


def main() -> None:
    """Train, learn, ask, and write the record."""
    given = tyro.cli(Arguments, description=__doc__)
    data, record = Data(given.data), {"old_shots": OLD_SHOTS, "questions_a_digit": SET_ASIDE + 10, "runs": {}}
    for seed in given.seeds:
        network = described(data, *train(data, seed))
        integers = sy.quantise(network)
        found = {"floating": course(data, network, seed), "integers": course(data, integers, seed)}
        if seed == given.seeds[0]:
            found["chip"] = on_chip(data, integers, seed)
        record["runs"][str(seed)] = found
        print(seed, found, flush=True)
        write_json(given.json, {**record, **circumstances()})


if __name__ == "__main__":
    main()
