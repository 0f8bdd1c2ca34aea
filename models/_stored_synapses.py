# SPDX-License-Identifier: BSD-3-Clause
"""How the CPU models of HybridSparse and HybridConv compute: synapse by synapse."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from synergic.models._plastic_connection import AbstractConnection
from synergic.numerics import _sparse as sparse
from synergic.numerics import fixed, floating
from synergic.rules._synapses import update_synapses, write_synapses


class StoredSynapses(AbstractConnection):
    """Synapses one by one, input by input."""

    loops: ClassVar[Any] = sparse

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        synapses = proc_params["synapses"]
        self.where: tuple[Any, ...] = (synapses.pattern.starts, synapses.pattern.rows)
        self.mask: Any = synapses.mask

    def accumulate(self, s: Any, k: Any) -> Any:
        """Return the synaptic input of spikes s, synapse by synapse."""
        alpha: Any = self.scalar_or_vector("alpha")
        local, (starts, rows) = self.local, self.where
        if np.ndim(alpha) == 2:  # one a synapse
            alpha, local = 1.0, None if local is None else alpha[:, 0] * local
        slow, place = self.weights.ravel(), self.proc_params["synapses"].place
        return sparse.synaptic_input(s, slow, k, local, alpha, starts, rows, self.acc.size, place)

    def update(self, *given: Any) -> Any:
        """Update P of the stored synapses, and return what the rule returns."""
        rule, numerics = self.proc_params["rule"], fixed if self.integer else floating
        given = (*given, self.mask, self.proc_params["places"])
        return update_synapses(rule, numerics, self.local, *given)

    def write(self, words: Any) -> int:
        """As of a matrix, for the stored synapses alone."""
        params = self.proc_params
        rows, columns = params["synapses"].pattern.ends
        words = None if words is None else words[rows, columns]
        s, u, signal = self.received
        given = (self.theta(), params["vth"], self.mask, params["memory"], words, rows, columns)
        self.local[...], clipped = write_synapses(params["rule"], self.local, s, u, signal, *given)
        return int(clipped)
