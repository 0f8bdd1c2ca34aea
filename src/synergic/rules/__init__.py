# SPDX-License-Identifier: BSD-3-Clause
"""Local rules: each one file of data and two pure functions, the same in every executor and in training."""

from synergic.rules._bcm import BCM
from synergic.rules._hebbian import Hebbian, IntHebbian, quantise_rule
from synergic.rules._kernels import KERNELS, Kernel
from synergic.rules._oja import Oja
from synergic.rules._pair_stdp import PairSTDP
from synergic.rules._rates import plain, rate, share
from synergic.rules._rule import Heard, IntRule, Rule, integer_form, outer
from synergic.rules._three_factor import ThreeFactor

__all__ = [
    "BCM",
    "KERNELS",
    "Heard",
    "Hebbian",
    "IntHebbian",
    "IntRule",
    "Kernel",
    "Oja",
    "PairSTDP",
    "Rule",
    "ThreeFactor",
    "integer_form",
    "outer",
    "plain",
    "quantise_rule",
    "rate",
    "share",
]
