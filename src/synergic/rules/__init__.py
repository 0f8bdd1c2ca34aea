# SPDX-License-Identifier: BSD-3-Clause
"""Local rules: each one file of data and two pure functions, the same in every executor and in training."""

from typing import TYPE_CHECKING

from synergic._core.moved import old_names
from synergic.rules._bcm import BCM
from synergic.rules._c_rule import CRule
from synergic.rules._hebbian import Hebbian, IntHebbian, quantise_rule
from synergic.rules._kernels import KERNELS, Kernel
from synergic.rules._oja import Oja
from synergic.rules._pair_stdp import PairSTDP
from synergic.rules._rates import plain, rate, share
from synergic.rules._rule import IntRule, Received, Rule, integer_form, outer
from synergic.rules._three_factor import ThreeFactor

__all__ = [
    "BCM",
    "KERNELS",
    "CRule",
    "Hebbian",
    "IntHebbian",
    "IntRule",
    "Kernel",
    "Oja",
    "PairSTDP",
    "Received",
    "Rule",
    "ThreeFactor",
    "integer_form",
    "outer",
    "plain",
    "quantise_rule",
    "rate",
    "share",
]

if not TYPE_CHECKING:  # a checker would take every name for one of the package's
    __getattr__ = old_names(__name__)
