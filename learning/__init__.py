# SPDX-License-Identifier: BSD-3-Clause
"""Global learning: torch layers whose local weights live inside the forward pass, training, export."""

if __name__ != "synergic.learning":
    raise ImportError("import synergic.learning: the folder is a part of the package, not a package by itself")

from synergic._parts import require

require("synergic.learning", "torch", "torchvision")

from synergic.learning.convolution import ConvHybridNet, SpikingConv2d
from synergic.learning.export import to_description
from synergic.learning.layers import HybridLinear, HybridNet
from synergic.learning.masked import MaskedLinear, MaskedNet
from synergic.learning.rules import RuleLinear
from synergic.learning.training import evaluate, train

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
