# SPDX-License-Identifier: BSD-3-Clause
"""Leaky integrate-and-fire with a threshold that each spike raises and that falls back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from synergic._core.parameters import share
from synergic.neurons._neuron import Neuron, potential
from synergic.numerics.fixed import FRACTION_BITS, rshift


@dataclass(frozen=True, eq=False)
class AdaptiveLIF(Neuron):
    """v(m) = d v(m-1) + I(m) + b;  s(m) = v(m) > v_th + h(m);  h(m+1) = d_h h(m) + jump s(m), h(1) = 0.

    Reset by subtraction takes v_th + h(m) away. What local rules hear and a run records is u = v - h, so that a spike
    is u > v_th, as everywhere. jump : by how much a spike raises the threshold, in the unit of the membrane. decay_h :
    d_h, in 0 .. 1. Both one value or one a neuron. Integers: h = rshift(d_h h, 12) + jump s.
    """

    states: ClassVar[tuple[str, ...]] = ("raised",)
    jump: Any = potential(0.1, per="neuron")
    decay_h: Any = share(0.9, per="neuron")

    @staticmethod
    def floating(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        return fire(theta.decay * u + current + theta.bias, state["raised"], theta.decay_h * state["raised"], theta)

    @staticmethod
    def fixed(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        v = rshift(theta.decay * u, FRACTION_BITS) + current + theta.bias
        return fire(v, state["raised"], rshift(theta.decay_h * state["raised"], FRACTION_BITS), theta)


def fire(v: Any, raised: Any, fallen: Any, theta: Any) -> Any:
    """Spike, reset and the new rise; fallen : d_h h."""
    s = v - raised > theta.vth
    after = v - (theta.vth + raised) * s if theta.reset == "subtract" else v * (1 - s)
    return v - raised, s, after, {"raised": fallen + theta.jump * s}
