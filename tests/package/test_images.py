# SPDX-License-Identifier: BSD-3-Clause
"""The images of docs/images are what benchmarks/images.py makes today; each says in a text field what it shows."""

import re
from pathlib import Path

import pytest
import torch

import synergic as sy
from synergic.cli._demo import SIZES, STEPS
from synergic.hw_targets import map_network
from synergic.learning import HybridNet, to_description

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "docs" / "images"
TUTORIALS = sorted(path.stem for path in (ROOT / "tutorials").glob("*.md"))
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "results").glob("*.md")]


@pytest.fixture
def images(monkeypatch):
    if not PLACE.exists():
        pytest.skip("the images are not in the sdist")
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import images

    return images


def test_images_of_the_records_show_the_records(images):
    for name, draw in images.IMAGES.items():
        stored = images.read(name)["axes"]
        assert images.same(stored, images.shown(draw())), f"run benchmarks/images.py {name}"
        assert len(stored) >= 1
        assert all(axes["title"] and axes["lines"] and axes["legend"] for axes in stored)


def test_another_record_is_another_image(images, monkeypatch):
    from pages import curves

    stored = images.read("tasks")["axes"]
    monkeypatch.setattr(curves, "records", lambda name: [{"figures": {"curves": {"tasks learned": [0.5, 0.4]}}}])
    assert not images.same(stored, images.shown(curves.tasks()))


def test_the_image_of_the_demo_has_its_cores_where_they_are_placed(images):
    # The placement depends on the sizes of the network, and not on its weights.
    torch.manual_seed(0)
    mapping = map_network(sy.quantise(to_description(HybridNet(SIZES, mode="hp", steps=STEPS))))
    (grid,) = [axes for axes in images.read("demo")["axes"] if axes["title"].startswith("model of")]
    assert grid["title"] == f"model of {mapping.chip.name}: {mapping.cores} cores"
    letters = {(x, y): letter for x, y, letter in grid["texts"]}
    local = {core for tiles in mapping.on_core.values() for core in tiles[0].local_cores}
    placed = {mapping.position(core): "P" if core in local else "W" for core in mapping.on_core}
    assert letters == placed
    assert len({y for _, y in placed}) > 1  # annealed, not in a row
    assert f"/ {mapping.cores} of 156" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", TUTORIALS)
def test_the_plot_of_a_tutorial_was_made_by_its_code(images, name):
    stored = images.read(name)
    assert stored["code"] == images.code_of(name), f"run benchmarks/images.py {name}"
    assert stored["axes"]


def test_every_image_is_made_by_the_command_and_used(images):
    files = {path.stem for path in PLACE.iterdir()}
    assert files == {*images.IMAGES, "demo", *TUTORIALS}
    used = {Path(found).stem for page in PAGES for found in re.findall(r"images/[\w-]+\.png", page.read_text())}
    assert files == used
