# SPDX-License-Identifier: BSD-3-Clause
"""`report`: the same figures as the parts give by hand, the text of `synergic simulate`, and a notebook's view."""

import dataclasses
import json
import re

import numpy as np
import pytest
from networks import plastic_network, random_spikes
from rich.console import Console

import synergic as sy
from synergic.cli._chip_run import run_on_chip
from synergic.errors import ParameterError
from synergic.hw_targets import cost, map_network, report, simulate_on_chip
from synergic.hw_targets.costs import ASSUMPTIONS
from synergic.network import save

FLOATS = plastic_network(sizes=(20, 12, 4))
NET = sy.quantise(FLOATS)
SPIKES = random_spikes(NET, samples=6)
LABELS = sy.simulate(NET, SPIKES).classes(NET)


def test_a_description_integers_and_a_mapping_give_the_figures_of_the_parts():
    mapping = map_network(NET)
    want = cost(mapping, simulate_on_chip(mapping, SPIKES)[1])
    wrong = np.where(np.arange(6) < 2, (LABELS + 1) % 4, LABELS)
    for network in (FLOATS, NET, mapping):
        found = report(network, SPIKES, wrong)
        assert found.accuracy == pytest.approx(4 / 6)
        assert (found.costs.energy_j, found.costs.latency_s) == (want.energy_j, want.latency_s)
        assert found.classes.tolist() == LABELS.tolist()
    assert report(NET, SPIKES, samples=2).accuracy is None


def test_the_command_line_prints_and_writes_the_same(tmp_path):
    save(NET, tmp_path / "net.h5")
    np.savez(tmp_path / "data.npz", input=SPIKES, labels=LABELS)
    said = Console(record=True, width=100, file=open("/dev/null", "w"))  # noqa: SIM115
    out = run_on_chip(tmp_path / "net.h5", tmp_path / "data.npz", console=said)
    found = report(NET, SPIKES, LABELS, what=out["data"])
    assert json.loads(json.dumps(found.figures())) == json.loads(json.dumps(out))
    assert said.export_text().startswith(str(found))
    assert "100.00 %" in str(found)
    assert repr(found).startswith("ChipReport('6 samples of")


def test_only_assumptions_that_concern_the_network_are_told():
    said = report(NET, SPIKES)
    fixed = dataclasses.replace(NET, projections=tuple(dataclasses.replace(p, rule=None) for p in NET.projections))
    for found, words in ((said, True), (report(fixed, SPIKES), False)):
        assert any("Local weights wider" in note for note in found.notes()) is words
        assert not [n for n in found.notes() if n.startswith(("Homeostasis", "A stream", "Spikes of a projection"))]
        assert not re.search(r"(history|homeostatic|traces).* 0 a sample", str(found))
    history = report(NET, SPIKES, local_memory="history")
    assert len(history.notes()) == len(said.notes()) + 1
    assert set(history.notes()) < set(ASSUMPTIONS), "the texts of the conditions begin sentences that are there"


def test_a_notebook_sees_the_answer_plots_tables_and_assumptions():
    found = report(NET, SPIKES, LABELS, what="<b>")
    view = found._repr_html_()
    assert "6 &lt;b&gt;: 100.00 % right" in view
    assert len(re.findall('<img src="data:image/png', view)) == 6
    assert "<title>" not in view
    page = found.html("a & b")
    assert "<title>a &amp; b</title>" in page
    assert view.split("<table>")[1] in page


def test_values_are_given_as_shares_or_whole_numbers():
    source = sy.Source("in", 5, 8)
    projection = sy.Projection("c", "in", "out", np.random.default_rng(0).normal(0, 1, (3, 5)))
    net = sy.Network(source, (sy.Population("out", 3, 0.5, 0.5),), (projection,), "out", 4)
    values = np.random.default_rng(1).random((7, 4, 5))
    integer = sy.quantise(net)
    assert report(net, values).classes.tolist() == report(integer, integer.encode(values)).classes.tolist()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ParameterError, match="none with a mapping"):
        report(map_network(NET), SPIKES, chip="generic")
    with pytest.raises(ParameterError, match="weight_bits: got 6, allowed none with a network in integers"):
        report(NET, SPIKES, weight_bits=6)
    with pytest.raises(ParameterError, match=r"labels: got shape \(2,\)"):
        report(NET, SPIKES, LABELS[:2])
