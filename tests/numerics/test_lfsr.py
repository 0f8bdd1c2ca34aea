# SPDX-License-Identifier: BSD-3-Clause
"""The hardware's random numbers: their sequence, its period, and neurons that use them."""

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import ParameterError
from synergic.hw_targets import Probes, map_network, simulate_on_chip
from synergic.numerics import fixed
from synergic.numerics._lfsr import TAPS, lfsr32, random_thresholds, seed_of


def bit_by_bit(state, count):
    """The register as hardware has it: a bit shifts out below, the taps' parity in above."""
    bits, words = [state >> i & 1 for i in range(32)], []
    for _ in range(count):
        bits = [*bits[1:], sum(bits[t] for t in TAPS) % 2]
        words.append(sum(b << i for i, b in enumerate(bits)))
    return words


@pytest.mark.parametrize("count", [0, 1, 24, 25, 26, 300])
@pytest.mark.parametrize("state", [1, 0xDEADBEEF, 2**32 - 1])
def test_the_words_are_the_registers(state, count):
    words, last = lfsr32(state, count)
    assert words.tolist() == bit_by_bit(state, count)
    assert lfsr32(last, 5)[0].tolist() == bit_by_bit(state, count + 5)[-5:]


def test_it_repeats_after_all_states_but_zero():
    # The step is a matrix over two elements; its order is 2^32 - 1 if no prime factor can be left out.
    step = np.zeros((32, 32), bool)
    step[np.arange(31), np.arange(1, 32)] = True
    step[31, list(TAPS)] = True

    def power(n):
        result, square = np.eye(32, dtype=int), step.astype(int)
        while n:
            result = result @ square % 2 if n & 1 else result
            square, n = square @ square % 2, n >> 1
        return result

    whole, primes = 2**32 - 1, (3, 5, 17, 257, 65537)
    assert np.prod(primes) == whole
    assert (power(whole) == np.eye(32)).all()
    assert not any((power(whole // p) == np.eye(32)).all() for p in primes)


def test_masked_words_are_spread_evenly():
    drawn = random_thresholds(seed_of(3), (400, 100), 2**6 - 1)
    counts = np.bincount(drawn.ravel(), minlength=64)
    assert counts.size == 64
    assert np.abs(counts / 625 - 1).max() < 0.2  # four standard deviations
    with pytest.raises(ValueError, match=r"lfsr32\.state: got 0"):
        lfsr32(0, 1)


NET = sy.quantise(plastic_network(sizes=(20, 300, 4), steps=5))
SPIKES = random_spikes(NET, samples=3)


def test_random_thresholds_are_the_numerics_with_other_thresholds():
    masks, seed = {"layer1": 2**9 - 1}, 7
    got, _ = simulate_on_chip(map_network(NET), SPIKES, random_masks=masks, random_seed=seed)
    first, population, rule = NET.projections[0], NET.population("layer1"), NET.projections[0].rule
    for n, sample in enumerate(SPIKES):
        added = random_thresholds(seed_of(seed, 0, n), (5, 300), 2**9 - 1)
        u, local = np.zeros(300, np.int64), first.local_weights
        for m in range(5):
            acc = fixed.accumulate(sample[m], first.weights, int(NET.k[m]), local, first.alpha)
            shown, _ = fixed.membrane(u, acc, population.decay, population.bias)
            s = fixed.spike(shown, population.vth + added[m])
            u = fixed.reset(shown, s, population.vth + added[m], population.reset)
            q = fixed.postsynaptic(shown, rule.table, rule.table_scale, rule.beta)
            local, _ = fixed.hebbian(
                local, sample[m], q, eta=rule.eta, lambda_=rule.lambda_, sign=rule.sign, p_top=rule.p_top,
                eta_exp=rule.eta_exp,
            )  # fmt: skip
            assert np.array_equal(got.u["layer1"][n, m], shown)
            assert np.array_equal(got.spikes["layer1"][n, m], s)


def test_runs_with_one_seed_agree_whatever_the_split():
    options = {"random_masks": {"layer1": 2**10 - 1, "layer2": 2**8 - 1}, "random_seed": 1}
    want, _ = simulate_on_chip(map_network(NET), SPIKES, **options)
    for more in ({"batch": 1}, {"threads": 2}, {"probes": Probes(sums=("c0",))}):
        got, _ = simulate_on_chip(map_network(NET), SPIKES, **options, **more)
        assert all(np.array_equal(want.u[name], got.u[name]) for name in want.u)
    other, _ = simulate_on_chip(map_network(NET), SPIKES, **options | {"random_seed": 2})
    assert not np.array_equal(want.u["layer2"], other.u["layer2"])
    none, _ = simulate_on_chip(map_network(NET), SPIKES, random_masks={"layer1": 0})
    assert np.array_equal(none.u["layer2"], sy.simulate(NET, SPIKES).u["layer2"])


def test_bad_masks_are_refused():
    for masks, text in [
        ({"nosuch": 1}, "random_masks: got 'nosuch', allowed 'layer1'"),
        ({"layer1": -1}, "layer1.random_mask: got -1, allowed 0 to 8388607"),
        ({"layer1": 0.5}, "layer1.random_mask: got 0.5"),
    ]:
        with pytest.raises(ParameterError, match=text):
            simulate_on_chip(map_network(NET), SPIKES, random_masks=masks)
