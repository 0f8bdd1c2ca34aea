# SPDX-License-Identifier: BSD-3-Clause
"""Spike-timing-dependent plasticity of pairs: pre before post potentiates, post before pre depresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from synergic.numerics.fixed import FRACTION_BITS, rshift
from synergic.rules._rates import rate, share
from synergic.rules._rule import Rule, outer


@dataclass(frozen=True, eq=False)
class PairSTDP(Rule):
    """P_ij(m) = lambda P_ij(m-1) + eta_plus f_i(m) a_j(m) - eta_minus s_j(m) b_i(m), f the postsynaptic spikes,

    a_j(m) = d_plus a_j(m-1) + s_j(m),  b_i(m) = d_minus (b_i(m-1) + f_i(m-1)).

    A single pair with lag D = m_post - m_pre changes P by eta_plus d_plus^D for D >= 0 (a spike that arrives in the
    step in which the neuron fires has helped it), and by -eta_minus d_minus^-D for D < 0. All pairs count.

    eta_plus, eta_minus : rates, both positive for the usual window; one value, or one a postsynaptic (plus) or
    presynaptic (minus) neuron. decay_plus, decay_minus : d = exp(-dt / tau), share of a trace kept over a step.
    `lambda_` : share of P kept over a step. p_max, mask : of synergic.rules.Rule. Source: Song et al., Nat. Neurosci.
    3:919, 2000; traces as in Morrison et al., Biol. Cybern. 98:459, 2008.
    """

    eta_plus: Any = rate(0.01, per="post")
    eta_minus: Any = rate(0.01, per="pre")
    decay_plus: Any = share(0.8)
    decay_minus: Any = share(0.8)
    lambda_: Any = share(1.0)
    p_max: float = 4.0
    mask: Any = None
    state: ClassVar[dict[str, str]] = {"before": "pre", "after": "post"}

    @staticmethod
    def floating(local: Any, state: Any, heard: Any, theta: Any) -> Any:
        before = theta.decay_plus * state["before"] + heard.s
        after = theta.decay_minus * state["after"]
        plus = outer(theta.eta_plus * heard.fired, before)
        minus = outer(after, theta.eta_minus * heard.s)
        return theta.lambda_ * local + plus - minus, {"before": before, "after": after + heard.fired}

    @staticmethod
    def fixed(local: Any, state: Any, heard: Any, theta: Any) -> Any:
        before = rshift(theta.decay_plus * state["before"], FRACTION_BITS) + heard.s
        after = rshift(theta.decay_minus * state["after"], FRACTION_BITS)
        plus = outer(theta.eta_plus * heard.fired, before)
        minus = outer(after, theta.eta_minus * heard.s)
        change = rshift(plus - minus, 2 * FRACTION_BITS + theta.eta_exp)
        kept = rshift(theta.lambda_ * local, FRACTION_BITS)
        return kept + change, {"before": before, "after": after + heard.fired}
