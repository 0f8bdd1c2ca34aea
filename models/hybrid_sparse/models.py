# SPDX-License-Identifier: BSD-3-Clause
"""CPU models of HybridSparse."""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from synergic.models._plastic_connection import FixedConnection, FloatingConnection
from synergic.models._stored_synapses import StoredSynapses
from synergic.processes.hybrid_sparse.process import HybridSparse


@implements(proc=HybridSparse, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyHybridSparseModelFloat(StoredSynapses, FloatingConnection):
    """numerics.floating, compiled."""


@implements(proc=HybridSparse, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_tianjic")
class PyHybridSparseModelFixed(StoredSynapses, FixedConnection):
    """numerics.fixed, compiled: exact integers."""
