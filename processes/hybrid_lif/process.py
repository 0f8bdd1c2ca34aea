# SPDX-License-Identifier: BSD-3-Clause
"""Leaky integrate-and-fire neurons that answer with their membrane potential."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import option, require
from synergic.network._description import Population
from synergic.network._quantise import IntPopulation
from synergic.neurons import Homeostasis, IntHomeostasis
from synergic.neurons._neuron import plain_only
from synergic.numerics.fixed import ACCUMULATOR_SHIFT
from synergic.processes._population import SHIFTS, Neurons
from synergic.processes._timing import Timing

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synergic.processes._arguments import ClockArguments, ProcessArguments


class HybridLIF(Neurons):
    """Leaky integrate-and-fire (LIF) neuron Process that also sends its membrane potential.

    At step m of a presentation

        u(m) = d r(u(m-1), s(m-1)) + a_in(m) + b + c,    s(m) = 1 if u(m) > v_th else 0,

    where r is the reset, u starts each presentation at 0, and c is the intrinsic bias of `homeostasis`, 0 without it.

    Parameters
    ----------
    shape : tuple of int
        Number of neurons, (n,), or the sides of a grid of n neurons, as of Lava's LIF.
    vth : float or int, default 0.35
        Threshold v_th, greater than 0. A float selects the floating-point models, an integer the fixed-point models.
    decay : float or int, default 0.4
        Factor d of the potential in a step, 0 to 1; integers have 12 fraction bits, 0 to 4096.
    bias : array_like, shape () or `shape`, default 0
        Bias b, added in each step; of integers within 24 bits, at the scale of the membrane.
    reset : {"subtract", "zero"}, default "subtract"
        After a spike, the threshold is subtracted from u, or u becomes 0.
    onset : int, default 0
        Lava steps before the first presentation.
    period : int or None, default None
        Steps T of a presentation. None: one presentation that does not end.
    presentations : int or None, default None
        Number of presentations, after which the process rests. None: no end.
    record : int, default 0
        Number of Lava steps whose spikes and potentials are recorded.
    accumulator_shift : {6, 14}, default 6
        Integers only: 6 where spikes come in, 14 where values of 8 bits come in.
    homeostasis : Homeostasis, IntHomeostasis or None, default None
        Rule of an intrinsic bias, written once a presentation; it needs a `period`.
    name, log_config
        As of every Lava process.

    Attributes
    ----------
    a_in : InPort, shape `shape`
        Synaptic input.
    s_out : OutPort, shape `shape`
        Spikes 0/1.
    u_out : OutPort, shape `shape`
        Membrane potential before its reset.
    u : Var, shape `shape`
        Membrane potential after its reset.
    u_before_reset : Var, shape `shape`
        Membrane potential of the last step before its reset: what u_out sends, a run records, and rules receive. A
        Monitor of `u` shows less, by v_th, at each spike.
    vth, decay : Var, shape (1,)
        As given.
    bias : Var, shape `shape`
        As given.
    s_record, u_record : Var, shape (record, *shape)
        Recorded spikes, and potentials before their reset.
    homeostatic_bias : Var, shape `shape`
        Intrinsic bias c, which lives on from presentation to presentation.
    homeostatic_record : Var, shape (record // period, *shape)
        c after each recorded presentation.
    saturated : Var, shape (1,)
        Number of potentials that were limited to 24 bits; always 0 for floats.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or floats and integers are mixed.

    Notes
    -----
    Equations: synergic.numerics.floating, synergic.numerics.fixed, and docs/fixed-point.md for integers.

    Examples
    --------
    >>> lif = HybridLIF(shape=(10,), vth=0.5, decay=0.4)
    """

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        vth: float = 0.35,
        decay: float = 0.4,
        bias: npt.ArrayLike = 0.0,
        reset: str = "subtract",
        onset: int = 0,
        period: int | None = None,
        presentations: int | None = None,
        record: int = 0,
        accumulator_shift: int = ACCUMULATOR_SHIFT,
        homeostasis: Homeostasis | IntHomeostasis | None = None,
        **kwargs: Unpack[ProcessArguments],
    ) -> None:
        name = kwargs.get("name", "HybridLIF")
        shape, bias = self.flat(name, shape, bias)
        n = math.prod(shape)
        option(f"{name}.accumulator_shift", accumulator_shift, SHIFTS, "6 (spikes in) or 14 (values in)")
        integer = isinstance(vth, (int, np.integer))
        # The description's own checks are the process's: a process is never looser than a network.
        if integer:
            whole = isinstance(decay, (int, np.integer))
            allowed = "an integer with 12 fraction bits where vth is an integer"
            require(whole, f"{name}.decay", decay, allowed, "Call quantise() for integers.")
            bias = np.zeros(n, np.int64) if np.ndim(bias) == 0 and bias == 0 else bias
            bias = np.full(n, bias) if np.ndim(bias) == 0 else bias
            given = (name, n, int(vth), int(decay), reset, bias, 1.0, accumulator_shift)
            p: Any = IntPopulation(*given, homeostasis=homeostasis)  # type: ignore[arg-type]
        else:
            p = Population(name, n, vth, decay, reset, bias, homeostasis=homeostasis)  # type: ignore[arg-type]
        timing = Timing(onset, period, presentations).check(name)
        super().__init__(reset=reset, integer=integer, timing=timing, accumulator_shift=accumulator_shift, **kwargs)
        self.declare(p, integer, record, shape)
        self.share()

    @classmethod
    def from_description(
        cls, p: Population | IntPopulation, shape: tuple[int, ...] | None = None, **timing: Unpack[ClockArguments]
    ) -> HybridLIF:
        """Build the process of one population of a network description.

        Parameters
        ----------
        p : Population or IntPopulation
            The population, of leaky integrate-and-fire neurons.
        shape : tuple of int or None, default None
            Sides of a grid of as many neurons. None: (n,).
        **timing
            onset, period, presentations and record, as of the constructor.

        Raises
        ------
        UnsupportedError
            If the population has other neurons; they are a HybridNeuron.
        """
        plain_only(cls.__name__, (p,), "the process is this neuron", "Use HybridNeuron.")
        return cls(
            shape=shape or (p.size,),
            vth=p.vth,
            decay=p.decay,
            bias=p.bias.reshape(shape or (p.size,)),
            reset=p.reset,
            accumulator_shift=p.accumulator_shift if isinstance(p, IntPopulation) else ACCUMULATOR_SHIFT,
            homeostasis=p.homeostasis,
            name=p.name,
            **timing,
        )
