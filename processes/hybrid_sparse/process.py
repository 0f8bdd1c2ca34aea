# SPDX-License-Identifier: BSD-3-Clause
"""Connection of chosen synapses with slow weights W and fast, local weights P."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synergic._core.moved import renamed
from synergic.processes._sparse_synapses import Matrix, Pattern, SynapseConnection, Synapses, canonical
from synergic.rules import IntRule, Rule
from synergic.rules._stream import MEMORY

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synergic.processes._arguments import ConnectionArguments


@renamed("trace", "plasticity_scope")
class HybridSparse(SynapseConnection):
    """Sparse connection Process: HybridDense with synapses only where `weights` stores one.

    The synaptic input of neuron i at step m of a presentation is

        a_i(m) = sum_e s_j(m) (k(m) W_e + alpha_i P_e(m-1)) over the synapses e = (i, j),

    with P updated by a local rule. Results are those of HybridDense with zeros elsewhere; memory and time grow with the
    number of synapses. A stored 0 is a synapse, and may learn. Connect it as HybridDense, or as Lava's Sparse.

    Parameters
    ----------
    weights : scipy sparse matrix or array_like, shape (n_out, n_in)
        Slow weights W. Of a full matrix, what is not 0 is a synapse. Floats select the floating-point models, integers
        the fixed-point models.
    rule : Rule, IntRule or None, default None
        Local rule, as of HybridDense. Its functions receive one synapse at a time (synergic.rules). Of a mask,
        the part at the synapses counts.
    alpha : array_like, shape () or (n_out,), default 0
        Weight of the local weights; floats may also have a matrix, as `local_weights`.
    local_weights : scipy sparse matrix or array_like, default zeros
        P at the start of each presentation: a matrix (n_out, n_in) with nothing but 0 off the stored synapses, or one
        value a synapse, (synapses,).
    plasticity_scope, weight_bits, num_message_bits, memory, rounding, seed, **kwargs
        As of HybridDense.

    Attributes
    ----------
    s_in, u_in, r_in, a_out
        Ports, as of HybridDense.
    weights, local_weights, local_start : Var, shape (synapses,)
        One value a synapse. `get` returns a csc_matrix; its `data` has the order of the Var. `set` takes a matrix with
        the same synapses, or such a row.
    state : dict of Var
        Arrays of the rule other than P. Those of a synapse have one value a synapse, too.
    local_record : Var, shape (record, synapses)
        The last P of each recorded presentation.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or has values off the stored synapses.
    UnsupportedError
        If the rule looks at other neurons or inputs than those of a synapse.

    Examples
    --------
    >>> weights = scipy.sparse.random(10, 64, 0.1, "csc")
    >>> sparse = HybridSparse(weights=weights, rule=sy.Hebbian(eta=0.1, beta=0.1), alpha=0.5)
    """

    def __init__(
        self,
        *,
        weights: Matrix,
        rule: Rule | IntRule | None = None,
        alpha: Matrix | None = None,
        local_weights: Matrix | None = None,
        plasticity_scope: str = "per_sample",
        weight_bits: int = 8,
        num_message_bits: int = 0,
        memory: int = MEMORY,
        rounding: str = "nearest",
        seed: int = 1,
        **kwargs: Unpack[ConnectionArguments],
    ) -> None:
        name = kwargs.get("name", "HybridSparse")
        m = canonical(f"{name}.weights", weights)
        alpha = np.zeros((), m.dtype) if alpha is None else alpha
        pattern = Pattern.of(m)
        own: dict[str, Any] = {"memory": memory, "rounding": rounding, "seed": seed}
        bits = (weight_bits, num_message_bits)
        p = Synapses(name, pattern, m.data, rule, alpha, local_weights, plasticity_scope, *bits, **own)
        super().__init__(p, **kwargs)
