# SPDX-License-Identifier: BSD-3-Clause
"""The reference executor: read-outs and delays by hand, and independence of how samples are batched."""

from dataclasses import replace

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy


def two_neurons(readout="rank", **settings):
    """Two neurons without decay behind one channel, weights 0.6 and 0.9, threshold 1."""
    population = sy.Population("out", 2, 1.0, 1.0)
    projection = sy.Projection("c", "in", "out", [[0.6], [0.9]])
    return sy.Network(sy.Source("in", 1), (population,), (projection,), "out", 4, readout, **settings)


def test_two_steps_by_hand():
    record = sy.simulate(two_neurons(), np.array([[[1], [1], [0], [1]]]))
    # first neuron: .6, 1.2 fires and keeps .2, .2, .8; second: .9, 1.8 fires, .8, 1.7 fires
    assert record.u["out"][0] == pytest.approx(np.array([[0.6, 0.9], [1.2, 1.8], [0.2, 0.8], [0.8, 1.7]]))
    assert record.spikes["out"][0].tolist() == [[0, 0], [1, 1], [0, 0], [0, 1]]


def test_slow_weights_decay_over_a_presentation():
    record = sy.simulate(two_neurons(dt=1.0, tau_w=2.0), np.array([[[1], [0], [0], [0]]]))
    assert record.u["out"][0, 0] == pytest.approx(np.array([0.6, 0.9]) * np.exp(-0.5))


@pytest.mark.parametrize("readout", ["rank", "rate"])
def test_readouts_by_hand(readout):
    network = two_neurons(readout)
    record = sy.simulate(network, np.array([[[1], [1], [0], [1]], [[0], [0], [0], [1]]]))
    scores = record.scores(network)
    assert record.classes(network).tolist() == [1, 1]
    if readout == "rank":
        assert scores == pytest.approx(np.array([[0.8, 1.7], [0.6, 0.9]]))
    else:  # counts 1 and 2; none and none, where the potential decides, by less than a spike
        assert np.floor(scores).tolist() == [[1, 2], [0, 0]]
        assert scores[1, 1] > scores[1, 0]


def test_feedback_arrives_as_many_steps_late_as_the_description_says():
    population = sy.Population("out", 1, 1.0, 0.0)
    forward = sy.Projection("c", "in", "out", [[2.0]])
    back = sy.Projection("back", "out", "out", [[0.25]])
    network = sy.Network(sy.Source("in", 1), (population,), (forward, back), "out", 4)
    assert (network.lag(forward), network.lag(back)) == (0, 1)
    record = sy.simulate(network, np.array([[[1], [0], [0], [0]]]))
    # fires in step 1 and keeps 2 - 1 = 1, lost at once for decay 0; its own spike is heard in step 2
    assert record.u["out"][0, :, 0].tolist() == [2.0, 0.25, 0.0, 0.0]


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("readout", ["rank", "rate"])
def test_batches_do_not_matter(integer, readout):
    network = replace(plastic_network(recurrent=True), readout=readout)
    network = sy.quantise(network) if integer else network
    spikes = random_spikes(network, samples=7)
    whole, parts = sy.simulate(network, spikes), sy.simulate(network, spikes, batch=3)
    for name in whole.u:
        assert np.abs(whole.u[name] - parts.u[name]).max() <= (0 if integer else 1e-12)
    for name in whole.local_weights:
        assert np.abs(whole.local_weights[name] - parts.local_weights[name]).max() <= (0 if integer else 1e-12)
    assert whole.saturated == parts.saturated
    assert np.array_equal(whole.classes(network), parts.classes(network))
    alone = sy.simulate(network, spikes[4])
    assert alone.classes(network) == whole.classes(network)[4]
