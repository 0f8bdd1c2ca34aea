# SPDX-License-Identifier: BSD-3-Clause
"""Equations of hybrid plasticity in floating point.

Arrays may have leading batch axes: spikes (..., n_in), potentials (..., n_out), local weights (..., n_out, n_in).
These functions do not check their arguments: descriptions and processes do.

References
----------
Wu et al., Brain-inspired global-local learning incorporated with neuromorphic computing, Nature Communications 13:65
(2022).
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
    """Return k(m) = exp(-m dt / tau_w), the decay of the slow weights over a presentation.

    Parameters
    ----------
    m : int
        Step of the presentation, 1, 2, ...
    dt : float
        Duration of a step, greater than 0.
    tau_w : float
        Time constant in the unit of dt, greater than 0; infinity returns 1.

    Returns
    -------
    float
        The decay, 0 to 1.
    """
    return float(np.exp(-m * dt / tau_w))


def synaptic_input(s: Array, weights: Array, k: float, local_weights: Array | None, alpha: Array | float) -> Array:
    """Return the synaptic input I_i(m) = sum_j s_j(m) (k(m) W_ij + alpha_ij P_ij(m-1)).

    Parameters
    ----------
    s : ndarray, shape (..., n_in)
        Spikes 0/1, or values of 0 .. 1.
    weights : ndarray, shape (n_out, n_in)
        Slow weights W.
    k : float
        Decay k(m) of the slow weights.
    local_weights : ndarray, shape (..., n_out, n_in), or None
        Local weights P of the step before; None for none.
    alpha : float or ndarray, shape (n_out,) or (n_out, n_in)
        Weight of the local weights.

    Returns
    -------
    ndarray, shape (..., n_out)
        The synaptic input.
    """
    current: Array = k * (s @ weights.T)
    if local_weights is None:
        return current
    alpha = np.asarray(alpha, dtype=float)
    if alpha.ndim == 2:
        return current + np.einsum("...ij,...j->...i", alpha * local_weights, s)
    return current + alpha * np.einsum("...ij,...j->...i", local_weights, s)


def membrane(u: Array, current: Array, decay: float, bias: Array | float) -> Array:
    """Return the potential u_i(m) = d u_i(m-1) + I_i(m) + b_i.

    Parameters
    ----------
    u : ndarray, shape (..., n_out)
        Potentials u(m-1) after their reset.
    current : ndarray, shape (..., n_out)
        Synaptic input I(m).
    decay : float
        Factor d, 0 to 1.
    bias : float or ndarray, shape (n_out,)
        Bias b.

    Returns
    -------
    ndarray, shape (..., n_out)
        Potentials u(m) before their reset.
    """
    return decay * u + current + bias


def spike(u: Array, vth: float) -> npt.NDArray[np.bool_]:
    """Return the spikes s_i(m) = 1 if u_i(m) > v_th: a potential equal to the threshold does not fire.

    Parameters
    ----------
    u : ndarray, shape (..., n_out)
        Potentials before their reset.
    vth : float
        Threshold v_th, greater than 0.

    Returns
    -------
    ndarray of bool, the shape of u
        The spikes.
    """
    return u > vth


def reset(u: Array, s: npt.NDArray[np.bool_], vth: float, mode: str) -> Array:
    """Return the potential after its reset.

    It is u - v_th s for "subtract", and u (1 - s) for "zero".

    Parameters
    ----------
    u : ndarray, shape (..., n_out)
        Potentials before their reset.
    s : ndarray of bool, the shape of u
        Spikes.
    vth : float
        Threshold v_th.
    mode : {"subtract", "zero"}
        The reset.

    Returns
    -------
    ndarray, the shape of u
        Potentials after their reset.
    """
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
    """Update local weights by the Hebbian rule.

        P_ij(m) = mask_ij clip(lambda P_ij(m-1) + sign eta_j s_j(m) (rho(u_i(m) / v_th) + beta_i), -P_max, P_max)

    Parameters
    ----------
    local_weights : ndarray, shape (..., n_out, n_in)
        P(m-1).
    s : ndarray, shape (..., n_in)
        Spikes of the inputs.
    u : ndarray, shape (..., n_out)
        Potentials before their reset.
    eta : float or ndarray, shape (n_in,)
        Learning rate.
    beta : float or ndarray, shape (n_out,)
        Offset of the postsynaptic term.
    lambda_ : float
        Decay of P in a step, 0 to 1.
    rho : {"tanh", "identity", "softmax"}
        Non-linearity of the potentials, a key of RHO.
    sign : {1, -1}
        1 Hebbian, -1 anti-Hebbian.
    p_max : float
        Bound of the absolute value of P.
    vth : float
        Threshold v_th.
    mask : ndarray of 0 and 1, shape (n_out, n_in), or None, default None
        Synapses that have a local weight; None for all.

    Returns
    -------
    local_weights : ndarray, shape (..., n_out, n_in)
        P(m).
    clipped : int
        Number of values that the bound has changed.
    """
    raw = hebbian_change(local_weights, s, u, eta=eta, beta=beta, lambda_=lambda_, rho=rho, sign=sign, vth=vth)
    raw = raw if mask is None else raw * mask
    return np.clip(raw, -p_max, p_max), int(np.count_nonzero(np.abs(raw) > p_max))


def balanced(weights: Array) -> Array:
    """Return weights whose sum over the inputs of each neuron is zero, W_ij - (1 / n_in) sum_k W_ik.

    A neuron with balanced weights does not react to what all its inputs share, such as a brighter background. The rule
    is local: it needs only the sum over one neuron's own synapses.

    Parameters
    ----------
    weights : ndarray, shape (n_out, n_in)
        Weights W.

    Returns
    -------
    ndarray, shape (n_out, n_in)
        Balanced weights.

    References
    ----------
    Subtractive normalisation: Miller and MacKay, Neural Computation 6, 100-126 (1994).
    """
    return weights - weights.mean(1, keepdims=True)
