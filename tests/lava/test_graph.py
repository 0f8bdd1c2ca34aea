# SPDX-License-Identifier: BSD-3-Clause
"""The composed Lava graph against the unmapped network."""

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.processes import run_in_lava

pytestmark = pytest.mark.alone


@pytest.mark.one_in(3)
@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("plasticity_scope", ["per_sample", "frozen"])
def test_lava_equals_the_unmapped_network(recurrent, plasticity_scope):
    network = plastic_network(recurrent=recurrent, plasticity_scope=plasticity_scope)
    spikes = random_spikes(network)
    for net, tolerance in ((network, 1e-12), (sy.quantise(network), 0)):
        want, got = sy.simulate(net, spikes), run_in_lava(net, spikes)
        for p in net.populations:
            assert np.array_equal(want.spikes[p.name], got.spikes[p.name])
            assert np.abs(want.u[p.name] - got.u[p.name]).max() <= tolerance
        for name, local in want.local_weights.items():
            assert np.abs(local - got.local_weights[name]).max() <= tolerance
        assert want.saturated == got.saturated
        assert want.spikes["layer1"].any()
