# SPDX-License-Identifier: BSD-3-Clause
"""`synergic map`: estimate, mapping, report, page; its file runs; what does not fit is refused with the change."""

import base64
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from chips import small_chip
from matplotlib.figure import Figure
from networks import plastic_network, random_spikes

import synergic as sy
from synergic import plots
from synergic.cli._chip_run import run_on_chip
from synergic.cli._map import map_to_chip
from synergic.errors import CapacityError, FormatError, ParameterError
from synergic.hw_targets import load_mapping, map_network
from synergic.hw_targets.mapping import MappingOptions, link_packets
from synergic.network import save

NET = sy.quantise(plastic_network(sizes=(300, 12, 4)))


@pytest.fixture
def files(tmp_path):
    """A network, and data."""
    save(NET, tmp_path / "net.h5")
    np.save(tmp_path / "data.npy", random_spikes(NET, samples=2))
    return tmp_path


def test_a_network_is_mapped_reported_and_simulated(files, commands):
    options = "--chip generic --chips 1 2 --placement greedy --dead-cores 3 4 0 0 --dead-links 5 5 5 6"
    wanted = "--output map.h5 --json map.json --html map.html"
    done = commands.run("map", "net.h5", *options.split(), *wanted.split(), cwd=files)
    assert done.returncode == 0, done.stderr
    assert "not the chip" in done.stdout
    # two tiles of 300 inputs and one of 12, each with two cores for 16 bits; 8 x 16 cores less two
    assert "9 of 126" in done.stdout
    mapping = load_mapping(files / "map.h5")
    assert (mapping.chip.name, mapping.chip.chips, mapping.placement, mapping.cores) == ("generic", 2, "greedy", 9)
    assert (mapping.dead_cores, mapping.dead_links) == (((0, 0), (3, 4)), (((5, 5), (5, 6)),))
    report = json.loads((files / "map.json").read_text())
    assert report["populations"]["layer1"] == {
        "neurons": 12, "pieces": 1, "slow cores": 2, "local cores": 4, "synapses": 3600,
    }  # fmt: skip
    assert report["positions"]["0"] == list(mapping.position(0))
    assert report["facts"]["clock"]["mark"] == "assumed"
    ran = commands.run("simulate", "map.h5", "data.npy", "--json", "out.json", cwd=files)
    assert ran.returncode == 0, ran.stderr
    out = json.loads((files / "out.json").read_text())
    assert out["classes"] == sy.simulate(NET, np.load(files / "data.npy")).classes(NET).tolist()
    assert out["costs"]["cores_available"] == 128


def test_what_does_not_fit_is_refused_with_the_change(files, commands):
    with pytest.raises(ParameterError, match="chips: got 0"):
        map_to_chip(files / "net.h5", options=MappingOptions(chips=(0, 1)))
    save(sy.quantise(plastic_network(sizes=(10, 10000, 10))), files / "large.h5")
    done = commands.run("map", "large.h5", "--output", "map.h5", "--json", "why.json", cwd=files)
    assert done.returncode == 2
    assert "needed 240, available 156. It fits with" in done.stderr
    assert "240 of 156" in done.stdout  # the estimate comes first
    assert not (files / "map.h5").exists()
    why = json.loads((files / "why.json").read_text())
    assert why["estimate"]["fits"] == "no"
    (broken,) = why["violations"]
    assert (broken["needed"], broken["available"]) == ("240", "156")


class Page(HTMLParser):
    """Collects what a page refers to, and its text."""

    def __init__(self, text):
        super().__init__()
        self.sources, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_else_and_escapes_names(files):
    odd = files / "<b>net&.h5"
    (files / "net.h5").rename(odd)
    report = map_to_chip(odd, html=files / "map.html")
    page = Page((files / "map.html").read_text(encoding="utf-8"))
    assert len(page.sources) == 2
    for source in page.sources:
        head, image = source.split(",", 1)
        assert head == "data:image/png;base64"
        assert base64.b64decode(image, validate=True).startswith(b"\x89PNG")
    assert "<b>net&.h5 on the model of tianjic" in page.text
    for fact in report["facts"].values():
        assert fact["source"] in page.text
    assert "nothing here is measured" in page.text


def test_a_run_has_a_page_too(files):
    out = run_on_chip(files / "net.h5", files / "data.npy", html=files / "run.html")
    page = Page((files / "run.html").read_text(encoding="utf-8"))
    assert len(page.sources) == 6
    assert len(set(page.sources)) == 6, "all different"
    assert all(line in page.text for line in out["assumptions"])
    assert all(fact["source"] in page.text for fact in out["facts"].values())
    assert f"{1e3 * out['costs']['latency_s']:.3f} ms" in page.text


def test_bad_files_and_choices_are_refused_before_any_work(files):
    (files / "data.h5").write_bytes(b"no network")
    with pytest.raises(FormatError, match="not a synergic-network file"):
        map_to_chip(files / "data.h5")
    with pytest.raises(ParameterError, match="does not exist"):
        map_to_chip(files / "net.h5", output=files / "none" / "map.h5")
    map_to_chip(files / "net.h5", output=files / "map.h5")
    with pytest.raises(ParameterError, match="chip: got 'generic', allowed none with a mapping"):
        run_on_chip(files / "map.h5", files / "data.npy", chip="generic")
    with pytest.raises(CapacityError, match=r"different weights in a core: needed \d+, available 32"):
        map_to_chip(files / "net.h5", options=MappingOptions(weight_storage="indexed"))


def test_routes_are_drawn_with_what_they_carry():
    net = sy.quantise(plastic_network(sizes=(20, 12, 4)))
    mapping = map_network(net, small_chip(), dead_cores=[(0, 0)], dead_links=[((1, 1), (1, 2))])
    axes = Figure().subplots()
    assert plots.routes(axes, mapping, rate=0.5) is axes
    lines, dead = axes.collections[1:3]
    carried = link_packets(mapping, 0.5)
    both = {tuple(sorted(link)) for link in carried}
    assert {tuple(map(tuple, segment.astype(int).tolist())) for segment in lines.get_segments()} == both
    assert lines.get_array().sum() == pytest.approx(sum(carried.values()))
    assert len(dead.get_segments()) == 1
    # by hand: each chain, each hop, one packet a neuron, half a one for spikes
    want = sum((c.neurons[1] - c.neurons[0]) * (0.5 if c.kind == "spike" else 1) * len(c.path) for c in mapping.chains)
    assert sum(carried.values()) == pytest.approx(want)


def test_large_grids_have_no_letters():
    net = sy.quantise(plastic_network())
    for chips, letters in (((1, 1), 6), ((2, 4), 0)):
        axes = Figure().subplots()
        plots.occupancy(axes, map_network(net, chips=chips))
        assert len(axes.texts) == letters
