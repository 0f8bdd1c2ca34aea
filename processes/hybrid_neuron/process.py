# SPDX-License-Identifier: BSD-3-Clause
"""Neurons of any kind of synergic.neurons, or of a user's own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import kind, option
from synergic.network._description import Population
from synergic.network._quantise import IntPopulation
from synergic.neurons import Homeostasis, IntHomeostasis, Neuron
from synergic.numerics.fixed import ACCUMULATOR_SHIFT
from synergic.processes._population import SHIFTS, Neurons
from synergic.processes._shared_memory import STATE, THETA, SharedArrays, SharedVar, table_of
from synergic.processes._timing import Timing

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synergic.processes._arguments import ClockArguments, ProcessArguments


class HybridNeuron(Neurons):
    """Neuron Process of any kind of synergic.neurons, or of your own.

    In each step it calls the two pure functions of `neuron`, which state the equation. All state starts each
    presentation at 0.

    Parameters
    ----------
    shape : tuple of int
        Number of neurons, (n,), or the sides of a grid of n neurons, as of Lava's LIF.
    neuron : Neuron
        The kind of neuron. Floating-point parameters select the floating-point model, integer parameters (as quantise
        makes them) the fixed-point model. Parameters with a value a neuron are a row (n,), also for a grid.
    vth : float or int
        Threshold, greater than 0, in the numbers of `neuron`.
    decay : float or int, default 0
        Factor of the potential in a step, 0 to 1 (integers: 12 fraction bits). 0 for neurons without memory.
    bias : array_like, shape () or `shape`, default 0
        Bias, added in each step.
    reset : {"subtract", "zero"}, default "subtract"
        After a spike, the threshold is subtracted from u, or u becomes 0.
    onset : int, default 0
        Lava steps before the first presentation.
    period : int or None, default None
        Steps T of a presentation. None: one presentation that does not end.
    presentations : int or None, default None
        Number of presentations, after which the process rests. None: no end.
    record : int, default 0
        Number of Lava steps whose output and potentials are recorded.
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
        Spikes 0/1, or values of 0 .. 1 (integers: 0 .. 255), as the neuron sends.
    u_out : OutPort, shape `shape`
        Potential before its reset, which local rules use.
    u : Var, shape `shape`
        Potential after its reset.
    u_before_reset : Var, shape `shape`
        Membrane potential of the last step before its reset: what u_out sends, a run records, and rules receive. A
        Monitor of `u` shows less, by v_th, at each spike.
    vth, decay : Var, shape (1,)
        As given.
    bias : Var, shape `shape`
        As given.
    theta, state : dict of Var
        Parameters of the neuron, and its arrays other than u, by name.
    s_record, u_record : Var, shape (record, *shape)
        Recorded output, and potentials before their reset.
    homeostatic_bias : Var, shape `shape`
        Intrinsic bias c, which lives on from presentation to presentation.
    homeostatic_record : Var, shape (record // period, *shape)
        c after each recorded presentation.
    saturated : Var, shape (1,)
        Number of values that were limited to their bits; always 0 for floats.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or floats and integers are mixed.

    Examples
    --------
    >>> neurons = HybridNeuron(shape=(5,), neuron=sy.CurrentLIF(0.5), vth=1.0, decay=0.9)
    """

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        neuron: Neuron,
        vth: float,
        decay: float = 0,
        bias: npt.ArrayLike = 0,
        reset: str = "subtract",
        onset: int = 0,
        period: int | None = None,
        presentations: int | None = None,
        record: int = 0,
        accumulator_shift: int = ACCUMULATOR_SHIFT,
        homeostasis: Homeostasis | IntHomeostasis | None = None,
        **kwargs: Unpack[ProcessArguments],
    ) -> None:
        name = kwargs.get("name", type(self).__name__)
        kind(f"{name}.neuron", neuron, Neuron, "Leaky integrate-and-fire neurons are a HybridLIF.")
        shape, bias = self.flat(name, shape, bias)
        n, integer = math.prod(shape), neuron.integer
        option(f"{name}.accumulator_shift", accumulator_shift, SHIFTS, "6 (spikes in) or 14 (values in)")
        # The description's own checks are the process's: a process is never looser than a network.
        if integer:
            bias = np.full(n, bias) if np.ndim(bias) == 0 else bias
            p: Any = IntPopulation(name, n, vth, decay, reset, bias, 1.0, accumulator_shift, neuron, homeostasis)  # type: ignore[arg-type]
        else:
            p = Population(name, n, vth, decay, reset, bias, neuron, homeostasis)  # type: ignore[arg-type]
        timing = Timing(onset, period, presentations).check(name)
        super().__init__(
            reset=reset, integer=integer, timing=timing, accumulator_shift=accumulator_shift, neuron=neuron, **kwargs
        )
        self.declare(p, integer, record, shape)
        limits = {key: parameter.limits(integer) for key, parameter in neuron.parameters().items()}
        self.theta: dict[str, SharedVar] = table_of(self, "theta", neuron.values, limits)
        self.state: dict[str, SharedVar] = table_of(self, "state", neuron.fresh(shape[-1], shape[:-1]), {})
        for key, table in ((THETA, self.theta), (STATE, self.state)):
            self.proc_params[key] = SharedArrays(table)
        self.share()

    @classmethod
    def from_description(
        cls, p: Population | IntPopulation, shape: tuple[int, ...] | None = None, **timing: Unpack[ClockArguments]
    ) -> HybridNeuron:
        """Build the process of one population of a network description.

        Parameters
        ----------
        p : Population or IntPopulation
            The population, with a neuron of synergic.neurons or of your own.
        shape : tuple of int or None, default None
            Sides of a grid of as many neurons. None: (n,).
        **timing
            onset, period, presentations and record, as of the constructor.
        """
        given = {name: getattr(p, name) for name in ("neuron", "vth", "decay", "bias", "reset", "name", "homeostasis")}
        shift = p.accumulator_shift if isinstance(p, IntPopulation) else ACCUMULATOR_SHIFT
        shape = shape or (p.size,)
        given["bias"] = p.bias.reshape(shape)
        return cls(shape=shape, accumulator_shift=shift, **given, **timing)
