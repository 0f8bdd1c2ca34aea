# SPDX-License-Identifier: BSD-3-Clause
"""The leaky integrate-and-fire neuron: what a population has that names no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from synergic._core.checks import kind
from synergic.neurons._c_neuron import CNeuron
from synergic.neurons._neuron import Neuron
from synergic.neurons._neuron_kernels import LEAKY
from synergic.numerics import fixed, floating


@dataclass(frozen=True, eq=False)
class LIF(Neuron):
    """Leaky integrate-and-fire.

    u(m) = d r(m-1) + I(m) + b, and s(m) = 1 where u(m) > v_th. The reset leaves r(m) = u(m) - v_th s(m), or
    u(m) (1 - s(m)), as the population's `reset` selects. I is the synaptic input; d, b and v_th are the population's
    decay, bias and threshold.

    Parameters
    ----------
    integer : bool
        Whether the population is one of integers. Default False; quantise sets it.

    Notes
    -----
    It has no parameters of its own. In integers u is limited to 24 bits once, after the sum.
    """

    kernel: ClassVar[str] = LEAKY
    c_text: ClassVar[CNeuron] = CNeuron(
        """
            u = limited(rshift(u * decay, 12) + input + bias, saturated);
            sent = u > vth;
            after = after_reset(u, sent, vth, subtract);
        """,
        limits_input=False,  # u is limited once, after the sum
    )
    highest_vth: ClassVar[int] = fixed.MEMBRANE_MAX

    @staticmethod
    def floating(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in floating point: numerics.floating membrane, spike, reset."""
        u = floating.membrane(u, current, theta.decay, theta.bias)
        s = floating.spike(u, theta.vth)
        return u, s, floating.reset(u, s, theta.vth, theta.reset), state

    @staticmethod
    def fixed(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in integers: numerics.fixed membrane, spike, reset."""
        u, _ = fixed.membrane(u, current, theta.decay, theta.bias, 0)
        s = fixed.spike(u, theta.vth)
        return u, s, fixed.reset(u, s, theta.vth, theta.reset), state

    def update(
        self, u: Any, state: dict[str, Any], acc: Any, p: Any, values: dict[str, Any]
    ) -> tuple[Any, Any, Any, dict[str, Any], int]:
        """One step, as of every neuron; integers are limited once, after the sum, and not the input before it."""
        if not self.integer:
            return *self.floating(u, state, acc, p), 0
        raw, saturated = fixed.membrane(u, acc, p.decay, p.bias, p.accumulator_shift)
        s = fixed.spike(raw, p.vth)
        return raw, s, fixed.reset(raw, s, p.vth, p.reset), state, saturated


def checked_neuron(where: str, neuron: Any, size: int, decay: Any, integer: bool) -> Neuron:
    """A population's neuron: LIF for None. Refuses what is no neuron, or does not fit. where : its population."""
    kind(f"{where}.neuron", neuron, Neuron | None, "None is the leaky integrate-and-fire neuron.")
    found: Neuron = LIF(integer=integer) if neuron is None else neuron
    found.check(where, size, decay, integer)
    return found
