# SPDX-License-Identifier: BSD-3-Clause
"""Spike-timing-dependent plasticity of pairs: pre before post potentiates, post before pre depresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy.typing as npt

from synergic.numerics.fixed import FRACTION_BITS, rshift
from synergic.rules._c_rule import CRule
from synergic.rules._rates import rate, share
from synergic.rules._rule import Rule, outer


@dataclass(frozen=True, eq=False)
class PairSTDP(Rule):
    """Spike-timing-dependent plasticity (STDP) of all pairs of spikes.

    P_ij(m) = lambda P_ij(m-1) + eta_plus_i f_i(m) a_j(m) - eta_minus_j s_j(m) b_i(m), with s the presynaptic and f the
    postsynaptic spikes, and the traces a_j(m) = d_plus a_j(m-1) + s_j(m) and b_i(m) = d_minus (b_i(m-1) + f_i(m-1)).
    A single pair with the lag D = m_post - m_pre changes P by eta_plus d_plus^D for D >= 0, and by
    -eta_minus d_minus^-D for D < 0. A presynaptic spike in the step in which the neuron fires counts as before it.

    Parameters
    ----------
    eta_plus : float or (n_out,) array
        Rate of potentiation, positive for the usual window. Default 0.01.
    eta_minus : float or (n_in,) array
        Rate of depression, positive for the usual window. Default 0.01.
    decay_plus, decay_minus : float
        d = exp(-dt / tau), the share of a trace that a step keeps, 0 .. 1. Default 0.8.
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
    Song et al., Nat. Neurosci. 3:919, 2000; traces as in Morrison et al., Biol. Cybern. 98:459, 2008.
    """

    eta_plus: npt.ArrayLike = rate(0.01, per="post")
    eta_minus: npt.ArrayLike = rate(0.01, per="pre")
    decay_plus: float = share(0.8)
    decay_minus: float = share(0.8)
    lambda_: float = share(1.0)
    p_max: float = 4.0
    mask: npt.ArrayLike | None = None
    state: ClassVar[dict[str, str]] = {"before": "pre", "after": "post"}
    c_text: ClassVar[CRule] = CRule(
        pre="before = rshift(decay_plus * before, 12) + s;",
        post="after = rshift(decay_minus * after, 12);",
        synapse="""
            const int64_t change = eta_plus * fired * before - after * (eta_minus * s);
            P = rshift(lambda_ * P, 12) + rshift(change, 24 + eta_exp);
        """,
        post_end="after += fired;",
    )

    @staticmethod
    def floating(local: Any, state: Any, received: Any, theta: Any) -> Any:
        """The equation in floating point."""
        before = theta.decay_plus * state["before"] + received.s
        after = theta.decay_minus * state["after"]
        plus = outer(theta.eta_plus * received.fired, before)
        minus = outer(after, theta.eta_minus * received.s)
        return theta.lambda_ * local + plus - minus, {"before": before, "after": after + received.fired}

    @staticmethod
    def fixed(local: Any, state: Any, received: Any, theta: Any) -> Any:
        """The equation in integers."""
        before = rshift(theta.decay_plus * state["before"], FRACTION_BITS) + received.s
        after = rshift(theta.decay_minus * state["after"], FRACTION_BITS)
        plus = outer(theta.eta_plus * received.fired, before)
        minus = outer(after, theta.eta_minus * received.s)
        change = rshift(plus - minus, 2 * FRACTION_BITS + theta.eta_exp)
        retained = rshift(theta.lambda_ * local, FRACTION_BITS)
        return retained + change, {"before": before, "after": after + received.fired}
