# SPDX-License-Identifier: BSD-3-Clause
"""Equations of hybrid plasticity in exact integers, as docs/fixed-point.md specifies them.

All arrays are int64. Arrays may have leading batch axes. These functions do not check their arguments: descriptions
and processes do.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

__all__ = ["accumulate", "hebbian", "membrane", "postsynaptic", "reset", "rshift", "saturate", "spike"]

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
    """Return a / 2^n rounded, half up: (a + 2^(n-1)) >> n.

    Parameters
    ----------
    a : ndarray of int64
        Any shape.
    n : int
        Bits, 0 or more; 0 returns a.

    Returns
    -------
    ndarray of int64, the shape of a
        The rounded quotient.
    """
    return (a + (1 << (n - 1))) >> n if n > 0 else a


def accumulate(s: Array, weights: Array, k: int, local_weights: Array | None, alpha: Array | int) -> Array:
    """Return the synaptic input a_i = k(m) sum_j s_j W_ij + alpha_i sum_j s_j P_ij.

    It is exact, so any split of the sum over j gives the same result.

    Parameters
    ----------
    s : ndarray of int64, shape (..., n_in)
        Spikes 0/1, or values of 0 .. 255.
    weights : ndarray of int64, shape (n_out, n_in)
        Slow weights W.
    k : int
        Decay k(m) of the slow weights, 12 fraction bits.
    local_weights : ndarray of int64, shape (..., n_out, n_in), or None
        Local weights P; None for none.
    alpha : int or ndarray of int64, shape (n_out,)
        Weight of the local weights.

    Returns
    -------
    ndarray of int64, shape (..., n_out)
        The synaptic input, at the scale of the accumulator.
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


def saturate(raw: Array) -> tuple[Array, int]:
    """Limit values to 24 bits, -2^23 to 2^23 - 1.

    Parameters
    ----------
    raw : ndarray of int64
        Any shape.

    Returns
    -------
    limited : ndarray of int64, the shape of raw
        The limited values.
    saturated : int
        Number of values that were changed.
    """
    out = np.minimum(np.maximum(raw, MEMBRANE_MIN), MEMBRANE_MAX)  # np.clip takes several times as long to be called
    return out, int(np.count_nonzero(out != raw))


def membrane(u: Array, acc: Array, decay: int, bias: Array | int, shift: int = ACCUMULATOR_SHIFT) -> tuple[Array, int]:
    """Return the potential u(m) = sat24( rshift(u d, 12) + rshift(a, shift) + b ).

    Parameters
    ----------
    u : ndarray of int64, shape (..., n_out)
        Potentials u(m-1) after their reset.
    acc : ndarray of int64, shape (..., n_out)
        Synaptic input a, from `accumulate`.
    decay : int
        Factor d, 12 fraction bits, 0 to 4096.
    bias : int or ndarray of int64, shape (n_out,)
        Bias b, at the scale of the membrane.
    shift : {6, 14}, default 6
        6 for sums of spikes, 14 for sums of 8-bit values.

    Returns
    -------
    u : ndarray of int64, shape (..., n_out)
        Potentials u(m) before their reset, within 24 bits.
    saturated : int
        Number of potentials that were limited.
    """
    return saturate(rshift(u * decay, FRACTION_BITS) + rshift(acc, shift) + bias)


def spike(u: Array, vth: int) -> npt.NDArray[np.bool_]:
    """Return the spikes s_i(m) = 1 if u_i(m) > v_th: a potential equal to the threshold does not fire.

    Parameters
    ----------
    u : ndarray, shape (..., n_out)
        Potentials before their reset.
    vth : int
        Threshold v_th, greater than 0.

    Returns
    -------
    ndarray of bool, the shape of u
        The spikes.
    """
    return u > vth


def reset(u: Array, s: npt.NDArray[np.bool_], vth: int, mode: str) -> Array:
    """Return the potential after its reset.

    It is u - v_th s for "subtract", and u (1 - s) for "zero".

    Parameters
    ----------
    u : ndarray, shape (..., n_out)
        Potentials before their reset.
    s : ndarray of bool, the shape of u
        Spikes.
    vth : int
        Threshold v_th.
    mode : {"subtract", "zero"}
        The reset.

    Returns
    -------
    ndarray, the shape of u
        Potentials after their reset.
    """
    return u - vth * s if mode == "subtract" else np.where(s, 0, u)


def postsynaptic(u: Array, table: Array, table_scale: int, beta: Array | int) -> Array:
    """Return the postsynaptic term of the Hebbian rule, q_i = rho[clip((u_i c >> 20) + 128, 0, 255)] + beta_i.

    Parameters
    ----------
    u : ndarray of int64, shape (..., n_out)
        Potentials before their reset.
    table : ndarray of int64, shape (256,)
        Values of rho with 12 fraction bits, 32 entries for one unit of u / v_th.
    table_scale : int
        Factor c, which brings u to the steps of the table.
    beta : int or ndarray of int64, shape (n_out,)
        Offset, 12 fraction bits.

    Returns
    -------
    ndarray of int64, shape (..., n_out)
        q, 12 fraction bits.
    """
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
    """Update local weights by the Hebbian rule.

        P = mask clip( rshift(lambda P, 12) + rshift(sign eta_j s_j q_i, 12 + e), -P_top, P_top )

    Parameters
    ----------
    local_weights : ndarray of int64, shape (..., n_out, n_in)
        P(m-1).
    s : ndarray of int64, shape (..., n_in)
        Spikes 0/1, or values of 0 .. 255, of the inputs.
    post : ndarray of int64, shape (..., n_out)
        q, from `postsynaptic`.
    eta : int or ndarray of int64, shape (n_in,)
        Learning rate, with `eta_exp` further fraction bits.
    lambda_ : int
        Decay of P in a step, 12 fraction bits, 0 to 4096.
    sign : {1, -1}
        1 Hebbian, -1 anti-Hebbian.
    p_top : int
        Bound of the absolute value of P.
    eta_exp : int
        Exponent e of the learning rate.
    mask : ndarray of 0 and 1, shape (n_out, n_in), or None, default None
        Synapses that have a local weight; None for all.

    Returns
    -------
    local_weights : ndarray of int64, shape (..., n_out, n_in)
        P(m).
    clipped : int
        Number of values that the bound has changed.
    """
    raw = hebbian_change(local_weights, s, post, eta=eta, lambda_=lambda_, sign=sign, eta_exp=eta_exp)
    raw = raw if mask is None else raw * mask
    return np.clip(raw, -p_top, p_top), int(np.count_nonzero(np.abs(raw) > p_top))


if not TYPE_CHECKING:

    def __getattr__(name):
        """Find `saturate` by its old name, with a DeprecationWarning."""
        if name != "held":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        warnings.warn(f"{__name__}.{name} is called saturate now. Since 0.3.", DeprecationWarning, stacklevel=2)
        return saturate
