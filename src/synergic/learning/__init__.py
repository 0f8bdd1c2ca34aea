# SPDX-License-Identifier: BSD-3-Clause
"""Global learning: torch layers whose local weights live inside the forward pass, training, export."""

from synergic._core.parts import require

require("synergic.learning", "torch", "torchvision")

from synergic.learning._conv_layers import ConvHybridNet, SpikingConv2d
from synergic.learning._export import to_description
from synergic.learning._layers import HybridLinear, HybridNet
from synergic.learning._masked import MaskedLinear, MaskedNet
from synergic.learning._rule_layer import RuleLinear
from synergic.learning._training import evaluate, train

__all__ = [
    "ConvHybridNet",
    "HybridLinear",
    "HybridNet",
    "MaskedLinear",
    "MaskedNet",
    "RuleLinear",
    "SpikingConv2d",
    "evaluate",
    "to_description",
    "train",
]
