# SPDX-License-Identifier: BSD-3-Clause
"""rho of u / v_th in integers: a table of 256 entries, which rules and neurons look up alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synergic.numerics.fixed import TABLE_PER_UNIT, TABLE_SHIFT, TABLE_SIZE
from synergic.numerics.floating import RHO

ELEMENTWISE = tuple(name for name in RHO if name != "softmax")
"""The non-linearities that a table can hold: of each neuron by itself."""


def table_values(rho: str) -> npt.NDArray[np.float64]:
    """rho in the middle of each of the 256 entries, from u / v_th = -4 to 4, as real numbers."""
    middle = (np.arange(TABLE_SIZE) - TABLE_SIZE // 2 + 0.5) / TABLE_PER_UNIT
    values: npt.NDArray[np.float64] = RHO[rho](middle)
    return values


def table_scale(vth: int) -> int:
    """Factor from a potential to an entry of the table, with 20 fraction bits."""
    return round(2**TABLE_SHIFT * TABLE_PER_UNIT / vth)
