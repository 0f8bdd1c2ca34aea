# SPDX-License-Identifier: BSD-3-Clause
"""The chip as data, mapping, and the mapped network against the unmapped one."""

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import CapacityError, FormatError, ParameterError, UnsupportedError
from synergic.hw_targets import load_chip
from synergic.hw_targets.costs import cost
from synergic.hw_targets.mapping import map_network
from synergic.hw_targets.mapping._grid import dimension_order
from synergic.hw_targets.simulation import simulate_on_chip


def assert_same(want, got):
    for name in want.u:
        assert np.array_equal(want.spikes[name], got.spikes[name])
        assert np.array_equal(want.u[name], got.u[name])
    for name in want.local_weights:
        assert np.array_equal(want.local_weights[name], got.local_weights[name])
    assert want.saturated == got.saturated


@pytest.mark.parametrize("sizes", [(255, 5, 3), (256, 257, 4), (257, 256, 2), (513, 300, 10)])
def test_mapped_equals_unmapped_across_core_borders(sizes):
    net = sy.quantise(plastic_network(sizes=sizes, steps=4))
    spikes = random_spikes(net, samples=2)
    got, _ = simulate_on_chip(map_network(net), spikes)
    assert_same(sy.simulate(net, spikes), got)


def test_mapped_equals_unmapped_with_feedback():
    net = sy.quantise(plastic_network(recurrent=True))
    spikes = random_spikes(net)
    got, _ = simulate_on_chip(map_network(net), spikes, batch=2)
    assert_same(sy.simulate(net, spikes), got)


def test_the_chip_reproduces_its_published_peaks():
    chip = load_chip("tianjic")
    slots = chip.cores * int(chip.axons) * int(chip.neurons)
    assert chip.cores == 156
    assert chip.phase_seconds == pytest.approx(16.8e-6, rel=0.005)
    assert slots / chip.phase_seconds == pytest.approx(608e9, rel=0.01)
    assert chip.cores * chip.power_high.value == pytest.approx(0.981, rel=0.01)
    assert chip.cores * chip.power_low.value == pytest.approx(0.304, rel=0.01)
    assert all(f.source and f.mark for f in chip.facts.values())


def test_cores_by_hand():
    net = sy.quantise(plastic_network(sizes=(300, 300, 10), steps=2))
    mapping = map_network(net)
    # 2 x 2 tiles and 1 x 2 tiles; each one core of slow and two of 16-bit local weights
    assert mapping.cores == (4 + 2) * 3
    assert mapping.phases_per_step == 3
    assert map_network(sy.quantise(plastic_network(sizes=(300, 300, 10), steps=2), local_bits=8)).cores == 12
    _, activity = simulate_on_chip(mapping, np.zeros((1, 2, 300), int))
    costs = cost(mapping, activity)
    assert costs.phases == 6
    assert costs.latency_s == pytest.approx((2 + 2) * 3 * 5050 / 300e6)
    # no input, no bias spikes expected to matter: the idle part is cores x phases x t x 1.95 mW
    assert costs.energy_idle_j == pytest.approx(18 * 6 * 5050 / 300e6 * 1.95e-3)
    assert costs.energy_j >= costs.energy_idle_j


def test_dimension_order_goes_x_first():
    assert dimension_order((0, 0), (2, 1)) == ((1, 0), (2, 0), (2, 1))
    assert dimension_order((1, 1), (1, 1)) == ()


def wide_network(*sizes):
    return sy.quantise(plastic_network(sizes=sizes, steps=1, alpha=0.2))


def test_too_large_a_network_is_refused_with_a_remedy():
    assert map_network(wide_network(10, 6000, 10)).cores == (24 + 24) * 3
    with pytest.raises(CapacityError, match=r"needed 192, available 156.*local_bits=8\) it needs 128"):
        map_network(wide_network(10, 8192, 10))
    with pytest.raises(CapacityError, match=r"fits with 6656 instead of 12000 neurons in 'layer1'") as refused:
        map_network(wide_network(10, 12000, 10))
    assert f"needed {47 * (1 + 1) * 3}" in str(refused.value)
    # the remedy is the largest size that fits: (1 + 1) * 3 cores for 256 neurons, 26 of these make 156
    assert map_network(wide_network(10, 6656, 10)).cores == 156
    with pytest.raises(CapacityError):
        map_network(wide_network(10, 6657, 10))


def test_wrong_networks_are_refused():
    with pytest.raises(ParameterError, match="quantise"):
        map_network(plastic_network())
    with pytest.raises(UnsupportedError, match="weight_bits"):
        map_network(sy.quantise(plastic_network(), weight_bits=9))


def test_chip_files_are_checked(tmp_path):
    with pytest.raises(FormatError, match="Shipped"):
        load_chip("nosuch")
    path = tmp_path / "chip.toml"
    for text in ("name = ", "format_version = 2", "format_version = 1\n[rows]\nvalue = 1"):
        path.write_text(text)
        with pytest.raises(FormatError):
            load_chip(str(path))
