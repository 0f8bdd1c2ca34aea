# SPDX-License-Identifier: BSD-3-Clause
"""CPU models of HybridDense."""

from __future__ import annotations

from typing import Any

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from synergic.models._plastic_connection import AbstractConnection, FixedConnection, FloatingConnection
from synergic.processes.hybrid_dense.process import HybridDense


class AllToAll(AbstractConnection):
    """A matrix of synapses."""

    def accumulate(self, s: Any, k: Any) -> Any:
        """Return the synaptic input of spikes s."""
        return self.loops.synaptic_input(s, self.weights, k, self.local, self.scalar_or_vector("alpha"))


@implements(proc=HybridDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyHybridDenseModelFloat(AllToAll, FloatingConnection):
    """numerics.floating, compiled."""


@implements(proc=HybridDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_tianjic")
class PyHybridDenseModelFixed(AllToAll, FixedConnection):
    """numerics.fixed, compiled: exact integers."""
