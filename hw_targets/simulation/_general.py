# SPDX-License-Identifier: BSD-3-Clause
"""Local rules and neurons without a compiled form: the cores' loop with their own functions in phases 2 and 3.

Every step, the compiled loop adds up, and fires what neurons it knows, for all samples; then the other neurons' pure
function integrates and fires, and each core's part of P is rewritten by the rule's: the functions that all other
executors call. The same bits, in one thread, and slower.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synergic.errors import UnsupportedError
from synergic.hw_targets.simulation import kernels
from synergic.hw_targets.simulation._program import is_general, soma_form
from synergic.network._quantise import IntNetwork, IntProjection
from synergic.neurons._neuron_kernels import LEAKY
from synergic.numerics import fixed

Array = npt.NDArray[Any]


def general_targets(net: IntNetwork) -> tuple[str, ...]:
    """Populations of such neurons, and those whose potentials such a rule needs: these must be recorded."""
    own = [p.name for p in net.populations if soma_form(p) == kernels.GENERAL]
    return tuple(dict.fromkeys([*own, *(p.target for p in net.projections if is_general(p))]))


def check_general(net: IntNetwork, local_memory: str, across: str, faults: Any, random_masks: Any) -> None:
    """Refuse, by name, what only the compiled rule and neurons can do."""
    for population in net.populations:
        neuron, where = type(population.neuron).__name__, f"for {population.name}, allowed"
        if population.neuron.kernel != LEAKY and population.name in random_masks:
            raise UnsupportedError(
                f"simulate_on_chip.random_masks: got one {where} none with {neuron}: random bits are added to the "
                "threshold of the plain neuron. Leave it out."
            )
        for name, got, fine in (("across", across, "samples"), ("faults", faults and "faults", None)):
            if soma_form(population) == kernels.GENERAL and got != fine:
                raise UnsupportedError(
                    f"simulate_on_chip.{name}: got {got!r} {where} {fine!r} with {neuron}: it is not compiled. Leave "
                    "it out, or use another neuron."
                )
    asked = {
        "local_memory": (local_memory, local_memory != "matrix", "'matrix'"),
        "across": (across, across != "samples", "'samples'"),
        "faults": ("faults", faults is not None, "None"),
        "random_masks": (sorted(random_masks), bool(random_masks), "none"),
    }
    for p in net.projections:
        for name, (got, refused, allowed) in asked.items():
            if is_general(p) and refused:
                raise UnsupportedError(
                    f"simulate_on_chip.{name}: got {got!r} for {p.name}, allowed {allowed} with "
                    f"{type(p.rule).__name__}: only the Hebbian rule is compiled. Leave it out, or use that rule."
                )


class Part(NamedTuple):
    """A tile that learns: its number and head, rows and columns, and where its data is in the arrays of a State."""

    projection: IntProjection
    head: int
    rows: slice
    columns: slice
    local: int
    axon: int
    probe: int


def parts_of(net: IntNetwork, layout: Any, program: Any) -> list[Part]:
    """The tiles that learn by such a rule."""
    projections = {p.name: p for p in net.projections}
    parts = []
    for i, tile in enumerate(layout.tiles):
        p, entry = projections[tile.projection], program.tiles[i]
        if is_general(p):
            rows, columns = tile.slices
            probe = layout.probed[p.target] + rows.start
            parts.append(Part(p, layout.tile_head[i], rows, columns, int(entry["local"]), int(entry["axon"]), probe))
    return parts


class Somas(NamedTuple):
    """The soma cores of a piece of a population: their number, neurons, and the position of their data in a State."""

    population: Any
    number: int
    rows: slice
    neurons: slice
    sums: slice
    probe: slice


def somas_of(net: IntNetwork, layout: Any, program: Any) -> list[Somas]:
    """The soma cores of neurons that are not compiled."""
    found = []
    for g, (name, (first, last)) in enumerate(layout.groups):
        group, size = program.groups[g], last - first
        if group["soma"] == kernels.GENERAL:
            places = (slice(int(group[key]), int(group[key]) + size) for key in ("neuron", "sums", "probe"))
            found.append(Somas(net.population(name), g, slice(first, last), *places))
    return found


def fire(soma: Somas, state: Any, bias: Array, samples: slice, t: int, m: int, extra: Any) -> Any:
    """Phase 2 of one soma core, by Neuron.update. Returns the neuron's arrays other than u."""
    p, n = soma.population, soma.population.neuron
    told = SimpleNamespace(
        vth=p.vth, decay=p.decay, bias=bias[soma.neurons], reset=p.reset, accumulator_shift=p.accumulator_shift
    )
    left, sums = state.u[samples, soma.neurons].astype(np.int64), state.acc[samples, soma.sums]
    u, sent, after, extra, saturated = n.update(left, extra, sums, told, n.values_at(n.values, soma.rows))
    state.u[samples, soma.neurons], state.sent[samples, t, soma.neurons] = after, sent
    state.u_log[samples, m - 1, soma.probe] = u
    state.saturated[samples.start, soma.number] += saturated
    return extra


def run_general(net: IntNetwork, layout: Any, program: Any, state: Any, packet_loss: Any, signal: Array) -> None:
    """All steps of all samples; one after another where they share one P. signal : (samples, T)."""
    parts, somas, n = parts_of(net, layout, program), somas_of(net, layout, program), len(state.sent)
    shared = len(state.local) < n
    for first, last in [(i, i + 1) for i in range(n)] if shared else [(0, n)]:
        extra = [
            q.projection.rule.fresh(q.rows.stop - q.rows.start, q.columns.stop - q.columns.start, (last - first,))
            for q in parts
            if q.projection.rule is not None
        ]
        beside = [q.population.neuron.fresh(q.rows.stop - q.rows.start, (last - first,)) for q in somas]
        for t in range(1, state.sent.shape[1]):
            kernels.run_step(program, state, packet_loss, first, last, t)
            for i, soma in enumerate(somas):
                m = t - net.onsets[soma.population.name]
                if 1 <= m <= net.steps:
                    beside[i] = fire(soma, state, program.bias, slice(first, last), t, m, beside[i])
                    kernels.learn_behind(program, state, packet_loss, soma.number, first, last, t)
            for i, part in enumerate(parts):
                m = t - net.onsets[part.projection.target]
                if 1 <= m <= net.steps:
                    samples = slice(0, 1) if shared else slice(first, last)
                    now = signal[first:last, m - 1, None]
                    extra[i] = learn(part, state, samples, slice(first, last), t, m, extra[i], now)


def learn(part: Part, state: Any, owners: slice, samples: slice, t: int, m: int, extra: Any, signal: Array) -> Any:
    """Phase 3 of one tile. owners : whose P it is; samples : whose spikes. Returns the rule's extra arrays."""
    p, rows, columns = part.projection, part.rows.stop - part.rows.start, part.columns.stop - part.columns.start
    assert p.rule is not None
    block = state.local[owners, part.local : part.local + rows * columns].reshape(-1, columns, rows).transpose(0, 2, 1)
    s = state.sent[samples, max(t - 1 - p.delay, 0), part.axon : part.axon + columns].astype(np.int64)
    u = state.u_log[samples, m - 1, part.probe : part.probe + rows].astype(np.int64)
    theta = p.rule.values_at(p.rule.values, part.rows, part.columns)
    mask = None if p.rule.mask is None else p.rule.mask[part.rows, part.columns]
    new, extra, clipped = p.rule.update(fixed, block.astype(np.int64), extra, s, u, signal, theta, None, mask)
    state.local[owners, part.local : part.local + rows * columns] = new.transpose(0, 2, 1).reshape(len(new), -1)
    state.clipped[samples.start, part.head] += clipped
    return extra
