# SPDX-License-Identifier: BSD-3-Clause
"""Read-outs as pure functions: what breaks ties, and when a count can no longer be overtaken."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synergic.numerics._readout_values import rate_scores, settled


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-(2**23), 2**23 - 1)), min_size=1, max_size=6))
def test_scores_order_by_count_and_then_by_potential(neurons):
    counts, u = np.array(neurons).T
    want = max(range(len(neurons)), key=lambda i: (*neurons[i], -i))  # the first of what is equal in both
    assert rate_scores(counts, u).argmax() == want
    assert np.array_equal(np.floor(rate_scores(counts, u)), counts)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[st.integers(0, 1)] * n), min_size=1, max_size=12)))
def test_a_count_is_settled_exactly_when_no_continuation_changes_the_class(spikes):
    spikes = np.array(spikes)
    for m in range(len(spikes) + 1):
        counts, left = spikes[:m].sum(axis=0), len(spikes) - m
        leader = counts.argmax()
        rivals = [counts[j] + left for j in range(counts.size) if j != leader]  # that fire in all steps left
        assert settled(counts, left) == all(counts[leader] > rival for rival in rivals)
