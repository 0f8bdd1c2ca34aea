# SPDX-License-Identifier: BSD-3-Clause
"""Executor 4: the mapped network in exact integers, core by core and phase by phase.

All cores advance together. In a step: phase 1, every synapse and local core adds up the spikes of the previous
step into its partial sum; phase 2, soma cores add the parts, integrate, fire and send; phase 3, local cores
update their weights with the potentials. Cores receive the spikes of one step in the next. Only axons that spike are
visited. The loop is compiled (`kernels`); cores, or samples, are computed in parallel threads.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping as ByName
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, kind, require, whole
from synergic._core.moved import renamed
from synergic.errors import ParameterError, UnsupportedError
from synergic.hw_targets.mapping import Mapping
from synergic.hw_targets.mapping._arrange import orders
from synergic.hw_targets.simulation import kernels
from synergic.hw_targets.simulation._activity import LOCAL_MEMORIES, Activity
from synergic.hw_targets.simulation._counting import Counting, add_activity, count, count_plan
from synergic.hw_targets.simulation._general import check_general, general_targets, run_general
from synergic.hw_targets.simulation._probes import ChipRecord, Probes
from synergic.hw_targets.simulation._program import Layout, Program, build
from synergic.hw_targets.simulation._state_reader import StateReader
from synergic.hw_targets.simulation._streams import (
    StreamTile,
    adapted,
    check_streams,
    stream_targets,
    stream_tiles,
    write_tiles,
    written,
)
from synergic.hw_targets.simulation._workers import REUSED, run_in_processes, run_in_threads
from synergic.hw_targets.simulation.kernels import NO_PACKET_LOSS, State
from synergic.network._quantise import IntNetwork
from synergic.numerics import fixed
from synergic.numerics._lfsr import random_thresholds, seed_of
from synergic.reference._simulate import start_biases

Array = npt.NDArray[Any]
ONE_AT_A_TIME = threading.Lock()
"""Numba's own pool of threads must not be entered twice."""


@renamed("losses", "faults")
class Simulator:
    """A mapped network, ready to run on the model of the chip.

    Results do not depend on `threads`, `across` or the size of a batch.

    Parameters
    ----------
    mapping : Mapping
        A mapping of an IntNetwork, from `map_network`.
    local_memory : {"matrix", "history"}
        "matrix": cores of their own store P and rewrite it in every step. "history": no weight is written. The local
        current then comes from earlier spikes and postsynaptic terms of the presentation. Default "matrix".
    strict : bool, default False
        Whether a saturated membrane, a clipped local weight, or a partial sum too wide for the chip is an error.
    probes : Probes or None, default None
        What to record. None records everything but partial sums.
    threads : int or None, default None
        The most threads, from 1 on. None uses all.
    across : {"samples", "cores", "processes"}
        "samples": threads share the samples of a batch. "cores": threads share the cores in every step and wait for
        each other, which is faster for large chips on an otherwise idle machine. "processes": as "cores", with
        operating-system processes, for grids of chips. Default "samples".
    faults : BrokenChip or None, default None
        What is broken, from `break_chip`.
    random_masks : mapping of str to int or None, default None
        By population, a mask of random bits that are added to its thresholds. Each neuron draws once in each step.
        The draws do not depend on the cores, and each presentation has its own.
    random_seed : int, default 0
        Seed of these random bits.

    Raises
    ------
    ParameterError
        If an argument is out of its range.
    UnsupportedError
        If the simulator cannot run the network in this way, for example in the history form.
    """

    def __init__(
        self,
        mapping: Mapping,
        local_memory: str = "matrix",
        strict: bool = False,
        probes: Probes | None = None,
        threads: int | None = None,
        faults: Any = None,
        across: str = "samples",
        random_masks: ByName[str, int] | None = None,
        random_seed: int = 0,
    ) -> None:
        where = "simulate_on_chip"
        kind(f"{where}.mapping", mapping, Mapping, "Make one with map_network().")
        if not isinstance(mapping.network, IntNetwork):
            raise ParameterError(
                f"{where}.mapping: got a graph of Lava processes, allowed the mapping of an IntNetwork. "
                "Run the graph with a ChipSimCfg, or map a network description."
            )
        choice(f"{where}.local_memory", local_memory, LOCAL_MEMORIES)
        kind(f"{where}.strict", strict, bool, "True makes saturation an error.")
        kind(f"{where}.probes", probes, Probes | None, "Make Probes.")
        if threads is not None:
            whole(f"{where}.threads", threads, 1, float("inf"), "It is a number of threads.")
        fits, remedy = faults is None or hasattr(faults, "packed"), "Make one with break_chip()."
        require(fits, f"{where}.faults", f"{faults!r} of type {type(faults).__name__}", "BrokenChip or None", remedy)
        other = getattr(faults, "mapping", mapping)  # by contents: a copy in another process is no other mapping
        fits = other is mapping or (other.tiles, other.chains) == (mapping.tiles, mapping.chains)
        require(fits, f"{where}.faults", "the faults of another mapping", "those of this one", "Break this mapping.")
        kind(f"{where}.random_masks", random_masks, ByName | None, "Give {population: mask}.")
        choice(f"{where}.across", across, ("samples", "cores", "processes"))
        self.across: str = across
        available = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
        # Processes may be as many as one likes; Numba's threads are made once.
        self.threads: int = threads or available
        if across == "cores":
            self.threads = min(self.threads, available)
        self.mapping: Mapping = mapping
        self.network: IntNetwork = mapping.network
        self.strict: bool = strict
        self.local_memory: str = local_memory
        self.faults: Any = faults
        self.random_masks: dict[str, int] = dict(random_masks or {})
        self.random_seed: int = random_seed
        for name, mask in self.random_masks.items():
            choice(f"{where}.random_masks", name, tuple(p.name for p in self.network.populations))
            whole(f"{name}.random_mask", mask, 0, fixed.MEMBRANE_MAX, "2^n - 1 adds n random bits.")
        whole(f"{where}.random_seed", random_seed, 0, 2**63 - 1, "It seeds the random thresholds.")
        check_general(self.network, local_memory, across, faults, self.random_masks)
        check_streams(self.network, local_memory, faults, self.random_masks)
        self.presented: int = 0
        self.probes: Probes = (probes or Probes()).of(self.network)
        self.load()

    def load(self) -> None:
        """Fill the cores' memories from the network."""
        self.order: dict[str, Array] = orders(self.network)
        # Core by core only where something is looked at, or may happen, on the way between cores.
        apart = self.faults is not None or bool(self.probes.sums) or int(self.mapping.chip.accumulator_bits) < 32
        spans = 0 if apart else (1 if self.across == "samples" else self.threads)
        self.program: Program
        self.layout: Layout
        self.start: Array
        self.program, self.layout, self.start = build(
            self.mapping,
            self.local_memory == "history",
            tuple(
                dict.fromkeys((*(self.probes.u or ()), *general_targets(self.network), *stream_targets(self.network)))
            ),
            self.probes.sums,
            self.random_masks,
            spans,
        )
        if self.faults is not None:
            self.program = self.faults.damaged(self.layout, self.program)
        self.counting: Counting = count_plan(self.mapping, self.layout, self.local_memory)
        arranged = self.mapping.arranged
        assert isinstance(arranged, IntNetwork)
        self.reader: StateReader = StateReader(
            self.network, arranged, self.layout, self.program, self.order, self.probes
        )
        self.stream_tiles: list[StreamTile] = stream_tiles(arranged, self.layout, self.program)
        self.memory: Array | None = None
        self.biases: dict[str, Array] = start_biases(self.network)

    def upload(self, projection: str, **theta: Any) -> None:
        """Set alpha or parameters of the rule of a projection. Learned local weights and biases do not change.

        Parameters
        ----------
        projection : str
            Name of a projection with a rule.
        **theta
            New values by name: "alpha" or parameters of the rule. They are integers in the scales of
            docs/fixed-point.md, in the shapes that the projection allows.

        Raises
        ------
        ParameterError
            If a name is unknown or a value is out of its range.
        """
        net = self.network
        names = tuple(p.name for p in net.projections if p.rule is not None)
        choice("upload.projection", projection, names)
        old = next(p for p in net.projections if p.name == projection)
        for name in theta:
            choice("upload", name, ("alpha", *old.rule.parameters()))
        rule = replace(old.rule, **{k: v for k, v in theta.items() if k != "alpha"})
        new = replace(old, rule=rule, alpha=theta.get("alpha", old.alpha))
        network = replace(net, projections=tuple(new if p is old else p for p in net.projections))
        self.mapping = replace(self.mapping, network=network)
        before, self.network = (self.memory, self.biases), network
        self.load()
        self.memory, self.biases = before

    def forget(self) -> None:
        """What lives on, local weights and biases, back to its start, for the next call of `stream`."""
        self.memory, self.presented, self.biases = None, 0, start_biases(self.network)

    def checkpoint(self) -> IntNetwork:
        """Return the network as the calls of `stream` have left it.

        Returns
        -------
        IntNetwork
            The network with the local weights of its streams and its homeostatic biases as they are now, and the number
            of presentations so far.
            `synergic.network.save` writes it to a file. A chip that starts from it goes on to the same bits.
        """
        net, now = self.network, {p.name: p.local_weights.copy() for p in self.network.streams}
        for tile in self.stream_tiles if self.memory is not None else ():
            p = tile.projection
            rows, columns = (
                self.order.get(name, np.arange(n))[at]
                for name, n, at in ((p.target, p.n_out, tile.rows), (p.source, p.n_in, tile.columns))
            )
            block = self.memory[0, tile.local].reshape(len(columns), len(rows)).T  # type: ignore[index]
            now[p.name][np.ix_(rows, columns)] = block
        learned = tuple(replace(p, local_weights=now[p.name]) if p.name in now else p for p in net.projections)
        populations = tuple(
            replace(p, homeostasis=replace(p.homeostasis, start=self.biases[p.name])) if p.homeostasis else p
            for p in net.populations
        )
        return replace(net, populations=populations, projections=learned, presented=net.presented + self.presented)

    def run(self, spikes: Any, batch: int = 64, signal: Any = None, first: int = 0) -> tuple[ChipRecord, Activity]:
        """Present samples, each from the start; local weights of streams and homeostatic biases live on within a call.

        Parameters
        ----------
        spikes : array_like, shape (samples, T, channels)
            Input, 0 or 1.
        batch : int, default 64
            Samples that are in memory at once, from 1 on.
        signal : array_like, shape (samples, T), or None, default None
            The global signal of rules that need one, with 12 fraction bits.
        first : int, default 0
            Number of the first sample. Random thresholds and packet loss depend on it, so that a part of a run gives
            the same as the whole.

        Returns
        -------
        record : ChipRecord
            Identical bit for bit with `simulate` of the integer network.
        activity : Activity
            What the cores did.

        Raises
        ------
        ParameterError
            If an argument is out of its range, or if `strict` refuses a value.
        """
        whole("simulate_on_chip.batch", batch, 1, float("inf"), "It is a number of samples.")
        whole("simulate_on_chip.first", first, 0, 2**62, "It is the number of a sample.")
        spikes = self.network.accepted_input(spikes)
        signal = self.network.check_signal(signal, len(spikes))
        if self.network.sequential:
            return self.present_stream(spikes, first, self.start[None].copy(), start_biases(self.network), signal)
        pieces = ((i, slice(i, i + batch)) for i in range(0, len(spikes), batch))
        return self.joined([self.present(spikes[at], first + i, None, signal[at]) for i, at in pieces])

    def stream(self, spikes: Any, signal: Any = None) -> tuple[ChipRecord, Activity]:
        """Present samples one after another, from where the last call ended.

        Local weights of projections with plasticity_scope="stream" and biases of populations with homeostasis live on
        from sample to sample and from call to call, until `forget`. All else starts anew in each sample. Calls one
        after another give the bits of one call, and the first call those of `run`.

        Parameters
        ----------
        spikes : array_like, shape (samples, T, channels)
            Input, 0 or 1.
        signal : array_like, shape (samples, T), or None, default None
            The global signal of rules that need one, with 12 fraction bits.

        Returns
        -------
        record : ChipRecord
            What the probes select. `local_weights` of a stream have the shape (1, n_out, n_in), after the last sample.
        activity : Activity
            What the cores did.

        Raises
        ------
        ParameterError
            If an argument is out of its range, or if `strict` refuses a value.
        UnsupportedError
            If nothing of the network lives on.
        """
        if not self.network.sequential:
            raise UnsupportedError(
                "Simulator.stream: got a network without a stream, allowed one with local weights or biases that live "
                "on. Use plasticity_scope='stream' for its projections, homeostasis for its populations, or `run`."
            )
        spikes = self.network.accepted_input(spikes)
        if self.memory is None:
            self.memory = self.start[None].copy()
        signal = self.network.check_signal(signal, len(spikes))
        first, self.presented = self.presented, self.presented + len(spikes)
        return self.present_stream(spikes, first, self.memory, self.biases, signal)

    def present_stream(
        self, spikes: Array, first: int, memory: Array, biases: dict[str, Array], signal: Array
    ) -> tuple[ChipRecord, Activity]:
        """Samples one after another.

        memory : local weights (1, all), of which those of streams live on in place. biases : c by population, which
        live on in place.
        """
        parts, streams = [], {p.name for p in self.network.streams}
        for i in range(len(spikes)):
            local = self.start[None].copy()
            for tile in self.stream_tiles:
                local[:, tile.local] = memory[:, tile.local]
            parts.append(self.present(spikes[i : i + 1], first + i, local, signal[i : i + 1], biases))
            for tile in self.stream_tiles:
                memory[:, tile.local] = local[:, tile.local]
            for name in streams if i + 1 < len(spikes) else ():
                parts[-1][0].local_weights.pop(name, None)  # only the last one stays
        last = {name: p for name, p in parts[-1][0].local_weights.items() if name in streams}
        for name in last:
            del parts[-1][0].local_weights[name]
        record, activity = self.joined(parts)
        record.local_weights |= last
        return record, activity

    def joined(self, parts: list[tuple[ChipRecord, Activity]]) -> tuple[ChipRecord, Activity]:
        """Successive batches as one; in strict mode, refused if anything saturated."""
        record, activities = ChipRecord.joined([p[0] for p in parts]), [p[1] for p in parts]
        total = activities[0]
        for a in activities[1:]:
            add_activity(total, a)
        if self.strict:
            wide = {f"{name}.partial sum": count for name, count in total.too_wide.items()}
            found = {k: v for k, v in {**record.saturated, **wide}.items() if v}
            if found:
                raise UnsupportedError(
                    f"simulate_on_chip.strict: got saturated values {found}, allowed none. Scale the network so that "
                    "they fit, or run with strict=False, which counts them."
                )
        return record, total

    def present(
        self,
        source: Array,
        first: int,
        memory: Array | None,
        signal: Array,
        biases: dict[str, Array] | None = None,
    ) -> tuple[ChipRecord, Activity]:
        """One batch.

        memory : local weights (1, all) of one sample, which are changed in place; None for the start. biases : c of one
        sample by population, changed in place; None where nothing is homeostatic.
        """
        general = bool(general_targets(self.network))
        alone = memory is None and self.across == "samples" and not (general or self.stream_tiles)
        reuses = alone and not self.probes.local_weights and self.start.nbytes >= REUSED
        state = self.fresh(source, self.start[None] if reuses else memory, first)
        program = adapted(self.program, self.network, self.layout, self.order, biases or {})
        packet_loss = NO_PACKET_LOSS if self.faults is None else self.faults.packed(self.layout, self.program, first)
        n, sharing = len(source), self.threads if memory is None else 1
        if general:
            arranged = self.mapping.arranged
            assert isinstance(arranged, IntNetwork)
            run_general(arranged, self.layout, program, state, packet_loss, signal)
        elif self.across == "cores":
            with ONE_AT_A_TIME:
                before = numba.get_num_threads()
                numba.set_num_threads(self.threads)
                try:
                    kernels.run_cores(program, state, packet_loss, 0, n)
                finally:
                    numba.set_num_threads(before)
        elif self.across == "processes":
            state = run_in_processes(program, state, packet_loss, self.threads)
            if memory is not None:
                memory[...] = state.local
                state = state._replace(local=memory)
        elif reuses or (sharing > 1 and n > 1):
            run_in_threads(program, state, packet_loss, min(sharing, n), self.start if reuses else None)
        else:
            kernels.run_samples(program, state, packet_loss, 0, n)
        if self.stream_tiles:
            number = self.network.presented + first
            write_tiles(self.stream_tiles, self.network, self.order, state, signal, number)
        counts = count(self.counting, self.mapping, self.layout, state, self.local_memory, self.faults is not None)
        record = self.reader.record(state)
        if biases:
            biases.update(written(self.network, self.layout, self.order, state, biases))
            record.homeostatic_bias = {name: c[None] for name, c in biases.items()}
        return record, counts

    def thresholds(self, samples: range) -> Array:
        """What is added to each neuron's threshold, (samples, T, neurons of all populations); empty if nothing is."""
        net = self.network
        if not self.random_masks:
            return np.zeros((1, 1, 0), np.int64)
        out = np.zeros((len(samples), net.steps, self.layout.neurons - net.source.size), np.int64)
        for i, p in enumerate(net.populations):
            if p.name in self.random_masks:
                at, mask = self.layout.neuron[p.name] - net.source.size, self.random_masks[p.name]
                for n, sample in enumerate(samples):
                    seed = seed_of(self.random_seed, i, sample)
                    drawn = random_thresholds(seed, (net.steps, p.size), mask)
                    out[n, :, at : at + p.size] = drawn[:, self.order.get(p.name, slice(None))]
        return out

    def fresh(self, source: Array, memory: Array | None, first: int = 0) -> State:
        """A batch at rest, its first sample being number `first`, with its input in the log of what is sent."""
        net, layout, n = self.network, self.layout, len(source)
        clock = net.steps + net.depth
        sent = np.zeros((n, clock + 1, layout.neurons), np.uint8)
        sent[:, 1 : net.steps + 1, : net.source.size] = source[..., self.order.get(net.source.name, slice(None))]
        local = np.repeat(self.start[None], n, axis=0) if memory is None else memory
        return State(
            sent=sent,
            u=np.zeros((n, layout.neurons), np.int32),
            local=local,
            posts=np.zeros((n, net.steps, layout.posts), np.int64),
            u_log=np.zeros((n, net.steps, layout.probed_size), np.int32),
            parts=np.zeros((n, net.steps, layout.parts_size, 2), np.int32),
            received=np.zeros((n, clock + 1, len(layout.tiles)), np.int32),
            saturated=np.zeros((n, len(layout.groups)), np.int64),
            clipped=np.zeros((n, len(layout.head_projection)), np.int64),
            too_wide=np.zeros((n, len(layout.tiles)), np.int64),
            widest=2 ** (min(int(self.mapping.chip.accumulator_bits), 32) - 1) - 1,
            randoms=self.thresholds(range(first, first + n)),
            acc=np.zeros((n, layout.sums), np.int64),
        )


@renamed("losses", "faults")
def simulate_on_chip(
    mapping: Mapping,
    spikes: Any,
    batch: int = 64,
    *,
    local_memory: str = "matrix",
    strict: bool = False,
    probes: Probes | None = None,
    threads: int | None = None,
    faults: Any = None,
    across: str = "samples",
    random_masks: ByName[str, int] | None = None,
    random_seed: int = 0,
    signal: Any = None,
) -> tuple[ChipRecord, Activity]:
    """Run presentations on the model of the chip: `Simulator(mapping, ...).run(spikes, batch, signal)`.

    Parameters
    ----------
    mapping : Mapping
        A mapping of an IntNetwork, from `map_network`.
    spikes : array_like, shape (samples, T, channels)
        Input, 0 or 1.
    batch : int, default 64
        Samples that are in memory at once, from 1 on.
    local_memory, strict, probes, threads, faults, across, random_masks, random_seed : optional
        As of `Simulator`.
    signal : array_like, shape (samples, T), or None, default None
        The global signal of rules that need one, with 12 fraction bits.

    Returns
    -------
    record : ChipRecord
        Identical bit for bit with `simulate` of the integer network, unless packets are lost, or
        local_memory="history" is not exact.
    activity : Activity
        What the cores did.

    Raises
    ------
    ParameterError, UnsupportedError
        As `Simulator` and `Simulator.run`.
    """
    simulator = Simulator(mapping, local_memory, strict, probes, threads, faults, across, random_masks, random_seed)
    return simulator.run(spikes, batch, signal)
