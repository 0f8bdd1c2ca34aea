# SPDX-License-Identifier: BSD-3-Clause
"""The plot of a graph of Lava processes. It asks the processes for their ports, and does not import Lava."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
from matplotlib.axes import Axes

from synergic._core.checks import kinds, require

PORTS = ("in_ports", "out_ports", "ref_ports", "var_ports")
"""Lists of ports that every Lava process has."""


def process_graph(axes: Axes, process: Any, title: str = "") -> Axes:
    """Draw the Lava processes that are connected with one: a box a process, an arrow a connection with its two ports.

    Processes of a column are as many connections behind the sources, by the shortest way. Each box has name, class and
    the shape of the largest port. A dashed arrow is a Monitor, or another process that reads or writes Vars.

    Parameters
    ----------
    axes : Axes
        matplotlib axes to draw on.
    process : AbstractProcess
        Any process of the graph, of synergic or of Lava, before, during or after a run.
    title : str, default ""
        Title of the axes.

    Returns
    -------
    Axes
        The same axes.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind.

    Examples
    --------
    >>> process_graph(plt.figure().add_subplot(), lif)
    """
    kinds("process_graph", axes=(axes, Axes), title=(title, str))
    fits = all(hasattr(process, ports) for ports in PORTS)
    require(fits, "process_graph.process", type(process).__name__, "a Lava process", "Give one of the graph.")
    graph = connections(process)
    place = places(graph)
    ends: dict[tuple[Any, Any], list[str]] = {}
    for a, b, ports in graph.edges(data="ports"):
        ends.setdefault((a, b), []).append(ports)
    for (a, b), ports in ends.items():
        (x, y), (to_x, to_y) = place[a], place[b]
        bend = 0.5 if to_x <= x else 0.1  # a way back goes in an arc
        nx.draw_networkx_edges(
            nx.DiGraph([(a, b)]), place, ax=axes, node_size=3000, edge_color="0.4", connectionstyle=f"arc3,rad={bend}",
            style="dashed" if all("reads" in port for port in ports) else "solid",
        )  # fmt: skip
        middle = (x + to_x + bend * (to_y - y)) / 2, (y + to_y - bend * (to_x - x)) / 2  # of the arc
        back = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
        axes.text(*middle, "\n".join(ports), ha="center", va="center", fontsize=6, color="0.3", bbox=back)
    for node, (x, y) in place.items():
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "0.2"}
        axes.text(x, y, graph.nodes[node]["text"], ha="center", va="center", fontsize=7, bbox=box)
    axes.set(title=title, xticks=[], yticks=[])
    axes.margins(0.15, 0.3)
    axes.set_frame_on(False)
    return axes


def connections(process: Any) -> nx.MultiDiGraph:
    """The processes connected with one, by Lava's number of each, and an edge for every connection of two ports."""
    graph, waiting, found = nx.MultiDiGraph(), [process], {process.id: process}
    while waiting:
        p = waiting.pop()
        sides = [tuple(port.shape) for ports in PORTS for port in getattr(p, ports)]
        shape = "x".join(map(str, max(sides, key=lambda side: math.prod(side), default=())))
        graph.add_node(p.id, text=f"{p.name}\n{type(p).__name__} {shape}".strip())
        others = []
        for port in p.out_ports:
            for target in port.get_dst_ports():
                graph.add_edge(p.id, target.process.id, ports=f"{port.name} to {target.name}")
                others.append(target.process)
        for port in p.ref_ports:
            for target in port.get_dst_ports():
                name = str(target.name).removeprefix("_").removesuffix("_implicit_port")
                graph.add_edge(p.id, target.process.id, ports=f"reads {name}")
                others.append(target.process)
        others += [source.process for port in (*p.in_ports, *p.var_ports) for source in port.get_src_ports()]
        for other in others:
            if other.id not in found:
                found[other.id] = other
                waiting.append(other)
    return graph


def places(graph: nx.MultiDiGraph) -> dict[Any, tuple[float, float]]:
    """A place for each process: columns by the connections behind the sources, rows in the order of making."""
    flow = nx.DiGraph((a, b) for a, b, ports in graph.edges(data="ports") if "reads" not in ports)
    flow.add_nodes_from(graph)
    monitors = {a for a, _, ports in graph.edges(data="ports") if "reads" in ports}
    starts = [n for n in sorted(flow) if not flow.in_degree(n) and n not in monitors] or [min(flow)]
    column = nx.multi_source_dijkstra_path_length(flow, set(starts), weight=None)
    for n in sorted(set(flow) - set(column)):  # Monitors stand behind what they read
        column[n] = 1 + max((column.get(m, 0) for m in graph.successors(n)), default=0)
    rows: dict[int, list[Any]] = {}
    for n in sorted(column):
        rows.setdefault(int(column[n]), []).append(n)
    return {n: (float(x), (len(row) - 1) / 2 - i) for x, row in rows.items() for i, n in enumerate(row)}
