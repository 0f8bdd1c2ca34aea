# SPDX-License-Identifier: BSD-3-Clause
"""The model of HybridNetwork: the processes inside it."""

from __future__ import annotations

from typing import Any

from lava.magma.core.decorator import implements, tag
from lava.magma.core.model.sub.model import AbstractSubProcessModel

from synergic.processes.hybrid_network.process import HybridNetwork


@implements(proc=HybridNetwork)
@tag("floating_pt", "fixed_pt", "bit_accurate_tianjic")
class SubHybridNetworkModel(AbstractSubProcessModel):
    """Connects the ports with the processes that HybridNetwork has made; they choose models of their own."""

    def __init__(self, process: Any) -> None:
        inside = process.composition
        # Lava finds the processes of a model among its attributes.
        for part in (*inside.populations.values(), *inside.projections.values()):
            setattr(self, f"part_{part.id}", part)
        for dense in inside.entries:
            process.s_in.connect(dense.s_in)
        inside.output.s_out.connect(process.s_out)
        inside.output.u_out.connect(process.u_out)
