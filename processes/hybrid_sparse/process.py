# SPDX-License-Identifier: BSD-3-Clause
"""Connection of chosen synapses with slow weights W and fast, local weights P."""

from __future__ import annotations

from typing import Any

import numpy as np

from synergic.processes._sparse_synapses import Pattern, SynapseConnection, Synapses, canonical


class HybridSparse(SynapseConnection):
    """HybridDense with synapses only where `weights` stores one: the same numbers, memory and time by synapse.

    a_i(m) = sum_e s_j(m) (k(m) W_e + alpha_i P_e(m-1)) over the synapses e = (i, j); P by a local rule. A stored 0 is a
    synapse, and may learn. A rule's function sees one synapse at a time (synergic.rules); one that looks at
    other neurons or inputs is refused. Connect it as HybridDense, or Lava's Sparse.

    Parameters
    ----------
    weights : scipy's csr_matrix, csc_matrix or coo_matrix (n_out, n_in), or a full matrix, of which what is not 0 is
        stored. Floats select the floating-point models, integers the fixed-point ones.
    local_weights : a sparse or full matrix with nothing but 0 off the stored synapses, or one value a synapse.
    alpha : scalar or (n_out,) or, floats only, a matrix as local_weights.
    rule : as of HybridDense; of a mask, the part at the synapses counts: those that have a local weight.
    record : `local_record` is (record, synapses).
    All others as of HybridDense.

    Ports as of HybridDense. Vars too, but weights, local_weights, local_start and what a rule keeps by synapse
    (`state`) have one value a synapse: `get` makes a csc_matrix, whose `data` is in the order of the Var as a Monitor
    shows it and of local_record; `set` takes a matrix with the same synapses, or such a row. Raises ParameterError, and
    UnsupportedError for a rule that is not local to a synapse.
    """

    def __init__(
        self,
        *,
        weights: Any,
        rule: Any = None,
        alpha: Any = None,
        local_weights: Any = None,
        trace: str = "per_sample",
        weight_bits: int = 8,
        num_message_bits: int = 0,
        **kwargs: Any,
    ) -> None:
        name = kwargs.get("name", "HybridSparse")
        m = canonical(f"{name}.weights", weights)
        alpha = np.zeros((), m.dtype) if alpha is None else alpha
        pattern = Pattern.of(m)
        p = Synapses(name, pattern, m.data, rule, alpha, local_weights, trace, weight_bits, num_message_bits)
        super().__init__(p, **kwargs)
