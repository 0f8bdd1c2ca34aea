# SPDX-License-Identifier: BSD-3-Clause
"""One population as a node of NIR, and back: the equations of synergic.interchange."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from synergic._core.checks import require
from synergic.errors import FormatError, SynergicError, UnsupportedError
from synergic.network._description import Population
from synergic.neurons import LIF, CurrentLIF, Homeostasis

Array = npt.NDArray[np.float64]
KEY = "synergic"
"""Under this name a node's metadata hold what NIR has no field for."""
NEURONS = (nir.LIF, nir.IF, nir.CubaLIF)
SINGLE = 1e-6
"""Share by which a number of 32 bits may be off after a few operations."""
CLOSE = 1e-9
"""Relative difference up to which our metadata count as belonging to the node they are on."""


@contextmanager
def sound(name: str) -> Iterator[None]:
    """Numpy's error for a node whose fields contradict each other, or are no numbers, as FormatError naming it."""
    try:
        yield
    except SynergicError:
        raise
    except (TypeError, ValueError, OverflowError, LookupError, AttributeError) as error:
        raise FormatError(f"{name}: contradicts itself, or is damaged: {error!r}. Write the graph again.") from error


def check_representable(p: Population) -> None:
    """Refuse, by name, neurons that NIR has no node for."""
    if type(p.neuron) is LIF:
        return
    if type(p.neuron) is not CurrentLIF:
        raise UnsupportedError(
            f"{p.name}.neuron: got {type(p.neuron).__name__}, allowed LIF or CurrentLIF: NIR has no node for it. Save "
            "the network in a file of its own."
        )
    still = p.decay == 1 or bool(np.any(p.neuron.values["decay_i"] == 1))
    if still:
        raise UnsupportedError(
            f"{p.name}.neuron: got CurrentLIF whose current or potential never decays, allowed decays below 1: a "
            "CubaLIF has time constants. Use a decay just below 1."
        )


def neuron_node(p: Population, dt: float) -> nir.NIRNode:
    """A population as LIF, as IF where nothing leaks, or as CubaLIF behind a current."""
    full: Array = np.ones(p.size)
    own: dict[str, Any] = {KEY: {"decay": p.decay, "reset": p.reset}}
    if p.homeostasis is not None:
        own[KEY]["homeostasis"] = {f.name: plain(getattr(p.homeostasis, f.name)) for f in fields(p.homeostasis)}
    if isinstance(p.neuron, CurrentLIF):
        decay_i = p.neuron.values["decay_i"]
        own[KEY] |= {"decay_i": plain(decay_i), "bias": p.bias}
        fresh, left = full * (1 - decay_i), full * (1 - p.decay)
        return nir.CubaLIF(
            tau_syn=dt / fresh, tau_mem=dt / left, r=1 / left, v_leak=p.bias / left, v_threshold=full * p.vth,
            w_in=1 / fresh, metadata=own,
        )  # fmt: skip
    if p.decay == 1:
        return nir.IF(r=full / dt, v_threshold=full * p.vth, metadata=own)
    share = 1 - p.decay
    return nir.LIF(tau=full * dt / share, r=full / share, v_leak=full * 0, v_threshold=full * p.vth, metadata=own)


def plain(value: Any) -> Any:
    """A number for an array without axes, which nir cannot write."""
    return value.item() if np.ndim(value) == 0 and isinstance(value, np.ndarray | np.generic) else value


@dataclass(frozen=True)
class Neurons:
    """A neuron node on our terms: u = d u + gain x + drift; gain, drift, vth : (n,). decay_i : a current's, or None."""

    decay: float
    gain: Array
    drift: Array
    vth: Array
    reset: str = "zero"
    decay_i: Any = None
    homeostasis: Homeostasis | None = None


def one(where: str, values: Any) -> float:
    """The one value of a field that our populations have once. Raises UnsupportedError if there are several."""
    flat = np.unique(np.asarray(values, dtype=float))
    if flat.size != 1:
        raise UnsupportedError(
            f"{where}: got {flat.size} different values, allowed one a node. Split the node by their values."
        )
    return float(flat[0])


def neurons(name: str, node: Any, dt: float, method: str, asked: str | None = None) -> Neurons:
    """The discretisation of the module's docstring, for one node. asked : the reset; None is that of the graph."""
    for f in fields(node):
        value = getattr(node, f.name) if f.init and f.name != "metadata" else 0.0
        require(bool(np.isfinite(value).all()), f"{name}.{f.name}", "NaN or infinite", "finite", "Check the graph.")
    require(np.size(node.r) > 0, f"{name}.r", "no neurons", "one or more", "Check the graph.")
    # A field with one value has it for all neurons.
    shared = [
        node.r,
        node.v_reset,
        node.v_threshold,
        *(getattr(node, f) for f in ("v_leak", "w_in") if hasattr(node, f)),
    ]
    r, reset, threshold, *_ = np.broadcast_arrays(*(np.ravel(value).astype(float) for value in shared))
    vth = threshold - reset
    if not (vth > 0).all():
        raise UnsupportedError(
            f"{name}.v_threshold: got one not above v_reset, allowed above. Our neurons fire at > 0."
        )
    if isinstance(node, nir.IF):
        found = Neurons(1.0, r * dt, np.zeros(r.size), vth)
    else:
        field = "tau_mem" if isinstance(node, nir.CubaLIF) else "tau"
        tau = one(f"{name}.{field}", getattr(node, field))
        low = dt if method == "euler" else 0.0
        if not at_least(tau, low) or tau == 0:
            raise UnsupportedError(
                f"{name}.{field}: got {tau:.9g} s, allowed {low:g} s or more. Choose a smaller dt (snnTorch's is "
                "1e-4), or method='exact'."
            )
        share = min(dt / tau, 1.0) if method == "euler" else float(-np.expm1(-dt / tau))
        found = Neurons(1 - share, r * share, (np.ravel(node.v_leak) - reset) * share, vth)
        if isinstance(node, nir.CubaLIF):
            decay_i = current_decay(name, node, dt, method)
            found = replace(found, gain=found.gain * np.ravel(node.w_in) * (1 - decay_i))
            found = replace(found, decay_i=decay_i if decay_i.any() else None)
    found = with_metadata(name, node, found)
    if asked is None:
        return found
    said = found.reset if KEY in node.metadata else asked if not reset.any() else "zero"
    require(said == asked, "from_nir.reset", repr(asked), f"{said!r}, which {name} says", "Leave it out.")
    return replace(found, reset=asked)


def current_decay(name: str, node: nir.CubaLIF, dt: float, method: str) -> Array:
    """d_i of each neuron's current, 0 for one that does not outlive its step."""
    tau = np.broadcast_to(np.ravel(node.tau_syn).astype(float), np.ravel(node.r).shape)
    if (tau == 0).all():
        return np.zeros(tau.shape)
    if method != "euler" or not at_least(tau, dt):
        raise UnsupportedError(
            f"{name}.tau_syn: got {tau[0]:.9g} s, allowed 0, or dt = {dt:g} s and more with method='euler': between "
            "two steps our current is constant. Choose a smaller dt, or use LIF instead of CubaLIF."
        )
    return np.where(np.isclose(tau, dt, rtol=SINGLE, atol=0), 0.0, np.maximum(1 - dt / tau, 0))


def at_least(tau: Any, dt: float) -> bool:
    """Whether time constants are dt or more, as far as float32 tells, in which most files have them."""
    return bool((np.asarray(tau, float) >= dt * (1 - SINGLE)).all())


def with_metadata(name: str, node: Any, found: Neurons) -> Neurons:
    """Our own decay and reset, and what a current has beside, to the last bit, if they fit the node's fields."""
    own = node.metadata.get(KEY)
    if own is None:
        return found
    try:
        decay, reset = float(own["decay"]), str(own["reset"])
        decay_i, drift = found.decay_i, np.zeros(found.gain.size)
        if "decay_i" in own:
            decay_i, drift = np.asarray(own["decay_i"], float), np.asarray(own["bias"], float)
        given = {field: plain(value) for field, value in own.get("homeostasis", {}).items()}
        if given:
            found = replace(found, homeostasis=Homeostasis(**given))
    except (SynergicError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{name}.metadata: damaged ({error!r}). Remove {KEY!r} from it.") from error
    fits = np.isclose(decay, found.decay, rtol=0, atol=CLOSE) and np.allclose(found.gain, 1, rtol=CLOSE, atol=0)
    current = 0.0 if found.decay_i is None else found.decay_i
    fits = fits and np.allclose(0.0 if decay_i is None else decay_i, current, rtol=0, atol=CLOSE)
    if not fits or not np.allclose(drift, found.drift, rtol=CLOSE, atol=CLOSE):
        raise FormatError(
            f"{name}.metadata: got decay {decay:g}, and {found.decay:g} by the node itself, allowed equal ones. The "
            f"node was changed since, or is read with another method: remove {KEY!r} from its metadata."
        )
    return replace(found, decay=decay, reset=reset, gain=np.ones(found.gain.size), decay_i=decay_i, drift=drift)
