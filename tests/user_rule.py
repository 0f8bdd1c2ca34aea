# SPDX-License-Identifier: BSD-3-Clause
"""A local rule as a user would write it (docs/extending/rule.md); the rest of the library knows nothing of it."""

from dataclasses import dataclass
from typing import Any

from synergic.numerics.fixed import rshift
from synergic.rules import Rule, outer, rate, share


@dataclass(frozen=True, eq=False)
class Habit(Rule):
    """P_ij(m) = keep P_ij(m-1) + eta s_j f_i."""

    eta: Any = rate(0.1)
    keep: Any = share(0.75)

    @staticmethod
    def floating(p, state, activity, theta):
        return theta.keep * p + theta.eta * outer(activity.fired, activity.s), state

    @staticmethod
    def fixed(p, state, activity, theta):
        grown = theta.eta * outer(activity.fired, activity.s)
        return rshift(theta.keep * p, 12) + rshift(grown, 24 + theta.eta_exp), state


from synergic.rules import CRule  # noqa: E402  the page adds this later

Habit.c_text = CRule("P = rshift(keep * P, 12) + rshift(eta * fired * s, 24 + eta_exp);")
