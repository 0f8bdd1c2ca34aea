# SPDX-License-Identifier: BSD-3-Clause
"""All-to-all connection with slow weights W and fast, local weights P."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort

from synergic.checks import finite_array, number, require
from synergic.network import Population, Projection
from synergic.processes.shared import SharedProcess, SharedVar
from synergic.processes.timing import Timing
from synergic.quantise import ONE, IntHebbian, IntPopulation, IntProjection


class HybridDense(SharedProcess):
    """a(m) = sum_j s_j(m) (k(m) W_ij + alpha_i P_ij(m-1)); P by the Hebbian rule (numerics.floating / fixed).

    Connect `pre.s_out -> s_in`, `a_out -> neuron.a_in`, and for a plastic connection `neuron.u_out -> u_in`.
    Like Lava's Dense it sends before it receives: spikes of one step act in the next, any graph runs.

    Parameters
    ----------
    weights : (n_out, n_in), W. Floats select the floating-point models, integers the fixed-point ones.
    rule : Hebbian (floats), IntHebbian (integers), or None for a connection without local weights.
    alpha : scalar or (n_out,) or, floats only, (n_out, n_in).
    local_weights : (n_out, n_in), P at the start of each presentation; zeros if None.
    trace : "per_sample": P starts anew at each presentation and evolves; "frozen": P stays.
    vth : threshold of the neurons that the rule's rho(u / v_th) refers to (floats; integers have it in the table).
    k : decay of W at m = 1, 2, ...; beyond its end the last value holds. Integers: 12 fraction bits. Default 1.
    onset, period, presentations, lag : see synergic.processes.timing.Timing; the first three as of the neurons
        that a_out feeds.
    weight_bits, num_message_bits : integers only; of the slow weights, and 0 for spikes or 8 for values at s_in.
    record : number of presentations whose last P is kept in `local_record` (record, n_out, n_in); default none.

    Ports: s_in (n_in,), u_in (n_out,), a_out (n_out,). Vars, readable and settable between runs: weights,
    local_weights (now), local_start (of a presentation), alpha, eta, beta, lambda_, k; saturated (1,), entries of
    P that its bound changed.
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
        vth: float = 0.35,
        k: Any = None,
        onset: int = 0,
        lag: int = 0,
        period: int | None = None,
        presentations: int | None = None,
        record: int = 0,
        weight_bits: int = 8,
        num_message_bits: int = 0,
        **kwargs: Any,
    ) -> None:
        name = kwargs.get("name", "HybridDense")
        weights = np.asarray(weights)
        integer = weights.dtype.kind in "iu"
        dtype = np.int64 if integer else np.float64
        alpha = np.zeros((), dtype) if alpha is None else alpha
        if integer and rule is not None and local_weights is None:
            local_weights = np.zeros(weights.shape, np.int64)
        # The description's own checks are the process's: a process is never looser than a network.
        if integer:
            p: Any = IntProjection(
                name, "s_in", "a_out", weights, rule, alpha, local_weights, trace, weight_bits, num_message_bits
            )
        else:
            p = Projection(name, "s_in", "a_out", weights, rule, alpha, local_weights, trace)
            number(f"{name}.vth", vth, 0, 1e6, "Give a positive threshold.", open_low=True)
        k = np.asarray([ONE if integer else 1.0] if k is None else k)
        k = finite_array(f"{name}.k", k, ((k.size,),), integer)
        timing = Timing(onset, period, presentations, lag).check(name)
        super().__init__(
            integer=integer,
            rule=rule,
            learns=p.learns,
            trace=trace,
            vth=vth,
            timing=timing,
            record=record,
            weight_bits=weight_bits,
            num_message_bits=num_message_bits,
            **kwargs,
        )
        top = 2 ** (weight_bits - 1) if integer else np.inf
        one = ONE if integer else 1
        self.s_in = InPort(shape=(p.n_in,))
        self.u_in = InPort(shape=(p.n_out,))
        self.a_out = OutPort(shape=(p.n_out,))
        self.weights = SharedVar(p.weights, -top, top - 1)
        self.k = SharedVar(k, 0, one)
        wide = 2**23 if integer else np.inf
        self.alpha = SharedVar(p.alpha, -wide, wide - 1)
        self.saturated = SharedVar(np.zeros(1, np.int64))
        # Lava wants every Var of the model to exist: without a rule they hold a single zero.
        none = np.zeros(1, dtype)
        limit = 2**15 - 1 if integer else np.inf
        bound = 0 if rule is None else rule.p_top if isinstance(rule, IntHebbian) else rule.p_max
        self.local_weights = SharedVar(none if rule is None else p.local_weights, -bound, bound)
        self.local_start = SharedVar(none if rule is None else p.local_weights, -bound, bound)
        self.eta = SharedVar(none if rule is None else rule.eta, -limit, limit)
        self.beta = SharedVar(none if rule is None else rule.beta, -limit, limit)
        self.lambda_ = SharedVar(none if rule is None else np.asarray(rule.lambda_, dtype), 0, one)
        kept = record if rule is not None else 0
        self.local_record = SharedVar(np.zeros((max(kept, 1), *(p.weights.shape if kept else (1, 1))), dtype))
        self.share()

    def check(self, model: Any) -> None:
        """Also refuses a plastic connection that does not hear the potential it learns from."""
        super().check(model)
        connected = self.u_in.get_src_ports() or not self.proc_params["learns"]
        remedy = "Connect neuron.u_out to it, or let P stay with trace='frozen'."
        require(bool(connected), f"{self.name}.u_in", "no connection", "one for a plastic connection", remedy)

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
