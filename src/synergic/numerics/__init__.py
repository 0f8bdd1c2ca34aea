# SPDX-License-Identifier: BSD-3-Clause
"""Pure array functions: the equations of hybrid plasticity, in floating point and in exact integers.

Imports neither Lava nor torch. `floating` and `fixed` hold the same functions under the same names.
"""

__all__ = ["fixed", "floating"]
