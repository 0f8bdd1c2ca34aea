# SPDX-License-Identifier: BSD-3-Clause
"""A trained run on a stream: the same as `simulate` in one go, with its order, its warm-up and its changes."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.cli._learning_commands import Evaluate
from synergic.data import damage
from synergic.data._images import Images
from synergic.errors import ParameterError, UnsupportedError
from synergic.experiments import Classification, Events
from synergic.learning.tasks import ClassificationTask, evaluate_stream, run, stream_network
from synergic.learning.tasks import _stream_evaluation as module
from synergic.learning.tasks._runs import settings as settings_of
from synergic.reference import stream

SETTINGS = Classification(
    mode="hp", plasticity_scope="shared", hidden=20, steps=4, epochs=1, batch=20, weight_decay=0.0, lr=5e-3
)


@pytest.fixture(scope="module")
def data():
    """Sixty images of ten classes for training and for the test: a bright bar somewhere, and a little noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 10
    images = rng.random((120, 28, 28)).astype(np.float32) * 0.3
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 6, : 8 + label] = 1
    return Images(images[:60], labels[:60], images[60:], labels[60:])


@pytest.fixture(scope="module")
def task(data):
    found = ClassificationTask(SETTINGS, data=data)
    for _ in range(8):
        found.unit()
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.booleans(), st.sampled_from(["stream", "per_sample", "frozen"]), st.booleans())
def test_a_stream_is_simulate_without_its_record(seed, integer, scope, adapts):
    net = plastic_network(seed=seed, plasticity_scope=scope, memory=3, recurrent=bool(seed % 2))
    inputs = random_spikes(net, samples=6, seed=seed)
    net = sy.with_homeostasis(net, inputs[:2], 0.05) if adapts else net
    net = sy.quantise(net, rounding="stochastic", local_bits=10) if integer else net
    record = sy.simulate(net, inputs)
    first, after = stream(net, inputs[:4])
    second, after = stream(after, iter(inputs[4:]))
    assert np.array_equal(np.concatenate([first, second]), record.classes(net))
    assert after.presented == (6 if integer else 0)
    for p in after.populations if adapts else ():
        if p.homeostasis is not None:
            want = record.homeostatic_bias[p.name][-1]
            np.testing.assert_allclose(p.homeostasis.start, want, rtol=0, atol=0 if integer else 1e-12)
    for q in after.streams:
        want = record.local_weights[q.name][0]
        np.testing.assert_allclose(q.local_weights, want, rtol=0, atol=0 if integer else 1e-12)


def test_what_a_stream_does_not_take():
    net = plastic_network()
    with pytest.raises(ParameterError, match=r"stream.inputs: got shape \(2, 6, 12\), allowed \(T, channels\) each"):
        stream(net, [random_spikes(net, 2)])
    told = dataclasses.replace(net.projections[0], rule=sy.ThreeFactor(0.1, 0.5))
    with pytest.raises(ParameterError, match=r"stream.network: got a rule with a global signal in \['c0'\]"):
        stream(dataclasses.replace(net, projections=(told, net.projections[1])), random_spikes(net, 2))


@pytest.mark.parametrize("integer", [False, True])
def test_conditions_follow_each_other_without_a_reset(task, integer):
    network = stream_network(task, memory=5, homeostasis=0.05)
    assert [q.memory for q in network.streams] == [5, 5]
    assert network.population("hidden1").homeostasis.rate == 0.05
    network = sy.quantise(network) if integer else network
    found = evaluate_stream(task, network, ("clean", "gaussian:9"), warm_up=10, samples=40)
    images = np.concatenate([task.test[:40], damage(task.test, "gaussian", 9)[:40]]).reshape(80, 1, -1)
    rows = np.repeat(images.astype(float), network.steps, axis=1)
    right = sy.simulate(network, network.encode(rows) if integer else rows).classes(network)
    right = right.reshape(2, 40) == task.test_labels[:40].numpy()
    assert [part["condition"] for part in found] == ["clean", "gaussian:9"]
    assert [part["accuracy"] for part in found] == [float(row[10:].mean()) for row in right]
    assert [part["samples"] for part in found] == [30, 30]


@pytest.mark.parametrize("order", ["given", "sorted", "runs"])
def test_orders(task, order, monkeypatch):
    monkeypatch.setattr(module, "RUN", 2)
    labels = task.test_labels.numpy()
    shown = labels[module.arranged(labels, order)]
    assert sorted(module.arranged(labels, order)) == list(range(60))
    want = {"given": labels, "sorted": np.sort(labels), "runs": np.tile(np.repeat(np.arange(10), 2), 3)}
    assert np.array_equal(shown, want[order])


@pytest.mark.parametrize("condition", ["rain:3", "gaussian", "gaussian:x", "clean:1", "crop:15", 3])
def test_conditions_that_do_not_exist(task, condition):
    with pytest.raises(ParameterError, match=r"evaluate_stream.conditions( crop:15)?: got "):
        evaluate_stream(task, stream_network(task), ("clean", condition))
    with pytest.raises(ParameterError, match=r"evaluate_stream.warm_up: got 60, allowed 0 to 59"):
        evaluate_stream(task, stream_network(task), warm_up=60)


def test_the_command(data, tmp_path, monkeypatch, capsys):
    made = ClassificationTask(SETTINGS, data=data)
    run(made, tmp_path / "run")
    monkeypatch.setattr("synergic.learning.tasks.restore", lambda *given: made)
    given = {"memory": 7, "homeostasis": 0.02, "order": "sorted", "warm_up": 5, "integers": True}
    Evaluate(tmp_path / "run", json=tmp_path / "out.json", stream=("clean", "crop:2"), **given).run()
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in printed] == ["clean", "crop"]
    assert printed[0].endswith("% of 55 images")
    found = json.loads((tmp_path / "out.json").read_text())
    assert {name: found[name] for name in given} == given
    monkeypatch.setattr("synergic.learning.tasks.restore", lambda *given: pytest.fail("opened"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text(json.dumps(settings_of(Events())))
    (tmp_path / "other" / "checkpoint.pt").touch()
    with pytest.raises(UnsupportedError, match=r"--stream: got a run of Events, allowed a run of images"):
        Evaluate(tmp_path / "other", stream=("clean",)).run()
    with pytest.raises(ParameterError, match=r"--warm-up: got one without --stream"):
        Evaluate(tmp_path / "run", warm_up=5).run()


def test_no_condition_is_no_evaluation(task):
    with pytest.raises(ParameterError, match="conditions: got none, allowed at least one"):
        evaluate_stream(task, stream_network(task), ())
