# SPDX-License-Identifier: BSD-3-Clause
"""What all plastic connections share: ports, variables, the clock, and what is refused before a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from lava.magma.core.process.ports.ports import InPort, OutPort

from synergic._core.checks import finite_array, number, numbers, require, whole
from synergic.network._description import check_delay
from synergic.network._quantise import ONE
from synergic.numerics._compiled import warm_up
from synergic.processes._shared_memory import SENDS, STATE, THETA, SharedArrays, SharedProcess, SharedVar, table_of
from synergic.processes._timing import Timing
from synergic.rules import IntRule
from synergic.rules._stream import STEPS_MAX

VARS = ("eta", "beta", "lambda_")
"""Parameters of rules that are Vars of the process, because Lava requires the same Vars for every rule."""


class PlasticConnection(SharedProcess):
    """Base of HybridDense, HybridSparse and HybridConv, which define the synapses.

    Parameters
    ----------
    p : Any
        A description with checked values, such as a Projection or an IntProjection.
    integer : bool
        Whether the numbers are integers.
    fresh : dict
        Arrays of the rule other than P, at their start.
    shape_in, shape_out : tuple of int or None, defaults (n_in,) and (n_out,)
        Shapes of the ports.
    **kwargs
        As of HybridDense.

    Raises
    ------
    ParameterError
        If an argument is out of its range.
    """

    def __init__(
        self,
        p: Any,
        *,
        integer: bool,
        fresh: dict[str, Any],
        vth: float = 0.35,
        k: Any = None,
        onset: int = 0,
        lag: int = 0,
        period: int | None = None,
        presentations: int | None = None,
        record: int = 0,
        weight_bits: int = 8,
        num_message_bits: int = 0,
        presented: int = 0,
        delay: int = 0,
        shape_in: tuple[int, ...] | None = None,
        shape_out: tuple[int, ...] | None = None,
        **kwargs: Any,
    ) -> None:
        rule, name, dtype = p.rule, p.name, np.int64 if integer else np.float64
        check_delay(name, delay)
        if not integer:
            number(f"{name}.vth", vth, 0, 1e6, "Give a positive threshold.", open_low=True)
        k = numbers(f"{name}.k", [ONE if integer else 1.0] if k is None else k)
        require(k.size > 0, f"{name}.k", "none", "one or more", "Leave it out: the slow weights then stay.")
        k = finite_array(f"{name}.k", k, ((k.size,),), integer)
        whole(f"{name}.record", record, 0, float("inf"), "It is a number of presentations.")
        timing = Timing(onset, period, presentations, lag).check(name)
        whole(f"{name}.presented", presented, 0, 2**62, "It is the number of the first presentation.")
        if p.streams:
            remedy = "It is the number of steps of a presentation; a stream is written at its end."
            whole(f"{name}.period", 0 if period is None else period, 1, STEPS_MAX, remedy)
        shape_in, shape_out = shape_in or (p.n_in,), shape_out or (p.n_out,)
        super().__init__(
            integer=integer,
            rule=rule,
            learns=p.learns,
            streams=p.streams,
            memory=p.memory,
            rounding=getattr(p, "rounding", "nearest"),
            seed=getattr(p, "seed", 1),
            presented=presented,
            delay=int(delay),
            plasticity_scope=p.plasticity_scope,
            vth=vth,
            timing=timing,
            record=record,
            weight_bits=weight_bits,
            num_message_bits=num_message_bits,
            size=(p.n_out, p.n_in),
            shape_out=shape_out,
            **kwargs,
        )
        self.s_in: InPort = InPort(shape=shape_in)
        self.u_in: InPort = InPort(shape=shape_out)
        self.r_in: InPort = InPort(shape=(1,))
        self.a_out: OutPort = OutPort(shape=shape_out)
        top = 2 ** (weight_bits - 1) if integer else np.inf
        self.weights: SharedVar = self.slow_weights(p, -top, top - 1)
        self.k: SharedVar = SharedVar(k, 0, ONE if integer else 1)
        wide = 2**23 if integer else np.inf
        self.alpha: SharedVar = SharedVar(p.alpha, -wide, wide - 1)
        self.saturated: SharedVar = SharedVar(np.zeros(1, np.int64))
        # Lava wants every Var of the model to exist: without a rule they are a single zero.
        none = np.zeros(1, dtype)
        bound = 0 if rule is None else rule.p_top if isinstance(rule, IntRule) else rule.p_max
        for var in ("local_weights", "local_start"):
            variable = SharedVar(none, 0, 0) if rule is None else self.synaptic(p, p.local_weights, -bound, bound)
            setattr(self, var, variable)
        parameters = {} if rule is None else rule.parameters()
        values = {name: np.asarray(getattr(rule, name), dtype) for name in parameters}
        limits = {name: parameter.limits(integer) for name, parameter in parameters.items()}
        shown = {name: SharedVar(values.pop(name, none), *limits.get(name, (0, 0))) for name in VARS}
        self.eta: SharedVar
        self.beta: SharedVar
        self.lambda_: SharedVar
        self.eta, self.beta, self.lambda_ = shown.values()
        self.theta: dict[str, SharedVar] = {name: shown[name] for name in VARS if name in parameters}
        self.theta |= table_of(self, "theta", values, limits)
        self.state: dict[str, SharedVar] = table_of(self, "state", fresh, {})
        for key, table in ((THETA, self.theta), (STATE, self.state)):
            self.proc_params[key] = SharedArrays(table)
        recorded = 0 if rule is None else min(record, 1) if p.streams else record
        shape = p.local_weights.shape if recorded else (1, 1)
        self.local_record: SharedVar = SharedVar(np.zeros((max(recorded, 1), *shape), dtype))
        self.share()

    def synaptic(self, p: Any, values: npt.NDArray[Any], low: float, high: float) -> SharedVar:
        """Return a Var with one value a synapse."""
        raise NotImplementedError

    def slow_weights(self, p: Any, low: float, high: float) -> SharedVar:
        """Return the Var of the slow weights."""
        return self.synaptic(p, p.weights, low, high)

    def check(self, model: type) -> None:
        """Also refuse a plastic connection that does not receive the potential or the global signal of its rule.

        Integers that receive values but expect spikes are refused too, and the other way round.
        """
        super().check(model)
        for port in self.s_in.get_src_ports() if self.proc_params["integer"] else ():
            sent, expected = port.process.proc_params.get(SENDS), self.proc_params["num_message_bits"]
            if sent is not None:
                remedy = f"{port.process.name} sends values with 8 bits, spikes with 0."
                require(sent == expected, f"{self.name}.num_message_bits", expected, f"{sent}", remedy)
        plastic = self.proc_params["learns"] or self.proc_params["streams"]
        connected = self.u_in.get_src_ports() or not plastic
        remedy = "Connect neuron.u_out to it, or let P stay with plasticity_scope='frozen'."
        require(bool(connected), f"{self.name}.u_in", "no connection", "one for a plastic connection", remedy)
        connected = self.r_in.get_src_ports() or not (plastic and self.proc_params["rule"].signalled)
        remedy = "Connect a process that sends one number a step."
        require(bool(connected), f"{self.name}.r_in", "no connection", "one for a rule with a global signal", remedy)
        warm_up()
