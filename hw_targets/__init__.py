# SPDX-License-Identifier: BSD-3-Clause
"""Chips: data, mapping, simulation, costs; and (lava_bridge) a chip inside a Lava run."""

if __name__ != "synergic.hw_targets":
    raise ImportError("import synergic.hw_targets: the folder is a part of the package, not a package by itself")

from synergic.hw_targets.chip import Chip, load_chip
from synergic.hw_targets.costs import Costs, cost
from synergic.hw_targets.mapping import Mapping, map_network
from synergic.hw_targets.simulator import Activity, simulate_on_chip

__all__ = ["Activity", "Chip", "Costs", "Mapping", "cost", "load_chip", "map_network", "simulate_on_chip"]
