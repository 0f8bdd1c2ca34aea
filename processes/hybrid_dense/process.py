# SPDX-License-Identifier: BSD-3-Clause
"""All-to-all connection with slow weights W and fast, local weights P."""

from __future__ import annotations

from typing import Any

import numpy as np

from synergic._core.checks import numbers
from synergic.network._description import Population, Projection
from synergic.network._quantise import IntPopulation, IntProjection
from synergic.processes._connection import PlasticConnection
from synergic.processes._shared_memory import SharedVar


class HybridDense(PlasticConnection):
    """a(m) = sum_j s_j(m) (k(m) W_ij + alpha_i P_ij(m-1)); P by a local rule (synergic.rules).

    Connect `pre.s_out -> s_in`, `a_out -> neuron.a_in`, and for a plastic connection `neuron.u_out -> u_in`.
    Like Lava's Dense it sends before it receives: spikes of one step act in the next, any graph runs.

    Parameters
    ----------
    weights : (n_out, n_in), W. Floats select the floating-point models, integers the fixed-point ones.
    rule : Rule (floats), IntRule (integers), or None for a connection without local weights.
    alpha : scalar or (n_out,) or, floats only, (n_out, n_in).
    local_weights : (n_out, n_in), P at the start of each presentation; zeros if None.
    trace : "per_sample": P starts anew at each presentation and evolves; "frozen": P stays.
    vth : threshold of the neurons that the rule's rho(u / v_th) refers to (floats; integers have it in the table).
    k : decay of W at m = 1, 2, ...; beyond its end the last value holds. Integers: 12 fraction bits. Default 1.
    onset, period, presentations, lag : see synergic.processes._timing.Timing; the first three as of the neurons
        that a_out feeds.
    weight_bits, num_message_bits : integers only; of the slow weights, and 0 for spikes or 8 for values at s_in.
    record : number of presentations whose last P is kept in `local_record` (record, n_out, n_in); default none.

    Ports: s_in (n_in,), u_in (n_out,), r_in (1,), the global signal for rules that need one, a_out (n_out,). Vars,
    readable and settable between runs: weights, local_weights (now), local_start (of a presentation), alpha, eta,
    beta, lambda_, k; saturated (1,), entries of P that its bound changed. theta, state : by name, all parameters of
    the rule and its extra arrays, each with the get and set of a Var; eta, beta, lambda_ are those of theta.
    Raises ParameterError.
    """

    def __init__(
        self,
        *,
        weights: Any,
        rule: Any = None,
        alpha: Any = None,
        local_weights: Any = None,
        trace: str = "per_sample",
        weight_bits: int = 8,
        num_message_bits: int = 0,
        **kwargs: Any,
    ) -> None:
        name = kwargs.get("name", "HybridDense")
        weights = numbers(f"{name}.weights", weights)
        integer = weights.dtype.kind in "iu"
        alpha = np.zeros((), np.int64 if integer else np.float64) if alpha is None else alpha
        if integer and rule is not None and local_weights is None:
            local_weights = np.zeros(weights.shape, np.int64)
        # The description's own checks are the process's: a process is never looser than a network.
        if integer:
            p: Any = IntProjection(
                name, "s_in", "a_out", weights, rule, alpha, local_weights, trace, weight_bits, num_message_bits
            )
        else:
            p = Projection(name, "s_in", "a_out", weights, rule, alpha, local_weights, trace)
        fresh = rule.fresh(p.n_out, p.n_in) if p.learns else {}
        super().__init__(
            p, integer=integer, fresh=fresh, weight_bits=weight_bits, num_message_bits=num_message_bits, **kwargs
        )

    def synaptic(self, p: Any, values: Any, low: float, high: float) -> SharedVar:
        """A matrix, input by input."""
        return SharedVar(values, low, high, order="F")

    @classmethod
    def from_description(
        cls, p: Projection | IntProjection, post: Population | IntPopulation, k: Any, **timing: Any
    ) -> HybridDense:
        """The process of a projection of a network description; `post` is its target."""
        if isinstance(p, IntProjection):
            timing |= {"weight_bits": p.weight_bits, "num_message_bits": p.num_message_bits}
        return cls(
            weights=p.weights,
            rule=p.rule,
            alpha=p.alpha,
            local_weights=p.local_weights,
            trace=p.trace,
            vth=post.vth,
            k=k,
            name=p.name,
            **timing,
        )
