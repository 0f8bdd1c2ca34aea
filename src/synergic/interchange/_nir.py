# SPDX-License-Identifier: BSD-3-Clause
"""NIR graphs (neuroir.org; the package `nir`), both ways. Source of the node equations: the docstrings of nir 1.0.

NIR's neuron is continuous in time,

    tau dv/dt = (v_leak - v) + r I,     spike and v := v_reset where v > v_threshold,

synergic's neuron is discrete in time: u(m) = d u(m-1) + I(m) + b. With I constant over a step of dt,
u = v - v_reset and v_th = v_threshold - v_reset,

    d = 1 - dt/tau  (method "euler", what most simulators of NIR do)  or  d = exp(-dt/tau)  (method "exact"),
    u(m) = d u(m-1) + (1 - d) (r I(m) + v_leak - v_reset),

so weights are multiplied by the gain g = (1 - d) r, and b = g b_affine + (1 - d) (v_leak - v_reset). IF, dv/dt = r I,
has d = 1, g = r dt and no leak. CubaLIF is LIF with weights times w_in where its current has no dynamics: tau_syn = 0,
or tau_syn = dt with "euler". Else, with "euler", it is a CurrentLIF, d_i = 1 - dt/tau_syn, with weights times
(1 - d_i) w_in: the current steps first, and the potential receives the new one. A spike is a current of 1 over one
step; a presentation begins at v = v_reset.
Thresholds that differ within a node are made one by scaling each neuron's row; that changes no spike.

Poolings are linear and have no neurons: one between neurons is a projection, one before or behind a Linear, Affine or
Conv2d is multiplied with it.

Connections take no time, as in NIR, however many lead from the Input to a neuron; a Delay takes its own, and feedback
without one takes a step: `synergic.interchange._nir_time` has the delays of projections with which this is so.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, kind, number, require, whole
from synergic._core.moved import FILE_KEYS
from synergic._core.refusals import Refusals
from synergic.errors import FormatError, ParameterError
from synergic.interchange._export_issues import plastic_issues, refuse_issues
from synergic.interchange._nir_file import read
from synergic.interchange._nir_neurons import (
    CLOSE,
    KEY,
    NEURONS,
    check_representable,
    neuron_node,
    plain,
)
from synergic.interchange._nir_reader import Reader
from synergic.interchange._nir_shapes import check_shapes
from synergic.network._description import READOUTS, RESETS, Network, Projection
from synergic.neurons import LIF

Array = npt.NDArray[np.float64]
VERSION = 1
METHODS = ("euler", "exact")


def nir_export_issues(network: Network) -> tuple[str, ...]:
    """List what other readers of `to_nir(network)` do not see.

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    tuple of str
        A sentence for each thing, such as local weights; empty where nothing is lost.
    """
    kind("nir_export_issues.network", network, Network, "NIR has real parameters: give the network before quantise().")
    lost = plastic_issues(network)
    lost += [f"{p.name}.reset: by subtraction; NIR has a reset to a value" for p in network.populations
             if p.reset == "subtract"]  # fmt: skip
    if np.isfinite(network.tau_w):
        lost.append(f"Network.tau_w: slow weights decay with {network.tau_w:g}")
    return tuple(lost)


def wait_of(network: Network, q: Projection) -> int:
    """Steps of the Delay that a projection needs in NIR, where a population's feedback to itself takes one anyway."""
    lag = network.lag(q)
    return 0 if q.source == q.target and lag == 1 else lag


def to_nir(network: Network, dt: float = 1e-3, lossy: bool = False) -> nir.NIRGraph:
    """Convert a network to a NIR graph, in seconds.

    A projection becomes Affine or Linear, a population LIF, IF or CubaLIF. With d the decay in a step of dt seconds,

        tau = dt / (1 - d),  r = 1 / (1 - d),  and for d = 1 an IF with r = 1 / dt.

    Biases are in the Affine of the first projection into a population. Where spikes arrive `Network.lag` steps late, a
    Delay is before the weights; a population's feedback to itself takes one step in NIR without.

    Parameters
    ----------
    network : Network
        The network.
    dt : float, default 1e-3
        Seconds of a step, greater than 0.
    lossy : bool, default False
        Whether to convert a network that has `nir_export_issues` too. They are stored in the metadata, so that
        `from_nir` returns an equal network; other readers ignore them.

    Returns
    -------
    nir.NIRGraph
        The graph; nir.write makes a file of it.

    Raises
    ------
    ParameterError
        If an argument is out of its range.
    UnsupportedError
        If NIR has no place for something and `lossy` is False; the message names all of it.
    """
    refuse_issues("to_nir", issues := nir_export_issues(network), lossy)
    check_parts(network, Refusals())
    number("to_nir.dt", dt, 0, 1e6, "It is the length of a step in seconds.", open_low=True)
    nodes: dict[str, nir.NIRNode] = {network.source.name: nir.Input(np.array([network.source.size]))}
    edges = []
    for p in network.populations:
        nodes[p.name] = neuron_node(p, dt)
        for i, q in enumerate(network.into(p.name)):
            # Behind a current a bias is in v_leak: NIR's Affine would let it flow into the current.
            nodes[q.name] = linear_node(q, p.bias if i == 0 and isinstance(p.neuron, LIF) else np.zeros(p.size))
            edges += [(q.source, q.name), (q.name, p.name)]
    for q in network.projections:
        if due := wait_of(network, q):
            wait = f"{q.name}_delay"
            while wait in nodes:
                wait += "_node"
            nodes[wait] = nir.Delay(np.full(q.n_in, due * dt))
            edges.remove((q.source, q.name))
            edges += [(q.source, wait), (wait, q.name)]
    end = "output"
    while end in nodes:  # readers know it by its type
        end += "_node"
    nodes[end] = nir.Output(np.array([network.population(network.output).size]))
    edges.append((network.output, end))
    return nir.NIRGraph(nodes, edges, metadata={KEY: graph_metadata(network, dt, issues)})


def check_parts(network: Network, refusals: Refusals) -> None:
    """Refuse, with or without a loss, what NIR cannot represent: some neurons."""
    for p in network.populations:
        with refusals.part():
            check_representable(p)


def graph_metadata(network: Network, dt: float, issues: tuple[str, ...]) -> dict[str, Any]:
    """What the network has beyond its graph; the order of its parts too, which HDF5 does not keep."""
    order = {"populations": network.populations, "projections": network.projections}
    return {
        "version": VERSION,
        "step_s": dt,
        "dt": network.dt,
        "tau_w": network.tau_w,
        "steps": network.steps,
        "readout": network.readout,
        "num_message_bits": network.source.num_message_bits,
        "losses": json.dumps(issues),
        "delays": json.dumps({q.name: int(q.delay) for q in network.projections}),
        "onsets": json.dumps({p.name: p.onset if p.onset is None else int(p.onset) for p in network.populations}),
        **{name: json.dumps([p.name for p in parts]) for name, parts in order.items()},
    }


def linear_node(q: Projection, bias: Array) -> nir.NIRNode:
    """A projection as Linear, or as Affine where its target has a bias."""
    ours: dict[str, Any] = {}
    if q.rule is not None:
        rule_type: Any = type(q.rule)
        given = {f.name: getattr(q.rule, f.name) for f in fields(rule_type)}
        rule = {name: plain(value) for name, value in given.items() if value is not None}
        rule["type"] = rule_type.__name__
        ours = {
            "alpha": plain(q.alpha),
            "local_weights": q.local_weights,
            "plasticity_scope": q.plasticity_scope,
            "memory": q.memory,
            "rule": rule,
        }
    if q.convolution is not None:
        ours["convolution"] = {
            FILE_KEYS.get(name, name): plain(np.array(value)) for name, value in asdict(q.convolution).items()
        }
    if not q.fades:
        ours["fades"] = False
    own, weights = {KEY: ours} if ours else {}, np.array(q.weights)
    return nir.Affine(weights, np.array(bias), metadata=own) if bias.any() else nir.Linear(weights, metadata=own)


def from_nir(
    graph: nir.NIRGraph | str | Path,
    dt: float | None = None,
    steps: int | None = None,
    readout: str | None = None,
    method: str = "euler",
    lossy: bool = False,
    reset: str | None = None,
) -> Network:
    """Convert a NIR graph to a network.

    The graph has one Input and one Output, and nodes Linear, Affine, Conv2d, SumPool2d, AvgPool2d, Delay, LIF, IF and
    CubaLIF. A Flatten passes through. A graph without the metadata of `to_nir` has no local weights.

    Step m of every population is step m of NIR's equations, in which connections take no time, a Delay takes its own
    and feedback without a Delay takes one step. So skips, recurrent neurons and delays run exactly. A loop over n
    populations takes n steps at least: from 2 on, it is refused unless its Delay nodes have n steps or more together.

    Parameters
    ----------
    graph : nir.NIRGraph, str or Path
        The graph, or a file that nir.write made.
    dt : float or None, default None
        Seconds of a step. None: what `to_nir` stored in the graph.
    steps : int or None, default None
        Steps T of a presentation. None: what `to_nir` stored in the graph.
    readout : {"rank", "rate"} or None, default None
        None: what `to_nir` stored in the graph, else "rate".
    method : {"euler", "exact"}, default "euler"
        How a time constant becomes the decay of a step: d = 1 - dt / tau, or d = exp(-dt / tau).
    lossy : bool, default False
        Whether to read a graph with loops whose spikes come late, or with delays that are rounded to steps.
    reset : {"zero", "subtract"} or None, default None
        What a spike does to the potential. NIR's neurons go to v_reset, "zero" here. Simulators that subtract the
        threshold, as snnTorch's Leaky by default, lose that in their export: say "subtract" for them. None: what
        `to_nir` stored in the graph, else "zero", with a warning where v_reset is 0.

    Returns
    -------
    Network
        The network, in floating point.

    Raises
    ------
    UnsupportedError
        If a node has no counterpart, or spikes would come late and `lossy` is False; the message names the node.
    FormatError
        If the graph or the file contradicts itself.
    ParameterError
        If an argument is out of its range, is missing, or is not what the graph says.

    Warns
    -----
    UserWarning
        If the graph cannot say whether a spike subtracts the threshold, or if IF neurons would hardly ever fire.
    """
    kind("from_nir.lossy", lossy, bool, "True reads loops late.")
    choice("from_nir.method", method, METHODS)
    graph = read(graph) if isinstance(graph, str | Path) else graph
    network = read_nir(graph, dt, steps, readout, method, Refusals(), lossy, reset)
    if reset is None:
        warn_of_reset(graph)
    return network


def read_nir(
    graph: nir.NIRGraph | str | Path, dt: float | None, steps: int | None, readout: str | None, method: str,
    refusals: Refusals, lossy: bool = False, reset: str | None = None,
) -> Network:  # fmt: skip
    """`from_nir`. refusals : raised, or those of all nodes of a stage collected; its first one is raised at its end."""
    choice("from_nir.method", method, METHODS)
    graph = read(graph) if isinstance(graph, str | Path) else graph
    kind("from_nir.graph", graph, nir.NIRGraph, "Read it with nir.read.")
    if dt is not None:
        number("from_nir.dt", dt, 0, 1e6, "It is the length of a step in seconds.", open_low=True)
    if steps is not None:
        whole("from_nir.steps", steps, 1, float("inf"), "It is T, the steps of a presentation.")
    if readout is not None:
        choice("from_nir.readout", readout, READOUTS)
    if reset is not None:
        choice("from_nir.reset", reset, RESETS)
    try:
        own = (graph.metadata or {}).get(KEY, {})
        if not isinstance(own, dict):
            raise TypeError(f"got {own!r}, allowed names and values")
        if own and int(own["version"]) != VERSION:
            raise FormatError(f"{KEY} metadata: got version {own['version']}, allowed {VERSION}. Write it again.")
        step = float(own["step_s"]) if own else None
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FormatError(f"graph.metadata: damaged ({error!r}). Remove {KEY!r} to read it as any graph.") from error
    same = dt is None or step is None or bool(np.isclose(dt, step, rtol=CLOSE))
    require(same, "from_nir.dt", dt, f"{step} s, which the graph says", "Leave it out.")
    dt = step if dt is None else dt
    if dt is None:
        raise ParameterError(
            f"from_nir.dt: got None, allowed seconds of a step. The graph does not say it. {likely_step(graph)}"
        )
    if steps is None and not own:
        require(False, "from_nir.steps", "None", "a whole number", "The graph does not say it.")
    reader = Reader(graph, float(dt), method, own, refusals, lossy, reset)
    warn_of_step(graph, float(dt))
    network = reader.network(steps, readout)
    check_shapes(reader.nodes, reader.edges, axes=False)  # what is neither weights nor neurons is left
    return network


def warn_of_reset(graph: nir.NIRGraph) -> None:
    """Warn of neurons that go to 0 in NIR, and may have subtracted the threshold where they come from."""
    unsaid = [name for name, n in graph.nodes.items() if isinstance(n, NEURONS) and KEY not in (n.metadata or {})
              and not np.any(n.v_reset)]  # fmt: skip
    if unsaid:
        warnings.warn(
            f"from_nir.reset: got None, and read the neurons {unsaid[:3]} as NIR has them: a spike sets the potential "
            "to 0. Simulators that subtract the threshold, as snnTorch's default, cannot say so in a graph: choose "
            "reset='subtract' for them, else reset='zero'.",
            stacklevel=3,
        )


def warn_of_step(graph: nir.NIRGraph, dt: float) -> None:
    """Warn where IF neurons integrate steps so short that their unit can hardly be meant."""
    silent = [name for name, n in graph.nodes.items() if isinstance(n, nir.IF) and KEY not in (n.metadata or {})
              and bool((np.abs(np.ravel(n.r)) * dt * 10 < np.abs(np.ravel(n.v_threshold))).all())]  # fmt: skip
    if silent and not any(hasattr(n, "tau") or hasattr(n, "tau_mem") for n in graph.nodes.values()):
        warnings.warn(
            f"from_nir.dt: got {dt:g} s for the IF neurons {silent[:3]}, which add r I dt in a step: an input of 1 "
            f"adds {dt:g} r. Frameworks that export IF with r = 1 mean steps of 1: try dt=1.",
            stacklevel=4,
        )


def likely_step(graph: nir.NIRGraph) -> str:
    """What a graph's own numbers say about the length of a step."""
    found = list((graph.nodes or {}).values()) if isinstance(graph.nodes, dict) else []
    taus = [np.ravel(getattr(n, name)) for n in found for name in ("tau", "tau_mem") if hasattr(n, name)]
    taus = [values for values in taus if values.dtype.kind in "iuf"]  # what is none is refused with a step, by name
    if not taus:
        return "Its neurons have no time constants: for IF with r = 1 it is 1."
    low, high = (float(pick(np.concatenate(taus))) for pick in (np.min, np.max))
    return (
        f"Its time constants are {low:g} to {high:g} s, and a step is shorter: 1e-4 in snnTorch, 1e-3 in most others."
    )
