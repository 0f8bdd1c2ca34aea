# SPDX-License-Identifier: BSD-3-Clause
"""The global signal from a process that hears the neurons: a loop, closed within one step."""

import sys
from pathlib import Path

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import RingBuffer

import synergic as sy
from synergic.processes import HybridDense, HybridLIF, running

sys.path.append(str(Path(__file__).parent))  # this folder is no package
from critic.process import Critic

pytestmark = pytest.mark.alone


def test_a_critic_answers_within_the_step():
    rng = np.random.default_rng(0)
    steps, rule = 12, sy.ThreeFactor(0.2)
    spikes = (rng.random((steps, 6)) < 0.5).astype(int)
    weights = rng.normal(0.3, 0.3, (4, 6))
    source = RingBuffer(data=spikes.T)
    dense = HybridDense(weights=weights, rule=rule, alpha=0.3, vth=0.5, onset=1, name="dense")
    lif = HybridLIF(shape=(4,), vth=0.5, decay=0.5, onset=1, record=steps + 1, name="lif")
    critic = Critic(n=4)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    lif.u_out.connect(dense.u_in)
    lif.s_out.connect(critic.s_in)
    critic.r_out.connect(dense.r_in)
    with running(lif):
        lif.run(condition=RunSteps(num_steps=steps + 1), run_cfg=Loihi2SimCfg(select_tag="floating_pt"))
        fired, local = lif.s_record.get()[1:], dense.local_weights.get()
    # The reference, told what the critic must have said: its spikes follow from that, and it from them.
    projection = sy.Projection("dense", "in", "lif", weights, rule, 0.3)
    network = sy.Network(sy.Source("in", 6), (sy.Population("lif", 4, 0.5, 0.5),), (projection,), "lif", steps)
    record = sy.simulate(network, spikes[None], signal=1 - 2 * fired.mean(axis=1)[None])
    assert np.array_equal(record.spikes["lif"][0], fired)
    assert np.abs(record.local_weights["dense"][0] - local).max() < 1e-12
    assert 0 < fired.mean() < 1
    assert np.abs(local).max() > 0.1
