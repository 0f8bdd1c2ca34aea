# SPDX-License-Identifier: BSD-3-Clause
"""Leaky integrate-and-fire behind a current, in the rounding of Lava's own integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from synergic.neurons._c_neuron import CNeuron
from synergic.neurons._current import CurrentLIF
from synergic.neurons._neuron import after_reset
from synergic.numerics.fixed import FRACTION_BITS


def towards_zero(a: Any) -> Any:
    """A product with a share, without its 12 fraction bits, as Lava rounds it."""
    return np.sign(a) * (np.abs(a) >> FRACTION_BITS)


@dataclass(frozen=True, eq=False)
class LoihiLIF(CurrentLIF):
    """CurrentLIF that rounds in integers as Lava's LIF, which models Loihi: decayed numbers towards zero.

    i(m) = d_i i(m-1) + I(m), u(m) = d u(m-1) + i(m) + b, and s(m) = 1 where u(m) > v_th, with the population's reset of
    u. I is the synaptic input; d, b and v_th are the population's decay, bias and threshold.

    Parameters
    ----------
    decay_i : float or (n,) array
        d_i, the share of the current that a step keeps, 0 .. 1. Default 0.5.

    Raises
    ------
    ParameterError
        For values out of range.

    Notes
    -----
    In integers, with reset="zero", it is Lava's LIF in fixed point, bit for bit, with decay_i = 4095 - du, decay =
    4096 - dv, v_th = 2^6 vth and b = 2^bias_exp bias_mant, as long as nothing leaves 24 bits: Lava's current then wraps
    around, ours is limited and counted. In floating point it is CurrentLIF. `from_lava_dl(rounding="lava")` reads
    networks with it.
    """

    c_text: ClassVar[CNeuron] = CNeuron(
        """
            current = decay_i * current / 4096 + input;
            u = decay * u / 4096 + current + bias;
            sent = u > vth;
            after = after_reset(u, sent, vth, subtract);
        """
    )

    @staticmethod
    def fixed(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in integers."""
        i = towards_zero(theta.decay_i * state["current"]) + current
        u = towards_zero(theta.decay * u) + i + theta.bias
        s = u > theta.vth
        return u, s, after_reset(u, s, theta), {"current": i}
