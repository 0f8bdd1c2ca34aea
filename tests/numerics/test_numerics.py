# SPDX-License-Identifier: BSD-3-Clause
"""The equations against cases worked out by hand, and the integers against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synergic.numerics import fixed, floating


def test_one_step_by_hand():
    s = np.array([1.0, 0.0])
    weights = np.array([[0.5, 9.0]])
    local = np.array([[0.2, 9.0]])
    current = floating.synaptic_input(s, weights, 0.5, local, 0.1)
    assert current == pytest.approx([0.5 * 0.5 + 0.1 * 0.2])
    u = floating.membrane(np.array([1.0]), current, 0.4, 0.05)
    assert u == pytest.approx([0.4 + 0.27 + 0.05])
    p, clipped = floating.hebbian(
        local, s, u, eta=0.5, beta=-0.1, lambda_=0.9, rho="identity", sign=-1, p_max=0.3, vth=0.6
    )
    # first: 0.9 * 0.2 - 0.5 * (1.2 - 0.1) = -0.37, clipped; second: decays to 8.1, clipped
    assert p == pytest.approx(np.array([[-0.3, 0.3]]))
    assert clipped == 2


@pytest.mark.parametrize("module", [fixed, floating])
def test_threshold_is_strict_and_resets_differ(module):
    u = np.array([4, 5, 6])
    s = module.spike(u, 5)
    assert s.tolist() == [False, False, True]
    assert module.reset(u, s, 5, "subtract").tolist() == [4, 5, 1]
    assert module.reset(u, s, 5, "zero").tolist() == [4, 5, 0]


def test_slow_decay_is_one_without_time_constant():
    assert floating.slow_decay(10, 1.0, np.inf) == 1.0
    assert floating.slow_decay(10, 1.0, 40.0) == pytest.approx(0.7788, abs=1e-4)


@given(st.integers(-(2**47), 2**47), st.integers(0, 24))
def test_rshift_rounds_half_up(a, n):
    exact = Fraction(a, 2**n) + Fraction(1, 2)
    assert fixed.rshift(np.int64(a), n) == (a if n == 0 else exact.numerator // exact.denominator)


def test_membrane_saturates_and_counts():
    u, count = fixed.membrane(np.array([fixed.MEMBRANE_MAX, 0, fixed.MEMBRANE_MIN]), np.array([64, 64, -64]), 4096, 0)
    assert u.tolist() == [fixed.MEMBRANE_MAX, 1, fixed.MEMBRANE_MIN]
    assert count == 2


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_accumulate_is_exact_under_any_split(seed, cut):
    rng = np.random.default_rng(seed)
    s = rng.integers(0, 2, 21)
    w, p = rng.integers(-128, 128, (3, 21)), rng.integers(-32767, 32768, (3, 21))
    alpha = rng.integers(-99, 99, 3)
    whole = fixed.accumulate(s, w, 4000, p, alpha)
    parts = sum(fixed.accumulate(s[i], w[:, i], 4000, p[:, i], alpha) for i in (slice(0, cut), slice(cut, 21)))
    assert (whole == parts).all()
    assert (fixed.accumulate(s[None], w, 4000, p[None], alpha)[0] == whole).all()


def test_batched_equals_single():
    rng = np.random.default_rng(1)
    s, u, p = rng.integers(0, 2, (4, 6)), rng.normal(size=(4, 3)), rng.normal(size=(4, 3, 6))
    args = {"eta": 0.1, "beta": 0.2, "lambda_": 0.9, "rho": "tanh", "sign": 1, "p_max": 1.0, "vth": 0.5}
    batch, _ = floating.hebbian(p, s, u, **args)
    assert np.array_equal(batch[2], floating.hebbian(p[2], s[2], u[2], **args)[0])


@pytest.mark.parametrize("module", [floating, fixed])
def test_synapses_off_the_mask_stay_at_zero_and_are_not_counted(module):
    rng = np.random.default_rng(2)
    s, mask = np.ones(5, int), rng.integers(0, 2, (4, 5))
    if module is floating:
        post, args = rng.normal(size=4), {"beta": 0.2, "rho": "tanh", "p_max": 0.15, "vth": 0.5, "eta": 0.2}
        p, lambda_ = mask * rng.uniform(-0.15, 0.15, (4, 5)), 0.9
    else:
        post, args = rng.integers(-4000, 4000, 4), {"p_top": 900, "eta_exp": 0, "eta": 2000}
        p, lambda_ = mask * rng.integers(-900, 900, (4, 5)), 3900
    everywhere, _ = module.hebbian(p, s, post, lambda_=lambda_, sign=1, **args)
    top = args.get("p_max", args.get("p_top"))
    found, clipped = module.hebbian(p, s, post, lambda_=lambda_, sign=1, mask=mask, **args)
    assert np.array_equal(found, mask * everywhere)
    assert clipped == np.count_nonzero(np.abs(found) == top) > 0


def test_softmax_shares_one_among_the_neurons_of_a_sample():
    zero, u = np.zeros((2, 2, 1)), np.log([[1.0, 3.0], [1.0, 1.0]])
    p, _ = floating.hebbian(
        zero, np.ones((2, 1)), u, eta=1.0, beta=0.0, lambda_=1.0, rho="softmax", sign=1, p_max=4.0, vth=1.0
    )
    assert p[..., 0] == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]))
