# SPDX-License-Identifier: BSD-3-Clause
"""synergic's processes in one graph with Lava's own: LIF, Dense, RingBuffer, Monitor, Reset; float and fixed.

The numbers are compared with plain numpy written here, which shares nothing with the library.
"""

import multiprocessing

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi1SimCfg, Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.reset import Reset
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor

import synergic as sy
from synergic.errors import ParameterError
from synergic.processes import HybridDense, HybridLIF, running
from synergic.rules import quantise_rule

pytestmark = pytest.mark.alone

STEPS, N = 16, (5, 6, 3)
KINDS = pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])


def config(integer, lava=Loihi2SimCfg):
    """Lava's stock configuration."""
    return lava(select_tag="fixed_pt" if integer else "floating_pt")


def half_up(a, n):
    """a / 2^n to the nearest integer, halves up."""
    return (a + 2 ** (n - 1)) >> n


class Chain:
    """Source - Lava's Dense - HybridLIF - HybridDense with frozen P - Lava's LIF - sink."""

    def __init__(self, integer, seed=1):
        rng = np.random.default_rng(seed)
        self.integer = integer
        self.data = (rng.random((N[0], STEPS)) < 0.5).astype(int)
        if integer:
            self.w0 = 2 * rng.integers(-40, 64, (N[1], N[0]))  # Lava keeps mixed weights even
            self.w1, self.p = rng.integers(-60, 100, (N[2], N[1])), rng.integers(-500, 500, (N[2], N[1]))
            self.alpha, self.bias = rng.integers(-1, 2, N[2]), rng.integers(-20, 20, N[1])
            self.lif = {"du": 4000, "dv": 300, "vth": 300, "bias_mant": 5, "bias_exp": 6}
            self.hybrid = {"vth": 90, "decay": 1500, "bias": self.bias}
            rule = quantise_rule(sy.Hebbian(0.1, 0.1), "rule", 16, 90)
            self.dense0 = Dense(weights=self.w0, weight_exp=6)
            self.dense1 = HybridDense(
                weights=self.w1, rule=rule, alpha=self.alpha, local_weights=self.p, plasticity_scope="frozen", k=[1]
            )
        else:
            self.w0, self.w1 = rng.normal(0.1, 0.5, (N[1], N[0])), rng.normal(0.2, 0.5, (N[2], N[1]))
            self.p, self.alpha = rng.uniform(-1, 1, (N[2], N[1])), rng.uniform(-0.5, 0.5, N[2])
            self.bias = rng.uniform(-0.1, 0.1, N[1])
            self.lif = {"du": 0.9, "dv": 0.1, "vth": 0.8, "bias_mant": 0.05}
            self.hybrid = {"vth": 0.4, "decay": 0.4, "bias": self.bias}
            rule = sy.Hebbian(0.1, 0.1)
            self.dense0 = Dense(weights=self.w0)
            self.dense1 = HybridDense(
                weights=self.w1, rule=rule, alpha=self.alpha, local_weights=self.p, plasticity_scope="frozen"
            )
        self.source, self.sink = Source(data=self.data), Sink(shape=(N[2],), buffer=STEPS)
        self.neurons = HybridLIF(shape=(N[1],), record=STEPS, name="neurons", **self.hybrid)
        self.last = LIF(shape=(N[2],), **self.lif)
        self.source.s_out.connect(self.dense0.s_in)
        self.dense0.a_out.connect(self.neurons.a_in)
        self.neurons.s_out.connect(self.dense1.s_in)
        self.dense1.a_out.connect(self.last.a_in)
        self.last.s_out.connect(self.sink.a_in)

    def lavas_lif(self, u, v, a):
        """Lava's documented neuron: leaky current, leaky voltage, reset to zero."""
        c = self.lif
        if self.integer:
            u = np.sign(u) * (np.abs(u) * (4096 - c["du"] - 1) >> 12) + (a << 6)
            v = np.sign(v) * (np.abs(v) * (4096 - c["dv"]) >> 12) + u + (c["bias_mant"] << c["bias_exp"])
            s = v > c["vth"] << 6
        else:
            u = u * (1 - c["du"]) + a
            v = v * (1 - c["dv"]) + u + c["bias_mant"]
            s = v > c["vth"]
        return u, np.where(s, 0, v), s

    def by_hand(self):
        """Spikes of HybridLIF and of Lava's LIF, u of HybridLIF before and after its reset; (T, n) each."""
        dtype = np.int64 if self.integer else float
        r, u, v = np.zeros(N[1], dtype), np.zeros(N[2], dtype), np.zeros(N[2], dtype)
        inputs, middle = np.zeros(N[0], dtype), np.zeros(N[1], dtype)
        out = [[], [], [], []]
        for t in range(STEPS):
            a0 = self.w0 @ inputs  # each connection delivers the spikes of the step before
            a1 = (self.w1 + self.alpha[:, None] * self.p) @ middle
            decayed = half_up(r * self.hybrid["decay"], 12) if self.integer else r * self.hybrid["decay"]
            x = decayed + (half_up(a0 << 6, 6) if self.integer else a0) + self.bias
            s = x > self.hybrid["vth"]
            r = x - self.hybrid["vth"] * s
            u, v, last = self.lavas_lif(u, v, a1)
            for values, value in zip(out, (s, last, x, r), strict=True):
                values.append(value.copy())
            inputs, middle = self.data[:, t].astype(dtype), s.astype(dtype)
        return map(np.array, out)


@KINDS
@pytest.mark.parametrize("lava", [Loihi1SimCfg, Loihi2SimCfg])
def test_a_chain_of_lavas_and_our_processes(integer, lava):
    chain = Chain(integer)
    with running(chain.last):
        chain.last.run(condition=RunSteps(num_steps=STEPS), run_cfg=config(integer, lava))  # started by Lava's process
        got = chain.sink.data.get().T, chain.neurons.s_record.get(), chain.neurons.u_record.get()
    middle, last, u, _ = chain.by_hand()
    assert np.array_equal(got[0], last)
    assert np.array_equal(got[1], middle)
    assert np.abs(got[2] - u).max() <= (0 if integer else 1e-12)
    assert 0 < middle.mean() < 1
    assert 0 < last.mean() < 1


@KINDS
@pytest.mark.one_in(3)
@pytest.mark.parametrize("probed", ["u", "u_out", "s_out", "local_weights"])
def test_monitor_reads_our_variables_and_ports(integer, probed):
    chain, monitor = Chain(integer), Monitor()
    target = getattr(chain.dense1 if probed == "local_weights" else chain.neurons, probed)
    monitor.probe(target, STEPS)
    with running(chain.neurons):
        for _ in range(2):
            chain.neurons.run(condition=RunSteps(num_steps=STEPS // 2), run_cfg=config(integer))
        data = monitor.get_data()[target.process.name][probed]
    middle, _, u, reset = chain.by_hand()
    want = {"u": reset, "u_out": u, "s_out": middle, "local_weights": np.broadcast_to(chain.p, (STEPS, *chain.p.shape))}
    assert np.abs(data - want[probed]).max() <= (0 if integer else 1e-12)
    assert np.any(data)


@KINDS
def test_monitor_follows_weights_that_learn(integer):
    data = np.ones((2, 6), int)
    rule = sy.Hebbian(0.25, 0.5, lambda_=0.5, rho="identity")
    if integer:
        rule = quantise_rule(rule, "rule", 16, 400_000)
    dense = HybridDense(weights=np.ones((2, 2), int if integer else float), rule=rule, vth=1e6)
    lif = HybridLIF(shape=(2,), **({"vth": 400_000, "decay": 0} if integer else {"vth": 1e6, "decay": 0.0}))
    source, monitor = Source(data=data), Monitor()
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    lif.u_out.connect(dense.u_in)
    monitor.probe(dense.local_weights, 6)
    with running(lif):
        lif.run(condition=RunSteps(num_steps=6), run_cfg=config(integer))
        seen, last = monitor.get_data()[dense.name]["local_weights"], dense.local_weights.get()
    assert np.array_equal(seen[-1], last)
    p = [0.0]
    for _ in range(5):  # u / v_th is next to nothing: P(t) = P(t-1) / 2 + eta beta, from the second step
        p.append(p[-1] / 2 + 0.25 * 0.5)
    scale = rule.scale if integer else 1
    assert np.abs(seen[:, 0, 0] / scale - p).max() < (0.02 if integer else 1e-5)


@KINDS
def test_lavas_reset_writes_our_variable(integer):
    dense = HybridDense(weights=np.eye(3, dtype=int if integer else float))
    lif = HybridLIF(
        shape=(3,), **({"vth": 4000, "decay": 4096, "bias": 8} if integer else {"vth": 9.0, "decay": 1.0, "bias": 0.01})
    )
    lif.s_out.connect(dense.s_in)
    unit, reset = (8 if integer else 0.01), Reset(reset_value=0, interval=4, offset=3)
    reset.connect_var(lif.u)
    seen = []
    with running(lif):
        for _ in range(6):
            lif.run(condition=RunSteps(num_steps=1), run_cfg=config(integer))
            seen.append(lif.u.get()[0] / unit)
        lif.u.set(np.full(3, 40 * unit))  # the script's own writing still arrives
        lif.run(condition=RunSteps(num_steps=1))
        seen.append(lif.u.get()[0] / unit)
    assert np.allclose(seen, [1, 2, 3, 0, 1, 2, 41])


@KINDS
def test_a_recurrent_graph_does_not_wait_for_itself(integer):
    rng = np.random.default_rng(3)
    if integer:
        weights = rng.integers(-60, 100, (4, 4))
        neuron, rule = {"vth": 3000, "decay": 2048, "bias": 1700}, quantise_rule(sy.Hebbian(0.1, 0.1), "r", 16, 3000)
    else:
        weights, neuron = rng.normal(0, 0.3, (4, 4)), {"vth": 0.4, "decay": 0.5, "bias": 0.25}
        rule = sy.Hebbian(0.1, 0.1)
    lif = HybridLIF(shape=(4,), record=40, **neuron)
    plastic, lavas = HybridDense(weights=weights, rule=rule, alpha=weights.dtype.type(0)), Dense(weights=0 * weights)
    for dense in (plastic, lavas):  # both kinds of connection, back on the neurons themselves
        lif.s_out.connect(dense.s_in)
        dense.a_out.connect(lif.a_in)
    lif.u_out.connect(plastic.u_in)
    with running(lif):
        lif.run(condition=RunSteps(num_steps=40), run_cfg=config(integer))
        spikes, u, local = lif.s_record.get(), lif.u_record.get(), plastic.local_weights.get()
    before, reset = np.zeros(4, int), np.zeros(4, u.dtype)
    for t in range(40):
        a = (weights * (4096 if integer else 1)) @ before
        x = half_up(reset * 2048, 12) + half_up(a, 6) + 1700 if integer else reset * 0.5 + a + 0.25
        assert np.abs(u[t] - x).max() <= (0 if integer else 1e-12)
        assert np.array_equal(spikes[t], x > neuron["vth"])
        before, reset = spikes[t], x - neuron["vth"] * spikes[t]
    assert spikes[5:].any()
    assert local.any()


@KINDS
@pytest.mark.parametrize("start", ["dense", "lif", "source"])
def test_learning_without_the_potential_is_refused_before_the_run(integer, start):
    rule = sy.Hebbian(0.1, 0.1)
    rule = quantise_rule(rule, "rule", 16, 90) if integer else rule
    weights = np.ones((2, 3), int if integer else float)
    parts = {
        "source": Source(data=np.ones((3, 4))),
        "dense": HybridDense(weights=weights, rule=rule, name="deaf"),
        "lif": HybridLIF(shape=(2,), **({"vth": 90, "decay": 0} if integer else {})),
    }
    parts["source"].s_out.connect(parts["dense"].s_in)
    parts["dense"].a_out.connect(parts["lif"].a_in)
    with pytest.raises(ParameterError, match=r"deaf\.u_in: got no connection.*Connect neuron\.u_out"):
        parts[start].run(condition=RunSteps(num_steps=1), run_cfg=config(integer))
    assert not multiprocessing.active_children()
    for process in parts.values():
        process.stop()
