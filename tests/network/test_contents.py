# SPDX-License-Identifier: BSD-3-Clause
"""Networks, rules, neurons and layers show what they are in a few words, and are equal by content."""

import dataclasses

import numpy as np
import pytest
from networks import plastic_network

import synergic as sy
from synergic.data import Images, Recordings
from synergic.hw_targets import cost, map_network, simulate_on_chip
from synergic.learning import ConvHybridNet, HybridNet, RuleLinear
from synergic.network import load, save


def networks():
    """Kinds of networks, each made anew."""
    table = sy.Population("out", 4, 1.0, 0.0, neuron=sy.Table.of("tanh"))
    values = sy.Network(sy.Source("in", 3, 8), (table,), (sy.Projection("c", "in", "out", np.ones((4, 3))),), "out", 2)
    plastic = plastic_network(masked=0.5)
    return {"plastic": plastic, "integers": sy.quantise(plastic), "values": values}


@pytest.mark.parametrize("name", networks())
def test_equal_by_content_also_through_a_file(name, tmp_path):
    one, other = networks()[name], networks()[name]
    assert one == other
    assert hash(one) == hash(other)
    assert one != object()
    save(one, tmp_path / "net.h5")
    assert load(tmp_path / "net.h5") == one
    for parts in (one.populations, one.projections):
        assert parts[0] == dataclasses.replace(parts[0])
    changed = one.projections[0].weights.copy()
    changed[0, 0] += 1
    projection = dataclasses.replace(one.projections[0], weights=changed)
    assert projection != one.projections[0]
    assert dataclasses.replace(one, projections=(projection, *one.projections[1:])) != one
    assert dataclasses.replace(one, steps=one.steps) == one
    assert sy.quantise(networks()["plastic"]) != networks()["plastic"]


def test_rules_and_neurons_are_equal_by_content():
    assert sy.Hebbian(np.full(3, 0.1), 0.1) == sy.Hebbian(np.full(3, 0.1), 0.1)
    assert sy.Hebbian(np.full(3, 0.1), 0.1) != sy.Hebbian(np.full(2, 0.1), 0.1)
    assert sy.Hebbian(0.1, 0.1) != sy.Hebbian(0.1, 0.1, mask=np.ones((2, 3)))
    assert sy.Oja(0.1) != sy.BCM(0.1)
    assert sy.AdaptiveLIF(np.full(3, 0.1)) == sy.AdaptiveLIF(np.full(3, 0.1))
    assert sy.LIF() == sy.LIF() != sy.LIF(integer=True)
    assert len({sy.Oja(0.1), sy.Oja(0.1), sy.Oja(0.2)}) == 2


def test_a_network_shows_itself_in_a_few_words():
    integer = sy.quantise(plastic_network(sizes=(300, 200, 10), masked=0.5))
    text = repr(integer)
    assert len(text) < 400
    for words in ("in 300 spikes", "layer1 200 LIF", "200x300", "Hebbian, per_sample", "8 bits", "read by rank"):
        assert words in text
    assert "array" not in text
    assert repr(integer.projections[0].rule).startswith("IntHebbian(eta=array(300,)")
    assert "decay=2048" in repr(integer.populations[0]) or "decay=" in repr(integer.populations[0])
    for thing in (*integer.populations, *integer.projections, integer.projections[0].rule, integer.source):
        assert len(repr(thing)) < 400


def test_layers_show_sizes_neuron_and_rule():
    net = HybridNet((64, 300, 10), mode="hp", steps=7)
    text = repr(net)
    assert "mode='hp', steps=7" in text
    assert "64, 300, vth=0.35, decay=0.4, reset='subtract', rule=Hebbian, rho='tanh', sign=1" in text
    assert "plastic=False" in repr(HybridNet((4, 3), mode="gp"))
    assert "3, 2, vth=0.35" in repr(RuleLinear(3, 2, rule=sy.Oja(0.1)))
    assert "rule=Oja" in repr(RuleLinear(3, 2, rule=sy.Oja(0.1)))
    assert "1, 8, kernel=(3, 3), pool=2" in repr(ConvHybridNet((1, 8, 8), (8,), (10,)))


def test_results_and_data_show_shapes_and_no_arrays():
    example = sy.load_example("digits-hp")
    network = sy.quantise(example.network)
    mapping = map_network(network)
    record, activity = simulate_on_chip(mapping, example.inputs[:2])
    pixels, labels = np.zeros((3, 28, 28), np.float32), np.zeros(3, int)
    events = [np.zeros(4, [("x", int), ("y", int), ("t", int), ("p", int)])] * 9
    shown = [example, sy.simulate(network, example.inputs[:2]), record, activity, cost(mapping, activity), mapping.chip]
    shown += [Images(pixels, labels, pixels, labels), Recordings(events, labels, events, labels)]
    for each in shown:
        text = repr(each)
        assert text.startswith(f"{type(each).__name__}(")
        assert "\n" not in text
        assert len(text) < 1500
        assert "array([" not in text
    assert "inputs=array(360, 10, 64)" in repr(example)
    assert "train=array(3, 28, 28)" in repr(shown[-2])
    assert "train=list of 9" in repr(shown[-1])
