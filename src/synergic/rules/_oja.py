# SPDX-License-Identifier: BSD-3-Clause
"""Oja's rule: Hebbian growth with a forgetting that keeps the local weights of a neuron at length 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synergic.numerics.fixed import FRACTION_BITS, rshift
from synergic.rules._rates import rate
from synergic.rules._rule import REAL_SHIFT, Rule


@dataclass(frozen=True, eq=False)
class Oja(Rule):
    """P_ij(m) = P_ij(m-1) + eta x_i (s_j - x_i P_ij(m-1)), x = u / v_th held within -8 .. 8.

    eta : rate, one value or one a postsynaptic neuron; eta x^2 beyond 2 oscillates, as every Euler step of it.
    p_max, mask : of synergic.rules.Rule. Source: Oja, J. Math. Biol. 15:267, 1982, eq. 3.
    """

    eta: Any = rate(0.01, per="post")
    p_max: float = 4.0
    mask: Any = None

    @staticmethod
    def floating(local: Any, state: Any, heard: Any, theta: Any) -> Any:
        x = heard.x[..., :, None]
        return local + (theta.eta * heard.x)[..., :, None] * (heard.s[..., None, :] - x * local), {}

    @staticmethod
    def fixed(local: Any, state: Any, heard: Any, theta: Any) -> Any:
        real = rshift(local * theta.unit, REAL_SHIFT)
        forgotten = rshift(heard.x[..., :, None] * real, FRACTION_BITS)
        grown = (theta.eta * heard.x)[..., :, None] * (heard.s[..., None, :] - forgotten)
        return local + rshift(grown, 2 * FRACTION_BITS + theta.eta_exp), {}
