# SPDX-License-Identifier: BSD-3-Clause
"""What the compiled functions work on: the records of a program, its state, and what is lost."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

NO_LOCAL, FROZEN, MATRIX, HISTORY = 0, 1, 2, 3
"""What a head does about local weights."""
SPIKE, SLOW_SUM, LOCAL_SUM, MEMBRANE, OVERLAP = 0, 1, 2, 3, 4
"""Kinds of packets, as `lost` tells them apart."""

GROUP = np.dtype(
    [(name, np.int64) for name in ("neuron", "rows", "first_head", "last_head", "onset")]
    + [(name, np.int64) for name in ("vth", "decay", "shift", "reset_to_zero", "probe", "random", "draws")]
    + [(name, np.int64) for name in ("soma", "unit", "entries", "sums")]
)
"""A soma tile: its first neuron, its heads [first_head, last_head), and what its population computes with.

probe : where in `u_log` its potentials go, or -1. random : where its random numbers are, if it `draws` any. soma : one
of the four below. unit, entries : of somas that send values, see synergic.neurons, and the row of their table.
sums : where in `acc` the sums of a GENERAL soma's neurons go.
"""

SPIKING, RECTIFIED, BY_TABLE, GENERAL = 0, 1, 2, 3
"""What a soma does: the plain neuron, ReLU, Table, or a neuron that is not compiled (`_general`)."""

HEAD = np.dtype(
    [
        (name, np.int64)
        for name in ("first_tile", "last_tile", "row", "form", "learns", "post", "table", "fades", "delay")
    ]
    + [(name, np.int64) for name in ("lambda_", "sign", "p_top", "shift", "table_scale")]
    + [(name, np.int64) for name in ("by_eta", "post_factor", "post_shift", "sum_shift", "start_shift", "powers")]
)
"""One projection into one soma tile: its tiles [first_tile, last_tile), and its local rule.

row : where alpha and beta of its neurons are. post : where its postsynaptic terms are stored. fades : whether its slow
weights do, with k. delay : steps that spikes wait at its axons, beside the one that they travel. The last line is of
the history form, see history.history_plan.
"""

TILE = np.dtype([(name, np.int64) for name in ("axon", "columns", "weights", "local", "mask", "column", "parts")])
"""One synapse core and its local cores: the neuron from which its first axon receives, and where its parts of the
flat arrays begin: weights, local weights and their mask axon by axon, eta by `column`, recorded partial sums by
`parts`, -1 for none."""


class Program(NamedTuple):
    """What the chip stores. k : (T,). bias : by neuron. alpha, beta : by row. eta : by column. tables : (rules, 256).

    weights : int8 or int16, all tiles' one after another. mask : uint8, of the tiles whose rule has one. powers :
    (heads, T + 1) of lambda, for the history form. entries : (tables of somas, 256), uint8.
    """

    groups: Any
    heads: Any
    tiles: Any
    k: Any
    bias: Any
    weights: Any
    alpha: Any
    beta: Any
    eta: Any
    tables: Any
    powers: Any
    mask: Any
    entries: Any


class State(NamedTuple):
    """What a run of n samples works on and leaves behind.

    sent : (n, clock + 1, neurons). u : (n, neurons). local : (n or 1, all local weights), int8 or int16. posts :
    (n, T, rows of histories). u_log : (n, T, probed). parts : (n, T, probed, 2), slow and local. received : (n, clock +
    1, tiles), events that a tile received, counted where packets can be lost. saturated : (n, groups). clipped : (n,
    heads). too_wide : (n, tiles), partial sums that leave [-widest, widest], counted core by core. randoms : (n, T,
    neurons). acc : (n, neurons of GENERAL somas), the step's sums.
    """

    sent: Any
    u: Any
    local: Any
    posts: Any
    u_log: Any
    parts: Any
    received: Any
    saturated: Any
    clipped: Any
    too_wide: Any
    widest: Any
    randoms: Any
    acc: Any


class PacketLoss(NamedTuple):
    """Packets that do not arrive.

    threshold : of 2^64, the share of packets that are lost at random. seed : of these. first_sample : number of the
    run's first sample. deaf : by column of a tile, 1 where its core never receives from that axon.
    mute : (tiles, 3), 1 where slow sums, local sums, or potentials for the update never arrive. dead : (groups,), 1
    where a soma core is dead. core : (tiles,), number of the synapse core: tiles that share one lose its packets
    together. row : (tiles,), first neuron of the tile: sums of a core's passes are packets of their own; -1 where the
    slow sums stay on their core and cannot be lost. any : 0 switches all of it off.
    """

    any: Any
    threshold: Any
    seed: Any
    first_sample: Any
    deaf: Any
    mute: Any
    dead: Any
    core: Any
    row: Any


NO_PACKET_LOSS = PacketLoss(
    any=False,
    threshold=np.uint64(0),
    seed=0,
    first_sample=0,
    deaf=np.zeros(0, np.uint8),
    mute=np.zeros((0, 3), np.uint8),
    dead=np.zeros(0, np.uint8),
    core=np.zeros(0, np.int64),
    row=np.zeros(0, np.int64),
)
"""Of a chip that is sound."""

Losses = PacketLoss
"""Its name in numba's caches of 0.1: numba unpickles a cache before it finds that the source is newer."""
