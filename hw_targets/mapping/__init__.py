# SPDX-License-Identifier: BSD-3-Clause
"""Mapping of an integer network onto a chip. `passes.map_network` is the list of passes, a module each:

limits     what the network needs, and everything that does not fit
partition  tiles with exact partial sums, some on shared cores
balance    the same cores, with as much to do for each, where asked for
copies     soma cores computed several times, where a route of spikes may visit few cores
placement  a place for each core, by the traffic between them
routing    chains of packets, around known faults

checker finds what is wrong with a mapping, wherever it comes from; storage keeps one in a file.
"""

from synergic.hw_targets.mapping._checker import check_mapping
from synergic.hw_targets.mapping._limits import Estimate, Violation, cores_needed
from synergic.hw_targets.mapping._mapping_data import Chain, Mapping, Route, Tile, local_bits
from synergic.hw_targets.mapping._mapping_file import load_mapping, save_mapping
from synergic.hw_targets.mapping._memory import Memory, memory_of
from synergic.hw_targets.mapping._passes import estimate, map_network
from synergic.hw_targets.mapping._placement import PLACEMENTS
from synergic.hw_targets.mapping._routing import dimension_order
from synergic.hw_targets.mapping._traffic import RATE, link_packets

__all__ = [
    "PLACEMENTS",
    "RATE",
    "Chain",
    "Estimate",
    "Mapping",
    "Memory",
    "Route",
    "Tile",
    "Violation",
    "check_mapping",
    "cores_needed",
    "dimension_order",
    "estimate",
    "link_packets",
    "load_mapping",
    "local_bits",
    "map_network",
    "memory_of",
    "save_mapping",
]
