# SPDX-License-Identifier: BSD-3-Clause
"""Delays of projections and onsets of populations: the same bits in every executor; an error of a step is found."""

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from conformance.executors import FLOATS, assert_agree, conform
from synergic.errors import ParameterError
from synergic.hw_targets.mapping import map_network
from synergic.hw_targets.simulation import _general, _streams, simulate_on_chip
from synergic.interchange._c import _c_program
from synergic.models import _plastic_connection as connections
from synergic.network import load, save
from synergic.network._description import Topology

pytestmark = pytest.mark.alone


def skipping(scope="per_sample", rule=None, steps=7, delay=1, onset=None, memory=2):
    """in -> a -> b with a skip in -> b of `delay`, which learns, and a delayed feedback from b to a."""
    rng = np.random.default_rng(4)
    populations = (
        sy.Population("a", 9, 0.4, 0.5, bias=rng.uniform(-0.1, 0.1, 9)),
        sy.Population("b", 5, 0.4, 0.5, bias=rng.uniform(-0.1, 0.1, 5), onset=onset),
    )
    rule = sy.Hebbian(0.2, 0.1, 0.9) if rule is None else rule
    learned = {"rule": rule, "alpha": 0.3, "plasticity_scope": scope, "memory": memory}
    projections = (
        sy.Projection("c", "in", "a", rng.normal(0, 0.5, (9, 6))),
        sy.Projection("d", "a", "b", rng.normal(0, 0.4, (5, 9))),
        sy.Projection("skip", "in", "b", rng.normal(0, 0.5, (5, 6)), **learned, delay=delay),
        sy.Projection("back", "b", "a", rng.normal(0, 0.4, (9, 5)), delay=2),
    )
    return sy.Network(sy.Source("in", 6), populations, projections, "b", steps)


@pytest.mark.one_in(12)  # the generated networks have delays and onsets too
@pytest.mark.parametrize("onset", [1, 0, None])
@pytest.mark.parametrize("delay", [11, 2, 1, 0])
def test_delays_agree_everywhere(delay, onset):
    network = skipping(delay=delay, onset=onset)
    conform(network, random_spikes(network), more=("chip in lava",))


@pytest.mark.one_in(5)
@pytest.mark.parametrize("scope", ["stream", "per_sample", "frozen"])
@pytest.mark.parametrize("rule", [sy.Hebbian(0.2, 0.1), sy.Oja(0.05), sy.PairSTDP(0.05, 0.05, 0.5, 0.5)])
def test_rules_receive_the_delayed_spikes_everywhere(rule, scope):
    network = skipping(scope, rule, delay=3)
    records = conform(network, random_spikes(network, samples=4), more=("chip in lava",))
    if scope == "stream":
        assert np.any(records["reference"].local_weights["skip"])


def test_a_skip_of_the_right_delay_has_no_lag():
    late, exact = skipping(delay=0), skipping(delay=1)
    lags = [{q.name: n.lag(q) for q in n.projections} for n in (late, exact)]
    assert lags == [{"c": 0, "d": 1, "skip": 0, "back": 3}, {"c": 0, "d": 0, "skip": 0, "back": 4}]
    assert exact.onsets == {"in": 0, "a": 1, "b": 2}


def test_an_early_onset_makes_all_that_enters_late():
    network = skipping(delay=1, onset=0)
    assert [network.lag(q) for q in network.projections] == [0, 2, 2, 2]


def test_the_history_form_has_delays():
    network = sy.quantise(skipping(rule=sy.Hebbian(0.2, 0.1, 1.0, p_max=8.0), delay=3))
    spikes = random_spikes(network)
    record, _ = simulate_on_chip(map_network(network), spikes, local_memory="history")
    assert_agree(sy.simulate(network, spikes), record, 0, "history")


def test_cores_and_processes_have_delays():
    network = sy.quantise(skipping(delay=3))
    spikes = random_spikes(network)
    want = sy.simulate(network, spikes)
    for across in ("cores", "processes"):
        record, _ = simulate_on_chip(map_network(network), spikes, across=across, threads=2)
        assert_agree(want, record, 0, across)


def test_the_chip_counts_delayed_spikes_where_they_act():
    # Both paths receive the same spikes; the delayed one acts on them later, and on fewer of them.
    network = sy.quantise(skipping(delay=1))
    spikes = np.zeros((1, 7, 6), int)
    spikes[0, 0] = 1
    _, activity = simulate_on_chip(map_network(network), spikes)
    core = next(t.core for t in map_network(network).tiles if t.projection == "skip")
    assert activity.integrated[:, core].nonzero()[0].tolist()[0] == network.onsets["b"]


def test_a_chain_is_the_same_with_any_delay():
    # One path to each population: presentations begin later, and nothing else changes.
    plain = plastic_network()
    late = sy.Network(
        plain.source,
        plain.populations,
        tuple(sy.Projection(**{**vars(q), "delay": 5}) for q in plain.projections),
        plain.output,
        plain.steps,
        tau_w=plain.tau_w,
    )
    spikes = random_spikes(plain)
    assert_agree(sy.simulate(plain, spikes), sy.simulate(late, spikes), 0, "delayed chain")
    assert late.depth == plain.depth + 5 * len(plain.projections)
    conform(late, spikes, among=("integers", "chip", "c", "lava fixed"))


@pytest.mark.parametrize("network", [skipping(), sy.quantise(skipping(onset=1))])
def test_files_have_delays(network, tmp_path):
    save(network, tmp_path / "n.h5")
    assert load(tmp_path / "n.h5") == network


def off_by_one(monkeypatch, executor):
    """Plant a delay that is one step too long."""
    lag = Topology.lag
    longer = lambda self, q: lag(self, q) + (q.name == "skip")  # noqa: E731
    if executor == "lava":
        made = connections.AbstractConnection.__init__

        def wrong(self, params):
            made(self, params)
            self.waiting = np.pad(self.waiting, ((0, int(len(self.waiting) > 0)), (0, 0)))

        monkeypatch.setattr(connections.AbstractConnection, "__init__", wrong)
    elif executor == "c":
        made = _c_program.CProjection

        def wrong(q, name, late):
            return made(q, name, max(late - (q.name == "back"), 0))

        monkeypatch.setattr(_c_program, "CProjection", wrong)
    elif executor == "reference":
        monkeypatch.setattr(Topology, "lag", longer)
    elif executor == "chip":
        from synergic.hw_targets.simulation import _program

        build = _program.Builder.program

        def wrong(self):
            program, start = build(self)
            program.heads["delay"][program.heads["delay"] > 0] += 1
            return program, start

        monkeypatch.setattr(_program.Builder, "program", wrong)
    elif executor == "chip, other rules":
        monkeypatch.setattr(_general, "max", lambda a, b: max(a + 1, b), raising=False)
    else:
        found = _streams.window
        monkeypatch.setattr(_streams, "window", lambda sent, start, steps: found(sent, start - 1, steps))


@pytest.mark.parametrize(
    ("executor", "network", "among"),
    [
        ("lava", skipping(), FLOATS),
        ("c", skipping(), ("integers", "c")),
        ("chip", skipping(), ("integers", "chip")),
        ("chip, other rules", skipping(rule=sy.Oja(0.05), delay=3), ("integers", "chip")),
        ("chip, streams", skipping("stream"), ("integers", "chip")),
    ],
)
def test_a_delay_that_is_off_by_one_is_found(executor, network, among, monkeypatch):
    inputs = random_spikes(network, rate=0.6)
    conform(network, inputs, among=among)
    off_by_one(monkeypatch, executor)
    with pytest.raises(AssertionError):
        conform(network, inputs, among=among)


@pytest.mark.parametrize("delay", [-1, 63, 1.5, True, None])
def test_delays_out_of_range_are_refused(delay):
    with pytest.raises(ParameterError, match=r"c\.delay: got .*allowed 0 to 62|c\.delay: got .*whole"):
        sy.Projection("c", "in", "a", [[1.0]], delay=delay)


def test_an_onset_after_the_first_spikes_is_refused():
    with pytest.raises(ParameterError, match=r"b\.onset: got 3, allowed 0 to 2"):
        skipping(onset=3)
