# SPDX-License-Identifier: BSD-3-Clause
"""The rule of Bienenstock, Cooper and Munro: a threshold that follows the neuron's own activity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy.typing as npt

from synergic.numerics.fixed import FRACTION_BITS, rshift
from synergic.rules._c_rule import CRule
from synergic.rules._rates import plain, rate, share
from synergic.rules._rule import Rule, outer


@dataclass(frozen=True, eq=False)
class BCM(Rule):
    """The rule of Bienenstock, Cooper and Munro (BCM): a threshold that follows the neuron's own activity.

    P_ij(m) = lambda P_ij(m-1) + eta_j s_j y_i (y_i - floor_i - theta_i(m-1)), with y = u / v_th limited to 0 .. 8 and
    theta_i(m) = d theta_i(m-1) + (1 - d) y_i^2, theta(0) = 0. Activity above the threshold increases P, activity below
    it decreases P, and the threshold rises with the square of the activity.

    Parameters
    ----------
    eta : float or (n_in,) array
        Rate. Default 0.01.
    decay : float
        d, the share of theta that a step keeps, 0 .. 1. Default 0.9.
    floor : float or (n_out,) array
        Constant part of the threshold, -8 .. 8. Default 0.5.
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
    Bienenstock et al., J. Neurosci. 2:32, 1982; the average of the square by Intrator and Cooper, Neural Netw. 5:3,
    1992.
    """

    eta: npt.ArrayLike = rate(0.01, per="pre")
    decay: float = share(0.9)
    floor: npt.ArrayLike = plain(0.5, per="post")
    lambda_: float = share(1.0)
    p_max: float = 4.0
    mask: npt.ArrayLike | None = None
    state: ClassVar[dict[str, str]] = {"threshold": "post"}
    c_text: ClassVar[CRule] = CRule(
        post="""
            const int64_t y = x > 0 ? x : 0;
            const int64_t change = rshift(y * (y - floor - threshold), 12);
            threshold = rshift(decay * threshold + rshift((4096 - decay) * y * y, 12), 12);
        """,
        synapse="P = rshift(lambda_ * P, 12) + rshift(change * (eta * s), 24 + eta_exp);",
    )

    @staticmethod
    def floating(local: Any, state: Any, received: Any, theta: Any) -> Any:
        """The equation in floating point."""
        y = received.x.clip(0)
        change = y * (y - theta.floor - state["threshold"])
        threshold = theta.decay * state["threshold"] + (1 - theta.decay) * y * y
        grown = outer(change, theta.eta * received.s)
        return theta.lambda_ * local + grown, {"threshold": threshold}

    @staticmethod
    def fixed(local: Any, state: Any, received: Any, theta: Any) -> Any:
        """The equation in integers."""
        y, one = received.x.clip(0), 1 << FRACTION_BITS
        change = rshift(y * (y - theta.floor - state["threshold"]), FRACTION_BITS)
        average = theta.decay * state["threshold"] + rshift((one - theta.decay) * y * y, FRACTION_BITS)
        grown = outer(change, theta.eta * received.s)
        grown = rshift(grown, 2 * FRACTION_BITS + theta.eta_exp)
        return rshift(theta.lambda_ * local, FRACTION_BITS) + grown, {"threshold": rshift(average, FRACTION_BITS)}
