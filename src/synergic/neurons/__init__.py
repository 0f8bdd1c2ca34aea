# SPDX-License-Identifier: BSD-3-Clause
"""Neurons: each one file of data and two pure functions, the same in every executor.

The plain leaky integrate-and-fire neuron is a Population without any of these.
"""

from synergic._core.parameters import plain, share
from synergic.neurons._adaptive import AdaptiveLIF
from synergic.neurons._current import CurrentLIF
from synergic.neurons._neuron import Neuron, after_reset, potential
from synergic.neurons._values import ReLU, Table

__all__ = ["AdaptiveLIF", "CurrentLIF", "Neuron", "ReLU", "Table", "after_reset", "plain", "potential", "share"]
