# SPDX-License-Identifier: BSD-3-Clause
"""The chip inside Lava: a composed graph mapped as a whole and run core by core, Lava's processes around it.

`process.run(condition=RunSteps(n), run_cfg=ChipSimCfg("tianjic"))`. Before anything starts the graph is read into
an IntGraph, checked and mapped. Then every connection computes with its own tiles (partial sums, local weights)
and every HybridLIF and HybridNeuron with its own soma cores, by the functions of synergic.hw_targets.simulation and
synergic.neurons.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from synergic._core.integers import VALUE_MAX
from synergic.errors import ParameterError, UnsupportedError
from synergic.hw_targets._chip import Chip, load_chip
from synergic.hw_targets.costs._costs import Costs, cost
from synergic.hw_targets.mapping import Mapping, map_network
from synergic.hw_targets.simulation._activity import Activity
from synergic.hw_targets.simulation._cores import build_core, count_integration, count_update, count_write, soma
from synergic.models._plastic_connection import FixedConnection
from synergic.models.hybrid_conv.models import PyHybridConvModelFixed
from synergic.models.hybrid_dense.models import PyHybridDenseModelFixed
from synergic.models.hybrid_lif.models import PyHybridLIFModelFixed
from synergic.models.hybrid_neuron.models import PyHybridNeuronModelFixed
from synergic.models.hybrid_sparse.models import PyHybridSparseModelFixed
from synergic.network._quantise import IntGraph, IntPopulation, IntProjection
from synergic.neurons import LIF, Neuron
from synergic.numerics import fixed
from synergic.processes import (
    FusedNetwork,
    HybridConv,
    HybridDense,
    HybridLIF,
    HybridNetwork,
    HybridNeuron,
    HybridSparse,
)
from synergic.processes._connection import PlasticConnection
from synergic.processes._graph_integers import only, single
from synergic.processes._population import Neurons
from synergic.processes._run_config import HybridSimCfg
from synergic.processes._shared_memory import MEMORY, STATE, THETA, shared_array
from synergic.processes._sparse_synapses import SynapseConnection, Synapses

__all__ = ["ChipSimCfg"]

COUNTS = ("spikes", "partial_sums", "membranes", "local_writes", "steps")
"""Fields of Activity that follow the cores' own in the counters that a model shares with its run configuration."""
LARGEST = 2**24
"""Neurons times inputs of the largest connection of chosen synapses that is described as a full matrix: 128 MB each."""
PLAN = "chip"
"""Key of a process's part of the mapping in its proc_params."""


def population(p: Neurons) -> IntPopulation:
    """A process's neurons as a description; the physical scale is unknown here and of no use to a chip."""
    size, reset = p.u.shared.size, p.proc_params["reset"]
    neuron: Neuron = LIF(integer=True)
    if isinstance(p, HybridNeuron):
        neuron = p.proc_params["neuron"].with_values({name: single(v.get()) for name, v in p.theta.items()})
    return IntPopulation(
        p.name,
        size,
        int(p.vth.get()[0]),
        int(p.decay.get()[0]),
        reset,
        p.bias.get().ravel(),
        scale=1.0,
        accumulator_shift=p.proc_params["accumulator_shift"],
        neuron=neuron,
        homeostasis=p.proc_params["homeostasis"],
    )


def projection(p: PlasticConnection, source: str, target: str) -> IntProjection:
    """A process's connection as a description. Of chosen synapses: a full matrix, whose rule has them as its mask."""
    rule, weights, local = p.proc_params["rule"], p.weights.get(), p.local_start.get()
    if isinstance(p, SynapseConnection):
        synapses = p.proc_params["synapses"]
        size = synapses.n_out * synapses.n_in
        if size > LARGEST:
            raise UnsupportedError(
                f"{p.name}: got {synapses.n_out} neurons by {synapses.n_in} inputs on the chip, allowed a product up "
                f"to {LARGEST}. Use HybridSimCfg, or several connections."
            )
        rule, weights = masked(synapses), synapses.pattern.matrix(synapses.slow(p.weights.shared)).toarray()
        local = local if rule is None else local.toarray()
    if rule is None:
        local = None
    else:
        rule = rule.with_values({name: single(variable.get()) for name, variable in p.theta.items()})
    names = ("plasticity_scope", "weight_bits", "num_message_bits", "memory", "rounding", "seed", "delay")
    settings = {name: p.proc_params[name] for name in names}
    return IntProjection(p.name, source, target, weights, rule, single(p.alpha.get()), local, **settings)


def masked(synapses: Synapses) -> Any:
    """The rule of chosen synapses for a full matrix: the synapses with a local weight are its mask."""
    if synapses.rule is None:
        return None
    mask = synapses.pattern.matrix(np.ones(synapses.pattern.size, np.int64) if synapses.mask is None else synapses.mask)
    return dataclasses.replace(synapses.rule, mask=mask.toarray())


def describe(processes: list[Any]) -> IntGraph:
    """Return the chip's part of a graph of Lava processes.

    Raises UnsupportedError, naming process and port, if the chip cannot run the graph: the chip has no currents from
    outside, and no outputs but spikes and potentials.
    """
    for p in processes:
        if isinstance(p, FusedNetwork | HybridNetwork):
            raise UnsupportedError(
                f"{p.name}: got a {type(p).__name__}, allowed HybridDense, HybridLIF and HybridNeuron. Run its "
                "network with run_in_lava(network, spikes, ChipSimCfg()) or simulate_on_chip()."
            )
    neurons = [p for p in processes if isinstance(p, Neurons)]
    connections = [p for p in processes if isinstance(p, PlasticConnection)]
    names = [p.name for p in (*neurons, *connections)]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ParameterError(f"name: got {twice} more than once, allowed unique names. Rename the processes.")
    for p in neurons:
        for port in p.a_in.get_src_ports():
            ours = "HybridDense, HybridSparse and HybridConv only. The chip has no other synapses."
            only([port], f"{p.name}.a_in", PlasticConnection, ours)
    projections = []
    for p in connections:
        one = "one HybridLIF or HybridNeuron. The chip's partial sums end in neurons."
        target = only(p.a_out.get_dst_ports(), f"{p.name}.a_out", Neurons, one)
        sources = p.s_in.get_src_ports()
        one = "one source. Use a connection for each."
        source = only(sources, f"{p.name}.s_in", object, one).name if sources else f"nothing to {p.name}"
        projections.append(projection(p, source, target.name))
    if not neurons:
        names = [p.name for p in processes]
        raise UnsupportedError(
            f"{names}: got a graph without neurons for the chip, allowed one with a HybridLIF or HybridNeuron. Run it "
            "with HybridSimCfg."
        )
    fed = {q.target for q in projections}
    projections += [unconnected(p) for p in neurons if p.name not in fed]
    k_top = max((int(p.k.get().max()) for p in connections), default=0)
    return IntGraph(tuple(population(p) for p in neurons), tuple(projections), k_top)


def unconnected(p: Neurons) -> IntProjection:
    """Return the connection that gives neurons without one a place on the chip: one input, which sends nothing."""
    size, values = p.u.shared.size, p.proc_params["accumulator_shift"] != fixed.ACCUMULATOR_SHIFT
    name, bits = f"nothing to {p.name}", fixed.VALUE_BITS * values
    none = np.zeros((size, 1), np.int64)
    return IntProjection(name, f"{name}, input", p.name, none, None, 0, None, "frozen", 8, bits)


class ChipSimCfg(HybridSimCfg):
    """Run configuration that runs the connections and neurons of a graph on the model of a chip.

    All other processes run in fixed point on the CPU. HybridSparse and HybridConv are mapped as the full matrix of
    which they are a part, up to 2^24 neurons times inputs; tiles without a synapse take no core. A configuration is for
    one graph.

    Parameters
    ----------
    chip : Chip, str or Path, default "tianjic"
        A chip, the name of one that comes with synergic, or the path of a chip file.
    **kwargs
        Further arguments of Lava's Loihi2SimCfg.

    Attributes
    ----------
    chip : Chip
        The chip.
    mapping : Mapping or None
        Where the graph is on the chip; None before the start.

    Raises
    ------
    FormatError, ParameterError
        If there is no such chip, or its file is damaged.
    ParameterError, UnsupportedError, CapacityError
        From the run, before any process starts: if the graph does not fit the chip.

    Examples
    --------
    >>> cfg = ChipSimCfg("tianjic")
    >>> lif.run(condition=RunSteps(num_steps=100), run_cfg=cfg)
    >>> print(cfg.costs())
    """

    def __init__(self, chip: Chip | str | Path = "tianjic", **kwargs: Any) -> None:
        super().__init__("fixed_pt", **kwargs)
        self.chip: Chip = chip if isinstance(chip, Chip) else load_chip(chip)
        self.mapping: Mapping | None = None
        self.counters: dict[str, Any] = {}

    def prepare(self, processes: list[Any]) -> None:
        """Map a graph, and hand each process its part of the mapping."""
        if self.mapping is not None:
            raise ParameterError(
                "ChipSimCfg: got a second graph, allowed one: it holds the mapping and the counters of one. "
                "Create a ChipSimCfg for each graph."
            )
        super().prepare(processes)
        mapping = map_network(describe(processes), self.chip)
        for p in processes:
            if type(p) in MODELS:
                counter = self.counters[p.name] = shared_array((mapping.cores + len(COUNTS),), np.int64)
                p.proc_params.overwrite(PLAN, (mapping, counter, p.name))
        self.mapping = mapping

    def select(self, process: AbstractProcess, proc_models: list[Any]) -> Any:
        """Return the chip's model for a process of synergic, and Lava's choice for all others."""
        chosen = super().select(process, proc_models)
        return MODELS.get(type(process), chosen)

    def activity(self) -> Activity:
        """Return what the cores did so far, all steps counted as one presentation.

        Returns
        -------
        Activity
            Counts of the cores and of the whole chip.

        Raises
        ------
        ParameterError
            If there was no run yet.
        """
        mapping = self.mapped()
        total = np.sum(list(self.counters.values()), axis=0)
        counts: dict[str, Any] = dict(zip(COUNTS, map(int, total[mapping.cores :]), strict=True))
        counts["steps"] = max(int(c[-1]) for c in self.counters.values())
        return Activity(total[: mapping.cores], samples=1, **counts)

    def costs(self) -> Costs:
        """Return time, energy and memory of the run so far, by the envelope model of hw_targets.cost.

        Returns
        -------
        Costs
            All steps so far count as one presentation.

        Raises
        ------
        ParameterError
            If there was no run yet.
        """
        return cost(self.mapped(), self.activity())

    def mapped(self) -> Mapping:
        """Return the mapping, or raise ParameterError before the run."""
        if self.mapping is None:
            raise ParameterError("ChipSimCfg: got no run yet, allowed after one. Start process.run() with it first.")
        return self.mapping


class Counting:
    """Mixin of the chip's models: their part of the mapping and their counters."""

    proc_params: Any
    mapping: Mapping
    counter: npt.NDArray[np.int64]
    name: str
    activity: Activity

    def open_plan(self) -> None:
        """Called at the end of the constructor."""
        self.mapping, self.counter, self.name = self.proc_params[PLAN]
        self.activity = Activity(self.counter[: self.mapping.cores])

    def publish(self, step: int) -> None:
        """Write the counts of a step where the run configuration reads them."""
        self.activity.steps = step
        self.counter[self.mapping.cores :] = [getattr(self.activity, name) for name in COUNTS]


class Tiles(Counting, FixedConnection):
    """Base of the models of connections, the synapse and local cores of one: phases 1 and 3."""

    def __init__(self, proc_params: dict[str, Any]) -> None:
        super().__init__(proc_params)
        self.open_plan()
        self.extra: dict[str, npt.NDArray[np.int64]]
        weights, matrix, rule, self.extra = self.open_matrices()
        local = None if matrix is None else matrix[None]
        given = {"weights": weights, "alpha": proc_params[MEMORY]["alpha"], "theta": proc_params[THETA]}
        tiles = [t for t in self.mapping.tiles if t.projection == self.name]
        self.largest = VALUE_MAX if proc_params["num_message_bits"] else 1
        self.cores: list[Any] = [build_core(t, given, rule, local) for t in tiles]

    def open_matrices(self) -> Any:
        """What the cores read and write: the full matrices W and P, the rule, and its extra arrays."""
        params = self.proc_params
        return params[MEMORY]["weights"], self.local, params["rule"], params[STATE]

    def accumulate(self, s: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.int64]:
        """The exact partial sums of all tiles, brought together as the soma cores would."""
        if s.min() < 0 or s.max() > self.largest:
            raise ParameterError(
                f"{self.name}.s_in: got values from {s.min()} to {s.max()}, allowed 0 to {self.largest}: the packets "
                f"of the chip. Encode the input, or set num_message_bits=8 for values."
            )
        acc = np.zeros(self.acc.shape, np.int64)
        for core in self.cores:
            rows, columns = core.tile.slices
            core.axons[0] = s[columns]
            acc[rows] += core.partial_sum(int(k))[0]
            count_integration(core, self.activity, self.mapping.senders[core.tile])
        self.publish(self.time_step)
        return acc

    def begin(self) -> None:
        """Also in the cores, of which each has its own part of the extra arrays."""
        super().begin()
        for core in self.cores:
            core.begin()

    def learn(self, s: npt.NDArray[np.int64], u: npt.NDArray[np.int64], signal: Any) -> int:
        """Update the local cores. Their axon buffers still contain the spikes s of phase 1."""
        clipped = 0
        for core in self.cores:
            clipped += core.update(u[None, core.tile.slices[0]], signal)
            for name, values in core.state.items():
                at = self.proc_params["rule"].place(name, *core.tile.slices)
                self.extra[name][at] = values[0]
            count_update(core, self.activity)
        self.publish(self.time_step)
        return clipped

    def write(self, words: Any) -> int:
        """Write a stream, core by core: the rule's own function on the core's part of everything."""
        clipped, params, theta, (s, u, signal) = 0, self.proc_params, self.theta(), self.received
        for core in self.cores:
            rows, columns = core.tile.slices
            mine = None if words is None else words[rows, columns]
            given = (core.rule.values_at(theta, rows, columns), None, core.mask, params["memory"], mine)
            core.local[0], more = core.rule.write(core.local[0], s[:, columns], u[:, rows], signal, *given)
            clipped += more
            count_write(core, s[:, columns], self.activity)
        self.publish(self.time_step)
        return clipped


class ChosenTiles(Tiles):
    """Tiles of chosen synapses: in the cores as full matrices, in the process's Vars one value a synapse."""

    def open_matrices(self) -> Any:
        """Matrices of their own; `accumulate` fills them, so that a Var set between two runs acts at once."""
        synapses, rule = self.proc_params["synapses"], self.proc_params["rule"]
        self.at: tuple[npt.NDArray[Any], npt.NDArray[Any]] = synapses.pattern.ends
        self.slow: npt.NDArray[np.int64]
        self.fast: npt.NDArray[np.int64]
        self.slow, self.fast = (np.zeros(synapses.pattern.shape, np.int64) for _ in range(2))
        own = {} if rule is None else rule.state
        full = {n: np.zeros(synapses.pattern.shape, np.int64) for n, per in own.items() if per == "synapse"}
        return self.slow, None if rule is None else self.fast, masked(synapses), {**self.proc_params[STATE], **full}

    def accumulate(self, s: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.int64]:
        """As of full matrices."""
        self.slow[self.at] = self.proc_params["synapses"].slow(self.weights)
        if self.local is not None:
            self.fast[self.at] = self.local
        return super().accumulate(s, k)

    def learn(self, s: npt.NDArray[np.int64], u: npt.NDArray[np.int64], signal: Any) -> int:
        """As of full matrices; then the synapses' part of them goes into the Vars."""
        clipped = super().learn(s, u, signal)
        self.local[...] = self.fast[self.at]
        for name, values in self.proc_params[STATE].items():
            if self.proc_params["rule"].state[name] == "synapse":
                values[...] = self.extra[name][self.at]
        return clipped

    def write(self, words: Any) -> int:
        """As of full matrices; then the synapses' part of them goes into the Var."""
        clipped = super().write(words)
        self.local[...] = self.fast[self.at]
        return clipped


@implements(proc=HybridDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("chip")
class ChipHybridDense(Tiles, PyHybridDenseModelFixed):
    """HybridDense on a chip."""


@implements(proc=HybridSparse, protocol=LoihiProtocol)
@requires(CPU)
@tag("chip")
class ChipHybridSparse(ChosenTiles, PyHybridSparseModelFixed):
    """HybridSparse on a chip."""


@implements(proc=HybridConv, protocol=LoihiProtocol)
@requires(CPU)
@tag("chip")
class ChipHybridConv(ChosenTiles, PyHybridConvModelFixed):
    """HybridConv on a chip."""


@implements(proc=HybridLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("chip")
class ChipHybridLIF(Counting, PyHybridLIFModelFixed):
    """The soma cores of one population: phase 2."""

    def __init__(self, proc_params: dict[str, Any]) -> None:
        super().__init__(proc_params)
        self.open_plan()
        self.pieces: list[tuple[int, int]] = list(self.mapping.soma_cores(self.name))

    def integrate(self, acc: npt.NDArray[np.int64]) -> tuple[Any, Any, Any, int]:
        """u(m) before its reset, spikes, u after it, values saturated; soma core by soma core."""
        given = SimpleNamespace(
            decay=int(self.decay[0]),
            bias=self.biases(),
            vth=int(self.vth[0]),
            reset=self.proc_params["reset"],
            accumulator_shift=self.proc_params["accumulator_shift"],
        )
        parts = [soma(self.potential[slice(*rows)], acc[slice(*rows)], given, slice(*rows)) for rows in self.pieces]
        u, s, after = (np.concatenate([part[i] for part in parts]) for i in range(3))
        self.activity.spikes += int(s.sum())
        self.publish(self.time_step)
        return u, s, after, sum(part[3] for part in parts)


@implements(proc=HybridNeuron, protocol=LoihiProtocol)
@requires(CPU)
@tag("chip")
class ChipHybridNeuron(Counting, PyHybridNeuronModelFixed):
    """The soma cores of one population of other neurons: phase 2."""

    def __init__(self, proc_params: dict[str, Any]) -> None:
        super().__init__(proc_params)
        self.open_plan()
        self.pieces: list[tuple[int, int]] = list(self.mapping.soma_cores(self.name))

    def step(self, acc: npt.NDArray[np.int64]) -> Any:
        """Neuron.update, soma core by soma core."""
        p, theta, state, parts = self.population(), self.theta(), self.state(), []
        for rows in self.pieces:
            at = slice(*rows)
            here, beside = SimpleNamespace(**{**vars(p), "bias": p.bias[at]}), {n: v[at] for n, v in state.items()}
            parts.append(p.neuron.update(self.potential[at], beside, acc[at], here, p.neuron.values_at(theta, at)))
        u, sent, after = (np.concatenate([part[i] for part in parts]) for i in range(3))
        new = {name: np.concatenate([part[3][name] for part in parts]) for name in state}
        self.activity.spikes += int(np.count_nonzero(sent))
        self.publish(self.time_step)
        return u, sent, after, new, sum(part[4] for part in parts)


MODELS: dict[type, type] = {
    HybridDense: ChipHybridDense,
    HybridSparse: ChipHybridSparse,
    HybridConv: ChipHybridConv,
    HybridLIF: ChipHybridLIF,
    HybridNeuron: ChipHybridNeuron,
}
"""The chip's own registry: Lava looks for models only beside the processes."""
