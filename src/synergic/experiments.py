# SPDX-License-Identifier: BSD-3-Clause
"""Settings of experiments: a dataclass a family, and a shipped instance for every published figure.

Source: Wu et al. 2022. Settings are those of the publication except for the decay of the weights, the rate and decay of
theta for HP, the start of theta for LP, and in the few-shot family d, lambda and the convolutions, chosen on training
data held back (`validation`), never on test data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from synergic._core.moved import renamed
from synergic._core.settings import Settings

__all__ = [
    "FASHION_CONV",
    "GP",
    "HP",
    "LP",
    "MNIST_CONV",
    "ClassIncremental",
    "Classification",
    "Continual",
    "Convolution",
    "Events",
    "FewShot",
    "Supervised",
]

CHECKPOINT, CONFIG, NETWORK, RECORD = "checkpoint.pt", "config.json", "network.h5", "record.json"
"""Names of the files in a run's folder: state after the last whole epoch, settings, trained network, figures."""
TEST, SAMPLES = "test.npz", 200
"""Name of the file in a run's folder with the first test samples, as the trained network takes them; how many."""


@dataclass(frozen=True)
class Supervised(Settings):
    """Settings that images and recordings share: labelled samples into a fully connected network of plastic layers."""

    mode: Literal["gp", "lp", "hp"] = "hp"
    """Which plasticity is used: "gp" global, "lp" local, "hp" hybrid (both)."""
    hidden: int = 512
    """Number of neurons in the hidden layer."""
    steps: int = 10
    """T: number of time steps for which a sample is presented."""
    vth: float = 0.35
    """Firing threshold v_th of every neuron."""
    decay: float = 0.4
    """d: share of the membrane potential that is left after one step, 0 to 1."""
    tau_w: float = 40.0
    """Time constant of the decay of the slow weights within a presentation, in steps."""
    lambda_: float = 0.95
    """lambda: share of the local weights P that is left after one step, 0 to 1."""
    p_max: float = 4.0
    """Bound of the local weights: every entry of P stays within -p_max and p_max."""
    readout: Literal["rank", "rate"] = "rank"
    """What decides the class: "rank" compares the output potentials at step T, "rate" compares spike counts."""
    dropout: float = 0.0
    """Probability that a hidden neuron is dropped for a presentation. Used in training only."""
    epochs: int = 30
    """Number of passes over the training samples."""
    batch: int = 100
    """Number of samples in a training batch."""
    lr: float = 1e-3
    """Learning rate of Adam for the slow weights W and biases b. A cosine schedule lowers it to 0."""
    lr_theta: float = 5e-4
    """Learning rate of Adam for theta = (alpha, eta, beta). A cosine schedule lowers it to 0."""
    theta_decay: float = 0.0
    """Weight decay (decoupled, as in AdamW) of alpha, eta and beta; each step it is multiplied by the learning rate."""
    theta_every: int = 0
    """0: every batch trains W and theta together. n > 0: after n batches for W, the next batch trains theta alone, with
    a gradient that passes through one look-ahead step of W on the batch before."""
    look_ahead: float = 1e-3
    """xi: learning rate of the look-ahead step of W. Used if theta_every > 0."""
    second_order: Literal["difference", "none"] = "difference"
    """How the gradient through the look-ahead step is found: by a finite "difference", or left out ("none")."""
    weight_decay: float = 0.3
    """Weight decay (decoupled, as in AdamW) of W and b; each step it is multiplied by the learning rate."""
    validation: int = 0
    """Number of training samples, from the end, to hold back and to evaluate on instead of the test set."""
    seed: int = 0
    """Seed of the initial weights and of the order of the training samples."""


@renamed("trace", "plasticity_scope")
@dataclass(frozen=True)
class Classification(Supervised):
    """Images into a fully connected network of plastic layers; the real pixel values enter at every step."""

    dataset: Literal["mnist", "fashion-mnist", "cifar-10"] = "fashion-mnist"
    """Data set, with its official training and test split."""
    plasticity_scope: Literal["per_sample", "frozen", "shared"] = "per_sample"
    """When the local weights P start anew. "per_sample": with every presentation. "frozen": P never changes. "shared":
    a batch shares one P, as in the publication, and predictions depend on the batch."""
    sign: Literal[1, -1] = 1
    """Sign of the local rule: 1 is Hebbian, -1 is anti-Hebbian."""
    rho: Literal["tanh", "identity", "softmax"] = "tanh"
    """Non-linearity rho that the local rule applies to the potential u / v_th."""
    reset: Literal["subtract", "zero"] = "subtract"
    """Reset of the membrane after a spike: "subtract" takes v_th away, "zero" sets it to 0."""
    balanced: bool = False
    """Whether a second local rule holds the sum of the slow weights of each hidden neuron at zero, against noise and
    brighter backgrounds."""
    alpha_start: float = 0.01
    """Upper end of the uniform start values of alpha, the weight of the local term; the lower end is 0."""
    eta_start: float = 0.01
    """Upper end of the uniform start values of eta, the local learning rate; the lower end is 0."""
    train_samples: int | None = None
    """Number of training images to use, from the start. Default: all."""

    @property
    def name(self) -> str:
        """Default name of the run's folder."""
        scope = "" if self.plasticity_scope == "per_sample" else f"-{self.plasticity_scope}"
        return f"{self.dataset}-{self.mode}{scope}{'-balanced' if self.balanced else ''}-{self.seed}"


@renamed("trace", "plasticity_scope")
@dataclass(frozen=True)
class Convolution(Classification):
    """Images into spiking convolutions, then plastic dense layers."""

    channels: tuple[int, ...] = (128, 256, 256)
    """Number of output channels of each spiking convolution, whose kernels are 3 x 3."""
    pools: tuple[int, ...] = ()
    """Side of the average pooling after each convolution. Empty: 2 after each convolution."""
    dense: tuple[int, ...] = ()
    """Number of neurons of each further plastic layer between the convolutions and the hidden layer."""

    @property
    def name(self) -> str:
        """Default name of the run's folder."""
        return super().name.replace(self.dataset, f"{self.dataset}-conv", 1)


@dataclass(frozen=True)
class Continual(Settings):
    """Shuffled MNIST: each task is a fixed permutation of the pixels, all tasks share the network and its outputs."""

    mode: Literal["gp", "hp", "ewc"] = "hp"
    """Method against forgetting. "gp" and "hp": global or hybrid plasticity, where each task trains the weights of its
    own sparse mask. "ewc": elastic weight consolidation of all weights."""
    tasks: int = 50
    """Number of tasks, learned one after the other. Each is one permutation of the pixels."""
    epochs_a_task: int = 1
    """Number of passes over the training images of a task. The publication uses 10."""
    theta_tasks: int = 35
    """Number of tasks, from the first, after which alpha, eta and beta are trained too: by one pass over images of all
    tasks so far."""
    density: float = 0.03
    """Share of the slow weights that the mask of a task contains, 0 to 1."""
    hidden: int = 1024
    """Number of neurons in each of the two hidden layers."""
    steps: int = 3
    """T: number of time steps for which a sample is presented."""
    vth: float = 0.5
    """Firing threshold v_th of every neuron."""
    decay: float = 0.8
    """d: share of the membrane potential that is left after one step, 0 to 1."""
    tau_w: float = 40.0
    """Time constant of the decay of the slow weights within a presentation, in steps."""
    lambda_: float = 0.8
    """lambda: share of the local weights P that is left after one step, 0 to 1."""
    p_max: float = 4.0
    """Bound of the local weights: every entry of P stays within -p_max and p_max."""
    gain: float = 0.7
    """Size of the initial slow weights: they are uniform between -gain / sqrt(n) and gain / sqrt(n), where n is the
    number of inputs of the neuron."""
    batch: int = 100
    """Number of images in a training batch."""
    lr: float = 5e-4
    """Learning rate of Adam for the slow weights W. Adam starts anew with each task."""
    lr_theta: float = 5e-5
    """Learning rate of Adam for alpha, eta and beta."""
    ewc: float = 1e5
    """Strength of elastic weight consolidation. Used in mode "ewc" only."""
    fisher_samples: int = 200
    """Number of images for the Fisher information, which says how much a weight matters. Used in mode "ewc" only."""
    train_samples: int | None = None
    """Number of training images to use, from the start. Default: all."""
    validation: int = 0
    """Number of training images, from the end, to hold back and to evaluate on instead of the test set."""
    matrix_samples: int = 1000
    """Number of test images of each task for the matrix of accuracies during the run. The final accuracies use all."""
    seed: int = 0
    """Seed of weights, permutations, masks and order of the training images."""

    @property
    def epochs(self) -> int:
        """Number of units after which a run writes a checkpoint: one a task."""
        return self.tasks

    @property
    def name(self) -> str:
        """Default name of the run's folder."""
        return f"continual-{self.mode}-{self.seed}"


@dataclass(frozen=True)
class Events(Supervised):
    """N-MNIST, all of it or a part: frames of events, one a step, as spikes into a fully connected network."""

    dropout: float = 0.5
    """Probability that a hidden neuron is dropped for a presentation. Used in training only."""
    batch: int = 20
    """Number of recordings in a training batch."""
    lr: float = 5e-4
    """Learning rate of Adam for the slow weights W and biases b. A cosine schedule lowers it to 0."""

    @property
    def name(self) -> str:
        """Default name of the run's folder."""
        return f"nmnist-{self.mode}-{self.seed}"


@dataclass(frozen=True)
class FewShot(Settings):
    """Omniglot: new characters from few drawings."""

    ways: int = 5
    """Number of characters (classes) in an episode."""
    shots: int = 1
    """Number of labelled drawings (the support set) of each character in an episode."""
    split: Literal["published", "official"] = "published"
    """Which characters are tested. "published": the last 100 of a random order of all, as in the publication.
    "official": the evaluation set of Omniglot."""
    convolutions: Literal["strided", "pooled"] = "pooled"
    """Feature extractor. "strided": the publication's four convolutions with stride. "pooled": four convolutions with 2
    x 2 max pooling after each of the first three."""
    channels: int = 96
    """Number of channels of each of the four convolutions. The publication uses 128."""
    decay: float = 0.0
    """d: share of the membrane potential that is left after one step, 0 to 1. The publication uses 0.2, with which the
    last drawing shown biases the answer."""
    lambda_: float = 1.0
    """lambda: share of the local weights P that is left after one step, 0 to 1. The publication uses 0.99, with which
    earlier drawings count for less than later ones."""
    p_max: float = 4.0
    """Bound of the local weights: every entry of P stays within -p_max and p_max."""
    epochs: int = 70
    """Number of epochs, each of `steps_an_epoch` training steps."""
    steps_an_epoch: int = 100
    """Number of training steps in an epoch. A run writes a checkpoint after each epoch."""
    batch: int = 8
    """Number of episodes whose characters are drawn for a training step."""
    queries: int = 3
    """Number of query drawings of each character in a training episode."""
    regroupings: int = 12
    """Number of times that the characters of a training step are regrouped into new episodes of the same images."""
    mirrored: bool = True
    """Whether mirror images count as further training characters. Rotations by 90, 180 and 270 degrees always do."""
    distortion: float = 0.12
    """Random affine distortion of each training image: largest difference of an entry of its matrix from the
    identity."""
    lr: float = 1e-3
    """Learning rate of Adam for convolutions, W and b. A cosine schedule lowers it to 0."""
    lr_theta: float = 1e-4
    """Learning rate of Adam for alpha, eta and beta. A cosine schedule lowers it to 0."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    """Precision of the convolutions in training. "bfloat16" is about twice as fast on processors that have it."""
    held_characters: int = 0
    """Number of training characters that are set aside for validation."""
    validation: bool = False
    """Whether to evaluate on the validation characters (`held_characters`) instead of the test characters."""
    test_episodes: int = 1000
    """Number of episodes in the evaluation, each with one query for each character."""
    seed: int = 0
    """Seed of the order of the characters, of the initial weights and of the training episodes."""

    @property
    def name(self) -> str:
        """Default name of the run's folder."""
        return f"omniglot-{self.ways}way-{self.shots}shot-{self.split}-{self.seed}"


@dataclass(frozen=True)
class ClassIncremental(Settings):
    """Omniglot: one class after another, learned by the local rule alone."""

    classes: int = 250
    """Number of test characters that are learned one after another."""
    shots: int = 10
    """Number of labelled drawings of each character. It is shown no other drawing with a label, and none again."""
    channels: tuple[int, ...] = (16, 32, 96, 192)
    """Number of channels of each convolution. Each takes every second position."""
    p_max: float = 16.0
    """Bound of the local weights: every entry of P stays within -p_max and p_max. It is far above what they become, so
    that they have some 8 of the bits of the integers: what the rounded tanh lacks to 1 is then below the last bit."""
    epochs: int = 40
    """Number of epochs, each of `steps_an_epoch` training steps."""
    steps_an_epoch: int = 100
    """Number of training steps in an epoch. A run writes a checkpoint after each epoch."""
    ways: int = 60
    """Number of characters in a training step."""
    trained_shots: tuple[int, ...] = (1, 5, 10, 10)
    """Numbers of drawings of each character to learn from, of which each training step takes one at random."""
    queries: int = 4
    """Number of drawings of each character that a training step asks."""
    mirrored: bool = True
    """Whether mirror images count as further training characters. Rotations by 90, 180 and 270 degrees always do."""
    distortion: float = 0.12
    """Random affine distortion of each training image: largest difference of an entry of its matrix from the
    identity."""
    lr: float = 3e-3
    """Learning rate of Adam for the convolutions. A cosine schedule lowers it to 0."""
    lr_theta: float = 1e-3
    """Learning rate of Adam for alpha, eta and c. A cosine schedule lowers it to 0."""
    held_characters: int = 0
    """Number of training characters that are set aside for validation."""
    validation: bool = False
    """Whether to evaluate on the validation characters (`held_characters`) instead of the test characters."""
    test_draws: int = 3
    """Number of times that the drawings to learn from are drawn anew in the evaluation."""
    seed: int = 0
    """Seed of the initial weights, of the training steps and of the order of the test characters."""

    @property
    def name(self) -> str:
        """Default name of the run's folder."""
        return f"omniglot-{self.classes}classes-{self.seed}"


GP = Classification(mode="gp")
"""Settings of the dense network on Fashion-MNIST with global plasticity."""
LP = Classification(mode="lp", alpha_start=0.1, eta_start=0.05)
"""Settings of the dense network on Fashion-MNIST with local plasticity."""
HP = Classification(mode="hp", lr_theta=1e-4, theta_decay=5.0)
"""Settings of the dense network on Fashion-MNIST with hybrid plasticity."""
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
"""Settings of the convolutional network on MNIST with hybrid plasticity."""
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
"""Settings of the convolutional network on Fashion-MNIST with hybrid plasticity."""
# Rates, batch and dropout of these networks were chosen on held-back images, for the few steps that they train.
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
        "Fashion-MNIST 784-512-10, hybrid plasticity, slow weights of each hidden neuron balanced to a sum of 0",
        replace(HP, balanced=True),
    ),
    "fashion-gp-balanced": (
        "Fashion-MNIST 784-512-10, global plasticity, with balanced slow weights, for comparison",
        replace(GP, balanced=True),
    ),
    "fashion-hp-shared": (
        "Fashion-MNIST 784-512-10, hybrid plasticity in the authors' protocol, for comparison",
        Classification(mode="hp", plasticity_scope="shared"),
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
        "MNIST, few channels and epochs, trained on one processor core in half an hour",
        replace(MNIST_CONV, **SMALL),
    ),
    "fashion-conv-hp-small": (
        "Fashion-MNIST, few channels and epochs, trained on one processor core in half an hour",
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
    "omniglot-5way-1shot-official": (
        "Omniglot, 5 characters from 1 drawing each, official split",
        FewShot(split="official"),
    ),
    "omniglot-5way-5shot": ("Omniglot, 5 characters from 5 drawings each", FewShot(shots=5, epochs=40)),
    "omniglot-20way-1shot": ("Omniglot, 20 characters from 1 drawing each", FewShot(ways=20, batch=2)),
    "omniglot-20way-5shot": (
        "Omniglot, 20 characters from 5 drawings each",
        FewShot(ways=20, shots=5, batch=2, epochs=25),
    ),
    "omniglot-classes": ("Omniglot, 250 characters one after another by the local rule alone", ClassIncremental()),
    "continual-gp": ("50 shuffled MNIST tasks, global plasticity with masks", Continual(mode="gp")),
    "continual-hp": ("50 shuffled MNIST tasks, hybrid plasticity with masks", Continual(mode="hp")),
    "continual-ewc": ("50 shuffled MNIST tasks, elastic weight consolidation", Continual(mode="ewc", gain=1.0)),
}
"""By name: description and settings of every shipped experiment."""
