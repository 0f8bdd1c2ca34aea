# SPDX-License-Identifier: BSD-3-Clause
"""Neurons: each one file of data and two pure functions, the same in every executor.

A Population that names none has LIF.
"""

from synergic._core.parameters import plain, share
from synergic.neurons._adaptive import AdaptiveLIF
from synergic.neurons._c_neuron import CNeuron
from synergic.neurons._current import CurrentLIF
from synergic.neurons._homeostasis import Homeostasis, IntHomeostasis
from synergic.neurons._lif import LIF
from synergic.neurons._loihi import LoihiLIF
from synergic.neurons._neuron import Neuron, after_reset, potential, steps
from synergic.neurons._neuron_kernels import KERNELS, NeuronKernel
from synergic.neurons._refractory import RefractoryLIF
from synergic.neurons._values import ReLU, Table

__all__ = [
    "KERNELS",
    "LIF",
    "AdaptiveLIF",
    "CNeuron",
    "CurrentLIF",
    "Homeostasis",
    "IntHomeostasis",
    "LoihiLIF",
    "Neuron",
    "NeuronKernel",
    "ReLU",
    "RefractoryLIF",
    "Table",
    "after_reset",
    "plain",
    "potential",
    "share",
    "steps",
]
