# SPDX-License-Identifier: BSD-3-Clause
"""docs/lava.md: HybridLIF in the setting that is Lava's LIF, and Lava's Sparse and LearningDense beside our processes.

test_mixing has Dense, LIF, Monitor and Reset, with numbers written out by hand. The last test has all of them at once.
"""

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer as Source
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import Sparse
from scipy.sparse import csr_matrix

import synergic as sy
from synergic.processes import HybridDense, HybridLIF, running

pytestmark = pytest.mark.alone

STEPS, N_IN, N = 40, 8, 6
KINDS = pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])


def run(head, integer, steps=STEPS):
    """Steps under Lava's own configuration."""
    head.run(
        condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt" if integer else "floating_pt")
    )


def beside(integer, dv, vth, bias):
    """The same spikes through Lava's Dense and LIF, and through ours: ((s, v), (s, u)), v and u after the reset.

    dv : Lava's, of 4096 for integers. vth, bias : in units of the weights.
    """
    rng = np.random.default_rng(2)
    source = Source(data=(rng.random((N_IN, STEPS)) < 0.4).astype(int))
    if integer:
        weights = 2 * rng.integers(-20, 40, (N, N_IN))  # Lava keeps mixed weights even
        lif = LIF(shape=(N,), du=4095, dv=dv, vth=vth, bias_mant=bias, bias_exp=6)
        ours = HybridLIF(
            shape=(N,), vth=vth << 6, decay=4096 - dv, bias=np.full(N, bias << 6), reset="zero", record=STEPS
        )
    else:
        weights = rng.normal(0.1, 0.3, (N, N_IN))
        lif = LIF(shape=(N,), du=1, dv=dv, vth=vth, bias_mant=bias)
        ours = HybridLIF(shape=(N,), vth=vth, decay=1 - dv, bias=bias, reset="zero", record=STEPS)
    dense, hybrid = Dense(weights=weights), HybridDense(weights=weights)
    monitors = {"s_out": Monitor(), "v": Monitor()}
    for name, monitor in monitors.items():
        monitor.probe(getattr(lif, name), STEPS)
    source.s_out.connect(dense.s_in)
    source.s_out.connect(hybrid.s_in)
    dense.a_out.connect(lif.a_in)
    hybrid.a_out.connect(ours.a_in)
    with running(ours):
        run(ours, integer)
        lavas = [monitor.get_data()[lif.name][name] for name, monitor in monitors.items()]
        s, u = ours.s_record.get(), ours.u_record.get()
    return lavas, (s, np.where(s, 0, u))


@pytest.mark.one_in(3)
@pytest.mark.parametrize("dv", [0.0, 0.25, 0.7, 1.0])
def test_lif_is_lavas_in_floating_point(dv):
    (s, v), (ours, u) = beside(False, dv, vth=0.8, bias=0.05)
    assert np.array_equal(s, ours)
    assert np.array_equal(v, u)
    assert 0 < s.mean() < 1


@pytest.mark.parametrize("dv", [0, 4096])
def test_lif_is_lavas_bit_for_bit_where_nothing_is_rounded(dv):
    (s, v), (ours, u) = beside(True, dv, vth=90, bias=3)
    assert np.array_equal(s, ours)
    assert np.array_equal(v, u)
    assert 0 < s.mean() < 1


def test_leaky_integers_differ_by_rounding_alone():
    # Lava cuts towards zero, we round half up: less than 1 a step, and 1 / (1 - d) in all, of 64 units to a weight.
    dv = 600
    (s, v), (ours, u) = beside(True, dv, vth=10**5, bias=3)
    assert not s.any()
    assert not ours.any()
    assert 0 < np.abs(v - u).max() <= 4096 / dv
    assert np.abs(v).max() > 1000


@KINDS
def test_sparse_before_and_behind_our_neurons(integer):
    rng = np.random.default_rng(4)
    data = (rng.random((N_IN, STEPS)) < 0.5).astype(int)
    weights = 2 * rng.integers(-30, 60, (N, N_IN)) * (rng.random((N, N_IN)) < 0.5)
    back = 2 * rng.integers(-30, 60, (3, N)) * (rng.random((3, N)) < 0.5)
    scale = 1 if integer else 0.01
    seen = []
    for kind in (Dense, Sparse):
        form = (lambda w: w) if kind is Dense else csr_matrix
        source = Source(data=data)
        first = kind(weights=form(weights * scale), **({"weight_exp": 6} if integer else {}))
        last = kind(weights=form(back * scale), **({"weight_exp": 6} if integer else {}))
        neuron = {"vth": 60, "decay": 2048} if integer else {"vth": 0.6, "decay": 0.5}
        lif, end = HybridLIF(shape=(N,), record=STEPS, **neuron), HybridLIF(shape=(3,), record=STEPS, **neuron)
        source.s_out.connect(first.s_in)
        first.a_out.connect(lif.a_in)
        lif.s_out.connect(last.s_in)
        last.a_out.connect(end.a_in)
        with running(lif):
            run(lif, integer)
            seen.append((lif.u_record.get(), end.u_record.get(), end.s_record.get()))
    for dense, sparse in zip(*seen, strict=True):
        assert np.abs(dense - sparse).max() <= (0 if integer else 1e-12)
    assert 0 < seen[0][2].mean() < 1


def learning_behind(pre, integer):
    """Lava's LearningDense from a process with `s_out` to neurons of ours, whose spikes it hears."""
    rule = STDPLoihi(learning_rate=1, A_plus=2, A_minus=-1, tau_plus=5, tau_minus=5, t_epoch=2)
    dense = LearningDense(weights=np.full((3, N), 40), learning_rule=rule, weight_exp=6 if integer else 0)
    neuron = {"vth": 60, "decay": 4096} if integer else {"vth": 60.0, "decay": 1.0}
    post = HybridLIF(shape=(3,), reset="zero", **neuron)
    pre.s_out.connect(dense.s_in)
    dense.a_out.connect(post.a_in)
    post.s_out.connect(dense.s_in_bap)
    return dense


def learned(pre, integer):
    """Weights of LearningDense after the run; pre : a process with `s_out`."""
    dense = learning_behind(pre, integer)
    with running(pre):
        run(pre, integer)
        recorded = pre.s_record.get() if isinstance(pre, HybridLIF) else None
        return dense.weights.get(), recorded


@KINDS
def test_learning_dense_learns_from_our_spikes(integer):
    rng = np.random.default_rng(6)
    bias = rng.integers(10, 40, N) * (1 if integer else 0.01)
    neuron = {"vth": 60, "decay": 4096} if integer else {"vth": 0.6, "decay": 1.0}
    weights, spikes = learned(HybridLIF(shape=(N,), bias=bias, record=STEPS, **neuron), integer)
    assert 0 < spikes.mean() < 1
    assert not np.array_equal(weights, np.full((3, N), 40))
    if not integer:  # in integers Lava rounds at random
        replayed, _ = learned(Source(data=spikes.T), integer)
        assert np.array_equal(weights, replayed)


def plastic_behind(pre, integer):
    """Our HybridDense from a process with `s_out` to neurons of ours, whose potential it hears."""
    weights, vth = 10 * np.arange(1, 3 * N + 1).reshape(3, N) % 37, 60 << 6
    rule = sy.Hebbian(0.1, 0.1)
    if integer:
        plastic = HybridDense(weights=weights, rule=rule.quantise("c", 16, vth, False), alpha=100)
        end = HybridLIF(shape=(3,), vth=vth, decay=2048)
    else:
        plastic = HybridDense(weights=0.01 * weights, rule=rule, alpha=0.1, vth=0.6)
        end = HybridLIF(shape=(3,), vth=0.6, decay=0.5)
    pre.s_out.connect(plastic.s_in)
    plastic.a_out.connect(end.a_in)
    end.u_out.connect(plastic.u_in)
    return plastic


def sparse_behind(pre, integer):
    """Lava's Sparse from a process with `s_out` to neurons of ours. Returns these."""
    weights = 2 * (np.arange(3 * N).reshape(3, N) % 5) * (10 if integer else 0.1)
    sparse = Sparse(weights=csr_matrix(weights), **({"weight_exp": 6} if integer else {}))
    neuron = {"vth": 60, "decay": 2048} if integer else {"vth": 0.6, "decay": 0.5}
    end = HybridLIF(shape=(3,), record=STEPS, **neuron)
    pre.s_out.connect(sparse.s_in)
    sparse.a_out.connect(end.a_in)
    return end


LEFT = {plastic_behind: "local_weights", learning_behind: "weights", sparse_behind: "s_record"}
"""By part: the variable that says after a run what it did."""


@KINDS
def test_dense_sparse_learning_dense_and_monitor_in_one_graph(integer):
    """Neurons of ours behind Lava's Dense feed three connections at once; each does what it does alone."""
    rng = np.random.default_rng(8)
    weights = 2 * rng.integers(-20, 40, (N, N_IN)) * (1 if integer else 0.01)
    source = Source(data=(rng.random((N_IN, STEPS)) < 0.4).astype(int))
    first = Dense(weights=weights, **({"weight_exp": 6} if integer else {}))
    neuron = {"vth": 60, "decay": 2048} if integer else {"vth": 0.6, "decay": 0.5}
    front = HybridLIF(shape=(N,), record=STEPS, **neuron)
    source.s_out.connect(first.s_in)
    first.a_out.connect(front.a_in)
    parts = [make(front, integer) for make in LEFT]
    seen = {"front": Monitor(), "sparse": Monitor()}
    seen["front"].probe(front.s_out, STEPS)
    seen["sparse"].probe(parts[2].u, STEPS)
    with running(front):
        run(front, integer)
        spikes = front.s_record.get()
        assert np.array_equal(seen["front"].get_data()[front.name]["s_out"], spikes)
        together = [getattr(part, left).get() for part, left in zip(parts, LEFT.values(), strict=True)]
        watched = seen["sparse"].get_data()[parts[2].name]["u"]
    assert 0 < spikes.mean() < 1
    assert 0 < together[2].mean() < 1
    assert watched.any()
    alone = []
    for make in LEFT:
        replay = Source(data=spikes.T)
        part = make(replay, integer)
        with running(replay):
            run(replay, integer)
            alone.append(getattr(part, LEFT[make]).get())
    assert np.array_equal(together[0], alone[0])
    assert together[0].any()
    assert np.array_equal(together[2], alone[2])
    if not integer:  # in integers Lava rounds at random
        assert np.array_equal(together[1], alone[1])
    assert not np.array_equal(together[1], np.full((3, N), 40))
