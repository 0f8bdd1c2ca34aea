# SPDX-License-Identifier: BSD-3-Clause
"""The equations in exact integers, as specified in docs/fixed-point.md (int64 throughout)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["accumulate", "hebbian", "held", "membrane", "postsynaptic", "reset", "rshift", "spike"]

Array = npt.NDArray[np.int64]

FRACTION_BITS = 12
"""Fraction bits of k, d, lambda, rho and beta."""
ACCUMULATOR_SHIFT = 6
"""The accumulator's scale S_w 2^12 over the membrane's scale S_w 2^6, as a shift."""
VALUE_BITS = 8
"""Bits of an input value; sums of values are shifted by as many more."""
MEMBRANE_MAX = 2**23 - 1
MEMBRANE_MIN = -(2**23)
TABLE_SIZE = 256
TABLE_PER_UNIT = 32
"""Entries of the rho table to one unit of u / v_th."""
TABLE_SHIFT = 20


def rshift(a: Array, n: int) -> Array:
    """round-half-up(a / 2^n) = (a + 2^(n-1)) >> n; a itself for n = 0."""
    return (a + (1 << (n - 1))) >> n if n > 0 else a


def accumulate(s: Array, weights: Array, k: int, local_weights: Array | None, alpha: Array | int) -> Array:
    """a_i = k(m) sum_j s_j W_ij + alpha_i sum_j s_j P_ij: exact, linear in any split over j.

    s : (..., n_in) of 0 and 1, or of values 0 .. 255; weights : (n_out, n_in); alpha : scalar or (n_out,);
    local_weights : (..., n_out, n_in) or None. Returns (..., n_out).
    """
    acc: Array = k * (s @ weights.T)
    if local_weights is None:
        return acc
    # A matmul of int64 has no BLAS form; with one sample, the active columns alone are many times faster.
    if s.ndim == 1:
        active = np.flatnonzero(s)
        local = local_weights[:, active] @ s[active]
    else:
        local = np.einsum("...ij,...j->...i", local_weights, s)
    return acc + alpha * local


def held(raw: Array) -> tuple[Array, int]:
    """sat24: within 24 bits, and how many values that changed."""
    out = np.minimum(np.maximum(raw, MEMBRANE_MIN), MEMBRANE_MAX)  # np.clip takes several times as long to be called
    return out, int(np.count_nonzero(out != raw))


def membrane(u: Array, acc: Array, decay: int, bias: Array | int, shift: int = ACCUMULATOR_SHIFT) -> tuple[Array, int]:
    """u = sat24( rshift(u d, 12) + rshift(a, shift) + b ). Returns u(m) and how many values saturated.

    shift : 6 for sums of spikes, 14 for sums of 8-bit values.
    """
    return held(rshift(u * decay, FRACTION_BITS) + rshift(acc, shift) + bias)


def spike(u: Array, vth: int) -> npt.NDArray[np.bool_]:
    """s = u > v_th, strict."""
    return u > vth


def reset(u: Array, s: npt.NDArray[np.bool_], vth: int, mode: str) -> Array:
    """u - v_th where s (`mode="subtract"`) or 0 where s (`mode="zero"`)."""
    return u - vth * s if mode == "subtract" else np.where(s, 0, u)


def postsynaptic(u: Array, table: Array, table_scale: int, beta: Array | int) -> Array:
    """q_i = rho[clip((u_i c >> 20) + 128, 0, 255)] + beta_i."""
    index = (u * table_scale >> TABLE_SHIFT) + TABLE_SIZE // 2
    return table[np.minimum(np.maximum(index, 0), TABLE_SIZE - 1)] + beta


def hebbian_change(
    local_weights: Array, s: Array, post: Array, *, eta: Array | int, lambda_: int, sign: int, eta_exp: int
) -> Array:
    """rshift(lambda P, 12) + rshift(sign eta_j s_j q_i, 12 + e): P(m) of `hebbian` before mask and bound."""
    pre = sign * eta * s
    return rshift(lambda_ * local_weights, FRACTION_BITS) + rshift(
        post[..., :, None] * pre[..., None, :], FRACTION_BITS + eta_exp
    )


def hebbian(
    local_weights: Array,
    s: Array,
    post: Array,
    *,
    eta: Array | int,
    lambda_: int,
    sign: int,
    p_top: int,
    eta_exp: int,
    mask: Array | None = None,
) -> tuple[Array, int]:
    """P = mask clip( rshift(lambda P, 12) + rshift(sign eta_j s_j q_i, 12 + e), -P_top, P_top ).

    local_weights : (..., n_out, n_in); s : (..., n_in); post : (..., n_out) from `postsynaptic`; mask :
    (n_out, n_in) of 0 and 1, the synapses that have a local weight, None for all.
    Returns P(m) and the number of entries that the clip changed.
    """
    raw = hebbian_change(local_weights, s, post, eta=eta, lambda_=lambda_, sign=sign, eta_exp=eta_exp)
    raw = raw if mask is None else raw * mask
    return np.clip(raw, -p_top, p_top), int(np.count_nonzero(np.abs(raw) > p_top))
