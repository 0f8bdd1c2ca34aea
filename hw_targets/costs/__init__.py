# SPDX-License-Identifier: BSD-3-Clause
"""What a run on a chip costs: time, energy, memory; and published figures to check the model against."""

from synergic.hw_targets.costs._costs import ASSUMPTIONS, Costs, cost, side_by_side
from synergic.hw_targets.costs._references import Reference, load_references, model_value

__all__ = ["ASSUMPTIONS", "Costs", "Reference", "cost", "load_references", "model_value", "side_by_side"]
