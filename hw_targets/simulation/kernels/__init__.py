# SPDX-License-Identifier: BSD-3-Clause
"""The core loop, compiled: what the cores of a program do in every step of the chip's clock.

The arithmetic is that of synergic.numerics.fixed, which stays its only specification; the tests compare every
function here with it, bit for bit. A `Program` is what the chip stores before the run, a `State` is what a run of n
samples leaves behind. The package synergic.hw_targets.simulation makes both and describes their arrays.

All neurons, the channels of the source first, have one number each. `sent[sample, t]` is what they send in step t
of the clock; cores receive it in step t + 1. Samples share no data, and neither do the soma tiles ("groups") of one
step: any split over threads gives the same bits.

records : the data. packets : who sent, what arrives. synapses : sums and local rules; history : local weights that
are never written. somas : neurons. step : all of them, in order.
"""

from synergic.hw_targets.simulation.kernels._core_synapses import add_axons, integrate, learn, post_terms, rewrite
from synergic.hw_targets.simulation.kernels._history_kernel import overlaps, recall
from synergic.hw_targets.simulation.kernels._packets import listen, senders_before
from synergic.hw_targets.simulation.kernels._records import (
    BY_TABLE,
    FROZEN,
    GENERAL,
    GROUP,
    HEAD,
    HISTORY,
    MATRIX,
    NO_LOCAL,
    NO_PACKET_LOSS,
    RECTIFIED,
    SPIKING,
    TILE,
    PacketLoss,
    Program,
    State,
)
from synergic.hw_targets.simulation.kernels._somas import activate, fire
from synergic.hw_targets.simulation.kernels._step import learn_behind, run_cores, run_groups, run_samples, run_step

__all__ = [
    "BY_TABLE",
    "FROZEN",
    "GENERAL",
    "GROUP",
    "HEAD",
    "HISTORY",
    "MATRIX",
    "NO_LOCAL",
    "NO_PACKET_LOSS",
    "RECTIFIED",
    "SPIKING",
    "TILE",
    "PacketLoss",
    "Program",
    "State",
    "activate",
    "add_axons",
    "fire",
    "integrate",
    "learn",
    "learn_behind",
    "listen",
    "overlaps",
    "post_terms",
    "recall",
    "rewrite",
    "run_cores",
    "run_groups",
    "run_samples",
    "run_step",
    "senders_before",
]
