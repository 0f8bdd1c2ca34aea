# SPDX-License-Identifier: BSD-3-Clause
"""Leaky integrate-and-fire behind a synaptic current that decays by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy.typing as npt

from synergic._core.parameters import share
from synergic.neurons._c_neuron import CNeuron
from synergic.neurons._neuron import Neuron, after_reset
from synergic.numerics.fixed import FRACTION_BITS, rshift


@dataclass(frozen=True, eq=False)
class CurrentLIF(Neuron):
    """Leaky integrate-and-fire behind a synaptic current.

    i(m) = d_i i(m-1) + I(m), u(m) = d u(m-1) + i(m) + b, and s(m) = 1 where u(m) > v_th, with the population's reset of
    u. I is the synaptic input; d, b and v_th are the population's decay, bias and threshold.

    Parameters
    ----------
    decay_i : float or (n,) array
        d_i, the share of the current that a step keeps, 0 .. 1. With 0 it is LIF. Default 0.5.

    Raises
    ------
    ParameterError
        For values out of range.

    Notes
    -----
    Lava's LIF, whose u is i and whose v is u, has decay_i = 1 - du and decay = 1 - dv. In integers
    i = rshift(d_i i, 12) + I has 24 bits.
    """

    states: ClassVar[tuple[str, ...]] = ("current",)
    c_text: ClassVar[CNeuron] = CNeuron(
        """
            current = rshift(decay_i * current, 12) + input;
            u = rshift(decay * u, 12) + current + bias;
            sent = u > vth;
            after = after_reset(u, sent, vth, subtract);
        """
    )
    decay_i: npt.ArrayLike = share(0.5, per="neuron")

    @staticmethod
    def floating(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in floating point."""
        i = theta.decay_i * state["current"] + current
        u = theta.decay * u + i + theta.bias
        s = u > theta.vth
        return u, s, after_reset(u, s, theta), {"current": i}

    @staticmethod
    def fixed(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in integers."""
        i = rshift(theta.decay_i * state["current"], FRACTION_BITS) + current
        u = rshift(theta.decay * u, FRACTION_BITS) + i + theta.bias
        s = u > theta.vth
        return u, s, after_reset(u, s, theta), {"current": i}
