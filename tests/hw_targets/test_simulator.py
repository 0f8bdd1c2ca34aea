# SPDX-License-Identifier: BSD-3-Clause
"""The compiled core loop against the numerics, bit for bit; what a run records, refuses and counts."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import ParameterError, UnsupportedError
from synergic.hw_targets import Probes, Simulator, cost, load_chip, map_network, simulate_on_chip
from synergic.hw_targets.simulation import kernels
from synergic.numerics import fixed

SLOW = {"deadline": None, "suppress_health_check": list(HealthCheck), "max_examples": 60}


def assert_same(want, got):
    for name in ("spikes", "u", "local_weights"):
        assert getattr(want, name).keys() == getattr(got, name).keys()
        for key, values in getattr(want, name).items():
            assert np.array_equal(values, getattr(got, name)[key]), (name, key)
    assert want.saturated == got.saturated


@settings(**SLOW)
@given(
    seed=st.integers(0, 2**32 - 1),
    bits=st.sampled_from([8, 16]),
    largest=st.sampled_from([1, 255]),
    rate=st.sampled_from([0.0, 0.1, 1.0]),
    columns=st.integers(1, 40) | st.integers(250, 520),
    extreme=st.booleans(),
)
def test_axons_are_added_up_as_the_numerics_do(seed, bits, largest, rate, columns, extreme):
    rng = np.random.default_rng(seed)
    rows, axon = (int(rng.integers(1, 40)) for _ in range(2))
    weights = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (rows, columns))
    if extreme:  # hundreds of them do not fit into 16 bits
        weights[:] = -(2 ** (bits - 1))
    s = rng.integers(1, largest + 1, columns) * (rng.random(columns) < rate)
    memory = np.concatenate([np.zeros(5), weights.T.ravel()]).astype(np.int8 if bits == 8 else np.int16)
    sent = np.concatenate([np.ones(axon, np.uint8), s]).astype(np.uint8)
    events, before = np.empty(sent.size, np.int32), np.empty(sent.size + 1, np.int32)
    kernels.listen(sent, events, before)
    assert np.array_equal(events[: before[-1]], np.flatnonzero(sent))
    total = np.zeros(rows, np.int32)
    kernels.add_axons(total, memory, 5, events[before[axon] : before[-1]], axon, sent)
    assert np.array_equal(total, fixed.accumulate(s, weights, 1, None, 0))


@settings(**SLOW)
@given(seed=st.integers(0, 2**32 - 1))
def test_senders_are_counted_between_any_edges(seed):
    rng = np.random.default_rng(seed)
    n, clock, neurons = rng.integers(1, 4), rng.integers(1, 4), rng.integers(1, 90)
    sent = rng.integers(0, 2, (n, clock + 1, neurons)).astype(np.uint8) * rng.integers(1, 256, neurons).astype(np.uint8)
    edges = np.unique(rng.integers(0, neurons + 1, 5))
    before = np.empty((n, clock, edges.size), np.int64)
    kernels.senders_before(sent, edges, before)
    for i, edge in enumerate(edges):
        assert np.array_equal(before[..., i], np.count_nonzero(sent[:, :clock, :edge], axis=2))


@settings(**SLOW)
@given(
    seed=st.integers(0, 2**32 - 1),
    reset=st.sampled_from(["subtract", "zero"]),
    shift=st.sampled_from([6, 14]),
    loud=st.booleans(),
)
def test_neurons_fire_as_the_numerics_do(seed, reset, shift, loud):
    rng = np.random.default_rng(seed)
    n, decay = int(rng.integers(1, 40)), int(rng.integers(0, 4097))
    vth = int(rng.integers(1, 2**23 if loud else 2**10))
    u = rng.integers(fixed.MEMBRANE_MIN, fixed.MEMBRANE_MAX + 1, n)
    acc = rng.integers(-(2**61), 2**61, n) if loud else rng.integers(-(2**18), 2**18, n)
    bias = rng.integers(-(2**10), 2**10, n)
    group = np.zeros(1, kernels.GROUP)
    group["vth"], group["decay"], group["shift"], group["reset_to_zero"] = vth, decay, shift, reset == "zero"
    after, shown, spikes = u.astype(np.int32), np.zeros(n, np.int32), np.zeros(n, np.uint8)
    counted = kernels.fire(after, acc, bias, group[0], np.zeros(0, np.int64), shown, spikes)
    want, saturated = fixed.membrane(u, acc, decay, bias, shift)
    s = fixed.spike(want, vth)
    assert np.array_equal(shown, want)
    assert np.array_equal(spikes, s)
    assert np.array_equal(after, fixed.reset(want, s, vth, reset))
    assert counted == saturated


@settings(**SLOW)
@given(
    seed=st.integers(0, 2**32 - 1),
    lambda_=st.sampled_from([0, 1, 2048, 3891, 4095, 4096]),
    local_bits=st.sampled_from([8, 12, 16]),
    sign=st.sampled_from([1, -1]),
    values=st.booleans(),
    one_eta=st.booleans(),
    masked=st.booleans(),
)
def test_local_weights_are_rewritten_as_the_numerics_do(seed, lambda_, local_bits, sign, values, one_eta, masked):
    rng = np.random.default_rng(seed)
    rows, columns, p_top = int(rng.integers(1, 40)), int(rng.integers(1, 20)), 2 ** (local_bits - 1) - 1
    eta = np.broadcast_to(rng.integers(-(2**15), 2**15, () if one_eta else columns), columns).copy()
    eta_exp = int(rng.integers(0, 16)) + 8 * values
    table, beta = rng.integers(-(2**15), 2**15, 256), rng.integers(-(2**15), 2**15, rows)
    scale, u = int(rng.integers(1, 2**25)), rng.integers(-(2**23), 2**23, rows)
    mask = rng.integers(0, 2, (rows, columns)) if masked else np.ones((rows, columns), np.int64)
    local = rng.integers(-p_top, p_top + 1, (rows, columns)) * mask
    s = rng.integers(0, 256 if values else 2, columns)
    head = np.zeros(1, kernels.HEAD)
    names = ("lambda_", "sign", "p_top", "shift", "table_scale")
    for name, value in zip(names, (lambda_, sign, p_top, 12 + eta_exp, scale), strict=True):
        head[name] = value
    q = np.empty(rows, np.int64)
    kernels.post_terms(q, u.astype(np.int32), beta, table, head[0])
    want_q = fixed.postsynaptic(u, table, scale, beta)
    assert np.array_equal(q, want_q)
    memory = local.T.ravel().astype(np.int8 if local_bits == 8 else np.int16)
    flat = mask.T.ravel().astype(np.uint8)
    clipped = kernels.rewrite(memory, 0, s.astype(np.uint8), eta, q, head[0], flat, 0 if masked else -1)
    # Neuron by neuron, each with the eta of the inputs that it has local weights for.
    want, changed = np.empty_like(local), 0
    for i in range(rows):
        row = slice(i, i + 1)
        want[row], more = fixed.hebbian(
            local[row], s, want_q[row], eta=eta * mask[i], lambda_=lambda_, sign=sign, p_top=p_top, eta_exp=eta_exp
        )
        changed += more
    assert np.array_equal(memory.reshape(columns, rows).T, want)
    assert clipped == changed


@pytest.mark.parametrize(
    "options",
    [
        {"threads": 1},
        {"batch": 1},
        {"batch": 2, "threads": 2},
        {"across": "cores"},
        {"probes": Probes(sums=("c0",))},
        {"across": "processes", "threads": 2, "probes": Probes(sums=("c0",))},
    ],
)
def test_threads_batches_and_cores_do_not_change_a_bit(options):
    net = sy.quantise(plastic_network(sizes=(300, 280, 10), steps=4, recurrent=True))
    spikes = random_spikes(net, samples=5)
    want, did = simulate_on_chip(map_network(net), spikes)
    got, also = simulate_on_chip(map_network(net), spikes, **options)
    assert_same(sy.simulate(net, spikes), want)
    assert_same(want, got)
    for name in ("synaptic", "integrated", "slowest", "by_sample"):
        assert np.array_equal(getattr(did, name), getattr(also, name)), name


def test_a_stream_in_processes_learns_the_same():
    net = sy.quantise(plastic_network(steps=3, plasticity_scope="stream"))
    spikes = random_spikes(net, samples=3)
    here, there = Simulator(map_network(net)), Simulator(map_network(net), across="processes", threads=2)
    for _ in range(2):
        assert_same(here.stream(spikes)[0], there.stream(spikes)[0])


def test_a_process_that_fails_ends_the_run_of_all():
    net = sy.quantise(plastic_network(sizes=(12, 600, 4)))
    simulator = Simulator(map_network(net), across="processes", threads=2)
    simulator.program = simulator.program._replace(k=object())  # nothing that a kernel takes
    with pytest.raises(Exception, match=r"Numba type|another process"):
        simulator.run(random_spikes(net))


def test_core_by_core_is_the_same_and_shows_the_partial_sums():
    net = sy.quantise(plastic_network(sizes=(300, 280, 10), steps=3))
    spikes, mapping = random_spikes(net), map_network(net)
    got, _ = simulate_on_chip(mapping, spikes, probes=Probes(sums=("c0",)))
    assert_same(sy.simulate(net, spikes), got)
    first = net.projections[0]
    assert len(got.sums["c0"]) == 4
    for tile, sums in zip(mapping.tiles, got.sums["c0"], strict=False):
        s = spikes[:, :, tile.slices[1]]
        assert sums["core"] == tile.core
        assert np.array_equal(sums["slow"], s @ first.weights[tile.slices].T)
        # in the first step P is what the presentation begins with
        assert np.array_equal(sums["local"][:, 0], s[:, 0] @ first.local_weights[tile.slices].T)


def test_probes_record_what_they_name_and_nothing_else():
    net = sy.quantise(plastic_network())
    spikes = random_spikes(net)
    want = sy.simulate(net, spikes)
    got, _ = simulate_on_chip(map_network(net), spikes, probes=Probes.readout(net))
    assert (set(got.spikes), set(got.u), set(got.local_weights)) == ({"layer2"}, {"layer2"}, set())
    assert np.array_equal(got.classes(net), want.classes(net))
    assert got.saturated == want.saturated
    with pytest.raises(ParameterError, match=r"Probes.u: got \['nosuch'\], allowed some of \['layer1', 'layer2'\]"):
        simulate_on_chip(map_network(net), spikes, probes=Probes(u=("nosuch",)))


def test_strict_names_what_saturates():
    loud = sy.quantise(plastic_network(p_max=0.3))
    spikes = random_spikes(loud, rate=0.9)
    record, _ = simulate_on_chip(map_network(loud), spikes)
    assert record.saturated["c0.P"] > 0
    with pytest.raises(UnsupportedError, match=r"strict: got saturated values \{'c0.P': \d+"):
        simulate_on_chip(map_network(loud), spikes, strict=True)
    quiet = sy.quantise(plastic_network(p_max=16.0))
    simulate_on_chip(map_network(quiet), random_spikes(quiet, rate=0.1), strict=True)


def test_sums_too_wide_for_the_chip_are_counted_and_named():
    chip = load_chip("tianjic")
    narrow = dataclasses.replace(chip, accumulator_bits=dataclasses.replace(chip.accumulator_bits, value=12))
    net = sy.quantise(plastic_network(sizes=(300, 20, 5), steps=3))
    spikes = random_spikes(net)
    probes = Probes(sums=("c0", "c1"))
    record, activity = simulate_on_chip(map_network(net, narrow), spikes, probes=probes)
    assert_same(sy.simulate(net, spikes), record)  # the simulator's own are wide enough
    sums = [core[part] for core in record.sums["c0"] for part in ("slow", "local")]
    want = sum(int(np.count_nonzero(np.abs(s) > 2**11 - 1)) for s in sums)
    assert activity.too_wide["c0"] == want > 0
    with pytest.raises(UnsupportedError, match=r"c0\.partial sum"):
        simulate_on_chip(map_network(net, narrow), spikes, strict=True)


def test_a_stream_goes_on_from_call_to_call_until_it_is_forgotten():
    net = sy.quantise(plastic_network(steps=3, plasticity_scope="stream", memory=2))
    spikes = random_spikes(net, samples=4)
    simulator, now = Simulator(map_network(net)), net
    got, activity = simulator.stream(spikes)
    assert activity.samples == 4
    for i, sample in enumerate(spikes):  # the same, each sample with the network that the last one has left
        want = sy.simulate(now, sample)
        assert np.array_equal(got.u["layer2"][i], want.u["layer2"][0])
        now = now.continued(want)
    assert np.array_equal(got.local_weights["c0"][0], now.projections[0].local_weights)
    again, _ = simulator.stream(spikes[:1])
    assert np.array_equal(again.u["layer1"], sy.simulate(now, spikes[0]).u["layer1"])
    simulator.forget()
    assert_same(sy.simulate(net, spikes[0]), simulator.stream(spikes[0])[0])


def test_a_stream_writes_once_a_presentation():
    """What persistence saves: T writes a presentation are one, and a step has no phase of its own for them."""
    found = {}
    for scope in ("per_sample", "stream"):
        net = sy.quantise(plastic_network(steps=6, plasticity_scope=scope))
        mapping = map_network(net)
        _, activity = simulate_on_chip(mapping, random_spikes(net, samples=3))
        found[scope] = activity, cost(mapping, activity)
    synapses = sum(p.weights.size for p in net.projections)
    assert found["stream"][0].local_writes == 3 * synapses
    assert found["per_sample"][0].local_writes == 6 * 3 * synapses
    assert found["stream"][0].membranes == found["per_sample"][0].membranes
    per_step = found["stream"][1].phases_per_step
    assert found["per_sample"][1].phases_per_step == per_step + 1
    assert found["stream"][1].phases == 6 * per_step + 1
    assert found["stream"][1].energy_j < found["per_sample"][1].energy_j
    assert found["stream"][1].history_bytes > 0


def test_theta_is_uploaded_while_the_chip_runs():
    net = sy.quantise(plastic_network(steps=3))
    spikes, rule = random_spikes(net, samples=1), net.projections[0].rule
    simulator = Simulator(map_network(net))
    simulator.run(spikes)
    theta = {"alpha": np.array(77), "eta": rule.eta // 2, "beta": rule.beta + 5, "lambda_": 2048}
    simulator.upload("c0", **theta)
    got, _ = simulator.run(spikes)
    new = dataclasses.replace(rule, **{k: v for k, v in theta.items() if k != "alpha"})
    projections = [
        dataclasses.replace(p, **changed)
        for p, changed in zip(net.projections, ({"rule": new, "alpha": theta["alpha"]}, {}), strict=True)
    ]
    assert_same(sy.simulate(dataclasses.replace(net, projections=tuple(projections)), spikes), got)
    with pytest.raises(ParameterError, match=r"upload: got 'gamma', allowed 'alpha' or"):
        simulator.upload("c0", gamma=1)
    with pytest.raises(ParameterError, match=r"c0.rule.eta: got shape \(3,\)"):
        simulator.upload("c0", eta=np.array([1, 2, 3]))
    with pytest.raises(ParameterError, match=r"upload\.projection: got 'nosuch'"):
        simulator.upload("nosuch", alpha=1)


USED = "from synergic_two.jit import jit\n\n@jit\ndef number(x):\n    return x + {}\n"
USES = """from synergic_two.jit import jit
from synergic_two.used import number

@jit
def answer(x):
    return 10 * number(x)

print(answer(1), answer.stats.cache_hits[answer.signatures[0]] if answer.stats.cache_hits else 0)
"""


@pytest.mark.slow
def test_the_cache_sees_a_change_in_another_module(tmp_path):
    folder = tmp_path / "synergic_two"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "jit.py").write_text(
        "from pathlib import Path\nfrom synergic.hw_targets.simulation.kernels._jit import compiler\n"
        "jit = compiler(Path(__file__).parent)\n"
    )
    (folder / "uses.py").write_text(USES)
    answers = []
    for number in (1, 1, 2):
        (folder / "used.py").write_text(USED.format(number))
        path = os.pathsep.join([str(tmp_path), *sys.path])
        done = subprocess.run([sys.executable, "-m", "synergic_two.uses"], env={**os.environ, "PYTHONPATH": path},
                              capture_output=True, text=True, check=True)  # fmt: skip
        answers.append(done.stdout.split())
    assert answers == [["20", "0"], ["20", "1"], ["30", "0"]]


@pytest.mark.parametrize("threads", [1, 2])
def test_memory_that_threads_use_again_is_as_new_for_each_sample(monkeypatch, threads):
    network = sy.quantise(plastic_network(sizes=(20, 12, 4)))
    mapping, spikes = map_network(network), random_spikes(network, samples=5)
    want, counted = simulate_on_chip(mapping, spikes, probes=Probes.readout(network), threads=threads)
    all_of_it, _ = simulate_on_chip(mapping, spikes, threads=threads)
    assert (all_of_it.local_weights["c0"] != network.projections[0].local_weights).any()  # something is to be forgotten
    monkeypatch.setattr("synergic.hw_targets.simulation._simulator.REUSED", 0)
    got, again = simulate_on_chip(mapping, spikes, probes=Probes.readout(network), threads=threads)
    assert_same(want, got)
    assert np.array_equal(counted.by_sample, again.by_sample)
    assert_same(all_of_it, simulate_on_chip(mapping, spikes, threads=threads)[0])  # asked for: each sample has its own
