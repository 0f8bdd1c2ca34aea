# SPDX-License-Identifier: BSD-3-Clause
"""The history form of the local rule: no weight is written. Its integer scales, its conditions, how exact it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import kind, numbers, require, whole
from synergic.errors import UnsupportedError
from synergic.network._quantise import ONE, IntProjection
from synergic.numerics import fixed
from synergic.rules._hebbian import computes_hebbian

Array = npt.NDArray[Any]
HEADROOM_BITS = 62
"""No sum of the history form may need more, as no accumulator does."""
POWER_BITS = 24
"""Fraction bits of the powers of lambda in the history form, where the sums leave room for as many."""
FEWEST_POWER_BITS = 12


@dataclass(frozen=True)
class HistoryPlan:
    """The integer scales of one projection's history form; see `history_plan`."""

    by_eta: bool
    post_factor: int
    post_shift: int
    start_shift: int
    sum_shift: int
    powers: Array

    @property
    def exact(self) -> bool:
        """Whether it equals the matrix form bit for bit, as long as nothing clips."""
        return self.sum_shift == 0


def history_plan(p: IntProjection, steps: int) -> HistoryPlan:
    """How the history form of a projection's local current is computed in integers.

    L_i(m) = rshift( sum_j s_j(m) P_ij(0) D(m-1) 2^e' + sum_{q<m} K(m, q) D(m-1-q) d_i(q), F + e' ),
    K(m, q) = sum_j w_j s_j(m) s_j(q),  D(a) = round(2^F (lambda / 2^12)^a).

    One eta for all inputs: w_j = 1, d_i = rshift(sign eta q_i, 12 + e), e' = 0: the increments of the matrix form.
    One eta an input: w_j = eta_j, d_i = sign q_i, e' = 12 + e: rounded once, at the end. F = 0 where lambda is 0 or 1,
    else 24, or fewer bits where the sums need the room. So it equals the matrix form bit for bit if lambda is 0 or
    1, eta is one value, and no local weight reaches its bound; `history_bound` computes how far off it is otherwise.

    Source: the unrolled rule, which the project derived itself. Raises UnsupportedError, naming the condition that
    is not met: input by values; local weights on chosen synapses only; sums that could leave 62 bits; and
    ParameterError.
    """
    kind("history_plan.p", p, IntProjection, "quantise() makes networks of them.")
    whole("history_plan.steps", steps, 1, float("inf"), "It is T, the steps of a presentation.")
    r, remedy = p.rule, "Use local_memory='matrix'."
    if not computes_hebbian(r):
        raise UnsupportedError(
            f"{p.name}.rule: got {type(r).__name__}, allowed IntHebbian with local_memory='history': the history of "
            f"another rule is not an overlap of spike vectors. {remedy}"
        )
    if p.num_message_bits:
        raise UnsupportedError(
            f"{p.name}.num_message_bits: got {p.num_message_bits} bits, allowed 0 (spikes) with "
            f"local_memory='history': the axons keep spikes only. {remedy}"
        )
    if r.mask is not None:
        raise UnsupportedError(
            f"{p.name}.rule.mask: got local weights on chosen synapses, allowed on all with local_memory='history': "
            f"the overlap of two spike vectors does not know the target. {remedy}"
        )
    eta = np.unique(r.eta)
    by_eta, shift = eta.size > 1, fixed.FRACTION_BITS + r.eta_exp
    largest_q = int(np.abs(r.table).max()) + int(np.abs(r.beta).max())
    start = int(np.abs(p.local_weights).max(initial=0)) * p.n_in
    if by_eta:
        post_factor, post_shift, start_shift = r.sign, 0, shift
        largest = int(np.abs(r.eta).sum()) * largest_q
    else:
        post_factor, post_shift, start_shift = int(r.sign * eta[0]), shift, 0
        largest = p.n_in * ((abs(post_factor) * largest_q >> shift) + 1)
    needs = ((start << start_shift) + steps * largest).bit_length() + 1
    decays = 0 < r.lambda_ < ONE
    bits = min(POWER_BITS, HEADROOM_BITS - needs) if decays else 0
    if needs > HEADROOM_BITS or (decays and bits < FEWEST_POWER_BITS):
        raise UnsupportedError(
            f"{p.name}.history sum: needs {needs + (FEWEST_POWER_BITS if decays else 0)} bits, allowed "
            f"{HEADROOM_BITS}. Use fewer steps, fewer inputs, or {remedy[4:]}"
        )
    one = 1 << bits
    powers = [(2 * one * r.lambda_**a + ONE**a) // (2 * ONE**a) for a in range(steps + 1)]
    return HistoryPlan(by_eta, post_factor, post_shift, start_shift, bits + start_shift, np.array(powers, np.int64))


def history_bound(p: IntProjection, spikes: Array, posts: Array) -> Array:
    """How far L_i of the history form may be from the matrix form's, given the same spikes and potentials.

    spikes : (T, n_in); posts : (T, n_out), q_i of fixed.postsynaptic. Returns (T, n_out), of real numbers >= |L - L'|:

    N(m) R(m) + [1 eta an input] 1/2 sum_{q<m} lambda^(m-1-q) N(m,q) + 2^-(F+1) sum_{q<m} |K(m,q) d_i(q)| 2^-e' + 1/2,

    N(m) the inputs that spike, N(m,q) those that spike in both steps. R = (1 - lambda^(m-1)) / (2 (1 - lambda)), 0
    if lambda is 0 or 1: half a unit for each rounded decay of the matrix form (one a step from the second on, the
    start's included), itself decaying. The second term is its rounded increments, the third the rounded powers (P(0)
    counts as K d there), the last this form's own rounding. 0 where the plan is exact. No entry may have clipped.
    Raises ParameterError, and as `history_plan`.
    """
    kind("history_bound.p", p, IntProjection, "quantise() makes networks of them.")
    spikes, posts = numbers("history_bound.spikes", spikes, "iub"), numbers("history_bound.posts", posts, "iu")
    fits = spikes.ndim == 2 and len(spikes) > 0 and spikes.shape[1] == p.n_in
    require(fits, "history_bound.spikes", f"shape {spikes.shape}", f"(T, {p.n_in})", "Give one presentation.")
    fits, wanted = posts.shape == (len(spikes), p.n_out), f"({len(spikes)}, {p.n_out})"
    require(fits, "history_bound.posts", f"shape {posts.shape}", wanted, "Give those of the same steps.")
    steps, r = len(spikes), p.rule
    plan = history_plan(p, steps)
    assert computes_hebbian(r)  # history_plan refuses others
    if plan.exact:
        return np.zeros(posts.shape)
    decay = r.lambda_ / ONE
    overlap = spikes.astype(float) @ spikes.T
    weights = np.broadcast_to(r.eta, (p.n_in,)) if plan.by_eta else np.ones(p.n_in)
    k = np.abs((spikes * weights).astype(float) @ spikes.T)
    d = np.abs(plan.post_factor * posts / 2.0**plan.post_shift) + 1
    power_error = 2.0 ** -(plan.sum_shift - plan.start_shift + 1) if 0 < decay < 1 else 0.0
    bound = np.full(posts.shape, 0.5)
    for m in range(1, steps + 1):
        if 0 < decay < 1:
            bound[m - 1] += spikes[m - 1].sum() * (1 - decay ** (m - 1)) / (2 * (1 - decay))
            bound[m - 1] += power_error * (np.abs(p.local_weights) @ spikes[m - 1])
        for q in range(1, m):
            if plan.by_eta:
                bound[m - 1] += 0.5 * decay ** (m - 1 - q) * overlap[m - 1, q - 1]
            bound[m - 1] += power_error * k[m - 1, q - 1] * d[q - 1] / 2.0**plan.start_shift
    return bound
