# SPDX-License-Identifier: BSD-3-Clause
"""Speed of mapping and quality of placement, a part of benchmarks/chip.py (alone: --only-mapping, about a minute).

map_s_156, map_s_15600 : seconds of map_network for networks that fill one tianjic, and 10 x 10 of them; the first one
the median of three, after one that compiles. check_s_15600 : seconds of the independent checker on the latter.
estimate_s_15600 : seconds of estimate.
placement_gap : largest excess of annealing over the optimum, by trying all placements, of CASES random cases of up to 9
cores on 3 x 3 places, a share of the optimum. placement_gain : smallest saving of weighted hops over first-fit on the
networks of the paper, a share.
"""

from __future__ import annotations

import copy
import itertools
import statistics
import time
from typing import Any

import numpy as np
from scipy.sparse import csr_array

import synergic as sy
from synergic.hw_targets.mapping import PLACEMENTS, check_mapping, estimate, map_network
from synergic.hw_targets.mapping._traffic import flows, traffic, weighted_hops
from synergic.network import IntPopulation, IntProjection
from synergic.network._quantise import IntGraph

WIDTH = 256
INTO = 3
"""Populations that each population of a filling network hears, each a core."""
CASES = 40
PAPER = {"784-512-10": (784, 512, 10), "2312-512-10": (2312, 512, 10), "784-1024-1024-10": (784, 1024, 1024, 10)}
LOCAL_BITS = 14


def filling_network(cores: int, seed: int = 0) -> IntGraph:
    """A graph that takes exactly so many cores of a tianjic, each full: populations of 256, each hearing three others.

    Populations are points on a square in random order, and hear their nearest neighbours: a good placement exists, and
    the order of the description does not show it. All projections hold the same weights, read-only, to save memory.
    """
    count = cores // INTO
    rng = np.random.default_rng(seed)
    points = rng.random((count, 2))
    populations = tuple(
        IntPopulation(f"p{i}", WIDTH, 1000, 2048, "subtract", np.zeros(WIDTH, np.int64), 1.0) for i in range(count)
    )
    weights = rng.integers(-128, 128, (WIDTH, WIDTH))
    model = IntProjection("model", "p0", "p0", weights, None, 0, None, "frozen", 8)
    projections = []
    for i in range(count):
        distance = ((points - points[i]) ** 2).sum(axis=1)
        distance[i] = np.inf
        nearest = np.argpartition(distance, INTO)[:INTO] if count > INTO else np.arange(count)
        for j in nearest.tolist():
            one = copy.copy(model)
            for name, value in (("name", f"c{j}.{i}"), ("source", f"p{j}"), ("target", f"p{i}")):
                object.__setattr__(one, name, value)
            projections.append(one)
    return IntGraph(populations, tuple(projections))


def paper_network(sizes: tuple[int, ...], seed: int = 0) -> Any:
    """A network of the paper's shape, all layers plastic (HP), random weights."""
    rng = np.random.default_rng(seed)
    names = ["in", *(f"layer{i}" for i in range(1, len(sizes)))]
    populations = tuple(sy.Population(n, size, 0.5, 0.5) for n, size in zip(names[1:], sizes[1:], strict=True))
    rule = sy.Hebbian(0.01, 0.0)
    projections = tuple(
        sy.Projection(f"c{i}", names[i], names[i + 1], rng.normal(0, 0.05, (n_out, n_in)), rule, 0.1)
        for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes))
    )
    source = sy.Source("in", sizes[0])
    return sy.quantise(sy.Network(source, populations, projections, names[-1], 10), local_bits=LOCAL_BITS)


def timed(what: Any) -> tuple[float, Any]:
    """Seconds, and the result."""
    start = time.perf_counter()
    result = what()
    return time.perf_counter() - start, result


def optimum(between: csr_array, columns: int, places: int) -> float:
    """The least weighted hops of all ways to place the cores, each way tried."""
    pairs = between.tocoo()
    ways = np.array(list(itertools.permutations(range(places), between.shape[0])), np.int8)
    y, x = np.divmod(ways, columns)
    cost = np.zeros(len(ways))
    for a, b, packets in zip(pairs.row, pairs.col, pairs.data, strict=True):
        if a < b:
            cost += packets * (np.abs(x[:, a] - x[:, b]) + np.abs(y[:, a] - y[:, b]))
    return float(cost.min())


def random_traffic(rng: np.random.Generator, cores: int) -> csr_array:
    """Symmetric traffic between some of the pairs of cores."""
    matrix = np.triu(rng.integers(1, 257, (cores, cores)) * (rng.random((cores, cores)) < rng.uniform(0.2, 1)), 1)
    return csr_array((matrix + matrix.T).astype(float))


def gap(placement: str, cases: int = CASES) -> float:
    """The largest excess over the optimum, a share."""
    rng = np.random.default_rng(7)
    worst = 0.0
    for i in range(cases):
        between = random_traffic(rng, 4 + i % 6)
        slots = PLACEMENTS[placement](between, np.arange(9), 3, 0)
        best = optimum(between, 3, 9)
        worst = max(worst, weighted_hops(between, slots, 3) / best - 1 if best else 0.0)
    return worst


def gains(placement: str) -> dict[str, float]:
    """By network, the saving of weighted hops over first-fit, a share."""
    found = {}
    for name, sizes in PAPER.items():
        network = paper_network(sizes)
        hops = {}
        for way in (placement, "first_fit"):
            mapping = map_network(network, placement=way, chips=(1, 1))
            between = traffic(flows(network, mapping.tiles), mapping.cores)
            hops[way] = weighted_hops(between, mapping.slots, int(mapping.chip.columns))
        found[name] = 1 - hops[placement] / hops["first_fit"]
    return found


def mapping_figures() -> dict[str, float]:
    """The figures; `map_s_*` include estimate, partition, annealing and routing."""
    figures: dict[str, float] = {}
    small, large = filling_network(156), filling_network(15600)
    map_network(small)  # compiles
    times = [timed(lambda: map_network(small))[0] for _ in range(3)]
    figures["map_s_156"] = statistics.median(times)
    figures["estimate_s_15600"], needs = timed(lambda: estimate(large, chips=(10, 10)))
    assert needs.cores == needs.available == 15600
    figures["map_s_15600"], mapping = timed(lambda: map_network(large, chips=(10, 10)))
    assert mapping.cores == mapping.chip.cores
    figures["check_s_15600"], wrong = timed(lambda: check_mapping(mapping))
    assert not wrong, wrong[:3]
    between = traffic(flows(large, mapping.tiles), mapping.cores)
    first = weighted_hops(between, np.arange(15600), int(mapping.chip.columns))
    figures["gain_15600"] = 1 - weighted_hops(between, mapping.slots, int(mapping.chip.columns)) / first
    figures["placement_gap"] = gap("annealing")
    by_network = gains("annealing")
    figures["placement_gain"] = min(by_network.values())
    figures |= {f"placement_gain {name}": value for name, value in by_network.items()}
    for other in ("greedy", "quadratic_assignment"):
        figures[f"placement_gap of {other}"] = gap(other)
        figures[f"placement_gain of {other}"] = min(gains(other).values())
    return figures
