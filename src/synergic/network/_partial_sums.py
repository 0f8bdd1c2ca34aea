# SPDX-License-Identifier: BSD-3-Clause
"""Bounds of partial sums: the refusal of those that could overflow, and the widest local weights that fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from synergic._core.checks import require
from synergic._core.integers import ONE, VALUE_MAX

NARROWEST_LOCAL, WIDEST_LOCAL = 8, 16
"""Bits of the local weights that `quantise` makes."""


def check_accumulators(graph: Any, k_top: int) -> None:
    """Refuse populations whose partial sums could leave 32 bits, or whose scaled sum 64, whatever comes in.

    graph : has `populations` and `into(name)`; k_top : the largest k. Bounds hold for any input and any P within its
    own bound, also after theta has been set anew.
    """
    for p in graph.populations:
        total = np.zeros(p.size, np.int64)
        for q in graph.into(p.name):
            largest = VALUE_MAX if q.num_message_bits else 1
            slow = largest * np.abs(q.weights).sum(axis=1)
            local = 0 if q.rule is None else largest * q.rule.p_top * most_plastic(q)
            top = max(int(slow.max(initial=0)), local)
            fitting = fitting_local_bits(q, q.num_message_bits)
            few = f"quantise(local_bits={fitting}) fits." if local == top and fitting >= 8 else "Use fewer weight_bits."
            require(
                top < 2**31,
                f"{q.name}.partial sum",
                f"a possible {top}",
                f"below {2**31} (32 bits)",
                f"{few} A neuron with fewer inputs fits too.",
            )
            total += (k_top if q.fades else ONE) * slow + np.abs(q.alpha) * local
        top = int(total.max(initial=0))
        require(
            top < 2**62,
            f"{p.name}.accumulator",
            f"a possible {top}",
            f"below {2**62} (64 bits)",
            "Use fewer local_bits, a smaller alpha, or fewer inputs to the neuron.",
        )


def most_plastic(q: Any) -> int:
    """The most synapses of one neuron that may have a local weight. q : a projection, in floats or integers."""
    return int(q.n_in if q.rule is None or q.rule.mask is None else q.rule.mask.sum(axis=1).max())


def fitting_local_bits(q: Any, num_message_bits: int) -> int:
    """The width of local weights, sign included, whose partial sum stays within 32 bits, whatever comes in."""
    largest = VALUE_MAX if num_message_bits else 1
    return ((2**31 - 1) // (largest * max(most_plastic(q), 1)) + 1).bit_length()


def widest_local_bits(network: Any) -> int:
    """The widest local weights that fit in all projections of a network, 8 .. 16 bits: what `quantise` takes if it is
    not told. Where 8 are too many, `quantise` says so.

    network : has `projections` and `message_bits`.
    """
    bits = network.message_bits
    fitting = [fitting_local_bits(q, bits[q.source]) for q in network.projections if q.rule is not None]
    return max(NARROWEST_LOCAL, min([WIDEST_LOCAL, *fitting]))
