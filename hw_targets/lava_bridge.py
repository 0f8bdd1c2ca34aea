# SPDX-License-Identifier: BSD-3-Clause
"""The chip inside Lava: a composed graph mapped as a whole and run core by core, Lava's processes around it.

`process.run(condition=RunSteps(n), run_cfg=ChipSimCfg("tianjic"))`. Before anything starts the graph is read into
an IntGraph, checked and mapped. Then every HybridDense computes with its own tiles (partial sums, local weights)
and every HybridLIF with its own soma cores, by the functions of synergic.hw_targets.simulator.
"""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from synergic.errors import ParameterError, UnsupportedError
from synergic.hw_targets.chip import Chip, load_chip
from synergic.hw_targets.costs import Costs, cost
from synergic.hw_targets.mapping import Mapping, map_network
from synergic.hw_targets.simulator import Activity, build_core, count_integration, count_update, soma
from synergic.models.hybrid_dense.models import PyHybridDenseModelFixed
from synergic.models.hybrid_lif.models import PyHybridLIFModelFixed
from synergic.network import VALUE_MAX
from synergic.processes import HybridDense, HybridLIF
from synergic.processes.shared import MEMORY, shared_array
from synergic.quantise import IntGraph, IntPopulation, IntProjection
from synergic.run_config import HybridSimCfg

COUNTS = ("spikes", "partial_sums", "membranes", "local_writes", "steps")
"""Fields of Activity that follow the cores' own in the counters that a model shares with its run configuration."""
PLAN = "chip"
"""Key of a process's part of the mapping in its proc_params."""


def single(values: Any) -> Any:
    """A Var of one value as the scalar that a description holds."""
    return values.reshape(()) if values.size == 1 else values


def population(p: HybridLIF) -> IntPopulation:
    """A process's neurons as a description; the physical scale is unknown here and of no use to a chip."""
    size, reset = p.u.shape[0], p.proc_params["reset"]
    return IntPopulation(
        p.name,
        size,
        int(p.vth.get()[0]),
        int(p.decay.get()[0]),
        reset,
        p.bias.get(),
        scale=1.0,
        accumulator_shift=p.proc_params["accumulator_shift"],
    )


def projection(p: HybridDense, source: str, target: str) -> IntProjection:
    """A process's connection as a description."""
    rule, local = p.proc_params["rule"], None
    if rule is not None:
        theta = {"eta": single(p.eta.get()), "beta": single(p.beta.get()), "lambda_": int(p.lambda_.get()[0])}
        rule, local = dataclasses.replace(rule, **theta), p.local_start.get()
    kept = {name: p.proc_params[name] for name in ("trace", "weight_bits", "num_message_bits")}
    return IntProjection(p.name, source, target, p.weights.get(), rule, single(p.alpha.get()), local, **kept)


def only(ports: list[Any], where: str, want: Any, remedy: str) -> Any:
    """The process at the other end of a connection that has one end, of type `want`."""
    found = ", ".join(f"{type(q.process).__name__} {q.process.name!r}" for q in ports)
    if len(ports) != 1 or not isinstance(ports[0].process, want):
        raise UnsupportedError(f"{where}: got {found or 'no connection'}, allowed {remedy}")
    return ports[0].process


def describe(processes: list[Any]) -> IntGraph:
    """The chip's part of a graph of Lava processes.

    Raises UnsupportedError, naming process and port, for what the chip cannot hold: it has no currents from outside,
    and no outputs but spikes and potentials.
    """
    neurons = [p for p in processes if isinstance(p, HybridLIF)]
    dense = [p for p in processes if isinstance(p, HybridDense)]
    names = [p.name for p in (*neurons, *dense)]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ParameterError(f"name: got {twice} more than once, allowed unique names. Rename the processes.")
    for p in neurons:
        for port in p.a_in.get_src_ports():
            only([port], f"{p.name}.a_in", HybridDense, "HybridDense only. The chip has no other synapses.")
    projections = []
    for p in dense:
        one = "one HybridLIF. The chip's partial sums end in neurons."
        target = only(p.a_out.get_dst_ports(), f"{p.name}.a_out", HybridLIF, one)
        source = only(p.s_in.get_src_ports(), f"{p.name}.s_in", object, "one source. Use a HybridDense for each.")
        projections.append(projection(p, source.name, target.name))
    k_top = max((int(p.k.get().max()) for p in dense), default=0)
    return IntGraph(tuple(population(p) for p in neurons), tuple(projections), k_top)


class ChipSimCfg(HybridSimCfg):
    """Runs a graph's HybridDense and HybridLIF on the model of a chip, all other processes in fixed point on the CPU.

    chip : name of a shipped chip, path of a chip file, or Chip. After the start: `mapping`; during and after the
    run: `activity()` and `costs()`, of all steps so far as if they were one presentation. One graph a configuration.
    Raises, before any process starts: ParameterError, UnsupportedError, CapacityError.
    """

    def __init__(self, chip: Chip | str = "tianjic", **kwargs: Any) -> None:
        super().__init__("fixed_pt", **kwargs)
        self.chip = load_chip(chip) if isinstance(chip, str) else chip
        self.mapping: Mapping | None = None
        self.counters: dict[str, Any] = {}

    def prepare(self, processes: list[Any]) -> None:
        """Map the graph, and hand each process its part of the mapping."""
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

    def select(self, process: Any, proc_models: Any) -> Any:
        """The chip's model for synergic's processes, Lava's choice for all others."""
        chosen = super().select(process, proc_models)
        return MODELS.get(type(process), chosen)

    def activity(self) -> Activity:
        """What the cores did so far, over the processes of the graph."""
        mapping = self.mapped()
        total = np.sum(list(self.counters.values()), axis=0)
        counts = dict(zip(COUNTS, map(int, total[mapping.cores :]), strict=True))
        counts["steps"] = max(int(c[-1]) for c in self.counters.values())
        return Activity(total[: mapping.cores], samples=1, **counts)

    def costs(self) -> Costs:
        """Time, energy and memory of the run so far, by the envelope model of synergic.hw_targets.costs."""
        return cost(self.mapped(), self.activity())

    def mapped(self) -> Mapping:
        """The mapping; ParameterError before the run."""
        if self.mapping is None:
            raise ParameterError("ChipSimCfg: got no run yet, allowed after one. Start process.run() with it first.")
        return self.mapping


class Counting:
    """Mixin of the chip's models: their part of the mapping and their counters."""

    proc_params: Any

    def open_plan(self) -> None:
        """Called at the end of the constructor."""
        self.mapping, self.counter, self.name = self.proc_params[PLAN]
        self.activity = Activity(self.counter[: self.mapping.cores])

    def publish(self, step: int) -> None:
        """Write the counts of a step where the run configuration reads them."""
        self.activity.steps = step
        self.counter[self.mapping.cores :] = [getattr(self.activity, name) for name in COUNTS]


@implements(proc=HybridDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("chip")
class ChipHybridDense(Counting, PyHybridDenseModelFixed):
    """The synapse and local cores of one connection: phases 1 and 3."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.open_plan()
        local = None if self.local is None else self.local[None]
        held, rule = proc_params[MEMORY], proc_params["rule"]
        tiles = [t for t in self.mapping.tiles if t.projection == self.name]
        self.largest = VALUE_MAX if proc_params["num_message_bits"] else 1
        self.cores = [build_core(t, held, rule, local) for t in tiles]

    def accumulate(self, s: Any, k: Any) -> Any:
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
            count_integration(core, self.activity)
        self.publish(self.time_step)
        return acc

    def learn(self, s: Any, u: Any) -> int:
        """The local cores' update; their axon buffers still hold the spikes s of phase 1."""
        clipped = 0
        for core in self.cores:
            clipped += core.update(u[None, core.tile.slices[0]])
            count_update(core, self.activity)
        self.publish(self.time_step)
        return clipped


@implements(proc=HybridLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("chip")
class ChipHybridLIF(Counting, PyHybridLIFModelFixed):
    """The soma cores of one population: phase 2."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.open_plan()
        self.pieces = list(self.mapping.soma_tiles(self.name).values())

    def integrate(self, acc: Any) -> tuple[Any, Any, Any, int]:
        """u(m) before its reset, spikes, u after it, values saturated; soma core by soma core."""
        held = SimpleNamespace(
            decay=int(self.decay[0]),
            bias=self.bias,
            vth=int(self.vth[0]),
            reset=self.proc_params["reset"],
            accumulator_shift=self.proc_params["accumulator_shift"],
        )
        parts = [soma(self.u[slice(*rows)], acc[slice(*rows)], held, slice(*rows)) for rows in self.pieces]
        u, s, after = (np.concatenate([part[i] for part in parts]) for i in range(3))
        self.activity.spikes += int(s.sum())
        self.publish(self.time_step)
        return u, s, after, sum(part[3] for part in parts)


MODELS = {HybridDense: ChipHybridDense, HybridLIF: ChipHybridLIF}
"""The chip's own registry: Lava looks for models only beside the processes."""
