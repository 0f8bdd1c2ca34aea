# SPDX-License-Identifier: BSD-3-Clause
"""What is said of files that are none of ours, of graphs that other programs wrote, and of weights with outliers."""

import warnings

import h5py
import nir
import numpy as np
import pytest
from networks import plastic_network

import synergic as sy
from synergic import interchange as ic
from synergic.cli._inputs import open_network
from synergic.errors import FormatError, ParameterError, UnsupportedError
from synergic.hw_targets import map_network, save_mapping
from synergic.network import load, save


def graph(neuron, n_in=3):
    """Input, weights, neurons, output."""
    n = max(np.size(neuron.v_threshold), np.size(neuron.r))
    nodes = {"in": nir.Input(np.array([n_in])), "w": nir.Linear(np.full((n, n_in), 0.5)), "n": neuron,
             "out": nir.Output(np.array([n]))}  # fmt: skip
    return nir.NIRGraph(nodes, [("in", "w"), ("w", "n"), ("n", "out")], type_check=False)


def lif(tau, n=2, dtype=float, **changes):
    """Leaky neurons of one time constant."""
    full = np.ones(n, dtype)
    given = {"tau": full * np.asarray(tau, dtype), "r": full, "v_leak": 0 * full, "v_threshold": full, **changes}
    return nir.LIF(**given)


def test_missing_damaged_and_other_files_have_messages_of_their_own(tmp_path):
    network = plastic_network()
    save(network, tmp_path / "net.h5")
    ic.to_lava_dl(sy.quantise(network), tmp_path / "net.net", lossy=True)
    nir.write(tmp_path / "net.nir", graph(lif(0.02)))
    save_mapping(map_network(sy.quantise(network)), tmp_path / "map.h5")
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("hello")
    whole = (tmp_path / "net.h5").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:-100])
    nets = {
        "missing": "no such file",
        "empty": "not a synergic-network file, but an empty one",
        "text": "not a synergic-network file, or damaged",
        "cut": "damaged, or altered since it was saved",
        "net.nir": "but HDF5 of another program. Read NIR graphs with synergic.interchange.from_nir",
        "net.net": "but HDF5 of another program",
    }
    for name, said in nets.items():
        for read in (load, open_network):
            with pytest.raises(FormatError, match=said):
                read(tmp_path / name)
    with pytest.raises(FormatError, match="not a synergic-network file, but a synergic-mapping file"):
        load(tmp_path / "map.h5")
    graphs = {
        "missing": "no such file",
        "text": "not a NIR file, which is HDF5, or damaged at its start",
        "net.h5": "got a file of synergic's own, .* synergic.network.load reads it",
        ".": "got a folder",
    }
    for name, said in graphs.items():
        with pytest.raises(FormatError, match=said):
            ic.from_nir(tmp_path / name, dt=1e-3, steps=3)
    assert len({*nets.values(), *graphs.values()}) >= 9, "no two are alike"


def test_a_subgraph_that_nir_cannot_read_is_called_so(tmp_path):
    path = tmp_path / "inner.nir"
    nir.write(path, graph(lif(0.02)))
    with h5py.File(path, "r+") as file:
        inner = file["node/nodes"].create_group("block")
        inner["type"] = b"NIRGraph"
    with pytest.raises(UnsupportedError, match=r"got the subgraphs \['node/nodes/block'\].*one graph"):
        ic.from_nir(path, dt=1e-3, steps=3)


@pytest.mark.parametrize("shape", [(), (1,)])
@pytest.mark.parametrize("kind", ["LIF", "IF", "CubaLIF"])
def test_fields_with_one_value_have_it_for_all_neurons(kind, shape):
    """As NIR reads scalars; a node whose fields have several shapes is refused by nir itself."""

    def node(shape):
        full = np.ones(shape)
        fields = {"r": full * 1.5, "v_threshold": full * 0.7}
        times = {"LIF": {"tau": full * 0.02}, "CubaLIF": {"tau_syn": full * 0.01, "tau_mem": full * 0.02}}.get(kind, {})
        return getattr(nir, kind)(**fields, **times, **({"v_leak": full * 0.1} if times else {}))

    def read(neuron):
        nodes = {"in": nir.Input(np.array([3])), "w": nir.Linear(np.arange(12.0).reshape(4, 3)), "n": neuron,
                 "out": nir.Output(np.array([4]))}  # fmt: skip
        edges = [("in", "w"), ("w", "n"), ("n", "out")]
        return ic.from_nir(nir.NIRGraph(nodes, edges, type_check=False), dt=5e-3, steps=6)

    want, got = read(node(4)), read(node(shape))
    spikes = np.random.default_rng(0).integers(0, 2, (2, 6, 3))
    assert np.array_equal(sy.simulate(got, spikes).u["n"], sy.simulate(want, spikes).u["n"])
    assert sy.simulate(got, spikes).spikes["n"].any()


def test_time_constants_equal_to_the_step_are_compared_as_float32_has_them():
    """snnTorch writes float32: 1e-4 is 9.9999997e-05 there, less than the float64 that is given as dt."""
    network = ic.from_nir(graph(lif(1e-4, dtype=np.float32)), dt=1e-4, steps=3)
    assert network.populations[0].decay == 0
    cuba = nir.CubaLIF(tau_syn=np.full(2, 1e-4, np.float32), tau_mem=np.full(2, 1e-3, np.float32), r=np.ones(2),
                       v_leak=np.zeros(2), v_threshold=np.ones(2))  # fmt: skip
    network = ic.from_nir(graph(cuba), dt=1e-4, steps=3)
    assert type(network.populations[0].neuron) is sy.LIF, "a current that does not outlive its step"
    with pytest.raises(UnsupportedError, match=r"n.tau: got 0\.0001 s, allowed 0\.001 s or more.*snnTorch's is 1e-4"):
        ic.from_nir(graph(lif(1e-4)), dt=1e-3, steps=3)


def test_a_step_that_is_not_said_is_asked_for_with_what_the_graph_tells():
    with pytest.raises(ParameterError, match=r"from_nir\.dt: got None.*time constants are 0\.02 to 0\.02 s.*snnTorch"):
        ic.from_nir(graph(lif(0.02)), steps=3)
    integrators = graph(nir.IF(r=np.ones(2), v_threshold=np.ones(2)))
    with pytest.raises(ParameterError, match="no time constants: for IF with r = 1 it is 1"):
        ic.from_nir(integrators, steps=3)
    with pytest.warns(UserWarning, match=r"an input of 1 adds 0\.001 r.*try dt=1"):
        ic.from_nir(integrators, dt=1e-3, steps=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ic.from_nir(integrators, dt=1, steps=3, reset="zero")
        own = sy.Network(sy.Source("in", 2), (sy.Population("out", 2, 1.0, 1.0),),
                         (sy.Projection("c", "in", "out", np.eye(2)),), "out", 3)  # fmt: skip
        ic.from_nir(ic.to_nir(own, lossy=True))


@pytest.mark.parametrize("ulps", [-2, -1, 0, 1])
def test_a_time_constant_that_is_the_step_in_32_bits(ulps):
    """Rounded up or down, or a last bit off after a division: d is 0."""
    for dt in (1e-3, 1e-4, 0.3):
        tau = np.full(2, dt, np.float32)
        for _ in range(abs(ulps)):
            tau = np.nextafter(tau, np.float32(np.sign(ulps) * np.inf))
        net = ic.from_nir(graph(nir.LIF(tau, np.ones(2), np.zeros(2), np.ones(2))), dt=dt, steps=3, reset="zero")
        assert net.populations[0].decay < 1e-6
        cuba = nir.CubaLIF(tau, 5 * tau, np.ones(2), np.zeros(2), np.ones(2))
        assert "CurrentLIF" not in repr(ic.from_nir(graph(cuba), dt=dt, steps=3, reset="zero"))
    with pytest.raises(UnsupportedError, match=r"n.tau: got 0\.000999 s, allowed 0\.001 s or more"):
        ic.from_nir(graph(lif(0.000999)), dt=1e-3, steps=3)


def test_a_subgraph_is_named_as_one():
    inner = graph(lif(0.02))
    nodes = {"in": nir.Input(np.array([3])), "part": inner, "out": nir.Output(np.array([2]))}
    with pytest.raises(UnsupportedError, match=r"part: got a subgraph with the nodes .*Put its nodes into the graph"):
        ic.from_nir(nir.NIRGraph(nodes, [("in", "part"), ("part", "out")]), dt=1e-3, steps=3)


def test_the_reset_that_a_graph_cannot_say():
    """snnTorch subtracts the threshold by default, and its graph does not have that: u 0.6, 1.2 leaves 0.2 or 0."""
    one = np.ones(1)
    node = nir.IF(r=one, v_threshold=one)
    nodes = {
        "in": nir.Input(one.astype(int)),
        "w": nir.Linear(0.6 * np.eye(1)),
        "n": node,
        "out": nir.Output(one.astype(int)),
    }
    given = nir.NIRGraph(nodes, [("in", "w"), ("w", "n"), ("n", "out")])
    with pytest.warns(UserWarning, match=r"from_nir\.reset: got None.*\['n'\].*snnTorch.*reset='subtract'"):
        unsaid = ic.from_nir(given, dt=1, steps=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zero, subtract = (ic.from_nir(given, dt=1, steps=3, reset=reset) for reset in ("zero", "subtract"))
    assert unsaid == zero
    u = [sy.simulate(net, np.ones((1, 3, 1), int)).u["n"].ravel() for net in (zero, subtract)]
    assert np.allclose(u, [[0.6, 1.2, 0.6], [0.6, 1.2, 0.8]])
    assert ic.from_nir(ic.to_nir(subtract, lossy=True), reset="subtract") == ic.from_nir(
        ic.to_nir(subtract, lossy=True)
    )
    with pytest.raises(ParameterError, match=r"from_nir\.reset: got 'zero', allowed 'subtract', which n says"):
        ic.from_nir(ic.to_nir(subtract, lossy=True), reset="zero")
    nodes["n"] = nir.IF(r=one, v_threshold=one, v_reset=0.1 * one)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ic.from_nir(nir.NIRGraph(nodes, given.edges), dt=1, steps=3)
    with pytest.raises(ParameterError, match=r"from_nir\.reset: got 'subtract', allowed 'zero', which n says"):
        ic.from_nir(nir.NIRGraph(nodes, given.edges), dt=1, steps=3, reset="subtract")
    with pytest.raises(ParameterError, match=r"from_nir\.reset: got 'none'"):
        ic.from_nir(given, dt=1, steps=3, reset="none")


def test_one_weight_that_rounds_all_others_to_zero_is_worth_a_warning():
    weights = np.full((3, 4), 0.01)
    weights[1, 2] = 100.0

    def network(weights):
        projection = sy.Projection("c", "in", "out", weights)
        return sy.Network(sy.Source("in", 4), (sy.Population("out", 3, 1.0, 0.5),), (projection,), "out", 3)

    with pytest.warns(UserWarning, match=r"c\.weights: 11 of 12 round to 0.*0\.01 in the middle and 100 at most.*clip"):
        sy.quantise(network(weights))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sy.quantise(network(np.where(weights > 1, 1.0, weights)))
        sy.quantise(network(np.zeros((3, 4))))
