# SPDX-License-Identifier: BSD-3-Clause
"""All-to-all connection with slow weights W and fast, local weights P."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import numbers
from synergic._core.moved import renamed
from synergic.network._description import Population, Projection
from synergic.network._quantise import IntPopulation, IntProjection
from synergic.processes._connection import PlasticConnection
from synergic.processes._shared_memory import SharedVar
from synergic.rules import IntRule, Rule
from synergic.rules._stream import MEMORY

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synergic.processes._arguments import ClockArguments, ConnectionArguments


@renamed("trace", "plasticity_scope")
class HybridDense(PlasticConnection):
    """Dense (all-to-all) connection Process with slow weights W and fast, local weights P.

    The synaptic input of neuron i at step m of a presentation is

        a_i(m) = sum_j s_j(m) (k(m) W_ij + alpha_i P_ij(m-1)),

    where s_j are the spikes of input j. W stays as it is; a local rule (synergic.rules) updates P from the spikes
    and from the potential u_i(m) that this very input has driven.

    Connect `source.s_out` to `s_in`, `a_out` to `neuron.a_in` and, for a plastic connection, `neuron.u_out` to
    `u_in`. Like Lava's Dense, it sends before it receives: spikes of one step act in the next, so that any graph runs.

    Parameters
    ----------
    weights : array_like, shape (n_out, n_in)
        Slow weights W. Floats select the floating-point models; integers select the fixed-point models, and must
        fit `weight_bits`.
    rule : Rule, IntRule or None, default None
        Local rule: a Rule for floats, an IntRule for integers, None for a connection without local weights.
    alpha : array_like, shape () or (n_out,), default 0
        Weight of the local weights. Floats may also have one value a synapse, (n_out, n_in). Integers have 24 bits.
    local_weights : array_like, shape (n_out, n_in), default zeros
        P at the start of each presentation, within the bound of the rule.
    plasticity_scope : {"per_sample", "frozen", "stream"}, default "per_sample"
        "per_sample": P starts anew at each presentation and evolves. "frozen": P does not change. "stream": P lives on
        from presentation to presentation, and from run to run; the rule writes it at the end of each. It needs a
        `period`.
    weight_bits : int, default 8
        Integers only: bits of W, 2 to 16.
    num_message_bits : {0, 8}, default 0
        Integers only: 0 where spikes come in, 8 where values 0 .. 255 come in.
    memory : int, default 1000
        Of a stream: B, the presentations over which P averages, 1 .. 2^20.
    rounding : {"nearest", "stochastic"}, default "nearest"
        Of a stream, integers only: how the write is rounded.
    seed : int, default 1
        Seed of stochastic rounding, 1 .. 2^32 - 1.
    vth : float, default 0.35
        Threshold of the neurons behind, for the rho(u / v_th) of a rule; greater than 0. Integers have it in a table.
    k : array_like, shape (T,), default 1
        Decay of W at m = 1, 2, ...; beyond its end the last value is used. Integers have 12 fraction bits.
    onset : int, default 0
        Lava steps before the first presentation, as of the neurons behind.
    period : int or None, default None
        Steps T of a presentation. None: one presentation that does not end.
    presentations : int or None, default None
        Number of presentations, after which the process rests. None: no end.
    lag : int, default 0
        First steps of a presentation in which no spikes are delivered.
    delay : int, default 0
        Steps, 0 .. 62, that spikes wait in the process before they act, beside the one that each connection costs.
    presented : int, default 0
        Number of the first presentation. The random numbers of stochastic rounding depend on it.
    record : int, default 0
        Number of presentations of which `local_record` stores the last P.
    name, log_config
        As of every Lava process.

    Attributes
    ----------
    s_in : InPort, shape (n_in,)
        Spikes 0/1, or values.
    u_in : InPort, shape (n_out,)
        Potentials of the neurons behind, before their reset.
    r_in : InPort, shape (1,)
        Global signal, for rules that use one.
    a_out : OutPort, shape (n_out,)
        Synaptic input of the neurons behind.
    weights, local_weights, local_start : Var, shape (n_out, n_in)
        W, P now, and P at the start of a presentation. A stream starts from `local_weights` alone: set it to
        `local_start.get()` to reset what was learned, or to what an earlier run has left.
    alpha, k : Var
        As given.
    eta, beta, lambda_ : Var
        The parameters of those names of the rule; a single 0 where the rule has none.
    theta, state : dict of Var
        All parameters of the rule, and its arrays other than P, by name.
    saturated : Var, shape (1,)
        Number of values of P that its bound has changed.
    local_record : Var, shape (record, n_out, n_in)
        The last P of each recorded presentation. Of a stream the last one only, (1, n_out, n_in).

    Raises
    ------
    ParameterError
        If an argument is out of its range, or floats and integers are mixed.

    Notes
    -----
    Vars can be read and set between two runs. Equations: synergic.numerics.floating and synergic.numerics.fixed.

    Examples
    --------
    >>> dense = HybridDense(weights=np.zeros((10, 64)), rule=sy.Hebbian(eta=0.1, beta=0.1), alpha=0.5)
    >>> dense.a_out.connect(lif.a_in)
    >>> lif.u_out.connect(dense.u_in)
    """

    def __init__(
        self,
        *,
        weights: npt.ArrayLike,
        rule: Rule | IntRule | None = None,
        alpha: npt.ArrayLike | None = None,
        local_weights: npt.ArrayLike | None = None,
        plasticity_scope: str = "per_sample",
        weight_bits: int = 8,
        num_message_bits: int = 0,
        memory: int = MEMORY,
        rounding: str = "nearest",
        seed: int = 1,
        **kwargs: Unpack[ConnectionArguments],
    ) -> None:
        name = kwargs.get("name", "HybridDense")
        weights = numbers(f"{name}.weights", weights)
        integer = weights.dtype.kind in "iu"
        alpha = np.zeros((), np.int64 if integer else np.float64) if alpha is None else alpha
        if integer and rule is not None and local_weights is None:
            local_weights = np.zeros(weights.shape, np.int64)
        # The description's own checks are the process's: a process is never looser than a network.
        own: Any = rule
        if integer:
            p: Any = IntProjection(
                name, "s_in", "a_out", weights, own, alpha, local_weights, plasticity_scope, weight_bits,
                num_message_bits, memory=memory, rounding=rounding, seed=seed,
            )  # fmt: skip
        else:
            p = Projection(name, "s_in", "a_out", weights, own, alpha, local_weights, plasticity_scope, memory=memory)
        fresh = own.fresh(p.n_out, p.n_in) if p.learns else {}
        super().__init__(
            p, integer=integer, fresh=fresh, weight_bits=weight_bits, num_message_bits=num_message_bits, **kwargs
        )

    def synaptic(self, p: Any, values: npt.NDArray[Any], low: float, high: float) -> SharedVar:
        """Return a Var with a matrix (n_out, n_in), stored input by input."""
        return SharedVar(values, low, high, order="F")

    @classmethod
    def from_description(
        cls,
        p: Projection | IntProjection,
        post: Population | IntPopulation,
        k: npt.ArrayLike,
        lag: int = 0,
        presented: int = 0,
        **timing: Unpack[ClockArguments],
    ) -> HybridDense:
        """Build the process of one projection of a network description.

        Parameters
        ----------
        p : Projection or IntProjection
            The projection.
        post : Population or IntPopulation
            Its target population, whose threshold the local rule uses.
        k : array_like, shape (T,)
            Decay of the slow weights at steps 1 .. T, `network.k_of(p)`.
        lag : int, default 0
            Steps at the beginning of a presentation in which no spikes are delivered, `network.lag(p)`.
        presented : int, default 0
            Number of the first presentation, `network.presented`.
        **timing
            onset, period, presentations and record, as of the constructor.
        """
        integer = ("weight_bits", "num_message_bits", "rounding", "seed") if isinstance(p, IntProjection) else ()
        own: dict[str, Any] = {name: getattr(p, name) for name in integer}
        return cls(
            weights=p.weights,
            rule=p.rule,
            alpha=p.alpha,
            local_weights=p.local_weights,
            plasticity_scope=p.plasticity_scope,
            vth=post.vth,
            k=k,
            lag=lag,
            memory=p.memory,
            presented=presented,
            delay=p.delay,
            name=p.name,
            **own,
            **timing,
        )
