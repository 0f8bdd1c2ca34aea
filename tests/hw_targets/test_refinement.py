# SPDX-License-Identifier: BSD-3-Clause
"""Refinement: a mapped network is the unmapped one, spike for spike and state for state, however it is mapped.

Sixty and more here, hundreds with `-m ""`; thousands:
pytest -m "" --hypothesis-profile=thousands tests/hw_targets/test_refinement.py
"""

import dataclasses

import numpy as np
import pytest
from chips import small_chip
from conformance.executors import assert_agree, networks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import synergic as sy
from synergic.errors import CapacityError, ParameterError
from synergic.hw_targets.faults._broken_chip import all_links
from synergic.hw_targets.mapping import PLACEMENTS, check_mapping, estimate, map_network
from synergic.hw_targets.mapping._time_multiplexing import cores_needed
from synergic.hw_targets.simulation import Probes, simulate_on_chip

CASES = max(300, settings.default.max_examples)
PARTS = [CASES // 5, pytest.param(CASES - CASES // 5, marks=pytest.mark.slow)]
"""Networks of a part: a fifth of them in the default selection, at least 60."""


def with_holes(network, rng):
    """The network without the synapses of some rectangles: tiles there are empty, and may be left out."""
    projections = []
    for p in network.projections:
        exists = np.kron(rng.random((3, 3)) < 0.5, np.ones((-(-p.n_out // 3), -(-p.n_in // 3)), np.int64))
        exists = exists[: p.n_out, : p.n_in].astype(np.int64)
        changes = {"weights": p.weights * exists}
        if p.rule is not None:
            mask = exists if p.rule.mask is None else p.rule.mask * exists
            changes |= {"rule": dataclasses.replace(p.rule, mask=mask), "local_weights": p.local_weights * exists}
        projections.append(dataclasses.replace(p, **changes))
    return dataclasses.replace(network, projections=tuple(projections))


@st.composite
def mapped(draw):
    """An integer network, its input, a chip, and how to map the one onto the other."""
    network, inputs = draw(networks(sizes=(1, 2, 3, 5, 8, 13, 20), loud=(172, 180)))
    integer = sy.quantise(network, local_bits=draw(st.sampled_from([8, 12, 16])))
    inputs = integer.encode(inputs) if network.source.num_message_bits else inputs
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        integer = with_holes(integer, rng)
    largest = max(p.size for p in (integer.source, *integer.populations))
    limit = st.sampled_from([40, 64, 200] if largest > 20 else [3, 4, 8, 16, 32])
    axons, neurons = draw(limit), draw(limit)
    storage = draw(st.sampled_from(["full", "indexed"]))
    # An indexed core has its table of 256 weights beside the indices, and perhaps its soma's, so that less than all its
    # neurons may fit.
    memory = {"sram": 512 + axons * draw(st.sampled_from([neurons, -(-neurons // 2)])), "weight_memory": 2**16}
    chip = small_chip(axons=axons, neurons=neurons, **memory, accumulator_bits=draw(st.sampled_from([20, 32])))
    columns, spare = draw(st.integers(1, 8)), draw(st.integers(0, 8))
    rows = -(-(2 * cores_needed(integer, chip) + spare) // columns)
    chip = small_chip(**{k: v.value for k, v in chip.facts.items()} | {"rows": rows, "columns": columns})
    faulty = draw(st.sampled_from([0.0, 0.0, 0.1]))
    places = [(x, y) for y in range(rows) for x in range(columns)]
    options = {
        "placement": draw(st.sampled_from(["first_fit", "greedy", "annealing"])),
        "weight_storage": storage,
        "balance": draw(st.sampled_from([False, True, {integer.source.name: rng.random(integer.source.size) ** 4}])),
        "fan_out": draw(st.sampled_from([None, None, 1, 2, 4])),
        "seed": draw(st.integers(0, 3)),
        "dead_cores": [p for p in places if rng.random() < faulty],
        "dead_links": [link for link in all_links(chip) if rng.random() < faulty],
    }
    return integer, inputs, chip, options


@st.composite
def folded(draw):
    """A network with convolutions, and how to fold it: one or two in a row, a third beside them, dense ones around."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image, channels = (draw(st.integers(3, 9)), draw(st.integers(3, 9))), draw(st.sampled_from([1, 2, 4]))
    bits = draw(st.sampled_from([0, 0, 8]))
    source = sy.Source("in", channels * image[0] * image[1], bits)
    populations, projections, before = [], [], "in"

    def weights(*shape):
        return rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape)

    for name in ("a", "b")[: draw(st.integers(1, 2))]:
        kernel = tuple(draw(st.integers(1, min(3, n))) for n in image)
        padding, stride = draw(st.integers(0, 1)), draw(st.integers(1, 2))
        groups = draw(st.sampled_from([1, 1, 2])) if channels % 2 == 0 else 1
        geometry = sy.Convolution(kernel, image, stride, padding, draw(st.sampled_from([1, 1, 2]))
                                  if max(kernel) == 2 and min(image) > 4 else 1, groups)  # fmt: skip
        outs = groups * draw(st.integers(1, 4))
        some = weights(outs, channels // groups, *kernel)
        projections.append(sy.Projection.of_kernel(f"to {name}", before, name, some, geometry))
        if draw(st.booleans()):  # a second kernel between the same two images
            some = weights(outs, channels // groups, *kernel)
            projections.append(sy.Projection.of_kernel(f"beside {name}", before, name, some, geometry))
        image, channels, before = geometry.after, outs, name
        size = outs * image[0] * image[1]
        neuron = draw(st.sampled_from([None, None, sy.AdaptiveLIF(rng.uniform(0, 0.2, size), 0.9), sy.ReLU()]))
        values = isinstance(neuron, sy.ReLU)
        bias = rng.uniform(-0.05, 0.05, size)
        populations.append(sy.Population(name, size, 0.4, 0.5 * (not values), "subtract", bias, neuron))
    size = populations[-1].size
    rule = draw(st.sampled_from([None, sy.Hebbian(rng.uniform(0, 0.2, size), 0.1), sy.Oja(0.05)]))
    projections.append(sy.Projection("dense", before, "out", weights(5, size), rule, 0.3))
    populations.append(sy.Population("out", 5, 0.4, 0.5))
    received = populations[0].num_message_bits if before == "b" else bits
    if received == populations[-2].num_message_bits:  # in integers a population hears either values or spikes
        projections += draw(st.sampled_from([[], [sy.Projection("recurrent", before, before, weights(size, size))]]))
    described = sy.Network(source, tuple(populations), tuple(projections), "out", 4)
    try:
        network = sy.quantise(described)
    except ParameterError:  # a sum may leave the 32 bits of a core
        network = sy.quantise(described, local_bits=12)
    inputs = rng.integers(0, 256 if bits else 2, (2, 4, source.size))
    storage = draw(st.sampled_from(["full", "full", "indexed"]))
    axons, neurons = draw(st.sampled_from([16, 48, 200])), draw(st.sampled_from([16, 40, 200]))
    memory = axons * neurons + draw(st.sampled_from([0, 200, 10000]))
    facts = {"axons": axons, "neurons": neurons, "sram": 256 + memory, "weight_memory": memory}
    chip = small_chip(rows=60, columns=60, **facts, accumulator_bits=draw(st.sampled_from([14, 32])))
    options = {
        "weight_storage": storage,
        "placement": "first_fit",
        "fold": draw(st.sampled_from(["none", "full", "auto", 2, 3, 7])),
        "budget": draw(st.sampled_from([None, 1, 30])),
        "fan_out": draw(st.sampled_from([None, None, 4])),
    }
    return network, inputs, chip, options


def refined(examples, cases):
    """So many cases are refined."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(cases)
    def check(case):
        assert_refined(*case)

    check()


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("examples", PARTS)
def test_a_folded_network_is_the_unfolded_one(examples):
    refined(examples // 4, folded())


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("examples", PARTS)
def test_a_mapped_network_is_the_unmapped_one(examples):
    refined(examples, mapped())


def assert_refined(integer, inputs, chip, options):
    """The mapping is sound and what was estimated, and computes what the network does."""
    asked = {k: v for k, v in options.items() if k not in ("placement", "seed")}
    needs = estimate(integer, chip, **asked)
    if not needs.fits:
        with pytest.raises(CapacityError, match="cores of the model"):
            map_network(integer, chip, **options)
        return
    mapping = map_network(integer, chip, **options)
    assert check_mapping(mapping) == ()
    assert mapping.cores == needs.cores
    assert mapping.phases_per_step == needs.phases_per_step
    signal = None
    if any(p.plastic and p.rule.signalled for p in integer.projections):
        signal = np.random.default_rng(0).integers(-8192, 8193, np.shape(inputs)[:2])
    want = sy.simulate(integer, inputs, signal=signal)
    # Probes of the sums make the simulator compute core by core: otherwise it may take cores together.
    probes = Probes(sums=tuple(p.name for p in integer.projections))
    apart, _ = simulate_on_chip(mapping, inputs, probes=probes, signal=signal)
    assert_agree(want, apart, 0, "core by core")
    assert_agree(want, simulate_on_chip(mapping, inputs, signal=signal)[0], 0, "together")


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_placement_can_be_simulated(placement):
    rng = np.random.default_rng(0)
    population = sy.Population("out", 20, 0.5, 0.5)
    rule = sy.Hebbian(0.1, 0.1)
    projection = sy.Projection("c", "in", "out", rng.normal(0, 0.5, (20, 30)), rule, 0.3)
    integer = sy.quantise(sy.Network(sy.Source("in", 30), (population,), (projection,), "out", 5))
    mapping = map_network(integer, small_chip(rows=7, columns=6), placement=placement)
    assert check_mapping(mapping) == ()
    inputs = (rng.random((2, 5, 30)) < 0.5).astype(int)
    assert_agree(
        sy.simulate(integer, inputs), simulate_on_chip(mapping, inputs, probes=Probes(sums=("c",)))[0], 0, placement
    )
