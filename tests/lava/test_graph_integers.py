# SPDX-License-Identifier: BSD-3-Clause
"""`synergic.processes.quantise`: a composed graph in integers, bit for bit that of the description's `quantise`."""

import re
from pathlib import Path

import numpy as np
import pytest
from conformance.executors import assert_agree, networks
from hypothesis import HealthCheck, given, settings
from lava.magma.core.run_conditions import RunSteps
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer as Source
from lava.proc.monitor.process import Monitor
from networks import plastic_network, random_spikes
from scipy.sparse import csc_matrix

import synergic as sy
from synergic.data import Value
from synergic.errors import ParameterError, UnsupportedError
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.processes import (
    DeltaEncoder,
    Encoder,
    FusedNetwork,
    HybridConv,
    HybridDense,
    HybridLIF,
    HybridNetwork,
    HybridSimCfg,
    HybridSparse,
    RankReadout,
    quantise,
    running,
)
from synergic.processes._composition import compose

pytestmark = pytest.mark.alone


def through(network, inputs, told, config, **how):
    """A graph in floating point, made integer before its run: its record, and the scales."""
    steps = len(inputs) * network.steps + network.depth
    graph = compose(network, len(inputs), len(inputs))
    data = np.zeros((network.source.size, steps), int)
    data[:, : inputs.shape[0] * inputs.shape[1]] = inputs.reshape(-1, network.source.size).T
    source = Source(data=data)
    for entry in graph.entries:
        entry.proc_params.overwrite("num_message_bits", network.source.num_message_bits)
        source.s_out.connect(entry.s_in)
    for p in network.projections:
        if p.plastic and p.rule.signalled:
            line, onset = np.zeros((1, steps), int), network.onsets[p.target]
            line[0, onset : onset + told.size] = told.ravel()
            Source(data=line).s_out.connect(graph.projections[p.name].r_in)
    head = next(iter(graph.populations.values()))
    scales = quantise(head, **how)
    with running(head):
        head.run(condition=RunSteps(num_steps=steps), run_cfg=config)
        return graph.record(inputs), scales


@pytest.mark.parametrize("examples", [4, pytest.param(14, marks=pytest.mark.slow)])
def test_a_graph_in_integers_is_the_description_in_integers(examples):
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(networks(sizes=(1, 3, 20), loud=(255,)))
    def agree(case):
        in_integers(*case)

    agree()


def in_integers(network, inputs):
    """The graph in Lava and on the chip against `simulate`."""
    integer = sy.quantise(network)
    told = None
    if any(p.plastic and p.rule.signalled for p in network.projections):
        told = integer.encode_signal(np.random.default_rng(0).uniform(-2, 2, inputs.shape[:2]))
    whole = integer.encode(inputs) if network.source.num_message_bits else inputs
    want = sy.simulate(integer, whole, signal=told)
    for config in (HybridSimCfg(), ChipSimCfg()):
        found, scales = through(network, whole, told, config)
        assert_agree(want, found, 0, type(config).__name__)
        assert scales == {p.name: p.scale for p in integer.populations}


def test_streams_round_with_the_random_numbers_of_the_description():
    network, how = plastic_network(plasticity_scope="stream", memory=30), {"rounding": "stochastic", "local_bits": 8}
    spikes = random_spikes(network)
    want, other = (sy.simulate(sy.quantise(network, **how, seed=seed), spikes) for seed in (5, 6))
    found, _ = through(network, spikes, None, HybridSimCfg(), **how, seed=5)
    assert_agree(want, found, 0, "stochastic")
    assert any((want.local_weights[name] != p).any() for name, p in other.local_weights.items())


@pytest.mark.parametrize("kind", ["sparse", "conv"])
def test_chosen_synapses_and_convolutions(kind):
    """The integers of the full matrix, in the place of the stored synapses."""
    rng = np.random.default_rng(1)
    if kind == "sparse":
        full = rng.normal(0, 1, (5, 8)) * (rng.random((5, 8)) < 0.5)
        make = lambda **given: HybridSparse(weights=csc_matrix(full), **given)  # noqa: E731
    else:
        weight = rng.normal(0, 1, (2, 2, 3, 1))
        make = lambda **given: HybridConv(weight=weight, input_shape=(4, 4, 1), padding=(1, 0), **given)  # noqa: E731
        full = make().proc_params["synapses"].pattern
        full = full.matrix(make().proc_params["synapses"].slow(weight)).toarray()
    mask = full != 0
    rule = sy.Oja(eta=0.05, mask=mask)
    given = {"rule": rule, "alpha": 0.4, "period": 20, "onset": 1, "vth": 0.7, "delay": 1, "record": 1}
    sides = make().a_out.shape
    data = (rng.random((full.shape[1], 21)) < 0.5).astype(int)
    found = []
    for connection in (make(**given), HybridDense(weights=full, **given)):
        lif = HybridLIF(shape=sides, vth=0.7, decay=0.8, onset=1, period=20, record=21)
        Source(data=data).s_out.reshape(connection.s_in.shape).connect(connection.s_in)
        connection.a_out.reshape(sides).connect(lif.a_in)
        lif.u_out.reshape(connection.u_in.shape).connect(connection.u_in)
        quantise(connection, local_bits=12)
        with running(lif):
            lif.run(condition=RunSteps(num_steps=21), run_cfg=HybridSimCfg())
            local = connection.local_weights.get()
            found.append((local if isinstance(local, np.ndarray) else local.toarray(), lif.u_record.get().ravel()))
    assert found[0][0].any()
    assert found[0][0].dtype == np.int64
    assert all(np.array_equal(*pair) for pair in zip(*found, strict=True))


def test_a_monitor_an_encoder_and_a_read_out_stay_connected():
    """What is in the graph beside neurons: values become 255ths, the threshold of a read-out that of its neurons."""
    rng = np.random.default_rng(0)
    values, weights = rng.random((3, 6)), rng.normal(0.1, 0.4, (4, 6))
    population, projection = sy.Population("lif", 4, 0.9, 0.6), sy.Projection("dense", "in", "lif", weights)
    network = sy.quantise(sy.Network(sy.Source("in", 6, 8), (population,), (projection,), "lif", 5))
    want = sy.simulate(network, network.encode(Value().encode(values, 5)))
    encoder = Encoder(code=Value(), values=values, period=5)
    dense = HybridDense(weights=weights, onset=1, period=5, name="dense")
    lif = HybridLIF(shape=(4,), vth=0.9, decay=0.6, onset=1, period=5, name="lif")
    readout, monitor = RankReadout(vth=0.9, n=4, period=5, presentations=3, onset=1), Monitor()
    encoder.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    lif.u_out.connect(readout.u_in)
    monitor.probe(lif.u_before_reset, 16)
    scales = quantise(lif)
    with running(lif):
        lif.run(condition=RunSteps(num_steps=16), run_cfg=HybridSimCfg())
        u = monitor.get_data()["lif"]["u_before_reset"]
        assert np.array_equal(u[1:].reshape(3, 5, 4), want.u["lif"])
        assert np.array_equal(readout.classes.get(), want.classes(network))
        assert readout.vth.get() == network.populations[0].vth
        assert scales["lif"] == network.populations[0].scale
        assert np.array_equal(encoder.values.get(), network.encode(values))


def test_what_has_integers_already_beside_the_neurons_stays():
    """A DeltaEncoder of integers and a read-out with an integer threshold, as a graph of integers needs them."""
    signal = np.random.default_rng(2).integers(-5, 6, (1, 20, 3)).cumsum(1)
    encoder = DeltaEncoder(threshold=3, signal=signal)
    dense = HybridDense(weights=np.eye(6)[:4], onset=0, name="dense")
    lif = HybridLIF(shape=(4,), vth=0.5, record=21, name="lif")
    readout = RankReadout(vth=77, n=4, period=21, presentations=1)
    encoder.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    lif.u_out.connect(readout.u_in)
    quantise(lif)
    with running(lif):
        lif.run(condition=RunSteps(num_steps=21), run_cfg=HybridSimCfg())
        assert lif.s_record.get().any()
        assert readout.vth.get() == 77
        assert readout.classes.get() == lif.u_record.get()[-1].argmax()


def test_a_var_that_was_set_is_what_counts():
    dense, lif = HybridDense(weights=np.zeros((2, 3))), HybridLIF(shape=(2,), vth=0.5, name="lif")
    dense.a_out.connect(lif.a_in)
    dense.weights.set(np.array([[0.5, -1, 0], [0.25, 1, 0]]))
    lif.vth.set(0.25)
    scales = quantise(dense)
    assert np.array_equal(dense.weights.get(), np.rint(np.array([[0.5, -1, 0], [0.25, 1, 0]]) * 127))
    assert lif.vth.get() == round(0.25 * 127 * 64)
    assert scales == {"lif": 127 * 64}


def refused(build, match, kind=UnsupportedError):
    """A graph is refused, and nothing of it has changed."""
    processes = build()
    before = [p.vth.get() for p in processes if isinstance(p, HybridLIF)]
    with pytest.raises(kind, match=match):
        quantise(*processes)
    assert all(
        np.array_equal(p.vth.get(), v)
        for p, v in zip([p for p in processes if isinstance(p, HybridLIF)], before, strict=True)
    )


def test_what_cannot_be_made_integer_is_named():
    network = plastic_network()
    lif = lambda **given: HybridLIF(shape=(3,), name="lif", **given)  # noqa: E731
    refused(lambda: [FusedNetwork(network=network)], "FusedNetwork, allowed connections and neurons. Build it anew")
    refused(lambda: [HybridNetwork(network=network)], "allowed connections and neurons")
    refused(lambda: [DeltaEncoder(threshold=0.1, n=3), lif()], "Give it an integer threshold")
    refused(lambda: [lif(vth=3, decay=2)], "lif: got integers already")
    refused(
        lambda: [HybridDense(weights=np.ones((3, 2)), name="w")], r"w.a_out: got no connection, allowed one HybridLIF"
    )
    refused(lambda: [lif(), lif()], r"\['lif'\] more than once", ParameterError)

    def behind_lavas():
        dense, neurons = Dense(weights=np.ones((3, 3))), lif()
        dense.a_out.connect(neurons.a_in)
        return [neurons]

    def run_before():
        neurons = lif()
        with running(neurons):
            neurons.run(condition=RunSteps(num_steps=1), run_cfg=HybridSimCfg())
        return [neurons]

    refused(behind_lavas, "lif.a_in: got Dense .*, allowed HybridDense, HybridSparse and HybridConv only")
    with pytest.raises(UnsupportedError, match="run"):
        quantise(*run_before())
    for wrong, match in (((), "none"), ((network,), "Network"), (([lif()],), "list")):
        with pytest.raises(ParameterError, match=match):
            quantise(*wrong)
    for name, value in (("weight_bits", 1), ("local_bits", 20), ("rounding", "up"), ("seed", -1)):
        with pytest.raises(ParameterError, match=name):
            quantise(lif(), **{name: value})


def test_the_readme_with_the_two_changes_that_it_names(capsys):
    """Its second example on the model of the chip. How-to's block runs in tests/package/test_documents.py."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    example = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    assert "`quantise(lif)` (`synergic.processes`)" in readme
    assert '`run_cfg=ChipSimCfg("tianjic")` (`synergic.hw_targets.lava_bridge`)' in readme
    chip = example.replace("with running", "quantise(lif)\nwith running").replace(
        "HybridSimCfg()", 'ChipSimCfg("tianjic")'
    )
    exec(chip, {"ChipSimCfg": ChipSimCfg, "quantise": quantise})
    said = re.fullmatch(r"(\d+) spikes; largest local weight (\d+)\n", capsys.readouterr().out)
    assert min(map(int, said.groups())) > 0


def test_spikes_of_a_graph_near_the_float_one():
    """Integers stay near the floats: potentials over their scale, before a spike differs."""
    network = plastic_network(alpha=0.0)
    spikes = random_spikes(network, samples=1)
    record, scales = through(network, spikes, None, HybridSimCfg())
    want = sy.simulate(network, spikes)
    first = network.populations[0].name
    assert np.abs(record.u[first][0, 0] / scales[first] - want.u[first][0, 0]).max() < 0.05
