# SPDX-License-Identifier: BSD-3-Clause
"""Time, energy and memory of a mapped network, by the envelope model and with every assumption printed.

Energy of a core in a phase: t_phase (P_low + (P_high - P_low) utilisation), utilisation = active synapse slots
over axons x neurons. Two assumptions: the published lowest and highest power of a core are an idle and a full one;
power is linear between.
"""

from __future__ import annotations

from dataclasses import dataclass

from synergic.hw_targets.mapping import Mapping, local_bits
from synergic.hw_targets.simulator import Activity

ASSUMPTIONS = (
    "A model of the chip, not the chip: nothing here is measured on silicon.",
    "power_low is an idle core and power_high a core with all synapses active; power is linear between.",
    "Only the cores used are counted; an empty core is taken as switched off.",
    "One phase each to integrate, to add partial sums and fire, and to update local weights.",
    "Routing costs no time and no energy: no figure for hops of this chip is known.",
    "Local weights wider than 8 bits lie in several cores; the simulator computes them as one word.",
)


@dataclass(frozen=True)
class Costs:
    """Figures of one sample. latency_s : first input to last output, pipeline included. interval_s : between
    samples of a stream. energy_j : a sample of a stream, cores used. energy_idle_j : its part without activity."""

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


def cost(mapping: Mapping, activity: Activity) -> Costs:
    """The costs of what the cores did, per sample; activity : of `simulate_on_chip`, or of a ChipSimCfg's run."""
    chip, net = mapping.chip, mapping.network
    phases = mapping.phases_per_step * activity.steps
    t = chip.phase_seconds
    slots = int(chip.axons) * int(chip.neurons)
    used = activity.synaptic.sum() / max(activity.samples, 1)
    idle = phases * mapping.cores * t * chip.power_low.value
    active = t * (chip.power_high.value - chip.power_low.value) * used / slots
    weights = sum(p.weights.size * p.weight_bits for p in net.projections) // 8
    local = sum(p.weights.size * local_bits(p) for p in net.projections) // 8
    largest = max(t.synapses for t in mapping.tiles)
    return Costs(
        chip=f"model of {chip.name}",
        cores=mapping.cores,
        cores_available=chip.cores,
        local_cores=sum(len(t.local_cores) for t in mapping.tiles),
        phases_per_step=mapping.phases_per_step,
        phases=phases,
        latency_s=(activity.steps + net.depth) * mapping.phases_per_step * t,
        interval_s=phases * t,
        energy_j=float(idle + active),
        energy_idle_j=float(idle),
        utilisation=float(used / (slots * phases * mapping.cores)),
        weight_bytes=weights,
        local_weight_bytes=local,
        fits_sram=largest <= int(chip.sram),
        hops=sum(len(r.hops) for r in mapping.routes),
    )
