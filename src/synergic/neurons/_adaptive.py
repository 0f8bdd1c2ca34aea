# SPDX-License-Identifier: BSD-3-Clause
"""Leaky integrate-and-fire with a threshold that each spike raises and that falls back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy.typing as npt

from synergic._core.parameters import share
from synergic.neurons._c_neuron import CNeuron
from synergic.neurons._neuron import Neuron, potential
from synergic.numerics.fixed import FRACTION_BITS, rshift


@dataclass(frozen=True, eq=False)
class AdaptiveLIF(Neuron):
    """Leaky integrate-and-fire with a threshold that each spike raises and that falls back.

    v(m) = d v(m-1) + I(m) + b, s(m) = 1 where v(m) > v_th + h(m), and h(m+1) = d_h h(m) + jump s(m) with h(1) = 0. The
    reset by subtraction takes v_th + h(m) away. I is the synaptic input; d, b and v_th are the population's decay, bias
    and threshold.

    Parameters
    ----------
    jump : float or (n,) array
        By how much a spike raises the threshold, in the unit of the membrane. Default 0.1.
    decay_h : float or (n,) array
        d_h, the share of the rise that a step keeps, 0 .. 1. Default 0.9.

    Raises
    ------
    ParameterError
        For values out of range.

    Notes
    -----
    Local rules receive, and a run records, u = v - h, so that a spike is u > v_th as of every neuron. In integers
    h = rshift(d_h h, 12) + jump s.
    """

    states: ClassVar[tuple[str, ...]] = ("raised",)
    c_text: ClassVar[CNeuron] = CNeuron(
        """
            const int64_t v = rshift(decay * u, 12) + input + bias;
            u = v - raised;
            sent = u > vth;
            after = after_reset(v, sent, vth + raised, subtract);
            raised = rshift(decay_h * raised, 12) + jump * sent;
        """
    )
    jump: npt.ArrayLike = potential(0.1, per="neuron")
    decay_h: npt.ArrayLike = share(0.9, per="neuron")

    @staticmethod
    def floating(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in floating point."""
        return fire(theta.decay * u + current + theta.bias, state["raised"], theta.decay_h * state["raised"], theta)

    @staticmethod
    def fixed(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in integers."""
        v = rshift(theta.decay * u, FRACTION_BITS) + current + theta.bias
        return fire(v, state["raised"], rshift(theta.decay_h * state["raised"], FRACTION_BITS), theta)


def fire(v: Any, raised: Any, fallen: Any, theta: Any) -> Any:
    """Spike, reset and the new rise; fallen : d_h h."""
    s = v - raised > theta.vth
    after = v - (theta.vth + raised) * s if theta.reset == "subtract" else v * (1 - s)
    return v - raised, s, after, {"raised": fallen + theta.jump * s}
