# SPDX-License-Identifier: BSD-3-Clause
"""The equations in floating point (Wu et al., Nat. Commun. 13:65, 2022, Methods).

Arrays may carry leading batch axes: spikes (..., n_in), potentials (..., n_out), local weights
(..., n_out, n_in). Single samples simply have none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

__all__ = ["balanced", "hebbian", "membrane", "reset", "slow_decay", "spike", "synaptic_input"]

Array = npt.NDArray[np.float64]

RHO: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "identity": lambda x: x,
    "softmax": functools.partial(softmax, axis=-1),
}
"""Non-linearities rho of the postsynaptic potentials, (..., n_out), by name; softmax is over the neurons of a layer."""


def slow_decay(m: int, dt: float, tau_w: float) -> float:
    """k(m) = exp(-m dt / tau_w), the decay of the slow weights over a presentation.

    m : step of the presentation, 1, 2, ...; dt, tau_w : time, same unit; tau_w = inf gives 1.
    """
    return float(np.exp(-m * dt / tau_w))


def synaptic_input(s: Array, weights: Array, k: float, local_weights: Array | None, alpha: Array | float) -> Array:
    """I_i(m) = sum_j s_j(m) ( k(m) W_ij + alpha_ij P_ij(m-1) ).

    s : (..., n_in) spikes; weights : (n_out, n_in); local_weights : (..., n_out, n_in) or None;
    alpha : scalar, (n_out,) or (n_out, n_in). Returns (..., n_out).
    """
    current: Array = k * (s @ weights.T)
    if local_weights is None:
        return current
    alpha = np.asarray(alpha, dtype=float)
    if alpha.ndim == 2:
        return current + np.einsum("...ij,...j->...i", alpha * local_weights, s)
    return current + alpha * np.einsum("...ij,...j->...i", local_weights, s)


def membrane(u: Array, current: Array, decay: float, bias: Array | float) -> Array:
    """u_i(m) = d u_i(m-1) + I_i(m) + b_i, with u(m-1) taken after its reset."""
    return decay * u + current + bias


def spike(u: Array, vth: float) -> npt.NDArray[np.bool_]:
    """s_i(m) = H(u_i(m) - v_th), strict: a potential on the threshold does not fire."""
    return u > vth


def reset(u: Array, s: npt.NDArray[np.bool_], vth: float, mode: str) -> Array:
    """r(u, s): u - v_th s (`mode="subtract"`) or u (1 - s) (`mode="zero"`)."""
    return u - vth * s if mode == "subtract" else np.where(s, 0.0, u)


def hebbian_change(
    local_weights: Array,
    s: Array,
    u: Array,
    *,
    eta: Array | float,
    beta: Array | float,
    lambda_: float,
    rho: str,
    sign: int,
    vth: float,
) -> Array:
    """lambda P_ij(m-1) + sign eta_j s_j(m) (rho(u_i(m)/v_th) + beta_i): P(m) of `hebbian` before mask and bound."""
    post = RHO[rho](u / vth) + beta
    pre = sign * eta * s
    raw: Array = lambda_ * local_weights + post[..., :, None] * pre[..., None, :]
    return raw


def hebbian(
    local_weights: Array,
    s: Array,
    u: Array,
    *,
    eta: Array | float,
    beta: Array | float,
    lambda_: float,
    rho: str,
    sign: int,
    p_max: float,
    vth: float,
    mask: Array | None = None,
) -> tuple[Array, int]:
    """P_ij(m) = mask_ij clip(lambda P_ij(m-1) + sign eta_j s_j(m) (rho(u_i(m)/v_th) + beta_i), -P_max, P_max).

    local_weights : (..., n_out, n_in); s : (..., n_in); u : (..., n_out), before its reset;
    eta : scalar or (n_in,); beta : scalar or (n_out,); sign : +1 Hebbian, -1 anti-Hebbian. mask : (n_out, n_in)
    of 0 and 1, the synapses that have a local weight; None for all.
    Returns P(m) and the number of entries that the clip changed.
    """
    raw = hebbian_change(local_weights, s, u, eta=eta, beta=beta, lambda_=lambda_, rho=rho, sign=sign, vth=vth)
    raw = raw if mask is None else raw * mask
    return np.clip(raw, -p_max, p_max), int(np.count_nonzero(np.abs(raw) > p_max))


def balanced(weights: Array) -> Array:
    """W_ij - (1 / n_in) sum_k W_ik: every synapse of a neuron gives way alike until they sum to zero.

    weights : (n_out, n_in). A neuron so balanced does not hear what all its inputs share, such as a brighter
    background. The rule is local, a neuron's own sum. Source: subtractive normalisation, Miller and MacKay, Neural
    Computation 6, 100-126 (1994).
    """
    return weights - weights.mean(1, keepdims=True)
