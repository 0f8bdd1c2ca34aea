# SPDX-License-Identifier: BSD-3-Clause
"""Phase 2: the soma cores of neurons that are compiled."""

from __future__ import annotations

from typing import Any

from synergic._core.integers import VALUE_MAX
from synergic.hw_targets.simulation.kernels._jit import jit
from synergic.hw_targets.simulation.kernels._records import RECTIFIED
from synergic.neurons._neuron import UNIT_SHIFT
from synergic.neurons._values import X_SHIFT
from synergic.numerics.fixed import ACCUMULATOR_SHIFT, FRACTION_BITS, MEMBRANE_MAX, MEMBRANE_MIN, TABLE_SIZE

assert ACCUMULATOR_SHIFT > 0  # the shift of a population is never smaller, and `rounded` needs it positive


@jit
def rounded(a: Any, n: Any) -> Any:  # pragma: no cover
    """fixed.rshift, for n > 0."""
    return (a + (1 << (n - 1))) >> n


@jit
def fire(u: Any, acc: Any, bias: Any, group: Any, randoms: Any, shown: Any, sent: Any) -> Any:  # pragma: no cover
    """fixed.membrane, spike and reset. shown : u before its reset; sent : spikes. Returns the values saturated."""
    saturated = 0
    for i in range(u.size):
        raw = rounded(u[i] * group.decay, FRACTION_BITS) + rounded(acc[i], group.shift) + bias[i]
        now = min(max(raw, MEMBRANE_MIN), MEMBRANE_MAX)
        saturated += now != raw
        vth = group.vth
        if randoms.size > 0:
            vth += randoms[i]
        s = now > vth
        shown[i], sent[i] = now, s
        if group.reset_to_zero:
            u[i] = 0 if s else now
        else:
            u[i] = now - vth if s else now
    return saturated


@jit
def activate(u: Any, acc: Any, bias: Any, group: Any, entries: Any, shown: Any, sent: Any) -> Any:  # pragma: no cover
    """ReLU.fixed and Table.fixed, as Neuron.update calls them. Arguments as of `fire`; entries : (256,)."""
    saturated = 0
    for i in range(u.size):
        raw = rounded(acc[i], group.shift)
        current = min(max(raw, MEMBRANE_MIN), MEMBRANE_MAX)
        now = current + bias[i]
        within = min(max(now, MEMBRANE_MIN), MEMBRANE_MAX)
        saturated += (current != raw) + (within != now)
        x = rounded(now * group.unit, UNIT_SHIFT)
        if group.soma == RECTIFIED:
            sent[i] = min(max(rounded(VALUE_MAX * x, FRACTION_BITS), 0), VALUE_MAX)
        else:
            sent[i] = entries[min(max((x >> X_SHIFT) + TABLE_SIZE // 2, 0), TABLE_SIZE - 1)]
        shown[i], u[i] = within, 0
    return saturated
