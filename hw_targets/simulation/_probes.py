# SPDX-License-Identifier: BSD-3-Clause
"""What a run on the model of the chip records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synergic._core.checks import kind, require
from synergic.network._quantise import IntNetwork
from synergic.reference._simulate import Record


@dataclass(frozen=True)
class Probes:
    """What a run records; None : of all. Memory is bounded by it: the rest is forgotten batch by batch.

    spikes, u : names of populations (the source counts for spikes). local_weights : of projections, P after the last
    step. sums : of projections, the partial sums of each core, none by default.
    """

    spikes: tuple[str, ...] | None = None
    u: tuple[str, ...] | None = None
    local_weights: tuple[str, ...] | None = None
    sums: tuple[str, ...] = ()

    @classmethod
    def readout(cls, network: IntNetwork) -> Probes:
        """No more than the predicted classes need."""
        return cls((network.output,), (network.output,), ())

    def of(self, network: IntNetwork) -> Probes:
        """With all names; ParameterError for one that the network does not have."""
        neurons = tuple(p.name for p in network.populations)
        plastic = tuple(p.name for p in network.projections if p.rule is not None)
        known = {
            "spikes": (network.source.name, *neurons),
            "u": neurons,
            "local_weights": plastic,
            "sums": tuple(p.name for p in network.projections),
        }
        chosen = {}
        for name, names in known.items():
            given = getattr(self, name)
            if given is not None:
                kind(f"Probes.{name}", given, tuple, "Give a tuple of names.")
                unknown = [n for n in given if n not in names]
                require(not unknown, f"Probes.{name}", unknown, f"some of {list(names)}", "Choose of these.")
            chosen[name] = names if given is None else given
        return Probes(**chosen)


@dataclass
class ChipRecord(Record):
    """A Record, and by projection the partial sums of its cores.

    sums : by projection, one entry a core: {"core": number, "rows": (first, last), "slow": array, "local": array}, the
    arrays (samples, T, rows).
    """

    sums: dict[str, list[dict[str, Any]]] | None = None
