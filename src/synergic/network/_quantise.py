# SPDX-License-Identifier: BSD-3-Clause
"""From physical parameters to exact integers: docs/fixed-point.md, "Values, widths and scales"."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np

from synergic._core.checks import choice, finite_array, kind, matrix, number, numbers, option, require, whole
from synergic._core.contents import Content
from synergic._core.integers import AGAIN, ONE, VALUE_MAX, VALUE_UNIT, Array, check_range, integers
from synergic._core.moved import renamed
from synergic._core.refusals import Refusals
from synergic.errors import ParameterError, UnsupportedError
from synergic.network._convolution import Convolution
from synergic.network._description import (
    MESSAGE_BITS,
    PLASTICITY_SCOPES,
    Connection,
    Network,
    Population,
    Projection,
    Topology,
    check_delay,
    check_onset,
)
from synergic.network._partial_sums import NARROWEST_LOCAL, WIDEST_LOCAL, check_accumulators, widest_local_bits
from synergic.neurons import LIF, IntHomeostasis, Neuron
from synergic.neurons._homeostasis import check_homeostasis
from synergic.neurons._lif import checked_neuron
from synergic.numerics import fixed
from synergic.numerics._lfsr import seed_of
from synergic.rules import IntRule
from synergic.rules._hebbian import computes_hebbian
from synergic.rules._rates import CLAMP, check_masked
from synergic.rules._stream import MEMORY, ROUNDINGS, check_memory, check_rounding

GENERAL_STEPS = 512
"""Steps of a presentation, for each presentation of the memory, of streams by other rules than the Hebbian."""


@dataclass(frozen=True, eq=False)
class IntPopulation(Content):
    """A population in integers, as `quantise` makes it.

    Parameters
    ----------
    name, size, reset
        As of Population.
    vth : int
        Threshold at the scale S_u, 1 or more.
    decay : int
        Decay per step with 12 fraction bits, 0 .. 4096.
    bias : array_like of int, shape (size,)
        Bias at the scale S_u, 24 bits.
    scale : float
        Scale S_u: integer units to one unit of the physical potential, above 0.
    accumulator_shift : {6, 14}, default 6
        Right shift from the sum of the inputs to the potential: 6 for spikes, 14 for values of 8 bits.
    neuron : Neuron, default LIF(integer=True)
        Kind of the neurons, with integer parameters.
    homeostasis : IntHomeostasis or None, default None
        Rule of an intrinsic bias, in integers.
    onset : int or None, default None
        As of Population.

    Raises
    ------
    ParameterError
        If a value is out of range.
    """

    name: str
    size: int
    vth: int
    decay: int
    reset: str
    bias: Any
    scale: float
    accumulator_shift: int = fixed.ACCUMULATOR_SHIFT
    neuron: Neuron = field(default_factory=partial(LIF, integer=True))
    homeostasis: IntHomeostasis | None = None
    onset: int | None = None

    def __post_init__(self) -> None:
        n, shifts = self.name, (fixed.ACCUMULATOR_SHIFT, fixed.ACCUMULATOR_SHIFT + fixed.VALUE_BITS)
        kind("IntPopulation.name", n, str, "Give the population a name.")
        whole(f"{n}.size", self.size, 1, float("inf"), "It is the number of neurons.")
        option(f"{n}.accumulator_shift", self.accumulator_shift, shifts, "6 (spikes in) or 14 (values in)")
        object.__setattr__(self, "bias", finite_array(f"{n}.bias", self.bias, ((self.size,),), True))
        check_range(f"{n}.bias", self.bias, fixed.MEMBRANE_MIN, fixed.MEMBRANE_MAX)
        whole(f"{n}.vth", self.vth, 1, fixed.MEMBRANE_MAX, AGAIN)
        whole(f"{n}.decay", self.decay, 0, ONE, AGAIN)
        number(f"{n}.scale", self.scale, 0, float("inf"), AGAIN, open_low=True)
        choice(f"{self.name}.reset", self.reset, ("subtract", "zero"))
        object.__setattr__(self, "neuron", checked_neuron(n, self.neuron, self.size, self.decay, True))
        # A potential clamped to the end of its range must be above the threshold, as it was before.
        below = self.vth <= self.neuron.highest_vth
        require(below, f"{n}.vth", self.vth, f"below {self.neuron.highest_vth + 1}", AGAIN)
        check_homeostasis(n, self.homeostasis, self.size, True)
        check_onset(n, self.onset)
        if self.homeostasis is not None:
            self.homeostasis.check_bias(n, self.bias)

    @property
    def num_message_bits(self) -> int:
        """0 if the neurons send spikes, 8 if values of 0 .. 255."""
        return self.neuron.num_message_bits


@renamed("trace", "plasticity_scope")
@dataclass(frozen=True, eq=False)
class IntProjection(Connection):
    """A projection in integers, as `quantise` makes it.

    Parameters
    ----------
    name, source, target, plasticity_scope, convolution, fades, memory, delay
        As of Projection.
    weights : array_like of int, shape (n_out, n_in)
        Slow weights W of `weight_bits` bits.
    rule : IntRule or None
        Local rule in integers.
    alpha : array_like of int, shape () or (n_out,)
        Factor of the local weights, 24 bits.
    local_weights : array_like of int, shape (n_out, n_in), or None
        Local weights P at the start of each presentation, within the rule's `p_top`; None without a rule.
    weight_bits : int
        Width of the slow weights, 2 .. 16 bits.
    num_message_bits : {0, 8}, default 0
        0 if the source sends spikes, 8 if it sends values of 0 .. 255.
    rounding : {"nearest", "stochastic"}, default "nearest"
        How the write of a stream is rounded. "stochastic" rounds up with the probability of the fraction.
    seed : int, default 1
        Seed of the random numbers of stochastic rounding, 1 .. 2^32 - 1.

    Raises
    ------
    ParameterError
        If a value is out of range, or the shapes do not fit together.
    """

    name: str
    source: str
    target: str
    weights: Any
    rule: IntRule | None
    alpha: Any
    local_weights: Any
    plasticity_scope: str
    weight_bits: int
    num_message_bits: int = 0
    convolution: Convolution | None = None
    fades: bool = True
    memory: int = MEMORY
    rounding: str = "nearest"
    seed: int = 1
    delay: int = 0

    def __post_init__(self) -> None:
        kind("IntProjection.name", self.name, str, "Give the projection a name.")
        for end in ("source", "target"):
            kind(f"{self.name}.{end}", getattr(self, end), str, "It is the name of a population, or of the source.")
        option(f"{self.name}.num_message_bits", self.num_message_bits, MESSAGE_BITS, "0 (spikes) or 8 (values)")
        whole(f"{self.name}.weight_bits", self.weight_bits, 2, 16, AGAIN)
        weights = matrix(f"{self.name}.weights", self.weights, True)
        check_range(f"{self.name}.weights", weights, -(2 ** (self.weight_bits - 1)), 2 ** (self.weight_bits - 1) - 1)
        object.__setattr__(self, "weights", weights)
        self.check_convolution()
        shape = weights.shape
        kind(f"{self.name}.rule", self.rule, IntRule | None, AGAIN)
        choice(f"{self.name}.plasticity_scope", self.plasticity_scope, PLASTICITY_SCOPES)
        kind(f"{self.name}.fades", self.fades, bool, AGAIN)
        check_memory(self.name, self.memory)
        check_rounding(self.name, self.rounding, self.seed)
        check_delay(self.name, self.delay)
        object.__setattr__(self, "alpha", finite_array(f"{self.name}.alpha", self.alpha, ((), shape[:1]), True))
        check_range(f"{self.name}.alpha", self.alpha, -(2**23), 2**23 - 1)
        if self.rule is not None:
            self.rule.check_shapes(self.name, *shape)
            p = finite_array(f"{self.name}.local_weights", self.local_weights, (shape,), True)
            check_range(f"{self.name}.local_weights", p, -self.rule.p_top, self.rule.p_top)
            check_masked(self.name, self.rule, p)
            object.__setattr__(self, "local_weights", p)


@dataclass(frozen=True, eq=False)
class IntNetwork(Topology):
    """A network in exact integers, as `quantise` makes it.

    The input of a source with num_message_bits = 8 is whole numbers in 0 .. 255; `encode` makes them from 0 .. 1.

    Parameters
    ----------
    source, output, steps, readout
        As of Network.
    populations : tuple of IntPopulation
        All populations.
    projections : tuple of IntProjection
        All connections.
    k : array_like of int, shape (T,)
        Decay k(m) of the slow weights with 12 fraction bits, 0 .. 4096.
    presented : int, default 0
        Number of the first presentation, 0 .. 2^62. The random numbers of stochastic rounding depend on it.

    Raises
    ------
    ParameterError
        If a value is out of range, the parts do not fit together, or a sum could leave its width.
    """

    k: Any
    presented: int = 0
    integer: ClassVar[bool] = True
    parts: ClassVar[dict[str, type]] = {"populations": IntPopulation, "projections": IntProjection}

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "k", finite_array("IntNetwork.k", self.k, ((self.steps,),), True))
        check_range("IntNetwork.k", self.k, 0, ONE)
        whole("IntNetwork.presented", self.presented, 0, 2**62, "It is the number of the first presentation.")
        for q in self.streams:
            if not computes_hebbian(q.rule):
                # A step changes P by less than 2^29, of which the write adds up T and takes 2^24 / B: below 2^62.
                remedy = f"Raise the memory of {q.name}, or shorten the presentation: its sum has 64 bits."
                whole("IntNetwork.steps", self.steps, 1, GENERAL_STEPS * q.memory, remedy)
        check_messages(self)
        check_accumulators(self, int(self.k.max()))

    def encode(self, values: Any) -> Array:
        """Return values in 0 .. 1 as whole numbers in 0 .. 255, rounded. Raises ParameterError for others."""
        given = numbers("encode.values", values)
        array = finite_array("encode.values", given, (given.shape,))
        bad = array[(array < 0) | (array > 1)]
        require(bad.size == 0, "encode.values", f"{bad[:3]}", "0 to 1", "Scale them.")
        encoded: Array = np.rint(array * VALUE_MAX).astype(np.int64)
        return encoded

    def encode_signal(self, signal: Any) -> Array:
        """Return a global signal in -8 .. 8 as integers with 12 fraction bits. Raises ParameterError for others."""
        given = numbers("encode_signal.signal", signal)
        array = finite_array("encode_signal.signal", given, (given.shape,))
        top = CLAMP - 1 / ONE
        bad = array[(array < -CLAMP) | (array > top)]
        require(bad.size == 0, "encode_signal.signal", f"{bad[:3]}", f"{-CLAMP:g} to {top:g}", "Scale it.")
        return np.rint(array * ONE).astype(np.int64)


@dataclass(frozen=True, eq=False)
class IntGraph(Content):
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


def check_messages(network: IntNetwork) -> None:
    """Refuse projections for other messages than their source sends, and populations scaled for something else."""
    for p in network.projections:
        bits = network.message_bits[p.source]
        require(p.num_message_bits == bits, f"{p.name}.num_message_bits", p.num_message_bits, f"{bits}", AGAIN)
        shift = fixed.ACCUMULATOR_SHIFT + bits
        got = network.population(p.target).accumulator_shift
        require(got == shift, f"{p.target}.accumulator_shift", got, f"{shift} behind {p.source}", AGAIN)


def quantise(
    network: Network, weight_bits: int = 8, local_bits: int | None = None, rounding: str = "nearest", seed: int = 0
) -> IntNetwork:
    """Return the integer form of a network.

    Parameters
    ----------
    network : Network
        A network in floating point.
    weight_bits : int, default 8
        Width of the slow weights, 2 .. 16 bits.
    local_bits : int, optional
        Width of the local weights, 8 .. 16 bits. Default: the widest, up to 16, with which no partial sum can leave 32
        bits. It is 16 for up to 65,538 plastic inputs of a neuron that are spikes, and for up to 257 that are values.
    rounding : {"nearest", "stochastic"}, default "nearest"
        How the writes of streams are rounded. With few `local_bits` and a long `memory`, "stochastic" keeps changes
        that are smaller than the last bit.
    seed : int, default 0
        Seed of stochastic rounding, 0 .. 2^62; each projection gets its own random numbers.

    Returns
    -------
    IntNetwork
        The same network in integers, as docs/fixed-point.md specifies them.

    Raises
    ------
    ParameterError
        If an argument is out of range, or a value of the network does not fit its width.
    UnsupportedError
        If a projection has one alpha for each synapse, or values and spikes enter the same population.

    Warns
    -----
    UserWarning
        If all alpha of a projection round to 0, or all but one in a hundred of its weights.
    """
    kind("quantise.network", network, Network, "Build one, or export it with to_description().")
    whole("quantise.weight_bits", weight_bits, 2, 16, "8 is what the chips hold.")
    if local_bits is None:
        local_bits = widest_local_bits(network)
    whole("quantise.local_bits", local_bits, NARROWEST_LOCAL, WIDEST_LOCAL, "A core holds 8 of them.")
    choice("quantise.rounding", rounding, ROUNDINGS)
    whole("quantise.seed", seed, 0, 2**62, "It seeds stochastic rounding.")
    return quantised(network, weight_bits, local_bits, rounding, seed, Refusals())


def quantised(
    network: Network, weight_bits: int, local_bits: int, rounding: str, seed: int, refusals: Refusals
) -> IntNetwork:
    """`quantise`. refusals : raised, or those of all parts collected; then the first of them is raised at the end."""
    by_values: set[str] = set()
    with refusals.part():
        by_values = fed_by_values(network)
    populations, projections = {}, []
    for population in network.populations:
        with refusals.part():
            populations[population.name] = quantise_population(network, population, weight_bits, by_values)
    for i, p in enumerate(network.projections):
        if p.target not in populations:
            continue  # refused, and so without a scale
        with refusals.part():
            how: dict[str, Any] = {"rounding": rounding, "seed": seed_of(seed, i)} if p.streams else {}
            values = p.target in by_values
            post = populations[p.target]
            projections.append(quantise_projection(network, p, post, weight_bits, local_bits, values, how))
    refusals.end()
    return IntNetwork(
        network.source,
        tuple(populations.values()),
        tuple(projections),
        network.output,
        network.steps,
        network.readout,
        np.rint(network.k * ONE).astype(np.int64),
    )


def quantise_projection(
    network: Network, p: Projection, post: IntPopulation, weight_bits: int, local_bits: int, values: bool, how: Any
) -> IntProjection:
    """One projection at the scale of its target. values : whether these enter it; how : rounding and seed of a stream.

    Raises ParameterError, UnsupportedError.
    """
    weights, rule, alpha, local = quantise_synapses(p, post, weight_bits, local_bits, values)
    same: dict[str, Any] = {"convolution": p.convolution, "fades": p.fades, "memory": p.memory, "delay": p.delay}
    same |= how
    bits = network.message_bits[p.source]
    return IntProjection(
        p.name, p.source, p.target, weights, rule, alpha, local, p.plasticity_scope, weight_bits, bits, **same
    )


def quantise_synapses(
    p: Any, post: IntPopulation, weight_bits: int, local_bits: int, values: bool
) -> tuple[Array, Any, Array, Array | None]:
    """W, rule, alpha and P of a connection's synapses, in the shape that they have, at the scale of its target.

    p : a Projection, or what has its fields. Raises ParameterError, UnsupportedError.
    """
    s_w = post.scale / 2**fixed.ACCUMULATOR_SHIFT * (VALUE_UNIT if values else 1)
    rule: Any = None
    alpha, local = np.zeros((), np.int64), None
    if p.rule is not None:
        if p.alpha.ndim == 2:
            raise UnsupportedError(
                f"{p.name}.alpha: got one value a synapse {p.alpha.shape}, allowed a scalar or one a "
                f"postsynaptic neuron in fixed point. Train with alpha of shape () or ({p.n_out},)."
            )
        rule = p.rule.quantise(p.name, local_bits, post.vth, values, p.memory if p.streams else 1)
        alpha = integers(f"{p.name}.alpha", p.alpha * s_w * ONE / rule.scale, 24, "Lower p_max or alpha.")
        if p.alpha.any() and not alpha.any():
            warnings.warn(
                f"{p.name}.alpha: {float(np.abs(p.alpha).max()):g} at most rounds to 0, which switches the local "
                f"term off; allowed {0.5 * rule.scale / (s_w * ONE):g} or more. Use more weight_bits or fewer "
                "local_bits.",
                stacklevel=5,
            )
        local = integers(f"{p.name}.local_weights", p.local_weights * rule.scale, local_bits, "Raise p_max.")
    weights = integers(f"{p.name}.weights", p.weights * s_w, weight_bits, AGAIN)
    warn_of_outliers(p, weights)
    return weights, rule, alpha, local


def warn_of_outliers(p: Any, weights: Array) -> None:
    """Warn of a projection that keeps hardly a weight, because few are so much larger than all others."""
    before, after = int(np.count_nonzero(p.weights)), int(np.count_nonzero(weights))
    if before > 1 and after <= max(1, before // 100):
        sizes = np.abs(p.weights[p.weights != 0])
        warnings.warn(
            f"{p.name}.weights: {before - after} of {before} round to 0, because the largest into {p.target!r} has all "
            f"bits: of this projection they are {np.median(sizes):.3g} in the middle and {sizes.max():.3g} at most. "
            "Use more weight_bits, or clip the outliers.",
            stacklevel=6,
        )


def fed_by_values(network: Any) -> set[str]:
    """Populations that values enter. Raises UnsupportedError for one that spikes enter as well."""
    found = set()
    for p in network.populations:
        values = [q.name for q in network.into(p.name) if network.message_bits[q.source]]
        spikes = [q.name for q in network.into(p.name) if not network.message_bits[q.source]]
        if values and spikes:
            raise UnsupportedError(
                f"{p.name}: got values by {values} and spikes by {spikes}, allowed one of the two in fixed point: "
                "their sums have different scales. Put a population of its own behind the values."
            )
        if values:
            found.add(p.name)
    return found


def quantise_population(network: Any, p: Population, weight_bits: int, by_values: set[str]) -> IntPopulation:
    """Threshold, bias and decay at the scale that gives the largest incoming weight the full range."""
    values = p.name in by_values
    largest = max((float(np.abs(q.weights).max(initial=0)) for q in network.into(p.name)), default=0.0)
    # With no weights at all the threshold alone sets the scale: any that gives it a fine grid will do.
    s_w = (2 ** (weight_bits - 1) - 1) / (largest if largest > 0 else p.vth)
    scale = s_w * 2**fixed.ACCUMULATOR_SHIFT / (VALUE_UNIT if values else 1)
    shift = fixed.ACCUMULATOR_SHIFT + fixed.VALUE_BITS * values
    vth = round(p.vth * scale)
    if not 0 < vth <= fixed.MEMBRANE_MAX:
        raise ParameterError(
            f"{p.name}.vth: got {p.vth:g}, which is {vth} at the scale of the largest weight {largest:g}; allowed "
            f"1 to {fixed.MEMBRANE_MAX}. Bring the threshold and the weights to a comparable size."
        )
    bias = integers(f"{p.name}.bias", p.bias * scale, 24, "Bring biases and weights to a comparable size.")
    neuron = p.neuron.quantise(p.name, scale)
    rule = None if p.homeostasis is None else p.homeostasis.quantise(p.name, scale, vth, network.steps)
    decay = round(p.decay * ONE)
    return IntPopulation(p.name, p.size, vth, decay, p.reset, bias, scale, shift, neuron, rule, p.onset)
