# SPDX-License-Identifier: BSD-3-Clause
"""Decisions made by processes: those of Record.classes, whatever the network runs on, and early ones by hand."""

import dataclasses
import multiprocessing

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import ExecutionError, ParameterError
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.processes import FusedNetwork, Graph, HybridNetwork, HybridSimCfg, RankReadout, RateReadout, running

pytestmark = pytest.mark.alone
SAMPLES = 8
KINDS = pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
READOUTS = {"rank": RankReadout, "rate": RateReadout}


def case(integer, readout):
    """A network with a read-out, its input, and the record of simulate."""
    network = dataclasses.replace(plastic_network(seed=4, sizes=(12, 9, 4)), readout=readout)
    network = sy.quantise(network) if integer else network
    spikes = random_spikes(network, SAMPLES, rate=0.5)
    return network, spikes, sy.simulate(network, spikes)


def decided(process, readout, steps, config):
    """The read-out's Vars after a run, and what it sent, the steps first."""
    sink = Sink(shape=readout.c_out.shape, buffer=steps)
    readout.c_out.connect(sink.a_in)
    with running(process):
        process.run(condition=RunSteps(num_steps=steps), run_cfg=config)
        sent = sink.data.get().T.copy()
        return readout.classes.get(), readout.scores.get(), readout.decided_at.get(), sent


def on_machine(network, spikes, readout, config):
    """`decided` behind the composed processes."""
    graph = Graph(network, spikes)
    out = graph.composition.output
    out.u_out.connect(readout.u_in)
    if isinstance(readout, RateReadout):
        out.s_out.connect(readout.s_in)
    return decided(out, readout, graph.n_steps, config)


def fused(network, spikes, readout, config):
    """`decided` behind a FusedNetwork."""
    process, source = FusedNetwork(network=network), Source(data=np.moveaxis(spikes, 0, -1))
    source.s_out.connect(process.s_in)
    process.u_all_out.connect(readout.u_in)
    if isinstance(readout, RateReadout):
        process.s_out.connect(readout.s_in)
    return decided(process, readout, len(spikes), config)


def first_certain(spikes):
    """By hand: the first step after which the most spikes cannot be reached any more, by sample."""
    steps, at = spikes.shape[1], []
    for counts in spikes.cumsum(axis=1):
        order = np.sort(counts, axis=1)
        certain = order[:, -1] - order[:, -2] > steps - 1 - np.arange(steps)
        at.append(certain.argmax() + 1 if certain.any() else steps)
    return at


@pytest.mark.one_in(3)
@KINDS
@pytest.mark.parametrize("name", READOUTS)
def test_classes_are_those_of_simulate(integer, name):
    network, spikes, want = case(integer, name)
    readout = READOUTS[name].from_description(network, SAMPLES)
    classes, scores, at, sent = on_machine(network, spikes, readout, HybridSimCfg())
    assert np.array_equal(classes, want.classes(network))
    assert np.allclose(scores, want.scores(network), rtol=0, atol=0 if integer else 1e-12)
    out = want.spikes[network.output]
    assert at.tolist() == ([network.steps] * SAMPLES if name == "rank" else first_certain(out))
    assert len(set(classes.tolist())) > 1
    # one message a presentation, in the Lava step of the decision
    begin = network.onsets[network.output]
    told = np.zeros_like(sent)
    told[begin + network.steps * np.arange(SAMPLES) + at - 1, classes] = 1
    assert np.array_equal(sent, told)
    if name == "rate":
        counts = np.sort(out.sum(axis=1), axis=1)
        assert (counts[:, -1] == counts[:, -2]).any(), "a tie among the samples"
        assert min(at) < network.steps, "a lead that was settled early"


@pytest.mark.one_in(3)
@KINDS
@pytest.mark.parametrize("name", READOUTS)
def test_behind_a_fused_network_and_under_lavas_configuration(integer, name):
    network, spikes, want = case(integer, name)
    readout = READOUTS[name].from_description(network, SAMPLES, at_once=True)
    config = Loihi2SimCfg(select_tag="fixed_pt" if integer else "floating_pt")
    classes, scores, at, sent = fused(network, spikes, readout, config)
    assert np.array_equal(classes, want.classes(network))
    assert np.allclose(scores, want.scores(network), rtol=0, atol=0 if integer else 1e-12)
    assert at.tolist() == ([network.steps] * SAMPLES if name == "rank" else first_certain(want.spikes[network.output]))
    assert np.array_equal(sent, np.eye(4)[classes])


@KINDS
def test_an_early_exit_is_at_the_first_spike_of_the_output(integer):
    an_early_exit(integer)


def an_early_exit(integer):
    """Potentials of the output, their threshold, and the classes and steps of the read-out, which are tried."""
    network, spikes, want = case(integer, "rank")
    vth = network.population(network.output).vth
    u = want.u[network.output]
    got = fused(
        network, spikes, RankReadout.from_description(network, SAMPLES, early=True, at_once=True), HybridSimCfg()
    )
    composed = on_machine(network, spikes, RankReadout.from_description(network, SAMPLES, early=True), HybridSimCfg())
    for a, b in zip(got[:3], composed[:3], strict=True):
        assert np.array_equal(a, b)
    classes, scores, at, _ = got
    for i in range(SAMPLES):
        passed = np.flatnonzero((u[i] > vth).any(axis=1))
        step = passed[0] if len(passed) else network.steps - 1
        assert (at[i], classes[i]) == (step + 1, u[i, step].argmax())
        assert np.allclose(scores[i], u[i, step], rtol=0, atol=1e-12)
    assert min(at) < network.steps
    return u, float(vth), classes, at


@pytest.mark.slow
@KINDS
def test_an_early_exit_is_that_of_training(integer):
    import torch  # here, because forks of a process that has it are slow

    from synergic.learning._training import early_exit

    u, vth, classes, at = an_early_exit(integer)
    theirs = early_exit(torch.zeros(u.shape), torch.tensor(u).double(), torch.tensor(classes), vth)
    assert theirs == {"accuracy": 1.0, "steps": at.mean()}


@pytest.mark.parametrize("name", READOUTS)
def test_the_chip_feeds_them(name):
    network, spikes, want = case(True, name)
    readout, config = READOUTS[name].from_description(network, SAMPLES), ChipSimCfg()
    classes, scores, _, _ = on_machine(network, spikes, readout, config)
    assert np.array_equal(classes, want.classes(network))
    assert np.array_equal(scores, want.scores(network))
    assert config.costs().energy_j > 0


def test_a_hybrid_network_feeds_them_and_probabilities_are_shares():
    network, spikes, want = case(False, "rank")
    steps = SAMPLES * network.steps + network.depth
    process, readout = (
        HybridNetwork(network=network, presentations=SAMPLES),
        RankReadout.from_description(network, SAMPLES),
    )
    data = np.zeros((12, steps))
    data[:, : SAMPLES * network.steps] = spikes.reshape(-1, 12).T
    Source(data=data).s_out.connect(process.s_in)
    process.u_out.connect(readout.u_in)
    classes = decided(process, readout, steps, HybridSimCfg())[0]
    assert np.array_equal(classes, want.classes(network))
    shares = readout.probabilities()
    raised = np.exp(want.scores(network) / 0.35)
    assert np.allclose(shares, raised / raised.sum(axis=1, keepdims=True))


def test_spikes_of_lavas_neurons_are_counted():
    neurons = LIF(shape=(3,), du=1, dv=0, vth=1, bias_mant=np.array([0.3, 1.1, 0.6]))
    potential = Source(data=np.zeros((3, 6)))
    readout = RateReadout(n=3, period=6, presentations=1)
    neurons.s_out.connect(readout.s_in)
    potential.s_out.connect(readout.u_in)
    classes, scores, at, _ = decided(neurons, readout, 6, HybridSimCfg())
    assert classes.tolist() == [1]
    assert scores.tolist() == [[1, 6, 3]]  # .3 passes 1 in step 4, .6 in steps 2, 4 and 6
    assert at.tolist() == [5]  # 5 against 2, one step left


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: RankReadout(vth=0, n=2, period=3, presentations=1), r"RankReadout\.vth: got 0, allowed 1 to 8388607"),
        (lambda: RankReadout(vth=-1.0, n=2, period=3, presentations=1), r"RankReadout\.vth: got -1\.0, allowed \(0"),
        (lambda: RankReadout(vth="1", n=2, period=3, presentations=1), r"RankReadout\.vth: got '1'"),
        (lambda: RankReadout(vth=1, n=2, period=3, presentations=1, early=1), r"RankReadout\.early: got 1 of type int"),
        (lambda: RateReadout(n=0, period=3, presentations=1), r"RateReadout\.n: got 0, allowed 1, 2"),
        (lambda: RateReadout(n=2, period=None, presentations=1), r"RateReadout\.period: got None"),
        (
            lambda: RateReadout(n=2, period=3, presentations=None, name="r"),
            r"r\.presentations: got None, allowed a whole number, 1",
        ),
        (lambda: RateReadout(n=2, period=3, presentations=1, onset=-1), r"RateReadout\.onset: got -1"),
        (lambda: RateReadout(n=2, period=3, presentations=1, at_once=0), r"RateReadout\.at_once: got 0 of type int"),
        (lambda: RankReadout.from_description(3, 1), r"from_description\.network: got 3 of type int"),
    ],
)
def test_bad_arguments_are_refused(make, text):
    with pytest.raises(ParameterError, match=text):
        make()


def test_a_readout_that_receives_nothing_or_values_is_refused():
    readout = RateReadout(n=2, period=3, presentations=1, name="deaf")
    Source(data=np.zeros((2, 3))).s_out.connect(readout.s_in)
    with pytest.raises(ParameterError, match=r"deaf\.u_in: got no connection, allowed one"):
        readout.run(condition=RunSteps(num_steps=3), run_cfg=HybridSimCfg())
    # Not those of joblib, which wait for other tests' work.
    assert not [child for child in multiprocessing.active_children() if "Loky" not in type(child).__name__]
    readout = RateReadout(n=2, period=3, presentations=1)
    for port in (readout.s_in, readout.u_in):
        Source(data=np.full((2, 3), 2.0)).s_out.connect(port)
    with pytest.raises(ExecutionError, match=r"RateReadout\.s_in: got 2\.0, allowed 0 or 1"):
        readout.run(condition=RunSteps(num_steps=3), run_cfg=HybridSimCfg())
