# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the hardware: dead cores and links, broken synapses, flipped bits, lost packets."""

from synergic.hw_targets.faults._broken_chip import (
    CHIP_FAULTS,
    FAULTS,
    BrokenChip,
    accuracy_under,
    break_chip,
    break_network,
)

__all__ = ["CHIP_FAULTS", "FAULTS", "BrokenChip", "accuracy_under", "break_chip", "break_network"]
