# SPDX-License-Identifier: BSD-3-Clause
"""Delays of connections as processes of their own."""

import numpy as np
import pytest
from conformance.test_delays import skipping
from lava.magma.core.run_conditions import RunSteps
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source

import synergic as sy
from synergic.errors import ParameterError
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.processes import HybridConv, HybridDense, HybridLIF, HybridSimCfg, HybridSparse, running

pytestmark = pytest.mark.alone
STEPS, DELAY = 9, 3


def connection(kind, delay, weights):
    rule = sy.quantise(skipping()).projections[2].rule.with_values({"eta": 30, "beta": 100})
    given = {"rule": rule, "alpha": 500, "delay": delay, "name": "c"}
    if kind is HybridConv:
        return HybridConv(weight=weights[:1, :1, None, None], input_shape=(2, 3, 1), **given)
    return kind(weights=weights, **given)


def run(kind, delay, data, cfg, split=None):
    """Potentials behind a connection alone, (STEPS, n). split : steps after which the run pauses."""
    weights = np.arange(1, 31).reshape(5, 6) * 3
    c = connection(kind, delay, weights)
    n = int(np.prod(c.a_out.shape))
    lif, source = HybridLIF(shape=(n,), vth=20000, decay=2048, name="n"), Source(data=data)
    sink = Sink(shape=(n,), buffer=STEPS)
    (source.s_out.reshape(c.s_in.shape) if kind is HybridConv else source.s_out).connect(c.s_in)
    (c.a_out.flatten() if kind is HybridConv else c.a_out).connect(lif.a_in)
    (lif.u_out.reshape(c.u_in.shape) if kind is HybridConv else lif.u_out).connect(c.u_in)
    lif.u_out.connect(sink.a_in)
    with running(lif):
        for steps in (STEPS,) if split is None else (split, STEPS - split):
            lif.run(condition=RunSteps(num_steps=steps), run_cfg=cfg)
        return sink.data.get().T


@pytest.mark.parametrize("cfg", [lambda: HybridSimCfg("fixed_pt"), ChipSimCfg], ids=["lava", "chip in lava"])
@pytest.mark.parametrize("kind", [HybridDense, HybridSparse, HybridConv])
def test_a_connection_of_any_kind_waits(kind, cfg):
    data = (np.random.default_rng(0).random((6, STEPS)) < 0.5).astype(int)
    later = np.concatenate([np.zeros((6, DELAY), int), data[:, :-DELAY]], axis=1)
    want = run(kind, 0, later, cfg())
    assert want.any()
    assert np.array_equal(run(kind, DELAY, data, cfg()), want)
    assert np.array_equal(run(kind, DELAY, data, cfg(), split=4), want), "spikes wait between two runs"


@pytest.mark.parametrize("kind", [HybridDense, HybridSparse, HybridConv])
def test_a_delay_out_of_range_is_refused(kind):
    with pytest.raises(ParameterError, match=r"c\.delay: got 63"):
        connection(kind, 63, np.ones((5, 6), int))
