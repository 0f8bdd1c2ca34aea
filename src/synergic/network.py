# SPDX-License-Identifier: BSD-3-Clause
"""The network description: plain data in physical (floating point) parameters, written once.

Time. A presentation has `steps` steps of `dt`. As in Lava every connection costs one step: population
`p` lives `onset(p)` steps behind the source (its distance in connections), and its own step m = 1 .. T
is the source's step m seen `onset` steps later. A projection that does not lead one hop away from the
source (a recurrent or feedback one) delivers spikes `lag(projection)` steps of the presentation late;
spikes never cross from one presentation into the next. All executors follow these two numbers, and
presentations can therefore follow each other without a gap.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import networkx as nx
import numpy as np
import numpy.typing as npt

from synergic.checks import choice, finite_array, kind, matrix, number, numbers, option, require, vector, whole
from synergic.numerics.floating import RHO, slow_decay

RESETS = ("subtract", "zero")
MESSAGE_BITS = (0, 8)
VALUE_MAX = 255
"""The integer that a value of 1.0 becomes; see docs/fixed-point.md."""
TRACES = ("frozen", "per_sample")
READOUTS = ("rank", "rate")


@dataclass(frozen=True, eq=False)
class Source:
    """Where input enters.

    name, size : unique name and number of channels. num_message_bits : 0 for spikes of 0 and 1; 8 for values: real
    numbers in 0 .. 1 in floating point, and 0 .. 255 of them in integers (`encode`). As Lava's Dense has it.
    """

    name: str
    size: int
    num_message_bits: int = 0

    def __post_init__(self) -> None:
        kind("Source.name", self.name, str, "Give the source a name.")
        option(f"{self.name}.num_message_bits", self.num_message_bits, MESSAGE_BITS, "0 (spikes) or 8 (values)")
        whole(f"{self.name}.size", self.size, 1, np.inf, "It is the number of channels.")


@dataclass(frozen=True, eq=False)
class Population:
    """Leaky integrate-and-fire neurons, numerics.floating: membrane, spike, reset.

    name : unique name. size : number of neurons. vth : threshold v_th > 0, unit of the membrane.
    decay : d in [0, 1], per step. reset : "subtract" or "zero". bias : b, scalar or (size,).
    Raises ParameterError.
    """

    name: str
    size: int
    vth: float
    decay: float
    reset: str = "subtract"
    bias: Any = 0.0

    def __post_init__(self) -> None:
        n = self.name
        kind("Population.name", n, str, "Give the population a name.")
        whole(f"{n}.size", self.size, 1, np.inf, "It is the number of neurons.")
        number(f"{n}.vth", self.vth, 0, 1e6, "Give a positive threshold.", open_low=True)
        number(f"{n}.decay", self.decay, 0, 1, "d is the share of the potential kept over a step.")
        choice(f"{n}.reset", self.reset, RESETS)
        bias = numbers(f"{n}.bias", self.bias)
        bias = np.broadcast_to(bias, (self.size,)) if bias.ndim == 0 else bias
        object.__setattr__(self, "bias", finite_array(f"{n}.bias", bias, ((self.size,),)))


@dataclass(frozen=True, eq=False)
class Hebbian:
    """The local rule, numerics.floating.hebbian.

    eta : local rate, scalar or (n_in,). beta : sliding threshold, scalar or (n_out,). lambda_ : decay of P
    in [0, 1]. rho : "tanh", "identity" or, in floating point only, "softmax" over the layer. sign : +1 Hebbian,
    -1 anti-Hebbian. p_max : bound of |P|, > 0.
    """

    eta: Any
    beta: Any
    lambda_: float = 0.95
    rho: str = "tanh"
    sign: int = 1
    p_max: float = 4.0

    def __post_init__(self) -> None:
        for name in ("eta", "beta"):
            object.__setattr__(self, name, vector(f"Hebbian.{name}", getattr(self, name)))
        number("Hebbian.lambda_", self.lambda_, 0, 1, "lambda is the share of P kept over a step.")
        choice("Hebbian.rho", self.rho, tuple(RHO))
        option("Hebbian.sign", self.sign, (1, -1), "1 (Hebbian) or -1 (anti-Hebbian)")
        number("Hebbian.p_max", self.p_max, 0, 1e6, "Give a positive bound.", open_low=True)


class Connection:
    """What the floating-point and the integer projection derive from their fields."""

    weights: Any
    rule: Any
    trace: str

    @property
    def n_in(self) -> int:
        """Number of presynaptic channels."""
        return int(self.weights.shape[1])

    @property
    def n_out(self) -> int:
        """Number of postsynaptic neurons."""
        return int(self.weights.shape[0])

    @property
    def learns(self) -> bool:
        """Whether P changes during a presentation."""
        return self.rule is not None and self.trace == "per_sample"


@dataclass(frozen=True, eq=False)
class Projection(Connection):
    """A connection from `source` to `target` with slow weights W and, if `rule` is given, local weights P.

    weights : W, (n_out, n_in). rule : Hebbian or None (no local term). alpha : scalar, (n_out,) or
    (n_out, n_in). local_weights : P at the start of each presentation, (n_out, n_in); zeros if None.
    trace : "per_sample" (P starts anew at each presentation and evolves) or "frozen" (P stays).
    """

    name: str
    source: str
    target: str
    weights: Any
    rule: Hebbian | None = None
    alpha: Any = 0.0
    local_weights: Any = None
    trace: str = "per_sample"

    def __post_init__(self) -> None:
        kind("Projection.name", self.name, str, "Give the projection a name.")
        weights = matrix(f"{self.name}.weights", self.weights)
        object.__setattr__(self, "weights", weights)
        shape = weights.shape
        choice(f"{self.name}.trace", self.trace, TRACES)
        kind(f"{self.name}.rule", self.rule, Hebbian | None, "None makes a connection without local weights.")
        alpha = finite_array(f"{self.name}.alpha", self.alpha, ((), shape[:1], shape))
        object.__setattr__(self, "alpha", alpha)
        if self.rule is None:
            require(
                self.local_weights is None,
                f"{self.name}.local_weights",
                "an array",
                "None without a rule",
                "Give a rule (trace='frozen' keeps P as it is).",
            )
            return
        require(
            self.rule.eta.shape in ((), shape[1:]),
            f"{self.name}.rule.eta",
            f"shape {self.rule.eta.shape}",
            f"() or {shape[1:]}",
            "eta is one value a presynaptic neuron.",
        )
        require(
            self.rule.beta.shape in ((), shape[:1]),
            f"{self.name}.rule.beta",
            f"shape {self.rule.beta.shape}",
            f"() or {shape[:1]}",
            "beta is one value a postsynaptic neuron.",
        )
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
        object.__setattr__(self, "local_weights", p)


@dataclass(frozen=True, eq=False)
class Topology:
    """Names and order: what the floating-point and the integer network share."""

    source: Source
    populations: tuple[Any, ...]
    projections: tuple[Any, ...]
    output: str
    steps: int
    readout: str
    integer: ClassVar[bool] = False
    parts: ClassVar[dict[str, type]] = {}

    def __post_init__(self) -> None:
        kind("Network.source", self.source, Source, "Build one first.")
        for name, wanted in self.parts.items():
            value = getattr(self, name)
            require(isinstance(value, tuple), f"Network.{name}", repr(value), "a tuple", "Use tuple(...).")
            require(bool(value), f"Network.{name}", "none", "one or more", "Add one.")
            for item in value:
                kind(f"Network.{name}", item, wanted, "Floats and integers do not mix; quantise() makes integers.")
        names = [self.source.name, *(p.name for p in self.populations), *(p.name for p in self.projections)]
        twice = sorted({n for n in names if names.count(n) > 1})
        require(not twice, "Network names", f"{twice} more than once", "unique names", "Rename one of each.")
        plain = all("/" not in n and n for n in names)
        require(plain, "Network names", names, "non-empty names without '/'", "Files use '/' to separate them.")
        whole("Network.steps", self.steps, 1, np.inf, "It is the number of steps of a presentation.")
        choice("Network.readout", self.readout, READOUTS)
        choice("Network.output", self.output, tuple(p.name for p in self.populations))
        sizes = {p.name: p.size for p in (self.source, *self.populations)}
        for p in self.projections:
            choice(f"{p.name}.source", p.source, tuple(sizes))
            choice(f"{p.name}.target", p.target, tuple(q.name for q in self.populations))
            want = (sizes[p.target], sizes[p.source])
            require(
                p.weights.shape == want,
                f"{p.name}.weights",
                f"shape {p.weights.shape}",
                str(want),
                f"{p.target} has {want[0]} neurons, {p.source} sends {want[1]} channels.",
            )
        lost = [p.name for p in self.populations if p.name not in self.onsets]
        require(
            not lost,
            "Network.projections",
            f"no path from the source to {lost}",
            "a path to every population",
            "Connect or remove them.",
        )

    @cached_property
    def onsets(self) -> dict[str, int]:
        """Connections between the source and each population: the steps it lives behind the source."""
        graph = nx.DiGraph((p.source, p.target) for p in self.projections)
        graph.add_node(self.source.name)
        return dict(nx.single_source_shortest_path_length(graph, self.source.name))

    @cached_property
    def ordered(self) -> tuple[Any, ...]:
        """Populations by onset, so that each meets spikes already computed."""
        return tuple(sorted(self.populations, key=lambda p: self.onsets[p.name]))

    def lag(self, projection: Any) -> int:
        """Steps of the presentation by which the projection's spikes arrive late; 0 for one hop forward."""
        return self.onsets[projection.source] - self.onsets[projection.target] + 1

    def into(self, name: str) -> tuple[Any, ...]:
        """The projections that end at a population, in the order of the description."""
        return tuple(p for p in self.projections if p.target == name)

    def population(self, name: str) -> Any:
        """The population of that name."""
        return next(p for p in self.populations if p.name == name)

    @property
    def depth(self) -> int:
        """Steps that the slowest population lives behind the source."""
        return max(self.onsets.values())

    def check_input(self, values: Any) -> npt.NDArray[Any]:
        """Input as (samples, steps, channels); (steps, channels) counts as one sample.

        Spikes: 0 and 1, int64. Values, of a source with num_message_bits = 8: 0 .. 1 as float64 for a Network, whole
        numbers 0 .. 255 as int64 for an IntNetwork. Raises ParameterError.
        """
        given = numbers("input", values, "iufb")  # spikes may well be truth values; parameters may not
        array = given[None] if given.ndim == 2 else given
        want = (self.steps, self.source.size)
        require(
            array.ndim == 3 and len(array) > 0 and array.shape[1:] == want,
            "input",
            f"shape {given.shape}",
            f"(samples, {want[0]}, {want[1]}), at least one sample",
            "Axes are sample, step, channel.",
        )
        values_in = self.source.num_message_bits > 0
        if not values_in:
            bad, allowed, remedy = ~np.isin(array, (0, 1)), "0 or 1", "Encode first."
        elif self.integer:
            bad = ~((array >= 0) & (array <= VALUE_MAX)) | (array != np.floor(array))
            allowed, remedy = f"whole numbers in 0 to {VALUE_MAX}", "Scale the data, or use encode()."
        else:
            bad, allowed, remedy = ~((array >= 0) & (array <= 1)), "0 to 1", "Scale the data."
        require(not bad.any(), "input", f"{array[bad][:3]}", allowed, remedy)  # NaN is never inside
        return array.astype(float if values_in and not self.integer else np.int64)


@dataclass(frozen=True, eq=False)
class Network(Topology):
    """A network in physical parameters.

    source, populations, projections, output : the graph; output names the read-out population.
    steps : T, steps of a presentation. readout : "rank" (u(T) / v_th) or "rate" (spike count).
    dt, tau_w : time step and time constant of the slow weights' decay k(m), same unit; inf: no decay.
    """

    readout: str = "rank"
    dt: float = 1.0
    tau_w: float = field(default=float("inf"))
    parts: ClassVar[dict[str, type]] = {"populations": Population, "projections": Projection}

    def __post_init__(self) -> None:
        super().__post_init__()
        number("Network.dt", self.dt, 0, 1e6, "Give a positive step.", open_low=True)
        remedy = "inf keeps the slow weights as they are."
        number("Network.tau_w", self.tau_w, 0, float("inf"), remedy, open_low=True)

    @cached_property
    def k(self) -> npt.NDArray[np.float64]:
        """k(m) for m = 1 .. T."""
        return np.array([slow_decay(m, self.dt, self.tau_w) for m in range(1, self.steps + 1)])
