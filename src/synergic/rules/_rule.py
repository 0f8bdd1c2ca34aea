# SPDX-License-Identifier: BSD-3-Clause
"""A local rule: a file of data and two pure functions. Subclass `Rule`, and every executor and training knows it."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from synergic._core.checks import number, require, whole
from synergic._core.integers import AGAIN, ONE, VALUE_MAX, integers
from synergic.numerics import fixed
from synergic.rules._c_rule import CRule
from synergic.rules._rates import CLAMP, TRACE_MAX, Parameters, check_mask
from synergic.rules._stream import SHARE_BITS, rounded

P_MAX = (1 / 16, 256.0)
"""Range of p_max: P as a real number has 8 bits or more then, and no product of it leaves 64 bits."""
U_SHIFT = 20
REAL_SHIFT = 32


class Received(NamedTuple):
    """What a synapse receives in a step: floats, or integers with 12 fraction bits (1.0 is 4096).

    Attributes
    ----------
    s : (..., n_in) array
        Presynaptic spikes, or values of 0 .. 1.
    x : (..., n_out) array
        Postsynaptic potential u / v_th before the reset, limited to -8 .. 8.
    fired : (..., n_out) array
        Postsynaptic spikes, u > v_th.
    signal : (..., 1) array
        Global signal, -8 .. 8.
    """

    s: Any
    x: Any
    fired: Any
    signal: Any


def outer(post: Any, pre: Any) -> Any:
    """Return the products post_i pre_j, (..., n_out, n_in), of arrays (..., n_out) and (..., n_in)."""
    return post[..., :, None] * pre[..., None, :]


def check_answer(rule: Any, function: str, local: Any, state: dict[str, Any], new: Any, after: Any) -> None:
    """Refuse what a rule's function must not return: another shape or kind of numbers, or other extra arrays."""
    where, remedy = f"{rule.__name__}.{function}", "Return P and state as they came, with new values."
    fits = getattr(new, "shape", None) == local.shape and new.dtype.kind == local.dtype.kind
    got = f"P of {getattr(new, 'dtype', type(new))} {getattr(new, 'shape', '')}"
    require(fits, where, got, f"{local.dtype} {local.shape}", remedy)
    shapes = {name: (values.shape, values.dtype.kind) for name, values in state.items()}
    answered = {name: (np.shape(values), np.asarray(values).dtype.kind) for name, values in after.items()}
    require(answered == shapes, where, f"state {answered}", f"{shapes}", remedy)


def bounded(local: Any, state: dict[str, Any], new: dict[str, Any], top: Any, trace_top: Any, mask: Any) -> Any:
    """P under its mask and within its bound, the extra arrays within theirs, and how many entries the bounds changed.

    Counts entries of P and of arrays by synapse, where the mask has one. Traces by neuron are clamped to -64 .. 64 by
    definition.
    """
    local = local if mask is None else local * mask
    clipped = int((abs(local) > top).sum())
    for value in new.values():
        if value.ndim == local.ndim and value.shape == local.shape:
            over = abs(value) > trace_top
            clipped += int((over if mask is None else over * mask).sum())
    return local.clip(-top, top), {name: new[name].clip(-trace_top, trace_top) for name in state}, clipped


class Rule(Parameters):
    """A local rule in floating point: the base class of all rules.

    A subclass is a frozen dataclass, eq=False. Its name is registered when it is defined, so that files can name it.
    It has

    * its parameters as fields: `rate(...)`, `share(...)`, `plain(...)` of synergic.rules;
    * `state`, if it has extra arrays: a dict of their names and of what they belong to ("pre", "post" or "synapse");
    * `signalled = True`, if it uses the global signal;
    * optionally a field `mask`;
    * two pure static methods, `floating` and `fixed`, each ``(P, state, received, theta) -> (P, state)``: the equation.

    Parameters
    ----------
    p_max : float, default 4.0
        Bound of `|P|`, 1/16 .. 256.
    mask : array_like, shape (n_out, n_in), or None, default None
        1 where a synapse has a local weight, else 0. None means all synapses.

    Attributes
    ----------
    kernel : str, default ""
        Name in `synergic.rules.KERNELS` of a compiled form of the same equation. A subclass does not inherit it.
    c_text : CRule or None, default None
        The equation in integers as C, for `synergic.interchange.to_c`. A subclass does not inherit it.
    settings : tuple of str, default ()
        Names of further fields that theta has.
    normalised : bool, default True
        If False, the equation receives u in the place of x, s without fraction bits, and None for fired. In floating
        point theta.vth is then v_th.

    Raises
    ------
    ParameterError
        If a parameter is out of range.

    Notes
    -----
    The arguments of `floating` and `fixed` are P before the step, (..., n_out, n_in); `state`, a dict of the extra
    arrays; `received`, a `Received`; and `theta`, a namespace of the parameters. The caller applies bound and mask
    of P.

    `floating` is also called with torch tensors, so use operators, indexing, `abs` and `.clip` only.

    In integers, theta also has eta_exp and unit. The product of a rate and n numbers of 12 fraction bits has the scale
    of P after ``rshift(product, 12 n + eta_exp)``. P as a real number of 12 fraction bits is ``rshift(P * unit, 32)``.
    The rule itself must keep all numbers within 64 bits: `|P|` has up to 16 bits, rates 16, x, signal and plain
    parameters 16, traces 19.
    """

    registry: ClassVar[dict[str, type[Rule]]] = {}
    whole: ClassVar[Any] = None
    kernel: ClassVar[str] = ""
    c_text: ClassVar[CRule | None] = None
    settings: ClassVar[tuple[str, ...]] = ()
    normalised: ClassVar[bool] = True
    p_max: float = 4.0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Rule.registry[cls.__name__] = cls
        cls.kernel = vars(cls).get("kernel", "")  # a subclass may have another equation
        cls.c_text = vars(cls).get("c_text")

    def __post_init__(self) -> None:
        name = type(self).__name__
        self.check_vectors()
        number(f"{name}.p_max", self.p_max, *P_MAX, "Scale alpha with its inverse.")
        if self.mask is not None:
            object.__setattr__(self, "mask", check_mask(f"{name}.mask", self.mask))

    @staticmethod
    def floating(local: Any, state: dict[str, Any], received: Received, theta: Any) -> tuple[Any, dict[str, Any]]:
        """The equation in floating point."""
        raise NotImplementedError

    @staticmethod
    def fixed(local: Any, state: dict[str, Any], received: Received, theta: Any) -> tuple[Any, dict[str, Any]]:
        """The equation in integers."""
        raise NotImplementedError

    def update(
        self, numerics: Any, local: Any, state: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any, mask: Any
    ) -> tuple[Any, dict[str, Any], int]:
        """Compute one step, as executors call it.

        Parameters
        ----------
        numerics : module
            `synergic.numerics.floating` or `fixed`, or a module with the same functions.
        local : array, shape (..., n_out, n_in)
            Local weights P before the step.
        state : dict of arrays
            Extra arrays of the rule.
        s : array, shape (..., n_in)
            Presynaptic spikes or values.
        u : array, shape (..., n_out)
            Postsynaptic potentials before the reset.
        signal : array, shape (..., 1)
            Global signal.
        values : dict of arrays
            Parameters by name, or the parts of them that a core stores.
        vth : float or int
            Threshold of the postsynaptic neurons.
        mask : array, shape (n_out, n_in), or None
            1 where a synapse has a local weight.

        Returns
        -------
        local, state, clipped : array, dict of arrays, int
            P and the extra arrays after the step, and the number of entries that their bounds changed.
        """
        new, after = self.equation(local, state, s, u, signal, values, vth)
        return bounded(new, state, after, self.p_max, TRACE_MAX, mask)

    def equation(
        self, local: Any, state: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any
    ) -> tuple[Any, dict[str, Any]]:
        """One step before mask and bounds, checked: P and the extra arrays."""
        theta = SimpleNamespace(**values, **{name: getattr(self, name) for name in self.settings})
        if self.normalised:
            received = Received(s, (u / vth).clip(-CLAMP, CLAMP), (u > vth) * 1.0, signal)
        else:
            received, theta.vth = Received(s, u, None, signal), vth
        new, after = self.floating(local, state, received, theta)
        check_answer(type(self), "floating", local, state, new, after)
        return new, after

    def write(
        self, local: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any, mask: Any, memory: int, words: Any = None
    ) -> tuple[Any, int]:
        """Write a stream at the end of a presentation, as executors call it.

            P <- mask clip( P + 1/B sum_m D(m), -P_max, P_max ),    D(m) = equation(P, traces(m-1), step m) - P

        Parameters
        ----------
        local : array, shape (..., n_out, n_in)
            Local weights P during the presentation.
        s : array, shape (T, ..., n_in)
            Presynaptic spikes or values of all steps.
        u : array, shape (T, ..., n_out)
            Postsynaptic potentials before the reset.
        signal : array, shape (T, ..., 1)
            Global signal.
        values : dict of arrays
            Parameters by name, or the parts of them that a core stores.
        vth : float or int
            Threshold of the postsynaptic neurons.
        mask : array, shape (n_out, n_in), or None
            1 where a synapse has a local weight.
        memory : int
            B, presentations.
        words : array, shape (..., n_out, n_in), or None, default None
            Random numbers of 32 bits for stochastic rounding; None rounds to nearest. For integers only.

        Returns
        -------
        local, clipped : array, int
            P after the write, and the number of entries that the bound changed.
        """
        new = local + gathered(self, local, s, u, signal, values, vth, TRACE_MAX) / memory
        new, _, clipped = bounded(new, {}, {}, self.p_max, TRACE_MAX, mask)
        return new, clipped

    def quantise(self, where: str, local_bits: int, vth: int, values: bool, memory: int = 1) -> IntRule:
        """Return the integer form of the rule.

        Parameters
        ----------
        where : str
            Name of the projection, for errors.
        local_bits : int
            Width of the local weights, 8 .. 16 bits.
        vth : int
            Threshold of the target population in integers.
        values : bool
            Whether the source sends values of 0 .. 255.
        memory : int, default 1
            B of a stream, which `Hebbian` takes into the scale of its rate. Other rules do not use it.

        Returns
        -------
        IntRule
            The rule in integers.

        Raises
        ------
        ParameterError
            If a value does not fit its width.
        """
        p_top = 2 ** (local_bits - 1) - 1
        scale = p_top / self.p_max
        kinds = {name: parameter.kind for name, parameter in self.parameters().items()}
        rates = [np.abs(getattr(self, n)).max(initial=0) * scale for n, kind in kinds.items() if kind == "rate"]
        largest = float(max(rates, default=0.0))
        top, remedy = 2**15 / scale, "A step of a rate must not exceed p_max: raise p_max or lower the rate."
        require(largest < 2**15 - 1, f"{where}.rule", f"a rate of {largest / scale:g}", f"below {top:g}", remedy)
        eta_exp = next(e for e in range(15, -1, -1) if largest * 2**e < 2**15 - 1)
        factor = {"rate": scale * 2**eta_exp, "share": ONE, "plain": ONE}
        whole = {
            n: integers(f"{where}.rule.{n}", v * factor[kinds[n]], 16, "It must lie within (-8, 8).")
            for n, v in self.values.items()
        }
        return integer_form(type(self))(
            **whole, eta_exp=eta_exp, unit=round(2**REAL_SHIFT * ONE / scale), vth=vth, p_top=p_top, scale=scale,
            num_message_bits=fixed.VALUE_BITS * values, mask=self.mask,
        )  # fmt: skip


class IntRule(Parameters):
    """A local rule in integers: the parameters of its `rule_type` and eta_exp, unit, vth, p_top, scale (S_P), mask.

    Made by quantise(); the class of a rule is `integer_form(type(rule))`, IntOja for Oja. Raises ParameterError.
    """

    integer: ClassVar[bool] = True
    rule_type: ClassVar[type[Rule]]
    settings: ClassVar[tuple[str, ...]] = ("eta_exp", "unit")
    eta_exp: int
    unit: int
    vth: int
    p_top: int
    num_message_bits: int

    @property
    def kernel(self) -> str:
        """The name of the rule's compiled form; "" without one."""
        return self.rule_type.kernel

    def __post_init__(self) -> None:
        name = type(self).__name__
        self.check_vectors()
        whole(f"{name}.eta_exp", self.eta_exp, 0, 15, AGAIN)
        whole(f"{name}.vth", self.vth, 1, fixed.MEMBRANE_MAX, AGAIN)
        whole(f"{name}.p_top", self.p_top, 1, 2**15 - 1, AGAIN)
        whole(f"{name}.unit", self.unit, 1, int(2**REAL_SHIFT * ONE * P_MAX[1]), AGAIN)
        whole(f"{name}.num_message_bits", self.num_message_bits, 0, fixed.VALUE_BITS, AGAIN)
        object.__setattr__(self, "mask", check_mask(f"{name}.mask", self.mask))

    def update(
        self, numerics: Any, local: Any, state: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any, mask: Any
    ) -> tuple[Any, dict[str, Any], int]:
        """As Rule.update, in integers; vth is the rule's own."""
        new, after = self.equation(local, state, s, u, signal, values, vth)
        return bounded(new, state, after, self.p_top, int(TRACE_MAX * ONE), mask)

    def equation(
        self, local: Any, state: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any
    ) -> tuple[Any, dict[str, Any]]:
        """As Rule.equation, in integers; vth is the rule's own."""
        shift, theta = fixed.FRACTION_BITS, SimpleNamespace(**values, **{n: getattr(self, n) for n in self.settings})
        if self.rule_type.normalised:
            s = fixed.rshift(s * round(2**20 / VALUE_MAX), fixed.VALUE_BITS) if self.num_message_bits else s << shift
            x = fixed.rshift(u * round(2 ** (shift + U_SHIFT) / self.vth), U_SHIFT)
            top = int(CLAMP * ONE)
            received = Received(s, x.clip(-top, top - 1), (u > self.vth).astype(np.int64) << shift, signal)
        else:
            received = Received(s, u, None, signal)
        new, after = self.rule_type.fixed(local, state, received, theta)
        check_answer(self.rule_type, "fixed", local, state, new, after)
        return new, after

    def write(
        self, local: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any, mask: Any, memory: int, words: Any = None
    ) -> tuple[Any, int]:
        """As Rule.write, in integers: P = clip( round( (2^24 P + R sum_m D(m)) / 2^24 ) ), R = round(2^24 / B)."""
        changed = gathered(self, local, s, u, signal, values, vth, int(TRACE_MAX * ONE))
        retained, share, bits = self.write_factors(values, len(s), memory)
        new, _, clipped = bounded(rounded(retained * local + share * changed, bits, words), {}, {}, self.p_top, 0, mask)
        return new, clipped

    def write_factors(self, values: Any, steps: int, memory: int) -> tuple[int, Any, int]:
        """The numbers of a write, ``P = clip(round((retained P + share G) / 2^bits))``, with G what the steps gathered.

        Parameters
        ----------
        values : dict of arrays
            Parameters by name, or the parts of them that a core stores.
        steps : int
            T, steps of a presentation.
        memory : int
            B, presentations.

        Returns
        -------
        retained, share, bits : int, int or array of shape (n_in,), int
            Factor of P, factor of G, and the bits that are rounded away, 24 .. 42.
        """
        return 1 << SHARE_BITS, round(2**SHARE_BITS / memory), SHARE_BITS


def gathered(rule: Any, local: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any, trace_top: Any) -> Any:
    """sum_m D(m) of `Rule.write`: the steps' changes of the P that the presentation began with."""
    state, total = rule.fresh(local.shape[-2], local.shape[-1], local.shape[:-2]), 0
    for m in range(len(s)):
        new, after = rule.equation(local, state, s[m], u[m], signal[m], values, vth)
        state = {name: after[name].clip(-trace_top, trace_top) for name in state}
        total = total + (new - local)
    return total


def reduced(rule: Any) -> Any:
    """What pickle keeps of a rule whose class `integer_form` has made, which no module holds."""
    return restored, (rule.rule_type, {f.name: getattr(rule, f.name) for f in dataclasses.fields(rule)})


def restored(rule_type: type[Rule], given: dict[str, Any]) -> Any:
    """An integer rule out of a pickle."""
    return integer_form(rule_type)(**given)


def integer_form(rule_type: type[Rule]) -> Any:
    """The class of a rule's integer form: made once, at the first question."""
    fits = isinstance(rule_type, type) and issubclass(rule_type, Rule)
    require(fits, "integer_form.rule_type", repr(rule_type), "a subclass of Rule", "Give the class, not one of it.")
    if "whole" in vars(rule_type):
        return vars(rule_type)["whole"]
    parameters = rule_type.parameters()
    theta = [(n, Any, dataclasses.field(metadata={"parameter": p})) for n, p in parameters.items()]
    numbers = [("eta_exp", int), ("unit", int), ("vth", int), ("p_top", int), ("scale", float)]
    more = [("num_message_bits", int, dataclasses.field(default=0)), ("mask", Any, dataclasses.field(default=None))]
    names = {"rule_type": rule_type, "state": rule_type.state, "signalled": rule_type.signalled, "__reduce__": reduced}
    fields: Any = [*theta, *numbers, *more]
    name = f"Int{rule_type.__name__}"
    made = dataclasses.make_dataclass(name, fields, bases=(IntRule,), namespace=names, frozen=True, eq=False)
    rule_type.whole = made
    return made
