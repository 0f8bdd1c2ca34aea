# SPDX-License-Identifier: BSD-3-Clause
"""synergic: global-local (hybrid plasticity) learning on spiking hardware, on Intel's Lava."""

import logging
from importlib.metadata import version

from synergic._examples import Example, load_example
from synergic._lava_remedies import install
from synergic.convolution import Convolution
from synergic.network import Network, Population, Projection, Source
from synergic.neurons import AdaptiveLIF, CurrentLIF, Neuron, ReLU, Table
from synergic.quantise import IntNetwork, quantise
from synergic.rules import BCM, Hebbian, Oja, PairSTDP, Rule, ThreeFactor
from synergic.simulate import Record, simulate

__version__ = version("synergic")
__all__ = [
    "BCM",
    "AdaptiveLIF",
    "Convolution",
    "CurrentLIF",
    "Example",
    "Hebbian",
    "IntNetwork",
    "Network",
    "Neuron",
    "Oja",
    "PairSTDP",
    "Population",
    "Projection",
    "ReLU",
    "Record",
    "Rule",
    "Source",
    "Table",
    "ThreeFactor",
    "load_example",
    "quantise",
    "simulate",
]

install()  # before anything imports Lava
logging.getLogger(__name__).addHandler(logging.NullHandler())
