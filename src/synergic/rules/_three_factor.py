# SPDX-License-Identifier: BSD-3-Clause
"""A rule of three factors: an eligibility trace stores coincidences until a global signal makes weights of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy.typing as npt

from synergic.numerics.fixed import FRACTION_BITS, rshift
from synergic.rules._c_rule import CRule
from synergic.rules._rates import plain, rate, share
from synergic.rules._rule import Rule, outer


@dataclass(frozen=True, eq=False)
class ThreeFactor(Rule):
    """A rule of three factors: an eligibility trace, from which a global signal makes weights.

    P_ij(m) = lambda P_ij(m-1) + eta r(m) e_ij(m), with the eligibility
    e_ij(m) = d e_ij(m-1) + s_j(m) (x_i(m) + beta_i), s the presynaptic spikes or values,
    x = u / v_th limited to -8 .. 8, and r the global signal (`signal` of simulate, port `r_in` of HybridDense).

    Parameters
    ----------
    eta : float
        Rate. Default 0.01.
    decay : float
        d, the share of the eligibility that a step keeps, 0 .. 1. Default 0.9.
    beta : float or (n_out,) array
        Threshold of the coincidence, -8 .. 8. Default 0.
    lambda_ : float
        Share of P that a step keeps, 0 .. 1. Default 1.
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
    The form of Gerstner et al., Front. Neural Circuits 12:53, 2018.
    """

    eta: float = rate(0.01)
    decay: float = share(0.9)
    beta: npt.ArrayLike = plain(0.0, per="post")
    lambda_: float = share(1.0)
    p_max: float = 4.0
    mask: npt.ArrayLike | None = None
    state: ClassVar[dict[str, str]] = {"eligibility": "synapse"}
    signalled: ClassVar[bool] = True
    c_text: ClassVar[CRule] = CRule(
        """
            eligibility = rshift(decay * eligibility + (x + beta) * s, 12);
            P = rshift(lambda_ * P, 12) + rshift(eta * signal * eligibility, 24 + eta_exp);
        """
    )

    @staticmethod
    def floating(local: Any, state: Any, received: Any, theta: Any) -> Any:
        """The equation in floating point."""
        met = outer(received.x + theta.beta, received.s)
        eligibility = theta.decay * state["eligibility"] + met
        grown = (theta.eta * received.signal)[..., None] * eligibility
        return theta.lambda_ * local + grown, {"eligibility": eligibility}

    @staticmethod
    def fixed(local: Any, state: Any, received: Any, theta: Any) -> Any:
        """The equation in integers."""
        met = outer(received.x + theta.beta, received.s)
        eligibility = rshift(theta.decay * state["eligibility"] + met, FRACTION_BITS)
        grown = rshift((theta.eta * received.signal)[..., None] * eligibility, 2 * FRACTION_BITS + theta.eta_exp)
        return rshift(theta.lambda_ * local, FRACTION_BITS) + grown, {"eligibility": eligibility}
