# SPDX-License-Identifier: BSD-3-Clause
"""`synergic simulate`: the same classes as the integer network, costs, images, and bad files refused by name."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from networks import plastic_network, random_spikes

import synergic as sy
from synergic import plots
from synergic.cli._chip_run import run_on_chip
from synergic.cli._inputs import read_data
from synergic.errors import FormatError, ParameterError, SynergicError
from synergic.hw_targets import cost, load_mapping, map_network, simulate_on_chip
from synergic.network import save

NET = sy.quantise(plastic_network(sizes=(20, 12, 4)))
SPIKES = random_spikes(NET, samples=6)


@pytest.fixture
def files(tmp_path):
    """A network, and data whose labels are what the network itself answers, but for the last."""
    save(NET, tmp_path / "net.h5")
    labels = sy.simulate(NET, SPIKES).classes(NET)
    labels[-1] = (labels[-1] + 1) % 4
    np.savez(tmp_path / "data.npz", input=SPIKES, labels=labels)
    np.save(tmp_path / "data.npy", SPIKES)
    return tmp_path


def test_the_command_reports_and_writes(files, commands):
    done = commands.run("simulate", "net.h5", "data.npz", "--json", "out.json", "--figure", "out.png", cwd=files)
    assert done.returncode == 0, done.stderr
    assert "83.33 %" in done.stdout  # five of six
    assert "not the chip" in done.stdout
    out = json.loads((files / "out.json").read_text())
    assert out["accuracy"] == pytest.approx(5 / 6)
    assert out["classes"] == sy.simulate(NET, SPIKES).classes(NET).tolist()
    mapping = map_network(NET)
    want = cost(mapping, simulate_on_chip(mapping, SPIKES)[1])
    assert out["costs"]["energy_j"] == pytest.approx(want.energy_j)
    assert out["costs"]["events"] == want.events
    for name, fact in mapping.chip.facts.items():  # every constant with its unit, source and mark
        assert out["facts"][name] == vars(fact)
    assert (files / "out.png").stat().st_size > 10_000


def test_samples_chip_and_form_are_chosen(files):
    out = run_on_chip(files / "net.h5", files / "data.npy", samples=2, local_memory="history")
    assert (out["accuracy"], out["samples"], out["costs"]["local_memory"]) == (None, 2, "history")


def test_the_widths_of_a_network_of_floats_are_chosen_and_an_integer_network_has_its_own(files, commands):
    floats = plastic_network(sizes=(20, 12, 4))
    save(floats, files / "float.h5")
    asked = ["--weight-bits", "6", "--local-bits", "12"]
    for command in (["simulate", "float.h5", "data.npz"], ["map", "float.h5", "--output", "out.map"]):
        done = commands.run(*command, *asked, cwd=files)
        assert done.returncode == 0, done.stderr
    mapped, want = load_mapping(files / "out.map").network, sy.quantise(floats, 6, 12)
    for got, expected in zip(mapped.projections, want.projections, strict=True):
        assert np.array_equal(got.weights, expected.weights)
        assert got.rule.p_top == expected.rule.p_top
    for name in ("net.h5", "out.map"):
        with pytest.raises(ParameterError, match=r"local_bits: got 12, allowed none with a .*Quantise it again"):
            run_on_chip(files / name, files / "data.npz", local_bits=12)


def test_a_network_of_floats_is_quantised(files):
    save(plastic_network(sizes=(20, 12, 4)), files / "float.h5")
    out = run_on_chip(files / "float.h5", files / "data.npz")
    assert out["classes"] == sy.simulate(NET, SPIKES).classes(NET).tolist()


def test_values_are_taken_as_shares_of_one_or_as_whole_numbers(tmp_path):
    source = sy.Source("in", 5, 8)
    projection = sy.Projection("c", "in", "out", np.random.default_rng(0).normal(0, 1, (3, 5)))
    net = sy.quantise(sy.Network(source, (sy.Population("out", 3, 0.5, 0.5),), (projection,), "out", 4))
    save(net, tmp_path / "net.h5")
    values = np.random.default_rng(1).random((7, 4, 5))
    np.save(tmp_path / "shares.npy", values)
    np.save(tmp_path / "whole.npy", net.encode(values))
    outs = [run_on_chip(tmp_path / "net.h5", tmp_path / f"{name}.npy")["classes"] for name in ("shares", "whole")]
    assert outs[0] == outs[1] == sy.simulate(net, net.encode(values)).classes(net).tolist()


@pytest.mark.parametrize(
    ("write", "error", "text"),
    [
        (lambda p: p.write_bytes(b"nonsense"), FormatError, "data.npz: damaged"),
        (lambda p: p.write_bytes(p.read_bytes()[:200]), FormatError, "data.npz: damaged"),
        (lambda p: np.savez(p, spikes=SPIKES), FormatError, r"got the arrays \['spikes'\], allowed"),
        (lambda p: np.savez(p, input=np.array([{}], object)), FormatError, "data.npz: damaged"),
        (lambda p: np.savez(p, input=SPIKES[:, :, :3]), ParameterError, r"input: got shape \(6, 6, 3\)"),
        (lambda p: np.savez(p, input=SPIKES * 3), ParameterError, r"input: got .*, allowed 0 or 1"),
        (lambda p: np.savez(p, input=SPIKES + np.nan), ParameterError, "input: got"),
        (lambda p: np.savez(p, input=SPIKES.astype(str)), ParameterError, "input: got"),
        (
            lambda p: np.savez(p, input=SPIKES, labels=[1, 2]),
            ParameterError,
            r"labels: got shape \(2,\), allowed \(6,\)",
        ),
        (lambda p: np.savez(p, input=SPIKES, labels=[4] * 6), ParameterError, r"labels: got \[4 4 4\], allowed 0 to 3"),
        (lambda p: p.unlink(), FormatError, "no such file"),
    ],
)
def test_bad_data_is_refused_by_name(files, write, error, text):
    write(files / "data.npz")
    with pytest.raises(error, match=text):
        run_on_chip(files / "net.h5", files / "data.npz")


def test_other_bad_arguments_are_refused(files, commands):
    with pytest.raises(ParameterError, match="samples: got 7, allowed 1 to 6"):
        run_on_chip(files / "net.h5", files / "data.npz", samples=7)
    with pytest.raises(ParameterError, match="missing does not exist"):
        run_on_chip(files / "net.h5", files / "data.npz", json_file=files / "missing" / "out.json")
    with pytest.raises(FormatError):
        run_on_chip(files / "data.npz", files / "data.npz")
    with pytest.raises(SynergicError, match="Shipped"):
        run_on_chip(files / "net.h5", files / "data.npz", chip="nosuch")
    done = commands.run("simulate", "net.h5", "nosuch.npy", cwd=files)
    assert done.returncode == 2
    assert done.stderr.startswith("synergic: nosuch.npy: no such file, allowed the folder of a run, an .npy")
    assert read_data(files / "data.npy")[1] is None


@pytest.mark.parametrize("form", ["matrix", "history"])
def test_images_show_what_the_cores_did(form):
    net = sy.quantise(plastic_network(sizes=(300, 12, 4)))
    mapping = map_network(net)
    _, activity = simulate_on_chip(mapping, random_spikes(net), local_memory=form)
    axes = Figure().subplots(2, 2).ravel()
    for draw, at in zip((plots.phase_timeline, plots.core_raster, plots.heat_map), axes, strict=False):
        assert draw(at, mapping, activity, title="what") is at
        assert at.get_title() == "what"
    bars = {label.get_text() for label in axes[0].get_legend().get_texts()}
    assert bars - {f"a phase of fixed length: {int(mapping.chip.phase_cycles):,}"} == {
        "integrate",
        "add up and fire",
    } | ({"update"} if form == "matrix" else set())
    assert len(bars) == 3 + (form == "matrix")
    raster = axes[1].images[0].get_array()
    assert raster.shape == (mapping.cores, net.steps + net.depth)
    assert raster.sum() * activity.samples == pytest.approx(activity.synaptic.sum())
    grid = axes[2].images[0].get_array()
    assert np.nansum(grid) == pytest.approx(1e6 * cost(mapping, activity).energy_j)
    plots.heat_map(axes[3], mapping, activity, "spikes")
    assert np.nansum(axes[3].images[0].get_array()) * activity.samples == pytest.approx(activity.spikes)
    with pytest.raises(ParameterError, match="heat_map"):
        plots.heat_map(axes[3], mapping, activity, "heat")
