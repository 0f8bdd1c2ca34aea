# SPDX-License-Identifier: BSD-3-Clause
"""Homeostasis: a bias of each neuron that a local rule writes once a presentation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, finite_array, kind, number, require, vector, whole
from synergic._core.contents import Content
from synergic._core.integers import AGAIN, ONE, check_range, integers
from synergic._core.parameters import piece
from synergic.numerics import fixed
from synergic.numerics._rho_table import ELEMENTWISE, table_scale, table_values
from synergic.numerics.floating import RHO

Array = npt.NDArray[Any]

BIAS_SHIFT = 8
"""Fraction bits of c beyond those of the potential."""
RATE_MAX = 2**23 - 1
RATE_EXP_MAX = 30
BIAS_MAX = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Homeostasis(Content):
    """An intrinsic bias c of each neuron of a population, which keeps the neuron's mean activity where it was.

    At the end of each presentation of T steps

        c_i <- clip(c_i - g (1/T sum_m rho(u_i(m) / v_th) - rhobar_i), -c_max, c_max).

    In every step of a presentation, c_i is added to the bias b_i. It lives on from presentation to presentation, as
    the local weights of a stream do.

    Parameters
    ----------
    target : array_like, shape () or (n,)
        rhobar: the mean of rho(u / v_th) that a neuron returns to, -8 .. 8. `synergic.with_homeostasis` measures it.
    rate : float, default 0.003
        g: change of c for a deviation of 1 in one presentation, in units of the potential, 0 .. 1e6.
    limit : float, default 1.0
        c_max: bound of `|c|` in units of the potential, above 0 and up to 1e6.
    rho : {"tanh", "identity"}, default "tanh"
        Non-linearity of the potential.
    start : array_like, shape () or (n,), default 0.0
        c at the first presentation, within `limit`.

    Raises
    ------
    ParameterError
        If a value is out of range.

    Examples
    --------
    >>> hidden = sy.Population("hidden", 3, vth=0.35, decay=0.4, homeostasis=sy.Homeostasis(target=[0.2, 0.1, 0.3]))
    """

    target: npt.ArrayLike
    rate: float = 0.003
    limit: float = 1.0
    rho: str = "tanh"
    start: npt.ArrayLike = 0.0
    integer: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name in ("target", "start"):
            object.__setattr__(self, name, vector(f"Homeostasis.{name}", getattr(self, name)))
        number("Homeostasis.rate", self.rate, 0, 1e6, "It is in units of the potential, a hundredth of v_th at most.")
        number("Homeostasis.limit", self.limit, 0, 1e6, "Give a positive bound.", open_low=True)
        choice("Homeostasis.rho", self.rho, ELEMENTWISE)
        highest = float(np.abs(self.target).max())
        remedy = "Measure it with synergic.with_homeostasis()."
        require(highest <= 8, "Homeostasis.target", f"{highest:g} at most", "-8 to 8", remedy)
        highest = float(np.abs(self.start).max())
        remedy = "Raise limit, or start at 0."
        require(highest <= self.limit, "Homeostasis.start", f"{highest:g} at most", f"up to {self.limit:g}", remedy)

    def term(self, u: Array, vth: Any) -> Array:
        """rho(u / v_th), of which `write` takes the sum over a presentation."""
        values: Array = RHO[self.rho](u / vth)
        return values

    def write(self, c: Array, total: Array, steps: int) -> Array:
        """c after a presentation. total : sum of `term` over its steps."""
        target: Any = self.target
        return np.clip(c - self.rate * (total / steps - target), -self.limit, self.limit)

    def offset(self, c: Array) -> Array:
        """What c adds to the bias."""
        return c

    def quantise(self, where: str, scale: float, vth: int, steps: int) -> IntHomeostasis:
        """Return the integer form.

        Parameters
        ----------
        where : str
            Name of the population, for errors.
        scale : float
            Scale S_u of its potential.
        vth : int
            Its threshold at that scale.
        steps : int
            Steps T of a presentation.

        Returns
        -------
        IntHomeostasis
            The same rule in integers.

        Raises
        ------
        ParameterError
            If a value does not fit its width.
        """
        where = f"{where}.homeostasis"
        unit = scale * 2**BIAS_SHIFT
        limit = integers(f"{where}.limit", self.limit * unit, 32, "Use a smaller bound of c.")
        real = self.rate * unit / (steps * ONE)
        highest = RATE_MAX * steps * ONE / unit
        require(real < RATE_MAX, f"{where}.rate", f"{self.rate:g}", f"below {highest:g}", "Use a smaller rate.")
        exp = next(e for e in range(RATE_EXP_MAX, -1, -1) if real * 2**e < RATE_MAX)
        rate = round(real * 2**exp)
        least = 0.5 / 2**RATE_EXP_MAX * steps * ONE / unit
        lost = self.rate > 0 and rate == 0
        require(not lost, f"{where}.rate", f"{self.rate:g}, which rounds to 0", f"{least:g} or more", "Raise it.")
        target = np.rint(np.asarray(self.target) * steps * ONE).astype(np.int64)
        start = integers(f"{where}.start", np.asarray(self.start) * unit, 32, "Start nearer to 0.")
        start = np.clip(start, -limit, limit)
        table = integers(f"{where}.rho", table_values(self.rho) * ONE, 16, AGAIN)
        return IntHomeostasis(target, rate, exp, int(limit), table, table_scale(vth), start)


@dataclass(frozen=True, eq=False)
class IntHomeostasis(Content):
    """`Homeostasis` in integers, as `quantise` makes it.

    c has the scale S_u 2^8 and 32 bits. With E_i = sum_m table(u_i(m)) - target_i

        c_i <- clip(c_i - rshift(rate E_i, rate_exp), -limit, limit),

    and rshift(c_i, 8) is added to the bias.

    Parameters
    ----------
    target : int or array_like of int, shape (n,)
        T rhobar with 12 fraction bits, T being the steps of a presentation.
    rate : int
        g at the scale S_u 2^8 2^rate_exp / (2^12 T), 0 .. 2^23 - 1.
    rate_exp : int
        Exponent of the rate's scale, 0 .. 30.
    limit : int
        Bound of `|c|`, 1 .. 2^31 - 1.
    table : array_like of int, shape (256,)
        rho of u / v_th from -4 to 4, 12 fraction bits.
    table_scale : int
        Factor from a potential to an entry of the table, 20 fraction bits.
    start : int or array_like of int, shape (n,), default 0
        c at the first presentation, within `limit`.

    Raises
    ------
    ParameterError
        If a value is out of range.
    """

    target: Any
    rate: int
    rate_exp: int
    limit: int
    table: Any
    table_scale: int
    start: Any = 0
    integer: ClassVar[bool] = True

    def __post_init__(self) -> None:
        name = type(self).__name__
        for field in ("target", "start"):
            object.__setattr__(self, field, vector(f"{name}.{field}", getattr(self, field), True))
        whole(f"{name}.rate", self.rate, 0, RATE_MAX, AGAIN)
        whole(f"{name}.rate_exp", self.rate_exp, 0, RATE_EXP_MAX, AGAIN)
        whole(f"{name}.limit", self.limit, 1, BIAS_MAX, AGAIN)
        whole(f"{name}.table_scale", self.table_scale, 0, fixed.TABLE_PER_UNIT << fixed.TABLE_SHIFT, AGAIN)
        table = finite_array(f"{name}.table", self.table, ((fixed.TABLE_SIZE,),), True)
        check_range(f"{name}.table", table, -(2**15), 2**15 - 1)
        object.__setattr__(self, "table", table)
        check_range(f"{name}.start", np.atleast_1d(self.start), -self.limit, self.limit)
        check_range(f"{name}.target", np.atleast_1d(self.target), -(2**31), 2**31)

    def term(self, u: Array, vth: Any) -> Array:
        """rho of the table, 12 fraction bits. vth is in table_scale already."""
        return fixed.postsynaptic(u, self.table, self.table_scale, 0)

    def write(self, c: Array, total: Array, steps: int) -> Array:
        """c after a presentation. total : sum of `term` over its steps, whose number is in target already."""
        change = fixed.rshift(self.rate * (total - self.target), self.rate_exp)
        return np.clip(c - change, -self.limit, self.limit)

    def offset(self, c: Array) -> Array:
        """What c adds to the bias, at the scale of the potential."""
        return fixed.rshift(c, BIAS_SHIFT)

    def check_bias(self, where: str, bias: Array) -> None:
        """Refuse biases that c could take out of 24 bits. where : the population's name."""
        top = int(np.abs(bias).max()) + int(self.offset(np.int64(self.limit)))  # type: ignore[arg-type]
        remedy = "Use a smaller limit of the homeostasis."
        fits = top <= fixed.MEMBRANE_MAX
        require(fits, f"{where}.bias", f"a possible b + c of {top}", f"up to {fixed.MEMBRANE_MAX} (24 bits)", remedy)


def moved(rule: Any, order: Any) -> Any:
    """A rule with some of the neurons alone. order : their numbers, or a slice. None stays."""
    return rule and replace(rule, target=piece(rule.target, order), start=piece(rule.start, order))


def check_homeostasis(where: str, rule: Any, size: int, integer: bool) -> None:
    """Refuse a rule of other numbers, or with other numbers of neurons, than a population has. where : its name."""
    remedy = AGAIN if integer else "quantise() makes the integers itself."
    kind(f"{where}.homeostasis", rule, (IntHomeostasis if integer else Homeostasis) | None, remedy)
    for name in ("target", "start") if rule else ():
        shape, allowed = np.shape(getattr(rule, name)), f"() or ({size},)"
        remedy = f"{name} is one value, or one a neuron."
        require(shape in ((), (size,)), f"{where}.homeostasis.{name}", f"shape {shape}", allowed, remedy)
