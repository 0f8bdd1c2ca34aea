# SPDX-License-Identifier: BSD-3-Clause
"""The passes of a mapping, a file each. `PASSES` of `synergic.hw_targets.mapping` is their order.

A pass is a subclass of `Pass`: it receives a `MappingState` and returns another. No pass imports another pass; what
several of them need is in the modules beside this package. A pass of your own needs one new file. The page "Write a
mapping pass" of the documentation shows one.
"""

from synergic.hw_targets.mapping.passes._balance import Balance
from synergic.hw_targets.mapping.passes._copies import Copies
from synergic.hw_targets.mapping.passes._folding import Fold
from synergic.hw_targets.mapping.passes._limits import Limits
from synergic.hw_targets.mapping.passes._merge import Merge
from synergic.hw_targets.mapping.passes._partition import Partition
from synergic.hw_targets.mapping.passes._pass import MappingState, Pass
from synergic.hw_targets.mapping.passes._placement import Placement
from synergic.hw_targets.mapping.passes._routing import Routing

__all__ = [
    "Balance",
    "Copies",
    "Fold",
    "Limits",
    "MappingState",
    "Merge",
    "Partition",
    "Pass",
    "Placement",
    "Routing",
]
