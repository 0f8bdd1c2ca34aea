# SPDX-License-Identifier: BSD-3-Clause
"""Class after class by the local rule alone: torch, the reference, the integers and the chip learn the same."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import synergic as sy
from synergic.errors import ParameterError
from synergic.experiments import ClassIncremental
from synergic.hw_targets import Simulator, map_network
from synergic.learning._omniglot import DEVIATION, MEAN
from synergic.learning.tasks import ClassIncrementalNet, ClassIncrementalTask
from synergic.learning.tasks._class_incremental import COPIES, QUERIES, REST, stops
from synergic.learning.tasks._class_incremental_net import folded, rounded
from synergic.network import load, save

SMALL = ClassIncremental(
    classes=4, shots=3, channels=(2, 3, 4, 5), epochs=2, steps_an_epoch=10, ways=5, trained_shots=(1, 3), queries=2,
    test_draws=1, distortion=0.05,
)  # fmt: skip


@pytest.fixture(scope="module")
def images():
    """Strokes of a character, jittered by its drawers; normalised."""
    generator = torch.Generator().manual_seed(0)
    coarse = (torch.rand(970, 1, 6, 6, generator=generator) < 0.3).float()
    ink = torch.nn.functional.interpolate(coarse, 31)[:, 0]
    shifts = torch.randint(-2, 3, (20, 2), generator=generator)
    drawn = torch.stack([ink.roll((int(y), int(x)), (1, 2)) for y, x in shifts], 1)
    return (1 - drawn - MEAN) / DEVIATION


@pytest.fixture(scope="module")
def task(images):
    trained = ClassIncrementalTask(SMALL, images=images)
    trained.epoch()
    trained.net.eval()
    return trained


def lessons_of(task, shots=3, order=None):
    """Drawings with their labels, class after class."""
    course = task.course(shots)
    order = torch.arange(task.config.classes) if order is None else torch.as_tensor(order)
    drawn = task.ink[task.test[order][:, None], course.shown[order]].flatten(0, 1)
    return task.presented(drawn, order.repeat_interleave(shots))


def questions_of(task):
    return task.presented(task.ink[task.test[:, None], task.course(3).asked].flatten(0, 1))


def weights_of(network):
    return network.projections[-1].local_weights


def test_the_rule_by_hand():
    net = ClassIncrementalNet(SMALL)
    with torch.no_grad():
        net.alpha.fill_(2.0), net.answer.fill_(0.25), net.eta.fill_(0.1)
        net.eta[1] = 0.3
    x = torch.zeros(1, 3, net.size)
    x[0, :, :2] = torch.tensor([[1.0, 0.5], [0.5, 1.0], [1.0, 1.0]])
    p = [0.0, 0.0]
    for a, b in ((1.0, 0.5), (0.5, 1.0), (1.0, 1.0)):
        grown = 1 - math.tanh(2.0 * (a * p[0] + b * p[1]) - 0.25)
        p = [min(p[0] + 0.1 * a * grown, 0.5), min(p[1] + 0.3 * b * grown, 0.5)]
    local = net.learned(x, 0.5)
    np.testing.assert_allclose(local[0, :2].detach().numpy(), p, rtol=1e-6)
    assert not local[0, 2:].any(), "what is silent learns nothing"


def test_a_neuron_that_answers_already_learns_less(task):
    with torch.no_grad():
        x = task.features()[:1, :1].expand(1, 4, -1)
        grown = [float(task.net.learned(x[:, :n], 1e6).abs().sum()) for n in range(5)]
    steps = np.diff(grown)
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


def test_the_network_learns_what_torch_learns(task):
    blank, learned = task.blank(), task.description()
    record = sy.simulate(blank, lessons_of(task) / 255)
    want = weights_of(learned)
    got = record.local_weights["conv4_output"][-1]
    assert np.abs(want).max() > 0.01
    # The reference's images have 8 bits, and the torch net computes in single precision.
    np.testing.assert_allclose(got, want, atol=0.02 * np.abs(want).max())


def test_a_question_changes_nothing_and_a_lesson_only_its_own_class(task):
    blank = sy.quantise(task.blank())
    first = sy.simulate(blank, lessons_of(task)[:3])
    local = first.local_weights["conv4_output"][-1]
    assert local[0].any()
    assert not local[1:].any()
    taught = blank.continued(first)
    asked = sy.simulate(taught, questions_of(task)[:5])
    assert (asked.local_weights["conv4_output"][-1] == local).all()


def test_the_order_of_the_classes_does_not_matter(task):
    blank = sy.quantise(task.blank())
    finals = [
        sy.simulate(blank, lessons_of(task, order=order)).local_weights["conv4_output"][-1]
        for order in ([0, 1, 2, 3], [3, 1, 0, 2])
    ]
    assert (finals[0] == finals[1]).all(), "nothing that was learned is lost"


def test_the_chip_learns_the_same_bits(task):
    blank = sy.quantise(task.blank())
    inputs = np.concatenate([lessons_of(task), questions_of(task)])
    want = sy.simulate(blank, inputs)
    chip = Simulator(map_network(blank))
    got, _ = chip.stream(inputs)
    assert (got.u["output"] == want.u["output"]).all()
    assert (weights_of(chip.checkpoint()) == want.local_weights["conv4_output"][-1]).all()
    floating = sy.simulate(task.blank(), inputs / 255).u["output"][:, -1]
    np.testing.assert_allclose(want.u["output"][:, -1] / blank.populations[-1].scale, floating, atol=0.01)


@pytest.mark.slow
def test_training_makes_it_better(images):
    task = ClassIncrementalTask(replace(SMALL, epochs=4, steps_an_epoch=25), images=images)
    before = task.figures()
    for _ in range(4):
        task.epoch()
    after = task.figures()
    assert task.history[-1]["loss"] < task.history[0]["loss"]
    assert after["accuracy"] >= before["accuracy"]
    assert after["accuracy"] > 0.5, "one in four by chance"
    assert after["fewer_right_of_the_first_ten"] == 0, "there are only four classes"
    assert after["levels"]["3 shots"] == [4]


def test_rounded_weights_are_those_of_eight_bits(task):
    conv, norm = list(task.net.convolutions)[:2]
    kernel, _ = folded(conv, norm)
    factor = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach().numpy()
    used = rounded(conv, norm).detach().numpy() * factor[:, None, None, None]
    np.testing.assert_allclose(used, kernel, rtol=1e-5, atol=1e-7)
    whole = kernel / np.abs(kernel).max() * 127
    np.testing.assert_allclose(whole, np.rint(whole), atol=1e-9)
    stored = sy.quantise(task.blank()).projections[0].weights
    assert np.abs(stored).max() == 127


def test_what_the_network_receives(task):
    inputs = lessons_of(task)
    assert inputs.shape == (12, 1, 2 * 31**2)
    channels = task.label_channels()
    assert channels.shape == (4, COPIES)
    for i, row in enumerate(inputs[:, 0]):
        assert (row[31**2 :].nonzero()[0] + 31**2).tolist() == sorted(channels[i // 3].tolist())
    asked, labels = task.test_inputs(6)
    assert labels.tolist() == [0, 1, 2, 3, 0, 1]
    assert (asked[..., 31**2 :] == 0).all(), "no label"
    assert task.blank().onsets["output"] == 5
    assert all(task.blank().lag(q) == 0 for q in task.blank().projections), "image and label meet"
    course = task.course(3)
    assert course.asked.shape == (4, QUERIES)
    for shown, questions in zip(course.shown.tolist(), course.asked.tolist(), strict=True):
        assert not set(shown) & set(questions)
    assert torch.equal(task.course(1).shown, course.shown[:, :1])


def test_at_rest_tanh_is_one():
    assert 1 - math.tanh(REST) < 2e-5


def test_stops():
    assert stops(250) == (10, *range(25, 250, 25), 250)
    assert stops(7) == (7,)
    assert stops(30) == (10, 25, 30)


def test_saved_networks_are_small(task, tmp_path):
    network = task.description()
    save(network, tmp_path / "net.h5")
    sizes = sum(q.weights.nbytes for q in network.projections)
    assert (tmp_path / "net.h5").stat().st_size < sizes / 20
    assert load(tmp_path / "net.h5") == network


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"shots": 11}, r"ClassIncremental\.shots: got 11, allowed 1 to 10"),
        ({"trained_shots": (1, 19)}, r"ClassIncremental\.trained_shots: got 19, allowed 1 to 18"),
        ({"classes": 321}, r"ClassIncremental\.classes: got 321, allowed 1 to 320"),
        ({"classes": 7}, r"ClassIncremental\.classes: got 7"),
        ({"validation": True}, r"ClassIncremental\.held_characters: got 0, allowed 1 or more"),
    ],
)
def test_settings_that_do_not_fit(images, changes, match):
    with pytest.raises(ParameterError, match=match):
        ClassIncrementalTask(replace(SMALL, **changes), images=images)


@pytest.mark.parametrize(
    ("drawings", "match"),
    [
        (torch.zeros(2, 5, 5), r"presented\.drawings: got shape \(2, 5, 5\), allowed \(images, 31, 31\)"),
        (
            torch.full((1, 31, 31), float("nan")),
            r"presented\.drawings: got values outside, or NaN, allowed 0 for paper",
        ),
        (torch.full((1, 31, 31), 2.0), r"presented\.drawings: got values outside"),
    ],
)
def test_drawings_that_are_none_are_refused(task, drawings, match):
    with pytest.raises(ParameterError, match=match):
        task.presented(drawings)


def test_labels_and_images_that_do_not_fit_are_refused(task):
    with pytest.raises(ParameterError, match=r"presented\.labels: got classes from 9 to 9, allowed 0 to 3"):
        task.presented(torch.zeros(1, 31, 31), torch.tensor([9]))
    for wrong in (torch.zeros(970, 20, 5, 5), torch.full((970, 20, 31, 31), float("nan"))):
        with pytest.raises(ParameterError, match=r"ClassIncrementalTask\.images: got shape .*, allowed finite"):
            ClassIncrementalTask(SMALL, images=wrong)
