# SPDX-License-Identifier: BSD-3-Clause
"""Variables between two runs: read, set, effective in the next step, fast, and guarded against wrong values."""

import dataclasses
import time

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import RingBuffer
from lava.proc.monitor.process import Monitor

import synergic as sy
from synergic.errors import ParameterError
from synergic.network._quantise import ONE
from synergic.numerics import fixed, floating
from synergic.processes import HybridDense, HybridLIF, HybridNeuron, HybridSimCfg, running
from synergic.rules import quantise_rule

pytestmark = pytest.mark.alone

RNG = np.random.default_rng(5)
N_IN, N_OUT, STEPS, VTH = 5, 4, 12, 0.6
SPIKES = (RNG.random((N_IN, STEPS)) < 0.6).astype(int)
RULE = sy.Hebbian(RNG.uniform(0.05, 0.3, N_IN), RNG.uniform(-0.3, 0.3, N_OUT), lambda_=0.9, p_max=2.0)
SCALE = 100  # integer weights to one of the physical ones
INT_VTH = round(VTH * SCALE * 64)
START = {
    "weights": RNG.normal(0, 0.4, (N_OUT, N_IN)),
    "local_weights": RNG.uniform(-0.5, 0.5, (N_OUT, N_IN)),
    "alpha": RNG.uniform(-0.5, 0.5, N_OUT),
    "eta": RULE.eta,
    "beta": RULE.beta,
    "lambda_": np.array([RULE.lambda_]),
}
LATER = {name: value * 0.5 + 0.01 for name, value in START.items()}


def whole(values, rule):
    """The parameters in integers."""
    scales = {"weights": SCALE, "local_weights": rule.scale, "alpha": 500, "beta": ONE, "lambda_": ONE}
    scales["eta"] = rule.scale * 2**rule.eta_exp
    return {name: np.rint(v * scales[name]).astype(np.int64) for name, v in values.items()}


def build(integer):
    """Source - plastic HybridDense - HybridLIF; first and later parameters."""
    rule = quantise_rule(RULE, "rule", 16, INT_VTH) if integer else RULE
    start, later = (whole(v, rule) if integer else v for v in (START, LATER))
    rule = dataclasses.replace(rule, lambda_=start["lambda_"][0].item())
    dense = HybridDense(
        weights=start["weights"],
        rule=rule,
        alpha=start["alpha"],
        local_weights=start["local_weights"],
        vth=VTH,
        weight_bits=9,
        name="dense",
    )
    neuron = {"vth": INT_VTH, "decay": ONE // 2} if integer else {"vth": VTH, "decay": 0.5}
    lif = HybridLIF(shape=(N_OUT,), **neuron, record=STEPS, name="lif")
    source = RingBuffer(data=SPIKES)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    lif.u_out.connect(dense.u_in)
    return dense, lif, rule, start, later


def step(integer, rule, p, u, s):
    """One step of connection and neurons by synergic.numerics. Returns u before and after its reset; sets P."""
    local, alpha, eta, beta = p["local_weights"], p["alpha"], p["eta"], p["beta"]
    if integer:
        u, _ = fixed.membrane(u, fixed.accumulate(s, p["weights"], ONE, local, alpha), ONE // 2, 0)
        after = fixed.reset(u, fixed.spike(u, INT_VTH), INT_VTH, "subtract")
        q = fixed.postsynaptic(u, rule.table, rule.table_scale, beta)
        extra = {"lambda_": int(p["lambda_"][0]), "p_top": rule.p_top, "eta_exp": rule.eta_exp}
        p["local_weights"], _ = fixed.hebbian(local, s, q, eta=eta, sign=1, **extra)
    else:
        u = floating.membrane(u, floating.synaptic_input(s, p["weights"], 1.0, local, alpha), 0.5, 0.0)
        after = floating.reset(u, floating.spike(u, VTH), VTH, "subtract")
        extra = {"lambda_": p["lambda_"][0], "rho": "tanh", "sign": 1, "p_max": RULE.p_max, "vth": VTH}
        p["local_weights"], _ = floating.hebbian(local, s, u, eta=eta, beta=beta, **extra)
    return u, after


def expected(integer, rule, start, changes, at):
    """u of every step and P after the last, with `changes` made between steps `at` and `at` + 1."""
    p, dtype = dict(start), np.int64 if integer else float
    u, recorded = np.zeros(N_OUT, dtype), []
    for t in range(1, STEPS + 1):
        p.update(changes if t == at + 1 else {})
        # the spikes of one step act in the next
        s = SPIKES[:, t - 2].astype(dtype) if t > 1 else np.zeros(N_IN, dtype)
        before, u = step(integer, rule, p, u, s)
        recorded.append(before)
    return np.array(recorded), p["local_weights"]


def run(integer, at, changed):
    """Run, set the changed variables after step `at`, run on; compare with numerics. Returns u and P."""
    dense, lif, rule, start, later = build(integer)
    changes = {name: later[name] for name in changed}
    with running(lif):
        tag = "fixed_pt" if integer else "floating_pt"
        lif.run(condition=RunSteps(num_steps=at), run_cfg=Loihi2SimCfg(select_tag=tag))
        for name, value in changes.items():
            variable = getattr(dense, name)
            if name != "local_weights":
                assert np.array_equal(variable.get(), start[name])
            variable.set(value)
            assert np.array_equal(variable.get(), value)
        lif.run(condition=RunSteps(num_steps=STEPS - at))
        got = lif.u_record.get(), dense.local_weights.get()
    want = expected(integer, rule, start, changes, at)
    for g, w in zip(got, want, strict=True):
        assert np.abs(g - w).max() <= (0 if integer else 1e-12)
    return got


@pytest.mark.one_in(3)
@pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
@pytest.mark.parametrize("changed", [*START, "all"])
def test_a_variable_set_between_runs_acts_from_the_next_step(integer, changed):
    at = 6
    u, local = run(integer, at, START if changed == "all" else [changed])
    _, _, rule, start, _ = build(integer)
    plain_u, plain_local = expected(integer, rule, start, {}, at)
    late = changed in ("eta", "beta", "lambda_")  # these change P in the next step, and it the potential after that
    assert np.abs(u[: at + late] - plain_u[: at + late]).max() <= 1e-12  # the past is as it was
    assert np.abs(u[at + late] - plain_u[at + late]).max() > 0  # and the change shows
    assert not np.array_equal(local, plain_local)


def test_the_start_of_a_presentation_set_before_the_first_run_counts():
    dense, lif, rule, start, _ = build(integer=False)
    start["local_weights"] = np.full((N_OUT, N_IN), 0.25)
    dense.local_start.set(start["local_weights"])
    with running(lif):
        lif.run(condition=RunSteps(num_steps=STEPS), run_cfg=Loihi2SimCfg(select_tag="floating_pt"))
        u, local = lif.u_record.get(), dense.local_weights.get()
    want_u, want_local = expected(False, rule, start, {}, at=STEPS + 1)
    assert np.abs(u - want_u).max() <= 1e-12
    assert np.abs(local - want_local).max() <= 1e-12


@pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
def test_a_784_by_512_matrix_takes_less_than_a_second_of_the_processor(integer):
    shape = (512, 784)
    weights = RNG.integers(-100, 100, shape)
    dense = HybridDense(weights=weights if integer else weights / 100)
    other = np.flip(weights) if integer else np.flip(weights) / 7
    with running(dense):
        tag = "fixed_pt" if integer else "floating_pt"
        dense.run(condition=RunSteps(num_steps=2), run_cfg=Loihi2SimCfg(select_tag=tag))
        begin = time.process_time()  # Lava's way, value by value, takes several
        got = dense.weights.get()
        middle = time.process_time()
        dense.weights.set(other)
        end = time.process_time()
        assert np.array_equal(got, weights if integer else weights / 100)
        assert np.array_equal(dense.weights.get(), other)
    assert middle - begin < 1
    assert end - middle < 1


WRONG = [
    ("weights", np.zeros((N_IN, N_OUT), int), r"shape \(5, 4\), allowed \(4, 5\)"),
    ("weights", np.full((N_OUT, N_IN), 256), r"256.*-256 to 255"),
    ("local_weights", np.full((N_OUT, N_IN), -32768), "-32767 to 32767"),
    ("local_start", np.full((N_OUT, N_IN), 32768), "-32767 to 32767"),
    ("alpha", np.full(N_OUT, 2**23), "-8388608 to 8388607"),
    ("eta", np.full(N_IN, 2**15), "-32767 to 32767"),
    ("beta", np.full(N_OUT, 2**15), "-32767 to 32767"),
    ("lambda_", ONE + 1, "0 to 4096"),
    ("k", -1, "0 to 4096"),
    ("u", np.full(N_OUT, 2**23), "-8388608 to 8388607"),
    ("bias", np.full(N_OUT, -(2**23) - 1), "-8388608 to 8388607"),
    ("vth", 0, "1 to 8388607"),
    ("decay", ONE + 1, "0 to 4096"),
]
WRONG_FLOATS = [
    ("weights", np.zeros(N_IN), r"shape \(5,\), allowed \(4, 5\)"),
    ("weights", np.full((N_OUT, N_IN), np.nan), "NaN.*finite"),
    ("alpha", np.full(N_OUT, np.inf), "finite"),
    ("local_weights", np.full((N_OUT, N_IN), 2.5), r"-2.0 to 2.0"),
    ("lambda_", 1.5, "0 to 1"),
    ("lambda_", "much", "numbers"),
    ("vth", 0.0, "to inf"),
    ("decay", -0.1, "0 to 1"),
]


def owner(name, dense, lif):
    """The process that has the variable."""
    return dense if hasattr(dense, name) else lif


def assert_refused(process, name, value, text):
    variable = getattr(process, name)
    before = variable.get()
    with pytest.raises(ParameterError, match=rf"^{process.name}\.{name}: got .*{text}"):
        variable.set(value)
    assert np.array_equal(variable.get(), before)


def test_wrong_values_are_refused_by_name_and_the_run_goes_on():
    for integer, cases in ((True, WRONG), (False, WRONG_FLOATS)):
        dense, lif, *_ = build(integer)
        with running(lif):
            tag = "fixed_pt" if integer else "floating_pt"
            lif.run(condition=RunSteps(num_steps=1), run_cfg=Loihi2SimCfg(select_tag=tag))
            for name, value, text in cases:
                assert_refused(owner(name, dense, lif), name, value, text)
            if integer:
                for name in (
                    "weights",
                    "local_weights",
                    "alpha",
                    "eta",
                    "beta",
                    "lambda_",
                    "u",
                    "bias",
                    "vth",
                    "decay",
                ):
                    process = owner(name, dense, lif)
                    assert_refused(process, name, getattr(process, name).get() + 0.5, "float64, allowed integers")
            lif.run(condition=RunSteps(num_steps=1))


def test_integer_neurons_refuse_a_physical_decay():
    with pytest.raises(ParameterError, match=r"lif\.decay: got 0\.5, allowed an integer"):
        HybridLIF(shape=(2,), vth=4000, decay=0.5, name="lif")


@pytest.mark.parametrize("numbers", ["floats", "integers"])
@pytest.mark.parametrize("neuron", ["LIF", "CurrentLIF"])
def test_a_monitor_shows_the_potential_before_and_after_its_reset(numbers, neuron):
    """u_before_reset is what a run records; u is what the next step begins with."""
    whole = numbers == "integers"
    given = {"shape": (3,), "vth": 700 if whole else 0.7, "decay": 2048 if whole else 0.5, "record": 8}
    given["bias"] = np.array([300, 500, 600]) if whole else np.array([0.3, 0.5, 0.6])
    if neuron == "LIF":
        lif = HybridLIF(**given)
    else:
        lif = HybridNeuron(neuron=sy.CurrentLIF(2048, integer=True) if whole else sy.CurrentLIF(0.5), **given)
    monitors = {name: Monitor() for name in ("u", "u_before_reset")}
    for name, monitor in monitors.items():
        monitor.probe(getattr(lif, name), 8)
    with running(lif):
        lif.run(condition=RunSteps(num_steps=8), run_cfg=HybridSimCfg())
        seen = {name: next(iter(m.get_data().values()))[name] for name, m in monitors.items()}
        recorded, spikes = lif.u_record.get(), lif.s_record.get()
    assert np.array_equal(seen["u_before_reset"], recorded)
    assert spikes.any()
    assert np.allclose(seen["u"], recorded - given["vth"] * spikes)
