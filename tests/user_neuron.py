# SPDX-License-Identifier: BSD-3-Clause
"""A neuron as a user would write it (docs/extending/neuron.md); the rest of the library knows nothing of it."""

from dataclasses import dataclass
from typing import Any

from synergic.neurons import Neuron, after_reset, potential


@dataclass(frozen=True, eq=False)
class Draining(Neuron):
    """u(m) = max(u(m-1) - drain, 0) + I(m) + b."""

    drain: Any = potential(0.05, per="neuron")

    @staticmethod
    def floating(u, state, current, theta):
        u = (u - theta.drain).clip(0) + current + theta.bias
        s = u > theta.vth
        return u, s, after_reset(u, s, theta), state

    fixed = floating


from synergic.neurons import CNeuron  # noqa: E402  the page adds this later

Draining.c_text = CNeuron(
    """
        u = (u > drain ? u - drain : 0) + input + bias;
        sent = u > vth;
        after = after_reset(u, sent, vth, subtract);
    """
)
