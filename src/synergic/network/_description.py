# SPDX-License-Identifier: BSD-3-Clause
"""The network description: plain data in physical (floating point) parameters, written once.

Time. A presentation has `steps` steps of `dt`. As in Lava every connection costs one step, and its `delay` more:
population `p` lives `onset(p)` steps behind the source (the first moment at which spikes can arrive), and its own step
m = 1 .. T is the source's step m seen `onset` steps later. A projection whose way is longer than that (a recurrent
one, or one beside a shorter path) delivers spikes `lag(projection)` steps of the presentation late; spikes never cross
from one presentation into the next. All executors follow these two numbers, and presentations can therefore follow
each other without a gap. A delay of the right length on the shorter of two paths makes them meet: no lag on either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, finite_array, kind, matrix, number, numbers, require, whole
from synergic._core.contents import Content
from synergic._core.moved import renamed
from synergic.network._convolution import Convolution
from synergic.network._topology import (
    DELAY_MAX,
    MESSAGE_BITS,
    READOUTS,
    Connection,
    Source,
    Topology,
    check_delay,
    check_onset,
)
from synergic.neurons import LIF, Homeostasis, Neuron
from synergic.neurons._homeostasis import check_homeostasis
from synergic.neurons._lif import checked_neuron
from synergic.numerics.floating import slow_decay
from synergic.rules import Rule
from synergic.rules._rates import check_masked
from synergic.rules._stream import MEMORY, check_memory

__all__ = [
    "DELAY_MAX", "MESSAGE_BITS", "PLASTICITY_SCOPES", "READOUTS", "RESETS", "Connection", "Network", "Population",
    "Projection", "Source", "Topology", "check_delay", "check_onset",
]  # fmt: skip

RESETS = ("subtract", "zero")
PLASTICITY_SCOPES = ("frozen", "per_sample", "stream")


@dataclass(frozen=True, eq=False)
class Population(Content):
    """A group of neurons of one kind with the same threshold and decay.

    Parameters
    ----------
    name : str
        Unique name.
    size : int
        Number of neurons, 1 or more.
    vth : float
        Threshold v_th in units of the potential, above 0 and up to 1e6. For neurons that send values, it is the
        potential at which x = u / v_th is 1.
    decay : float
        Decay d of the potential per step, 0 .. 1. It is 0 for neurons without memory.
    reset : {"subtract", "zero"}, default "subtract"
        Whether a spike subtracts v_th from the potential or sets it to 0.
    bias : array_like, shape () or (size,), default 0.0
        Bias b, which is added to the potential in each step.
    neuron : Neuron or None, default LIF()
        Kind of the neurons, from synergic.neurons. None means LIF.
    homeostasis : Homeostasis or None, default None
        Rule of an intrinsic bias that lives on from presentation to presentation. None means no such bias.
    onset : int or None, default None
        Steps behind the source at which the population's presentations begin, 0 or more, and not later than spikes
        can arrive. None: when the first spikes can arrive. An earlier one makes the spikes of all projections into it
        late by the difference (`Network.lag`).

    Raises
    ------
    ParameterError
        If a value is out of range, or the neuron does not fit the population.
    """

    name: str
    size: int
    vth: float
    decay: float
    reset: str = "subtract"
    bias: Any = 0.0
    neuron: Neuron = field(default_factory=LIF)
    homeostasis: Homeostasis | None = None
    onset: int | None = None

    def __post_init__(self) -> None:
        n = self.name
        kind("Population.name", n, str, "Give the population a name.")
        whole(f"{n}.size", self.size, 1, np.inf, "It is the number of neurons.")
        number(f"{n}.vth", self.vth, 0, 1e6, "Give a positive threshold.", open_low=True)
        number(f"{n}.decay", self.decay, 0, 1, "d is the share of the potential that is left after a step.")
        choice(f"{n}.reset", self.reset, RESETS)
        bias = numbers(f"{n}.bias", self.bias)
        bias = np.broadcast_to(bias, (self.size,)) if bias.ndim == 0 else bias
        object.__setattr__(self, "bias", finite_array(f"{n}.bias", bias, ((self.size,),)))
        object.__setattr__(self, "neuron", checked_neuron(n, self.neuron, self.size, self.decay, False))
        check_homeostasis(n, self.homeostasis, self.size, False)
        check_onset(n, self.onset)

    @property
    def num_message_bits(self) -> int:
        """0 if the neurons send spikes, 8 if values of 0 .. 1; as of a Source."""
        return self.neuron.num_message_bits


@renamed("trace", "plasticity_scope")
@dataclass(frozen=True, eq=False)
class Projection(Connection):
    """A connection from `source` to `target` with slow weights W and, if `rule` is given, local weights P.

    Parameters
    ----------
    name : str
        Unique name.
    source, target : str
        Name of the source or population that sends, and of the population that receives.
    weights : array_like, shape (n_out, n_in)
        Slow weights W.
    rule : Rule or None, default None
        Local rule, from synergic.rules. None makes a connection without local weights.
    alpha : array_like, shape (), (n_out,) or (n_out, n_in), default 0.0
        Factor of the local weights in the synaptic input.
    local_weights : array_like, shape (n_out, n_in), or None, default None
        Local weights P at the start of each presentation, within the rule's `p_max`. None means zeros.
    plasticity_scope : {"per_sample", "frozen", "stream"}, default "per_sample"
        "per_sample": the rule changes P during a presentation, and the next one starts from `local_weights` again.
        "frozen": P does not change. "stream": P lives on from presentation to presentation. It is written once at the
        end of each, by `Rule.write`.
    convolution : Convolution or None, default None
        Geometry with which the weights repeat one kernel. It changes no result, only how a mapping can store the
        weights. None makes no claim.
    fades : bool, default True
        Whether W decays with the network's k(m). Use False for fixed wiring, such as an average.
    memory : int, default 1000
        B of a stream, 1 .. 2^20: the presentations over which P averages, about 2 B of them. Other projections do not
        use it.
    delay : int, default 0
        Steps, 0 .. 62, that spikes are on their way beside the one step that each connection costs. The local rule
        receives the delayed spikes too.

    Raises
    ------
    ParameterError
        If a value is out of range, or the shapes do not fit together.
    """

    name: str
    source: str
    target: str
    weights: Any
    rule: Rule | None = None
    alpha: Any = 0.0
    local_weights: Any = None
    plasticity_scope: str = "per_sample"
    convolution: Convolution | None = None
    fades: bool = True
    memory: int = MEMORY
    delay: int = 0

    @classmethod
    def of_kernel(cls, name: str, source: str, target: str, kernel: Any, convolution: Convolution, **more: Any) -> Any:
        """Return a convolution, with weights unfolded from a kernel.

        Parameters
        ----------
        name, source, target : str
            As of Projection.
        kernel : array_like, shape (channels out, channels in / groups, height, width)
            Weights, as torch stores them.
        convolution : Convolution
            Geometry with which the kernel is applied.
        more : dict
            Further fields of Projection, as keyword arguments.

        Returns
        -------
        Projection
            The projection.

        Raises
        ------
        ParameterError
            If the kernel does not fit the geometry, or another field is out of range.
        """
        kind("Projection.of_kernel.convolution", convolution, Convolution, "It says how the kernel is moved.")
        kernel = numbers("Projection.of_kernel.kernel", kernel)
        got, want = f"shape {kernel.shape}", f"(channels out, channels in / groups, {convolution.kernel})"
        fits = kernel.ndim == 4 and kernel.shape[2:] == convolution.kernel
        require(fits, "Projection.of_kernel.kernel", got, want, "Give the weights as torch holds them.")
        return cls(name, source, target, convolution.unfold(kernel), convolution=convolution, **more)

    def __post_init__(self) -> None:
        kind("Projection.name", self.name, str, "Give the projection a name.")
        for end in ("source", "target"):
            kind(f"{self.name}.{end}", getattr(self, end), str, "It is the name of a population, or of the source.")
        weights = matrix(f"{self.name}.weights", self.weights)
        object.__setattr__(self, "weights", weights)
        self.check_convolution()
        shape = weights.shape
        choice(f"{self.name}.plasticity_scope", self.plasticity_scope, PLASTICITY_SCOPES)
        kind(f"{self.name}.fades", self.fades, bool, "False keeps the slow weights as they are.")
        check_memory(self.name, self.memory)
        check_delay(self.name, self.delay)
        kind(f"{self.name}.rule", self.rule, Rule | None, "None makes a connection without local weights.")
        alpha = finite_array(f"{self.name}.alpha", self.alpha, ((), shape[:1], shape))
        object.__setattr__(self, "alpha", alpha)
        if self.rule is None:
            require(
                self.local_weights is None,
                f"{self.name}.local_weights",
                "an array",
                "None without a rule",
                "Give a rule (plasticity_scope='frozen' keeps P as it is).",
            )
            return
        self.rule.check_shapes(self.name, *shape)
        p = np.zeros(shape) if self.local_weights is None else self.local_weights
        p = finite_array(f"{self.name}.local_weights", p, (shape,))
        top = float(np.abs(p).max(initial=0))
        require(
            top <= self.rule.p_max,
            f"{self.name}.local_weights",
            f"largest |P| {top:g}",
            f"up to p_max = {self.rule.p_max:g}",
            "Raise p_max or clip P.",
        )
        check_masked(self.name, self.rule, p)
        object.__setattr__(self, "local_weights", p)


@dataclass(frozen=True, eq=False)
class Network(Topology):
    """A network in physical parameters.

    Parameters
    ----------
    source : Source
        The input.
    populations : tuple of Population
        All populations, one or more.
    projections : tuple of Projection
        All connections, one or more. Each population needs a path from the source.
    output : str
        Name of the population whose activity is read out.
    steps : int
        Steps T of a presentation, 1 or more.
    readout : {"rank", "rate"}, default "rank"
        "rank" compares u(T) / v_th; "rate" compares spike counts, or the sums of the values that neurons send.
    dt : float, default 1.0
        Time step, above 0 and up to 1e6, in the unit of `tau_w`.
    tau_w : float, default inf
        Time constant of the slow weights' decay k(m) over a presentation, above 0. inf means no decay.

    Raises
    ------
    ParameterError
        If a value is out of range, a name is used twice, or the parts do not fit together.
    """

    readout: str = "rank"
    dt: float = 1.0
    tau_w: float = field(default=float("inf"))
    parts: ClassVar[dict[str, type]] = {"populations": Population, "projections": Projection}
    presented: ClassVar[int] = 0
    """As of IntNetwork; in floating point nothing depends on it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        number("Network.dt", self.dt, 0, 1e6, "Give a positive step.", open_low=True)
        remedy = "inf keeps the slow weights as they are."
        number("Network.tau_w", self.tau_w, 0, float("inf"), remedy, open_low=True)

    @cached_property
    def k(self) -> npt.NDArray[np.float64]:
        """k(m) for m = 1 .. T."""
        return np.array([slow_decay(m, self.dt, self.tau_w) for m in range(1, self.steps + 1)])
