# SPDX-License-Identifier: BSD-3-Clause
"""The one write of a stream: by hand, against integers of any size, and against the rules' own steps."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synergic as sy
from synergic.errors import UnsupportedError
from synergic.numerics import fixed, floating
from synergic.numerics._lfsr import lfsr32, seed_of
from synergic.rules._kernels import write_in_place
from synergic.rules._stream import random_words, rounded

OTHERS = [sy.Oja, sy.BCM, sy.PairSTDP, sy.ThreeFactor]


def made(rule):
    """A rule of that class with parameters that are not its defaults' zeros."""
    kinds = rule.parameters()
    values = {"rate": 0.03125, "share": 0.9375, "plain": 0.25}
    return rule(**{name: values[parameter.kind] for name, parameter in kinds.items()}, p_max=2.0)


def test_hebbian_by_hand():
    """One synapse, two steps, B = 4: sqrt(.25) = .5 of P = 1 is left; one spike at u = 0 adds eta beta / 4."""
    rule = sy.Hebbian(eta=0.5, beta=0.25, lambda_=0.25, p_max=4.0)
    s, u, signal = np.array([[1.0], [0.0]]), np.zeros((2, 1)), np.zeros((2, 1))
    new, clipped = rule.write(np.ones((1, 1)), s, u, signal, rule.values, 1.0, None, 4)
    assert new[0, 0] == 0.25 ** (2 / 4) + 0.5 * 0.25 / 4
    assert clipped == 0


def test_the_bound_and_the_mask():
    rule = sy.Hebbian(eta=8.0, beta=1.0, lambda_=1.0, p_max=1.0, mask=[[1, 0]])
    s, u, signal = np.ones((1, 2)), np.zeros((1, 1)), np.zeros((1, 1))
    for one, start in ((rule, np.zeros((1, 2))), (rule.quantise("c", 8, 64, False, 2), np.zeros((1, 2), int))):
        top = 127 if one.integer else 1.0
        new, clipped = one.write(start, s, u.astype(start.dtype), signal, one.values, 64, one.mask, 2)
        assert new.tolist() == [[top, 0]]
        assert clipped == 1


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_hebbian_integers_are_the_specified_rational_number_rounded_once(data):
    """Against fractions, which do not overflow: also where every number is as large as its width allows."""
    number = lambda low, high: data.draw(st.integers(low, high) | st.sampled_from([low, high]))  # noqa: E731
    values_in = data.draw(st.booleans())
    exp, steps, memory = number(8 * values_in, 30), data.draw(st.sampled_from([1, 3, 7])), number(1, 2**20)
    eta, beta, lambda_, sign = number(-(2**15), 2**15 - 1), number(-(2**15), 2**15 - 1), number(0, 4096), 1
    table = np.full(256, number(-(2**15), 2**15 - 1))
    rule = sy.rules.IntHebbian(eta, exp, beta, lambda_, sign, 2**15 - 1, table, 5, 1.0)
    p = number(-(2**15) + 1, 2**15 - 1)
    s = np.array([[number(0, 255 if values_in else 1)] for _ in range(steps)])
    word = data.draw(st.none() | st.integers(0, 2**32 - 1))
    words = None if word is None else np.array([[word]])
    given_ = (np.array([[p]]), s, np.zeros((steps, 1), int), np.zeros((steps, 1), int), rule.values, 1, None, memory)
    new, clipped = rule.write(*given_, words)
    share = round(2**24 * (lambda_ / 4096) ** (steps / memory))
    exact = Fraction(share * p, 2**24) + Fraction(eta * int(s.sum()) * (int(table[0]) + beta), 2 ** (12 + exp))
    bits = max(24, 12 + exp)
    up = Fraction(1, 2) if word is None else Fraction(word * 2**bits // 2**32, 2**bits)
    want = (exact + up).__floor__()
    assert new[0, 0] == min(max(want, -(2**15) + 1), 2**15 - 1)
    assert clipped == (abs(want) > 2**15 - 1)


@pytest.mark.parametrize("steps", [1, 2**15])
def test_the_longest_presentation_does_not_overflow(steps):
    top = 2**15 - 1
    rule = sy.rules.IntHebbian(top, 8, top, 4096, 1, top, np.full(256, top), 5, 1.0, None)
    s = np.full((steps, 1), 255)
    zeros = np.zeros((steps, 1), int)
    new, clipped = rule.write(np.array([[top]]), s, zeros, zeros, rule.values, 1, None, 1)
    assert (new[0, 0], clipped) == (top, 1)  # a sum that left 64 bits would have another sign


@pytest.mark.parametrize("rule", [sy.Hebbian, *OTHERS])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_one_step_with_a_memory_of_one_is_the_rules_own_step(rule, batch):
    """T = B = 1: the write is what `update` computes, in both numerics."""
    rng, rule = np.random.default_rng(1), made(rule)
    integer = rule.quantise("c", 16, 4096, False)
    s = rng.integers(0, 2, (*batch, 5))
    u, signal = rng.normal(0, 4096, (*batch, 4)).astype(int), rng.integers(0, 4096, (*batch, 1))
    p = rng.integers(-9999, 9999, (*batch, 4, 5))
    for one, numerics, local, told in ((rule, floating, p / 16384, signal / 4096), (integer, fixed, p, signal)):
        given_ = (s, u, told, one.values, 4096, None)
        want, _, _ = one.update(numerics, local, one.fresh(4, 5, batch), *given_)
        got, _ = one.write(local, s[None], u[None], told[None], one.values, 4096, None, 1)
        # In integers a step rounds its two terms apart, and a write their sum.
        np.testing.assert_allclose(got, want, atol=1 if one.integer else 1e-12, rtol=0)


@pytest.mark.parametrize("rule", OTHERS)
def test_other_rules_add_up_the_changes_of_the_p_that_the_presentation_began_with(rule):
    rng, rule = np.random.default_rng(2), made(rule)
    s, u, signal = rng.integers(0, 2, (6, 5)), rng.normal(0, 1, (6, 4)), rng.normal(0, 1, (6, 1))
    p, total, state = rng.normal(0, 0.5, (4, 5)), 0, rule.fresh(4, 5)
    for m in range(6):
        new, state, clipped = rule.update(floating, p, state, s[m], u[m], signal[m], rule.values, 1.0, None)
        assert clipped == 0
        total = total + (new - p)
    got, _ = rule.write(p, s, u, signal, rule.values, 1.0, None, 50)
    np.testing.assert_allclose(got, p + total / 50, atol=1e-12)
    integer = rule.quantise("c", 16, 4096, False)
    whole = (np.rint(x).astype(int) for x in (p * integer.scale, u * 4096, signal * 4096))
    local, u, signal = whole
    near, _ = integer.write(local, s, u, signal, integer.values, 4096, None, 50)
    assert np.abs(near / integer.scale - got).max() < 2 / 128


def test_a_subclass_of_hebbian_with_another_equation_writes_that():
    class Faster(sy.Hebbian):
        @staticmethod
        def floating(local, state, received, theta):
            return local + 1.0, {}

    try:
        rule = Faster(eta=0.1, beta=0.0)
        zeros = np.zeros((3, 1))
        new, _ = rule.write(np.zeros((1, 1)), zeros, zeros, zeros, rule.values, 1.0, None, 10)
        assert new[0, 0] == pytest.approx(0.3)
        with pytest.raises(UnsupportedError, match="Derive the class from Rule"):
            rule.quantise("c", 16, 64, False)
    finally:
        del sy.Rule.registry["Faster"]


def test_many_writes_follow_the_published_stream():
    """Against streams' own equation, P rewritten in every step with lambda^(1/B) and eta / B: equal to first order."""
    rng, rule, memory = np.random.default_rng(3), sy.Hebbian(eta=0.4, beta=-0.2, lambda_=0.9), 100
    p = q = np.zeros((4, 5))
    for _ in range(300):
        s, u = rng.integers(0, 2, (10, 5)), rng.normal(0, 1, (10, 4))
        p, _ = rule.write(p, s, u, np.zeros((10, 1)), rule.values, 1.0, None, memory)
        for m in range(10):
            q = 0.9 ** (1 / memory) * q + np.outer(np.tanh(u[m]) - 0.2, 0.4 * s[m]) / memory
    assert np.abs(p - q).max() < 0.01 * np.abs(q).max()


def test_random_words_are_the_register_of_the_specification():
    words = random_words(7, 3, (2, 5))
    want, _ = lfsr32(seed_of(7, 3), 10)
    np.testing.assert_array_equal(words.ravel(), want)
    assert (random_words(7, 4, (2, 5)) != words).any()


@pytest.mark.parametrize("bits", [1, 8, 24, 32, 40])
def test_stochastic_rounding_keeps_the_mean(bits):
    words = random_words(1, 0, (100, 1000))
    for numerator in (1, 3 << max(bits - 3, 0) if bits > 2 else 1, -5):
        got = rounded(np.full(words.shape, numerator << 0), bits, words)
        exact = numerator / 2**bits
        assert set(np.unique(got)) <= {np.floor(exact), np.floor(exact) + 1}
        assert abs(got.mean() - exact) < 0.01


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans(), st.booleans(), st.sampled_from([8, 16]))
def test_the_compiled_write_is_the_plain_one(seed, integer, masked, stochastic, local_bits):
    """All layouts of P, inputs of spikes and of values, both roundings; `write_in_place` against `Rule.write`."""
    rng = np.random.default_rng(seed)
    n_out, n_in, steps, memory = (
        rng.integers(1, 9),
        rng.integers(1, 20),
        rng.integers(1, 6),
        int(rng.choice([1, 5, 999])),
    )
    mask = (rng.random((n_out, n_in)) < 0.6).astype(int) if masked else None
    graded = bool(rng.random() < 0.3)
    rule = sy.Hebbian(
        rng.uniform(-1, 1, n_in), rng.uniform(-1, 1, n_out), rng.choice([0.0, 0.9, 1.0]), "tanh",
        rng.choice([1, -1]), 1.5,
        mask,
    )  # fmt: skip
    vth, top = 0.5, rule.p_max
    s = (rng.random((steps, n_in)) < 0.4) * (rng.random((steps, n_in)) if graded else 1.0)
    u, local, words = rng.normal(0, 1, (steps, n_out)), rng.uniform(-top, top, (n_out, n_in)), None
    if integer:
        vth = 5000
        rule = rule.quantise("c", local_bits, vth, graded, memory)
        s, u = np.rint(s * (255 if graded else 1)).astype(int), np.rint(u * vth).astype(int)
        local = np.rint(local * rule.scale).astype(int)
        words = random_words(3, 4, (n_out, n_in)) if stochastic else None
    local = local * (1 if mask is None else mask)
    given = (s, u, np.zeros((steps, 1)), rule.values, vth, mask, memory, words)
    want, clipped = rule.write(local, *given)
    for order in "CF":
        got = np.array(local, order=order)
        assert write_in_place(rule, got, *given) == clipped
        np.testing.assert_allclose(got, want, rtol=0, atol=0 if integer else 1e-12)
