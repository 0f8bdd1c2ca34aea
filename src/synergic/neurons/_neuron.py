# SPDX-License-Identifier: BSD-3-Clause
"""A neuron: a file of data and two pure functions. Subclass `Neuron`, and every executor knows it."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from synergic._core.checks import kind, require
from synergic._core.integers import AGAIN, ONE, VALUE_MAX, integers
from synergic._core.moved import OldName
from synergic._core.parameters import Parameterised, declared, piece
from synergic.errors import UnsupportedError
from synergic.neurons._c_neuron import CNeuron
from synergic.neurons._neuron_kernels import LEAKY
from synergic.numerics import fixed

UNIT_SHIFT = 20
GIVEN = ("vth", "decay", "bias", "reset", "unit")
"""What theta holds beside a neuron's own parameters."""


def potential(default: Any = dataclasses.MISSING, per: str = "") -> Any:
    """A parameter in the unit of the membrane; one value, or per "neuron". Integers: at the scale S_u, 24 bits."""
    return declared("potential", per, default)


def steps(default: Any = dataclasses.MISSING, per: str = "") -> Any:
    """A number of steps, a whole one of 1 .. 32767, in both numerics."""
    return declared("steps", per, default)


def after_reset(u: Any, s: Any, theta: Any) -> Any:
    """Return the potential after the reset of neurons that fired: u - v_th, or 0. For both numerics."""
    return u - theta.vth * s if theta.reset == "subtract" else u * (1 - s)


@dataclasses.dataclass(frozen=True, eq=False)
class Neuron(Parameterised):
    """A kind of neuron: the base class of all neurons.

    A subclass is a frozen dataclass, eq=False. Its name is registered when it is defined, so that files can name it.
    It has its parameters as fields, `share(...)`, `plain(...)`, `potential(...)`, `steps(...)` of synergic.neurons, and
    two pure static methods, `floating` and `fixed`, each ``(u, state, current, theta) -> (u, sent, after, state)``.

    Parameters
    ----------
    integer : bool, default False
        Whether the parameters are those of an IntPopulation. `quantise` sets it.

    Attributes
    ----------
    states : tuple of str, default ()
        Names of the arrays beside u, one value a neuron. They are 0 when a presentation begins.
    num_message_bits : {0, 8}, default 0
        0 if the neuron sends spikes, 8 if it sends values of 0 .. 1.
    memory : bool, default True
        False if the potential does not depend on the step before.
    kernel : str, default ""
        Name in `synergic.neurons.KERNELS` of a compiled form of the same equation. A subclass does not inherit it.
    c_text : CNeuron or None, default None
        The equation in integers as C, for `synergic.interchange.to_c`. A subclass does not inherit it.
    highest_vth : int
        Largest threshold in integers. By default a potential at the end of its range is above it.

    Raises
    ------
    ParameterError
        If a parameter is out of range.

    Notes
    -----
    The arguments of `floating` and `fixed` are the potential u after the reset of the step before, (..., n); `state`, a
    dict of the arrays beside u; `current`, the synaptic input of this step, (..., n); and `theta`, a namespace of the
    parameters and of the population's vth, decay, bias and reset.

    They return u(m), which local rules receive and a run records; what is sent; u after the reset; and `state`. Spikes
    are the truth values u > v_th for all kinds: a neuron with a moving threshold subtracts the movement from the u that
    it returns.

    In integers, potentials have the scale S_u and 24 bits, shares and plain numbers 12 fraction bits, and values are
    0 .. 255. ``rshift(u * theta.unit, 20)`` is u / v_th with 12 fraction bits. The caller clamps current, u and state
    to 24 bits and counts the entries that this changes.
    """

    registry: ClassVar[dict[str, type[Neuron]]] = {}
    states: ClassVar[tuple[str, ...]] = ()
    num_message_bits: ClassVar[int] = 0
    memory: ClassVar[bool] = True
    kernel: ClassVar[str] = ""
    c_text: ClassVar[CNeuron | None] = None
    highest_vth: ClassVar[int] = fixed.MEMBRANE_MAX - 1
    integer: bool = dataclasses.field(default=False, kw_only=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Neuron.registry[cls.__name__] = cls
        cls.kernel = vars(cls).get("kernel", "")  # a subclass may have another equation
        cls.c_text = vars(cls).get("c_text")

    def __post_init__(self) -> None:
        name = type(self).__name__
        kind(f"{name}.integer", self.integer, bool, AGAIN)
        taken = sorted(set(self.parameters()) & set(GIVEN))
        require(not taken, name, f"parameters {taken}", "other names", "These are the population's.")
        self.check_parameters(self.integer)

    @staticmethod
    def floating(u: Any, state: dict[str, Any], current: Any, theta: Any) -> tuple[Any, Any, Any, dict[str, Any]]:
        """The equation in floating point."""
        raise NotImplementedError

    @staticmethod
    def fixed(u: Any, state: dict[str, Any], current: Any, theta: Any) -> tuple[Any, Any, Any, dict[str, Any]]:
        """The equation in integers."""
        raise NotImplementedError

    def check(self, where: str, size: int, decay: Any, integer: bool) -> None:
        """Refuse a neuron that does not fit a population of that size and numbers. where : its name."""
        remedy = AGAIN if integer else "quantise() makes the integers itself."
        numerics = {True: "of integers", False: "in floating point"}
        require(self.integer == integer, f"{where}.neuron", numerics[self.integer], numerics[integer], remedy)
        for name, (_, per) in self.parameters().items():
            shape = np.shape(getattr(self, name))
            allowed = ((), (size,)) if per else (shape,)
            remedy = f"{name} is one value, or one a neuron."
            require(shape in allowed, f"{where}.neuron.{name}", f"shape {shape}", f"() or ({size},)", remedy)
        remedy = f"{type(self).__name__} keeps nothing over a step."
        require(self.memory or decay == 0, f"{where}.decay", decay, "0", remedy)

    def fresh(self, size: int, batch: tuple[int, ...] = ()) -> dict[str, Any]:
        """The arrays beside u when a presentation begins, `(*batch, size)` of zeros."""
        return {name: np.zeros((*batch, size), np.int64 if self.integer else np.float64) for name in self.states}

    held: ClassVar[OldName] = OldName("values_at", "0.3")

    def values_at(self, values: dict[str, Any], rows: Any) -> dict[str, Any]:
        """The parts of the parameters `values` that a core with these neurons holds. rows : a slice, or numbers."""
        per_neuron = {name for name, (_, per) in self.parameters().items() if per}
        return {name: piece(value, rows) if name in per_neuron else value for name, value in values.items()}

    def quantise(self, where: str, scale: float) -> Neuron:
        """Return the neuron in integers.

        Parameters
        ----------
        where : str
            Name of the population, for errors.
        scale : float
            Scale S_u of the population's potential.

        Returns
        -------
        Neuron
            The same kind of neuron with integer parameters.

        Raises
        ------
        ParameterError
            If a parameter does not fit its width.
        """
        factor = {"share": ONE, "plain": ONE, "potential": scale, "table": VALUE_MAX, "steps": 1}
        bits = {"share": 14, "plain": 16, "potential": 24, "table": 9, "steps": 16}
        whole = {
            name: integers(
                f"{where}.neuron.{name}", getattr(self, name) * factor[kind], bits[kind], "Use a smaller one."
            )
            for name, (kind, _) in self.parameters().items()
        }
        return dataclasses.replace(self, **whole, integer=True)

    def update(
        self, u: Any, state: dict[str, Any], acc: Any, p: Any, values: dict[str, Any]
    ) -> tuple[Any, Any, Any, dict[str, Any], int]:
        """Compute one step, as executors call it.

        Parameters
        ----------
        u : array, shape (..., n)
            Potentials after the reset of the step before.
        state : dict of arrays, shape (..., n)
            Arrays beside u.
        acc : array, shape (..., n)
            Sum of all projections; in integers before the accumulator's shift.
        p : Population or IntPopulation
            Any object with vth, decay, bias, reset and, in integers, accumulator_shift.
        values : dict of arrays
            Parameters by name, or the parts of them that a core stores.

        Returns
        -------
        u, sent, after, state, clamped : array, array, array, dict of arrays, int
            Potentials u(m), spikes or values, potentials after the reset, the arrays beside u, and the number of
            entries clamped to 24 bits.
        """
        theta = SimpleNamespace(vth=p.vth, decay=p.decay, bias=p.bias, reset=p.reset, **values)
        if not self.integer:
            u, sent, after, new = self.answer("floating", self.floating(u, state, acc, theta), u, state, p.vth)
            return u, sent, after, new, 0
        theta.unit = round(2**UNIT_SHIFT * ONE / p.vth)
        current, count = fixed.saturate(fixed.rshift(acc, p.accumulator_shift))
        u, sent, after, new = self.answer("fixed", self.fixed(u, state, current, theta), u, state, p.vth)
        parts = [fixed.saturate(part) for part in (u, after, *(new[name] for name in self.states))]
        limited, total = [part for part, _ in parts], count + sum(n for _, n in parts)
        return limited[0], sent, limited[1], dict(zip(self.states, limited[2:], strict=True)), total

    def answer(self, function: str, given: Any, u: Any, state: dict[str, Any], vth: Any) -> Any:
        """What the neuron's function returned, refused where it is not what it must be."""
        where, remedy = f"{type(self).__name__}.{function}", "Return u, what is sent, what is left of u, and the state."
        potential, sent, after, new = given
        want = (u.shape, u.dtype.kind)
        for name, part in {"u": potential, "what is left of u": after, **new}.items():
            got = (np.shape(part), np.asarray(part).dtype.kind)
            require(got == want, where, f"{name} of {got}", f"{want}", remedy)
        require(set(new) == set(self.states), where, f"state {sorted(new)}", f"{sorted(self.states)}", remedy)
        top = VALUE_MAX if self.integer else 1
        if self.num_message_bits:
            fits = np.asarray(sent).dtype.kind == u.dtype.kind and bool(((sent >= 0) & (sent <= top)).all())
            require(fits, where, "values beyond those", f"0 to {top}", "Clip them.")
        else:
            require(bool((sent == (potential > vth)).all()), where, "other spikes", "u > v_th", "Return u accordingly.")
        require(np.shape(sent) == u.shape, where, f"{np.shape(sent)} sent", f"{u.shape}", remedy)
        return given


def plain_only(where: str, populations: Any, what: str, remedy: str) -> None:
    """Refuse, by name, neurons other than the plain one. what : that cannot have them."""
    for p in populations:
        if p.neuron.kernel != LEAKY:
            raise UnsupportedError(
                f"{where}: got {type(p.neuron).__name__} in {p.name}, allowed leaky integrate-and-fire neurons only: "
                f"{what}. {remedy}"
            )
