# SPDX-License-Identifier: BSD-3-Clause
"""The decay of local weights by the processor's own instruction, by the loop and as plain Python: the same integers."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synergic.hw_targets.simulation.kernels import _decay
from synergic.hw_targets.simulation.kernels._decay import LANES, compiled_decay, decay, has_instruction
from synergic.numerics import fixed

EVERY = np.arange(-32768, 32768, dtype=np.int16)


def compiled():
    """`decay` compiled anew, as the processor now is."""
    return numba.njit(lambda memory, start, count, factor: decay(memory, start, count, factor))


def expected(memory, start, count, lambda_):
    want = memory.copy()
    want[start : start + count] = fixed.rshift(lambda_ * memory[start : start + count].astype(np.int64), 12)
    return want


WAYS = {"compiled": compiled(), "loop": numba.njit(decay), "plain": decay}


@pytest.mark.skipif(not has_instruction(), reason="this processor has no AVX2: the loop is compiled everywhere")
def test_the_instruction_is_what_runs():
    way = compiled()
    way(EVERY.copy(), 0, LANES, np.int16(8))
    assert "vpmulhrsw" in next(iter(way.inspect_asm().values()))


@pytest.mark.parametrize("way", ["compiled", "loop"])
@pytest.mark.parametrize("lambda_", [0, 1, 2047, 2048, 3891, 4094, 4095])
def test_every_weight_is_rounded_as_specified(lambda_, way):
    memory = EVERY.copy()
    WAYS[way](memory, 0, memory.size, np.int16(8 * lambda_))
    assert np.array_equal(memory, expected(EVERY, 0, EVERY.size, lambda_))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(0, 4095), st.sampled_from([np.int8, np.int16]), st.sampled_from(sorted(WAYS)))
def test_nothing_else_is_touched(data, lambda_, kind, way):
    size = data.draw(st.integers(0, 5 * LANES))
    start = data.draw(st.integers(0, size))
    count = data.draw(st.integers(0, size - start))
    ends = np.iinfo(kind)
    memory = np.array(data.draw(st.lists(st.integers(ends.min, ends.max), min_size=size, max_size=size)), kind)
    want = expected(memory, start, count, lambda_)
    WAYS[way](memory, start, count, np.int16(8 * lambda_))
    assert np.array_equal(memory, want)


def test_other_processors_compile_the_loop(monkeypatch):
    monkeypatch.setattr(_decay, "has_instruction", lambda: False)
    assert compiled_decay(numba.types.int16[::1], 0, 0, 0) is decay
