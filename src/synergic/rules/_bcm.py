# SPDX-License-Identifier: BSD-3-Clause
"""The rule of Bienenstock, Cooper and Munro: a threshold that follows the neuron's own activity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from synergic.numerics.fixed import FRACTION_BITS, rshift
from synergic.rules._rates import plain, rate, share
from synergic.rules._rule import Rule, outer


@dataclass(frozen=True, eq=False)
class BCM(Rule):
    """P_ij(m) = lambda P_ij(m-1) + eta s_j y_i (y_i - floor_i - theta_i(m-1)), y = u / v_th held within 0 .. 8,

    theta_i(m) = d theta_i(m-1) + (1 - d) y_i^2, theta(0) = 0: activity above the threshold potentiates, below it
    depresses, and the threshold rises with the square of the activity.

    eta : rate, one value or one a presynaptic neuron. decay : d, share of theta kept over a step. floor : what the
    threshold starts from, one value or one a postsynaptic neuron. `lambda_` : share of P kept over a step. p_max,
    mask : of synergic.rules.Rule. Source: Bienenstock et al., J. Neurosci. 2:32, 1982, with the squared average of
    Intrator and Cooper, Neural Netw. 5:3, 1992.
    """

    eta: Any = rate(0.01, per="pre")
    decay: Any = share(0.9)
    floor: Any = plain(0.5, per="post")
    lambda_: Any = share(1.0)
    p_max: float = 4.0
    mask: Any = None
    state: ClassVar[dict[str, str]] = {"threshold": "post"}

    @staticmethod
    def floating(local: Any, state: Any, heard: Any, theta: Any) -> Any:
        y = heard.x.clip(0)
        change = y * (y - theta.floor - state["threshold"])
        threshold = theta.decay * state["threshold"] + (1 - theta.decay) * y * y
        grown = outer(change, theta.eta * heard.s)
        return theta.lambda_ * local + grown, {"threshold": threshold}

    @staticmethod
    def fixed(local: Any, state: Any, heard: Any, theta: Any) -> Any:
        y, one = heard.x.clip(0), 1 << FRACTION_BITS
        change = rshift(y * (y - theta.floor - state["threshold"]), FRACTION_BITS)
        average = theta.decay * state["threshold"] + rshift((one - theta.decay) * y * y, FRACTION_BITS)
        grown = outer(change, theta.eta * heard.s)
        grown = rshift(grown, 2 * FRACTION_BITS + theta.eta_exp)
        return rshift(theta.lambda_ * local, FRACTION_BITS) + grown, {"threshold": rshift(average, FRACTION_BITS)}
