# SPDX-License-Identifier: BSD-3-Clause
"""The pass `partition`: every projection in tiles of at most a core."""

from __future__ import annotations

from dataclasses import replace

from synergic.hw_targets.mapping._tiling import partition
from synergic.hw_targets.mapping.passes._pass import MappingState, Pass


class Partition(Pass):
    """Cut every projection into tiles of at most a core, with exact partial sums.

    Option: `weight_storage`. Needs `state.folds`, sets `state.tiles`.
    """

    name = "partition"
    what = "Which synapses are on which core: tiles of a projection, each with a core of its own."

    def __call__(self, state: MappingState) -> MappingState:
        """Cut the network."""
        tiles = partition(state.arranged, state.chip, state.options.weight_storage, state.folds)
        return replace(state, tiles=tuple(tiles))
