# SPDX-License-Identifier: BSD-3-Clause
"""Global learning: torch layers whose local weights live inside the forward pass, training, export."""

from synergic._core.parts import require

require("synergic.learning", "torch", "torchvision")

from synergic.learning._conv_layers import ConvHybridNet, SpikingConv2d
from synergic.learning._export import to_description
from synergic.learning._hybrid_net import HybridNet
from synergic.learning._layers import HybridLinear
from synergic.learning._masked import MaskedLinear, MaskedNet, Pattern
from synergic.learning._meta import meta_gradient
from synergic.learning._rule_layer import RuleLinear
from synergic.learning._train_loop import History, evaluate, train
from synergic.learning._training import TARGET_CLIP, early_exit, rank_loss, rate_loss, scores

__all__ = [
    "TARGET_CLIP",
    "ConvHybridNet",
    "History",
    "HybridLinear",
    "HybridNet",
    "MaskedLinear",
    "MaskedNet",
    "Pattern",
    "RuleLinear",
    "SpikingConv2d",
    "early_exit",
    "evaluate",
    "meta_gradient",
    "rank_loss",
    "rate_loss",
    "scores",
    "to_description",
    "train",
]
