# SPDX-License-Identifier: BSD-3-Clause
"""The pages fixed-point, rules and neurons are enough: an interpreter written from them alone agrees bit for bit."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import plastic_network, random_spikes

import synergic as sy
from conformance import plain_integers
from conformance.executors import networks

SMALL = (1, 2, 3, 5)
SLOW = {"deadline": None, "suppress_health_check": list(HealthCheck), "report_multiple_bugs": False}


def spread(value, n):
    """A parameter as one value a neuron."""
    return np.broadcast_to(value, n).tolist()


def population_of(p):
    """A population as the interpreter has it."""
    kind = type(p.neuron).__name__
    own = {n: v.tolist() if kind == "Table" else spread(v, p.size) for n, v in p.neuron.values.items()}
    return {"name": p.name, "vth": int(p.vth), "decay": int(p.decay), "reset": p.reset, "onset": p.onset,
            "bias": spread(p.bias, p.size), "shift": p.accumulator_shift, "kind": kind,
            "homeostasis": homeostasis_of(p), **own}  # fmt: skip


def homeostasis_of(p):
    """The homeostasis of a population as the interpreter has it."""
    h = p.homeostasis
    return h and {"target": spread(h.target, p.size), "start": spread(h.start, p.size), "rate": h.rate, "e": h.rate_exp,
                  "limit": h.limit, "table": h.table.tolist(), "c": h.table_scale}  # fmt: skip


def projection_of(p):
    """A projection as the interpreter has it."""
    plain = {"name": p.name, "source": p.source, "target": p.target, "weights": p.weights.tolist(), "fades": p.fades}
    plain["delay"] = p.delay
    if p.rule is None:
        return plain
    rule, sizes = p.rule, {"pre": p.n_in, "post": p.n_out}
    kind = rule.rule_type.__name__
    found = {"kind": kind, "alpha": spread(p.alpha, p.n_out), "local": p.local_weights.tolist(), "p_top": rule.p_top,
             "mask": None if rule.mask is None else rule.mask.tolist(), "scope": p.plasticity_scope, "e": rule.eta_exp,
             "memory": p.memory, "rounding": p.rounding, "seed": p.seed}  # fmt: skip
    found["values"] = bool(p.num_message_bits)
    for name, (_, per) in rule.parameters().items():
        value = getattr(rule, name)
        found[name] = spread(value, sizes[per]) if per else int(value)
    if kind == "Hebbian":
        found |= {"sign": rule.sign, "table": rule.table.tolist(), "c": rule.table_scale}
    else:
        found |= {"unit": rule.unit, "vth": rule.vth}
    return plain | found


def network_of(network):
    """An integer network as the interpreter has it, in plain integers."""
    sizes = {p.name: p.size for p in (network.source, *network.populations)}
    return {"source": network.source.name, "sizes": sizes, "steps": network.steps,
            "k": network.k.tolist(), "populations": [population_of(p) for p in network.ordered],
            "projections": [projection_of(p) for p in network.projections]}  # fmt: skip


def compare(network, inputs, signal):
    """Run both; every spike, potential, local weight and count must be the same."""
    want = sy.simulate(network, inputs, signal=signal)
    run = plain_integers.Run(network_of(network))
    told = np.zeros(inputs.shape[:2], np.int64) if signal is None else signal
    for n, sample in enumerate(inputs):
        sent, shown, local = run.present(sample.tolist(), told[n].tolist(), network.presented + n)
        for p in network.populations:
            assert sent[p.name] == want.spikes[p.name][n].astype(int).tolist(), p.name
            assert shown[p.name] == want.u[p.name][n].tolist(), p.name
        for name, values in want.homeostatic_bias.items():
            assert run.biases[name] == values[n].tolist(), name
        for name, values in want.local_weights.items():
            if len(values) == len(inputs) and name not in {q.name for q in network.streams}:
                assert local[name] == values[n].tolist(), name
    for q in network.streams:
        assert run.stored[q.name] == want.local_weights[q.name][-1].tolist(), q.name
    assert run.saturated == want.saturated


def generated(examples):
    """A test of some networks that hypothesis makes."""

    @settings(max_examples=examples, **SLOW)
    @given(networks(sizes=SMALL, loud=(172,)), st.sampled_from([8, 12, 16]), st.integers(0, 2**32 - 1))
    def agree(case, bits, seed):
        network, inputs = case
        rounding = ("nearest", "stochastic")[seed % 2]
        integer = sy.quantise(network, local_bits=bits, rounding=rounding, seed=seed)
        signal = None
        if any(p.plastic and p.rule.signalled for p in network.projections):
            told = np.random.default_rng(seed).uniform(-8, 7.99, inputs.shape[:2])
            signal = integer.encode_signal(told)
        compare(integer, integer.encode(inputs) if network.source.num_message_bits else inputs, signal)

    agree()


@pytest.mark.parametrize("examples", [50, *(pytest.param(n, marks=pytest.mark.slow) for n in (149, 150, 151))])
def test_the_interpreter_agrees_on_generated_networks(examples):
    generated(examples)


def close(integers, reals):
    """Whether integers are reals, of double precision, rounded to the nearest."""
    return np.all(np.abs(np.asarray(integers, float) - np.asarray(reals, float)) <= 0.5 + 1e-9 * np.abs(integers))


def largest_exponent(eta):
    """The exponent of a Hebbian rate at the scale S_P, as the table has it."""
    return max(e for e in range(16) if np.abs(eta).max() * 2.0**e < 2**15 - 1)


def compare_scales(network, bits):
    """Integers of `quantise` beside the table of scales: of populations and of projections."""
    integer = sy.quantise(network, local_bits=bits)
    decays = np.exp(-np.arange(1, network.steps + 1) * network.dt / network.tau_w)
    assert close(integer.k, 4096 * decays)
    for p, got in zip(network.populations, integer.populations, strict=True):
        into = [q for q in network.projections if q.target == p.name]
        largest = max(np.abs(q.weights).max() for q in into)
        s_w = 127 / (largest if largest > 0 else p.vth)
        behind_values = any(network.message_bits[q.source] for q in into)
        s_u = s_w * 64 * (255 / 256 if behind_values else 1)
        assert close(got.vth, s_u * p.vth)
        assert close(got.bias, s_u * p.bias)
        assert close(got.decay, 4096 * p.decay)
        for q in into:
            whole = next(found for found in integer.projections if found.name == q.name)
            assert close(whole.weights, s_w * q.weights)
            if q.rule is None:
                continue
            p_top = 2 ** (bits - 1) - 1
            s_p = p_top / q.rule.p_max
            assert whole.rule.p_top == p_top
            assert close(whole.local_weights, s_p * q.local_weights)
            assert close(whole.alpha, s_w * 4096 / s_p * q.alpha)
            if isinstance(q.rule, sy.Hebbian) and q.plasticity_scope != "stream":
                eta = s_p * np.asarray(q.rule.eta) * (256 / 255 if behind_values else 1)
                assert whole.rule.eta_exp == largest_exponent(eta) + (8 if behind_values else 0)
                assert close(whole.rule.eta, eta * 2.0 ** largest_exponent(eta))
                assert close(whole.rule.beta, 4096 * np.asarray(q.rule.beta))
                assert close(whole.rule.lambda_, 4096 * q.rule.lambda_)


def test_quantise_has_the_scales_of_the_table():
    @settings(max_examples=40, **SLOW)
    @given(networks(sizes=SMALL, loud=(172,)), st.sampled_from([8, 12, 16]))
    def agree(case, bits):
        compare_scales(case[0], bits)

    agree()


def test_a_rate_between_the_last_two_integers_has_the_smaller_exponent():
    """32767.3 rounds to 32767, which 16 bits hold."""
    for top in (32766.7, 32767.3):
        projection = sy.Projection("c", "in", "out", np.ones((2, 3)), sy.Hebbian(top / 2**15 / 127, 0.1), 0.5)
        network = sy.Network(sy.Source("in", 3), (sy.Population("out", 2, 1.0, 0.5),), (projection,), "out", 3)
        compare_scales(network, 8)


@pytest.mark.parametrize(
    "rule", [sy.PairSTDP(0.9, 0.9, 1.0, 1.0), sy.BCM(0.5), sy.Oja(0.5), sy.ThreeFactor(0.9, 1.0, 4.0)]
)
@pytest.mark.parametrize("scope", ["per_sample", "stream"])
def test_it_agrees_where_traces_and_local_weights_meet_their_bounds(rule, scope):
    rng = np.random.default_rng(0)
    projection = sy.Projection("c", "in", "out", rng.uniform(0, 1, (2, 3)), rule, 0.5, plasticity_scope=scope, memory=2)
    population = sy.Population("out", 2, 0.1, 1.0, bias=0.3)
    network = sy.quantise(sy.Network(sy.Source("in", 3), (population,), (projection,), "out", 90), local_bits=8)
    inputs = rng.integers(0, 2, (2, 90, 3)) | 1
    signal = network.encode_signal(rng.uniform(-8, 7.9, (2, 90))) if rule.signalled else None
    compare(network, inputs, signal)


def test_it_agrees_where_potentials_meet_their_width(monkeypatch):
    population = sy.Population("out", 2, 2060.0, 1.0)
    projection = sy.Projection("c", "in", "out", np.full((2, 257), 2.0))
    network = sy.quantise(sy.Network(sy.Source("in", 257), (population,), (projection,), "out", 6))
    compare(network, np.ones((1, 6, 257), int), None)
    monkeypatch.setattr(plain_integers, "sat24", lambda a: a)
    with pytest.raises(AssertionError):
        compare(network, np.ones((1, 6, 257), int), None)


def test_the_interpreter_imports_nothing():
    tree = ast.parse(Path(plain_integers.__file__).read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert "conformance.plain_integers" in sys.modules


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("rshift", lambda a, n: a >> n),
        ("clip", lambda a, low, high: min(max(a, low), high - 1)),
        ("rho", lambda q, i, u: q["table"][min(max((u * q["c"] >> 20) + 127, 0), 255)] + q["beta"][i]),
    ],
)
def test_a_page_that_said_otherwise_would_be_found(name, wrong, monkeypatch):
    network = sy.quantise(plastic_network(p_max=0.2))  # of the Hebbian rule, with local weights that meet their bound
    inputs = random_spikes(network, rate=0.5)
    compare(network, inputs, None)
    monkeypatch.setattr(plain_integers, name, wrong)
    with pytest.raises(AssertionError):
        compare(network, inputs, None)
