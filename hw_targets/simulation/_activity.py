# SPDX-License-Identifier: BSD-3-Clause
"""What the cores of a chip did in a run: counts of events, from which the costs are computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.contents import Brief

Array = npt.NDArray[Any]
LOCAL_MEMORIES = ("matrix", "history")
"""How local weights are stored: as matrices in cores of their own, or as spikes and postsynaptic terms."""


def nothing() -> Array:
    """Return the empty array of a count that a run does not record."""
    return np.zeros((0, 0), np.int64)


@dataclass
class Activity(Brief):
    """Counts of what the cores did, summed over samples.

    The clock has T + depth steps, t = 1 .. T + depth. The simulator records all counts. The chip inside Lava
    records only those from `synaptic` to `local_memory`.

    Attributes
    ----------
    synaptic : ndarray, (cores,)
        Synapse slots visited: spiking axons times neurons, plus local weights rewritten.
    samples, steps : int
        Number of presentations, and time steps of each.
    spikes, partial_sums, membranes : int
        Packets sent: spikes, partial sums, potentials.
    local_writes : int
        Local weights rewritten.
    overlaps : int
        Overlaps K(m, q) sent, in the history form.
    local_memory : {"matrix", "history"}
        How local weights are stored. Default "matrix".
    integrated, updated : ndarray, (clock, cores)
        Slots visited in phase 1, and slots rewritten in phase 3, in each step of the clock.
    recalled : ndarray, (clock, cores)
        Slots of the history form: spikes compared and terms added up.
    slowest : ndarray, (clock, passes + 1)
        The largest count of any core in phase 1 of each time-multiplexing pass, and in phase 3.
    fired : dict of str to ndarray, (clock, neurons)
        By population, spikes sent. Neurons have the mapping's order.
    by_sample : ndarray, (samples,)
        All slots of each sample.
    too_wide : dict of str to int
        By projection, partial sums that do not fit the chip's accumulators. The simulator computes them exactly.
    lost : int
        Packets that did not arrive.
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
