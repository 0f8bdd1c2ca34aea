# SPDX-License-Identifier: BSD-3-Clause
"""Process models: how synergic.processes compute. Thin; the equations are in synergic.numerics."""

if __name__ != "synergic.models":
    raise ImportError("import synergic.models: the folder is a part of the package, not a package by itself")

from synergic._core.parts import require

require("synergic.models", "lava")
