# SPDX-License-Identifier: BSD-3-Clause
"""The C text of a neuron: what `synergic.interchange.to_c` writes beside the equation in integers."""

from __future__ import annotations

from typing import NamedTuple


class CNeuron(NamedTuple):
    """The integer equation of a neuron as statements in C99.

    A neuron has it in its class attribute `c_text`. All numbers are `int64_t`, as in `Neuron.fixed`. The names of
    parameters and of the arrays beside u stand for the value of the present neuron; tables are arrays. Further names
    are `u`, `input` (the argument `current`), `sent`, `after`, `vth`, `decay`, `bias`, `unit`, `subtract` (1 if the
    reset subtracts, 0 if it sets to zero), and the functions `rshift(a, n)`, `ashift(a, n)`, the shift that rounds
    down, `clip(a, low, high)`, `after_reset(u, sent, vth, subtract)` and `limited(a, saturated)`, which limits a number
    to 24 bits and counts it.

    Parameters
    ----------
    step : str
        Statements that assign `u`, the potential before its reset; `sent`; `after`, the potential that is left; and the
        arrays beside u. The caller limits them to 24 bits and counts what this changes.
    limits_input : bool, default True
        Whether the caller limits `input` to 24 bits first. False for a neuron whose `update` does not.
    """

    step: str
    limits_input: bool = True
