# SPDX-License-Identifier: BSD-3-Clause
"""Neurons: each one file of data and two pure functions, the same in every executor.

The plain leaky integrate-and-fire neuron is a Population without any of these.
"""

from synergic.neurons.adaptive import AdaptiveLIF
from synergic.neurons.base import Neuron, after_reset, potential
from synergic.neurons.current import CurrentLIF
from synergic.neurons.values import ReLU, Table
from synergic.parameters import plain, share

__all__ = ["AdaptiveLIF", "CurrentLIF", "Neuron", "ReLU", "Table", "after_reset", "plain", "potential", "share"]
