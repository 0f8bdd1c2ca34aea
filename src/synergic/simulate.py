# SPDX-License-Identifier: BSD-3-Clause
"""Executor 1: the unmapped network in numpy, floating point or integers, a batch of samples at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic.checks import kind, whole
from synergic.network import Network, Population, Projection
from synergic.numerics import fixed, floating
from synergic.quantise import IntNetwork, IntPopulation, IntProjection

Array = npt.NDArray[Any]


@dataclass
class Record:
    """What a run leaves behind; every array in the network's own numbers, steps m = 1 .. T.

    spikes, u : by population, (samples, T, n), u before its reset. local_weights : by projection with a rule,
    (samples, n_out, n_in), after the last step. saturated : events by name: "<population>.u" membranes clipped
    to 24 bits, "<projection>.P" local weights held at their bound.
    """

    spikes: dict[str, Array] = field(default_factory=dict)
    u: dict[str, Array] = field(default_factory=dict)
    local_weights: dict[str, Array] = field(default_factory=dict)
    saturated: dict[str, int] = field(default_factory=dict)

    @classmethod
    def empty(cls, network: Network | IntNetwork, source: Array, dtype: Any) -> Record:
        """The record of a run that is about to begin: zeros, and the local weights at their start."""
        n = len(source)
        record = cls(spikes={network.source.name: source.astype(dtype)})
        for p in network.populations:
            record.spikes[p.name] = np.zeros((n, network.steps, p.size), dtype)
            record.u[p.name] = np.zeros((n, network.steps, p.size), dtype)
            record.saturated[f"{p.name}.u"] = 0
        for q in network.projections:
            if q.rule is not None:
                record.local_weights[q.name] = np.broadcast_to(q.local_weights, (n, q.n_out, q.n_in)).copy()
                record.saturated[f"{q.name}.P"] = 0
        return record

    @classmethod
    def concatenate(cls, parts: list[Record]) -> Record:
        """The records of successive batches as one."""
        record = cls(saturated={key: sum(p.saturated[key] for p in parts) for key in parts[0].saturated})
        for name in ("spikes", "u", "local_weights"):
            for key in getattr(parts[0], name):
                getattr(record, name)[key] = np.concatenate([getattr(p, name)[key] for p in parts])
        return record

    def scores(self, network: Network | IntNetwork) -> Array:
        """What the read-out compares, (samples, classes): u(T), or spike counts with u(T) breaking ties."""
        u = self.u[network.output][:, -1].astype(float)
        if network.readout == "rank":
            return u
        # The largest and smallest potential differ by less than a spike: u only orders equal counts.
        span = np.ptp(u, axis=1, keepdims=True) + 1.0
        counts = self.spikes[network.output].sum(axis=1)
        return counts + (u - u.min(axis=1, keepdims=True)) / (span * 2)

    def classes(self, network: Network | IntNetwork) -> Array:
        """The predicted class of each sample."""
        return self.scores(network).argmax(axis=1)


def accumulate(p: Any, s: Array, k: Any, local: Array | None) -> Array:
    """The synaptic input of one projection, in the arithmetic of its description."""
    if isinstance(p, IntProjection):
        return fixed.accumulate(s, p.weights, int(k), local, p.alpha)
    return floating.synaptic_input(s, p.weights, float(k), local, p.alpha)


def integrate(p: Any, u: Array, acc: Array) -> tuple[Array, Array, Array, int]:
    """One step of a population. Returns u(m) before its reset, the spikes, u after it, values saturated."""
    if isinstance(p, IntPopulation):
        u, saturated = fixed.membrane(u, acc, p.decay, p.bias, p.accumulator_shift)
        s = fixed.spike(u, p.vth)
        return u, s, fixed.reset(u, s, p.vth, p.reset), saturated
    u = floating.membrane(u, acc, p.decay, p.bias)
    s = floating.spike(u, p.vth)
    return u, s, floating.reset(u, s, p.vth, p.reset), 0


def learn(p: Any, post: Any, local: Array, s: Array, u: Array) -> tuple[Array, int]:
    """One step of the local rule. Returns P(m) and the number of entries clipped."""
    r = p.rule
    if isinstance(p, IntProjection):
        q = fixed.postsynaptic(u, r.table, r.table_scale, r.beta)
        return fixed.hebbian(local, s, q, eta=r.eta, lambda_=r.lambda_, sign=r.sign, p_top=r.p_top, eta_exp=r.eta_exp)
    return floating.hebbian(
        local, s, u, eta=r.eta, beta=r.beta, lambda_=r.lambda_, rho=r.rho, sign=r.sign, p_max=r.p_max, vth=post.vth
    )


def simulate(network: Network | IntNetwork, spikes: Any, batch: int = 64) -> Record:
    """Run presentations, each from rest.

    spikes : (samples, T, channels) of 0 and 1. batch : samples held at once, bounds the memory of P.
    Raises ParameterError.
    """
    kind("simulate.network", network, Network | IntNetwork, "Build one, or export it with to_description().")
    whole("simulate.batch", batch, 1, float("inf"), "It is a number of samples.")
    spikes = network.check_input(spikes)
    return Record.concatenate([simulate_batch(network, spikes[i : i + batch]) for i in range(0, len(spikes), batch)])


def simulate_batch(network: Network | IntNetwork, source: Array) -> Record:
    """The loop over steps: populations in the order of their onset, each on its own clock m."""
    dtype = float if isinstance(network, Network) else np.int64
    n, steps = len(source), network.steps
    record = Record.empty(network, source, dtype)
    state = {p.name: np.zeros((n, p.size), dtype) for p in network.populations}
    for m in range(steps):
        for p in network.ordered:
            arrived = {q.name: arriving(record, network, q, m, n) for q in network.into(p.name)}
            acc = np.zeros((n, p.size), dtype)
            for q in network.into(p.name):
                acc = acc + accumulate(q, arrived[q.name], network.k[m], record.local_weights.get(q.name))
            u, s, state[p.name], saturated = integrate(p, state[p.name], acc)
            record.u[p.name][:, m], record.spikes[p.name][:, m] = u, s
            record.saturated[f"{p.name}.u"] += saturated
            for q in network.into(p.name):
                if q.learns:
                    local, clipped = learn(q, p, record.local_weights[q.name], arrived[q.name], u)
                    record.local_weights[q.name] = local
                    record.saturated[f"{q.name}.P"] += clipped
    return record


def arriving(record: Record, network: Any, q: Projection | IntProjection, m: int, n: int) -> Array:
    """The spikes that reach a projection's target at its step m (from 0): the source's of step m - lag."""
    then = m - network.lag(q)
    if then < 0:
        return np.zeros((n, q.n_in), record.spikes[q.source].dtype)
    return np.asarray(record.spikes[q.source][:, then])


__all__ = ["Population", "Record", "simulate"]
