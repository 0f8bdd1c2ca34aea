# SPDX-License-Identifier: BSD-3-Clause
"""Skips, feedback and delays of NIR graphs in all executors, against a direct evaluation of NIR's equations.

The evaluation knows graphs and equations alone: in a step, connections pass their spikes on at once, a Delay those of
as many steps before, and neurons that feed themselves without one take the spikes of the step before.
"""

import itertools

import nir
import numpy as np
import pytest
from conformance.c_programs import COMPILER, run_in_c
from conformance.test_delays import skipping
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import random_spikes

import synergic as sy
from synergic.errors import FormatError, SynergicError, UnsupportedError
from synergic.hw_targets import map_network, simulate_on_chip
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.interchange import check, from_nir, nir_export_issues, to_nir
from synergic.processes import run_in_lava

DT = 1e-3


def evaluate(graph, order, spikes, back=()):
    """What the neurons send, by name, (T, n). order : of the neuron nodes, forward. back : edges that are feedback."""
    steps = len(spikes)
    neurons = {name: graph.nodes[name] for name in order}
    v = {name: n.v_reset.astype(float).copy() for name, n in neurons.items()}
    out = {name: np.zeros((steps, n.v_threshold.size)) for name, n in neurons.items()}
    out["input"] = spikes

    def value(name, t):
        """What a node gives in step t; nothing before the first."""
        if t < 0:
            return None
        if name in out:
            return out[name][t]
        node = graph.nodes[name]
        if isinstance(node, nir.Delay):
            return arrived(name, t - round(float(node.delay[0]) / DT))
        got = arrived(name, t)
        base = node.bias if isinstance(node, nir.Affine) else np.zeros(len(node.weight))
        return base + (0 if got is None else node.weight @ got)

    def arrived(name, t):
        """The sum of what comes to a node in step t."""
        found = [value(a, t - ((a, b) in back)) for a, b in graph.edges if b == name]
        found = [x for x in found if x is not None]
        return sum(found) if found else None

    for t in range(steps):
        for name in order:
            n, got = neurons[name], arrived(name, t)
            drive = n.r * (0 if got is None else got)
            if isinstance(n, nir.IF):
                v[name] = v[name] + DT * drive
            else:
                v[name] = v[name] + DT / n.tau * ((n.v_leak - v[name]) + drive)
            fired = v[name] > n.v_threshold
            out[name][t] = fired
            v[name] = np.where(fired, n.v_reset, v[name])
    return out


def lif(rng, n):
    reset = rng.uniform(-0.2, 0.2, n)
    leak = rng.uniform(-0.2, 0.4, n)
    return nir.LIF(np.full(n, rng.uniform(1.5, 6) * DT), rng.uniform(0.8, 2, n), leak,
                   reset + rng.uniform(0.2, 0.8), reset)  # fmt: skip


class Graph:
    """A NIR graph that grows. ways : between neurons or from "input"; a Linear or Affine is on each.

    whole : with numbers that integers hold exactly.
    """

    def __init__(self, seed, inputs=5, whole=False):
        self.whole = whole
        self.rng = np.random.default_rng(seed)
        self.nodes, self.edges, self.back = {"input": nir.Input(np.array([inputs]))}, [], []
        self.sizes, self.order = {"input": inputs}, []

    def neurons(self, name, n=4):
        exact = nir.IF(np.full(n, 1 / DT), np.full(n, 129 / 128))
        self.nodes[name] = exact if self.whole else lif(self.rng, n)
        self.sizes[name] = n
        self.order.append(name)
        return self

    def way(self, a, b, delay=0, back=False, behind=False):
        n_in, n_out, name = self.sizes[a], self.sizes[b], f"{a}>{b}"
        weights = self.rng.normal(0, 1, (n_out, n_in))
        bias = self.rng.normal(0, 0.2, n_out)
        if self.whole:
            weights, bias = (np.clip(np.rint(x * 64), -127, 127) / 64 for x in (weights, bias))
            weights[0, 0] = 127 / 64  # the scale of the integers is 64
        biased = not behind and self.rng.random() < 0.5
        node = nir.Affine(weights, bias) if biased else nir.Linear(weights)
        chain = [a, name, b]
        self.nodes[name] = node
        if delay:
            wait = f"{name}~"
            self.nodes[wait] = nir.Delay(np.full(n_out if behind else n_in, delay * DT))
            chain.insert(2 if behind else 1, wait)
        self.edges += list(itertools.pairwise(chain))
        if back and not delay:
            self.back.append((a, chain[1]))
        return self

    def graph(self):
        last = self.order[-1]
        nodes = {**self.nodes, "output": nir.Output(np.array([self.sizes[last]]))}
        return nir.NIRGraph(nodes, [*self.edges, (last, "output")], type_check=False)


def compare(made, seed=0, steps=16, everywhere=True):
    """Executors against the evaluation: in floating point, and for a graph of whole numbers in integers too."""
    graph = made.graph()
    network = from_nir(graph, dt=DT, steps=steps)
    spikes = (np.random.default_rng(seed).random((steps, made.sizes["input"])) < 0.4).astype(int)
    want = evaluate(graph, made.order, spikes, made.back)
    records = {"reference": sy.simulate(network, spikes)}
    if everywhere:
        records["lava"] = run_in_lava(network, spikes[None])
    if made.whole:
        exact = sy.quantise(network)
        records["lava fixed"] = run_in_lava(exact, spikes[None])
        records["chip"] = simulate_on_chip(map_network(exact), spikes)[0]
        records["chip in lava"] = run_in_lava(exact, spikes[None], ChipSimCfg())
        records |= {"c": run_in_c(exact, spikes[None], None)} if COMPILER else {}
    for who, got in records.items():
        for name in made.order:
            np.testing.assert_array_equal(got.spikes[name][0], want[name], f"{who}: {name}")
    return network, want


def skip(seed=0, whole=False):
    return Graph(seed, whole=whole).neurons("a").neurons("b").way("input", "a").way("a", "b").way("input", "b")


def residual(seed=0, whole=False):
    made = Graph(seed, whole=whole).neurons("a").neurons("b").neurons("c").neurons("d", 3)
    for a, b in (("input", "a"), ("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("input", "d")):
        made.way(a, b)
    return made


def self_recurrent(seed=0, whole=False):
    made = Graph(seed, whole=whole).neurons("a").way("input", "a").way("a", "a", back=True)
    return made.neurons("b", 2).way("a", "b")


def delayed(seed=0, whole=False):
    # The only way to a is delayed: its leak and bias act from the first step on.
    made = Graph(seed, whole=whole).neurons("a").neurons("b").way("input", "a", delay=3)
    return made.way("a", "b", delay=2, behind=True).way("input", "b", delay=9)


def loop_with_delay(seed=0, whole=False):
    made = Graph(seed, whole=whole).neurons("a").neurons("b").way("input", "a").way("a", "b")
    return made.way("b", "a", delay=2, back=True).way("b", "b", back=True)


def mixed(seed=0, whole=False):
    made = residual(seed, whole).way("b", "b", delay=4, back=True).way("c", "b", delay=2, back=True)
    return made.way("a", "d", delay=1, behind=True)


GRAPHS = {f.__name__: f for f in (skip, residual, self_recurrent, delayed, loop_with_delay, mixed)}


@pytest.mark.one_in(5)
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_run_as_nir_has_them(name, whole):
    network, want = compare(GRAPHS[name](1, whole))
    assert 0.05 < np.mean([want[p.name].mean() for p in network.populations]) < 0.95


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_generated_graphs_run_as_nir_has_them(data):
    made = Graph(data.draw(st.integers(0, 10**6)))
    names = ["input"]
    for i in range(data.draw(st.integers(1, 5))):
        name = f"n{i}"
        made.neurons(name, data.draw(st.integers(1, 4)))
        sources = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        for a in sources:
            made.way(a, name, data.draw(st.sampled_from([0, 0, 1, 3])), behind=data.draw(st.booleans()))
        if data.draw(st.booleans()):
            made.way(name, name, data.draw(st.sampled_from([0, 2])), back=True)
        names.append(name)
    if data.draw(st.booleans()) and len(names) > 2:
        # A loop around all of a chain from n0 on: as many steps as there are populations.
        for a, b in itertools.pairwise(names[1:]):
            if f"{a}>{b}" not in made.nodes:
                made.way(a, b)
        direct = [b for b in names[2:] if f"input>{b}" in made.nodes]
        if f"input>{names[1]}" in made.nodes and not direct:
            made.way(names[-1], names[1], len(names) - 1, back=True)
    compare(made, everywhere=False)


def test_the_delays_are_the_least_that_make_paths_meet():
    network = from_nir(residual().graph(), dt=DT, steps=4)
    assert {q.name: q.delay for q in network.projections if q.delay} == {"a>c": 1, "input>d": 3}
    assert not any(network.lag(q) for q in network.projections)
    assert all(p.onset is None for p in network.populations)


def test_without_delays_spikes_come_late():
    # What from_nir made of a skip before: it differs.
    made = skip()
    network = from_nir(made.graph(), dt=DT, steps=30)
    spikes = random_spikes(network, 1)[0]
    late = sy.Network(network.source, network.populations, tuple(sy.Projection(**{**vars(q), "delay": 0})
                      for q in network.projections), network.output, 30, network.readout)  # fmt: skip
    want = evaluate(made.graph(), made.order, spikes)["b"]
    assert (sy.simulate(late, spikes).spikes["b"][0] != want).any()
    assert (sy.simulate(network, spikes).spikes["b"][0] == want).all()


def loop(delay=0):
    made = Graph(3).neurons("a").neurons("b").neurons("c").way("input", "a").way("a", "b").way("b", "c")
    return made.way("c", "a", delay=delay, back=True)


@pytest.mark.parametrize(("delay", "late"), [(0, 2), (1, 2), (2, 1)])
def test_a_loop_that_comes_late_is_refused_by_name(delay, late):
    graph = loop(delay).graph()
    message = rf"c>a: .*loop of 3 populations \['a', 'b', 'c'\].*{late} steps late.*Delay nodes of 0.003 s.*lossy"
    with pytest.raises(UnsupportedError, match=message):
        from_nir(graph, dt=DT, steps=9)
    network = from_nir(graph, dt=DT, steps=9, lossy=True)
    assert {q.name: network.lag(q) for q in network.projections if network.lag(q)} == {"c>a": 3}
    compare(loop(3), everywhere=False)


def test_check_says_what_the_reader_says(tmp_path):
    for made, runs in ((loop(), False), (loop(3), True), (skip(), True)):
        nir.write(tmp_path / "n.nir", made.graph())
        found = check(tmp_path / "n.nir")
        assert found.runs("lava") == runs
        assert runs or any("c>a: got the end of a loop of 3" in issue.text for issue in found.of("lava"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1e-3, 2e-3], "2 different delays"),
        ([1.5e-3, 1.5e-3], r"got 0.0015 s, allowed whole steps of 0.001 s.*lossy=True"),
        ([-1e-3, -1e-3], "allowed seconds, 0 or more"),
        ([np.nan, np.nan], "allowed seconds, 0 or more"),
        ([0.2, 0.2], r"allowed 62"),
    ],
)
def test_delays_that_are_no_steps_are_refused_by_name(values, message):
    made = Graph(0, 2).neurons("a", 2).way("input", "a", 1).neurons("b").way("a", "b").way("input", "b")
    made.nodes["input>a~"] = nir.Delay(np.array(values))
    with pytest.raises(SynergicError, match=message):
        from_nir(made.graph(), dt=DT, steps=5)
    if "lossy" in message:
        assert from_nir(made.graph(), dt=DT, steps=5, lossy=True).projections[0].delay == 2


def test_a_bias_before_a_delay_is_refused():
    made = Graph(0).neurons("a").way("input", "a", 2, behind=True)
    made.nodes["input>a"] = nir.Affine(np.ones((4, 5)), np.ones(4))
    with pytest.raises(UnsupportedError, match=r"input>a~: got a bias before it.*Put the Delay before the Affine"):
        from_nir(made.graph(), dt=DT, steps=5)


def test_delays_of_files_in_32_bits(tmp_path):
    made = delayed()
    for name, node in made.nodes.items():
        if isinstance(node, nir.Delay):
            made.nodes[name] = nir.Delay(node.delay.astype(np.float32))
    nir.write(tmp_path / "n.nir", made.graph())
    assert {q.name: q.delay for q in from_nir(tmp_path / "n.nir", dt=DT, steps=5).projections} == {
        q.name: q.delay for q in from_nir(delayed().graph(), dt=DT, steps=5).projections
    }


@pytest.mark.parametrize("onset", [None, 0, 1])
@pytest.mark.parametrize("delay", [0, 1, 4])
def test_our_delays_come_back(delay, onset, tmp_path):
    network = skipping("frozen", delay=delay, onset=onset)
    assert not any("late" in issue for issue in nir_export_issues(network))
    nir.write(tmp_path / "n.nir", to_nir(network, lossy=True))
    assert from_nir(tmp_path / "n.nir") == network


def test_what_we_write_is_what_nir_computes():
    """Our delays and onsets as nodes, in a graph without metadata of ours."""
    rng = np.random.default_rng(1)
    populations = tuple(sy.Population(n, 4, 0.5, 0.6, "zero", rng.uniform(0, 0.1, 4), onset=o) for n, o in
                        (("a", None), ("b", 1)))  # fmt: skip
    ways = (("in", "a", 2), ("a", "b", 0), ("in", "b", 4), ("b", "a", 3), ("b", "b", 0))
    projections = tuple(sy.Projection(f"{a}>{b}", a, b, rng.normal(0, 0.6, (4, 4)), delay=d) for a, b, d in ways)
    network = sy.Network(sy.Source("in", 4), populations, projections, "b", 12, "rate")
    graph = to_nir(network)
    for node in graph.nodes.values():
        node.metadata = {}
    graph.metadata = {}
    again = from_nir(graph, dt=DT, steps=12)
    spikes = random_spikes(network)
    want, got = sy.simulate(network, spikes), sy.simulate(again, spikes)
    for name in ("a", "b"):
        np.testing.assert_array_equal(want.spikes[name], got.spikes[name])
    lags = [{q.name: n.lag(q) for q in n.projections} for n in (network, again)]
    assert lags[0] == lags[1]


def test_a_delay_that_no_longer_fits_the_metadata_is_refused():
    graph = to_nir(skipping("frozen", delay=4), lossy=True)
    graph.nodes["skip_delay"] = nir.Delay(np.full(6, 5e-3))
    with pytest.raises(FormatError, match=r"skip: got spikes 5 steps late by its nodes, and 3 by the metadata"):
        from_nir(graph)


def test_delays_beside_poolings():
    rng = np.random.default_rng(0)
    neuron = nir.LIF(np.full((2, 4, 4), 3e-3), np.ones((2, 4, 4)), np.zeros((2, 4, 4)), np.full((2, 4, 4), 0.2))

    def graph(order):
        chain = {"pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
                 "wait": nir.Delay(np.full((2, 4, 4) if order == "wait pool" else (2, 2, 2), 2e-3))}  # fmt: skip
        nodes = {"input": nir.Input(np.array([2, 4, 4])), "conv": nir.Conv2d((4, 4), kernel, 1, 1, 1, 1, np.zeros(2)),
                 "maps": neuron, **{n: chain[n] for n in order.split()}, "dense": nir.Linear(weights),
                 "out": lif(np.random.default_rng(1), 3), "output": nir.Output(np.array([3]))}  # fmt: skip
        names = list(nodes)
        return nir.NIRGraph(nodes, list(itertools.pairwise(names)), type_check=False)

    kernel, weights = rng.normal(0, 1, (2, 2, 3, 3)), rng.normal(0, 1, (3, 8))
    first, second = (from_nir(graph(order), dt=DT, steps=5) for order in ("wait pool", "pool wait"))
    lags = [[network.lag(q) for q in network.projections] for network in (first, second)]
    assert lags == [[0, 2], [0, 2]]
