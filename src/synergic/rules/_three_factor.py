# SPDX-License-Identifier: BSD-3-Clause
"""A rule of three factors: an eligibility trace remembers coincidences until a global signal turns them into weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from synergic.numerics.fixed import FRACTION_BITS, rshift
from synergic.rules._rates import plain, rate, share
from synergic.rules._rule import Rule, outer


@dataclass(frozen=True, eq=False)
class ThreeFactor(Rule):
    """P_ij(m) = lambda P_ij(m-1) + eta r(m) e_ij(m),  e_ij(m) = d e_ij(m-1) + s_j(m) (x_i(m) + beta_i),

    r the global signal (`signal` of simulate, `r_in` of HybridDense), x = u / v_th held within -8 .. 8.

    eta : rate. decay : d, share of the eligibility e kept over a step. beta : threshold of the coincidence, one value
    or one a postsynaptic neuron. `lambda_` : share of P kept over a step. p_max, mask : of synergic.rules.Rule. Source:
    the form of Gerstner et al., Front. Neural Circuits 12:53, 2018.
    """

    eta: Any = rate(0.01)
    decay: Any = share(0.9)
    beta: Any = plain(0.0, per="post")
    lambda_: Any = share(1.0)
    p_max: float = 4.0
    mask: Any = None
    state: ClassVar[dict[str, str]] = {"eligibility": "synapse"}
    signalled: ClassVar[bool] = True

    @staticmethod
    def floating(local: Any, state: Any, heard: Any, theta: Any) -> Any:
        met = outer(heard.x + theta.beta, heard.s)
        eligibility = theta.decay * state["eligibility"] + met
        grown = (theta.eta * heard.signal)[..., None] * eligibility
        return theta.lambda_ * local + grown, {"eligibility": eligibility}

    @staticmethod
    def fixed(local: Any, state: Any, heard: Any, theta: Any) -> Any:
        met = outer(heard.x + theta.beta, heard.s)
        eligibility = rshift(theta.decay * state["eligibility"] + met, FRACTION_BITS)
        grown = rshift((theta.eta * heard.signal)[..., None] * eligibility, 2 * FRACTION_BITS + theta.eta_exp)
        return rshift(theta.lambda_ * local, FRACTION_BITS) + grown, {"eligibility": eligibility}
