# SPDX-License-Identifier: BSD-3-Clause
"""From physical parameters to exact integers: docs/fixed-point.md, "Values, widths and scales"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.errors import ParameterError, UnsupportedError
from synergic.network import (
    TRACES,
    Connection,
    Hebbian,
    Network,
    Population,
    Topology,
    choice,
    finite_array,
    require,
)
from synergic.numerics import fixed
from synergic.numerics.floating import RHO

Array = npt.NDArray[np.int64]
ONE = 1 << fixed.FRACTION_BITS


def integers(where: str, values: Any, bits: int, remedy: str) -> Array:
    """Round to the nearest integer; refuse what does not fit into signed `bits`."""
    rounded = np.rint(np.asarray(values, dtype=float))
    top = 2 ** (bits - 1)
    low, high = float(rounded.min(initial=0)), float(rounded.max(initial=0))
    require(
        -top <= low and high < top,
        where,
        f"values from {low:.0f} to {high:.0f}",
        f"{-top} to {top - 1} ({bits} bits)",
        remedy,
    )
    array = rounded.astype(np.int64)
    array.setflags(write=False)
    return array


def check_range(where: str, values: Array, low: int, high: int) -> None:
    """Refuse integers outside [low, high]."""
    a, b = int(values.min(initial=low if low > 0 else 0)), int(values.max(initial=0))
    require(low <= a and b <= high, where, f"values from {a} to {b}", f"{low} to {high}", "Quantise again.")


@dataclass(frozen=True, eq=False)
class IntPopulation:
    """Integer LIF neurons. scale : S_u, integer units to one unit of the physical membrane."""

    name: str
    size: int
    vth: int
    decay: int
    reset: str
    bias: Any
    scale: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "bias", finite_array(f"{self.name}.bias", self.bias, ((self.size,),), True))
        check_range(f"{self.name}.bias", self.bias, fixed.MEMBRANE_MIN, fixed.MEMBRANE_MAX)
        require(0 < self.vth <= fixed.MEMBRANE_MAX, f"{self.name}.vth", self.vth, f"1 to {fixed.MEMBRANE_MAX}", "")
        require(0 <= self.decay <= ONE, f"{self.name}.decay", self.decay, f"0 to {ONE}", "")
        choice(f"{self.name}.reset", self.reset, ("subtract", "zero"))


@dataclass(frozen=True, eq=False)
class IntHebbian:
    """The local rule in integers; table : rho, (256,); table_scale : c; scale : S_P."""

    eta: Any
    eta_exp: int
    beta: Any
    lambda_: int
    sign: int
    p_top: int
    table: Any
    table_scale: int
    scale: float

    def __post_init__(self) -> None:
        for name, shapes in (("eta", None), ("beta", None), ("table", ((fixed.TABLE_SIZE,),))):
            value = np.asarray(getattr(self, name))
            array = finite_array(f"IntHebbian.{name}", value, shapes or ((), value.shape[:1]), True)
            check_range(f"IntHebbian.{name}", array, -(2**15), 2**15 - 1)
            object.__setattr__(self, name, array)
        require(0 <= self.eta_exp <= 15, "IntHebbian.eta_exp", self.eta_exp, "0 to 15", "")
        require(0 <= self.lambda_ <= ONE, "IntHebbian.lambda_", self.lambda_, f"0 to {ONE}", "")
        require(self.sign in (1, -1), "IntHebbian.sign", self.sign, "1 or -1", "")
        require(0 < self.p_top < 2**15, "IntHebbian.p_top", self.p_top, "1 to 32767", "")


@dataclass(frozen=True, eq=False)
class IntProjection(Connection):
    """Integer slow weights W (8 bit by default), local weights P, alpha."""

    name: str
    source: str
    target: str
    weights: Any
    rule: IntHebbian | None
    alpha: Any
    local_weights: Any
    trace: str
    weight_bits: int

    def __post_init__(self) -> None:
        shape = np.shape(self.weights)
        require(2 <= self.weight_bits <= 16, f"{self.name}.weight_bits", self.weight_bits, "2 to 16", "")
        weights = finite_array(f"{self.name}.weights", self.weights, (shape,), True)
        check_range(f"{self.name}.weights", weights, -(2 ** (self.weight_bits - 1)), 2 ** (self.weight_bits - 1) - 1)
        object.__setattr__(self, "weights", weights)
        got = type(self.rule).__name__
        require(isinstance(self.rule, IntHebbian | None), f"{self.name}.rule", got, "IntHebbian or None", "")
        choice(f"{self.name}.trace", self.trace, TRACES)
        object.__setattr__(self, "alpha", finite_array(f"{self.name}.alpha", self.alpha, ((), shape[:1]), True))
        check_range(f"{self.name}.alpha", self.alpha, -(2**23), 2**23 - 1)
        if self.rule is not None:
            p = finite_array(f"{self.name}.local_weights", self.local_weights, (shape,), True)
            check_range(f"{self.name}.local_weights", p, -self.rule.p_top, self.rule.p_top)
            object.__setattr__(self, "local_weights", p)


@dataclass(frozen=True, eq=False)
class IntNetwork(Topology):
    """A network of exact integers; k : (T,), 12 fraction bits."""

    k: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "k", finite_array("IntNetwork.k", self.k, ((self.steps,),), True))
        check_range("IntNetwork.k", self.k, 0, ONE)
        check_accumulators(self, int(self.k.max()))


@dataclass(frozen=True, eq=False)
class IntGraph:
    """Integer populations and projections alone, without source, read-out or presentations; a graph of Lava
    processes is one. A projection's source may be a name that is no population: spikes from outside.
    """

    populations: tuple[IntPopulation, ...]
    projections: tuple[IntProjection, ...]
    k_top: int = ONE
    output: str = ""
    depth: int = 0

    def __post_init__(self) -> None:
        check_accumulators(self, self.k_top)

    @property
    def ordered(self) -> tuple[IntPopulation, ...]:
        """The populations as given."""
        return self.populations

    def into(self, name: str) -> tuple[IntProjection, ...]:
        """The projections that end at a population."""
        return tuple(p for p in self.projections if p.target == name)


def check_accumulators(graph: Any, k_top: int) -> None:
    """Refuse populations whose accumulator could leave 32 bits under any spikes and any P within its bound.

    graph : has `populations` and `into(name)`; k_top : the largest k.
    """
    for p in graph.populations:
        worst = np.zeros(p.size, np.int64)
        for q in graph.into(p.name):
            worst += k_top * np.abs(q.weights).sum(axis=1)
            if q.rule is not None:
                worst += np.abs(q.alpha) * q.rule.p_top * q.n_in
        top = int(worst.max(initial=0))
        require(
            top < 2**31,
            f"{p.name}.accumulator",
            f"a possible sum of {top}",
            f"below {2**31} (32 bits)",
            "Use fewer weight_bits or local_bits, a smaller p_max, or fewer inputs to the neuron.",
        )


def quantise_rule(rule: Hebbian, where: str, local_bits: int, vth: int) -> IntHebbian:
    """The local rule of one projection in integers."""
    p_top = 2 ** (local_bits - 1) - 1
    scale = p_top / rule.p_max
    largest = float(np.abs(rule.eta).max(initial=0)) * scale
    require(
        largest < 2**15 - 1,
        f"{where}.rule.eta",
        f"{largest / scale:g}",
        f"below {2**15 / scale:g}",
        "A step of eta must not exceed p_max: raise p_max or lower eta.",
    )
    eta_exp = next(e for e in range(15, -1, -1) if largest * 2**e < 2**15 - 1)
    middle = (np.arange(fixed.TABLE_SIZE) - fixed.TABLE_SIZE // 2 + 0.5) / fixed.TABLE_PER_UNIT
    table = integers(f"{where}.rule.rho", RHO[rule.rho](middle) * ONE, 16, "")
    beta = integers(f"{where}.rule.beta", rule.beta * ONE, 16, "beta must lie within [-8, 8).")
    table_scale = round(2**fixed.TABLE_SHIFT * fixed.TABLE_PER_UNIT / vth)
    eta = integers(f"{where}.rule.eta", rule.eta * scale * 2**eta_exp, 16, "")
    return IntHebbian(eta, eta_exp, beta, round(rule.lambda_ * ONE), rule.sign, p_top, table, table_scale, scale)


def quantise(network: Network, weight_bits: int = 8, local_bits: int = 16) -> IntNetwork:
    """The integer form of a network.

    weight_bits : 2 .. 16 of the slow weights, default 8. local_bits : 8 .. 16 of the local weights.
    Raises ParameterError where a value does not fit its width, UnsupportedError for alpha a synapse.
    """
    require(isinstance(network, Network), "quantise.network", type(network).__name__, "Network", "")
    require(weight_bits in range(2, 17), "quantise.weight_bits", weight_bits, "2 to 16", "")
    require(local_bits in range(8, 17), "quantise.local_bits", local_bits, "8 to 16", "")
    populations = {p.name: quantise_population(network, p, weight_bits) for p in network.populations}
    projections = []
    for p in network.projections:
        post = populations[p.target]
        s_w = post.scale / 2**fixed.ACCUMULATOR_SHIFT
        rule, alpha, local = None, np.zeros((), np.int64), None
        if p.rule is not None:
            if p.alpha.ndim == 2:
                raise UnsupportedError(
                    f"{p.name}.alpha: got one value a synapse {p.alpha.shape}, allowed a scalar or one a "
                    f"postsynaptic neuron in fixed point. Train with alpha of shape () or ({p.n_out},)."
                )
            rule = quantise_rule(p.rule, p.name, local_bits, post.vth)
            alpha = integers(f"{p.name}.alpha", p.alpha * s_w * ONE / rule.scale, 24, "Lower p_max or alpha.")
            local = integers(f"{p.name}.local_weights", p.local_weights * rule.scale, local_bits, "Raise p_max.")
        weights = integers(f"{p.name}.weights", p.weights * s_w, weight_bits, "")
        projections.append(IntProjection(p.name, p.source, p.target, weights, rule, alpha, local, p.trace, weight_bits))
    return IntNetwork(
        network.source,
        tuple(populations.values()),
        tuple(projections),
        network.output,
        network.steps,
        network.readout,
        np.rint(network.k * ONE).astype(np.int64),
    )


def quantise_population(network: Network, p: Population, weight_bits: int) -> IntPopulation:
    """Threshold, bias and decay at the scale that gives the largest incoming weight the full range."""
    largest = max((float(np.abs(q.weights).max(initial=0)) for q in network.into(p.name)), default=0.0)
    # With no weights at all the threshold alone sets the scale: any that gives it a fine grid will do.
    s_w = (2 ** (weight_bits - 1) - 1) / (largest if largest > 0 else p.vth)
    scale = s_w * 2**fixed.ACCUMULATOR_SHIFT
    vth = round(p.vth * scale)
    if not 0 < vth <= fixed.MEMBRANE_MAX:
        raise ParameterError(
            f"{p.name}.vth: got {p.vth:g}, which is {vth} at the scale of the largest weight {largest:g}; allowed "
            f"1 to {fixed.MEMBRANE_MAX}. Bring the threshold and the weights to a comparable size."
        )
    bias = integers(f"{p.name}.bias", p.bias * scale, 24, "Bring biases and weights to a comparable size.")
    return IntPopulation(p.name, p.size, vth, round(p.decay * ONE), p.reset, bias, scale)
