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

from synergic.errors import ParameterError
from synergic.numerics.floating import RHO, slow_decay

RESETS = ("subtract", "zero")
MESSAGE_BITS = (0, 8)
VALUE_MAX = 255
"""The integer that a value of 1.0 becomes; see docs/fixed-point.md."""
TRACES = ("frozen", "per_sample")
READOUTS = ("rank", "rate")


def require(condition: bool, where: str, got: Any, allowed: str, remedy: str) -> None:
    """Raise ParameterError with the house's text unless the condition holds."""
    if not condition:
        raise ParameterError(f"{where}: got {got}, allowed {allowed}. {remedy}")


def choice(where: str, got: str, options: tuple[str, ...]) -> None:
    """Refuse a name that is not one of the options."""
    require(got in options, where, repr(got), " or ".join(map(repr, options)), "Choose one of these.")


def finite_array(
    where: str, value: Any, shapes: tuple[tuple[int, ...], ...], integer: bool = False
) -> npt.NDArray[Any]:
    """A read-only array of one of the given shapes, all values finite."""
    try:
        array = np.array(value, dtype=None if integer else float)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{where}: got {value!r}, allowed an array of numbers.") from error
    if integer:
        require(array.dtype.kind in "iu", where, f"dtype {array.dtype}", "integers", "Call quantise() first.")
        array = array.astype(np.int64)
    require(
        array.shape in shapes,
        where,
        f"shape {array.shape}",
        " or ".join(map(str, shapes)),
        "Shapes are (postsynaptic, presynaptic).",
    )
    bad = int(np.count_nonzero(~np.isfinite(array)))
    require(bad == 0, where, f"{bad} values that are NaN or infinite", "finite values", "Check the training run.")
    array.setflags(write=False)
    return array


def number(where: str, value: Any, low: float, high: float, remedy: str, open_low: bool = False) -> float:
    """A finite number within [low, high], or (low, high]."""
    ok = np.isscalar(value) and np.isreal(value) and np.isfinite(float(value))  # type: ignore[arg-type]
    ok = ok and (low < value if open_low else low <= value) and value <= high
    require(bool(ok), where, repr(value), f"{'(' if open_low else '['}{low:g}, {high:g}]", remedy)
    return float(value)


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
        bits = self.num_message_bits
        require(bits in MESSAGE_BITS, f"{self.name}.num_message_bits", bits, "0 (spikes) or 8 (values)", "Choose one.")
        require(int(self.size) == self.size and self.size > 0, f"{self.name}.size", self.size, "1, 2, ...", "")


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
        require(int(self.size) == self.size and self.size > 0, f"{n}.size", self.size, "1, 2, ...", "")
        number(f"{n}.vth", self.vth, 0, 1e6, "Give a positive threshold.", open_low=True)
        number(f"{n}.decay", self.decay, 0, 1, "d is the share of the potential kept over a step.")
        choice(f"{n}.reset", self.reset, RESETS)
        bias = finite_array(
            f"{n}.bias",
            np.broadcast_to(self.bias, (self.size,)) if np.ndim(self.bias) == 0 else self.bias,
            ((self.size,),),
        )
        object.__setattr__(self, "bias", bias)


@dataclass(frozen=True, eq=False)
class Hebbian:
    """The local rule, numerics.floating.hebbian.

    eta : local rate, scalar or (n_in,). beta : sliding threshold, scalar or (n_out,). lambda_ : decay of P
    in [0, 1]. rho : "tanh" or "identity". sign : +1 Hebbian, -1 anti-Hebbian. p_max : bound of |P|, > 0.
    """

    eta: Any
    beta: Any
    lambda_: float = 0.95
    rho: str = "tanh"
    sign: int = 1
    p_max: float = 4.0

    def __post_init__(self) -> None:
        for name in ("eta", "beta"):
            value = np.asarray(getattr(self, name))
            object.__setattr__(self, name, finite_array(f"Hebbian.{name}", value, ((), value.shape[:1])))
        number("Hebbian.lambda_", self.lambda_, 0, 1, "lambda is the share of P kept over a step.")
        choice("Hebbian.rho", self.rho, tuple(RHO))
        require(self.sign in (1, -1), "Hebbian.sign", self.sign, "1 (Hebbian) or -1 (anti-Hebbian)", "")
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
        shape = np.shape(self.weights)
        require(len(shape) == 2, f"{self.name}.weights", f"shape {shape}", "(n_out, n_in)", "Give a matrix.")
        weights = finite_array(f"{self.name}.weights", self.weights, (shape,))
        object.__setattr__(self, "weights", weights)
        choice(f"{self.name}.trace", self.trace, TRACES)
        got = type(self.rule).__name__
        require(isinstance(self.rule, Hebbian | None), f"{self.name}.rule", got, "Hebbian or None", "")
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

    def __post_init__(self) -> None:
        names = [self.source.name, *(p.name for p in self.populations), *(p.name for p in self.projections)]
        twice = sorted({n for n in names if names.count(n) > 1})
        require(not twice, "Network names", f"{twice} more than once", "unique names", "Rename one of each.")
        require(all("/" not in n and n for n in names), "Network names", names, "non-empty names without '/'", "")
        require(int(self.steps) == self.steps and self.steps > 0, "Network.steps", self.steps, "1, 2, ...", "")
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
        array = np.asarray(values)
        array = array[None] if array.ndim == 2 else array
        want = (self.steps, self.source.size)
        require(
            array.ndim == 3 and array.shape[1:] == want and array.dtype.kind in "iufb",
            "input",
            f"shape {np.shape(values)} of {array.dtype}",
            f"numbers (samples, {want[0]}, {want[1]})",
            "Axes are sample, step, channel.",
        )
        if self.source.num_message_bits == 0:
            require(bool(np.isin(array, (0, 1)).all()), "input", "values other than 0 and 1", "0 or 1", "Encode first.")
            return array.astype(np.int64)
        top, kind = (VALUE_MAX, np.int64) if self.integer else (1, np.float64)
        inside = bool(((array >= 0) & (array <= top)).all())  # NaN is neither
        whole = not self.integer or bool((array == np.floor(array)).all())
        remedy = "Scale the data, or use encode()." if self.integer else "Scale the data."
        require(inside and whole, "input", "other values", f"{kind.__name__} in 0 to {top}", remedy)
        return array.astype(kind)


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

    def __post_init__(self) -> None:
        super().__post_init__()
        number("Network.dt", self.dt, 0, 1e6, "Give a positive step.", open_low=True)
        require(self.tau_w > 0, "Network.tau_w", self.tau_w, "a positive time or inf", "")

    @cached_property
    def k(self) -> npt.NDArray[np.float64]:
        """k(m) for m = 1 .. T."""
        return np.array([slow_decay(m, self.dt, self.tau_w) for m in range(1, self.steps + 1)])
