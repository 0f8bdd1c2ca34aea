# SPDX-License-Identifier: BSD-3-Clause
"""Compiled forms of neurons, by the name that a neuron's class declares as its `kernel`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

LEAKY, RECTIFIED, BY_TABLE = "lif", "relu", "table"
"""The kernels of LIF, ReLU and Table, which the chip's core loop has compiled; that of LIF also the layer loop."""


class NeuronKernel(NamedTuple):
    """A compiled form of a neuron: what FusedNetwork runs in the place of `Neuron.update`, one sample at a time.

    Both functions take (loops, p, u, state, acc) and return what `Neuron.update` does: u(m), what is sent, what the
    reset leaves of u, the arrays beside u, and the number of values limited to 24 bits.

    loops : the module numerics._compiled, which a form of your own can ignore. p : the population. u : (n,); state :
    dict of (n,) arrays. acc : (n,), the sum of all projections; in integers before the accumulator's shift.

    Attributes
    ----------
    floating, fixed : callable
        The function in floating point, and in integers.
    """

    floating: Callable[..., Any]
    fixed: Callable[..., Any]


def leaky_floating(loops: Any, p: Any, u: Any, state: Any, acc: Any) -> Any:
    """`LIF` in floating point, compiled."""
    u, s, after, saturated = loops.integrate_floating(
        u, acc, float(p.decay), p.bias, float(p.vth), p.reset == "subtract"
    )
    return u, s, after, state, saturated


def leaky_fixed(loops: Any, p: Any, u: Any, state: Any, acc: Any) -> Any:
    """`LIF` in integers, compiled."""
    u, s, after, saturated = loops.integrate_fixed(
        u, acc, p.decay, p.bias, p.accumulator_shift, p.vth, p.reset == "subtract"
    )
    return u, s, after, state, saturated


KERNELS: dict[str, NeuronKernel] = {LEAKY: NeuronKernel(leaky_floating, leaky_fixed)}
"""The compiled forms by name. Add one, and name it as the `kernel` of your neuron's class."""
