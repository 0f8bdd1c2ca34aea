# SPDX-License-Identifier: BSD-3-Clause
"""synergic: global-local (hybrid plasticity) learning on spiking hardware, on Intel's Lava.

This page is the public API of the package itself. The other public packages are `network`, `neurons`, `rules`,
`reference`, `data`, `numerics`, `learning` (needs the extra `train`), `processes` (needs the extra `lava`),
`hw_targets`, `interchange`, and the modules `experiments`, `errors` and `plots`: each exports
what is public. A module whose name begins with `_` is private.
"""

import logging
from importlib.metadata import version

from synergic._core import lava_remedies, moved
from synergic._examples import Example, load_example
from synergic.network import Convolution, IntNetwork, Network, Population, Projection, Source, quantise
from synergic.neurons import LIF, AdaptiveLIF, CurrentLIF, Homeostasis, LoihiLIF, Neuron, RefractoryLIF, ReLU, Table
from synergic.reference import Record, simulate, with_homeostasis
from synergic.rules import BCM, Hebbian, Oja, PairSTDP, Rule, ThreeFactor

__version__ = version("synergic")
__all__ = [
    "BCM",
    "LIF",
    "AdaptiveLIF",
    "Convolution",
    "CurrentLIF",
    "Example",
    "Hebbian",
    "Homeostasis",
    "IntNetwork",
    "LoihiLIF",
    "Network",
    "Neuron",
    "Oja",
    "PairSTDP",
    "Population",
    "Projection",
    "ReLU",
    "Record",
    "RefractoryLIF",
    "Rule",
    "Source",
    "Table",
    "ThreeFactor",
    "load_example",
    "quantise",
    "simulate",
    "with_homeostasis",
]

lava_remedies.install()  # before anything imports Lava
moved.install()
logging.getLogger(__name__).addHandler(logging.NullHandler())
