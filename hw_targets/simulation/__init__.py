# SPDX-License-Identifier: BSD-3-Clause
"""The chip simulator: what the cores of a mapped network compute in every step, bit for bit, and what they do."""

from synergic.hw_targets.simulation._activity import Activity
from synergic.hw_targets.simulation._jobs import run_in_jobs
from synergic.hw_targets.simulation._probes import ChipRecord, Probes
from synergic.hw_targets.simulation._simulator import Simulator, simulate_on_chip

__all__ = ["Activity", "ChipRecord", "Probes", "Simulator", "run_in_jobs", "simulate_on_chip"]
