# SPDX-License-Identifier: BSD-3-Clause
"""numerics.compiled against the plain functions: the same bits in P and in integers, rounding apart in float sums."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synergic.numerics import _compiled as compiled
from synergic.numerics import fixed, floating

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def cases(draw):
    """(rng, n_in, n_out, spikes as 0/1 or values, mask or None, layout)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_in, n_out = draw(st.tuples(st.sampled_from([1, 3, 17, 64]), st.sampled_from([1, 2, 9, 33])))
    s = (rng.random(n_in) < draw(st.sampled_from([0.0, 0.3, 1.0]))).astype(np.int64)
    s = s * rng.integers(0, 256, n_in) if draw(st.booleans()) else s
    mask = rng.integers(0, 2, (n_out, n_in)) if draw(st.booleans()) else None
    return rng, n_in, n_out, s, mask, draw(st.sampled_from("CF"))


def scalar_or(values, draw_scalar):
    """A row of values, or its first as a scalar."""
    return values[0] if draw_scalar else values


@SETTINGS
@given(cases(), st.sampled_from(["scalar", "row", "matrix", "none"]))
def test_sums_in_floating_point(case, alpha_kind):
    rng, n_in, n_out, s, _, order = case
    s = s / 7.0
    weights, local = (np.array(rng.normal(size=(n_out, n_in)), order=order) for _ in range(2))
    alpha = rng.normal(size=(n_out, n_in))
    alpha = {"scalar": alpha[0, 0], "row": alpha[:, 0], "matrix": alpha, "none": 0.0}[alpha_kind]
    local = None if alpha_kind == "none" else local
    want = floating.synaptic_input(s, weights, 0.7, local, alpha)
    got = compiled.synaptic_input(s, weights, 0.7, local, alpha)
    assert got.shape == (n_out,)
    assert np.abs(got - want).max() <= 1e-13 * (1 + np.abs(s).sum() * 10)


@SETTINGS
@given(cases(), st.booleans())
def test_sums_of_integers(case, learned):
    rng, n_in, n_out, s, _, order = case
    weights = np.array(rng.integers(-128, 128, (n_out, n_in)), order=order)
    local = np.array(rng.integers(-(2**15), 2**15, (n_out, n_in)), order=order) if learned else None
    alpha = rng.integers(-(2**12), 2**12, n_out)
    want = fixed.accumulate(s, weights, 4096, local, alpha)
    assert np.array_equal(compiled.synaptic_input(s, weights, 4096, local, alpha), want)


@SETTINGS
@given(cases(), st.sampled_from(sorted(floating.RHO)), st.sampled_from([0.0, 0.9, 1.0]), st.booleans())
def test_hebbian_in_floating_point(case, rho, lambda_, scalars):
    rng, n_in, n_out, s, mask, order = case
    local = np.array(rng.uniform(-0.5, 0.5, (n_out, n_in)), order=order)
    local = local if mask is None else local * mask
    theta = {
        "eta": scalar_or(rng.uniform(-0.3, 0.3, n_in), scalars),
        "beta": scalar_or(rng.uniform(-1, 1, n_out), scalars),
        "lambda_": lambda_,
        "rho": rho,
        "sign": -1,
        "p_max": 0.5,
        "vth": 0.35,
        "mask": mask,
    }
    u = rng.normal(size=n_out)
    want, clipped = floating.hebbian(local, s / 7.0, u, **theta)
    assert compiled.hebbian_floating(local, s / 7.0, u, **theta) == clipped
    assert np.array_equal(local, want)


@SETTINGS
@given(cases(), st.sampled_from([0, 1, 3900, 4096]), st.sampled_from([0, 3, 15]), st.booleans())
def test_hebbian_in_integers(case, lambda_, eta_exp, scalars):
    rng, n_in, n_out, s, mask, order = case
    local = np.array(rng.integers(-3000, 3001, (n_out, n_in)), order=order)
    local = local if mask is None else local * mask
    theta = {
        "eta": scalar_or(rng.integers(-(2**15), 2**15, n_in), scalars),
        "lambda_": lambda_,
        "sign": 1,
        "p_top": 3000,
        "eta_exp": eta_exp,
        "mask": mask,
    }
    post = rng.integers(-(2**16), 2**16, n_out)
    want, clipped = fixed.hebbian(local, s, post, **theta)
    assert compiled.hebbian_fixed(local, s, post, **theta) == clipped
    assert np.array_equal(local, want)


@pytest.mark.parametrize("other", [2.0, -1.0, 0.5, float("nan"), float("inf")])
def test_spikes_are_told_from_anything_else(other):
    values = np.array([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    assert compiled.only_spikes(values)
    values[1, 2] = other
    assert not compiled.only_spikes(values)


@pytest.mark.parametrize("kind", [float, np.int64])
def test_an_input_counts_once_for_each_of_its_units(kind):
    # By hand: 1 (1, 2) + 0 (3, 4) + 2 (5, 6) = (11, 14)
    by_input = np.array([[1, 2], [3, 4], [5, 6]], kind)
    assert compiled.weighted_sum(np.array([1, 0, 2], kind), by_input).tolist() == [11, 14]


@SETTINGS
@given(st.integers(0, 2**32 - 1), st.sampled_from(["subtract", "zero"]))
def test_neurons(seed, reset):
    rng = np.random.default_rng(seed)
    u, acc, bias = rng.normal(size=(3, 40))
    u[:3], acc[:3], bias[:3] = (1.0, 0.0, -1.0), 0.25, 0.25  # the first lands on the threshold
    now = floating.membrane(u, acc, 0.5, bias)
    s = floating.spike(now, 1.0)
    want = now, s, floating.reset(now, s, 1.0, reset), 0
    got = compiled.integrate_floating(u, acc, 0.5, bias, 1.0, reset == "subtract")
    assert all(np.array_equal(a, b) for a, b in zip(want, got, strict=True))
    u, bias = rng.integers(-(2**23), 2**23, (2, 40))
    acc = rng.integers(-(2**30), 2**30, 40)
    now, saturated = fixed.membrane(u, acc, 4000, bias, 6)
    s = fixed.spike(now, 90_000)
    want = now, s, fixed.reset(now, s, 90_000, reset), saturated
    got = compiled.integrate_fixed(u, acc, 4000, bias, 6, 90_000, reset == "subtract")
    assert all(np.array_equal(a, b) for a, b in zip(want, got, strict=True))


@SETTINGS
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_weights_that_wait_are_those_that_decay_in_every_step(seed, integer, in_sums):
    rng = np.random.default_rng(seed)
    n_in, n_out, steps = 12, 7, 9
    if integer:
        start, more = rng.integers(-(2**15) + 1, 2**15, (n_out, n_in)), {"eta": 700, "lambda_": 3900, "sign": 1}
        rule, more = compiled.hebbian_fixed, {**more, "p_top": 2**15 - 1, "eta_exp": 2}
    else:
        start, more = rng.uniform(-1, 1, (n_out, n_in)), {"eta": 0.2, "beta": 0.1, "lambda_": 0.9, "sign": 1}
        rule, more = compiled.hebbian_floating, {**more, "rho": "tanh", "p_max": 1.0, "vth": 0.5}
    at_once, waiting, age = start.copy(), start.copy(), np.zeros(n_in, np.int64)
    for _ in range(steps):
        s = (rng.random(n_in) < 0.2).astype(start.dtype)
        post = rng.integers(-5000, 5000, n_out) if integer else rng.normal(size=n_out)
        if in_sums:
            sums = compiled.synaptic_input
            assert np.array_equal(sums(s, start, 1, waiting, 3, age, more["lambda_"]), sums(s, start, 1, at_once, 3))
        else:
            compiled.catch_up(waiting, age, more["lambda_"], s)
        assert np.array_equal(waiting[:, s != 0], at_once[:, s != 0])
        assert rule(waiting, s, post, **more, age=age) == rule(at_once, s, post, **more)
    compiled.catch_up(waiting, age, more["lambda_"])
    assert np.array_equal(waiting, at_once)
    assert not age.any()
