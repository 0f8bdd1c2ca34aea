# SPDX-License-Identifier: BSD-3-Clause
"""Chips: data, mapping, simulation, costs; and (lava_bridge) a chip inside a Lava run."""

if __name__ != "synergic.hw_targets":
    raise ImportError("import synergic.hw_targets: the folder is a part of the package, not a package by itself")

from synergic.hw_targets._chip import Chip, load_chip
from synergic.hw_targets._chip_report import ChipReport, report
from synergic.hw_targets.costs._costs import Costs, cost
from synergic.hw_targets.mapping import Mapping, check_mapping, estimate, load_mapping, map_network, save_mapping
from synergic.hw_targets.simulation._activity import Activity
from synergic.hw_targets.simulation._jobs import run_in_jobs
from synergic.hw_targets.simulation._probes import Probes
from synergic.hw_targets.simulation._simulator import Simulator, simulate_on_chip

__all__ = [
    "Activity",
    "Chip",
    "ChipReport",
    "Costs",
    "Mapping",
    "Probes",
    "Simulator",
    "check_mapping",
    "cost",
    "estimate",
    "load_chip",
    "load_mapping",
    "map_network",
    "report",
    "run_in_jobs",
    "save_mapping",
    "simulate_on_chip",
]
