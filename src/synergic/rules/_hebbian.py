# SPDX-License-Identifier: BSD-3-Clause
"""The Hebbian rule with a sliding threshold, of Wu et al., Nat. Commun. 13:65, 2022."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeGuard

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, finite_array, number, option, require, vector, whole
from synergic._core.integers import AGAIN, ONE, VALUE_UNIT, check_range, integers
from synergic.errors import UnsupportedError
from synergic.numerics import fixed, floating
from synergic.numerics._rho_table import ELEMENTWISE, table_scale, table_values
from synergic.numerics.floating import RHO
from synergic.rules._c_rule import CRule
from synergic.rules._kernels import HEBBIAN
from synergic.rules._rates import Parameter, check_mask, rate, share
from synergic.rules._rule import IntRule, Received, Rule
from synergic.rules._stream import RATE_EXP_MAX, SHARE_BITS, outer_sum, retained_share, rounded, whole_share


@dataclass(frozen=True, eq=False)
class Hebbian(Rule):
    """Hebbian plasticity with a sliding threshold.

    P_ij(m) = clip(lambda P_ij(m-1) + sign eta_j s_j(m) (rho(u_i(m) / v_th) + beta_i), -P_max, P_max): a presynaptic
    spike or value s_j changes the local weight by an amount that the postsynaptic potential u_i sets.

    Parameters
    ----------
    eta : float or (n_in,) array
        Local learning rate, of any size.
    beta : float or (n_out,) array
        Sliding threshold, of any size; within -8 .. 8 if the network is to be quantised.
    lambda_ : float
        Share of P that a step keeps, 0 .. 1. Default 0.95.
    rho : str
        Non-linearity of the potential: "tanh" (default), "identity" or, in floating point only, "softmax" over the
        neurons of the layer.
    sign : int
        1 (default) for Hebbian, -1 for anti-Hebbian changes.
    p_max : float
        Bound of `|P|`, above 0 and up to 1e6. Default 4.
    mask : (n_out, n_in) array of 0 and 1, or None
        Synapses that have a local weight. None (default) for all.

    Raises
    ------
    ParameterError
        For values out of range.

    References
    ----------
    Wu et al., Nat. Commun. 13:65, 2022.
    """

    eta: npt.ArrayLike = rate(per="pre")
    beta: npt.ArrayLike = rate(per="post")  # of any size in floating point
    lambda_: float = share(0.95)
    rho: str = "tanh"
    sign: int = 1
    p_max: float = 4.0
    mask: npt.ArrayLike | None = None
    kernel: ClassVar[str] = HEBBIAN
    c_text: ClassVar[CRule] = CRule(
        post="const int64_t q = table[clip(ashift(x * table_scale, 20) + 128, 0, 255)] + beta;",
        synapse="""
            if (s == 0 && P == 0) {
                continue; /* nothing changes, as for most inputs at the start of a presentation */
            }
            P = rshift(lambda_ * P, 12);
            if (s != 0) {
                P += rshift(sign * eta * s * q, 12 + eta_exp);
            }
        """,
        stream="""
            if (s == 0) {
                continue; /* as for most inputs in most steps */
            }
            gathered += s * q;
        """,
    )
    settings: ClassVar[tuple[str, ...]] = ("rho", "sign")
    normalised: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name in ("eta", "beta"):
            object.__setattr__(self, name, vector(f"Hebbian.{name}", getattr(self, name)))
        number("Hebbian.lambda_", self.lambda_, 0, 1, "lambda is the share of P that is left after a step.")
        choice("Hebbian.rho", self.rho, tuple(RHO))
        option("Hebbian.sign", self.sign, (1, -1), "1 (Hebbian) or -1 (anti-Hebbian)")
        number("Hebbian.p_max", self.p_max, 0, 1e6, "Give a positive bound.", open_low=True)
        object.__setattr__(self, "mask", check_mask("Hebbian.mask", self.mask))

    @staticmethod
    def floating(local: Any, state: dict[str, Any], received: Received, theta: Any) -> tuple[Any, dict[str, Any]]:
        """The equation in floating point, before mask and bound: numerics.floating.hebbian_change."""
        return floating.hebbian_change(
            local, received.s, received.x, eta=theta.eta, beta=theta.beta, lambda_=theta.lambda_, rho=theta.rho,
            sign=theta.sign, vth=theta.vth,
        ), {}  # fmt: skip

    @staticmethod
    def fixed(local: Any, state: dict[str, Any], received: Received, theta: Any) -> tuple[Any, dict[str, Any]]:
        """The equation in integers, before mask and bound: numerics.fixed.hebbian_change."""
        post = fixed.postsynaptic(received.x, theta.table, theta.table_scale, theta.beta)
        return fixed.hebbian_change(
            local, received.s, post, eta=theta.eta, lambda_=theta.lambda_, sign=theta.sign, eta_exp=theta.eta_exp
        ), {}

    def write(
        self, local: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any, mask: Any, memory: int, words: Any = None
    ) -> tuple[Any, int]:
        """Write a stream; as `Rule.write`, with lambda^(1/B) as the share of P that a step keeps.

        P <- mask clip( lambda^(T/B) P + 1/B sign eta_j sum_m s_j(m) (rho(u_i(m) / v_th) + beta_i), -P_max, P_max )
        """
        if type(self).floating is not Hebbian.floating:  # a subclass with another equation
            return super().write(local, s, u, signal, values, vth, mask, memory, words)
        post = RHO[self.rho](u / vth) + values["beta"]
        grown = outer_sum(post, self.sign * values["eta"] * s)
        new = retained_share(values["lambda_"], len(s), memory) * local + grown / memory
        new = new if mask is None else new * mask
        return np.clip(new, -self.p_max, self.p_max), int(np.count_nonzero(np.abs(new) > self.p_max))

    def quantise(self, where: str, local_bits: int, vth: int, values: bool, memory: int = 1) -> Any:
        """The integer form; as `quantise_rule`. Refuses a subclass with another equation, which has no such form."""
        if type(self).floating is not Hebbian.floating:
            raise UnsupportedError(
                f"{where}.rule: got {type(self).__name__}, a subclass of Hebbian with an equation of its own, allowed "
                "Hebbian's own equation in integers. Derive the class from Rule, and write its `fixed`."
            )
        return quantise_rule(self, where, local_bits, vth, values, memory)


@dataclass(frozen=True, eq=False)
class IntHebbian(IntRule):
    """`Hebbian` in integers. `quantise` makes one.

    Parameters
    ----------
    eta : int or (n_in,) array
        Rate at the scale S_P 2^eta_exp, 16 bits; in a stream S_P 2^eta_exp / B.
    eta_exp : int
        Exponent of the rate's scale, 0 .. 15, in a stream 0 .. 30; 8 more than that, in a stream up to 30, if the
        source sends values of 0 .. 255.
    beta : int or (n_out,) array
        Sliding threshold with 12 fraction bits, 16 bits.
    lambda_ : int
        Decay factor of P per step, 0 .. 4096 (4096 is 1).
    sign : int
        1 or -1, as of `Hebbian`.
    p_top : int
        Bound of `|P|`, up to 2^15 - 1.
    table : (256,) array
        rho of u / v_th from -4 to 4, 12 fraction bits.
    table_scale : int
        Factor from a potential to an entry of the table, 20 fraction bits.
    scale : float
        S_P: P in integers over P as a real number.
    mask : (n_out, n_in) array of 0 and 1, or None
        As of `Hebbian`.

    Raises
    ------
    ParameterError
        For values out of range.
    """

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
    rule_type: ClassVar[type[Rule]] = Hebbian
    settings: ClassVar[tuple[str, ...]] = ("sign", "eta_exp", "table", "table_scale")

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """Those of the rule in floating point."""
        return cls.rule_type.parameters()

    def __post_init__(self) -> None:
        table = finite_array("IntHebbian.table", self.table, ((fixed.TABLE_SIZE,),), True)
        rows = {name: vector(f"IntHebbian.{name}", getattr(self, name), True) for name in ("eta", "beta")}
        for name, array in {**rows, "table": table}.items():
            check_range(f"IntHebbian.{name}", array, -(2**15), 2**15 - 1)
            object.__setattr__(self, name, array)
        whole("IntHebbian.eta_exp", self.eta_exp, 0, RATE_EXP_MAX, AGAIN)
        whole("IntHebbian.lambda_", self.lambda_, 0, ONE, AGAIN)
        option("IntHebbian.sign", self.sign, (1, -1), "1 (Hebbian) or -1 (anti-Hebbian)")
        whole("IntHebbian.p_top", self.p_top, 1, 2**15 - 1, AGAIN)
        whole("IntHebbian.table_scale", self.table_scale, 0, fixed.TABLE_PER_UNIT << fixed.TABLE_SHIFT, AGAIN)
        number("IntHebbian.scale", self.scale, 0, float("inf"), AGAIN, open_low=True)
        object.__setattr__(self, "mask", check_mask("IntHebbian.mask", self.mask))

    def write(
        self, local: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any, mask: Any, memory: int, words: Any = None
    ) -> tuple[Any, int]:
        """As `Hebbian.write`, in integers: one rounding of the sum of what is left of P and what is new."""
        post = fixed.postsynaptic(u, self.table, self.table_scale, values["beta"])
        # A product of float64 is exact below 2^53, and has BLAS: |sum| <= 2^15 steps 2^8 values 2^17 terms.
        sums = outer_sum(post.astype(np.float64), s.astype(np.float64)).astype(np.int64)
        retained, share, bits = self.write_factors(values, len(s), memory)
        new = rounded(retained * local + share * sums, bits, words)
        new = new if mask is None else new * mask
        return np.clip(new, -self.p_top, self.p_top), int(np.count_nonzero(np.abs(new) > self.p_top))

    def write_factors(self, values: Any, steps: int, memory: int) -> tuple[int, Any, int]:
        """As `IntRule.write_factors`; G is sum_m s_j(m) q_i(m), and the decay of all steps is in `retained`."""
        left = whole_share(int(values["lambda_"]), steps, memory)
        exp = fixed.FRACTION_BITS + self.eta_exp
        bits = max(exp, SHARE_BITS)
        return left << (bits - SHARE_BITS), self.sign * values["eta"] << (bits - exp), bits


Hebbian.whole = IntHebbian


def computes_hebbian(rule: Any) -> TypeGuard[IntHebbian]:
    """Whether a rule in integers declares the Hebbian kernel, and so has the fields of IntHebbian; False for None."""
    return rule is not None and rule.kernel == HEBBIAN


def quantise_rule(
    rule: Hebbian, where: str, local_bits: int, vth: int, values: bool = False, memory: int = 1
) -> IntHebbian:
    """Return a Hebbian rule in integers. The other arguments are those of `Rule.quantise`."""
    choice(f"{where}.rule.rho in integers", rule.rho, ELEMENTWISE)
    p_top = 2 ** (local_bits - 1) - 1
    scale = p_top / rule.p_max
    real_eta = np.asarray(rule.eta) * scale * (VALUE_UNIT if values else 1) / memory
    largest = float(np.abs(real_eta).max(initial=0))
    require(
        largest < 2**15 - 1,
        f"{where}.rule.eta",
        f"{largest / scale:g}",
        f"below {2**15 / scale:g}",
        "A step of eta must not exceed p_max: raise p_max or lower eta.",
    )
    highest = RATE_EXP_MAX - fixed.VALUE_BITS * values if memory > 1 else 15
    eta_exp = next(e for e in range(highest, -1, -1) if largest * 2**e < 2**15 - 1)
    table = integers(f"{where}.rule.rho", table_values(rule.rho) * ONE, 16, AGAIN)
    beta = integers(f"{where}.rule.beta", np.asarray(rule.beta) * ONE, 16, "beta must lie within [-8, 8).")
    eta = integers(f"{where}.rule.eta", real_eta * 2**eta_exp, 16, "Raise p_max or lower eta.")
    eta_exp += fixed.VALUE_BITS * values
    decay = round(rule.lambda_ * ONE)
    return IntHebbian(eta, eta_exp, beta, decay, rule.sign, p_top, table, table_scale(vth), scale, rule.mask)
