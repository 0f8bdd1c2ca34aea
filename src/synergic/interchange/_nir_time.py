# SPDX-License-Identifier: BSD-3-Clause
"""When spikes arrive: NIR's graphs, whose connections take no time, and ours, of which each takes a step.

In NIR's equations spikes pass a connection at once, and a Delay of D steps in D steps. A loop without a Delay would
need what it is about to compute: its feedback takes the spikes of the step before, as simulators of NIR do it. So each
way between neurons is `due` a number of steps: those of its Delay nodes, or 1 if it is feedback. A way is feedback if
it is part of a loop without a Delay and does not lead away from the Input: the shortest path from the Input to its end
has not more connections than that to its start.

With a clock c of each population, steps behind the source, a projection has the delay

    delay = due + c(target) - c(source) - 1,

which must not be negative. The clocks are the smallest ones for which none is: the longest path from the source, where
a connection counts 1 - due. Then `Network.lag` is `due` for every projection. There are none if a loop of n connections
is due less than n steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import networkx as nx

Ways = dict[str, tuple[str, str, int]]
"""By name of a projection: its source, its target, and a number of steps."""


def feedback(source: str, ways: Ways) -> set[str]:
    """The names of the ways that are feedback. ways : with the steps of their Delay nodes."""
    graph = nx.DiGraph((a, b) for a, b, _ in ways.values())
    graph.add_node(source)
    away = nx.single_source_shortest_path_length(graph, source)
    ends = {name: (a, b) for name, (a, b, steps) in ways.items() if not steps}
    at_once = nx.DiGraph(ends.values())
    loop = {name: i for i, part in enumerate(nx.strongly_connected_components(at_once)) for name in part}
    far = len(graph)
    return {
        name for name, (a, b) in ends.items() if loop[a] == loop[b] and away.get(b, far) <= away.get(a, far)
    }  # fmt: skip


@dataclass
class Clocks:
    """Clocks of populations, as far as there are some. late : by name, steps that a way is due too few."""

    clock: dict[str, int]
    late: dict[str, int] = field(default_factory=dict)
    loops: dict[str, list[str]] = field(default_factory=dict)


def longest(graph: Any, start: str) -> dict[str, int]:
    """The longest path from a node to each that it leads to, in a graph without a loop of positive length."""
    found = nx.single_source_bellman_ford_path_length(graph, start, weight="shorter")
    return {name: -int(steps) for name, steps in found.items()}


def clocks(source: str, ways: Ways) -> Clocks:
    """The smallest clocks. ways : with the steps that each is due, 1 or more for one in each loop."""
    graph: Any = nx.DiGraph()
    found = Clocks({})
    for name in sorted(ways, key=lambda name: ways[name][2] > 0):  # what can be late comes last
        a, b, due = ways[name]
        round_trip = 0 if a == b else longest(graph, b).get(a) if a in graph and b in graph else None
        if round_trip is not None and round_trip + 1 > due:
            found.late[name] = round_trip + 1 - due
            found.loops[name] = [a] if a == b else nx.bellman_ford_path(graph, b, a, weight="shorter")
            due = round_trip + 1
        if a != b and (not graph.has_edge(a, b) or due - 1 < graph[a][b]["shorter"]):
            graph.add_edge(a, b, shorter=due - 1)
    for name in {b for _, b, _ in ways.values()}:
        if not graph.has_edge(source, name) or graph[source][name]["shorter"] > -1:
            graph.add_edge(source, name, shorter=-1)  # a population begins one step behind the source, or later
    found.clock = longest(graph, source)
    return found
