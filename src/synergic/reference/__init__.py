# SPDX-License-Identifier: BSD-3-Clause
"""The numpy reference: it runs a network by its equations, and counts what NeuroBench counts."""

from synergic.reference._metrics import (
    Operations,
    activation_sparsity,
    connection_sparsity,
    footprint,
    membrane_updates,
    metrics,
    synaptic_operations,
)
from synergic.reference._set_points import with_homeostasis
from synergic.reference._simulate import Record, simulate
from synergic.reference._stream_run import stream

__all__ = [
    "Operations",
    "Record",
    "activation_sparsity",
    "connection_sparsity",
    "footprint",
    "membrane_updates",
    "metrics",
    "simulate",
    "stream",
    "synaptic_operations",
    "with_homeostasis",
]
