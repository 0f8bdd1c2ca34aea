# SPDX-License-Identifier: BSD-3-Clause
"""Local weights that an exported program has learned, read back into the description of its network."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from synergic._core.checks import kind, require
from synergic._core.files import check_path, reading
from synergic.errors import FormatError
from synergic.interchange._c._c_fingerprint import fingerprint
from synergic.network._quantise import IntNetwork

MAGIC, STATE_VERSION = b"SYLW", 1
"""The first bytes of what NAME_write_local writes; a byte with the version and the network's fingerprint follow."""
COUNTER = 8
"""Bytes of the number of presentations, at the end of what a network writes in which anything lives on."""


def state_head(of_network: bytes) -> bytes:
    """The bytes before the local weights."""
    return MAGIC + bytes([STATE_VERSION]) + of_network


def state_bytes(network: IntNetwork) -> int:
    """How many bytes NAME_write_local writes."""
    local = sum(2 * stored(q) for q in network.projections if q.plastic)
    return len(state_head(bytes(8))) + local + sum(map(bias_bytes, network.homeostatic)) + COUNTER * network.sequential


def bias_bytes(p: Any) -> int:
    """Bytes of the intrinsic biases of a population."""
    return 4 * int(p.size)


def stored(q: Any) -> int:
    """Number of local weights of a projection that a program stores: those of the mask, or all."""
    return int(q.weights.size if q.rule.mask is None else q.rule.mask.sum())


def read_c_state(network: IntNetwork, path: str | Path) -> IntNetwork:
    """Read back the local weights and intrinsic biases that an exported program has learned.

    Parameters
    ----------
    network : IntNetwork
        The network that `to_c` has exported.
    path : str or Path
        A file with the bytes of `NAME_write_local`.

    Returns
    -------
    IntNetwork
        The network, with the learned local weights as those with which a presentation begins. What lives on, local
        weights of streams and intrinsic biases, goes on from there to the same bits: `presented` counts the
        presentations that the program has written.

    Raises
    ------
    FormatError
        If the file is damaged, or of another network.
    ParameterError
        If an argument is of another type, or nothing in the network learns.
    """
    kind("read_c_state.network", network, IntNetwork, "Give the one that was exported.")
    file = check_path("read_c_state.path", path)
    learning = [q for q in network.projections if q.plastic]
    changes = bool(learning) or network.sequential
    allowed = "one that learns, or a population with homeostasis"
    require(changes, "read_c_state.network", "no projection that learns", allowed, "Nothing is read back.")
    with reading(file, "Write it again on the device."):
        content = file.read_bytes()
    head, size = state_head(fingerprint(network)), state_bytes(network)
    if content[: len(MAGIC) + 1] != head[: len(MAGIC) + 1]:
        raise FormatError(f"{file}: got no local weights of an exported program. Write them with NAME_write_local.")
    if len(content) < len(head):
        raise FormatError(f"{file}: got {len(content)} bytes, allowed {size}. Write it again on the device.")
    if content[: len(head)] != head:
        raise FormatError(f"{file}: got local weights of another network. Give the network that was exported.")
    if len(content) != size:
        raise FormatError(f"{file}: got {len(content)} bytes, allowed {size}. Write it again on the device.")
    end = size - COUNTER * network.sequential
    middle = end - sum(map(bias_bytes, network.homeostatic))
    numbers = np.frombuffer(content[:middle], "<i2", offset=len(head)).astype(np.int64)
    biases = np.frombuffer(content[middle:end], "<i4").astype(np.int64)
    presented = int.from_bytes(content[end:], "little") if network.sequential else network.presented
    ends = np.cumsum([p.size for p in network.homeostatic])
    start = {p.name: biases[e - p.size : e] for p, e in zip(network.homeostatic, ends, strict=True)}
    learned, at = {}, 0
    for q in learning:
        local: Any = np.zeros_like(q.local_weights)
        where = np.ones(local.shape, bool) if q.rule.mask is None else q.rule.mask.astype(bool)
        local[where] = numbers[at : at + stored(q)]
        learned[q.name], at = local, at + stored(q)
    with reading(file, "Write it again on the device."):
        projections = tuple(
            dataclasses.replace(q, local_weights=learned[q.name]) if q.name in learned else q
            for q in network.projections
        )
        populations = tuple(
            dataclasses.replace(p, homeostasis=dataclasses.replace(p.homeostasis, start=start[p.name]))
            if p.name in start else p
            for p in network.populations
        )  # fmt: skip
        return dataclasses.replace(network, populations=populations, projections=projections, presented=presented)
