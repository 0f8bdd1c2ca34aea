# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the hardware: dead cores and links, dead neurons, broken synapses, flipped bits, packet loss.

`break_network` puts faults of memories and neurons into a network. `break_chip` makes a `BrokenChip`, on which the
simulator runs a mapping that was made without knowing of the faults. `accuracy_under` measures accuracy against the
share of what is broken.
"""

from synergic.hw_targets.faults._broken_chip import (
    CHIP_FAULTS,
    FAULTS,
    BrokenChip,
    accuracy_under,
    break_chip,
    break_network,
)

__all__ = ["CHIP_FAULTS", "FAULTS", "BrokenChip", "accuracy_under", "break_chip", "break_network"]
