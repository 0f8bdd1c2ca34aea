# SPDX-License-Identifier: BSD-3-Clause
"""Synapses one by one against full matrices under a mask: the compiled loops, and the rules' own functions."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_matrix
from user_rule import Habit

import synergic as sy
from synergic.numerics import _sparse as sparse
from synergic.numerics import fixed, floating
from synergic.rules._synapses import Places, update_synapses

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
RULES = {"Oja": sy.Oja, "BCM": sy.BCM, "PairSTDP": sy.PairSTDP, "ThreeFactor": sy.ThreeFactor, "Habit": Habit}


@st.composite
def cases(draw):
    """(rng, mask (n_out, n_in), starts, rows, spikes as 0/1 or values)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_in, n_out = draw(st.tuples(st.sampled_from([1, 3, 17]), st.sampled_from([1, 2, 9])))
    mask = rng.random((n_out, n_in)) < draw(st.sampled_from([0.1, 0.5, 1.0]))
    mask[rng.integers(n_out), rng.integers(n_in)] = True
    s = (rng.random(n_in) < draw(st.sampled_from([0.0, 0.3, 1.0]))).astype(np.int64)
    pattern = csc_matrix(mask)
    return rng, mask, pattern.indptr, pattern.indices, s * rng.integers(0, 256, n_in) if draw(st.booleans()) else s


def at(mask, full):
    """The values at the synapses, input by input."""
    return full.T[mask.T].copy()


@SETTINGS
@given(cases(), st.booleans(), st.booleans())
def test_sums(case, integer, plastic):
    rng, mask, starts, rows, s = case
    if integer:
        weights, local = rng.integers(-128, 128, mask.shape) * mask, rng.integers(-(2**15), 2**15, mask.shape) * mask
        alpha, k, plain = rng.integers(-(2**12), 2**12, len(mask)), 4096, fixed.accumulate
    else:
        weights, local = rng.normal(size=mask.shape) * mask, rng.normal(size=mask.shape) * mask
        alpha, k, s, plain = rng.normal(size=len(mask)), 0.7, s / 7.0, floating.synaptic_input
    want = plain(s, weights, k, local if plastic else None, alpha)
    given_local = at(mask, local) if plastic else None
    got = sparse.synaptic_input(s, at(mask, weights), k, given_local, alpha, starts, rows, len(mask))
    assert np.abs(got - want).max() <= (0 if integer else 1e-13 * (1 + 10 * s.sum()))
    # the same weights, shared: each of a kernel's values used by several synapses
    kernel, place = np.arange(5) * (3 if integer else 0.25), np.arange(rows.size) % 5
    got = sparse.synaptic_input(s, kernel, k, None, 0, starts, rows, len(mask), place)
    assert np.array_equal(got, sparse.synaptic_input(s, kernel[place], k, None, 0, starts, rows, len(mask)))


@SETTINGS
@given(cases(), st.sampled_from(sorted(floating.RHO)), st.sampled_from([0.0, 0.9, 1.0]), st.booleans(), st.booleans())
def test_hebbian_in_floating_point(case, rho, lambda_, scalars, chosen):
    rng, mask, starts, rows, s = case
    keep = mask & (rng.random(mask.shape) < 0.5) if chosen else mask
    local = rng.uniform(-0.5, 0.5, mask.shape) * keep
    eta, beta = rng.uniform(-0.3, 0.3, mask.shape[1]), rng.uniform(-1, 1, len(mask))
    theta = {"eta": eta[0] if scalars else eta, "beta": beta[0] if scalars else beta, "lambda_": lambda_, "rho": rho}
    theta |= {"sign": -1, "p_max": 0.5, "vth": 0.35}
    u, got = rng.normal(size=len(mask)), at(mask, local)
    want, clipped = floating.hebbian(local, s / 7.0, u, **theta, mask=keep.astype(int))
    entries = at(mask, keep.astype(int)) if chosen else None
    assert sparse.hebbian_floating(got, s / 7.0, u, starts, rows, **theta, mask=entries) == clipped
    assert np.array_equal(got, at(mask, want))


@SETTINGS
@given(cases(), st.sampled_from([0, 1, 3900, 4096]), st.sampled_from([0, 3, 15]), st.booleans(), st.booleans())
def test_hebbian_in_integers(case, lambda_, eta_exp, scalars, chosen):
    rng, mask, starts, rows, s = case
    keep = mask & (rng.random(mask.shape) < 0.5) if chosen else mask
    local = rng.integers(-3000, 3001, mask.shape) * keep
    eta = rng.integers(-(2**15), 2**15, mask.shape[1])
    theta = {"eta": eta[0] if scalars else eta, "lambda_": lambda_, "sign": 1, "p_top": 3000, "eta_exp": eta_exp}
    post, got = rng.integers(-(2**16), 2**16, len(mask)), at(mask, local)
    want, clipped = fixed.hebbian(local, s, post, **theta, mask=keep.astype(int))
    entries = at(mask, keep.astype(int)) if chosen else None
    assert sparse.hebbian_fixed(got, s, post, starts, rows, **theta, mask=entries) == clipped
    assert np.array_equal(got, at(mask, want))


@SETTINGS
@given(cases(), st.sampled_from(sorted(RULES)), st.booleans(), st.booleans())
def test_rules_see_synapses_one_by_one(case, name, integer, chosen):
    # Three steps, hence with traces; neurons and inputs without a synapse have traces too.
    rng, mask, _, rows, _ = case
    keep = mask & (rng.random(mask.shape) < 0.5) if chosen else mask
    per = {"pre": mask.shape[1], "post": len(mask), "": None}
    values = {n: rng.uniform(0.1, 0.9, per[p.per]) for n, p in RULES[name].parameters().items()}
    rule = RULES[name](**values)
    numerics, vth, one = floating, 0.5, 1.0
    local = rng.uniform(-1, 1, mask.shape) * keep
    if integer:
        rule, numerics, vth, one = rule.quantise("c", 16, 3000, False), fixed, 3000, 4096
        local = np.rint(local * 8000).astype(np.int64)
    places = Places(rows, np.nonzero(mask.T)[0], mask.shape)
    full, own, got = rule.fresh(*mask.shape[:2]), places.fresh(rule), at(mask, local)
    entries = at(mask, keep.astype(int)) if chosen else None
    for _ in range(3):
        s, u = rng.integers(0, 2, mask.shape[1]), rng.uniform(-1, 3, len(mask)) * vth
        signal = rng.uniform(-40, 40, 1) * one  # ThreeFactor's P and eligibility meet their bounds
        s, u, signal = (x.astype(local.dtype) for x in (s, u, signal))
        now = (s, u, signal, rule.values, vth)
        local, full, clipped = rule.update(numerics, local, full, *now, keep.astype(int))
        got, own, counted = update_synapses(rule, numerics, got, own, *now, entries, places)
        assert np.array_equal(got, at(mask, local))
        assert counted == clipped
        for n, p in rule.state.items():
            assert np.array_equal(own[n], at(mask, full[n]) if p == "synapse" else full[n])


def test_by_hand():
    # Inputs 1 and 2 of weights (0.5 to neuron 0), (1 and 2 to neurons 0 and 1): 1 (0.5) + 3 (1, 2) = (3.5, 6)
    starts, rows, values = np.array([0, 1, 3]), np.array([0, 0, 1]), np.array([0.5, 1.0, 2.0])
    assert sparse.weighted_sum(np.array([1.0, 3.0]), values, starts, rows, sparse.OWN, 2).tolist() == [3.5, 6.0]
    # Input 1 is silent and only decays by half, input 2 adds eta (u + beta) = 0.1 (u_i + 1); 3 is held at 2.
    local = np.array([1.0, 1.0, 3.0])
    theta = {"eta": 0.1, "beta": 1.0, "lambda_": 0.5, "rho": "identity", "sign": 1, "p_max": 1.5, "vth": 1.0}
    clipped = sparse.hebbian_floating(local, np.array([0.0, 1.0]), np.array([1.0, 2.0]), starts, rows, **theta)
    assert clipped == 1
    assert local == pytest.approx([0.5, 0.7, 1.5])
