# SPDX-License-Identifier: BSD-3-Clause
"""Leaky integrate-and-fire that rests for some steps after each spike, as Lava's LIFRefractory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synergic._core.parameters import share
from synergic.neurons._c_neuron import CNeuron
from synergic.neurons._neuron import Neuron, steps
from synergic.numerics.fixed import FRACTION_BITS, rshift


@dataclass(frozen=True, eq=False)
class RefractoryLIF(Neuron):
    """Leaky integrate-and-fire with a refractory period after each spike, and a synaptic current that goes on in it.

    i(m) = d_i i(m-1) + I(m). In a refractory step u(m) = r(m-1), else u(m) = d r(m-1) + i(m) + b. s(m) = 1 where
    u(m) > v_th, and the `refractory_period` steps after it are refractory. The reset leaves r(m) = 0, or
    min(u(m) - v_th, v_th), as the population's `reset` selects, so that a neuron does not fire in its refractory
    period. I is the synaptic input; d, b and v_th are the population's decay, bias and threshold.

    Parameters
    ----------
    refractory_period : int or (n,) array of int
        Steps after a spike in which the potential stays as the reset left it, 1 .. 32767. Default 1.
    decay_i : float or (n,) array
        d_i, the share of the current that a step keeps, 0 .. 1. Default 0: the input acts in its own step only.

    Raises
    ------
    ParameterError
        For values out of range.

    Notes
    -----
    With reset="zero" it is Lava's LIFRefractory, which has decay_i = 1 - du, decay = 1 - dv and the same
    refractory_period. The array `refractory` beside u has the refractory steps that are left. A presentation begins
    with none. In integers i has 24 bits, and u, after it is limited to 24 bits, is compared as of every neuron.
    """

    states: ClassVar[tuple[str, ...]] = ("current", "refractory")
    c_text: ClassVar[CNeuron] = CNeuron(
        """
            current = rshift(decay_i * current, 12) + input;
            u = refractory > 0 ? u : rshift(decay * u, 12) + current + bias;
            sent = u > vth;
            after = after_reset(u, sent, vth, subtract);
            after = sent && after > vth ? vth : after;
            refractory = sent ? refractory_period : refractory > 0 ? refractory - 1 : 0;
        """
    )
    refractory_period: npt.ArrayLike = steps(1, per="neuron")
    decay_i: npt.ArrayLike = share(0.0, per="neuron")

    @staticmethod
    def floating(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in floating point."""
        i = theta.decay_i * state["current"] + current
        return rest(u, theta.decay * u + (i + theta.bias), i, state["refractory"], theta)

    @staticmethod
    def fixed(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in integers."""
        i = rshift(theta.decay_i * state["current"], FRACTION_BITS) + current
        return rest(u, rshift(theta.decay * u, FRACTION_BITS) + i + theta.bias, i, state["refractory"], theta)


def rest(before: Any, integrated: Any, i: Any, refractory: Any, theta: Any) -> Any:
    """Potential, spike, reset and the steps left. before : what the last reset left; integrated : u of other steps."""
    u = np.where(refractory > 0, before, integrated)
    s = u > theta.vth
    reset = np.minimum(u - theta.vth, theta.vth) if theta.reset == "subtract" else 0 * u
    left = np.where(s, theta.refractory_period, np.maximum(refractory - 1, 0))
    return u, s, np.where(s, reset, u), {"current": i, "refractory": left.astype(u.dtype)}
