# SPDX-License-Identifier: BSD-3-Clause
"""Time, energy and memory of a mapped network, learning included, with every assumption printed.

Time at three levels. Phases only: every phase lasts as long as the chip's. Slowest core: a phase ends when the core
with most to do is done, set-up + slots / lanes clocks. Contention: nor before the busiest link of the mesh has
carried its packets. Energy of a core in a phase, by the envelope: t (P_low + (P_high - P_low) utilisation),
utilisation = active synapse slots over axons x neurons; the events themselves are counted apart.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import kind, kinds
from synergic._core.contents import Brief
from synergic.hw_targets._chip import Chip
from synergic.hw_targets.costs._core_work import (
    HOMEOSTATIC_BYTES,
    TRACE_BYTES,
    delay_bytes,
    history_size,
    homeostatic,
    homeostatic_bytes,
    phases_per_step,
    soma_slots,
    stored_weights,
    stream_sizes,
    trace_slots,
    traces_of,
    used_cores,
    writes_apart,
)
from synergic.hw_targets.costs._phase_clocks import measured_latencies
from synergic.hw_targets.mapping import Mapping, map_network
from synergic.hw_targets.mapping._mapping_data import local_bits
from synergic.hw_targets.mapping._memory import full_bytes, memory_of
from synergic.hw_targets.simulation._activity import Activity
from synergic.hw_targets.simulation._probes import Probes
from synergic.hw_targets.simulation._simulator import simulate_on_chip
from synergic.network._quantise import IntNetwork
from synergic.numerics.fixed import TABLE_SIZE

ASSUMPTIONS = (
    "A model of the chip, not the chip: nothing here is measured on silicon.",
    "Power of a core is linear between power_low, when it is idle, and power_high, when all its synapses are active: "
    "numbers of the chip.",
    "A value is a packet as a spike is, and 0 sends none; a core in ANN mode costs what one in SNN mode does. Known, "
    "and no more, is that a published neuron by table costs about 9 % more power; nothing is added for it.",
    'Only the cores used are counted; an empty core is taken as switched off. "Energy, all cores on" '
    "counts all as switched on.",
    "One phase each to integrate, to add partial sums and fire, and to update local weights; the first two once for "
    "each pass of folded cores: passes do not overlap, and every core used is on in all of them.",
    "A folded core keeps weights once. Membranes beyond its neurons and inputs beyond its axons (twice: one half fills "
    "while the other is read) lie in the memory for weights.",
    "A core visits so many synapses a clock that all fit into a phase, a power of two (16 on the tianjic: derived from "
    "its 5,050 clocks a phase and 610 GB/s); the rest of a phase is set-up.",
    "A link carries one packet a clock, of each sample the mean; hops cost no energy: no figure for hops of this chip "
    "is known.",
    "Local weights wider than 8 bits lie in several cores; the simulator computes them as one word.",
    "A rule's own arrays (traces, thresholds) are stored, 3 bytes a value, in every core that stores local weights of "
    "its tile. To update a value takes a slot of the update phase, as to rewrite a local weight does. The number of "
    "multiplications in a rule's equation costs nothing more.",
    "A stream is written in one phase after the last step of a presentation. Until then each core with local weights "
    "stores the spikes, a bit each, and the postsynaptic terms that it receives; the write takes a slot for each term "
    "that it adds up, and one for each local weight.",
    "Spikes of a projection with a delay wait at the axons of every core that receives them, a bit (of a value 8) for "
    "each axon and step: in the axons' memory for historical spikes. That it has room for 62 steps, the longest delay, "
    "is assumed; its size is not published. Reading it takes no time.",
    "Homeostasis takes a slot of the soma core for each neuron in each step, for its term of the sum, and one for its "
    "write at the end of a presentation. 12 bytes a neuron (bias, sum, target) and 512 bytes a core (table) are stored "
    "beside the weights. No phase gets longer: these slots are few beside those of the synapses.",
    "In the history form the soma core adds up the terms, one slot each, and compares a spike pair in one slot; its "
    "overlaps travel with the partial sums.",
)
"""What the costs assume, a sentence each. Reports print those that apply to what they show."""


def assumptions(mapping: Mapping, local_memory: str) -> list[str]:
    """The assumptions that concern a mapping: none about local rules where there are none, and so on."""
    net = mapping.network
    concerns = {
        "A folded core": mapping.n_passes > 1,
        "Local weights wider": any(p.rule is not None for p in net.projections),
        "A rule's own arrays": bool(traces_of(mapping, local_memory)),
        "A stream is": any(p.streams for p in net.projections),
        "Spikes of a projection with a delay": any(p.delay for p in net.projections),
        "Homeostasis takes": bool(homeostatic(mapping)),
        "In the history form": local_memory == "history",
    }
    left_out = tuple(begin for begin, applies in concerns.items() if not applies)
    return [sentence for sentence in ASSUMPTIONS if not sentence.startswith(left_out)]


@dataclass(frozen=True)
class Costs(Brief):
    """Time, energy and memory that one sample takes on a chip, as `cost` computes them.

    Attributes
    ----------
    chip : str
        Name of the chip.
    cores, cores_available, local_cores : int
        Cores used, cores of the chip, and cores used for local weights.
    phases_per_step, phases : int
        Phases of the chip in a time step, and in a sample.
    latency_s : float
        Time from the first input to the last output, in seconds. It includes the pipeline of populations.
    interval_s : float
        Time between two samples of a stream, in seconds.
    energy_j : float
        Energy of a sample of a stream, in joules. Only used cores are switched on.
    energy_idle_j : float
        The part of `energy_j` that the used cores take without activity, in joules.
    utilisation : float
        Share of the synapse slots of the used cores that are active, 0 .. 1.
    weight_bytes, local_weight_bytes : int
        Memory of the slow weights, and of the local weights P, in bytes.
    fits_sram : bool
        Whether the core with the most data has enough memory for all of it.
    hops : int
        Links on all routes of the mapping, counted once per route.
    local_memory : {"matrix", "history"}
        How local weights are computed. Default "matrix".
    history_bytes : int
        Memory of the spikes and postsynaptic terms that the history form stores instead of P, and a stream until its
        write, in bytes.
    trace_bytes : int
        Memory of the rules' own arrays, in bytes, and of homeostasis: bias, sum and target of each neuron, and a table.
    delay_bytes : int
        Memory of the spikes that wait at axons of projections with a delay, in bytes.
    latency_slowest_s, latency_contention_s : float or None
        `latency_s` at the other two levels of time, mean of the samples. None if the run has no counts by step, as
        the chip inside Lava.
    energy_chip_j : float
        Energy of a sample with all cores of the chip switched on, in joules.
    events : dict
        Counts per sample, by name.
    layers : dict
        Figures by population.
    by_core : ndarray, (cores,)
        Energy of each core, in joules.
    by_sample : ndarray, (samples,)
        Energy of each sample, in joules.
    """

    chip: str
    cores: int
    cores_available: int
    local_cores: int
    phases_per_step: int
    phases: int
    latency_s: float
    interval_s: float
    energy_j: float
    energy_idle_j: float
    utilisation: float
    weight_bytes: int
    local_weight_bytes: int
    fits_sram: bool
    hops: int
    local_memory: str = "matrix"
    history_bytes: int = 0
    trace_bytes: int = 0
    delay_bytes: int = 0
    latency_slowest_s: float | None = None
    latency_contention_s: float | None = None
    energy_chip_j: float = 0.0
    events: dict[str, float] = field(default_factory=dict)
    layers: dict[str, dict[str, float]] = field(default_factory=dict)
    by_core: Any = None
    by_sample: Any = None


def cost(mapping: Mapping, activity: Activity) -> Costs:
    """Compute what a sample costs: time, energy and memory.

    Parameters
    ----------
    mapping : Mapping
        The mapped network.
    activity : Activity
        What the cores did: from `simulate_on_chip`, or from a run with ChipSimCfg.

    Returns
    -------
    Costs
        The figures per sample.

    Raises
    ------
    ParameterError
        If an argument has another type.
    """
    kinds("cost", mapping=(mapping, Mapping), activity=(activity, Activity))
    chip, net = mapping.chip, mapping.network
    form, samples = activity.local_memory, max(activity.samples, 1)
    occupied, local_cores = used_cores(mapping, form)
    per_step = phases_per_step(mapping, form)
    phases = per_step * activity.steps + writes_apart(net)
    t, cores = chip.phase_seconds, len(occupied)
    slots = int(chip.axons) * int(chip.neurons)
    traces, values = trace_slots(mapping, activity), traces_of(mapping, form)
    somas = soma_slots(mapping, activity.steps)
    beside_synapses = traces.sum() + somas.sum()
    slots_of = activity.synaptic / samples + traces.sum(axis=0) + somas
    used = slots_of.sum()
    idle_core = phases * t * chip.power_low.value
    per_slot = t * (chip.power_high.value - chip.power_low.value) / slots
    weights = sum(stored_weights(mapping, p) * p.weight_bits for p in net.projections) // 8
    stored = [p for p in net.projections if form == "matrix" or not p.learns or np.any(p.local_weights)]
    local = sum(p.weights.size * local_bits(p) for p in stored) // 8
    streams = stream_sizes(mapping, activity.steps)
    beside = {t: TRACE_BYTES * values.get(t, 0) + streams.get(t, 0) for t in {**values, **streams}}
    fullest = max([0, *(full_bytes(t.synapses, chip) + size for t, size in beside.items())])
    history = history_size(mapping, activity.steps) if form == "history" else 0
    history += sum(size * len(t.local_cores) for t, size in streams.items())
    by_core = slots_of * per_slot
    by_core[sorted(occupied)] += idle_core
    # The fullest core may be one with homeostasis: counted as if it were.
    biggest = max((b - a for t in mapping.tiles for a, b in [t.rows]), default=0) if homeostatic(mapping) else 0
    beside_weights = HOMEOSTATIC_BYTES * biggest + 2 * TABLE_SIZE * (biggest > 0)
    largest = memory_of(mapping.arranged, mapping.stored, chip).full_largest + beside_weights
    stepwise = len(activity.integrated) > 0
    slowest, contention = measured_latencies(mapping, activity) if stepwise else (None, None)
    return Costs(
        chip=f"model of {chip.name}",
        cores=cores,
        cores_available=chip.cores,
        local_cores=len(local_cores),
        phases_per_step=per_step,
        phases=phases,
        latency_s=((activity.steps + net.depth) * per_step + writes_apart(net)) * t,
        interval_s=phases * t,
        energy_j=float(idle_core * cores + per_slot * used),
        energy_idle_j=float(idle_core * cores),
        utilisation=float(used / (slots * phases * cores)),
        weight_bytes=weights,
        local_weight_bytes=local,
        fits_sram=max(fullest, largest) <= int(chip.sram),
        hops=sum(len(r.hops) for r in mapping.routes),
        local_memory=form,
        history_bytes=history,
        delay_bytes=delay_bytes(mapping),
        trace_bytes=TRACE_BYTES * sum(n * len(t.local_cores) for t, n in values.items()) + homeostatic_bytes(mapping),
        latency_slowest_s=slowest,
        latency_contention_s=contention,
        energy_chip_j=float(idle_core * chip.cores + per_slot * used),
        events=events(mapping, activity) if stepwise else {},
        layers=layers(mapping, activity, occupied, idle_core, slots_of * per_slot) if stepwise else {},
        by_core=by_core,
        by_sample=(activity.by_sample + beside_synapses) * per_slot + idle_core * cores if stepwise else None,
    )


def events(mapping: Mapping, activity: Activity) -> dict[str, float]:
    """Count the events of a sample by kind. The energy of one event has not been measured on this chip."""
    synapse = {t.core for t in mapping.stored}
    local = {c for t in mapping.stored for c in t.local_cores}
    reads = activity.integrated.sum(axis=0)
    counts = {
        "slow weights read": reads[sorted(synapse)].sum(),
        "local weights read": reads[sorted(local - synapse)].sum(),
        "local weights rewritten": activity.updated.sum(),
        "rule traces rewritten": trace_slots(mapping, activity).sum() * activity.samples,
        "history terms recalled": activity.recalled.sum(),
        "homeostatic biases written": sum(p.size for p in homeostatic(mapping)) * activity.samples,
        "spikes sent": activity.spikes,
        "partial sums sent": activity.partial_sums,
        "potentials sent": activity.membranes,
        "overlaps sent": activity.overlaps,
    }
    return {name: float(count) / max(activity.samples, 1) for name, count in counts.items()}


def layers(
    mapping: Mapping, activity: Activity, occupied: set[int], idle_core: float, energies: npt.NDArray[np.float64]
) -> dict[str, dict[str, float]]:
    """Costs by population, of the cores that feed it and its own, a sample. energies : of each core's slots, J."""
    rewritten = activity.updated.sum(axis=0) / max(activity.samples, 1)
    slots = activity.synaptic / max(activity.samples, 1) + trace_slots(mapping, activity).sum(axis=0)
    slots = slots + soma_slots(mapping, activity.steps)
    out = {}
    for p in mapping.network.populations:
        tiles = [t for t in mapping.stored if t.population == p.name]
        mine = sorted({c for t in tiles for c in (t.core, t.soma_core, *t.local_cores)} & occupied)
        local = sorted({c for t in tiles for c in t.local_cores} & occupied)
        out[p.name] = {
            "cores": len(mine),
            "local cores": len(local),
            "slots": float(slots[mine].sum()),
            "rewritten": float(rewritten[mine].sum()),
            "spikes": float(activity.fired[p.name].sum() / max(activity.samples, 1)),
            "energy_j": float(energies[mine].sum() + idle_core * len(mine)),
        }
    return out


def side_by_side(network: IntNetwork, spikes: Any, chip: Chip | str = "tianjic") -> dict[str, Costs]:
    """Compute what learning costs: the network without and with local weights, on the same input.

    The differences between the figures are the price of learning: cores, phases, reads, writes, energy.

    Parameters
    ----------
    network : IntNetwork
        An integer network.
    spikes : array_like, shape (samples, T, channels)
        Input spikes.
    chip : Chip or str, default "tianjic"
        The chip, or its name.

    Returns
    -------
    dict of str to Costs
        "gp" is the network without local weights. "matrix" and "history" are the two forms of local weights; they
        exist only if the network has a local rule. Streams have the form "matrix" alone.

    Raises
    ------
    ParameterError, UnsupportedError
        As `map_network` and `simulate_on_chip`.
    """
    kind("side_by_side.network", network, IntNetwork, "Call quantise() first.")
    bare = [dataclasses.replace(p, rule=None, local_weights=None) for p in network.projections]
    plain = map_network(dataclasses.replace(network, projections=tuple(bare)), chip)
    probes = Probes.readout(network)
    found = {"gp": cost(plain, simulate_on_chip(plain, spikes, probes=probes)[1])}
    if any(p.rule is not None for p in network.projections):
        mapping = map_network(network, chip)
        for form in ("matrix",) if network.streams else ("matrix", "history"):
            found[form] = cost(mapping, simulate_on_chip(mapping, spikes, probes=probes, local_memory=form)[1])
    return found
