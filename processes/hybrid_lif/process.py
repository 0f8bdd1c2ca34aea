# SPDX-License-Identifier: BSD-3-Clause
"""Leaky integrate-and-fire neurons that answer with their membrane potential."""

from __future__ import annotations

from typing import Any

import numpy as np

from synergic._core.checks import option, require
from synergic.network._description import Population
from synergic.network._quantise import IntPopulation
from synergic.neurons._neuron import plain_only
from synergic.numerics.fixed import ACCUMULATOR_SHIFT
from synergic.processes._population import SHIFTS, Neurons
from synergic.processes._timing import Timing


class HybridLIF(Neurons):
    """u(m) = d r(u(m-1), s(m-1)) + a_in + b;  s(m) = u(m) > v_th  (numerics.floating / numerics.fixed).

    Parameters
    ----------
    shape : (n,)
    vth, decay, bias, reset : as synergic.Population. Integers (docs/fixed-point.md, `vth` and `bias` at the
        membrane's scale, `decay` with 12 fraction bits) select the fixed-point models, floats the floating ones.
    onset, period, presentations : see synergic.processes._timing.Timing; u starts each presentation at 0.
    accumulator_shift : integers only; 6 where spikes come in, 14 where values of 8 bits do.
    record : number of Lava steps whose s and u are kept in `s_record`, `u_record` (record, n); default none.

    Ports: a_in (n,) synaptic input; s_out (n,) spikes 0/1; u_out (n,) membrane before its reset.
    Vars: u (n,) after reset; vth, decay (1,); bias (n,); s_record, u_record; saturated (1,) count.
    Raises ParameterError.
    """

    def __init__(
        self,
        *,
        shape: tuple[int],
        vth: float = 0.35,
        decay: float = 0.4,
        bias: Any = 0.0,
        reset: str = "subtract",
        onset: int = 0,
        period: int | None = None,
        presentations: int | None = None,
        record: int = 0,
        accumulator_shift: int = ACCUMULATOR_SHIFT,
        **kwargs: Any,
    ) -> None:
        name = kwargs.get("name", "HybridLIF")
        n = self.count(name, shape)
        option(f"{name}.accumulator_shift", accumulator_shift, SHIFTS, "6 (spikes in) or 14 (values in)")
        integer = isinstance(vth, (int, np.integer))
        # The description's own checks are the process's: a process is never looser than a network.
        if integer:
            whole = isinstance(decay, (int, np.integer))
            allowed = "an integer with 12 fraction bits where vth is an integer"
            require(whole, f"{name}.decay", decay, allowed, "Call quantise() for integers.")
            bias = np.zeros(n, np.int64) if np.ndim(bias) == 0 and bias == 0 else bias
            bias = np.full(n, bias) if np.ndim(bias) == 0 else bias
            p: Any = IntPopulation(name, n, int(vth), int(decay), reset, bias, 1.0, accumulator_shift)
        else:
            p = Population(name, n, vth, decay, reset, bias)
        timing = Timing(onset, period, presentations).check(name)
        super().__init__(reset=reset, integer=integer, timing=timing, accumulator_shift=accumulator_shift, **kwargs)
        self.declare(p, integer, record)
        self.share()

    @classmethod
    def from_description(cls, p: Population | IntPopulation, **timing: Any) -> HybridLIF:
        """The process of a population of a network description. Raises UnsupportedError for other neurons."""
        plain_only(cls.__name__, (p,), "the process is this neuron", "Use HybridNeuron.")
        if isinstance(p, IntPopulation):
            timing["accumulator_shift"] = p.accumulator_shift
        return cls(shape=(p.size,), vth=p.vth, decay=p.decay, bias=p.bias, reset=p.reset, name=p.name, **timing)
