# SPDX-License-Identifier: BSD-3-Clause
"""What descriptions in floating point and in integers share: the source, and what follows from the other fields."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import networkx as nx
import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, finite_array, kind, numbers, option, require, whole
from synergic._core.contents import Content
from synergic._core.integers import ONE, VALUE_MAX
from synergic.network._convolution import Convolution
from synergic.rules._rates import CLAMP
from synergic.rules._stream import STEPS_MAX

MESSAGE_BITS = (0, 8)
READOUTS = ("rank", "rate")
ENCODE = "Encode first. A network that was trained on values takes them: to_description(net, num_message_bits=8)."
DELAY_MAX = 62
"""Longest delay of a projection, in steps: as of the axons of lava-dl and Loihi."""


@dataclass(frozen=True, eq=False)
class Source(Content):
    """The input of a network.

    Parameters
    ----------
    name : str
        Unique name.
    size : int
        Number of channels, 1 or more.
    num_message_bits : {0, 8}, default 0
        0: the input is spikes, 0 and 1. 8: the input is values, real numbers in 0 .. 1 in floating point, and whole
        numbers in 0 .. 255 in integers (`IntNetwork.encode`). Lava's Dense has a parameter of this name.

    Raises
    ------
    ParameterError
        If a value is out of range.
    """

    name: str
    size: int
    num_message_bits: int = 0

    def __post_init__(self) -> None:
        kind("Source.name", self.name, str, "Give the source a name.")
        option(f"{self.name}.num_message_bits", self.num_message_bits, MESSAGE_BITS, "0 (spikes) or 8 (values)")
        whole(f"{self.name}.size", self.size, 1, np.inf, "It is the number of channels.")


def check_onset(name: str, onset: Any) -> None:
    """Refuse an onset that is neither None nor a number of steps. Raises ParameterError."""
    if onset is not None:
        whole(f"{name}.onset", onset, 0, np.inf, "None begins when the first spikes can arrive.")


def check_delay(name: str, delay: Any) -> None:
    """Refuse a delay that is no number of steps. Raises ParameterError."""
    whole(f"{name}.delay", delay, 0, DELAY_MAX, "It is in whole steps, beside the one that each connection costs.")


class Connection(Content):
    """What the floating-point and the integer projection derive from their fields."""

    name: str
    weights: Any
    rule: Any
    plasticity_scope: str
    convolution: Convolution | None
    fades: bool
    memory: int
    delay: int

    def __repr__(self) -> str:
        size = "x".join(map(str, self.weights.shape))
        rule = "" if self.rule is None else f", {type(self.rule).__name__}, {self.plasticity_scope}"
        bits = f", {self.weight_bits} bits" if hasattr(self, "weight_bits") else ""
        folded = "" if self.convolution is None else ", a convolution"
        late = f", delay {self.delay}" if self.delay else ""
        ends = f"{self.source} to {self.target}"  # type: ignore[attr-defined]
        return f"{type(self).__name__}({self.name}, {ends}: {size}{folded}{rule}{bits}{late})"

    def check_convolution(self) -> None:
        """Refuse weights that do not repeat a kernel if the projection has a convolution. Raises ParameterError."""
        kind(f"{self.name}.convolution", self.convolution, Convolution | None, "None makes no claim about the weights.")
        if self.convolution is not None:
            self.convolution.kernel_of(self.name, self.weights)

    @property
    def kernel(self) -> npt.NDArray[Any] | None:
        """The kernel of a convolution, (channels out, channels in / groups, height, width); None for another one."""
        return None if self.convolution is None else self.convolution.kernel_of(self.name, self.weights)

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
        return self.rule is not None and self.plasticity_scope == "per_sample"

    @property
    def streams(self) -> bool:
        """Whether P lives on from presentation to presentation, written once at the end of each."""
        return self.rule is not None and self.plasticity_scope == "stream"

    @property
    def plastic(self) -> bool:
        """Whether a run changes P: the local rule then needs the potentials of the target, and its global signal."""
        return self.learns or self.streams


@dataclass(frozen=True, eq=False)
class Topology(Content):
    """Names and order: what the floating-point and the integer network share."""

    source: Source
    populations: tuple[Any, ...]
    projections: tuple[Any, ...]
    output: str
    steps: int
    readout: str
    integer: ClassVar[bool] = False
    parts: ClassVar[dict[str, type]] = {}

    def __repr__(self) -> str:
        values = "values" if self.source.num_message_bits else "spikes"
        kinds = {
            p.name: type(p.neuron).__name__ + " homeostatic" * (p.homeostasis is not None) for p in self.populations
        }
        sizes = [f"{p.name} {p.size} {kinds[p.name]}" for p in self.populations]
        ways = [repr(q).partition("(")[2][:-1] for q in self.projections]
        heads = [f"{self.source.name} {self.source.size} {values}", *sizes]
        read = f"{self.steps} step{'s' * (self.steps > 1)}, {self.output} read by {self.readout}"
        return f"{type(self).__name__}({', '.join(heads)}; {'; '.join(ways)}; {read})"

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
        longest = STEPS_MAX if self.sequential else np.inf
        whole("Network.steps", self.steps, 1, longest, "What lives on from one to the next needs short presentations.")
        graph = nx.DiGraph((p.source, p.target) for p in self.projections)
        graph.add_node(self.source.name)
        fed = nx.descendants(graph, self.source.name)
        lost = [p.name for p in self.populations if p.name not in fed]
        require(
            not lost,
            "Network.projections",
            f"no path from the source to {lost}",
            "a path to every population",
            "Connect or remove them.",
        )
        for p in self.populations:
            late = p.onset is not None and p.onset > self.onsets[p.name]
            remedy = "Spikes can arrive then; None begins with them."
            require(not late, f"{p.name}.onset", p.onset, f"0 to {self.onsets[p.name]}", remedy)

    @cached_property
    def onsets(self) -> dict[str, int]:
        """Steps behind the source at which each population begins: where not given, when the first spikes can arrive,
        by the shortest path of connections, each of which takes one step and its delay."""
        graph = nx.DiGraph()
        ways = [(p.source, p.target, 1 + p.delay) for p in self.projections]
        ways += [(self.source.name, p.name, p.onset) for p in self.populations if p.onset is not None]
        for a, b, steps in ways:
            if not graph.has_edge(a, b) or steps < graph[a][b]["steps"]:
                graph.add_edge(a, b, steps=steps)
        graph.add_node(self.source.name)
        found = nx.single_source_dijkstra_path_length(graph, self.source.name, weight="steps")
        return {name: int(steps) for name, steps in found.items()}

    @cached_property
    def ordered(self) -> tuple[Any, ...]:
        """Populations by onset, so that the spikes that each one receives are computed before."""
        return tuple(sorted(self.populations, key=lambda p: self.onsets[p.name]))

    def lag(self, projection: Any) -> int:
        """Steps of the presentation by which the projection's spikes arrive late; 0 on the shortest path."""
        return self.onsets[projection.source] + 1 + int(projection.delay) - self.onsets[projection.target]

    def k_of(self, projection: Any) -> npt.NDArray[Any]:
        """k(m) of a projection's slow weights, (T,): the network's, or 1 throughout where they do not fade."""
        k: npt.NDArray[Any] = self.k  # type: ignore[attr-defined]
        return k if projection.fades else np.full_like(k, ONE if self.integer else 1)

    @cached_property
    def streams(self) -> tuple[Any, ...]:
        """The projections whose local weights live on from presentation to presentation."""
        return tuple(p for p in self.projections if p.streams)

    @cached_property
    def homeostatic(self) -> tuple[Any, ...]:
        """The populations whose intrinsic bias lives on from presentation to presentation."""
        return tuple(p for p in self.populations if p.homeostasis is not None)

    @property
    def sequential(self) -> bool:
        """Whether a presentation depends on those before: local weights or biases live on."""
        return bool(self.streams or self.homeostatic)

    def continued(self, record: Any) -> Any:
        """Return the network as a run left it: what lives on begins with what the run ended with.

        Parameters
        ----------
        record : Record
            The record of a run of this network, with the local weights of all its streams and the biases of its
            homeostasis.

        Returns
        -------
        Network or IntNetwork
            A copy. Saved in a file it is a checkpoint: a run that goes on from it gives the bits of one run.

        Raises
        ------
        ParameterError
            If the record lacks something that lives on.
        """
        names, remedy = [p.name for p in self.streams], "Record them, or give the record of a run of this network."
        there = getattr(record, "local_weights", None)
        require(isinstance(there, dict), "continued.record", f"{type(record).__name__}", "a Record", remedy)
        missing = [name for name in names if name not in record.local_weights]
        require(not missing, "continued.record", f"no local weights of {missing}", f"those of {names}", remedy)
        last = {name: record.local_weights[name][-1] for name in names}
        missing = [p.name for p in self.homeostatic if p.name not in record.homeostatic_bias]
        require(not missing, "continued.record", f"no homeostatic_bias of {missing}", "that of each", remedy)
        projections = tuple(replace(p, local_weights=last[p.name]) if p.name in last else p for p in self.projections)
        populations = tuple(
            p if p.homeostasis is None else
            replace(p, homeostasis=replace(p.homeostasis, start=record.homeostatic_bias[p.name][-1]))
            for p in self.populations
        )  # fmt: skip
        changes: dict[str, Any] = {"populations": populations, "projections": projections}
        if self.integer:
            changes["presented"] = self.presented + record.presentations  # type: ignore[attr-defined]
        return replace(self, **changes)

    def into(self, name: str) -> tuple[Any, ...]:
        """The projections that end at a population, in the order of the description."""
        return tuple(p for p in self.projections if p.target == name)

    def population(self, name: str) -> Any:
        """The population of that name."""
        return next(p for p in self.populations if p.name == name)

    @cached_property
    def message_bits(self) -> dict[str, int]:
        """What the source and each population send: 0 for spikes, 8 for values."""
        return {p.name: p.num_message_bits for p in (self.source, *self.populations)}

    @property
    def depth(self) -> int:
        """Largest delay of a population behind the source, in steps."""
        return max(self.onsets.values())

    def check_signal(self, signal: Any, samples: int) -> npt.NDArray[Any]:
        """Return the global signal of local rules, one value a sample and step m of each population: (samples, T).

        -8 .. 8, or whole numbers with 12 fraction bits in an IntNetwork (`encode_signal`). Zeros for None where no rule
        needs one. Raises ParameterError for one that is missing, or that no rule of the network uses.
        """
        signalled = [p.name for p in self.projections if p.plastic and p.rule.signalled]
        if signal is None:
            require(not signalled, "signal", "none", f"(samples, T) for the rules of {signalled}", "Give one.")
            return np.zeros((samples, self.steps), np.int64 if self.integer else float)
        remedy = "Leave it out, or use a rule such as ThreeFactor."
        require(bool(signalled), "signal", "a signal", "none: no rule of the network receives it", remedy)
        array = finite_array("signal", signal, ((samples, self.steps),), self.integer)
        top = int(CLAMP * ONE) if self.integer else CLAMP
        bad = array[(array < -top) | (array > top - self.integer)]
        require(bad.size == 0, "signal", f"{bad[:3]}", f"{-top:g} to {top - self.integer:g}", "Scale it.")
        return array

    def check_input(self, values: Any) -> npt.NDArray[Any]:
        """Input as (samples, steps, channels); (steps, channels) counts as one sample.

        Spikes: 0 and 1, int64. Values, of a source with num_message_bits = 8: 0 .. 1 as float64 for a Network, whole
        numbers 0 .. 255 as int64 for an IntNetwork. Raises ParameterError.
        """
        array = self.accepted_input(values)
        return array.astype(float if self.source.num_message_bits > 0 and not self.integer else np.int64)

    def accepted_input(self, values: Any) -> npt.NDArray[Any]:
        """Return input as `check_input`, in the type in which it was given. Raises ParameterError."""
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
        top = VALUE_MAX if values_in and self.integer else 1
        if array.dtype.kind in "iub" and array.min() >= 0 and array.max() <= top:
            return array  # without masks as large as the input
        if not values_in:
            bad, allowed, remedy = (array != 0) & (array != 1), "0 or 1", ENCODE
        elif self.integer:
            bad = ~((array >= 0) & (array <= VALUE_MAX)) | (array != np.floor(array))
            allowed, remedy = f"whole numbers in 0 to {VALUE_MAX}", "Scale the data, or use encode()."
        else:
            bad, allowed, remedy = ~((array >= 0) & (array <= 1)), "0 to 1", "Scale the data."
        require(not bad.any(), "input", f"{array[bad][:3]}", allowed, remedy)  # NaN is never inside
        return array
