# SPDX-License-Identifier: BSD-3-Clause
"""Executor 1: the unmapped network in numpy, floating point or integers, a batch of samples at a time."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import kind, require, whole
from synergic._core.contents import Brief
from synergic.network._description import Network, Population
from synergic.network._quantise import IntNetwork, IntProjection
from synergic.numerics import fixed, floating
from synergic.numerics._readout_values import rate_scores
from synergic.rules._stream import words_of

Array = npt.NDArray[Any]
Step = Callable[..., Any]


@dataclass
class Record(Brief):
    """The record of a run. Every array is in the network's own numbers, for the steps m = 1 .. T.

    Parameters
    ----------
    spikes : dict of ndarray, shape (samples, T, n)
        What each population sends, by its name: spikes, or values if its neurons send these.
    u : dict of ndarray, shape (samples, T, n)
        Potentials before the reset, by population.
    local_weights : dict of ndarray, shape (samples, n_out, n_in)
        Local weights P after the last step, by projection with a rule. Of a stream those after the last sample alone:
        shape (1, n_out, n_in).
    saturated : dict of int
        Number of clamped values by name. "<population>.u": potentials and other states of neurons, clamped to 24 bits.
        "<projection>.P": local weights, clamped to their bound.
    homeostatic_bias : dict of ndarray, shape (samples, n)
        Intrinsic bias c after each presentation, by population with homeostasis; in integers at the scale S_u 2^8.
    """

    spikes: dict[str, Array] = field(default_factory=dict)
    u: dict[str, Array] = field(default_factory=dict)
    local_weights: dict[str, Array] = field(default_factory=dict)
    saturated: dict[str, int] = field(default_factory=dict)
    homeostatic_bias: dict[str, Array] = field(default_factory=dict)

    @classmethod
    def empty(cls, network: Network | IntNetwork, source: Array, local_weights: dict[str, Array]) -> Record:
        """The record of a run that is about to begin: zeros, and the local weights as given.

        source : (samples, T, channels), or (T, channels) for arrays without an axis of samples.
        """
        n, dtype = source.shape[:-2], np.int64 if network.integer else np.float64
        record = cls(spikes={network.source.name: source.astype(dtype, copy=False)}, local_weights=local_weights)
        for p in network.populations:
            record.spikes[p.name] = np.zeros((*n, network.steps, p.size), dtype)
            record.u[p.name] = np.zeros((*n, network.steps, p.size), dtype)
            record.saturated[f"{p.name}.u"] = 0
        record.saturated |= {f"{name}.P": 0 for name in local_weights}
        return record

    @property
    def presentations(self) -> int:
        """Number of samples."""
        return len(next(iter(self.spikes.values())))

    @classmethod
    def concatenate(cls, parts: list[Record]) -> Record:
        """The records of successive batches as one. Streams are not joined: each part has its last P."""
        record = cls(saturated={key: sum(p.saturated[key] for p in parts) for key in parts[0].saturated})
        for name in ("spikes", "u", "local_weights", "homeostatic_bias"):
            for key in getattr(parts[0], name):
                each = [getattr(p, name)[key] for p in parts]
                getattr(record, name)[key] = np.concatenate(each) if len(each) > 1 else each[0]
        return record

    def scores(self, network: Network | IntNetwork) -> Array:
        """Return the scores that the read-out compares.

        Parameters
        ----------
        network : Network or IntNetwork
            The network that ran.

        Returns
        -------
        ndarray, shape (samples, classes)
            u(T) for the read-out "rank". For "rate", spike counts with u(T) breaking ties, or the sums of the values
            that neurons send.

        Raises
        ------
        ParameterError
            If the record is of another network.
        """
        kind("Record.scores.network", network, Network | IntNetwork, "Give the one that ran.")
        ran, n = self.u.get(network.output), network.population(network.output).size
        fits, got = ran is not None and ran.shape[-1] == n, f"one whose output {network.output!r} has {n} neurons"
        there = {name: u.shape[-1] for name, u in self.u.items()}
        require(fits, "Record.scores.network", got, f"the one that ran, with {there}", "Give that.")
        u = self.u[network.output][:, -1]
        if network.readout == "rank":
            return u.astype(float)
        sent = self.spikes[network.output].sum(axis=1)
        return sent.astype(float) if network.message_bits[network.output] else rate_scores(sent, u)

    def classes(self, network: Network | IntNetwork) -> Array:
        """Return the predicted class of each sample: that of the largest of the `scores`, with their arguments."""
        return self.scores(network).argmax(axis=1)


def accumulate(p: Any, s: Array, k: Any, local: Array | None) -> Array:
    """The synaptic input of one projection, in the arithmetic of its description."""
    if isinstance(p, IntProjection):
        return fixed.accumulate(s, p.weights, int(k), local, p.alpha)
    return floating.synaptic_input(s, p.weights, float(k), local, p.alpha)


def integrate(p: Any, u: Array, acc: Array, extra: Any) -> tuple[Array, Array, Array, Any, int]:
    """One step of a population. extra : arrays beside u, of neurons that have some.

    Returns u(m) before its reset, what is sent, u after it, extra, values saturated.
    """
    return p.neuron.update(u, extra, acc, p, p.neuron.values)


def learn(p: Any, post: Any, local: Array, state: Any, s: Array, u: Array, signal: Array) -> tuple[Array, Any, int]:
    """One step of the local rule. Returns P(m), the rule's extra arrays and the number of entries clipped."""
    numerics = fixed if isinstance(p, IntProjection) else floating
    return p.rule.update(numerics, local, state, s, u, signal, p.rule.values, post.vth, p.rule.mask)


def simulate(network: Network | IntNetwork, spikes: Any, batch: int = 64, signal: Any = None) -> Record:
    """Run a network on presentations, each from rest; local weights of streams and homeostatic biases live on.

    Parameters
    ----------
    network : Network or IntNetwork
        The network.
    spikes : array_like, shape (samples, T, channels)
        Input of 0 and 1, or of values if the network's source sends these.
    batch : int, default 64
        Samples that run together. It limits the memory of the local weights.
    signal : array_like, shape (samples, T), or None, default None
        Global signal at step m of each population, for rules that need one.

    Returns
    -------
    Record
        What the neurons sent, their potentials, and the local weights.

    Raises
    ------
    ParameterError
        If the input or the signal has another shape or range than the network takes.
    """
    kind("simulate.network", network, Network | IntNetwork, "Build one, or export it with to_description().")
    whole("simulate.batch", batch, 1, float("inf"), "It is a number of samples.")
    spikes = network.check_input(spikes)
    signal = network.check_signal(signal, len(spikes))
    if network.sequential:
        return simulate_stream(network, spikes, signal)
    parts = (slice(i, i + batch) for i in range(0, len(spikes), batch))
    return Record.concatenate([simulate_batch(network, spikes[part], signal[part]) for part in parts])


def simulate_batch(network: Network | IntNetwork, source: Array, signal: Array) -> Record:
    """One batch, (samples, T, channels)."""
    plastic = [q for q in network.projections if q.rule is not None]
    local = {q.name: np.repeat(q.local_weights[None], len(source), axis=0) for q in plastic}
    record = Record.empty(network, source, local)
    walk(network, record, signal, accumulate, integrate, learn)
    return record


def simulate_stream(network: Network | IntNetwork, source: Array, signal: Array) -> Record:
    """Samples one after another, (samples, T, channels), local weights of streams and homeostatic biases living on."""
    now, biases = {q.name: q.local_weights for q in network.streams}, start_biases(network)
    parts: list[Record] = []
    for n in range(len(source)):
        local = {q.name: now.get(q.name, q.local_weights) for q in network.projections if q.rule is not None}
        record = Record.empty(network, source[n], local)
        walk(biased(network, biases), record, signal[n], accumulate, integrate, learn)
        write_streams(network, record, signal[n], network.presented + n)
        now = {name: record.local_weights[name] for name in now}
        biases = written_biases(network, record, biases)
        record.homeostatic_bias = dict(biases)
        for part in (record.spikes, record.u, record.local_weights, record.homeostatic_bias):
            part |= {name: values[None] for name, values in part.items()}
        if n:  # only the last one stays
            parts[-1].local_weights = {k: v for k, v in parts[-1].local_weights.items() if k not in now}
        parts.append(record)
    last = {name: parts[-1].local_weights.pop(name) for name in now}
    whole_run = Record.concatenate(parts)
    whole_run.local_weights |= last
    return whole_run


def write_streams(network: Any, record: Record, signal: Array, presentation: int) -> None:
    """The writes at the end of a presentation, in the record of one sample without an axis of samples.

    signal : (T,). presentation : its number, for the random numbers of stochastic rounding.
    """
    for q in network.streams:
        s = received(network, record, q)
        vth, words = network.population(q.target).vth, words_of(q, presentation)
        given = (q.rule.values, vth, q.rule.mask, q.memory, words)
        local = record.local_weights[q.name]
        record.local_weights[q.name], clipped = q.rule.write(local, s, record.u[q.target], signal[:, None], *given)
        record.saturated[f"{q.name}.P"] += clipped


def received(network: Any, record: Record, q: Any) -> Array:
    """What a projection received in each step of a presentation, (T, n_in). record : without an axis of samples."""
    sent, lag = record.spikes[q.source], min(network.lag(q), network.steps)
    return sent if not lag else np.concatenate([np.zeros_like(sent[:lag]), sent[: len(sent) - lag]])


def start_biases(network: Any) -> dict[str, Array]:
    """c of every neuron at the first presentation, by population with homeostasis."""
    number: Any = np.int64 if network.integer else np.float64
    return {p.name: np.full(p.size, p.homeostasis.start, number) for p in network.homeostatic}


def biased(network: Any, biases: dict[str, Array]) -> Any:
    """The network of one presentation: its biases are b + c. The same object where nothing is homeostatic."""
    if not biases:
        return network
    now, populations = copy.copy(network), []
    for p in network.populations:
        if p.name in biases:
            rule, p = p.homeostasis, copy.copy(p)
            object.__setattr__(p, "bias", p.bias + rule.offset(biases[p.name]))  # it was checked with any c
        populations.append(p)
    object.__setattr__(now, "populations", tuple(populations))
    now.__dict__.pop("ordered", None)  # computed from the populations
    return now


def written_biases(network: Any, record: Record, biases: dict[str, Array]) -> dict[str, Array]:
    """c after a presentation, by population. record : of one sample without an axis of samples."""
    found = {}
    for p in network.homeostatic:
        total = p.homeostasis.term(record.u[p.name], p.vth).sum(axis=0)
        found[p.name] = p.homeostasis.write(biases[p.name], total, network.steps)
    return found


def walk(network: Any, record: Record, signal: Array, accumulate: Step, integrate: Step, learn: Step) -> None:
    """The loop over steps, into an empty record: populations in the order of their onset, each on its own clock m.

    signal : (..., T). accumulate, integrate, learn : the functions of this module, or others that do the same.
    """
    state = {p.name: np.zeros_like(record.u[p.name][..., 0, :]) for p in network.populations}
    samples = record.spikes[network.source.name].shape[:-2]
    beside = {p.name: p.neuron.fresh(p.size, samples) for p in network.populations}
    extra = {q.name: q.rule.fresh(q.n_out, q.n_in, samples) for q in network.projections if q.learns}
    inputs = [(p, network.into(p.name)) for p in network.ordered]
    lags = {q.name: network.lag(q) for q in network.projections}
    decays = {q.name: network.k_of(q) for q in network.projections}
    for m in range(network.steps):
        for p, into in inputs:
            arrived = {q.name: arriving(record.spikes[q.source], m - lags[q.name]) for q in into}
            acc = np.zeros_like(state[p.name])
            for q in into:
                acc = acc + accumulate(q, arrived[q.name], decays[q.name][m], record.local_weights.get(q.name))
            u, s, state[p.name], beside[p.name], saturated = integrate(p, state[p.name], acc, beside[p.name])
            record.u[p.name][..., m, :], record.spikes[p.name][..., m, :] = u, s
            record.saturated[f"{p.name}.u"] += saturated
            for q in into:
                if q.learns:
                    record.local_weights[q.name], extra[q.name], clipped = learn(
                        q, p, record.local_weights[q.name], extra[q.name], arrived[q.name], u, signal[..., m, None]
                    )
                    record.saturated[f"{q.name}.P"] += clipped


def arriving(spikes: Array, then: int) -> Array:
    """The spikes sent in step `then` (from 0), none before the first."""
    first = spikes[..., max(then, 0), :]
    return first if then >= 0 else np.zeros_like(first)


__all__ = ["Population", "Record", "simulate"]
