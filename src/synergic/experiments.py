# SPDX-License-Identifier: BSD-3-Clause
"""Settings of experiments: a dataclass a family, and a shipped instance for every published figure.

Source: Wu et al. 2022. Settings are the paper's but for the decay of the weights, the rate and decay of theta
for HP, the start of theta for LP, and in the few-shot family d, lambda and the convolutions, chosen on training data
held back (`validation`), never on test data. What a setting may be is in synergic._core.settings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from synergic._core.settings import Settings

CHECKPOINT, CONFIG, NETWORK, RECORD = "checkpoint.pt", "config.json", "network.h5", "record.json"
"""Files in the folder of a run: state after the last whole epoch, settings, trained network, figures."""


@dataclass(frozen=True)
class Supervised(Settings):
    """What labelled samples have in common, images or recordings, into a fully connected network of plastic layers."""

    mode: Literal["gp", "lp", "hp"] = "hp"
    """Global, local or hybrid plasticity."""
    hidden: int = 512
    """Neurons of the hidden layer."""
    steps: int = 10
    """T, steps of a presentation."""
    vth: float = 0.35
    """Threshold."""
    decay: float = 0.4
    """d, share of the membrane kept over a step."""
    tau_w: float = 40.0
    """Time constant of the slow weights' decay, in steps."""
    lambda_: float = 0.95
    """Share of P kept over a step."""
    p_max: float = 4.0
    """Bound of P."""
    readout: Literal["rank", "rate"] = "rank"
    """Whether u(T) or the spike count of the outputs is trained and read."""
    dropout: float = 0.0
    """Share of the hidden neurons left out for a presentation, in training only."""
    epochs: int = 30
    """Passes over the training samples."""
    batch: int = 100
    """Samples a step."""
    lr: float = 1e-3
    """Adam's rate for W and b, falling to 0 by a cosine."""
    lr_theta: float = 5e-4
    """Adam's rate for alpha, eta and beta, likewise."""
    theta_decay: float = 0.0
    """Decoupled decay of alpha, eta and beta a step, times the rate."""
    theta_every: int = 0
    """0: theta learns with W in every step. n: after n batches for W the next one is for theta alone, whose gradient
    goes through a step of W on the batch before (learning.meta)."""
    look_ahead: float = 1e-3
    """xi, the rate of that step of W."""
    second_order: Literal["difference", "none"] = "difference"
    """How the gradient through that step is found: by a finite difference, or left out."""
    weight_decay: float = 0.3
    """Decoupled decay of W and b a step, times the rate."""
    validation: int = 0
    """Hold back the last so many training samples, and evaluate on them instead of the test set."""
    seed: int = 0
    """Of weights and order."""


@dataclass(frozen=True)
class Classification(Supervised):
    """Images into a fully connected network of plastic layers; the real pixel values enter at every step."""

    dataset: Literal["mnist", "fashion-mnist", "cifar-10"] = "fashion-mnist"
    """Training and test set, official split."""
    trace: Literal["per_sample", "frozen", "shared"] = "per_sample"
    """Where P lives; "shared" is the authors' protocol, in which predictions depend on the batch."""
    sign: Literal[1, -1] = 1
    """Hebbian or anti-Hebbian."""
    rho: Literal["tanh", "identity", "softmax"] = "tanh"
    """Of the potential, in the local rule."""
    reset: Literal["subtract", "zero"] = "subtract"
    """Of the membrane, after a spike."""
    balanced: bool = False
    """Whether a local rule keeps the sum of each hidden neuron's slow weights at zero (numerics.floating.balanced)."""
    alpha_start: float = 0.01
    """alpha starts uniform between 0 and this."""
    eta_start: float = 0.01
    """eta starts uniform between 0 and this."""
    train_samples: int | None = None
    """Use only the first so many training images."""

    @property
    def name(self) -> str:
        """Of the folder that a run goes to."""
        trace = "" if self.trace == "per_sample" else f"-{self.trace}"
        return f"{self.dataset}-{self.mode}{trace}{'-balanced' if self.balanced else ''}-{self.seed}"


@dataclass(frozen=True)
class Convolution(Classification):
    """Images into spiking convolutions, then plastic dense layers."""

    channels: tuple[int, ...] = (128, 256, 256)
    """Of the convolutions, 3 x 3."""
    pools: tuple[int, ...] = ()
    """Side of the squares whose spikes are averaged after each convolution; empty: 2 after each."""
    dense: tuple[int, ...] = ()
    """Neurons of plastic layers between the convolutions and the hidden layer."""

    @property
    def name(self) -> str:
        """Of the folder that a run goes to."""
        return super().name.replace(self.dataset, f"{self.dataset}-conv", 1)


@dataclass(frozen=True)
class Continual(Settings):
    """Shuffled MNIST: each task is a fixed permutation of the pixels, all tasks share the network and its outputs."""

    mode: Literal["gp", "hp", "ewc"] = "hp"
    """Global or hybrid plasticity, each task on its own sparse mask; or elastic weight consolidation of all weights."""
    tasks: int = 50
    """Permutations, learned one after the other."""
    epochs_a_task: int = 1
    """Passes over the training images of a task; the paper's 10 are shortened to this for all modes."""
    theta_tasks: int = 35
    """After each of the first so many tasks, one pass over images of the tasks so far changes alpha, eta and beta."""
    density: float = 0.03
    """Share of the slow weights that a task uses."""
    hidden: int = 1024
    """Neurons of each of the two hidden layers."""
    steps: int = 3
    """T, steps of a presentation."""
    vth: float = 0.5
    """Threshold."""
    decay: float = 0.8
    """d, share of the membrane kept over a step."""
    tau_w: float = 40.0
    """Time constant of the slow weights' decay, in steps."""
    lambda_: float = 0.8
    """Share of P kept over a step."""
    p_max: float = 4.0
    """Bound of P."""
    gain: float = 0.7
    """Of the initial slow weights: uniform within gain over the root of the inputs that a neuron hears."""
    batch: int = 100
    """Images a step."""
    lr: float = 5e-4
    """Adam's rate for W, anew for each task."""
    lr_theta: float = 5e-5
    """Adam's rate for alpha, eta and beta."""
    ewc: float = 1e5
    """Strength of elastic weight consolidation, for mode "ewc" alone."""
    fisher_samples: int = 200
    """Images whose squared gradients say how much a weight matters, for mode "ewc" alone."""
    train_samples: int | None = None
    """Use only the first so many training images."""
    validation: int = 0
    """Hold back the last so many training images, and evaluate on them instead of the test set."""
    matrix_samples: int = 1000
    """Images of each task that the matrix of accuracies is measured with; the final accuracies take all."""
    seed: int = 0
    """Of weights, permutations, masks and order."""

    @property
    def epochs(self) -> int:
        """Units of work of a run."""
        return self.tasks

    @property
    def name(self) -> str:
        """Of the folder that a run goes to."""
        return f"continual-{self.mode}-{self.seed}"


@dataclass(frozen=True)
class Events(Supervised):
    """N-MNIST, all of it or a part: frames of events, one a step, as spikes into a fully connected network."""

    dropout: float = 0.5
    """Share of the hidden neurons left out for a presentation, in training only."""
    batch: int = 20
    """Recordings a step."""
    lr: float = 5e-4
    """Adam's rate for W and b, falling to 0 by a cosine."""

    @property
    def name(self) -> str:
        """Of the folder that a run goes to."""
        return f"nmnist-{self.mode}-{self.seed}"


@dataclass(frozen=True)
class FewShot(Settings):
    """Omniglot: new characters from few drawings."""

    ways: int = 5
    """Characters of an episode."""
    shots: int = 1
    """Drawings of each character that are shown with their label."""
    split: Literal["published", "official"] = "published"
    """Test characters: the last 100 of a random order of all, or the official evaluation set."""
    convolutions: Literal["strided", "pooled"] = "pooled"
    """The paper's four, or four with the largest of 2 x 2 places kept after each of the first three."""
    channels: int = 96
    """Of each of the four convolutions; the paper's have 128."""
    decay: float = 0.0
    """d, share of the membrane kept over a step. The paper's 0.2 lets the last drawing shown bias the answer."""
    lambda_: float = 1.0
    """Share of P kept over a step. With the paper's 0.99 drawings shown first count for less than the last."""
    p_max: float = 4.0
    """Bound of P."""
    epochs: int = 70
    """Units of `steps_an_epoch` steps."""
    steps_an_epoch: int = 100
    """Steps between two checkpoints."""
    batch: int = 8
    """Episodes' worth of characters a step."""
    queries: int = 3
    """Queries of each character of a training episode."""
    regroupings: int = 12
    """How often the characters of a step come together anew, into episodes of the same pictures."""
    mirrored: bool = True
    """Whether mirror images of characters are further ones to train on, as their quarter turns always are."""
    distortion: float = 0.12
    """Of each training picture: by how much the entries of its affine map may differ from the identity's."""
    lr: float = 1e-3
    """Adam's rate for convolutions, W and b, falling to 0 by a cosine."""
    lr_theta: float = 1e-4
    """Adam's rate for alpha, eta and beta, likewise."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    """Of the convolutions, in training only; twice as fast where the processor has bfloat16."""
    held_characters: int = 0
    """Training characters set aside for validation."""
    validation: bool = False
    """Evaluate on those instead of the test characters."""
    test_episodes: int = 1000
    """Episodes of the evaluation, each with a query for each character."""
    seed: int = 0
    """Of the order of the characters, the weights and the training episodes."""

    @property
    def name(self) -> str:
        """Of the folder that a run goes to."""
        return f"omniglot-{self.ways}way-{self.shots}shot-{self.split}-{self.seed}"


GP = Classification(mode="gp")
LP = Classification(mode="lp", alpha_start=0.1, eta_start=0.05)
HP = Classification(mode="hp", lr_theta=1e-4, theta_decay=5.0)
MNIST_CONV = Convolution(
    dataset="mnist",
    vth=0.3,
    decay=0.6,
    p_max=2.0,
    dropout=0.5,
    lr=5e-4,
    lr_theta=1e-4,
    theta_decay=5.0,
    sign=-1,
    rho="identity",
    weight_decay=0.0,
)
FASHION_CONV = Convolution(
    vth=0.45,
    decay=0.75,
    reset="zero",
    tau_w=30.0,
    lambda_=0.9,
    batch=50,
    dropout=0.5,
    lr=5e-4,
    weight_decay=0.0,
)
# Of these networks the rates, batch and share left out are chosen on held-back images, for the few steps they have.
SMALL: dict[str, Any] = {
    "channels": (16, 32, 64),
    "epochs": 6,
    "batch": 25,
    "lr": 1e-3,
    "lr_theta": 1e-4,
    "theta_decay": 5.0,
    "dropout": 0.2,
}
EXPERIMENTS: dict[str, tuple[str, Any]] = {
    "fashion-gp": ("Fashion-MNIST 784-512-10, global plasticity", GP),
    "fashion-lp": ("Fashion-MNIST 784-512-10, local plasticity", LP),
    "fashion-hp": ("Fashion-MNIST 784-512-10, hybrid plasticity", HP),
    "fashion-hp-balanced": (
        "The same, the slow weights of each hidden neuron kept at a sum of zero",
        replace(HP, balanced=True),
    ),
    "fashion-gp-balanced": (
        "Fashion-MNIST 784-512-10, global plasticity and nothing local but that sum, for comparison",
        replace(GP, balanced=True),
    ),
    "fashion-hp-shared": (
        "Fashion-MNIST 784-512-10, hybrid plasticity in the authors' protocol, for comparison",
        Classification(mode="hp", trace="shared"),
    ),
    "mnist-gp": ("MNIST 784-512-10, global plasticity", replace(GP, dataset="mnist")),
    "mnist-lp": ("MNIST 784-512-10, local plasticity", replace(LP, dataset="mnist")),
    "mnist-hp": ("MNIST 784-512-10, hybrid plasticity", replace(HP, dataset="mnist")),
    "mnist-conv-hp": (
        "MNIST, convolutions and plastic layers",
        MNIST_CONV,
    ),
    "fashion-conv-hp": (
        "Fashion-MNIST, convolutions and plastic layers",
        FASHION_CONV,
    ),
    "mnist-conv-hp-small": (
        "MNIST, few channels and epochs: what a processor core trains in half an hour",
        replace(MNIST_CONV, **SMALL),
    ),
    "fashion-conv-hp-small": (
        "Fashion-MNIST, few channels and epochs: what a processor core trains in half an hour",
        replace(FASHION_CONV, **SMALL),
    ),
    "cifar-conv-hp": (
        "CIFAR-10, convolutions and plastic layers; needs a GPU",
        Convolution(
            dataset="cifar-10",
            channels=(128, 256, 512, 1024, 512),
            pools=(1, 2, 2, 1, 1),
            dense=(1024,),
            epochs=100,
            steps=8,
            vth=0.5,
            decay=0.7,
            tau_w=50.0,
            batch=50,
            dropout=0.5,
            lr=5e-4,
            weight_decay=0.0,
        ),
    ),
    "nmnist-gp": ("N-MNIST 2312-512-10, global plasticity", Events(mode="gp")),
    "nmnist-lp": ("N-MNIST 2312-512-10, local plasticity", Events(mode="lp")),
    "nmnist-hp": ("N-MNIST 2312-512-10, hybrid plasticity", Events(mode="hp")),
    "omniglot-5way-1shot": ("Omniglot, 5 characters from 1 drawing each", FewShot()),
    "omniglot-5way-1shot-official": ("The same, official split", FewShot(split="official")),
    "omniglot-5way-5shot": ("Omniglot, 5 characters from 5 drawings each", FewShot(shots=5, epochs=40)),
    "omniglot-20way-1shot": ("Omniglot, 20 characters from 1 drawing each", FewShot(ways=20, batch=2)),
    "omniglot-20way-5shot": (
        "Omniglot, 20 characters from 5 drawings each",
        FewShot(ways=20, shots=5, batch=2, epochs=25),
    ),
    "continual-gp": ("50 shuffled MNIST tasks, global plasticity with masks", Continual(mode="gp")),
    "continual-hp": ("50 shuffled MNIST tasks, hybrid plasticity with masks", Continual(mode="hp")),
    "continual-ewc": ("50 shuffled MNIST tasks, elastic weight consolidation", Continual(mode="ewc", gain=1.0)),
}
"""By name: what it is, and its settings."""
