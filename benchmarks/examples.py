# SPDX-License-Identifier: BSD-3-Clause
"""Makes the example networks that ship with synergic: trains them and writes src/synergic/examples/.

    uv run python benchmarks/examples.py
    uv run python benchmarks/examples.py digits-conv digits-recurrent

Two minutes on two cores for the digits, and on one core two for "omniglot-few-shot" and three for "nmnist-hp".
"omniglot-classes" takes the run in runs/omniglot-classes-0, or trains it first (`synergic train omniglot-classes
--run-folder runs/omniglot-classes-0`, 20 minutes on one core). SYNERGIC_DATA names the folder of the data.

Every example is `<name>.h5` (the network in floating point), `<name>.npz` (test samples) and `<name>.json` (the record
of its training).
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import synergic as sy
from synergic._core.files import write_json, write_whole
from synergic.cli._demo import BATCH, SIZES, STEPS
from synergic.data import digits
from synergic.experiments import EXPERIMENTS, RECORD, Events, FewShot
from synergic.learning import ConvHybridNet, HybridNet, evaluate, to_description, train
from synergic.learning.tasks import (
    ClassIncrementalTask,
    EventsTask,
    FewShotTask,
    circumstances,
    open_task,
    restore,
    run,
)
from synergic.network import save
from synergic.numerics.fixed import ACCUMULATOR_SHIFT

FOLDER = Path(__file__).parents[1] / "src" / "synergic" / "examples"
SEED, EPOCHS = 0, 40
VTH, DECAY, LARGER = 0.35, 0.9, 64
"""Of the recurrent network: threshold, decay, samples of a batch."""


def digits_hp() -> tuple[sy.Network, Any, Any, float]:
    """A 64-300-10 network with hybrid plasticity on scikit-learn's 8x8 digits, as `synergic demo` trains it."""
    spikes, labels, test, test_labels = digits(STEPS, SEED)
    torch.manual_seed(SEED)
    net = HybridNet(SIZES, mode="hp", steps=STEPS)
    train(net, torch.tensor(spikes).float(), torch.tensor(labels), epochs=EPOCHS, batch=BATCH, seed=SEED)
    accuracy = evaluate(net, torch.tensor(test).float(), torch.tensor(test_labels))
    return to_description(net), test, test_labels, accuracy


def digits_conv() -> tuple[sy.Network, Any, Any, float]:
    """A convolution of 8 channels, then plastic layers of 64 and 10 neurons, on scikit-learn's 8x8 digits as spikes."""
    spikes, labels, test, test_labels = digits(STEPS, SEED)
    torch.manual_seed(SEED)
    net = ConvHybridNet((1, 8, 8), (8,), (64, 10), (2,), mode="hp", steps=STEPS)
    train(net, torch.tensor(spikes).float(), torch.tensor(labels), epochs=EPOCHS, batch=BATCH, seed=SEED)
    accuracy = evaluate(net, torch.tensor(test).float(), torch.tensor(test_labels))
    return to_description(net), test, test_labels, accuracy


class Surrogate(torch.autograd.Function):
    """A spike where the potential is at the threshold or above, with the gradient of a wide, bounded curve."""

    @staticmethod
    def forward(ctx: Any, u: torch.Tensor) -> torch.Tensor:
        """Return 0 or 1."""
        ctx.save_for_backward(u)
        return (u >= VTH).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        """Return the gradient of the potential."""
        (u,) = ctx.saved_tensors
        return grads[0] / VTH / (1 + 2 * (u / VTH - 1).abs()) ** 2


class Recurrent(torch.nn.Module):
    """Input, hidden neurons that get each other's spikes a step later, output; as `synergic.simulate` computes them."""

    def __init__(self, n_in: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.first, self.back = torch.nn.Linear(n_in, hidden), torch.nn.Linear(hidden, hidden, bias=False)
        self.last = torch.nn.Linear(hidden, classes)

    def forward(self, spikes: torch.Tensor) -> torch.Tensor:
        """Return the potential of the output after the last step, (batch, classes)."""
        u = v = torch.zeros(len(spikes), self.first.out_features)
        s = torch.zeros_like(u)
        u_out = v_out = torch.zeros(len(spikes), self.last.out_features)
        for x in spikes.unbind(1):
            u = DECAY * v + self.first(x) + self.back(s)
            s = Surrogate.apply(u)
            v = u - VTH * s
            u_out = DECAY * v_out + self.last(s)
            v_out = u_out - VTH * Surrogate.apply(u_out)
        return u_out

    def description(self, steps: int) -> sy.Network:
        """Return the network for the executors."""
        w = {name: p.detach().numpy().astype(float) for name, p in self.named_parameters()}
        hidden, classes = self.first.out_features, self.last.out_features
        return sy.Network(
            sy.Source("input", self.first.in_features),
            (
                sy.Population("hidden", hidden, VTH, DECAY, "subtract", w["first.bias"]),
                sy.Population("output", classes, VTH, DECAY, "subtract", w["last.bias"]),
            ),
            (
                sy.Projection("input-hidden", "input", "hidden", w["first.weight"]),
                sy.Projection("hidden-hidden", "hidden", "hidden", w["back.weight"]),
                sy.Projection("hidden-output", "hidden", "output", w["last.weight"]),
            ),
            "output",
            steps,
            tau_w=float("inf"),
        )


def digits_recurrent() -> tuple[sy.Network, Any, Any, float]:
    """A 64-100-10 network, recurrent in its hidden layer, on scikit-learn's 8x8 digits as spikes."""
    spikes, labels, test, test_labels = digits(STEPS, SEED)
    torch.manual_seed(SEED)
    net = Recurrent(64, 100, 10)
    torch.nn.init.orthogonal_(net.back.weight, 0.5)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    x, y = torch.tensor(spikes).float(), torch.nn.functional.one_hot(torch.tensor(labels)).float()
    batches = -(-len(x) // LARGER)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * batches)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(x)).split(LARGER):
            loss = torch.nn.functional.mse_loss(net(x[chosen]) / VTH, y[chosen])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        right = net(torch.tensor(test).float()).argmax(1).numpy() == test_labels
    return net.description(test.shape[1]), test, test_labels, float(right.mean())


LEARNED, NEW = 25, 5
"""Characters that the shipped network has learned, and further ones with which it may go on."""
RUN = Path("runs") / "omniglot-classes-0"


def omniglot_classes() -> tuple[sy.Network, Any, Any, float]:
    """Four convolutions and a read-out that has learned 25 characters of Omniglot by the local rule, of room for 30."""
    config: Any = EXPERIMENTS["omniglot-classes"][1]
    if not (RUN / RECORD).exists():
        run(open_task(config), RUN)
    trained: Any = restore(RUN)
    task = ClassIncrementalTask(replace(trained.config, classes=LEARNED + NEW))
    task.net.load_state_dict(trained.net.state_dict())
    network, course = task.description(), task.course(config.shots)
    assert network is not None
    last = network.projections[-1]
    unit = sy.quantise(network).projections[-1].rule.scale
    local = np.rint(last.local_weights * unit) / unit  # few values make a small file
    local[LEARNED:] = 0
    network = replace(network, projections=(*network.projections[:-1], replace(last, local_weights=local)))
    drawn, rows = task.ink[task.test], torch.arange(LEARNED)
    test = task.presented(drawn[rows[:, None], course.asked[:LEARNED]].flatten(0, 1))
    labels = rows.repeat_interleave(course.asked.shape[1]).numpy()
    FURTHER["omniglot-classes"] = {
        "new_inputs": task.presented(drawn[LEARNED:].flatten(0, 1)),
        "new_labels": np.repeat(np.arange(LEARNED, LEARNED + NEW), drawn.shape[1]).astype(np.uint8),
    }
    RECORDED["omniglot-classes"] = {"label_channels": task.label_channels().tolist(), "shots": config.shots}
    in_torch = float((sy.simulate(network, test / 255).classes(network) == labels).mean())
    return network, test, labels, in_torch


NMNIST = Events(hidden=128, epochs=20, dropout=0.25, seed=SEED)
FEW_SHOT = FewShot(channels=32, epochs=20, test_episodes=40, seed=SEED)


def trained(task: Any) -> Any:
    """Return a task after all its epochs."""
    for number in range(task.config.epochs):
        task.epoch()
        print(f"epoch {number + 1} of {task.config.epochs}: loss {task.history[-1]['loss']:.4f}", flush=True)
    return task


def on_the_grid(network: sy.Network) -> sy.Network:
    """Return a network with the slow weights that `quantise` takes: the same integers, in a tenth of the file."""
    integers = sy.quantise(network)
    scales = [integers.population(q.target).scale / 2**ACCUMULATOR_SHIFT for q in network.projections]
    found = zip(network.projections, integers.projections, scales, strict=True)
    rounded = [replace(q, weights=i.weights / scale) for q, i, scale in found]
    return replace(network, projections=tuple(rounded))


def nmnist_hp() -> tuple[sy.Network, Any, Any, float]:
    """A 2312-128-10 network with hybrid plasticity on a part of N-MNIST: 1,000 recordings to train, 100 to test."""
    task = trained(EventsTask(NMNIST))
    network, (test, labels) = task.description(), task.test_inputs(len(task.test))
    RECORDED["nmnist-hp"] = {"epochs": NMNIST.epochs, "trained_on": len(task.samples)}
    return on_the_grid(network), test, labels, task.accuracy(torch.from_numpy(test), torch.from_numpy(labels))


def omniglot_few_shot() -> tuple[sy.Network, Any, Any, float]:
    """A read-out that learns 5 characters of Omniglot from one drawing each as it runs; the host has the features."""
    task = trained(FewShotTask(FEW_SHOT))
    network, (test, labels) = task.description(), task.test_inputs(FEW_SHOT.ways * FEW_SHOT.test_episodes)
    assert network is not None
    figures = task.figures()
    RECORDED["omniglot-few-shot"] = {
        "epochs": FEW_SHOT.epochs,
        "steps_an_epoch": FEW_SHOT.steps_an_epoch,
        "standard_error": figures["standard_error"],
        "evaluated_on": task.evaluated_on,
    }
    return network, test, labels, figures["accuracy"]


FURTHER: dict[str, dict[str, Any]] = {}
RECORDED: dict[str, dict[str, Any]] = {}
"""By example: further arrays, and further entries of the record."""
EXAMPLES: dict[str, Callable[[], tuple[sy.Network, Any, Any, float]]] = {
    "digits-hp": digits_hp,
    "digits-conv": digits_conv,
    "digits-recurrent": digits_recurrent,
    "omniglot-classes": omniglot_classes,
    "nmnist-hp": nmnist_hp,
    "omniglot-few-shot": omniglot_few_shot,
}
DIGITS = "scikit-learn's 8x8 digits, CC BY 4.0, Alpaydin and Kaynak 1998; a stratified fifth is for test"
OMNIGLOT = "Omniglot, MIT licence, Lake et al. 2015: evaluation characters; features trained on background characters"

NMNIST_IS = "part of N-MNIST, CC BY-SA 4.0, Orchard et al. 2015; the frames of events in the .npz have this licence too"
FEW_IS = "Omniglot, MIT licence, Lake et al. 2015: test on 100 characters that are drawn from all; trained on others"
DATA = {"nmnist-hp": NMNIST_IS, "omniglot-classes": OMNIGLOT, "omniglot-few-shot": FEW_IS}
"""By example: data and licence. The others are digits."""


def write(name: str, folder: Path) -> None:
    """Train an example and write its files."""
    network, test, test_labels, in_torch = EXAMPLES[name]()
    integers, values = sy.quantise(network), network.source.num_message_bits > 0
    floats = test / 255 if values else test
    accuracy = {
        "torch": in_torch,
        "floating_point": float((sy.simulate(network, floats).classes(network) == test_labels).mean()),
        "integers": float((sy.simulate(integers, test).classes(integers) == test_labels).mean()),
    }
    save(network, folder / f"{name}.h5")
    packed = {
        "inputs": test if values else np.packbits(test.astype(np.uint8), axis=-1),
        "channels": np.array(test.shape[-1]),
        "labels": test_labels.astype(np.uint8),
        **FURTHER.get(name, {}),
    }
    write_whole(folder / f"{name}.npz", lambda draft: np.savez_compressed(draft, **packed))
    record = {
        "what": EXAMPLES[name].__doc__,
        "command": f"python benchmarks/examples.py {name}",
        "data": DATA.get(name, DIGITS),
        "seed": SEED,
        "epochs": EPOCHS,
        **RECORDED.get(name, {}),
        "accuracy": accuracy,
        "samples": len(test_labels),
        **circumstances(),
    }
    write_json(folder / f"{name}.json", record)
    print(name, accuracy)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write, default src/synergic/examples")
    parser.add_argument("names", nargs="*", default=[*EXAMPLES], metavar="NAME", help=f"some of {', '.join(EXAMPLES)}")
    given = parser.parse_args()
    for one in given.names:
        write(one, given.folder)
