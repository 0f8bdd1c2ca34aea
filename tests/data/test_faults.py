# SPDX-License-Identifier: BSD-3-Clause
"""Damage does what it says: in images, in events, and in the memories of the chip."""

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.data import _corruptions as faults
from synergic.errors import ParameterError
from synergic.hw_targets.faults import FAULTS, break_network

GREY = np.full((200, 28, 28), 0.5, np.float32)


def test_gaussian_and_speckle_have_the_variance_they_name():
    rng = np.random.default_rng(0)
    noise = faults.gaussian(GREY, 0.01, rng) - GREY
    assert noise.var() == pytest.approx(0.01, rel=0.02)
    assert (faults.speckle(GREY, 0.04, rng) - GREY).var() == pytest.approx(0.25 * 0.04, rel=0.02)
    strong = faults.gaussian(GREY, 4.0, rng)
    assert strong.min() == 0
    assert strong.max() == 1


def test_salt_and_pepper_set_the_share_they_name():
    rng = np.random.default_rng(0)
    for function, high, low in ((faults.salt, 0.2, 0), (faults.pepper, 0, 0.2), (faults.salt_and_pepper, 0.1, 0.1)):
        out = function(GREY, 0.2, rng)
        assert (out == 1).mean() == pytest.approx(high, abs=0.01)
        assert (out == 0).mean() == pytest.approx(low, abs=0.01)


def test_crop_erases_the_centred_square_only():
    out = faults.damage(GREY, "crop", 3)
    assert (out == 0).sum() == 200 * 36
    assert (out[:, 11:17, 11:17] == 0).all()
    assert (faults.damage(GREY, "crop", 14) == 0).all()


def test_level_zero_is_clean_and_seeds_repeat():
    for kind in faults.DAMAGE:
        assert faults.damage(GREY, kind, 0) is GREY
        assert np.array_equal(faults.damage(GREY, kind, 7, seed=3), faults.damage(GREY, kind, 7, seed=3))
    with pytest.raises(ParameterError, match="0 to 14"):
        faults.damage(GREY, "salt", 15)
    with pytest.raises(ParameterError, match="fog"):
        faults.damage(GREY, "fog", 1)


def recording(n=5000):
    rng = np.random.default_rng(1)
    events = np.zeros(n, dtype=[("x", int), ("y", int), ("t", int), ("p", int)])
    events["x"], events["y"], events["p"] = rng.integers(0, 34, n), rng.integers(0, 34, n), rng.integers(0, 2, n)
    events["t"] = np.sort(rng.integers(0, 300_000, n))
    return events


def test_events_are_dropped_added_and_masked():
    events, rng = recording(), np.random.default_rng(2)
    assert len(faults.drop_events(events, 0.3, rng)) == pytest.approx(3500, rel=0.05)
    more = faults.add_events(events, 0.5, (34, 34, 2), rng)
    assert len(more) == 7500
    assert (np.diff(more["t"]) >= 0).all()
    masked = faults.mask_region(events, 5, (34, 34, 2))
    x, y = masked["x"], masked["y"]
    assert not ((x >= 12) & (x < 22) & (y >= 12) & (y < 22)).any()
    inside = (events["x"] >= 12) & (events["x"] < 22) & (events["y"] >= 12) & (events["y"] < 22)
    assert len(masked) == len(events) - inside.sum()


@pytest.mark.parametrize("fault", FAULTS)
def test_machine_faults_hit_the_share_they_name(fault):
    network = sy.quantise(plastic_network(sizes=(200, 150, 10)))
    assert np.array_equal(break_network(network, fault, 0.0).projections[0].weights, network.projections[0].weights)
    broken = break_network(network, fault, 0.1, seed=1).projections[0]
    before = network.projections[0].weights
    changed = (broken.weights != before)[:, (before != 0).any(axis=0)]
    if fault == "bit flips":  # a weight survives if all of its 8 bits do
        assert changed.mean() == pytest.approx(1 - 0.9**8, abs=0.02)
    elif fault == "dead neurons":
        dead = ~broken.weights.any(axis=0)
        assert dead.mean() == pytest.approx(0.1, abs=0.06)
        assert not broken.local_weights[:, dead].any()
        assert not broken.rule.eta[dead].any()
    else:
        assert changed.mean() == pytest.approx(0.1, abs=0.02)
    assert np.abs(broken.weights).max() <= 128


def test_broken_networks_run_and_differ():
    network = sy.quantise(plastic_network(sizes=(30, 20, 5)))
    spikes = random_spikes(network)
    for fault in FAULTS:
        record = sy.simulate(break_network(network, fault, 0.3), spikes)
        assert not np.array_equal(record.u["layer1"], sy.simulate(network, spikes).u["layer1"])
    silent = sy.simulate(break_network(network, "dead neurons", 1.0), spikes)
    alone = silent.u["layer1"][:, 0]  # nothing but the bias in the first step
    assert (alone == network.population("layer1").bias).all()
