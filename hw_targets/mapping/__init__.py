# SPDX-License-Identifier: BSD-3-Clause
"""Mapping of an integer network onto a chip: what is stored on which core, where on the grid, and every route.

`map_network` runs `PASSES`, one after another; `synergic.hw_targets.mapping.passes` has a file for each of them and
describes how to add one. `estimate` computes whether a network fits. `check_mapping` finds what is wrong with any
mapping, also one from elsewhere. `save_mapping` and `load_mapping` store one in a file.
"""

from synergic.hw_targets.mapping._checker import check_mapping
from synergic.hw_targets.mapping._mapping_data import Chain, Estimate, Mapping, Route, Tile, Violation
from synergic.hw_targets.mapping._mapping_file import load_mapping, save_mapping
from synergic.hw_targets.mapping._memory import Memory
from synergic.hw_targets.mapping._options import RATE, MappingOptions
from synergic.hw_targets.mapping._pipeline import PASSES, estimate, map_network
from synergic.hw_targets.mapping._traffic import link_packets
from synergic.hw_targets.mapping.passes import MappingState, Pass
from synergic.hw_targets.mapping.passes._placement import PLACEMENTS

__all__ = [
    "PASSES",
    "PLACEMENTS",
    "RATE",
    "Chain",
    "Estimate",
    "Mapping",
    "MappingOptions",
    "MappingState",
    "Memory",
    "Pass",
    "Route",
    "Tile",
    "Violation",
    "check_mapping",
    "estimate",
    "link_packets",
    "load_mapping",
    "map_network",
    "save_mapping",
]
