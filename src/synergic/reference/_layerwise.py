# SPDX-License-Identifier: BSD-3-Clause
"""A presentation layer by layer, where each population is LIF and receives one projection from an earlier one.

All spikes of a layer are known before the next one starts, so local weights need not be brought up to date before an
input fires again (`numerics.layers`). Other networks go step by step (`synergic.reference`); the bits are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.integers import VALUE_MAX
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.neurons._neuron_kernels import LEAKY
from synergic.numerics import _layer_products as layers
from synergic.numerics.fixed import FRACTION_BITS
from synergic.numerics.floating import RHO
from synergic.reference._simulate import Record
from synergic.rules._kernels import HEBBIAN

Array = npt.NDArray[Any]


WIDTH = 16
"""Elements that a row is filled up to: those of a turn of the compiled loops, which take what is left one by one."""


def wide(rows: Array, kind: Any) -> Array:
    """A copy whose rows are filled up with zeros."""
    return np.pad(np.asarray(rows, kind), ((0, 0), (0, -rows.shape[1] % WIDTH)))


class Layer:
    """A projection q and the population p it drives, laid out for numerics.layers, with memory for a presentation."""

    def __init__(self, p: Any, q: Any, k: Array, integer: bool) -> None:
        number: Any = np.int64 if integer else np.float64
        steps, r = len(k), q.rule
        self.p, self.q, self.k, self.steps = p, q, k, steps
        self.u, self.spikes = (np.zeros((steps, p.size), number) for _ in range(2))
        narrow = np.int16 if integer else np.float64  # 16 bits at the most, and less memory to read
        self.weights = wide(q.weights.T, narrow)
        self.rest, self.ratio = np.zeros(q.n_out, number), np.zeros(q.n_out)
        self.slow, self.posts = (wide(np.zeros((steps, q.n_out)), number) for _ in range(2))
        self.alpha, self.bias = (np.array(np.broadcast_to(x, q.n_out), number) for x in (q.alpha, p.bias))
        self.beta, self.drive = np.zeros(q.n_out, number), np.zeros(q.n_in, number)
        self.last, self.written = np.zeros(q.n_in, np.int64), np.zeros(q.n_in, np.bool_)
        stored, self.never_clips = np.int32 if integer else np.float64, True
        self.local = self.start = wide(np.zeros((0, q.n_out)), stored)
        self.narrow = False
        self.mask = np.zeros((0, 0), np.int64)
        if r is None:
            return
        self.beta[:], self.drive[:] = r.beta, r.sign * r.eta
        self.local = wide(np.zeros((q.n_in, q.n_out)), stored)
        if np.any(q.local_weights):
            self.start = wide(q.local_weights.T, stored)
        if r.mask is not None:
            self.mask = wide(r.mask.T, np.int64)
        top = np.abs(q.local_weights).max() + steps * self.largest_change(r, integer)
        self.never_clips = bool(top < 0.999 * (r.p_top if integer else r.p_max))
        self.narrow = self.never_clips and not integer and r.mask is None and self.local.shape[1] == WIDTH

    def largest_change(self, r: Any, integer: bool) -> float:
        """What a step can add to |P_ij| at the most, rounding included."""
        drive, beta = np.abs(self.drive).max(), np.abs(self.beta).max()
        if integer:
            pre = drive * (VALUE_MAX if self.q.num_message_bits else 1)
            return float(pre * (np.abs(r.table).max() + beta) / 2 ** (FRACTION_BITS + r.eta_exp) + 2)
        return float("inf") if r.rho == "identity" else float(drive * (1 + beta))

    def run(self, s: Array, final: bool) -> tuple[int, int]:
        """A presentation s (T, n_in) into `u` and `spikes`; returns values saturated and entries of P clipped.

        final : whether P is brought to step T for all inputs, and `local` holds it.
        """
        self.rest[:], self.last[:], self.written[:] = 0, -1, False
        if self.narrow:
            self.local[:] = self.start if self.start.size else 0
        layers.slow_sums(s, self.weights, self.slow)
        common = (self.local, self.start, self.mask, self.last, self.written, self.posts, self.drive)
        run = self.run_fixed if self.posts.dtype == np.int64 else self.run_floating
        return run(s, common, self.q.rule is not None and (final or not self.never_clips))

    def run_floating(self, s: Array, common: Any, finish: bool) -> tuple[int, int]:
        """As `run`: a compiled call a step, because rho is numpy's."""
        p, r, clipped = self.p, self.q.rule, 0
        common += (1.0, 0.0) if r is None else (float(r.lambda_), np.inf if self.never_clips else float(r.p_max))
        common += (self.narrow, self.beta)
        neurons = (self.alpha, self.bias, float(p.decay), float(p.vth), p.reset == "subtract")
        given: Any = (s, self.slow, *common, *neurons, self.rest, self.u, self.ratio, self.spikes)
        for m in range(self.steps):
            clipped += layers.step_floating(m, self.k[m], *given)
            if r is not None and (finish or m + 1 < self.steps):
                self.posts[m, : p.size] = RHO[r.rho](self.ratio)
        if finish:
            clipped += layers.finish_floating(self.steps, s, *common)
        return 0, clipped

    def run_fixed(self, s: Array, common: Any, finish: bool) -> tuple[int, int]:
        """As `run`."""
        p, r = self.p, self.q.rule
        common += (0, 0, 1) if r is None else (r.lambda_, r.p_top, FRACTION_BITS + r.eta_exp)
        table = (self.beta, 0) if r is None else (r.table, r.table_scale)
        neurons = (self.alpha, self.bias, p.decay, p.accumulator_shift, p.vth, p.reset == "subtract", self.rest)
        given: Any = (self.k, s, self.slow, *common, *table, self.beta, *neurons, self.u, self.spikes)
        saturated, clipped = layers.run_fixed(*given)
        if finish:
            clipped += layers.finish_fixed(self.steps, s, *common)
        return saturated, clipped


def layerwise(network: Network | IntNetwork) -> list[Layer] | None:
    """The layers of a network that can be presented so, or None."""
    if network.homeostatic:  # a layer's biases are laid out once
        return None
    found = []
    for p in network.ordered:
        into = network.into(p.name)
        q = into[0]
        plain = q.rule is None or (q.learns and q.rule.kernel == HEBBIAN and np.ndim(q.alpha) < 2)
        if len(into) > 1 or network.lag(q) or not plain or p.neuron.kernel != LEAKY:
            return None
        found.append(Layer(p, q, network.k_of(q), network.integer))
    return found


def present_layers(
    network: Network | IntNetwork, layers: list[Layer], source: Array, local_weights: dict[str, Array], final: bool
) -> Record:
    """As presentation.present, by the layers of the network; without `final` local_weights is left alone.

    Spikes and potentials of the record are the layers' memory: the next presentation overwrites them.
    """
    saturated = {f"{p.name}.u": 0 for p in network.populations} | {f"{name}.P": 0 for name in local_weights}
    sent = {network.source.name: source.astype(layers[0].u.dtype, copy=False)}
    record = Record(sent, {}, dict(local_weights), saturated)
    for layer in layers:
        p, q = layer.p, layer.q
        saturated[f"{p.name}.u"], clipped = layer.run(record.spikes[q.source], final)
        record.spikes[p.name], record.u[p.name] = layer.spikes, layer.u
        if q.rule is not None:
            saturated[f"{q.name}.P"] = clipped
            if final:
                local_weights[q.name].T[...] = layer.local[:, : q.n_out]
    return record
