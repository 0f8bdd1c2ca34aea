# SPDX-License-Identifier: BSD-3-Clause
"""The Hebbian rule with a sliding threshold, of Wu et al., Nat. Commun. 13:65, 2022: the one with compiled forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from synergic._core.checks import choice, finite_array, number, option, require, vector, whole
from synergic._core.integers import AGAIN, ONE, VALUE_UNIT, check_range, integers
from synergic.numerics import fixed
from synergic.numerics.floating import RHO
from synergic.rules._rates import Parameter, check_mask, rate, share
from synergic.rules._rule import IntRule, Rule


@dataclass(frozen=True, eq=False)
class Hebbian(Rule):
    """The local rule, numerics.floating.hebbian.

    eta : local rate, scalar or (n_in,). beta : sliding threshold, scalar or (n_out,). `lambda_` : decay of P
    in [0, 1]. rho : "tanh", "identity" or, in floating point only, "softmax" over the layer. sign : +1 Hebbian,
    -1 anti-Hebbian. p_max : bound of `|P|`, > 0. mask : (n_out, n_in) of 0 and 1, the synapses that have a local
    weight; None for all.
    """

    eta: Any = rate(per="pre")
    beta: Any = rate(per="post")  # of any size in floating point
    lambda_: Any = share(0.95)
    rho: str = "tanh"
    sign: int = 1
    p_max: float = 4.0
    mask: Any = None

    def __post_init__(self) -> None:
        for name in ("eta", "beta"):
            object.__setattr__(self, name, vector(f"Hebbian.{name}", getattr(self, name)))
        number("Hebbian.lambda_", self.lambda_, 0, 1, "lambda is the share of P kept over a step.")
        choice("Hebbian.rho", self.rho, tuple(RHO))
        option("Hebbian.sign", self.sign, (1, -1), "1 (Hebbian) or -1 (anti-Hebbian)")
        number("Hebbian.p_max", self.p_max, 0, 1e6, "Give a positive bound.", open_low=True)
        object.__setattr__(self, "mask", check_mask("Hebbian.mask", self.mask))

    def update(
        self, numerics: Any, local: Any, state: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any, mask: Any
    ) -> tuple[Any, dict[str, Any], int]:
        """numerics.floating.hebbian."""
        settings = {"rho": self.rho, "sign": self.sign, "p_max": self.p_max, "vth": vth, "mask": mask}
        new, clipped = numerics.hebbian(local, s, u, **values, **settings)
        return new, {}, clipped

    def quantise(self, where: str, local_bits: int, vth: int, values: bool) -> Any:
        """The integer form; as `quantise_rule`."""
        return quantise_rule(self, where, local_bits, vth, values)


@dataclass(frozen=True, eq=False)
class IntHebbian(IntRule):
    """The local rule in integers; table : rho, (256,); table_scale : c; scale : S_P; mask : as Hebbian's."""

    eta: Any
    eta_exp: int
    beta: Any
    lambda_: int
    sign: int
    p_top: int
    table: Any
    table_scale: int
    scale: float
    mask: Any = None

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """Those of Hebbian."""
        return Hebbian.parameters()

    def __post_init__(self) -> None:
        table = finite_array("IntHebbian.table", self.table, ((fixed.TABLE_SIZE,),), True)
        rows = {name: vector(f"IntHebbian.{name}", getattr(self, name), True) for name in ("eta", "beta")}
        for name, array in {**rows, "table": table}.items():
            check_range(f"IntHebbian.{name}", array, -(2**15), 2**15 - 1)
            object.__setattr__(self, name, array)
        whole("IntHebbian.eta_exp", self.eta_exp, 0, 15 + fixed.VALUE_BITS, AGAIN)
        whole("IntHebbian.lambda_", self.lambda_, 0, ONE, AGAIN)
        option("IntHebbian.sign", self.sign, (1, -1), "1 (Hebbian) or -1 (anti-Hebbian)")
        whole("IntHebbian.p_top", self.p_top, 1, 2**15 - 1, AGAIN)
        whole("IntHebbian.table_scale", self.table_scale, 0, fixed.TABLE_PER_UNIT << fixed.TABLE_SHIFT, AGAIN)
        number("IntHebbian.scale", self.scale, 0, float("inf"), AGAIN, open_low=True)
        object.__setattr__(self, "mask", check_mask("IntHebbian.mask", self.mask))

    def update(
        self, numerics: Any, local: Any, state: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any, mask: Any
    ) -> tuple[Any, dict[str, Any], int]:
        """numerics.fixed.hebbian behind numerics.fixed.postsynaptic."""
        q = numerics.postsynaptic(u, self.table, self.table_scale, values["beta"])
        settings = {"sign": self.sign, "p_top": self.p_top, "eta_exp": self.eta_exp, "mask": mask}
        new, clipped = numerics.hebbian(local, s, q, eta=values["eta"], lambda_=values["lambda_"], **settings)
        return new, {}, clipped


def quantise_rule(rule: Hebbian, where: str, local_bits: int, vth: int, values: bool = False) -> IntHebbian:
    """The local rule of one projection in integers; values : its source sends 0 .. 255 for 0 .. 1."""
    elementwise = [name for name in RHO if name != "softmax"]
    choice(f"{where}.rule.rho in integers", rule.rho, tuple(elementwise))
    p_top = 2 ** (local_bits - 1) - 1
    scale = p_top / rule.p_max
    real_eta = rule.eta * scale * (VALUE_UNIT if values else 1)
    largest = float(np.abs(real_eta).max(initial=0))
    require(
        largest < 2**15 - 1,
        f"{where}.rule.eta",
        f"{largest / scale:g}",
        f"below {2**15 / scale:g}",
        "A step of eta must not exceed p_max: raise p_max or lower eta.",
    )
    eta_exp = next(e for e in range(15, -1, -1) if largest * 2**e < 2**15 - 1)
    middle = (np.arange(fixed.TABLE_SIZE) - fixed.TABLE_SIZE // 2 + 0.5) / fixed.TABLE_PER_UNIT
    table = integers(f"{where}.rule.rho", RHO[rule.rho](middle) * ONE, 16, AGAIN)
    beta = integers(f"{where}.rule.beta", rule.beta * ONE, 16, "beta must lie within [-8, 8).")
    table_scale = round(2**fixed.TABLE_SHIFT * fixed.TABLE_PER_UNIT / vth)
    eta = integers(f"{where}.rule.eta", real_eta * 2**eta_exp, 16, "Raise p_max or lower eta.")
    eta_exp += fixed.VALUE_BITS * values
    decay = round(rule.lambda_ * ONE)
    return IntHebbian(eta, eta_exp, beta, decay, rule.sign, p_top, table, table_scale, scale, rule.mask)
