# SPDX-License-Identifier: BSD-3-Clause
"""All rules with all neurons through what looks at a network from outside: nothing may assume one rule or one neuron.

Each of metrics, report, plots, costs, files, NIR and lava-dl works, or refuses the rule or neuron by its name.
"""

import contextlib
import dataclasses
import io
import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console
from user_neuron import Draining
from user_rule import Habit

import synergic as sy
from synergic import plots
from synergic.cli._overview import overview
from synergic.cli._report import report
from synergic.errors import UnsupportedError
from synergic.hw_targets import map_network, save_mapping
from synergic.hw_targets.costs import cost
from synergic.hw_targets.simulation import simulate_on_chip
from synergic.interchange import from_nir, lava_dl_export_issues, nir_export_issues, to_lava_dl, to_nir
from synergic.network import load, save
from synergic.reference import footprint, membrane_updates, metrics

SIZES = {"in": 6, "hidden": 5, "out": 3}
RULES = {
    "Hebbian": sy.Hebbian(0.1, 0.1),
    "Oja": sy.Oja(0.05),
    "BCM": sy.BCM(0.1),
    "PairSTDP": sy.PairSTDP(0.2, 0.1),
    "ThreeFactor": sy.ThreeFactor(0.1),
    "Habit": Habit(0.2),
}
NEURONS = {
    "LIF": sy.LIF(),
    "CurrentLIF": sy.CurrentLIF(0.5),
    "AdaptiveLIF": sy.AdaptiveLIF(0.1, 0.9),
    "RefractoryLIF": sy.RefractoryLIF(2, 0.5),
    "LoihiLIF": sy.LoihiLIF(0.5),
    "ReLU": sy.ReLU(),
    "Table": sy.Table.of("sigmoid"),
    "Draining": Draining(0.05),
}
ARRAYS = {  # numbers in a rule's own arrays, (n_out, n_in), and in its parameters: counted by hand from the papers
    "Hebbian": (lambda n_out, n_in: 0, 3),
    "Oja": (lambda n_out, n_in: 0, 1),
    "BCM": (lambda n_out, n_in: n_out, 4),
    "PairSTDP": (lambda n_out, n_in: n_in + n_out, 5),
    "ThreeFactor": (lambda n_out, n_in: n_in * n_out, 4),
    "Habit": (lambda n_out, n_in: 0, 2),
}
BESIDE = {
    "LIF": 0,
    "CurrentLIF": 5 + 1,
    "AdaptiveLIF": 5 + 2,
    "RefractoryLIF": 10 + 2,
    "LoihiLIF": 5 + 1,
    "ReLU": 0,
    "Table": 256,
    "Draining": 1,
}
"""Numbers that five neurons keep beside their potential, and their parameters."""
PAIRS = list(itertools.product(RULES, NEURONS))
SOME = 5
DRAWN = set(PAIRS[::SOME])
"""Pairs of which images are drawn, which takes long: each rule and each neuron at least once."""
ONE_EACH = pytest.mark.one_in(SOME)
"""Of all pairs in order these are the same."""


def network(rule, neuron):
    """Two plastic layers; the first layer's neurons are those asked for."""
    rng = np.random.default_rng(1)
    decay = 0.5 if NEURONS[neuron].memory else 0.0
    populations = (
        sy.Population("hidden", 5, 0.4, decay, "zero", neuron=NEURONS[neuron]),
        sy.Population("out", 3, 0.4, 0.5, "zero"),
    )
    projections = tuple(
        sy.Projection(f"c{i}", a, b, rng.normal(0, 0.5, (SIZES[b], SIZES[a])), RULES[rule], 0.1)
        for i, (a, b) in enumerate((("in", "hidden"), ("hidden", "out")))
    )
    return sy.Network(sy.Source("in", 6), populations, projections, "out", 4)


def told(net, signalled):
    """Input spikes, and a global signal where the rule needs one."""
    rng = np.random.default_rng(2)
    signal = rng.uniform(-1, 1, (2, net.steps)) if signalled else None
    if signal is not None and net.integer:
        signal = net.encode_signal(signal)
    return (rng.random((2, net.steps, 6)) < 0.5).astype(int), signal


@contextlib.contextmanager
def refused(fine, *names):
    """Nothing is raised if `fine`, or else UnsupportedError that says one of the names."""
    if fine:
        yield
        return
    with pytest.raises(UnsupportedError) as caught:
        yield
    assert any(name in str(caught.value) for name in names), caught.value


def test_no_member_is_forgotten():
    for members, registry in ((RULES, sy.Rule.registry), (NEURONS, sy.Neuron.registry)):
        ours = {n for n, kind in registry.items() if kind.__module__.startswith("synergic.")}
        assert ours <= members.keys()
    assert [set(part) for part in zip(*DRAWN, strict=True)] == [set(RULES), set(NEURONS)], "the default selection"


@pytest.mark.parametrize("integer", [False, True], ids=["floats", "integers"])
@pytest.mark.parametrize(("rule", "neuron"), PAIRS)
def test_metrics(rule, neuron, integer):
    net = sy.quantise(network(rule, neuron)) if integer else network(rule, neuron)
    spikes, signal = told(net, RULES[rule].signalled)
    record = sy.simulate(net, spikes, signal=signal)
    weights, local = (8, 16) if integer else (32, 32)
    arrays, parameters = ARRAYS[rule]
    want = 32 * (2 * 8 + 2 * 2 + BESIDE[neuron])
    for n_out, n_in in ((5, 6), (3, 5)):
        want += n_out * n_in * (weights + 2 * local) + 32 * (1 + parameters + arrays(n_out, n_in))
    assert footprint(net) == want / 8
    with refused(neuron == "LIF", neuron):
        assert membrane_updates(net, record) > 0
    with refused(neuron == "LIF", neuron):
        assert metrics(net, record)["Footprint"] == want / 8


@ONE_EACH
@pytest.mark.parametrize(("rule", "neuron"), PAIRS)
def test_files_and_report(rule, neuron, tmp_path):
    for net in (network(rule, neuron), sy.quantise(network(rule, neuron))):
        save(net, tmp_path / "net.h5")
        back = load(tmp_path / "net.h5")
        spikes, signal = told(net, RULES[rule].signalled)
        want, got = (sy.simulate(n, spikes, signal=signal) for n in (net, back))
        for name, values in want.u.items():
            assert np.array_equal(values, got.u[name])
        assert type(back.projections[0].rule) is type(net.projections[0].rule)
        assert type(back.populations[0].neuron) is type(net.populations[0].neuron)
        shown = overview(tmp_path / "net.h5", draw=False)  # the page below draws
        assert shown.sections["network"]["bytes of parameters and state"] == footprint(net)
        assert rule in shown.tables["by projection"]["c0"]["rule"]
    save_mapping(map_network(net), tmp_path / "map.h5")
    console = Console(record=True, width=200, file=io.StringIO())
    page = tmp_path / "page.html" if (rule, neuron) in DRAWN else None
    report([tmp_path / "net.h5", tmp_path / "map.h5"], html=page, console=console)
    assert f"Int{rule}" in console.export_text()
    assert page is None or f"Int{rule}" in page.read_text()


def draw_all(net, mapping, record, activity):
    """Every plot of a network's run."""
    for draw in (plots.heat_map, plots.core_raster, plots.phase_timeline, plots.occupancy):
        draw(Figure().subplots(), mapping, activity)
    plots.routes(Figure().subplots(), mapping)
    plots.raster(Figure().subplots(), record.spikes["hidden"][0])
    plots.membrane(Figure().subplots(), record.u["hidden"][0], net.populations[0].vth)
    plots.weights(Figure().subplots(), record.local_weights["c0"][0])


@ONE_EACH
@pytest.mark.parametrize(("rule", "neuron"), PAIRS)
def test_costs_and_plots(rule, neuron):
    net = sy.quantise(network(rule, neuron))
    spikes, signal = told(net, RULES[rule].signalled)
    mapping = map_network(net)
    record, activity = simulate_on_chip(mapping, spikes, signal=signal)
    found = cost(mapping, activity)
    still = dataclasses.replace(
        net, projections=tuple(dataclasses.replace(p, rule=None, local_weights=None) for p in net.projections)
    )
    assert found.energy_j > cost(map_network(still), simulate_on_chip(map_network(still), spikes)[1]).energy_j
    # 16-bit local weights lie in two cores; each updates what the rule keeps beside them, in every step
    values = sum(ARRAYS[rule][0](*p.weights.shape) for p in net.projections)
    assert found.events["rule traces rewritten"] == 2 * values * net.steps
    assert found.trace_bytes == 2 * 3 * values
    assert found.events["local weights rewritten"] == 2 * (5 * 6 + 3 * 5) * net.steps
    assert sum(part["energy_j"] for part in found.layers.values()) == pytest.approx(found.energy_j)
    assert found.by_core.sum() == pytest.approx(found.energy_j)
    assert found.by_sample.mean() == pytest.approx(found.energy_j)
    if (rule, neuron) in DRAWN:
        draw_all(net, mapping, record, activity)
    with refused(rule == "Hebbian" and neuron not in ("ReLU", "Table"), f"Int{rule}", "num_message_bits"):
        simulate_on_chip(mapping, spikes, local_memory="history", signal=signal)


def test_what_a_rule_keeps_takes_time_energy_and_memory():
    """ThreeFactor and the Hebbian rule, on the same network: the eligibilities are all that differs."""
    nets = [sy.quantise(network(rule, "LIF")) for rule in ("Hebbian", "ThreeFactor")]
    runs = []
    for net, rule in zip(nets, ("Hebbian", "ThreeFactor"), strict=True):
        spikes, signal = told(net, RULES[rule].signalled)
        mapping = map_network(net)
        runs.append((mapping, simulate_on_chip(mapping, 0 * spikes, signal=signal)[1]))
    hebbian, three = (cost(*run) for run in runs)
    slot = (6.29e-3 - 1.95e-3) * 5050 / 300e6 / 65536
    eligibilities = 4 * 2 * (5 * 6 + 3 * 5)
    assert three.energy_j - hebbian.energy_j == pytest.approx(eligibilities * slot)
    # The slowest core's update: 30 eligibilities more while only the first layer works, 30 while both, 15 in the last.
    more = (4 * 30 + 15) / 16 / 300e6
    assert three.latency_slowest_s - hebbian.latency_slowest_s == pytest.approx(more)


def test_eligibilities_that_a_core_has_no_room_for():
    """128 x 100 bytes of local weights fit a core's 22 KB; three bytes more for each of them do not."""
    for rule, fits in ((sy.Oja(0.05), True), (sy.ThreeFactor(0.05), False)):
        projection = sy.Projection("c", "in", "out", np.eye(128, 100), rule, 0.1)
        population = sy.Population("out", 128, 0.4, 0.5)
        net = sy.quantise(sy.Network(sy.Source("in", 100), (population,), (projection,), "out", 2))
        mapping = map_network(net)
        signal = np.zeros((1, 2), int) if rule.signalled else None
        activity = simulate_on_chip(mapping, np.zeros((1, 2, 100), int), signal=signal)[1]
        assert cost(mapping, activity).fits_sram is fits


@pytest.mark.parametrize(("rule", "neuron"), PAIRS)
def test_nir(rule, neuron):
    net = network(rule, neuron)
    assert sum("their rule" in line for line in nir_export_issues(net)) == 2
    with refused(False, "c0.rule"):
        to_nir(net)
    with refused(neuron in ("LIF", "CurrentLIF"), neuron):
        back = from_nir(to_nir(net, lossy=True))
        for p, q in zip(net.projections, back.projections, strict=True):
            assert type(p.rule) is type(q.rule)
            assert all(np.array_equal(p.rule.values[n], q.rule.values[n]) for n in p.rule.parameters())


@pytest.mark.parametrize(("rule", "neuron"), PAIRS)
def test_lava_dl(rule, neuron, tmp_path):
    net = sy.quantise(network(rule, neuron))
    with refused(neuron == "LIF", neuron):
        assert sum("their rule" in line for line in to_lava_dl(net, tmp_path / "net.net", lossy=True)) == 2
    assert sum("their rule" in line for line in lava_dl_export_issues(net)) == 2
