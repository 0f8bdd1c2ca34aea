# SPDX-License-Identifier: BSD-3-Clause
"""Few-shot episodes: how they are drawn, what the plastic layer hears, and that learning within an episode works."""

import copy
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision

from synergic import quantise
from synergic.errors import DataError, FormatError, ParameterError
from synergic.experiments import FewShot
from synergic.hw_targets import map_network, simulate_on_chip
from synergic.learning import _omniglot as omniglot
from synergic.learning import to_description
from synergic.learning._episodes import presented
from synergic.learning._omniglot import (
    DEVIATION,
    MEAN,
    checked,
    distorted,
    draw_episodes,
    load_omniglot,
    normalised,
    oriented_images,
    split_characters,
)
from synergic.learning.tasks._few_shot import TEACHER, FewShotTask
from synergic.reference import simulate

SMALL = FewShot(
    ways=3, shots=2, convolutions="strided", channels=32, epochs=2, steps_an_epoch=40, batch=4, queries=2,
    regroupings=4, mirrored=False, test_episodes=40, lr=2e-3,
)  # fmt: skip


def made_up(characters=1000, seed=0):
    """Strokes of a character, jittered by its drawers; normalised."""
    generator = torch.Generator().manual_seed(seed)
    coarse = (torch.rand(characters, 1, 6, 6, generator=generator) < 0.3).float()
    ink = torch.nn.functional.interpolate(coarse, 31)[:, 0]
    shifts = torch.randint(-2, 3, (20, 2), generator=generator)
    drawn = torch.stack([ink.roll((int(y), int(x)), (1, 2)) for y, x in shifts], 1)
    return (1 - drawn - MEAN) / DEVIATION


@pytest.fixture(scope="module")
def images():
    return made_up()


def test_splits_do_not_overlap():
    train, held_out, test = split_characters("published", 100, 0)
    assert (len(train), len(held_out), len(test)) == (1423, 100, 100)
    assert len(set(train.tolist()) | set(held_out.tolist()) | set(test.tolist())) == 1623
    everything, none, same = split_characters("published", 0, 0)
    assert (len(everything), len(none)) == (1523, 0)
    assert torch.equal(everything, torch.cat([train, held_out]))
    assert torch.equal(same, test)
    train, held_out, test = split_characters("official", 100, 0)
    assert test.tolist() == list(range(964, 1623))
    assert max(train.max(), held_out.max()) < 964


def test_validation_needs_characters_held_back(images):
    with pytest.raises(ParameterError, match=r"FewShot\.held_characters: got 0, allowed 1 or more for validation"):
        FewShotTask(replace(SMALL, validation=True), images=images)


def test_an_episode_has_different_characters_and_no_drawing_twice():
    characters = torch.arange(40, 60)
    drawn = draw_episodes(characters, 50, 5, 3, 4, 8, torch.Generator().manual_seed(0))
    both = torch.cat([drawn.support, drawn.queries], 2)
    assert both.shape == (50, 5, 7, 2)
    for episode in both:
        assert len(set(episode[:, 0, 0].tolist())) == 5
        assert (episode[:, :, 0] == episode[:, :1, 0]).all()
        assert all(len(set(way[:, 1].tolist())) == 7 for way in episode)
    assert both[..., 0].min() >= 40
    assert set(drawn.orientations.flatten().tolist()) == set(range(8))


def test_turned_images():
    images = torch.arange(2 * 20 * 4.0).reshape(2, 20, 2, 2)
    pairs = torch.tensor([[[[0, 3]], [[1, 5]]]])
    shown = oriented_images(images, pairs, torch.tensor([[1, 0]]))
    assert torch.equal(shown[0, 0, 0], torch.rot90(images[0, 3], 1))
    assert torch.equal(shown[0, 1, 0], images[1, 5])
    shown = oriented_images(images, pairs, torch.tensor([[4, 5]]))
    assert torch.equal(shown[0, 0, 0], images[0, 3][:, [1, 0]])
    assert torch.equal(shown[0, 1, 0], torch.rot90(images[1, 5], 1)[:, [1, 0]])
    everywhere = {
        tuple(oriented_images(images, pairs, torch.tensor([[i, 0]]))[0, 0, 0].flatten().tolist()) for i in range(8)
    }
    assert len(everywhere) == 8, "all appearances differ"


@pytest.mark.parametrize(("kind", "features"), [("strided", 2 * 2 * 32), ("pooled", 3 * 3 * 32)])
def test_what_the_layer_receives(images, kind, features):
    task = FewShotTask(replace(SMALL, convolutions=kind), images=images)
    inputs, classes = task.presentations(4)
    assert inputs.shape == (4 * 3, 7, features + 3)
    assert 0 <= inputs.min() <= inputs.max() <= 1
    assert classes.tolist() == [0, 1, 2] * 4
    labels = inputs[..., features:]
    assert (labels[:, -1] == 0).all(), "the query has no label"
    assert (labels[:, :-1].sum(2) == 1).all()
    assert (labels[:, :-1].sum(1) == 2).all(), "two drawings of each"


def test_labels_teach_and_are_not_learned(images):
    task = FewShotTask(SMALL, images=images)
    task.epoch()
    layer = task.net.plastic.layers[0]
    assert torch.equal(layer.weight[:, 128:], TEACHER * (2 * torch.eye(3) - 1))
    assert (layer.eta[128:] == 0).all()
    assert not (layer.eta[:128] == layer.eta[0]).all()


@pytest.fixture(scope="module", params=["strided", pytest.param("pooled", marks=pytest.mark.slow)])
def trained(images, request):
    task = FewShotTask(replace(SMALL, convolutions=request.param), images=images)
    task.epoch(), task.epoch()
    return task


def test_it_learns_from_the_support_alone(trained):
    assert trained.figures()["accuracy"] > 0.6  # chance is .33
    inputs, classes = trained.presentations(40)
    untaught = inputs.clone()
    untaught[..., 128:] = 0
    without = trained.net.plastic(untaught)[1][:, -1].argmax(1)
    assert (without == classes).double().mean() < 0.5


def test_a_resumed_run_ends_the_same(trained, images):
    first = FewShotTask(trained.config, images=images)
    first.epoch()
    file = io.BytesIO()
    torch.save(first.state(), file)
    file.seek(0)
    again = FewShotTask(trained.config, images=images)
    again.load(torch.load(file, weights_only=True))
    again.epoch()
    assert again.figures() == trained.figures()


def test_episodes_run_as_integers_and_on_the_chip(trained):
    inputs, classes = trained.presentations(40)
    network, task_input = trained.description(), trained.to_machine(inputs)
    # The teaching current takes most of the range of a weight: in one channel, 8 bits leave nothing of a small alpha.
    faint = copy.deepcopy(trained.net.plastic)
    faint.layers[0].alpha.data.mul_(0.1)
    with pytest.warns(UserWarning, match=r"alpha.*weight_bits"):
        quantise(to_description(faint, num_message_bits=8), local_bits=14)
    whole = quantise(network, local_bits=12)
    encoded = whole.encode(task_input.numpy())
    integer = simulate(whole, encoded)
    reached = (integer.classes(whole) == classes.numpy()).mean()
    assert reached == pytest.approx(trained.figures()["accuracy"], abs=0.06)
    chip, _ = simulate_on_chip(map_network(whole), encoded[:6])
    assert np.array_equal(chip.u["output"], integer.u["output"][:6])


def test_bad_input_is_refused(tmp_path):
    with pytest.raises(DataError, match="Omniglot: not in"):
        load_omniglot(tmp_path)
    (tmp_path / "omniglot_packed105.npz").write_bytes(b"no array")
    with pytest.raises(FormatError, match="damaged"):
        load_omniglot(tmp_path)
    with pytest.raises(FormatError, match="allowed"):
        checked(np.zeros((3, 105, 105), np.uint8), "here")
    with pytest.raises(ParameterError, match="shots"):
        draw_episodes(torch.arange(9), 1, 5, 19, 2, 1, torch.Generator())
    with pytest.raises(ParameterError, match=r"draw_episodes\.appearances: got 5"):
        draw_episodes(torch.arange(9), 1, 5, 1, 2, 5, torch.Generator())


@pytest.fixture
def small_omniglot(monkeypatch):
    """Three characters, the last for evaluation, as (60, 105, 105): the ink of a drawing is its number, in bits."""
    monkeypatch.setattr(omniglot, "BACKGROUND", 2)
    monkeypatch.setattr(omniglot, "EVALUATION", 1)
    drawings = np.zeros((60, 105 * 105), np.uint8)
    drawings[:, :6] = np.arange(60)[:, None] >> np.arange(6) & 1
    return drawings.reshape(60, 105, 105)


def test_a_packed_set_is_read_in_the_official_order(small_omniglot, tmp_path):
    arrays, rng = {}, np.random.default_rng(0)
    for part, numbers in (("background", np.arange(40)), ("evaluation", np.arange(40, 60))):
        numbers = rng.permutation(numbers)  # the rows of the file are in any order
        arrays[f"{part}_packed"] = np.packbits(small_omniglot[numbers].reshape(len(numbers), -1), axis=1)
        # Drawers in the alphabets' characters, which are numbered anew in each alphabet.
        arrays |= {f"{part}_drawer": numbers % 20, f"{part}_alphabet": numbers // 20}
        arrays[f"{part}_character"] = -(numbers // 20)
    np.savez(tmp_path / "omniglot_packed105.npz", **arrays)
    want = normalised(small_omniglot.reshape(3, 20, 105, 105))
    assert torch.equal(load_omniglot(tmp_path), want)
    np.savez(tmp_path / "omniglot_packed105.npz", **{**arrays, "background_packed": arrays["background_packed"][:9]})
    with pytest.raises(FormatError, match=r"damaged.*Fetch it again"):
        load_omniglot(tmp_path)


def test_torchvisions_set_is_read_with_the_background_first(small_omniglot, tmp_path, monkeypatch):
    asked = []

    def images_of(root, background, download):  # white paper, True, with black ink
        asked.append((root, background, download))
        part = small_omniglot[:40] if background else small_omniglot[40:]
        return [(drawing == 0, 0) for drawing in part]

    monkeypatch.setattr(torchvision.datasets, "Omniglot", images_of)
    (tmp_path / "omniglot-py").mkdir()
    assert torch.equal(load_omniglot(tmp_path), normalised(small_omniglot.reshape(3, 20, 105, 105)))
    assert asked == [(str(tmp_path), True, False), (str(tmp_path), False, False)], (
        "a folder that was named stays as it is"
    )

    def offline(*_, **__):
        raise RuntimeError("no network")

    monkeypatch.setattr(torchvision.datasets, "Omniglot", offline)
    with pytest.raises(DataError, match=r"the download failed: no network\. Put omniglot_packed105\.npz"):
        load_omniglot(tmp_path)


def test_normalised_paper_is_white():
    white = normalised(np.zeros((1, 1, 105, 105), np.uint8))
    assert white.shape == (1, 1, 31, 31)
    assert torch.allclose(white, torch.tensor((1 - MEAN) / DEVIATION))


def test_regrouped_episodes_receive_the_same_features_in_other_company():
    images = torch.randn(100, 20, 31, 31, generator=torch.Generator().manual_seed(1))  # no two drawings alike
    task = FewShotTask(replace(SMALL, precision="float32", held_characters=10), images=images)
    task.net.train()
    generator = torch.Generator().manual_seed(3)
    at_once = draw_episodes(torch.arange(100), 1, 6, 2, 2, 4, generator)
    seen, asked, classes = task.net.shown(images, at_once, generator, regroupings=5)
    inputs, classes = presented(seen, asked), classes.flatten()
    assert inputs.shape == (5 * 2 * 3 * 2, 7, 128 + 3)
    features, labels = inputs[..., :128], inputs[..., 128:]
    known = {tuple(row.tolist()): i for i, row in enumerate(features.reshape(-1, 128).unique(dim=0))}
    assert len(known) == 6 * 4, "features of the images drawn and of no others"
    # Which image belongs to which character is told by the labels: the same for all episodes.
    together: dict[int, set[int]] = {i: {i} for i in known.values()}
    for episode, target in zip(inputs, classes, strict=True):
        members = [known[tuple(x[:128].tolist())] for x in episode if x[128 + int(target)] or not x[128:].any()]
        assert len(set(members)) == 3, "two drawings of the support, another for the query"
        for i in members:
            together[i] |= set(members)
    assert all(len(mates) <= 4 for mates in together.values())
    assert (labels[:, :-1].sum(1) == 2).all()


def test_distorted_images():
    shown = made_up(3)[:, 0][:, None]
    generator = torch.Generator().manual_seed(0)
    assert torch.allclose(distorted(shown, 0.0, generator), shown, atol=1e-5)
    paper = torch.full_like(shown, (1 - MEAN) / DEVIATION)
    assert torch.allclose(distorted(paper, 0.3, generator), paper, atol=1e-5)
    changed = distorted(shown, 0.12, generator)
    assert changed.shape == shown.shape
    assert (changed - shown).abs().mean() > 0.05
    assert changed.max() <= shown.max() + 1e-5
