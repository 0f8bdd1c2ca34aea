# SPDX-License-Identifier: BSD-3-Clause
"""The parts of a C program: projections, populations, streams and homeostasis, and the lines of their equations."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from synergic._core.integers import ONE, VALUE_MAX
from synergic.interchange._c._c_arrays import CArray, constant
from synergic.interchange._c._c_names import used
from synergic.interchange._c._c_values import CValue, declared, loaded, stripped
from synergic.network._quantise import IntPopulation, IntProjection
from synergic.neurons import CNeuron, IntHomeostasis
from synergic.neurons._homeostasis import BIAS_SHIFT
from synergic.numerics.fixed import FRACTION_BITS, VALUE_BITS
from synergic.rules import CRule
from synergic.rules._rates import CLAMP, TRACE_MAX
from synergic.rules._rule import U_SHIFT


@dataclass
class CStream:
    """The write of a stream in C, at the end of a presentation.

    Attributes
    ----------
    retained, bits : int
        Factor of P, and the bits that are rounded away: `IntRule.write_factors`.
    share : CValue
        Factor of what was gathered.
    key : int
        The seed of the random words, mixed; 0 rounds to nearest.
    replayed : bool
        True: the state stores what a presentation has sent, and the write runs the rule over it, neuron by neuron.
        False: every step adds to a sum for each synapse. Both give the same numbers; the smaller one is chosen.
    gathered : CArray
        The sums, of a neuron or of all synapses.
    sent, potential : CArray or None
        What a presentation has sent, if it is replayed.
    """

    retained: int
    bits: int
    share: CValue
    key: int
    replayed: bool
    gathered: CArray
    sent: CArray | None = None
    potential: CArray | None = None


@dataclass
class CProjection:
    """A projection in C.

    Attributes
    ----------
    q : IntProjection
        The projection.
    name : str
        Its identifier, without what stands before it.
    lag : int
        Steps by which spikes arrive late.
    constants, fields : list of CArray
        Arrays in flash, and in the state.
    slow : str
        How slow weights are stored: "dense", "kernel", "sparse" (weights other than 0 with their columns), "none".
    local : str
        How local weights are stored: "dense", "masked" (those of the mask), "none".
    weights, start, P, rows, columns : CArray or None
        Their arrays; rows and columns of a mask. `start` is P at the start if it is not 0, or the P of a frozen rule.
    stream : CStream or None
        How local weights that live on are written.
    immediate : bool
        Whether it takes the input of the network in the step in which that comes in.
    """

    q: IntProjection
    name: str
    lag: int
    constants: list[CArray] = field(default_factory=list)
    fields: list[CArray] = field(default_factory=list)
    slow: str = "dense"
    local: str = "none"
    weights: CArray | None = None
    slow_rows: CArray | None = None
    slow_columns: CArray | None = None
    start: CArray | None = None
    P: CArray | None = None
    rows: CArray | None = None
    columns: CArray | None = None
    alpha: CValue | None = None
    values: list[CValue] = field(default_factory=list)
    state: dict[str, CArray] = field(default_factory=dict)
    stream: CStream | None = None
    immediate: bool = False

    def constant(
        self, name: str, values: Any, note: str, axes: tuple[str, ...] = (), role: str = "", ctype: str = ""
    ) -> CArray:
        """A new constant."""
        made = constant(name, values, note, axes, role, ctype)
        self.constants.append(made)
        return made

    @property
    def synapses(self) -> int:
        """Number of local weights that are stored."""
        if self.q.rule is None:
            return 0
        return int(self.q.weights.size if self.q.rule.mask is None else self.q.rule.mask.sum())

    @property
    def slow_synapses(self) -> int:
        """Number of products of slow weights in a step in which all inputs are active."""
        if self.slow == "kernel":
            kernel: Any = np.ones_like(self.q.kernel)
            return int(self.q.convolution.unfold(kernel).sum())  # type: ignore[union-attr]
        return {"dense": self.q.weights.size, "none": 0}.get(self.slow, int(np.count_nonzero(self.q.weights)))

    @property
    def local_array(self) -> CArray | None:
        """The array that holds P as it stands."""
        return self.P or self.start

    @property
    def lists_active(self) -> bool:
        """Whether sums run over a list of the active inputs."""
        return self.slow == "dense" or (self.local == "dense" and self.alpha is not None)

    @property
    def text(self) -> CRule:
        """The equation of the rule; of a stream with what it gathers in the place of its step, if it says so."""
        found: CRule = self.q.rule.rule_type.c_text  # type: ignore[union-attr, assignment]
        return found._replace(synapse=found.stream) if self.sums_itself else found

    @property
    def sums_itself(self) -> bool:
        """Whether the rule has statements that gather for a stream."""
        return bool(self.q.streams and self.q.rule.rule_type.c_text.stream)  # type: ignore[union-attr]

    @property
    def factor(self) -> str:
        """The factor of a weight in a sum, of an active input."""
        return " * sent" if self.q.num_message_bits else ""

    @cached_property
    def received(self) -> dict[str, str]:
        """The declarations of s, x, fired and signal."""
        rule: Any = self.q.rule
        s = "sent[column_]"
        if rule.rule_type.normalised:
            one = "4096 * (int64_t)sent[column_]"
            s = (
                f"rshift({round(2**20 / VALUE_MAX)} * (int64_t)sent[column_], {VALUE_BITS})"
                if self.q.num_message_bits
                else one
            )
        top, unit = (
            int(CLAMP * ONE),
            round(2 ** (FRACTION_BITS + U_SHIFT) / rule.vth) if rule.rule_type.normalised else 0,
        )
        x = (
            f"clip(rshift(potential[row_] * INT64_C({unit}), {U_SHIFT}), -{top}, {top - 1})"
            if unit
            else "potential[row_]"
        )
        fired = f"potential[row_] > {rule.vth} ? {ONE} : 0" if unit else "0"
        signal = "net->past_signal[step_]" if self.replays else "net->signal"
        return {"s": s, "x": x, "fired": fired, "signal": signal}

    def given(self, pers: tuple[str, ...], *texts: str) -> list[str]:
        """Declarations of parameters, and of what the synapse receives, that texts need."""
        owner = {"s": "pre", "x": "post", "fired": "post", "signal": ""}
        lines = declared(self.values, pers, *texts)
        lines += [
            f"const int64_t {n} = {self.received[n]};" for n, per in owner.items() if per in pers and used(n, *texts)
        ]
        return lines

    @property
    def place(self) -> str:
        """The index of a synapse."""
        return "[at_]" if self.local == "masked" else "[row_][column_]"

    @property
    def trace_place(self) -> str:
        """The index of what a rule has for each synapse beside P: only one neuron's at a time if it is replayed."""
        return "[column_]" if self.replays else self.place

    def block(self, which: str) -> list[str]:
        """The lines of the equation that run for each input ("pre", "pre_end"), neuron ("post", "post_end") or
        synapse."""
        t, own = self.text, self.states
        if which in ("pre", "pre_end"):
            text = getattr(t, which)
            return [*loaded(own("pre"), "[column_]", True), *self.given(("pre",), text), *stripped(text)]
        if which == "post":
            given = self.given(("post",), t.post, t.synapse, t.post_end)
            return [*given, *loaded(own("post"), "[row_]", True), *stripped(t.post)]
        if which == "post_end":
            return stripped(t.post_end)
        lines = [*self.given(("pre",), t.synapse), *loaded(own("pre"), "[column_]", False, t.synapse)]
        return [*lines, *loaded(own("synapse"), self.trace_place, True), *stripped(t.synapse)]

    @property
    def scalars(self) -> list[str]:
        """Declarations of what is the same for all synapses."""
        t = self.text
        return self.given(("",), t.pre, t.post, t.synapse, t.pre_end, t.post_end)

    @property
    def replays(self) -> bool:
        """Whether a stream's rule runs at the end of a presentation, over what that has sent."""
        return self.stream is not None and self.stream.replayed

    def states(self, per: str) -> dict[str, CArray]:
        """The extra arrays of inputs, neurons or synapses."""
        owners = self.q.rule.rule_type.state  # type: ignore[union-attr]
        return {name: array for name, array in self.state.items() if owners[name] == per}

    @property
    def trace_top(self) -> int:
        """Bound of an extra array."""
        return int(TRACE_MAX * ONE)


@dataclass
class CHomeostasis:
    """The homeostasis of a population in C.

    Attributes
    ----------
    rule : IntHomeostasis
        The rule.
    c, total : CArray
        The biases, and the sum of each neuron's terms in this presentation.
    table : CArray
        rho.
    target, own_bias : CValue
        What the rule returns to, and the population's own biases.
    start : CArray or None
        The biases before the first presentation; None where all are 0.
    """

    rule: IntHomeostasis
    c: CArray
    total: CArray
    table: CArray
    target: CValue
    own_bias: CValue
    start: CArray | None


@dataclass
class CPopulation:
    """A population in C: its projections, arrays and equation."""

    p: IntPopulation
    name: str
    depth: int
    projections: list[CProjection]
    u: CArray
    rest: CArray | None
    sent: CArray
    saturated: CArray
    states: dict[str, CArray] = field(default_factory=dict)
    values: list[CValue] = field(default_factory=list)
    constants: list[CArray] = field(default_factory=list)
    homeostasis: CHomeostasis | None = None

    @property
    def text(self) -> CNeuron:
        """The equation of the neuron."""
        found: CNeuron = self.p.neuron.c_text  # type: ignore[assignment]
        return found

    @property
    def fields(self) -> list[CArray]:
        """The arrays in the state that every presentation begins with zeros."""
        total = None if self.homeostasis is None else self.homeostasis.total
        return [a for a in (self.u, self.rest, self.sent, *self.states.values(), total) if a is not None]

    @property
    def lasting(self) -> list[CArray]:
        """The arrays in the state that live on from presentation to presentation."""
        return [] if self.homeostasis is None else [self.homeostasis.c]

    @property
    def lines(self) -> list[str]:
        """The lines of the equation, for one neuron."""
        text = self.text.step
        state = [f"int64_t {name} = net->{array.name}[row_];" for name, array in self.states.items()]
        return [*self.biases("neuron"), *declared(self.values, ("neuron",), text), *state, *stripped(text)]

    @property
    def scalars(self) -> list[str]:
        """Declarations of what is the same for all neurons."""
        return [*self.biases(""), *declared(self.values, ("",), self.text.step)]

    def biases(self, per: str) -> list[str]:
        """Declarations of biases to which homeostasis adds. per : "neuron", in the loop over neurons, or ""."""
        if self.homeostasis is None:
            return []
        own = [self.homeostasis.own_bias.declaration] if self.homeostasis.own_bias.per == per else []
        both = f"const int64_t bias = own_bias + rshift(net->{self.homeostasis.c.name}[row_], {BIAS_SHIFT});"
        return [*own, both, "(void)bias; /* a neuron need not use it */"] if per else own
