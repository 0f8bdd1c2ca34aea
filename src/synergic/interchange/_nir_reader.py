# SPDX-License-Identifier: BSD-3-Clause
"""One NIR graph on its way to a network: its paths from neurons to neurons, and what each node becomes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from synergic._core.checks import require
from synergic._core.moved import FILE_KEYS
from synergic._core.refusals import Refusals
from synergic.errors import FormatError, SynergicError, UnsupportedError
from synergic.interchange._nir_convolution import unfolded
from synergic.interchange._nir_neurons import (
    KEY,
    NEURONS,
    Neurons,
    neurons,
    plain,
    sound,
)
from synergic.interchange._nir_pooling import POOLS, LinearMap, joined, poolings
from synergic.interchange._nir_shapes import LINEAR, shape_of, widened
from synergic.interchange._nir_time import Clocks, clocks, feedback
from synergic.network._convolution import Convolution
from synergic.network._description import DELAY_MAX, Network, Population, Projection, Source
from synergic.neurons import LIF, CurrentLIF, Neuron
from synergic.rules import Rule
from synergic.rules._stream import MEMORY

SINGLE = 1e-5
"""Share of a step that a delay may be off a whole one: files have 32 bits."""
Array = npt.NDArray[np.float64]
WIRES = (nir.Input, nir.Output, nir.Flatten)


class Reader:
    """One graph on its way to a Network. own : the graph's metadata of ours, or {}."""

    def __init__(
        self, graph: nir.NIRGraph, dt: float, method: str, own: dict[str, Any], refusals: Refusals, lossy: bool,
        reset: str | None = None,
    ) -> None:  # fmt: skip
        self.dt, self.lossy, self.reset = dt, lossy, reset
        self.delays: dict[str, int] = {}
        self.own, self.refusals = own, refusals
        self.edges = [(str(a), str(b)) for a, b in graph.edges]
        for a, b in self.edges:
            if a not in graph.nodes or b not in graph.nodes:
                raise FormatError(
                    f"edge {a!r} -> {b!r}: no such node, allowed {sorted(graph.nodes)}. Correct the edge."
                )
        self.nodes = widened(graph.nodes, self.edges)
        self.due: dict[str, int] = {}
        self.poolings: dict[str, LinearMap] = {}
        self.neurons: dict[str, Neurons] = {}
        with refusals.part():
            self.poolings = poolings(self.nodes, lambda name: [a for a, b in self.edges if b == name])
        for name in graph.nodes:
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
        if isinstance(node, nir.NIRGraph):
            inner = sorted(node.nodes)[:5]
            raise UnsupportedError(
                f"{name}: got a subgraph with the nodes {inner}, allowed a graph without. Put its nodes into the graph."
            )
        if not isinstance(node, (*NEURONS, *LINEAR, *WIRES, *POOLS, nir.Delay)):
            names = [t.__name__ for t in (*NEURONS, *LINEAR, nir.Conv2d, *POOLS, nir.Delay, *WIRES)]
            raise UnsupportedError(f"{name}: got {type(node).__name__}, allowed {names}. Rewrite or split the node.")
        if not isinstance(node.metadata, dict):
            raise FormatError(f"{name}.metadata: got {node.metadata!r}, allowed names and values. Remove it.")
        if isinstance(node, LINEAR) and node.weight.ndim != 2:
            raise UnsupportedError(f"{name}.weight: got shape {node.weight.shape}, allowed (n_out, n_in). Flatten.")
        if isinstance(node, nir.Input):
            with sound(name):
                shape_of(node.input_type["input"])
        if isinstance(node, nir.Delay):
            with sound(name):
                self.delays[name] = delay_steps(name, node, dt, self.lossy)
        if isinstance(node, NEURONS):
            with sound(name):
                self.neurons[name] = neurons(name, node, dt, method, self.reset)

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
