# SPDX-License-Identifier: BSD-3-Clause
"""Compiled forms of local rules, by the name that a rule's class declares as its `kernel`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from synergic.numerics import _compiled, fixed
from synergic.rules._stream import retained_share

HEBBIAN = "hebbian"
"""The kernel of `Hebbian`: the one equation that the chip's core loop and the loop over whole layers have compiled."""


class Kernel(NamedTuple):
    """A compiled form of a rule: what HybridDense and FusedNetwork run in the place of `floating` and `fixed`.

    Both functions change P of one sample in place, with mask and bound, and return how many entries the bound changed:
    ``(rule, values, local, s, u, vth, mask, loops, where, **age) -> int``.

    rule : the Rule, or its integer form. values : its parameters by name, as they stand now. local : P, (n_out, n_in),
    stored input by input. s : (n_in,), u : (n_out,), before the reset. mask : (n_out, n_in) of 0 and 1, or None.

    Attributes
    ----------
    floating, fixed : callable
        The function in floating point, and in integers.
    sparse : bool
        Whether the functions also run on P of chosen synapses, (synapses,): with `loops` the module of sparse loops,
        and `where` their starts and rows. Without it `where` is empty, and `loops` can be ignored.
    ages : bool
        Whether P of a silent input only decays, by `lambda_`, and can do so later: `age` is then the step up to which
        each input's P is brought, (n_in,).
    writes : tuple of callable or None
        Compiled forms of `Rule.write` in floating point and in integers, of one sample and in place:
        ``(rule, values, local, s, u, vth, mask, memory, words, loops) -> int`` with s (T, n_in) and u (T, n_out).
    """

    floating: Callable[..., int]
    fixed: Callable[..., int]
    sparse: bool = False
    ages: bool = False
    writes: tuple[Callable[..., int], Callable[..., int]] | None = None


def hebbian_floating(
    rule: Any, values: Any, local: Any, s: Any, u: Any, vth: Any, mask: Any, loops: Any, where: Any = (), **age: Any
) -> int:
    """`Hebbian` in floating point, compiled."""
    return int(
        loops.hebbian_floating(
            local, s, u, *where, eta=values["eta"], beta=values["beta"], lambda_=float(values["lambda_"]),
            rho=rule.rho, sign=rule.sign, p_max=rule.p_max, vth=vth, mask=mask, **age,
        )
    )  # fmt: skip


def hebbian_fixed(
    rule: Any, values: Any, local: Any, s: Any, u: Any, vth: Any, mask: Any, loops: Any, where: Any = (), **age: Any
) -> int:
    """`Hebbian` in integers, compiled."""
    post = fixed.postsynaptic(u, rule.table, rule.table_scale, values["beta"])
    return int(
        loops.hebbian_fixed(
            local, s, post, *where, eta=values["eta"], lambda_=int(values["lambda_"]), sign=rule.sign,
            p_top=rule.p_top, eta_exp=rule.eta_exp, mask=mask, **age,
        )
    )  # fmt: skip


def write_floating(
    rule: Any, values: Any, local: Any, s: Any, u: Any, vth: Any, mask: Any, memory: int, words: Any, loops: Any
) -> int:
    """`Hebbian.write` in floating point, compiled."""
    share = retained_share(values["lambda_"], len(s), memory)
    return int(
        loops.write_hebbian_floating(
            local, s, u, eta=values["eta"], beta=values["beta"], share=share, memory=memory, rho=rule.rho,
            sign=rule.sign, p_max=rule.p_max, vth=vth, mask=mask,
        )
    )  # fmt: skip


def write_fixed(
    rule: Any, values: Any, local: Any, s: Any, u: Any, vth: Any, mask: Any, memory: int, words: Any, loops: Any
) -> int:
    """`Hebbian.write` in integers, compiled."""
    post = fixed.postsynaptic(u, rule.table, rule.table_scale, values["beta"])
    retained, factor, bits = rule.write_factors(values, len(s), memory)
    return int(
        loops.write_hebbian_fixed(
            local, s, post, retained=retained, factor=factor, bits=bits, p_top=rule.p_top, mask=mask, words=words
        )
    )


KERNELS: dict[str, Kernel] = {
    HEBBIAN: Kernel(hebbian_floating, hebbian_fixed, sparse=True, ages=True, writes=(write_floating, write_fixed))
}
"""The compiled forms by name. Add one, and name it as the `kernel` of your rule's class."""


def kernel_of(rule: Any, sparse: bool = False) -> Kernel | None:
    """The compiled form of a rule, or None. sparse : that also runs on chosen synapses."""
    found = None if rule is None else KERNELS.get(rule.kernel)
    return None if found is None or (sparse and not found.sparse) else found


def write_in_place(
    rule: Any, local: Any, s: Any, u: Any, signal: Any, values: Any, vth: Any, mask: Any, memory: int, words: Any
) -> int:
    """`Rule.write` of one sample in place, compiled if the rule has that. Returns how many entries the bound changed.

    local : (n_out, n_in), best stored input by input. The other arguments are those of `Rule.write`.
    """
    kernel = kernel_of(rule)
    if kernel is not None and kernel.writes is not None:
        return kernel.writes[rule.integer](rule, values, local, s, u, vth, mask, memory, words, _compiled)
    local[...], clipped = rule.write(local, s, u, signal, values, vth, mask, memory, words)
    return int(clipped)
