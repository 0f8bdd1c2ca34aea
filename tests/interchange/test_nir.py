# SPDX-License-Identifier: BSD-3-Clause
"""NIR both ways: against the differential equation, an independent loop, and round trips through its files."""

import itertools
from dataclasses import replace

import nir
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import FormatError, ParameterError, UnsupportedError
from synergic.hw_targets import map_network, simulate_on_chip
from synergic.interchange import from_nir, nir_export_issues, to_nir
from synergic.learning import HybridNet, to_description


def lif(n=1, tau=4e-3, r=2.0, leak=0.0, vth=1.0, reset=0.0, **more):
    full = np.ones(n)
    return nir.LIF(full * tau, full * r, full * leak, full * vth, full * reset, **more)


def chain(*nodes):
    return nir.NIRGraph.from_list(nir.Input(np.array(nodes[0].input_type["input"])), *nodes)


def reference(layers, spikes, dt):
    """Forward Euler of NIR's equations, as a loop of its own; layers : (weight, bias, neuron), v from v_reset on."""
    v = [n.v_reset.copy() for _, _, n in layers]
    out = []
    for x in spikes:
        for i, (weight, bias, n) in enumerate(layers):
            current = weight @ x + bias
            v[i] = v[i] + dt / n.tau * ((n.v_leak - v[i]) + n.r * current)
            x = (v[i] > n.v_threshold).astype(float)
            v[i] = np.where(x > 0, n.v_reset, v[i])
        out.append(x)
    return np.array(out)


def test_a_neuron_by_hand():
    # d = 1 - 1/4, gain = 2/4: u = 0.5, 0.875, 1.15625 (spike, to 0), 0.5
    net = from_nir(chain(nir.Linear(np.array([[1.0]])), lif()), dt=1e-3, steps=4)
    got = sy.simulate(net, np.ones((1, 4, 1), int))
    np.testing.assert_allclose(got.u["lif"].ravel(), [0.5, 0.875, 1.15625, 0.5], rtol=1e-12)
    assert got.spikes["lif"].ravel().tolist() == [0, 0, 1, 0]


def test_exact_follows_the_differential_equation():
    """A constant current: v(t) = v_end + (v(0) - v_end) exp(-t / tau), at every step, for any dt."""
    net = from_nir(chain(nir.Affine(np.array([[1.0]]), np.array([0.5])), lif(leak=0.3, vth=9.0, reset=0.1)),
                   dt=3e-3, steps=5, method="exact")  # fmt: skip
    got = sy.simulate(net, np.ones((1, 5, 1), int)).u["lif"].ravel() + 0.1
    end = 0.3 + 2.0 * 1.5
    np.testing.assert_allclose(got, end + (0.1 - end) * np.exp(-3e-3 * np.arange(1, 6) / 4e-3), rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_foreign_graph_against_a_loop_of_its_own(seed):
    """Also with thresholds of their own for every neuron, leak, reset and bias."""
    rng, sizes, dt = np.random.default_rng(seed), (7, 6, 3), 5e-4
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        reset = rng.uniform(-0.2, 0.2, n_out)
        neuron = nir.LIF(np.full(n_out, rng.uniform(1, 9) * dt), rng.uniform(0.5, 2, n_out),
                         rng.uniform(-0.2, 0.2, n_out), reset + rng.uniform(0.2, 1, n_out), reset)  # fmt: skip
        layers.append((rng.normal(0, 1, (n_out, n_in)), rng.normal(0, 0.2, n_out), neuron))
    graph = chain(*(node for w, b, n in layers for node in (nir.Affine(w, b), n)))
    spikes = (rng.random((20, 7)) < 0.4).astype(int)
    got = sy.simulate(from_nir(graph, dt=dt, steps=20), spikes)
    np.testing.assert_array_equal(got.spikes["lif_1"][0], reference(layers, spikes, dt))


def test_integrate_and_fire_and_current_without_dynamics():
    one = np.ones(1)
    weight = nir.Linear(np.array([[3.0]]))
    spikes = np.ones((1, 6, 1), int)
    got = sy.simulate(from_nir(chain(weight, nir.IF(one * 100, one * 0.8)), dt=1e-3, steps=6), spikes)
    np.testing.assert_allclose(got.u["if"].ravel(), [0.3, 0.6, 0.9, 0.3, 0.6, 0.9], rtol=1e-12)
    for tau_syn, method in ((1e-3, "euler"), (0.0, "euler"), (0.0, "exact")):
        cuba = nir.CubaLIF(one * tau_syn, one * 4e-3, one * 2, one * 0, one, w_in=one * 0.5)
        same = from_nir(chain(weight, lif(r=1.0)), 1e-3, 6, method=method)
        other = from_nir(chain(weight, cuba), 1e-3, 6, method=method)
        np.testing.assert_array_equal(sy.simulate(other, spikes).u["cubalif"], sy.simulate(same, spikes).u["lif"])


@pytest.mark.parametrize(
    ("more", "claimed"),
    [
        ({"stride": 2, "padding": 1, "dilation": 1, "groups": 2}, True),
        ({"stride": (1, 2), "padding": (0, 1), "dilation": 1, "groups": 1}, False),
        ({"stride": 1, "padding": "same", "dilation": 1, "groups": 1}, True),
        ({"stride": 1, "padding": "valid", "dilation": 2, "groups": 1}, True),
    ],
)
def test_a_convolution_against_torch(tmp_path, more, claimed):
    rng, steps, dt = np.random.default_rng(0), 6, 1e-3
    kernel, bias = rng.normal(0, 0.5, (4, 2 // more["groups"], 3, 3)), rng.normal(0, 0.1, 4)
    convolution = nir.Conv2d((7, 6), kernel, bias=bias, **more)
    spikes = (rng.random((steps, 2, 7, 6)) < 0.4).astype(int)
    found = torch.nn.functional.conv2d(
        torch.tensor(spikes).double(), torch.tensor(kernel), torch.tensor(bias), **more
    ).numpy()
    shape = found.shape[1:]
    first, size = (np.ones(shape) * v for v in (4e-3, 2.0, 0.0, 1.0)), int(np.prod(shape))
    weights = rng.normal(0, 0.3, (3, size))
    nodes = {
        "input": nir.Input(np.array([2, 7, 6])), "conv": convolution, "maps": nir.LIF(*first),
        "flat": nir.Flatten({"input": np.array(shape)}, 0), "dense": nir.Linear(weights), "out": lif(3),
        "output": nir.Output(np.array([3])),
    }  # fmt: skip
    graph = nir.NIRGraph(nodes, list(itertools.pairwise(nodes)), type_check=False)
    if more["groups"] == 1:  # nir 1.0.8 forgets groups when it checks the shapes of a file
        nir.write(tmp_path / "net.nir", graph)
        graph = nir.read(tmp_path / "net.nir")
    net = from_nir(graph, dt, steps)
    assert (net.projections[0].convolution is not None) == claimed
    got = sy.simulate(net, spikes.reshape(steps, -1))
    u = np.zeros(shape)
    for m in range(steps):
        u = 0.75 * u + 0.5 * found[m]
        assert np.allclose(got.u["maps"][0, m], u.ravel())
        u = np.where(u > 1, 0, u)
    assert got.spikes["maps"].any()
    whole = sy.quantise(net)
    mapped, _ = simulate_on_chip(map_network(whole), spikes.reshape(steps, -1))
    assert np.array_equal(mapped.u["out"], sy.simulate(whole, spikes.reshape(steps, -1)).u["out"])
    gains = nir.LIF(np.full(shape, 4e-3), rng.uniform(1, 2, shape), np.zeros(shape), np.ones(shape))
    other = from_nir(nir.NIRGraph({**nodes, "maps": gains}, graph.edges, type_check=False), dt, steps)
    assert other.projections[0].convolution is None


def test_convolutions_that_say_too_little_are_refused():
    def graph(**more):
        given = {"input_shape": (4, 4), "weight": np.ones((1, 1, 2, 2)), "stride": 1, "padding": 0, "dilation": 1,
                 "groups": 1, "bias": np.zeros(1), **more}  # fmt: skip
        shape = np.array([1, 4, 4] if given["input_shape"] else [16])  # an image would say it
        nodes = {"input": nir.Input(shape), "conv": nir.Conv2d(**given), "n": lif(9),
                 "output": nir.Output(np.array([9]))}  # fmt: skip
        return nir.NIRGraph(nodes, list(itertools.pairwise(nodes)), type_check=False)

    for more, text in (
        ({"input_shape": None}, "conv.input_shape: got None"),
        ({"padding": "same"}, "conv.padding: got 'same' with a kernel"),
        ({"weight": np.ones((1, 1, 2))}, "conv.weight: got shape"),
    ):
        with pytest.raises(UnsupportedError, match=text):
            from_nir(graph(**more), 1e-3, 3)


def pool(kind, kernel, stride=None, padding=(0, 0)):
    return kind(np.array(kernel), np.array(kernel if stride is None else stride), np.array(padding))


def torch_map(node, x):
    """What torch makes of a batch of images, or of flat ones, for one linear node."""
    if isinstance(node, nir.Conv2d):
        bias = torch.tensor(node.bias)
        return torch.nn.functional.conv2d(x, torch.tensor(node.weight), bias, node.stride, node.padding, node.dilation)
    if isinstance(node, nir.SumPool2d | nir.AvgPool2d):
        area = int(np.prod(node.kernel_size)) if isinstance(node, nir.SumPool2d) else 1
        kernel, stride, padding = (tuple(v.tolist()) for v in (node.kernel_size, node.stride, node.padding))
        return area * torch.nn.functional.avg_pool2d(x, kernel, stride, padding)
    x = x.flatten(1)
    return x if isinstance(node, nir.Flatten) else x @ torch.tensor(node.weight).T


def convolution(rng, outs, ins, size, image, **more):
    given = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **more}
    return nir.Conv2d(image, rng.normal(0, 0.5, (outs, ins, size, size)), bias=rng.normal(0, 0.2, outs), **given)


def pooled_nets():
    """By name, the linear nodes between the input, 2 x 8 x 7, and the first neurons, and between these and the last
    ones; and whether each of the two projections is a convolution."""
    rng = np.random.default_rng(2)
    flat, last = nir.Flatten({"input": None}, 0), nir.Linear(rng.normal(0, 0.5, (3, 4 * 3 * 3)))
    conv = convolution(rng, 4, 2, 3, (8, 7), padding=1)
    sums, means = nir.SumPool2d, nir.AvgPool2d
    behind = [pool(sums, (2, 2)), flat, last]
    return {
        "behind neurons": ([conv], [pool(sums, (2, 2), padding=(0, 0)), flat,
                                    nir.Linear(rng.normal(0, 0.5, (3, 4 * 4 * 3)))], (True, False)),
        "before a convolution": ([pool(means, (2, 2)), convolution(rng, 4, 2, 2, (4, 3))],
                                 [flat, nir.Linear(rng.normal(0, 0.5, (3, 4 * 3 * 2)))], (True, False)),
        "before a padded convolution": ([pool(means, (2, 2)), convolution(rng, 4, 2, 3, (4, 3), padding=1)],
                                        [flat, nir.Linear(rng.normal(0, 0.5, (3, 4 * 4 * 3)))], (False, False)),
        "overlapping and padded": ([pool(sums, (3, 3), (2, 2), (1, 1)), convolution(rng, 4, 2, 2, (4, 4))],
                                   behind[1:], (True, False)),
        "behind a bias": ([conv, pool(means, (2, 3), (2, 2))], [flat, nir.Linear(rng.normal(0, 0.5, (3, 4 * 4 * 3)))],
                          (True, False)),
        "alone": ([pool(sums, (2, 2))], [flat, nir.Linear(rng.normal(0, 0.5, (3, 2 * 4 * 3)))], (True, False)),
        "one behind another": ([pool(sums, (2, 2)), pool(means, (2, 1))], [pool(means, (1, 3)), flat,
                               nir.Linear(rng.normal(0, 0.5, (3, 2 * 2 * 1)))], (False, False)),
        "one axis otherwise": ([conv], [pool(sums, (2, 2), (2, 1), (1, 0))], (True, False)),
    }  # fmt: skip


@pytest.mark.parametrize("name", pooled_nets())
def test_poolings_against_torch(tmp_path, name):
    first, second, claims = pooled_nets()[name]
    rng, steps = np.random.default_rng(3), 8
    spikes = (rng.random((steps, 2, 8, 7)) < 0.4).astype(int)
    x, nodes, thresholds = torch.tensor(spikes).double(), {"input": nir.Input(np.array([2, 8, 7]))}, []
    want = []
    for i, several in enumerate((first, second)):
        for j, node in enumerate(several):
            if isinstance(node, nir.Flatten):
                node = nir.Flatten({"input": np.array(x.shape[1:])}, 0)
            x, nodes[f"map{i}{j}"] = torch_map(node, x), node
        shape = x.shape[1:]
        thresholds.append(float(x.abs().mean()) / 2)
        nodes[f"n{i}"] = nir.LIF(*(np.ones(shape) * v for v in (4e-3, 2.0, 0.0, thresholds[-1])))
        u, fired = np.zeros(shape), []
        for m in range(steps):
            u = 0.75 * u + 0.5 * x[m].numpy()
            want.append(u.ravel())
            fired.append(u > thresholds[-1])
            u = np.where(fired[-1], 0, u)
        x = torch.tensor(np.array(fired)).double()
        assert 0 < x.mean() < 1
    nodes["output"] = nir.Output(np.array(shape))
    nir.write(tmp_path / "net.nir", nir.NIRGraph(nodes, list(itertools.pairwise(nodes)), type_check=False))
    net = from_nir(nir.read(tmp_path / "net.nir"), 1e-3, steps)
    got = sy.simulate(net, spikes.reshape(steps, -1))
    for i in range(2):
        np.testing.assert_allclose(got.u[f"n{i}"][0], want[i * steps : (i + 1) * steps], rtol=1e-9, atol=1e-12)
    assert tuple(p.convolution is not None for p in net.projections) == claims
    whole = sy.quantise(net)
    mapped, _ = simulate_on_chip(map_network(whole), spikes.reshape(steps, -1))
    assert np.array_equal(mapped.u["n1"], sy.simulate(whole, spikes.reshape(steps, -1)).u["n1"])
    nir.write(tmp_path / "ours.nir", to_nir(net))  # as Linear, which any reader computes, and with its geometry
    again = from_nir(tmp_path / "ours.nir")
    assert [p.convolution for p in again.projections] == [p.convolution for p in net.projections]
    np.testing.assert_array_equal(sy.simulate(again, spikes.reshape(steps, -1)).u["n1"], got.u["n1"])


def test_several_ways_over_one_pooling():
    """Two images heard by one pooling, which two linear nodes and one population hear: sums of everything."""
    rng, shape = np.random.default_rng(4), (1, 4, 4)
    neuron, mean = [np.ones(shape) * v for v in (4e-3, 2.0, 0.0, 0.7)], pool(nir.AvgPool2d, (2, 2))
    w, v = rng.normal(0, 1, (2, 1, 4)), rng.normal(0, 1, (2, 16, 16))
    nodes = {
        "input": nir.Input(np.array(shape)), "va": nir.Linear(v[0]), "vb": nir.Linear(v[1]), "a": nir.LIF(*neuron),
        "b": nir.LIF(*neuron), "mean": mean, "w0": nir.Linear(w[0]), "w1": nir.Affine(w[1], np.array([0.3])),
        "out": lif(1), "same": nir.LIF(*(np.ones((1, 2, 2)) * x for x in (4e-3, 2.0, 0.0, 0.7))),
        "wide": nir.Linear(np.ones((1, 4))), "output": nir.Output(np.array([1])),
    }  # fmt: skip
    edges = [("input", "va"), ("input", "vb"), ("va", "a"), ("vb", "b"), ("a", "mean"), ("b", "mean"), ("mean", "w0"),
             ("mean", "w1"), ("mean", "same"), ("w0", "out"), ("w1", "out"), ("same", "wide"), ("wide", "out"),
             ("out", "output")]  # fmt: skip
    net = from_nir(nir.NIRGraph(nodes, edges, type_check=False), 1e-3, 5)
    names = {"va", "vb", "wide", "w0:a:out", "w0:b:out", "w1:a:out", "w1:b:out", "mean:a:same", "mean:b:same"}
    assert {p.name for p in net.projections} == names
    assert net.population("out").bias == pytest.approx(0.5 * 0.3)
    for p in net.projections:
        if p.name[0] == "w" and p.source in "ab":
            pooled = w[int(p.name[1])] @ np.kron(np.eye(2), np.kron(np.ones(2), np.kron(np.eye(2), np.ones(2)))) / 4
            np.testing.assert_allclose(p.weights, 0.5 * pooled, rtol=1e-12)
    assert net.onsets["out"] == 3  # in NIR all ways to it take the same step


@pytest.mark.parametrize(
    ("nodes", "error", "text"),
    [
        ([pool(nir.AvgPool2d, (2, 2), padding=(1, 1)), lif(8)], UnsupportedError,
         r"map0.padding: got \(1, 1\), allowed 0 for an AvgPool2d: NIR does not say"),
        ([nir.Flatten({"input": None}, 0), pool(nir.SumPool2d, (2, 2)), lif(8)], UnsupportedError,
         "map1: got no single image before it"),
        ([nir.Linear(np.ones((8, 32))), pool(nir.SumPool2d, (2, 2)), lif(8)], UnsupportedError,
         "map1: got no single image before it"),
        ([convolution(np.random.default_rng(0), 1, 2, 1, (4, 4)), pool(nir.SumPool2d, (2, 2)),
          nir.Linear(np.ones((1, 4))), lif(1)], UnsupportedError, "map0: connected with .'map2'"),
        ([pool(nir.SumPool2d, (5, 5)), lif(1)], ParameterError, "map0.image"),
        ([pool(nir.SumPool2d, (1.5, 2)), lif(1)], ParameterError, "map0.kernel_size"),
        ([pool(nir.SumPool2d, (2, 2), (0, 1)), lif(1)], ParameterError, "map0.stride: got 0"),
        ([pool(nir.SumPool2d, (2, 2)), lif(7)], ParameterError, "map0.weight.*7 rows"),
        ([pool(nir.SumPool2d, (2, 2)), nir.Linear(np.ones((1, 7))), lif(1)], UnsupportedError, "7 inputs behind 8"),
        ([nir.Linear(np.ones((8, 32))), lif(8), pool(nir.SumPool2d, (2, 2))], UnsupportedError, "map2: got no single"),
    ],
)  # fmt: skip
def test_poolings_refused_by_name(nodes, error, text):
    named = {"input": nir.Input(np.array([2, 4, 4])), **{f"map{i}": node for i, node in enumerate(nodes)},
             "output": nir.Output(np.array([1]))}  # fmt: skip
    with pytest.raises(error, match=text):
        from_nir(nir.NIRGraph(named, list(itertools.pairwise(named)), type_check=False), 1e-3, 3)


def test_a_loop_of_poolings_and_one_nobody_receives_are_refused():
    one = pool(nir.SumPool2d, (1, 1))
    nodes = {
        "input": nir.Input(np.array([1, 2, 2])),
        "a": one,
        "b": one,
        "n": lif(4),
        "output": nir.Output(np.array([4])),
    }
    for edges, text in (
        ([("input", "a"), ("a", "b"), ("b", "a"), ("b", "n"), ("n", "output")], "loop of pooling nodes"),
        ([("input", "a"), ("a", "n"), ("input", "b"), ("n", "output")], "b: connected with nothing"),
        (
            [("input", "a"), ("a", "n"), ("input", "b"), ("b", "output")],
            r"output: got \['b'\]|connected with .'output'",
        ),
    ):
        with pytest.raises(UnsupportedError, match=text):
            from_nir(nir.NIRGraph(nodes, edges, type_check=False), 1e-3, 3)


def test_a_current_against_a_loop_of_its_own():
    """Euler's steps of NIR's two equations, the current first; a time constant of its own for each current."""
    rng, dt, n = np.random.default_rng(1), 1e-3, 4
    weight, tau_syn, tau = rng.normal(1, 1, (n, 5)), rng.uniform(1.5, 9, n) * dt, 6e-3
    r, leak, vth, w_in = (
        rng.uniform(0.5, 2, n),
        rng.uniform(-0.1, 0.1, n),
        rng.uniform(0.2, 0.6, n),
        rng.uniform(1, 3, n),
    )
    node = nir.CubaLIF(tau_syn, np.full(n, tau), r, leak, vth, np.zeros(n), w_in)
    spikes = (rng.random((25, 5)) < 0.4).astype(int)
    got = sy.simulate(from_nir(chain(nir.Linear(weight), node), dt=dt, steps=25), spikes)
    current, v, fired = np.zeros(n), np.zeros(n), []
    for x in spikes:
        current = current + dt / tau_syn * (w_in * (weight @ x) - current)
        v = v + dt / tau * (leak - v + r * current)
        fired.append(v > vth)
        v = np.where(fired[-1], 0, v)
    assert 0 < np.mean(fired) < 1
    np.testing.assert_array_equal(got.spikes["cubalif"][0], fired)
    with pytest.raises(UnsupportedError, match="tau_syn: got"):
        from_nir(chain(nir.Linear(weight), node), dt=dt, steps=25, method="exact")


def test_a_current_comes_back_to_the_last_bit_and_other_neurons_are_refused(tmp_path):
    net = plain()
    first = replace(net.populations[0], neuron=sy.CurrentLIF(np.array([0.1, 0.5, 0.0, 0.9])))
    second = replace(net.populations[1], neuron=sy.CurrentLIF(0.3))
    net = replace(net, populations=(first, second))
    nir.write(tmp_path / "net.nir", to_nir(net))
    again, spikes = from_nir(tmp_path / "net.nir"), random_spikes(net)
    want, got = sy.simulate(net, spikes), sy.simulate(again, spikes)
    for name in ("a", "b"):
        np.testing.assert_array_equal(want.u[name], got.u[name])
    graph = to_nir(net)
    for node in graph.nodes.values():
        node.metadata.clear()
    graph.metadata.clear()
    foreign = sy.simulate(from_nir(graph, dt=1e-3, steps=net.steps), spikes)
    np.testing.assert_allclose(foreign.u["b"], want.u["b"], rtol=1e-9, atol=1e-12)
    for neuron, text in (
        (sy.AdaptiveLIF(), "a.neuron: got AdaptiveLIF, allowed LIF or CurrentLIF"),
        (sy.CurrentLIF(1.0), "a.neuron: got CurrentLIF whose current or potential never decays"),
    ):
        with pytest.raises(UnsupportedError, match=text):
            to_nir(replace(net, populations=(replace(first, neuron=neuron), second)))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 99),
    recurrent=st.booleans(),
    plasticity_scope=st.sampled_from(["frozen", "per_sample"]),
    reset=st.sampled_from(["subtract", "zero"]),
    rho=st.sampled_from(["tanh", "identity", "softmax"]),
    masked=st.booleans(),
    alpha=st.sampled_from([0.3, "rows", "synapses"]),
    dt=st.sampled_from([1.0, 1e-3, 1e-4]),
)
def test_round_trip(tmp_path_factory, seed, recurrent, plasticity_scope, reset, rho, masked, alpha, dt):
    some = {"masked": 0.5} if masked else {}
    shape = {"rows": (5,), "synapses": (5, 5)}.get(alpha)
    some["alpha"] = alpha if shape is None else np.random.default_rng(seed).uniform(0, 0.5, shape)
    net = plastic_network(
        seed, (5, 5, 5), recurrent=recurrent, plasticity_scope=plasticity_scope, reset=reset, rho=rho, **some
    )
    graph = to_nir(net, dt=dt, lossy=True)
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    nir.write(path, graph)
    spikes = random_spikes(net)
    want = sy.simulate(net, spikes)
    for again in (from_nir(graph), from_nir(path)):
        assert (again.steps, again.readout, again.tau_w, again.dt) == (net.steps, net.readout, net.tau_w, net.dt)
        got = sy.simulate(again, spikes)
        for name in ("spikes", "u", "local_weights"):
            for key, value in getattr(want, name).items():
                np.testing.assert_array_equal(getattr(got, name)[key], value)


@pytest.mark.parametrize("rule", [sy.Oja(0.05), sy.BCM(np.full(4, 0.1)), sy.PairSTDP(0.2, 0.1)], ids=repr)
def test_any_rule_comes_back(tmp_path, rule):
    net = plastic_network(sizes=(4, 4))
    net = replace(net, projections=(replace(net.projections[0], rule=rule, local_weights=None),))
    nir.write(tmp_path / "net.nir", to_nir(net, lossy=True))
    again, spikes = from_nir(tmp_path / "net.nir"), random_spikes(net)
    assert type(again.projections[0].rule) is type(rule)
    np.testing.assert_array_equal(
        sy.simulate(again, spikes).local_weights["c0"], sy.simulate(net, spikes).local_weights["c0"]
    )


def plain(decay=0.75, bias=0.1):
    """Without a loss."""
    rng = np.random.default_rng(5)
    pops = (sy.Population("a", 4, 0.6, decay, "zero", bias), sy.Population("b", 2, 0.5, decay, "zero"))
    cons = (sy.Projection("c", "in", "a", rng.normal(0, 1, (4, 5))), sy.Projection("e", "a", "b", np.ones((2, 4)) / 3))
    return sy.Network(sy.Source("in", 5), pops, cons, "b", 12, "rate")


def test_what_is_written_is_what_any_reader_computes():
    """The graph's own numbers, without our metadata, give the spikes of the network."""
    net = plain()
    graph = to_nir(net)
    assert nir_export_issues(net) == ()
    spikes = random_spikes(net, 1)[0]
    c, a, e, b = (graph.nodes[n] for n in "caeb")
    want = reference([(c.weight, c.bias, a), (e.weight, 0, b)], spikes, 1e-3)
    np.testing.assert_array_equal(sy.simulate(net, spikes).spikes["b"][0], want)
    assert want.any()


def test_no_leak_is_an_integrator():
    net = plain(decay=1.0)
    assert isinstance(to_nir(net).nodes["a"], nir.IF)
    spikes = random_spikes(net)
    got = sy.simulate(from_nir(to_nir(net)), spikes)
    np.testing.assert_array_equal(got.u["b"], sy.simulate(net, spikes).u["b"])


def test_export_issues_are_named_and_refused():
    net = plastic_network(recurrent=True)
    with pytest.raises(UnsupportedError, match=r"c0.rule.*layer1.reset.*tau_w.*lossy=True"):
        to_nir(net)
    assert len(nir_export_issues(net)) == 5


def test_a_changed_node_is_not_read_by_old_metadata():
    graph = to_nir(plain())
    graph.nodes["a"].tau = graph.nodes["a"].tau * 2
    with pytest.raises(FormatError, match=r"a.metadata.*changed since"):
        from_nir(graph)
    graph.nodes["a"].metadata.clear()
    assert from_nir(graph).population("a").decay == pytest.approx(0.875)


@pytest.mark.parametrize("key", ["steps", "version"])
def test_infinite_metadata_are_refused(key):
    graph = to_nir(plastic_network(), lossy=True)
    graph.metadata["synergic"][key] = float("inf")
    with pytest.raises(FormatError, match="infinity"):
        from_nir(graph)


def test_on_the_chip():
    rng = np.random.default_rng(1)
    graph = chain(nir.Linear(rng.normal(0, 1, (8, 6))), lif(8), nir.Linear(rng.normal(1, 1, (3, 8))), lif(3))
    net = sy.quantise(from_nir(graph, dt=1e-3, steps=10))
    spikes = random_spikes(net)
    want = sy.simulate(net, spikes)
    got, _ = simulate_on_chip(map_network(net), spikes)
    np.testing.assert_array_equal(got.spikes["lif_1"], want.spikes["lif_1"])
    assert want.spikes["lif_1"].any()


W = nir.Linear(np.ones((2, 2)))


@pytest.mark.parametrize(
    ("graph", "error", "text"),
    [
        (chain(W, lif(2), nir.Threshold(np.ones(2))), UnsupportedError, "threshold: got Threshold"),
        (chain(W, lif(2), nir.Delay(np.ones(2))), UnsupportedError, r"output: got \['delay'\] before it"),
        (chain(W, nir.LI(np.ones(2), np.ones(2), np.zeros(2))), UnsupportedError, "li: got LI"),
        (chain(W, lif(2, tau=np.array([1.0, 2.0]))), UnsupportedError, "lif.tau: got 2 different"),
        (chain(W, lif(2, tau=5e-4)), UnsupportedError, "lif.tau: got 0.0005 s"),
        (chain(W, lif(2, vth=0.0)), UnsupportedError, "lif.v_threshold"),
        (chain(nir.Linear(np.ones((0, 2))), nir.IF(*np.ones((3, 0)))), ParameterError, "if.r: got no neurons"),
        (chain(W, lif(2, r=np.nan)), ParameterError, "lif.r: got NaN"),
        (chain(W, lif(2), lif(2)), UnsupportedError, "lif: connected with .'lif_1'"),
        (chain(W, W, lif(2)), UnsupportedError, "linear: connected with"),
        (chain(W, lif(2), W), UnsupportedError, "output: got .'linear_1'"),
        (chain(lif(2)), UnsupportedError, "input: connected with .'lif'"),
        (
            chain(W, nir.CubaLIF(*(np.ones(2) * x for x in (5e-4, 4e-3, 1, 0, 1)))),
            UnsupportedError,
            "cubalif.tau_syn: got 0.0005 s",
        ),
        (
            chain(nir.Affine(W.weight, np.ones(2)), nir.CubaLIF(*(np.ones(2) * x for x in (2e-3, 4e-3, 1, 0, 1)))),
            UnsupportedError,
            "cubalif: got a bias before a current with dynamics",
        ),
        (nir.NIRGraph({"w": W, "n": lif(2)}, [("w", "n")], type_check=False), UnsupportedError, "Input nodes"),
        (
            nir.NIRGraph({"input": nir.Input(np.array([2])), "w": W, "n": lif(2)}, [("w", "x")], type_check=False),
            FormatError,
            "'w' -> 'x': no such node",
        ),
    ],
)
def test_refused_by_name(graph, error, text):
    with pytest.raises(error, match=text):
        from_nir(graph, dt=1e-3, steps=3)


def test_arguments_and_files(tmp_path):
    graph = chain(W, lif(2))
    for changes, text in (
        ({"steps": 3}, "dt"),
        ({"dt": 1e-3}, "steps"),
        ({"dt": 0, "steps": 3}, "dt"),
        ({"dt": 1, "steps": 3, "method": "other"}, "method"),
    ):
        with pytest.raises(ParameterError, match=f"from_nir.{text}"):
            from_nir(graph, **changes)
    with pytest.raises(ParameterError, match="says"):
        from_nir(to_nir(plain()), dt=2e-3)
    (tmp_path / "no.nir").write_text("no")
    with pytest.raises(FormatError, match=r"no\.nir: not a NIR file"):
        from_nir(tmp_path / "no.nir")
    damaged = to_nir(plain())
    damaged.metadata["synergic"]["populations"] = "["
    with pytest.raises(FormatError, match="metadata"):
        from_nir(damaged)


def test_networks_of_to_description_whose_output_is_called_output(tmp_path):
    """NIR's own node of that name gets another one; the file is the network."""
    net = HybridNet((6, 5, 3), steps=4, mode="gp", reset="zero")
    network = to_description(net)
    assert network.output == "output"
    nir.write(tmp_path / "net.nir", to_nir(network, lossy=True))
    back = from_nir(tmp_path / "net.nir")
    assert [p.name for p in back.populations] == [p.name for p in network.populations]
    spikes = random_spikes(network, samples=4)
    np.testing.assert_allclose(sy.simulate(back, spikes).u["output"], sy.simulate(network, spikes).u["output"])
