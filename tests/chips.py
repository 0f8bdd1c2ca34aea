# SPDX-License-Identifier: BSD-3-Clause
"""Small chips for tests."""

import dataclasses

from synergic.hw_targets import load_chip

GENERIC = load_chip("generic")


def small_chip(**facts):
    """The generic chip with other numbers, by default 6 x 5 cores of 8 axons and 8 neurons."""
    facts = {"rows": 6, "columns": 5, "axons": 8, "neurons": 8, **facts}
    changed = {name: dataclasses.replace(getattr(GENERIC, name), value=value) for name, value in facts.items()}
    return dataclasses.replace(GENERIC, name="small", **changed)
