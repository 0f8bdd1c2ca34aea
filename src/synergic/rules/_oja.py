# SPDX-License-Identifier: BSD-3-Clause
"""Oja's rule: Hebbian growth with a forgetting that keeps the local weights of a neuron at length 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy.typing as npt

from synergic.numerics.fixed import FRACTION_BITS, rshift
from synergic.rules._c_rule import CRule
from synergic.rules._rates import rate
from synergic.rules._rule import REAL_SHIFT, Rule


@dataclass(frozen=True, eq=False)
class Oja(Rule):
    """Oja's rule: Hebbian growth that is bounded by forgetting.

    P_ij(m) = P_ij(m-1) + eta_i x_i (s_j - x_i P_ij(m-1)), with s the presynaptic spikes or values and x = u / v_th the
    postsynaptic potential, limited to -8 .. 8. The local weights of a neuron tend to length 1.

    Parameters
    ----------
    eta : float or (n_out,) array
        Rate. A step with eta x^2 beyond 2 oscillates. Default 0.01.
    p_max : float
        Bound of `|P|`, 1/16 to 256. Default 4.
    mask : (n_out, n_in) array of 0 and 1, or None
        Synapses that have a local weight. None (default) for all.

    Raises
    ------
    ParameterError
        For values out of range.

    References
    ----------
    Oja, J. Math. Biol. 15:267, 1982, eq. 3.
    """

    eta: npt.ArrayLike = rate(0.01, per="post")
    p_max: float = 4.0
    mask: npt.ArrayLike | None = None
    c_text: ClassVar[CRule] = CRule(
        """
            const int64_t forgotten = rshift(x * rshift(P * unit, 32), 12);
            P += rshift(eta * x * (s - forgotten), 24 + eta_exp);
        """
    )

    @staticmethod
    def floating(local: Any, state: Any, received: Any, theta: Any) -> Any:
        """The equation in floating point."""
        x = received.x[..., :, None]
        return local + (theta.eta * received.x)[..., :, None] * (received.s[..., None, :] - x * local), {}

    @staticmethod
    def fixed(local: Any, state: Any, received: Any, theta: Any) -> Any:
        """The equation in integers."""
        real = rshift(local * theta.unit, REAL_SHIFT)
        forgotten = rshift(received.x[..., :, None] * real, FRACTION_BITS)
        grown = (theta.eta * received.x)[..., :, None] * (received.s[..., None, :] - forgotten)
        return local + rshift(grown, 2 * FRACTION_BITS + theta.eta_exp), {}
