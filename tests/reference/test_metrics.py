# SPDX-License-Identifier: BSD-3-Clause
"""NeuroBench's metrics on nets that can be counted by hand, and against NeuroBench itself where it is installed."""

import numpy as np
import pytest
import torch
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import ParameterError
from synergic.reference import (
    Operations,
    activation_sparsity,
    connection_sparsity,
    footprint,
    membrane_updates,
    metrics,
    synaptic_operations,
)


def tiny(**source):
    """Two channels, two neurons, one weight of 0; decay 0.5, threshold 0.8, reset to zero."""
    return sy.Network(
        sy.Source("in", 2, **source),
        (sy.Population("out", 2, 0.8, 0.5, "zero"),),
        (sy.Projection("c", "in", "out", [[1.0, 0.5], [0.0, 0.5]]),),
        "out",
        3,
    )


SPIKES = np.array([[[1, 0], [0, 1], [0, 0]], [[0, 0], [0, 0], [1, 1]]])


def test_by_hand():
    # sample 1, neuron 1: u = 1 (spike), 0.5, 0.25; neuron 2: 0, 0.5, 0.25. Sample 2: 0, 0, 1.5 (spike); 0, 0, 0.5.
    net = tiny()
    record = sy.simulate(net, SPIKES)
    assert connection_sparsity(net) == 0.25
    assert activation_sparsity(net, record) == 10 / 12
    # weights that are not 0 behind each spike: channel 1 has one, channel 2 two
    assert synaptic_operations(net, record) == Operations(0.0, (1 + 2 + 3) / 2, 12.0)
    # the first step counts; after it neuron 1: 0 -> 0.5 -> 0.25, neuron 2 the same; sample 2: neuron 1 is reset to 0
    assert membrane_updates(net, record) == (2 + 4 + 2 + 1) / 2
    assert footprint(net) == 4 * (4 + 2 + 2 + 2)  # weights, biases, potentials, threshold and decay


def test_values_are_multiplied_and_integers_count_the_same():
    net = tiny(num_message_bits=8)
    values = np.array([[0.5, 0.0], [1.0, 0.0], [0.0, 0.25]])
    want = Operations(1.0 + 2.0, 1.0, 12.0)  # the middle step is a spike
    assert synaptic_operations(net, sy.simulate(net, values)) == want
    whole = sy.quantise(tiny())
    assert synaptic_operations(whole, sy.simulate(whole, SPIKES)) == synaptic_operations(
        tiny(), sy.simulate(tiny(), SPIKES)
    )
    assert footprint(whole) == 4 + 4 * (2 + 2 + 2)  # 8 bits a weight


def test_local_weights_share_a_synapse():
    net = plastic_network(0, (3, 2), masked=0.5)
    q = net.projections[0]
    spikes = np.ones((1, net.steps, 3), int)
    used = (q.weights != 0) | (q.rule.mask != 0)
    assert synaptic_operations(net, sy.simulate(net, spikes)).Effective_ACs == used.sum() * net.steps


def test_refused():
    net = tiny()
    with pytest.raises(ParameterError, match=r"metrics\.network"):
        footprint(None)
    with pytest.raises(ParameterError, match=r"metrics\.record"):
        metrics(net, sy.simulate(plastic_network(), random_spikes(plastic_network())))
    with pytest.raises(ParameterError, match=r"metrics\.record"):
        metrics(net, None)


def test_against_neurobench():
    """The same network as an snnTorch model, counted by NeuroBench; to zero: snnTorch subtracts otherwise than we."""
    reset = "zero"
    reason = "neurobench is not installed: pip install neurobench"
    benchmarks = pytest.importorskip("neurobench.benchmarks", reason=reason)
    import snntorch
    from neurobench.metrics import static, workload
    from neurobench.models import SNNTorchModel

    rng, sizes, steps, samples = np.random.default_rng(2), (12, 9, 4), 8, 5
    pops, cons, layers = [], [], []
    for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):  # noqa: B905, RUF007
        # multiples of 1/64 and decay 0.5: exact in single precision too, so that no rounding differs
        weights = np.rint(rng.normal(0.1, 0.5, (n_out, n_in)) * 64) / 64 * (rng.random((n_out, n_in)) < 0.8)
        pops.append(sy.Population(f"p{i}", n_out, 0.75, 0.5, reset))
        cons.append(sy.Projection(f"c{i}", "in" if i == 0 else f"p{i - 1}", f"p{i}", weights))
        linear = torch.nn.Linear(n_in, n_out, bias=False)
        linear.weight.data = torch.tensor(weights, dtype=torch.float32)
        layers += [linear, snntorch.Leaky(0.5, threshold=0.75, reset_mechanism=reset, init_hidden=True,
                                          reset_delay=False, output=i == len(sizes) - 2)]  # fmt: skip
    net = sy.Network(sy.Source("in", sizes[0]), tuple(pops), tuple(cons), pops[-1].name, steps, "rate")
    spikes = random_spikes(net, samples)
    data = torch.utils.data.TensorDataset(torch.tensor(spikes, dtype=torch.float32), torch.zeros(samples))
    loader = torch.utils.data.DataLoader(data, batch_size=1)
    wanted = [workload.ActivationSparsity, workload.SynapticOperations, workload.MembraneUpdates]
    model = SNNTorchModel(torch.nn.Sequential(*layers))
    static_ones = [static.ConnectionSparsity]
    theirs = benchmarks.Benchmark(model, loader, [], [], [static_ones, wanted]).run(quiet=True)
    record = sy.simulate(net, spikes)
    ours = metrics(net, record)
    assert ours["ConnectionSparsity"] == pytest.approx(theirs["ConnectionSparsity"], abs=5e-5)  # they round
    assert ours["ActivationSparsity"] == pytest.approx(theirs["ActivationSparsity"], rel=1e-9)
    for name, value in theirs["SynapticOperations"].items():
        assert ours["SynapticOperations"][name] == pytest.approx(float(value), rel=1e-6)
    assert ours["MembraneUpdates"] == pytest.approx(theirs["MembraneUpdates"], rel=1e-9)
