# SPDX-License-Identifier: BSD-3-Clause
"""The pass `merge`: small tiles of the same neurons share a core."""

from __future__ import annotations

from dataclasses import replace

from synergic.hw_targets.mapping._tiling import merge
from synergic.hw_targets.mapping.passes._pass import MappingState, Pass


class Merge(Pass):
    """Let small tiles of the same neurons share a core where axons, memory and accumulator allow it.

    Option: `weight_storage`. Needs `state.tiles` and changes them: cores are numbered anew without gaps.
    """

    name = "merge"
    what = "Which small tiles of the same neurons share a core."

    def __call__(self, state: MappingState) -> MappingState:
        """Merge the tiles."""
        storage = state.options.weight_storage
        return replace(state, tiles=tuple(merge(list(state.tiles), state.arranged, state.chip, storage, state.folds)))
