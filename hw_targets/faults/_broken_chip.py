# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the hardware, and the accuracy of a network under them.

Broken memories and neurons are put into a quantised network. Broken cores, links, memories and packet loss are put into
the simulator.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, kind, kinds, number, numbers, require, whole
from synergic.errors import UnsupportedError
from synergic.hw_targets._chip import Chip
from synergic.hw_targets.faults._memory_faults import SYNAPSES, break_cores
from synergic.hw_targets.mapping import Mapping, map_network
from synergic.hw_targets.mapping._arrange import orders
from synergic.hw_targets.simulation._activity import LOCAL_MEMORIES
from synergic.hw_targets.simulation._jobs import check_jobs, in_jobs
from synergic.hw_targets.simulation._probes import Probes
from synergic.hw_targets.simulation._program import Layout
from synergic.hw_targets.simulation._simulator import Simulator
from synergic.hw_targets.simulation.kernels import PacketLoss, Program
from synergic.network._quantise import IntNetwork, IntProjection
from synergic.rules._hebbian import computes_hebbian

Array = npt.NDArray[np.int64]


FAULTS = (*SYNAPSES, "dead neurons")
"""Faults that `break_network` takes."""


def break_network(network: IntNetwork, fault: str, rate: float, seed: int = 0) -> IntNetwork:
    """Return a network with random faults in its slow weights, or with dead neurons.

    Parameters
    ----------
    network : IntNetwork
        An integer network, made by `quantise`.
    fault : {"dead synapses", "stuck synapses", "bit flips", "dead neurons"}
        A dead synapse has weight 0, a stuck one the lowest or highest weight. A bit flip inverts one bit of a weight in
        two's complement. The output of a dead neuron or input channel is not received by any projection.
    rate : float
        Share of the synapses, bits or neurons, 0 .. 1.
    seed : int, default 0
        Seed of the faults, 0 .. 2^63 - 1.

    Returns
    -------
    IntNetwork
        A new network. Its convolutions are unfolded, because every synapse now has a weight of its own. For a chip that
        has room for the folded network only, use `break_chip`.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    UnsupportedError
        For dead neurons before a rule other than Hebbian: it is not known which parameter stops its learning.

    Notes
    -----
    A dead neuron also stops learning: its columns of P and its eta are 0 in every projection that it feeds.
    """
    kind("break_network.network", network, IntNetwork, "Call quantise() first.")
    choice("break_network.fault", fault, FAULTS)
    whole("break_network.seed", seed, 0, 2**63 - 1, "It seeds the faults.")
    number("break_network.rate", rate, 0, 1, "It is a share.")
    rng = np.random.default_rng(seed)
    if fault == "dead neurons":
        alive = living(network, rate, rng)
        broken = tuple(silence(p, alive[p.source]) for p in network.projections)
    else:
        broken = tuple(
            # Each synapse has a memory of its own that breaks: no kernel is repeated any more.
            dataclasses.replace(p, weights=SYNAPSES[fault](p.weights, rate, p.weight_bits, rng), convolution=None)
            for p in network.projections
        )
    return dataclasses.replace(network, projections=broken)


def living(network: IntNetwork, rate: float, rng: np.random.Generator) -> dict[str, Array]:
    """Return, by source and population, 1 for each neuron that works, and 0 for a random share `rate` of them."""
    return {p.name: (rng.random(p.size) >= rate).astype(np.int64) for p in (network.source, *network.populations)}


def silence(p: IntProjection, alive: Array) -> IntProjection:
    """Return a projection that receives only some of its presynaptic neurons. alive : (n_in,) of 0 and 1."""
    changes: dict[str, Any] = {"weights": p.weights * alive, "convolution": None}
    if p.rule is not None:
        changes["local_weights"] = p.local_weights * alive
        if not computes_hebbian(p.rule):
            raise UnsupportedError(
                f"{p.name}.rule: got {type(p.rule).__name__}, allowed IntHebbian with dead neurons: of another rule it "
                "is not known which parameter stops the learning of a synapse. Use another fault."
            )
        changes["rule"] = dataclasses.replace(p.rule, eta=p.rule.eta * alive)
    return dataclasses.replace(p, **changes)


Link = tuple[tuple[int, int], tuple[int, int]]
"""From the position (x, y) of a core to that of its neighbour."""


@dataclass(frozen=True)
class BrokenChip:
    """What of a chip does not work while a mapping runs that was made without knowing of it.

    Give it to `Simulator` as `faults`. Faults do not depend on threads or batch size.

    Parameters
    ----------
    mapping : Mapping
        The mapping that runs, without copies of soma cores.
    dead_cores : tuple of int, default ()
        Numbers of cores, 0 .. mapping.cores - 1, that compute nothing. The neurons of a dead soma core never fire; the
        partial sums of a dead synapse or local core are 0. Their routers still forward packets.
    dead_links : tuple of ((int, int), (int, int)), default ()
        Pairs of neighbouring positions (x, y), in the direction of the packets. Every packet whose route takes the link
        is lost. Spikes from outside have no route and arrive.
    packet_loss : float, default 0.0
        Share, 0 .. 1, of all packets that is lost at random, each packet independently. A packet is a spike to one
        core, or the partial sum, potential or overlap of one neuron. A sum that stays on its core is no packet.
    seed : int, default 0
        Seed of all random faults, 0 .. 2^63 - 1.
    memory_fault : {None, "dead synapses", "stuck synapses", "bit flips"}
        Fault of the memories for slow weights. Default None.
    memory_rate : float, default 0.0
        Share, 0 .. 1, of the weights, or bits, of the synapse cores that have the fault. A folded core stores a
        weight once for several time-multiplexing passes, so the weight breaks for all of them.
    dead_neurons : float, default 0.0
        Share, 0 .. 1, of the neurons and input channels whose spikes no core receives. With the same seed these are the
        same as in `break_network`.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    UnsupportedError
        If the mapping has copies of soma cores (`fan_out`).
    """

    mapping: Mapping
    dead_cores: tuple[int, ...] = ()
    dead_links: tuple[Link, ...] = ()
    packet_loss: float = 0.0
    seed: int = 0
    memory_fault: str | None = None
    memory_rate: float = 0.0
    dead_neurons: float = 0.0

    def __post_init__(self) -> None:
        """Check the arguments."""
        kind("BrokenChip.mapping", self.mapping, Mapping, "Make one with map_network().")
        if self.mapping.copies:
            raise UnsupportedError(
                f"BrokenChip.mapping: got copies of soma cores (fan_out={self.mapping.fan_out}), allowed a mapping "
                "without: a copy could fail alone, and neurons are computed once here. Map with fan_out=None."
            )
        kinds("BrokenChip", dead_cores=(self.dead_cores, tuple), dead_links=(self.dead_links, tuple))
        for core in self.dead_cores:
            whole("BrokenChip.dead_cores", core, 0, self.mapping.cores - 1, "It is the number of a core in use.")
        links = set(all_links(self.mapping.chip))
        unknown = [link for link in self.dead_links if link not in links]
        allowed = "pairs of neighbouring positions ((x, y), (x, y)) on the grid"
        require(not unknown, "BrokenChip.dead_links", unknown[:3], allowed, "x is the column, y the row.")
        if self.memory_fault is not None:
            choice("BrokenChip.memory_fault", self.memory_fault, tuple(SYNAPSES))
        for name in ("packet_loss", "memory_rate", "dead_neurons"):
            number(f"BrokenChip.{name}", getattr(self, name), 0, 1, "It is a share.")
        whole("BrokenChip.seed", self.seed, 0, 2**63 - 1, "It seeds the packet loss.")

    def cut(self) -> dict[tuple[str, int, int], list[tuple[int, int]]]:
        """Return the routes that a dead link interrupts.

        Returns
        -------
        dict
            (kind of packet, core that sends, core that should receive) -> ranges of the neurons whose packets are lost.
        """
        dead = set(self.dead_links)
        found: dict[tuple[str, int, int], list[tuple[int, int]]] = {}
        for r in self.mapping.routes:
            path = (self.mapping.position(r.start), *r.hops)
            if any(link in dead for link in itertools.pairwise(path)):
                found.setdefault((r.kind, r.start, r.stop), []).append(r.neurons)
        return found

    def damaged(self, layout: Layout, program: Program) -> Program:
        """Return the program of the simulator with broken memories.

        Parameters
        ----------
        layout : Layout
            Where everything of the mapping is in the program's arrays.
        program : Program
            The program without faults.

        Returns
        -------
        Program
            The same with other weights, or `program` itself without a fault of memories.
        """
        if self.memory_fault is None:
            return program
        return break_cores(self.mapping, layout, program, self.memory_fault, self.memory_rate, self.seed)

    def silent(self) -> dict[str, Array]:
        """Return which neurons are dead.

        Returns
        -------
        dict
            Name of the source or population -> (n,) of 0 and 1, 1 for a dead neuron, in the order in which the mapping
            counts them. Empty if none is dead.
        """
        network = self.mapping.network
        if not self.dead_neurons or not isinstance(network, IntNetwork):  # a graph of processes: no simulator takes it
            return {}
        alive = living(network, self.dead_neurons, np.random.default_rng(self.seed))
        order = orders(network)
        return {name: 1 - values[order.get(name, slice(None))] for name, values in alive.items()}

    def packed(self, layout: Layout, program: Program, first_sample: int) -> PacketLoss:
        """Return the faults as the compiled loop takes them.

        Parameters
        ----------
        layout : Layout
            Where everything of the mapping is in the program's arrays.
        program : Program
            The program that runs.
        first_sample : int
            Number of the first sample, by which random faults are drawn.

        Returns
        -------
        `PacketLoss`
            Arrays by column, tile and soma core. Local weights that are spread over several cores need all of them.
        """
        dead, cut, mapping = set(self.dead_cores), self.cut(), self.mapping
        deaf = np.zeros(layout.columns, np.uint8)
        mute = np.zeros((len(layout.tiles), 3), np.uint8)
        sources = {p.name: p.source for p in mapping.network.projections}
        silent = self.silent()
        for i, tile in enumerate(layout.tiles):
            soma, local = tile.soma_core, tile.local_cores
            mute[i, 0] = tile.core in dead or ("partial sum", tile.core, soma) in cut
            mute[i, 1] = any(c in dead or ("partial sum", c, soma) in cut for c in local)
            mute[i, 2] = any(c in dead or ("membrane", soma, c) in cut for c in local)
            if silent:
                column = int(program.tiles[i]["column"])
                deaf[column : column + tile.columns[1] - tile.columns[0]] = silent[sources[tile.projection]][
                    tile.slices[1]
                ]
            for sender in set(mapping.soma_cores(sources[tile.projection]).values()):
                first, last = tile.columns
                column = int(program.tiles[i]["column"])
                for a, b in cut.get(("spike", sender, tile.core), ()):
                    if a < last and first < b:
                        deaf[column + max(a, first) - first : column + min(b, last) - first] = 1
                missed = [lines for c in local for lines in cut.get(("spike", sender, c), ())]
                if any(a < last and first < b for a, b in missed):
                    mute[i, 1] = mute[i, 2] = 1
        somas = {(t.population, t.rows): t.soma_core for t in layout.tiles}
        return PacketLoss(
            any=True,
            threshold=np.uint64(min(int(self.packet_loss * 2**64), 2**64 - 1)),
            seed=self.seed,
            first_sample=first_sample,
            deaf=deaf,
            mute=mute,
            dead=np.array([somas[group] in dead for group in layout.groups], np.uint8),
            core=np.array([tile.core for tile in layout.tiles], np.int64),
            row=np.array([-1 if t.core == t.soma_core else t.rows[0] for t in layout.tiles], np.int64),
        )


def all_links(chip: Chip) -> list[Link]:
    """Return every link of the grid, in both directions."""
    columns, rows = int(chip.columns), int(chip.rows)
    places = [(x, y) for y in range(rows) for x in range(columns)]
    ahead = [((x, y), (x + dx, y + dy)) for x, y in places for dx, dy in ((1, 0), (0, 1))]
    inside = [(a, b) for a, b in ahead if b[0] < columns and b[1] < rows]
    return inside + [(b, a) for a, b in inside]


CHIP_FAULTS = ("dead cores", "dead links", "lost packets")
"""Faults of cores, links and packets that `break_chip` takes in addition to those of `FAULTS`."""


def break_chip(mapping: Mapping, fault: str, rate: float, seed: int = 0) -> BrokenChip:
    """Return a chip with random faults.

    Unlike `break_network` it breaks what the cores store, so that a folded convolution stays folded.

    Parameters
    ----------
    mapping : Mapping
        The mapping that will run.
    fault : str
        One of `CHIP_FAULTS` ("dead cores", "dead links", "lost packets") or of `FAULTS` ("dead synapses",
        "stuck synapses", "bit flips", "dead neurons").
    rate : float
        Share, 0 .. 1, of the cores in use, of all links of the grid, of the packets, of the weights or bits in the
        memories, or of the neurons.
    seed : int, default 0
        Seed of the faults, 0 .. 2^63 - 1.

    Returns
    -------
    BrokenChip
        For `Simulator(mapping, faults=...)`.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    UnsupportedError
        If the mapping has copies of soma cores (`fan_out`).
    """
    kind("break_chip.mapping", mapping, Mapping, "Make one with map_network().")
    choice("break_chip.fault", fault, (*CHIP_FAULTS, *FAULTS))
    whole("break_chip.seed", seed, 0, 2**63 - 1, "It seeds the faults.")
    number("break_chip.rate", rate, 0, 1, "It is a share.")
    if fault in SYNAPSES:
        return BrokenChip(mapping, seed=seed, memory_fault=fault, memory_rate=rate)
    if fault == "dead neurons":
        return BrokenChip(mapping, seed=seed, dead_neurons=rate)
    rng = np.random.default_rng(seed)
    if fault == "dead cores":
        dead = np.flatnonzero(rng.random(mapping.cores) < rate)
        return BrokenChip(mapping, dead_cores=tuple(int(c) for c in dead), seed=seed)
    if fault == "dead links":
        links = all_links(mapping.chip)
        broken = rng.random(len(links)) < rate
        return BrokenChip(mapping, dead_links=tuple(a for a, b in zip(links, broken, strict=True) if b), seed=seed)
    return BrokenChip(mapping, packet_loss=rate, seed=seed)


def accuracy_under(
    network: IntNetwork,
    spikes: npt.ArrayLike,
    labels: npt.ArrayLike,
    fault: str,
    rates: Sequence[float],
    seeds: Sequence[int] = (0,),
    chip: Chip | str = "tianjic",
    local_memory: str = "matrix",
    jobs: int | None = 1,
) -> npt.NDArray[np.float64]:
    """Measure accuracy against the share of what is broken, on the model of the chip.

    To compare a network with local weights and one without, run both with the same seeds.

    Parameters
    ----------
    network : IntNetwork
        An integer network, made by `quantise`.
    spikes : array_like, (samples, T, channels)
        Its input: 0 and 1, or 0 .. 255 where the source sends values.
    labels : array_like of int, (samples,)
        The right class of each sample.
    fault : str
        One of `CHIP_FAULTS` or of `FAULTS`. With one of FAULTS the broken network is mapped and run; if the network is
        folded, the chip is broken instead.
    rates : sequence of float
        Shares of what is broken, 0 .. 1.
    seeds : sequence of int, default (0,)
        Seeds of the faults, 0 .. 2^63 - 1.
    chip : Chip or str, default "tianjic"
        The chip.
    local_memory : {"matrix", "history"}
        How the chip stores local weights, as of `Simulator`. Default "matrix".
    jobs : int or None, default 1
        Jobs of joblib's active backend that share the cases. None takes joblib's default, -1 all processors.

    Returns
    -------
    ndarray of float, (seeds, rates)
        Accuracy, 0 .. 1, as `synergic.plots.robustness` draws it.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    CapacityError
        If the network does not fit the chip.
    """
    choice("accuracy_under.fault", fault, (*FAULTS, *CHIP_FAULTS))
    kind("accuracy_under.network", network, IntNetwork, "Call quantise() first.")
    kinds("accuracy_under", rates=(rates, Iterable), seeds=(seeds, Iterable))
    # One after another: an endless or huge row is refused at its first wrong value.
    rates = tuple(number("accuracy_under.rates", rate, 0, 1, "They are shares.") for rate in rates)
    seeds = tuple(whole("accuracy_under.seeds", seed, 0, 2**63 - 1, "They seed the faults.") for seed in seeds)
    choice("accuracy_under.local_memory", local_memory, LOCAL_MEMORIES)
    check_jobs("accuracy_under", jobs)
    spikes, labels = network.check_input(spikes), numbers("accuracy_under.labels", labels, "iu")
    got, allowed = labels.shape, f"({len(spikes)},), a class a sample"
    require(got == (len(spikes),), "accuracy_under.labels", f"shape {got}", allowed, "Give one label a sample.")
    mapping, probes = map_network(network, chip), Probes.readout(network)

    def accuracy(seed: int, rate: float) -> float:
        """Break something at random, run, and compare with the labels."""
        if fault in CHIP_FAULTS or mapping.n_passes > 1:
            broken = break_chip(mapping, fault, rate, seed)
            simulator = Simulator(mapping, local_memory, probes=probes, faults=broken)
        else:
            damaged = map_network(break_network(network, fault, rate, seed), chip)
            simulator = Simulator(damaged, local_memory, probes=probes)
        return float(np.mean(simulator.run(spikes)[0].classes(network) == labels))

    found = in_jobs(accuracy, list(itertools.product(seeds, rates)), jobs)
    return np.array(found, float).reshape(len(seeds), len(rates))
