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
from collections import Counter
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, kind, number, require, whole
from synergic._core.moved import FILE_KEYS
from synergic._core.refusals import Refusals
from synergic.errors import FormatError, ParameterError, SynergicError, UnsupportedError
from synergic.interchange._export_issues import plastic_issues, refuse_issues
from synergic.interchange._nir_convolution import unfolded
from synergic.interchange._nir_neurons import (
    CLOSE,
    KEY,
    NEURONS,
    Neurons,
    check_representable,
    for_all,
    neuron_node,
    neurons,
    plain,
    sound,
)
from synergic.interchange._nir_pooling import POOLS, LinearMap, joined, poolings
from synergic.interchange._nir_time import Clocks, clocks, feedback
from synergic.network._convolution import Convolution
from synergic.network._description import DELAY_MAX, READOUTS, Network, Population, Projection, Source
from synergic.network._storage import check_sizes
from synergic.neurons import LIF, CurrentLIF, Neuron
from synergic.rules import Rule
from synergic.rules._stream import MEMORY

Array = npt.NDArray[np.float64]
VERSION = 1
SINGLE = 1e-5
"""Share of a step that a delay may be off a whole one: files have 32 bits."""
METHODS = ("euler", "exact")
LINEAR = (nir.Linear, nir.Affine)
WIRES = (nir.Input, nir.Output, nir.Flatten)


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
        If an argument is out of its range, or is missing.
    """
    kind("from_nir.lossy", lossy, bool, "True reads loops late.")
    return read_nir(graph, dt, steps, readout, method, Refusals(), lossy)


def read_nir(
    graph: nir.NIRGraph | str | Path, dt: float | None, steps: int | None, readout: str | None, method: str,
    refusals: Refusals, lossy: bool = False,
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
    warn_of_step(graph, float(dt))
    return Reader(graph, float(dt), method, own, refusals, lossy).network(steps, readout)


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
    if not taus:
        return "Its neurons have no time constants: for IF with r = 1 it is 1."
    low, high = (float(pick(np.concatenate(taus))) for pick in (np.min, np.max))
    return (
        f"Its time constants are {low:g} to {high:g} s, and a step is shorter: 1e-4 in snnTorch, 1e-3 in most others."
    )


def is_subgraph(name: str, item: Any) -> bool:
    """Whether a group of a file is a graph within the graph."""
    kind_of = item.get("type") if isinstance(item, h5py.Group) and name != "node" else None
    return isinstance(kind_of, h5py.Dataset) and kind_of.shape == () and kind_of[()] == b"NIRGraph"


def check_kind(path: str | Path) -> None:
    """Say what a file is that is none of NIR's, as far as its first bytes tell. Raises FormatError."""
    allowed = "allowed a file that nir.write made"
    try:
        with open(path, "rb") as file:
            start = file.read(520)
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file, {allowed}. Check the path.") from None
    except IsADirectoryError:
        raise FormatError(f"{path}: got a folder, {allowed}. Add the name of the file.") from None
    except OSError as error:
        raise FormatError(f"{path}: got {error.strerror}, {allowed}. Check the path.") from error
    if start.startswith(b"synergic-"):
        raise FormatError(f"{path}: got a file of synergic's own, {allowed}. synergic.network.load reads it.")
    if not start.startswith(b"\x89HDF\r\n\x1a\n"):
        raise FormatError(f"{path}: not a NIR file, which is HDF5, or damaged at its start; {allowed}. Restore a copy.")


def read(path: str | Path) -> nir.NIRGraph:
    """nir.read, whose many kinds of failure become a FormatError."""
    inner: list[str] = []
    check_kind(path)
    try:
        with h5py.File(path, "r") as file:
            check_sizes(file)
            file.visititems(lambda name, item: inner.append(name) if is_subgraph(name, item) else None)
        graph = nir.read(path)
    except Exception as error:  # whatever h5py or nir's assertions and look-ups raise
        if inner:
            raise UnsupportedError(
                f"{path}: got the subgraphs {inner[:3]}, which this nir cannot read ({error!r}), allowed a graph "
                "without. Put their nodes into one graph, with the nir that wrote the file."
            ) from error
        raise FormatError(f"{path}: not a NIR file, or damaged: {error!r}. Write it with nir.write.") from error
    if not isinstance(graph, nir.NIRGraph):
        raise FormatError(f"{path}: got a {type(graph).__name__}, allowed a NIRGraph. Put the node into a graph.")
    return graph


class Reader:
    """One graph on its way to a Network. own : the graph's metadata of ours, or {}."""

    def __init__(
        self, graph: nir.NIRGraph, dt: float, method: str, own: dict[str, Any], refusals: Refusals, lossy: bool
    ) -> None:
        self.dt, self.lossy = dt, lossy
        self.delays: dict[str, int] = {}
        self.nodes, self.own, self.refusals = graph.nodes, own, refusals
        self.edges = [(str(a), str(b)) for a, b in graph.edges]
        for a, b in self.edges:
            if a not in self.nodes or b not in self.nodes:
                raise FormatError(f"edge {a!r} -> {b!r}: no such node, allowed {sorted(self.nodes)}. Correct the edge.")
        self.due: dict[str, int] = {}
        self.poolings: dict[str, LinearMap] = {}
        self.neurons: dict[str, Neurons] = {}
        with refusals.part():
            self.poolings = poolings(self.nodes, lambda name: [a for a, b in self.edges if b == name])
        # Neurons last: how many they are, a convolution before them says once it is unfolded.
        for name in sorted(graph.nodes, key=lambda name: isinstance(self.nodes[name], NEURONS)):
            with refusals.part():
                self.check_node(name, dt, method)
        ends = []
        for end in (nir.Input, nir.Output):
            with refusals.part():
                ends.append(self.single(end))
        refusals.end()
        self.source, output = ends
        behind = self.walks(output, back=True)
        self.output = [pools[0] if pools else end for pools, end in behind]

    def check_node(self, name: str, dt: float, method: str) -> None:
        """Refuse a node that has no counterpart; unfold a convolution, and discretise neurons."""
        node = self.nodes[name]
        if isinstance(node, nir.Conv2d):
            with sound(name):
                node = unfolded(name, node)
            self.nodes = {**self.nodes, name: node}
        if not isinstance(node, (*NEURONS, *LINEAR, *WIRES, *POOLS, nir.Delay)):
            names = [t.__name__ for t in (*NEURONS, *LINEAR, nir.Conv2d, *POOLS, nir.Delay, *WIRES)]
            raise UnsupportedError(f"{name}: got {type(node).__name__}, allowed {names}. Rewrite or split the node.")
        if not isinstance(node.metadata, dict):
            raise FormatError(f"{name}.metadata: got {node.metadata!r}, allowed names and values. Remove it.")
        if isinstance(node, LINEAR) and node.weight.ndim != 2:
            raise UnsupportedError(f"{name}.weight: got shape {node.weight.shape}, allowed (n_out, n_in). Flatten.")
        if isinstance(node, nir.Delay):
            self.delays[name] = delay_steps(name, node, dt, self.lossy)
        if isinstance(node, NEURONS):
            self.neurons[name] = for_all(neurons(name, node, dt, method), self.rows_into(name))

    def rows_into(self, name: str) -> int:
        """How many neurons the weights right before a node are for; 1 where there are none."""
        before = [self.nodes[end] for end in self.ends(name, back=True)]
        return max((len(node.weight) for node in before if isinstance(node, LINEAR)), default=1)

    def single(self, wanted: type) -> str:
        """The name of the only node of a type."""
        found = [n for n, v in self.nodes.items() if isinstance(v, wanted)]
        if len(found) != 1:
            raise UnsupportedError(
                f"graph: got {wanted.__name__} nodes {found}, allowed exactly one. Join or cut them."
            )
        return found[0]

    def walks(self, name: str, back: bool = False, seen: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
        """Where a node's edges lead to (or come from), Flatten, Delay and pooling nodes passed through.

        Of each end the poolings and delays on the way, as one meets them, and its name."""
        if name in seen:
            raise UnsupportedError(f"{name}: got a loop of Flatten, Delay or pooling nodes, allowed none. Remove it.")
        found: list[tuple[tuple[str, ...], str]] = []
        for n in (a if back else b for a, b in self.edges if (b if back else a) == name):
            if isinstance(self.nodes[n], (nir.Flatten, nir.Delay, *POOLS)):
                mine = (n,) if n in self.poolings or n in self.delays else ()
                found += [((*mine, *more), end) for more, end in self.walks(n, back, (*seen, name))]
            else:
                found.append(((), n))
        return found

    def ends(self, name: str, back: bool = False) -> list[str]:
        """The nodes that a node's edges lead to (or come from), Flatten, Delay and pooling nodes passed through."""
        return [end for _, end in self.walks(name, back)]

    def network(self, steps: int | None, readout: str | None) -> Network:
        """The network; FormatError where our own metadata make none."""
        with self.refusals.part():
            if len(self.output) != 1 or self.output[0] not in self.neurons:
                raise UnsupportedError(
                    f"output: got {self.output} before it, allowed one LIF, IF or CubaLIF. Add neurons."
                )
        for name in self.nodes:
            with self.refusals.part():
                self.check_edges(name)
        self.refusals.end()
        if not self.own:
            return self.build(self.neurons, {}, steps, readout or "rate")
        try:
            order = {name: json.loads(self.own[name]) for name in ("populations", "projections")}
            steps = int(self.own["steps"]) if steps is None else steps
            return self.build(order["populations"], order, steps, readout or str(self.own["readout"]))
        except (SynergicError, LookupError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"graph.metadata: {error}. Remove {KEY!r} from it to read it as any graph.") from error

    def check_edges(self, name: str) -> None:
        """Refuse wires between neurons without weights, and weights without neurons behind them, at one node."""
        node = self.nodes[name]
        if isinstance(node, LINEAR):
            before, after = self.ends(name, back=True), self.ends(name)
            bad = [n for n in before if n not in self.neurons and n != self.source]
            bad += [n for n in after if n not in self.neurons]
            allowed = "neurons behind it and neurons or the input before it"
        elif name in self.poolings:
            before, after = self.ends(name, back=True), self.ends(name)
            bad = [n for n in after if isinstance(self.nodes[n], nir.Output)]
            allowed = "neurons behind it and neurons or the input before it"
        else:
            before = after = self.ends(name)
            bare = [n for between, n in self.walks(name) if not any(one in self.poolings for one in between)]
            bad = [n for n in bare if n in self.neurons] if not isinstance(node, (nir.Flatten, nir.Delay)) else []
            allowed = "a Linear or Affine between the two"
        if bad or (isinstance(node, LINEAR + POOLS) and not (before and after)):
            raise UnsupportedError(f"{name}: connected with {bad or 'nothing'}, allowed {allowed}. Add one.")

    def build(self, names: Any, order: dict[str, Any], steps: Any, readout: str) -> Network:
        """Populations and projections in the order given; `order` is {} for a graph that is not ours."""
        populations, own = [], self.own
        for n in names:
            with self.refusals.part():
                populations.append(self.population(str(n)))
        projections = self.projections()
        with self.refusals.part():
            populations, projections = self.timed(populations, projections)
        self.refusals.end()
        bits = int(own.get("num_message_bits", 0))
        size = int(np.prod(self.nodes[self.source].input_type["input"]))
        return Network(
            Source(self.source, size, bits),
            tuple(populations),
            tuple(projections[n] for n in order.get("projections", projections)),
            self.output[0],
            steps,
            readout,
            float(own.get("dt", 1.0)),
            float(own.get("tau_w", np.inf)),
        )

    def rows(self, name: str) -> tuple[float, Array]:
        """The threshold of a population, and what each neuron's row is multiplied by to have it."""
        vth = self.neurons[name].vth
        return float(vth.max()), vth.max() / vth

    def population(self, name: str) -> Population:
        """One neuron node, with the biases of the Affine nodes before it."""
        n = self.neurons[name]
        affine = [(pools, self.nodes[a]) for pools, a in self.walks(name, back=True)]
        affine = [(pools, node) for pools, node in affine if isinstance(node, nir.Affine)]
        with sound(name):
            biases = [self.pooled(name, np.ravel(node.bias), pools[::-1]) for pools, node in affine]
        waits = [wait for pools, node in affine if node.bias.any() for wait in pools if self.delays.get(wait)]
        if waits:
            raise UnsupportedError(
                f"{waits[0]}: got a bias before it, which {name} would receive later than in step 1, allowed none. "
                "Put the Delay before the Affine."
            )
        with sound(name):
            bias = n.drift + n.gain * sum(biases, np.zeros(n.gain.size))
        vth, scale = self.rows(name)
        neuron: Neuron = LIF() if n.decay_i is None else CurrentLIF(n.decay_i)
        if n.decay_i is not None and any(node.bias.any() for _, node in affine):
            raise UnsupportedError(
                f"{name}: got a bias before a current with dynamics, allowed none: ours is added to the potential. Use "
                "v_leak, and a Linear."
            )
        return Population(name, n.gain.size, vth, n.decay, n.reset, bias * scale, neuron, n.homeostasis)

    def pooled(self, name: str, bias: Array, pools: tuple[str, ...]) -> Array:
        """What poolings, one after another, make of a bias."""
        maps = [LinearMap(bias[:, None]), *(self.poolings[pool] for pool in pools if pool in self.poolings)]
        return np.ravel(joined(name, maps).weights)

    def paths(self, name: str) -> list[tuple[str, tuple[str, ...], str]]:
        """The ways between neurons that a node stands for: start, nodes between them, end. A Linear or Affine node: all
        that lead over it. Neurons and the input: those that go on over poolings alone."""
        if isinstance(self.nodes[name], LINEAR):
            before, after = self.walks(name, back=True), self.walks(name)
            return [(a, (*first[::-1], name, *then), b) for first, a in before for then, b in after]
        if name != self.source and name not in self.neurons:
            return []
        pooled = [(pools, b) for pools, b in self.walks(name) if any(pool in self.poolings for pool in pools)]
        return [(name, pools, b) for pools, b in pooled if b in self.neurons]

    def projections(self) -> dict[str, Projection]:
        """By name, a projection for every way between neurons: called as its Linear or Affine node, or as its poolings;
        with the ends where several would be called so, and with all between them where that is not enough."""
        ways = [way for name in self.nodes for way in self.paths(name)]
        named = []
        for a, between, b in ways:
            pools = [n for n in between if n not in self.delays]
            short = ":".join([n for n in pools if n not in self.poolings] or pools)
            named.append((short, f"{short}:{a}:{b}", ":".join((a, *between, b))))
        counts = [Counter(names) for names in zip(*named, strict=True)]
        found = {}
        for (a, between, b), names in zip(ways, named, strict=True):
            called = next((n for n, count in zip(names, counts, strict=True) if count[n] == 1), names[-1])
            with self.refusals.part():
                found[called] = self.projection(called, a, between, b)
                self.due[called] = sum(self.delays.get(n, 0) for n in between)
        return found

    def timed(
        self, populations: list[Population], projections: dict[str, Projection]
    ) -> tuple[list[Population], dict[str, Projection]]:
        """Populations and projections with the onsets and delays with which spikes arrive when NIR has them."""
        ends = {name: (q.source, q.target) for name, q in projections.items()}
        back = feedback(self.source, {name: (*ends[name], self.due[name]) for name in ends})
        due = {name: 1 if name in back else self.due[name] for name in ends}
        if self.own:
            return self.timed_by_metadata(populations, projections, due)
        found = clocks(self.source, {name: (*ends[name], due[name]) for name in ends})
        if found.late and not self.lossy:
            raise UnsupportedError("; ".join(self.late(name, found) for name in found.late))
        due |= {name: due[name] + steps for name, steps in found.late.items()}
        clock, timed = found.clock, {}
        for name, q in projections.items():
            delay = due[name] + clock[q.target] - clock.get(q.source, 0) - 1
            if delay > DELAY_MAX:
                raise UnsupportedError(
                    f"{name}: got a way that is {delay} steps shorter than another one, or so many steps of Delay, "
                    f"allowed {DELAY_MAX}. Choose a larger dt, or relay the spikes by neurons on the way."
                )
            timed[name] = replace(q, delay=delay)
        soonest = {p.name: min((due[n] for n, q in projections.items() if q.target == p.name), default=0)
                   for p in populations}  # fmt: skip
        return [replace(p, onset=clock[p.name]) if soonest[p.name] else p for p in populations], timed

    def late(self, name: str, found: Clocks) -> str:
        """Why a loop cannot run as NIR has it."""
        steps, loop = found.late[name], found.loops[name]
        return (
            f"{name}: got the end of a loop of {len(loop)} populations {loop}, which takes {len(loop)} steps here, so "
            f"that spikes come {steps} steps late; allowed loops whose Delay nodes have as many steps together. Give "
            f"it Delay nodes of {len(loop) * self.dt:g} s, which changes the graph as much, or read it with lossy=True"
        )

    def timed_by_metadata(
        self, populations: list[Population], projections: dict[str, Projection], due: dict[str, int]
    ) -> tuple[list[Population], dict[str, Projection]]:
        """As our metadata have it. due : steps by the nodes of the graph, which they must fit; without delays (written
        by an earlier release) nothing is known of them."""
        if "delays" not in self.own:
            return populations, projections
        delays, onsets = (json.loads(self.own[name]) for name in ("delays", "onsets"))
        named = {name: replace(q, delay=int(delays[name])) for name, q in projections.items()}
        parts = [replace(p, onset=onsets[p.name]) for p in populations]
        size = int(np.prod(self.nodes[self.source].input_type["input"]))
        times = Network(Source(self.source, size), tuple(parts), tuple(named.values()), self.output[0], 1)
        for name, q in named.items():
            if times.lag(q) != due[name]:
                raise FormatError(
                    f"{name}: got spikes {due[name]} steps late by its nodes, and {times.lag(q)} by the metadata, "
                    f"allowed equal ones. The graph was changed since: remove {KEY!r} from its metadata."
                )
        return parts, named

    def projection(self, called: str, a: str, between: tuple[str, ...], b: str) -> Projection:
        """One way between neurons a and b."""
        gain, maps, own = self.neurons[b].gain * self.rows(b)[1], [], {}
        for n in between:
            if n not in self.poolings and n not in self.delays:
                own = own_fields(n, self.nodes[n])
            if n in self.delays:
                continue
            maps.append(self.poolings.get(n) or LinearMap(self.nodes[n].weight, own.get("convolution")))
        if len(maps) > 1 and "rule" in own:
            raise FormatError(f"{called}.metadata: got local weights beside a pooling. Remove {KEY!r} from it.")
        one = joined(called, maps)
        own |= {} if one.convolution is None else {"convolution": one.convolution}
        fits = one.weights.shape[0] == gain.size
        require(fits, f"{called}.weight", f"{one.weights.shape}", f"{gain.size} rows", f"{b} has as many neurons.")
        if one.convolution is None or np.unique(gain).size > 1:  # what differs by neuron repeats no kernel
            own.pop("convolution", None)
        return Projection(called, a, b, one.weights * gain[:, None], **own)


def delay_steps(name: str, node: nir.Delay, dt: float, lossy: bool) -> int:
    """The steps of a Delay. Raises UnsupportedError for what is no number of steps; `lossy` rounds it."""
    given = np.unique(np.ravel(node.delay).astype(float))
    good = given.size > 0 and bool(np.isfinite(given).all()) and given[0] >= 0
    require(good, f"{name}.delay", f"{given[:3]}", "seconds, 0 or more", "Check the graph.")
    steps = np.rint(given / dt)
    if np.unique(steps).size > 1:
        raise UnsupportedError(
            f"{name}.delay: got {given.size} different delays, allowed one a node. Split the node by their values, "
            "with weights of their own."
        )
    if not (np.isclose(given / dt, steps, rtol=SINGLE, atol=SINGLE).all() or lossy):
        raise UnsupportedError(
            f"{name}.delay: got {given[0]:g} s, allowed whole steps of {dt:g} s. Choose a dt that divides it, or read "
            "it with lossy=True, which rounds it."
        )
    return int(steps[0])


def own_fields(name: str, node: Any) -> dict[str, Any]:
    """The fields of a Projection that our metadata hold; {} without them."""
    own = node.metadata.get(KEY)
    if own is None:
        return {}
    found: dict[str, Any] = {}
    try:
        if "convolution" in own:
            fields_of = {key: name for name, key in FILE_KEYS.items()}
            geometry = {fields_of.get(k, k): np.asarray(v).tolist() for k, v in own["convolution"].items()}
            found["convolution"] = Convolution(**geometry)
        if "fades" in own:
            found["fades"] = bool(own["fades"])
        if "rule" in own or not found:
            rule = {k: plain(v) for k, v in own["rule"].items()}
            found |= {
                "rule": Rule.registry[rule.pop("type")](**rule),
                "alpha": own["alpha"],
                "local_weights": own["local_weights"],
                "plasticity_scope": str(own["plasticity_scope"] if "plasticity_scope" in own else own["trace"]),
                "memory": int(own.get("memory", MEMORY)),
            }
    except (SynergicError, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FormatError(f"{name}.metadata: damaged ({error}). Remove {KEY!r} from it.") from error
    return found
