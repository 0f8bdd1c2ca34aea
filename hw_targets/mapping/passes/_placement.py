# SPDX-License-Identifier: BSD-3-Clause
"""The pass `placement`: a place on the grid for every core, so that packets have few hops.

The cost is `weighted_hops`: packets of a step times Manhattan distance, a quadratic assignment problem. Four
ways to a solution, compared in tests with the optimum of small cases:

first_fit : cores row by row in their order, no optimisation.
greedy : the core with most traffic to those already placed goes next, where that traffic has least hops.
quadratic_assignment : scipy's approximation (fast approximate QAP, then exchanges of pairs); up to 160 cores.
annealing : greedy, then simulated annealing by exchange of two positions, one of which may be free; compiled.

All are deterministic by seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import quadratic_assignment as scipy_assignment
from scipy.sparse import csr_array

from synergic._core.checks import require
from synergic.hw_targets.mapping._mapping_data import Slots
from synergic.hw_targets.mapping._traffic import traffic, weighted_hops
from synergic.hw_targets.mapping.passes._pass import MappingState, Pass
from synergic.numerics._compiler import cached_jit

jit = cached_jit(nogil=True)
MOST_ASSIGNED, SPARE = 160, 16
"""The most cores for which scipy takes seconds, not minutes; and how many free places it may use beside."""
TEMPERATURES = 60
EFFORT = 60.0
"""Exchanges tried at a temperature: EFFORT x cores^(4/3), the exponent usual for placement of circuits."""
LEAST, MOST = 100, 1_000_000
"""Exchanges tried at a temperature at least and at most: the latter make about 15 s of one processor."""
HOT, WARM = 0.3, 0.02
"""First temperature, as a share of the mean change of cost by an exchange. Hot forgets the start. Where MOST are too
few for that, warm improves the greedy placement, by exchanges over at most NEAR positions."""
NEAR = 10
COOLEST = 1e-3
"""Last temperature over the first."""
RESTARTS_BELOW = 16
"""So few cores are annealed RESTARTS times, and the best is taken: 20 ms, and nearly always the optimum."""
RESTARTS = 3
FREE, DEAD = -1, -2
"""What is at a place without a core."""


def first_fit(between: csr_array, free: Slots, columns: int, seed: int) -> Slots:
    """Take the first free positions, row by row."""
    return free[: between.shape[0]].copy()


def greedy(between: csr_array, free: Slots, columns: int, seed: int) -> Slots:
    """Place one core after the other, near its partners, from the middle of the free positions."""
    rows = -(-(int(free.max()) + 1) // columns)
    return np.asarray(
        place_greedily(
            between.indptr.astype(np.int64), between.indices.astype(np.int64), between.data, free, columns, rows
        )
    )


def quadratic_assignment(between: csr_array, free: Slots, columns: int, seed: int) -> Slots:
    """Run scipy's approximation, its result improved by exchanges of pairs. Raises ParameterError for many cores."""
    n = between.shape[0]
    allowed = f"up to {MOST_ASSIGNED} cores, which took 6 s on a processor of 2026"
    require(n <= MOST_ASSIGNED, "placement", f"{n} cores", allowed, "Use placement='annealing'.")
    free = nearest_places(free, columns, n + SPARE)
    places = len(free)
    rng, flow = np.random.default_rng(seed), np.zeros((places, places))
    flow[:n, :n] = between.toarray()
    y, x = np.divmod(free, columns)
    distance = np.abs(x[:, None] - x) + np.abs(y[:, None] - y)
    rough = scipy_assignment(flow, distance, method="faq", options={"rng": rng})
    guess = np.stack([np.arange(places), rough.col_ind], axis=1)
    fine = scipy_assignment(flow, distance, method="2opt", options={"rng": rng, "partial_guess": guess})
    return free[fine.col_ind[:n]]


def nearest_places(free: Slots, columns: int, count: int) -> Slots:
    """The free positions nearest to their own middle, ascending: what cores use, and not all of a large grid."""
    if len(free) <= count:
        return free
    y, x = np.divmod(free, columns)
    away = np.abs(x - np.median(x)) + np.abs(y - np.median(y))
    return np.sort(free[np.argsort(away, kind="stable")[:count]])


def annealing(between: csr_array, free: Slots, columns: int, seed: int) -> Slots:
    """Anneal from the greedy placement; the result is never worse than that, or than first-fit."""
    n = between.shape[0]
    start = greedy(between, free, columns, seed)
    if n < 2 or between.nnz == 0:
        return start
    wanted = EFFORT * n ** (4 / 3)
    moves, hot = int(np.clip(wanted, LEAST, MOST)), wanted <= MOST
    first, window = (HOT, float(free.max())) if hot else (WARM, float(NEAR))
    rng = np.random.default_rng(seed)
    indptr, indices = between.indptr.astype(np.int64), between.indices.astype(np.int64)
    found = [start, first_fit(between, free, columns, seed)]
    for _ in range(RESTARTS if n < RESTARTS_BELOW else 1):
        schedule = (moves, TEMPERATURES, first, COOLEST, window)
        found.append(anneal(indptr, indices, between.data, start, free, columns, *schedule, rng))
    best: Slots = min(found, key=lambda slots: weighted_hops(between, slots, columns))
    return best


PLACEMENTS: dict[str, Callable[[csr_array, Slots, int, int], Slots]] = {
    "first_fit": first_fit,
    "greedy": greedy,
    "quadratic_assignment": quadratic_assignment,
    "annealing": annealing,
}
"""By name: traffic between cores, free positions ascending, columns of the grid, seed -> position of each core."""


class Placement(Pass):
    """Find a position on the grid for each core, near the cores with which it exchanges packets.

    Options: `placement`, `seed`, `rate`. Needs `state.tiles` and `state.copies`, sets `state.slots`.
    """

    name = "placement"
    what = "A place on the grid for each core."
    needs_fit = True

    def __call__(self, state: MappingState) -> MappingState:
        """Place the cores."""
        asked = state.options
        between = traffic(state.flows(), state.cores, asked.rate)
        slots = PLACEMENTS[asked.placement](between, state.grid.free_slots(), state.grid.columns, asked.seed)
        return replace(state, slots=slots)


@jit
def place_greedily(indptr: Any, indices: Any, data: Any, free: Any, columns: int, rows: int) -> Any:
    """Return positions (cores,), chosen one core after the other."""
    n = len(indptr) - 1
    is_free = np.zeros(rows * columns, np.bool_)
    is_free[free] = True
    slots = np.full(n, -1, np.int64)
    pull = np.zeros(n)  # traffic with cores already placed
    total = np.zeros(n)
    for core in range(n):
        total[core] = data[indptr[core] : indptr[core + 1]].sum()
    middle = free[len(free) // 2]
    for _ in range(n):
        core = most_pulled(slots, pull, total)
        x, y = middle_of_neighbours(indptr, indices, data, slots, columns, core)
        if x < 0:
            x, y = middle % columns, middle // columns
        slots[core] = best_place(indptr, indices, data, slots, is_free, columns, rows, core, x, y)
        is_free[slots[core]] = False
        for i in range(indptr[core], indptr[core + 1]):
            pull[indices[i]] += data[i]
    return slots


@jit
def most_pulled(slots: Any, pull: Any, total: Any) -> int:
    """Return the core without a place that has most traffic with placed ones; of equal ones that with most traffic."""
    core = -1
    for c in range(len(slots)):
        if slots[c] < 0:
            more = core < 0 or pull[c] > pull[core] or (pull[c] == pull[core] and total[c] > total[core])
            core = c if more else core
    return core


@jit
def middle_of_neighbours(indptr: Any, indices: Any, data: Any, slots: Any, columns: int, core: int) -> Any:
    """Return (x, y), the mean position of a core's placed neighbours, weighted by traffic; (-1, -1) without any."""
    weight, x, y = 0.0, 0.0, 0.0
    for i in range(indptr[core], indptr[core + 1]):
        other = slots[indices[i]]
        if other >= 0:
            weight += data[i]
            x += data[i] * (other % columns)
            y += data[i] * (other // columns)
    return (np.int64(x / weight + 0.5), np.int64(y / weight + 0.5)) if weight > 0 else (np.int64(-1), np.int64(-1))


@jit
def hops_from(indptr: Any, indices: Any, data: Any, slots: Any, columns: int, core: int, x: int, y: int) -> float:
    """Return traffic times distance of a core at (x, y) to the cores already placed."""
    cost = 0.0
    for i in range(indptr[core], indptr[core + 1]):
        other = slots[indices[i]]
        if other >= 0:
            cost += data[i] * (abs(other % columns - x) + abs(other // columns - y))
    return cost


@jit
def best_place(
    indptr: Any, indices: Any, data: Any, slots: Any, is_free: Any, columns: int, rows: int, core: int, x0: int, y0: int
) -> int:
    """Return the best free place in the first ring (equal distance) around (x0, y0) with one, and two more rings."""
    best, best_cost = -1, np.inf
    radius, last = 0, rows + columns
    while radius <= last:
        for x in range(max(0, x0 - radius), min(columns, x0 + radius + 1)):
            away = radius - abs(x - x0)
            for y in (y0 - away, y0 + away):
                if 0 <= y < rows and is_free[y * columns + x]:
                    cost = hops_from(indptr, indices, data, slots, columns, core, x, y)
                    if cost < best_cost:
                        best, best_cost = y * columns + x, cost
                    last = min(last, radius + 2)
        radius += 1
    return best


@jit
def moved(indptr: Any, indices: Any, data: Any, slots: Any, columns: int, core: int, other: int, to: int) -> float:
    """Return the change of cost if `core` goes to `to`; its distance to `other`, its partner in the exchange, stays."""
    before = slots[core]
    x0, y0, x1, y1 = before % columns, before // columns, to % columns, to // columns
    change = 0.0
    for i in range(indptr[core], indptr[core + 1]):
        c = indices[i]
        if c != other:
            x, y = slots[c] % columns, slots[c] // columns
            change += data[i] * (abs(x - x1) + abs(y - y1) - abs(x - x0) - abs(y - y0))
    return change


@jit
def exchange(indptr: Any, indices: Any, data: Any, slots: Any, at: Any, columns: int, core: int, to: int) -> float:
    """Return the change of cost if a core goes to a place, and the core there, if any, comes to its own."""
    other = at[to]
    change = moved(indptr, indices, data, slots, columns, core, other, to)
    if other >= 0:
        change += moved(indptr, indices, data, slots, columns, other, core, slots[core])
    return change


@jit
def draw_place(slots: Any, at: Any, columns: int, rows: int, core: int, window: float, rng: Any) -> int:
    """Return a random place within the window around a core's own; -1 if it is off the grid, dead or the core's own."""
    reach = int(window)
    x = slots[core] % columns + rng.integers(-reach, reach + 1)
    y = slots[core] // columns + rng.integers(-reach, reach + 1)
    if x < 0 or x >= columns or y < 0 or y >= rows:
        return -1
    to = y * columns + x
    return -1 if at[to] == DEAD or at[to] == core else to


@jit
def mean_change(
    indptr: Any, indices: Any, data: Any, slots: Any, at: Any, columns: int, rows: int, window: float, rng: Any
) -> float:
    """Return the mean |change| of cost by a random exchange."""
    total, tried = 0.0, 0
    for _ in range(20 * len(slots)):
        core = rng.integers(0, len(slots))
        to = draw_place(slots, at, columns, rows, core, window, rng)
        if to >= 0:
            total += abs(exchange(indptr, indices, data, slots, at, columns, core, to))
            tried += 1
    return total / max(1, tried)


@jit
def anneal(
    indptr: Any,
    indices: Any,
    data: Any,
    start: Any,
    free: Any,
    columns: int,
    moves: int,
    temperatures: int,
    hottest: float,
    coolest: float,
    window: float,
    rng: Any,
) -> Any:
    """Return positions (cores,) after `moves` exchanges tried at each of `temperatures` temperatures.

    Temperatures fall by a factor. At last comes temperature 0, where only what is no worse is accepted.

    The first temperature is `hottest` x the mean |change| of cost by an exchange, the last `coolest` x the first.
    The window from which the position of an exchange is drawn follows the share of exchanges accepted (0.44 is best:
    Lam and Delosme).
    """
    n, slots = len(start), start.copy()
    rows = free.max() // columns + 1
    widest = float(max(rows, columns))
    window = min(window, widest)
    at = np.full(rows * columns, DEAD, np.int64)  # the core at each place
    at[free] = FREE
    for core in range(n):
        at[slots[core]] = core
    temperature = hottest * mean_change(indptr, indices, data, slots, at, columns, rows, window, rng)
    factor = coolest ** (1.0 / max(1, temperatures - 1))
    for step in range(temperatures + 1):
        accepted = 0
        for _ in range(moves):
            core = rng.integers(0, n)
            to = draw_place(slots, at, columns, rows, core, window, rng)
            if to < 0:
                continue
            change = exchange(indptr, indices, data, slots, at, columns, core, to)
            if change <= 0 or (temperature > 0 and rng.random() < np.exp(-change / temperature)):
                before, other = slots[core], at[to]
                slots[core], at[to], at[before] = to, core, other
                if other >= 0:
                    slots[other] = before
                accepted += 1
        window = min(max(window * (0.56 + accepted / moves), 1.0), widest)
        temperature = temperature * factor if step < temperatures - 1 else 0.0
    return slots
