# SPDX-License-Identifier: BSD-3-Clause
"""What a run on the model of the chip records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synergic._core.checks import kind, require
from synergic.network._quantise import IntNetwork
from synergic.reference._simulate import Record


@dataclass(frozen=True)
class Probes:
    """What a run records. It bounds the memory of a run: everything else is dropped after each batch.

    Attributes
    ----------
    spikes : tuple of str or None, default None
        Names of populations, or of the source, whose spikes are recorded. None records all.
    u : tuple of str or None, default None
        Names of populations whose potentials are recorded. None records all.
    local_weights : tuple of str or None, default None
        Names of projections whose P after the last step is recorded. None records all.
    sums : tuple of str, default ()
        Names of projections whose partial sums are recorded, core by core.
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
        """Return these probes with all names filled in. Raises ParameterError for an unknown name."""
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
    """A Record with the partial sums of the cores.

    Attributes
    ----------
    sums : dict or None
        By projection, one entry for each core: {"core": number, "rows": (first, last), "slow": array, "local": array}.
        The arrays have the shape (samples, T, rows).
    """

    sums: dict[str, list[dict[str, Any]]] | None = None

    @classmethod
    def joined(cls, records: Sequence[ChipRecord]) -> ChipRecord:
        """Return the records of successive batches as one."""
        plain = Record.concatenate(
            [Record(r.spikes, r.u, r.local_weights, r.saturated, r.homeostatic_bias) for r in records]
        )
        whole = cls(**vars(plain), sums={})
        for name, cores in (records[0].sums or {}).items():
            for i, core in enumerate(cores):
                pieces = [r.sums[name][i] for r in records]  # type: ignore[index]
                sums = {part: np.concatenate([piece[part] for piece in pieces]) for part in ("slow", "local")}
                whole.sums.setdefault(name, []).append({**core, **sums})  # type: ignore[union-attr]
        return whole
