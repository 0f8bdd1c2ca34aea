# SPDX-License-Identifier: BSD-3-Clause
"""A local rule on chosen synapses alone: its functions see each as a connection of one input and one neuron."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.errors import ParameterError, UnsupportedError
from synergic.numerics import fixed, floating

Array = npt.NDArray[Any]
PROBED = (3, 4)
"""Neurons and inputs of the connection on which `check_local` tries a rule."""


class Places:
    """Where each synapse finds its input's and its neuron's numbers.

    rows, columns : (synapses,), its neuron and its input. shape : (n_out, n_in).

    Traces of neurons and inputs without any synapse go on as all others: for them synapses are added that hold
    nothing, at the end, so that every neuron and every input has one.
    """

    def __init__(self, rows: Array, columns: Array, shape: tuple[int, int]) -> None:
        bare = [np.flatnonzero(np.bincount(x, minlength=n) == 0) for x, n in zip((rows, columns), shape, strict=True)]
        pad = np.zeros(max(map(len, bare)), np.int64)
        more = [np.concatenate([x, pad[len(x) :]]) for x in bare]
        self.count, self.shape = len(rows), shape
        self.at = {"post": np.concatenate([rows, more[0]]), "pre": np.concatenate([columns, more[1]])}
        self.real = np.arange(len(self.at["pre"])) < self.count if len(pad) else None

    def fresh(self, rule: Any) -> dict[str, Array]:
        """rule.fresh, with what belongs to a synapse as (synapses,)."""
        sizes = {"pre": self.shape[1], "post": self.shape[0], "synapse": self.count}
        dtype = np.int64 if rule.integer else np.float64
        return {name: np.zeros(sizes[per], dtype) for name, per in rule.state.items()}

    def spread(self, values: Array, per: str) -> Array:
        """What belongs to neurons, inputs or synapses, as each synapse sees it: (synapses, 1) or (synapses, 1, 1)."""
        if per == "synapse":
            return np.concatenate([values, np.zeros(len(self.at["pre"]) - self.count, values.dtype)])[:, None, None]
        return values[self.at[per], None]


def update_synapses(
    rule: Any, numerics: Any, local: Array, state: dict[str, Array], s: Array, u: Array, signal: Array,
    values: dict[str, Any], vth: Any, mask: Array | None, places: Places,
) -> tuple[Array, dict[str, Array], int]:  # fmt: skip
    """rule.update of one sample, of the synapses at `places` alone; the same numbers as of a full matrix under a mask.

    local : (synapses,); state : as of places.fresh; s : (n_in,); u : (n_out,); signal : (1,); mask : (synapses,) or
    None. A rule takes any batch axes: here the synapses are the batch, each a connection (1, 1) of its own.
    """
    kinds = {name: parameter.per for name, parameter in rule.parameters().items()}
    seen = {name: places.spread(v, kinds[name]) if np.size(v) > 1 else v for name, v in values.items()}
    spread_state = {name: places.spread(v, rule.state[name]) for name, v in state.items()}
    if places.real is not None:
        mask = np.append(np.ones(places.count) if mask is None else mask, np.zeros(len(places.real) - places.count))
        mask = mask.astype(np.int64)
    new, after, clipped = rule.update(
        numerics,
        places.spread(local, "synapse"),
        spread_state,
        places.spread(s, "pre"),
        places.spread(u, "post"),
        np.broadcast_to(signal, (len(places.at["pre"]), 1)),
        seen,
        vth,
        None if mask is None else mask[:, None, None],
    )
    answer = {name: np.empty_like(v) for name, v in state.items()}
    for name, per in rule.state.items():
        if per == "synapse":
            answer[name][:] = after[name][: places.count, 0, 0]
        else:
            answer[name][places.at[per]] = after[name][:, 0]
    return new[: places.count, 0, 0], answer, clipped


def write_synapses(
    rule: Any, local: Array, s: Array, u: Array, signal: Array, values: dict[str, Any], vth: Any, mask: Array | None,
    memory: int, words: Array | None, rows: Array, columns: Array,
) -> tuple[Array, int]:  # fmt: skip
    """rule.write of the synapses at `rows` and `columns` alone; the same numbers as of a full matrix under a mask.

    local, mask, words : (synapses,), or None. s : (T, n_in), u : (T, n_out), signal : (T, 1).
    """
    at = {"pre": columns, "post": rows}
    kinds = {name: parameter.per for name, parameter in rule.parameters().items()}
    seen = {name: v[at[kinds[name]], None] if np.size(v) > 1 else v for name, v in values.items()}
    mask, words = (None if x is None else x[:, None, None] for x in (mask, words))
    received = (s[:, columns, None], u[:, rows, None], np.broadcast_to(signal[:, None], (len(s), len(rows), 1)))
    new, clipped = rule.write(local[:, None, None], *received, seen, vth, mask, memory, words)
    return new[:, 0, 0], clipped


def check_local(where: str, rule: Any) -> None:
    """Refuse a rule whose function looks beyond the synapse that it changes, at other neurons or inputs.

    Tries it on a small connection, as a matrix and synapse by synapse. Raises UnsupportedError.
    """
    rng, (n_out, n_in) = np.random.default_rng(0), PROBED
    numerics, one = (fixed, 1 << fixed.FRACTION_BITS) if rule.integer else (floating, 1.0)
    vth = rule.vth if rule.integer else 0.5
    kinds, sizes = rule.parameters(), {"pre": n_in, "post": n_out}
    values = {n: np.resize(v, sizes[kinds[n].per]) if np.size(v) > 1 else v for n, v in rule.values.items()}
    local = rng.uniform(-0.5, 0.5, PROBED) * (rule.p_top if rule.integer else rule.p_max)
    rows, columns = (x.ravel(order="F") for x in np.indices(PROBED))
    places = Places(rows, columns, PROBED)
    u, signal = rng.uniform(-0.5, 2, n_out) * vth, rng.uniform(0.5, 1, 1) * one
    dtype = np.int64 if rule.integer else float
    local, u, signal = (x.astype(dtype) for x in (local, u, signal))
    full, own = rule.fresh(n_out, n_in), places.fresh(rule)
    single, alike = local[rows, columns], True
    for m in range(3):
        s = np.roll(np.array([1, 0, 1, 1]), m).astype(dtype)
        given = (s, np.roll(u, m), signal, values, vth, None)
        local, full, _ = rule.update(numerics, local, full, *given)
        try:
            single, own, _ = update_synapses(rule, numerics, single, own, *given, places)
        except (ParameterError, ValueError, IndexError):  # the matrix was fine
            alike = False
        pairs = [(local[rows, columns], single)]
        pairs += [(full[n][rows, columns] if per == "synapse" else full[n], own[n]) for n, per in rule.state.items()]
        alike = alike and all(np.allclose(*pair, rtol=1e-9, atol=0 if rule.integer else 1e-12) for pair in pairs)
    if not alike:
        raise UnsupportedError(
            f"{where}.rule: got {type(rule).__name__}, whose function looks beyond the synapse that it changes, "
            f"allowed rules of a synapse's own s, x, P and traces. Use HybridDense."
        )
