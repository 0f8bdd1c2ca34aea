# SPDX-License-Identifier: BSD-3-Clause
"""Neurons without memory that send values, as those of artificial networks: rectified, or by a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from synergic._core.checks import choice, numbers, require
from synergic._core.integers import VALUE_MAX
from synergic._core.parameters import CLAMP, declared
from synergic.neurons._c_neuron import CNeuron
from synergic.neurons._neuron import UNIT_SHIFT, Neuron
from synergic.neurons._neuron_kernels import BY_TABLE, RECTIFIED
from synergic.numerics.fixed import FRACTION_BITS, TABLE_PER_UNIT, TABLE_SIZE, rshift

MIDDLE = (np.arange(TABLE_SIZE) - TABLE_SIZE // 2 + 0.5) / TABLE_PER_UNIT
"""u / v_th in the middle of each entry of a table."""
ROUNDING = 1e-9
"""In steps of a table: what lacks no more than this to the next one is on it."""
X_SHIFT = FRACTION_BITS - 5
"""From x with 12 fraction bits to entries, 32 a unit."""
SHAPES: dict[str, Callable[[Any], Any]] = {
    "sigmoid": expit,
    "tanh": lambda x: np.maximum(np.tanh(x), 0.0),
    "exp": lambda x: np.exp(x - MIDDLE[-1]),
}
"""Functions of u / v_th that `Table.of` knows by name."""


@dataclass(frozen=True, eq=False)
class ReLU(Neuron):
    """Rectified linear neuron without memory that sends values.

    u(m) = I(m) + b, and it sends u / v_th limited to 0 .. 1: v_th is the potential at which the output is largest. I is
    the synaptic input; b and v_th are the population's bias and threshold. The population's decay must be 0.

    Notes
    -----
    In integers it sends 0 .. 255: rshift(255 x, 12) with x = rshift(u unit, 20) and unit = round(2^32 / v_th).
    """

    num_message_bits: ClassVar[int] = 8
    memory: ClassVar[bool] = False
    kernel: ClassVar[str] = RECTIFIED
    c_text: ClassVar[CNeuron] = CNeuron(
        """
            u = input + bias;
            sent = clip(rshift(255 * rshift(u * unit, 20), 12), 0, 255);
            after = 0;
        """
    )

    @staticmethod
    def floating(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in floating point."""
        now = current + theta.bias
        return now, (now / theta.vth).clip(0.0, 1.0), u * 0, state

    @staticmethod
    def fixed(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in integers."""
        now = current + theta.bias
        x = rshift(now * theta.unit, UNIT_SHIFT)
        return now, rshift(VALUE_MAX * x, FRACTION_BITS).clip(0, VALUE_MAX), u * 0, state


@dataclass(frozen=True, eq=False)
class Table(Neuron):
    """Neuron without memory that sends values by a table of 256 entries.

    u(m) = I(m) + b, and it sends entries[clip(floor(32 u / v_th) + 128, 0, 255)]: 32 entries a unit of u / v_th, from
    -4 to 4. I is the synaptic input; b and v_th are the population's bias and threshold. Its decay must be 0.

    Parameters
    ----------
    entries : (256,) array
        Values of 0 .. 1, or of 0 .. 255 in integers. `Table.of` makes them from a function.

    Raises
    ------
    ParameterError
        For values out of range.

    Notes
    -----
    Both numerics have the same steps. In floating point what lacks less than 3e-11 v_th to a step counts as on it, so
    that the order of a sum's rounding decides nothing. In integers the entry is (x >> 7) + 128 with
    x = rshift(u unit, 20) and unit = round(2^32 / v_th).
    """

    num_message_bits: ClassVar[int] = 8
    memory: ClassVar[bool] = False
    kernel: ClassVar[str] = BY_TABLE
    c_text: ClassVar[CNeuron] = CNeuron(
        """
            u = input + bias;
            sent = entries[clip(ashift(rshift(u * unit, 20), 7) + 128, 0, 255)];
            after = 0;
        """
    )
    entries: npt.ArrayLike = declared("table", "", MISSING)

    @classmethod
    def of(cls, function: str | Callable[[Any], Any]) -> Table:
        """Return the table of a function of x = u / v_th, evaluated in the middle of each entry.

        Parameters
        ----------
        function : {"sigmoid", "tanh", "exp"} or callable
            "tanh" is its positive part. "exp" is exp(x - 4 + 1/64), for a softmax whose sum the host divides by. A
            callable takes an array and returns an array of values in 0 .. 1.

        Returns
        -------
        Table
            The neuron with this table.

        Raises
        ------
        ParameterError
            If the function is unknown, or returns other values.
        """
        if not callable(function):
            choice("Table.of.function", function, tuple(SHAPES))
            return cls(SHAPES[function](MIDDLE))
        entries = numbers("Table.of.function", function(MIDDLE))
        bad = entries[~((entries >= 0) & (entries <= 1))]
        require(bad.size == 0, "Table.of.function", f"{bad[:3]}", "values of 0 to 1", "Scale or clip it.")
        return cls(entries)

    @staticmethod
    def floating(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in floating point."""
        now = current + theta.bias
        steps = np.floor((now / theta.vth).clip(-CLAMP, CLAMP) * TABLE_PER_UNIT + ROUNDING).astype(np.int64)
        return now, theta.entries[index(steps)], u * 0, state

    @staticmethod
    def fixed(u: Any, state: dict[str, Any], current: Any, theta: Any) -> Any:
        """The equation in integers."""
        now = current + theta.bias
        x = rshift(now * theta.unit, UNIT_SHIFT)
        return now, theta.entries[index(x >> X_SHIFT)], u * 0, state


def index(steps: Any) -> Any:
    """Which entry of a table holds so many 32nds of v_th."""
    return (steps + TABLE_SIZE // 2).clip(0, TABLE_SIZE - 1)
