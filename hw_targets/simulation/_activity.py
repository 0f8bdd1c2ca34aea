# SPDX-License-Identifier: BSD-3-Clause
"""What the cores of a chip did in a run: counts of events, from which the costs are computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
LOCAL_MEMORIES = ("matrix", "history")
"""How local weights are kept: as matrices in cores of their own, or as spikes and postsynaptic terms."""


def nothing() -> Array:
    """Counts that a run does not keep."""
    return np.zeros((0, 0), np.int64)


@dataclass
class Activity:
    """What the cores did, summed over samples.

    synaptic : by core, synapse slots visited (spiking axons x neurons, plus local weights rewritten).
    samples, steps : presentations, and steps of each. spikes, partial_sums, membranes : packets' payloads sent.
    local_writes : local weights rewritten. overlaps : overlaps K(m, q) sent (history form).
    integrated, updated : (clock, cores), slots visited in phase 1, and rewritten in phase 3, in each step of the chip's
    clock, t = 1 .. T + depth. recalled : (clock, cores), slots of the history form: spikes compared, terms added up.
    slowest : (clock, turns + 1), the largest of any core in phase 1 of each turn and in phase 3, summed over samples.
    fired : by population, (clock, neurons), spikes sent, neurons as the mapping counts them. by_sample : (samples,),
    all slots of a sample.
    too_wide : by projection, partial sums that the chip's accumulators could not hold (the simulator's did).
    lost : packets that did not arrive.
    The lower half is kept by the simulator only, not by the chip inside Lava.
    """

    synaptic: Array
    samples: int = 0
    steps: int = 0
    spikes: int = 0
    partial_sums: int = 0
    membranes: int = 0
    local_writes: int = 0
    overlaps: int = 0
    local_memory: str = "matrix"
    integrated: Array = field(default_factory=nothing)
    updated: Array = field(default_factory=nothing)
    recalled: Array = field(default_factory=nothing)
    slowest: Array = field(default_factory=nothing)
    fired: dict[str, Array] = field(default_factory=dict)
    by_sample: Array = field(default_factory=nothing)
    too_wide: dict[str, int] = field(default_factory=dict)
