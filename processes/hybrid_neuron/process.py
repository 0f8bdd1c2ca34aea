# SPDX-License-Identifier: BSD-3-Clause
"""Neurons of any kind of synergic.neurons, or of a user's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from synergic._core.checks import kind, option
from synergic.network._description import Population
from synergic.network._quantise import IntPopulation
from synergic.neurons import Neuron
from synergic.numerics.fixed import ACCUMULATOR_SHIFT
from synergic.processes._population import SHIFTS, Neurons
from synergic.processes._shared_memory import STATE, THETA, SharedVar, table_of
from synergic.processes._timing import Timing


class HybridNeuron(Neurons):
    """HybridNeuron(shape=(5,), neuron=sy.CurrentLIF(0.5), vth=1.0, decay=0.9): the neuron's function, step by step.

    Parameters
    ----------
    shape : (n,)
    neuron : Neuron. Floating-point parameters select the floating-point model, integer ones (quantise) the fixed one.
    vth, decay, bias, reset : as synergic.Population or, for an integer neuron, IntPopulation; decay is 0 for neurons
        without memory.
    onset, period, presentations : see synergic.processes._timing.Timing; all state starts each presentation at 0.
    accumulator_shift : integers only; 6 where spikes come in, 14 where values of 8 bits do.
    record : number of Lava steps whose s and u are kept in `s_record`, `u_record` (record, n); default none.

    Ports: a_in (n,) synaptic input; s_out (n,) spikes 0/1, or values of 0 .. 1 (0 .. 255 in integers); u_out (n,) what
    local rules hear. Vars: u (n,) after reset; vth, decay (1,); bias (n,); s_record, u_record; saturated (1,) count.
    theta, state : by name, the neuron's parameters and its arrays beside u, each with the get and set of a Var.
    Raises ParameterError.
    """

    def __init__(
        self,
        *,
        shape: tuple[int],
        neuron: Neuron,
        vth: float,
        decay: float = 0,
        bias: Any = 0,
        reset: str = "subtract",
        onset: int = 0,
        period: int | None = None,
        presentations: int | None = None,
        record: int = 0,
        accumulator_shift: int = ACCUMULATOR_SHIFT,
        **kwargs: Any,
    ) -> None:
        name = kwargs.get("name", type(self).__name__)
        kind(f"{name}.neuron", neuron, Neuron, "Leaky integrate-and-fire neurons are a HybridLIF.")
        n, integer = self.count(name, shape), neuron.integer
        option(f"{name}.accumulator_shift", accumulator_shift, SHIFTS, "6 (spikes in) or 14 (values in)")
        # The description's own checks are the process's: a process is never looser than a network.
        if integer:
            bias = np.full(n, bias) if np.ndim(bias) == 0 else bias
            p: Any = IntPopulation(name, n, vth, decay, reset, bias, 1.0, accumulator_shift, neuron)  # type: ignore[arg-type]
        else:
            p = Population(name, n, vth, decay, reset, bias, neuron)
        timing = Timing(onset, period, presentations).check(name)
        super().__init__(
            reset=reset, integer=integer, timing=timing, accumulator_shift=accumulator_shift, neuron=neuron, **kwargs
        )
        self.declare(p, integer, record)
        limits = {key: parameter.limits(integer) for key, parameter in neuron.parameters().items()}
        self.theta: dict[str, SharedVar] = table_of(self, "theta", neuron.values, limits)
        self.state: dict[str, SharedVar] = table_of(self, "state", neuron.fresh(n), {})
        for key, table in ((THETA, self.theta), (STATE, self.state)):
            self.proc_params[key] = {each: variable.shared for each, variable in table.items()}
        self.share()

    @classmethod
    def from_description(cls, p: Population | IntPopulation, **timing: Any) -> HybridNeuron:
        """The process of a population of a network description."""
        if isinstance(p, IntPopulation):
            timing["accumulator_shift"] = p.accumulator_shift
        given = {name: getattr(p, name) for name in ("neuron", "vth", "decay", "bias", "reset", "name")}
        return cls(shape=(p.size,), **given, **timing)
