# SPDX-License-Identifier: BSD-3-Clause
"""The compiled loops of the placement against themselves as plain Python: what numba makes of them changes nothing."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from synergic.hw_targets.mapping.passes import _placement as placement

LOOPS = [name for name, value in vars(placement).items() if hasattr(value, "py_func")]


@pytest.fixture
def plain(monkeypatch):
    """Exchanges all loops for the functions that were compiled, and makes annealing short."""
    monkeypatch.setattr(placement, "TEMPERATURES", 4)

    def exchange():
        for name in LOOPS:
            monkeypatch.setattr(placement, name, getattr(placement, name).py_func)

    return exchange


@pytest.mark.parametrize("cores", [1, 2, 9, 24])
@pytest.mark.parametrize("kind", ["greedy", "annealing"])
def test_loops_give_the_same_places_as_plain_python(kind, cores, plain):
    rng = np.random.default_rng(cores)
    traffic = np.triu(rng.random((cores, cores)) * (rng.random((cores, cores)) < 0.4), 1)
    between = csr_array(traffic + traffic.T)
    free = np.sort(rng.choice(42, 30, replace=False))  # of 6 x 7 places twelve are dead
    compiled = placement.PLACEMENTS[kind](between, free, 7, 3)
    plain()
    assert len(LOOPS) == 10
    assert np.array_equal(placement.PLACEMENTS[kind](between, free, 7, 3), compiled)
    assert len(set(compiled.tolist())) == cores
    assert set(compiled.tolist()) <= set(free.tolist())
