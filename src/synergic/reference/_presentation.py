# SPDX-License-Identifier: BSD-3-Clause
"""One presentation of one sample at a time, by the compiled functions: what the process FusedNetwork computes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.neurons import KERNELS
from synergic.numerics import _compiled as compiled
from synergic.reference._simulate import Record, received, walk
from synergic.reference._simulate import integrate as integrate_plainly
from synergic.reference._simulate import learn as learn_plainly
from synergic.rules._kernels import kernel_of, write_in_place
from synergic.rules._stream import words_of

Array = npt.NDArray[Any]


def by_input(network: Any) -> Any:
    """The same network with its matrices laid out input by input, as numerics.compiled reads them."""
    projections = []
    for q in network.projections:
        local = None if q.rule is None else np.asfortranarray(q.local_weights)
        weights = np.asfortranarray(q.weights)
        projections.append(dataclasses.replace(q, weights=weights, local_weights=local))
    return dataclasses.replace(network, projections=tuple(projections))


def split(flat: Array, network: Any) -> dict[str, Array]:
    """Views of the local weights in a row of numbers, by projection with a rule, (n_out, n_in) input by input."""
    plastic = [q for q in network.projections if q.rule is not None]
    ends = np.cumsum([q.weights.size for q in plastic])
    return {
        q.name: flat[end - q.weights.size : end].reshape(q.n_in, q.n_out).T
        for q, end in zip(plastic, ends, strict=True)
    }


def split_biases(flat: Array, network: Any) -> dict[str, Array]:
    """Views of the intrinsic biases in rows of numbers, by population with homeostasis, (..., n)."""
    ends = np.cumsum([p.size for p in network.homeostatic])
    return {p.name: flat[..., end - p.size : end] for p, end in zip(network.homeostatic, ends, strict=True)}


def present(
    network: Network | IntNetwork, source: Array, local_weights: dict[str, Array], final: bool = True
) -> Record:
    """What a presentation from rest leaves behind; arrays of the record have no axis of samples.

    network : best from `by_input`. source : (T, channels), numbers as check_input gives them. local_weights : memory
    for P of the projections with a rule, as `split` gives it; the record's is this. final : whether P is brought to
    step T for all inputs, and not only for those whose spikes needed it.
    Local weights of streams are taken as `local_weights` has them, and biases as `network` has them; `write` and
    `written_biases` write them.
    Spikes, potentials and local weights are those of the composed Lava graph, bit for bit.
    """
    for q in network.projections:
        if q.rule is not None and not q.streams:
            local_weights[q.name][...] = q.local_weights
    ages = {q.name: np.zeros(q.n_in, np.int64) for q in network.projections if ages_with_inputs(q)}

    def accumulate(q: Any, s: Array, k: Any, local: Array | None) -> Array:
        late = (ages[q.name], q.rule.lambda_) if q.name in ages else ()
        return compiled.synaptic_input(s, q.weights, k, local, q.alpha, *late)

    def learn_or_age(q: Any, post: Any, local: Array, state: Any, s: Array, u: Array, signal: Array) -> Any:
        return learn(q, post, local, state, s, u, signal, ages.get(q.name, compiled.AT_ONCE))

    record = Record.empty(network, source, dict(local_weights))
    silence = np.zeros(network.steps, source.dtype)  # no rule that runs here uses a signal
    walk(network, record, silence, accumulate, integrate, learn_or_age)
    for q in network.projections:
        if final and q.name in ages:
            compiled.catch_up(local_weights[q.name], ages[q.name], q.rule.lambda_)
    return record


def write(network: Any, record: Record, local_weights: dict[str, Array], presentation: int) -> None:
    """`write_streams` in place, by the rules' compiled writes where they have them.

    record : of `present`. local_weights : P of the streams, as of `split`. presentation : its number.
    """
    silence = np.zeros(network.steps)  # no rule that runs here uses a signal
    for q in network.streams:
        s, vth = received(network, record, q), network.population(q.target).vth
        given = (silence[:, None], q.rule.values, vth, q.rule.mask, q.memory, words_of(q, presentation))
        clipped = write_in_place(q.rule, local_weights[q.name], s, record.u[q.target], *given)
        record.saturated[f"{q.name}.P"] += clipped


def ages_with_inputs(q: Any) -> bool:
    """Whether a silent input's local weights may decay later: the rule has that form, and sums skip silent inputs."""
    kernel = kernel_of(q.rule)
    return bool(q.learns and kernel is not None and kernel.ages and np.ndim(q.alpha) < 2)


def integrate(p: Any, u: Array, acc: Array, extra: Any) -> Any:
    """simulate.integrate of one sample."""
    kernel = KERNELS.get(p.neuron.kernel)
    if kernel is None:
        return integrate_plainly(p, u, acc, extra)
    return (kernel.fixed if p.neuron.integer else kernel.floating)(compiled, p, u, extra, acc)


def learn(
    q: Any, post: Any, local: Array, state: Any, s: Array, u: Array, signal: Array, age: Array = compiled.AT_ONCE
) -> tuple[Array, Any, int]:
    """simulate.learn of one sample, in place; age : as of compiled.hebbian_*, for rules that have a compiled form."""
    r, kernel = q.rule, kernel_of(q.rule)
    if kernel is not None:
        function = kernel.fixed if r.integer else kernel.floating
        late = {"age": age} if kernel.ages else {}
        return local, state, function(r, r.values, local, s, u, post.vth, r.mask, compiled, **late)
    local[...], state, clipped = learn_plainly(q, post, local, state, s, u, signal)
    return local, state, clipped
