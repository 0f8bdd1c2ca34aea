# SPDX-License-Identifier: BSD-3-Clause
"""Leaky integrate-and-fire behind a synaptic current that decays by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from synergic._core.parameters import share
from synergic.neurons._neuron import Neuron, after_reset
from synergic.numerics.fixed import FRACTION_BITS, rshift


@dataclass(frozen=True, eq=False)
class CurrentLIF(Neuron):
    """i(m) = d_i i(m-1) + I(m);  u(m) = d u(m-1) + i(m) + b;  s(m) = u(m) > v_th, with the population's reset of u.

    I is the synaptic input, d the population's decay. decay_i : d_i, in 0 .. 1, one value or one a neuron; with 0 it
    is the plain neuron. Lava's LIF (its u is i, its v is u) has decay_i = 1 - du, decay = 1 - dv. Integers:
    i = rshift(d_i i, 12) + I, kept with 24 bits.
    """

    states: ClassVar[tuple[str, ...]] = ("current",)
    decay_i: Any = share(0.5, per="neuron")

    @staticmethod
    def floating(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        i = theta.decay_i * state["current"] + current
        u = theta.decay * u + i + theta.bias
        s = u > theta.vth
        return u, s, after_reset(u, s, theta), {"current": i}

    @staticmethod
    def fixed(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        i = rshift(theta.decay_i * state["current"], FRACTION_BITS) + current
        u = rshift(theta.decay * u, FRACTION_BITS) + i + theta.bias
        s = u > theta.vth
        return u, s, after_reset(u, s, theta), {"current": i}
