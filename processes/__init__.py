# SPDX-License-Identifier: BSD-3-Clause
"""Lava processes: ports, variables and arguments; no arithmetic (that is in synergic.models)."""

if __name__ != "synergic.processes":
    raise ImportError("import synergic.processes: the folder is a part of the package, not a package by itself")

from synergic.processes.hybrid_dense.process import HybridDense
from synergic.processes.hybrid_lif.process import HybridLIF

__all__ = ["HybridDense", "HybridLIF"]
