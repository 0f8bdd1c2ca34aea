# SPDX-License-Identifier: BSD-3-Clause
"""The random numbers of TianjicX neurons: a linear-feedback shift register of 32 bits.

Taps 0, 1, 2, 3, 5, 7, one draw a neuron, masked and added to the threshold: as the group's public code for TianjicX
(openBII/BiMap, primitive 08) has it. That a draw is one shift, and the shift's direction, are assumed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

TAPS = (0, 1, 2, 3, 5, 7)
BITS = 32
AT_ONCE = BITS - max(TAPS)
"""So many new bits depend on bits of the present word only."""
GOLDEN = 0x9E3779B97F4A7C15


def lfsr32(state: int, count: int) -> tuple[npt.NDArray[np.uint32], int]:
    """The next `count` words after `state`, and the last of them to go on from.

    A word's bit i is x(k + i) of the sequence x(n + 32) = x(n) ^ x(n+1) ^ x(n+2) ^ x(n+3) ^ x(n+5) ^ x(n+7), which
    repeats after 2^32 - 1 bits; the next word is x(k + 1) .. x(k + 32). state : 1 .. 2^32 - 1 (0 would stay 0).
    """
    if not 0 < state < 2**BITS:
        raise ValueError(f"lfsr32.state: got {state}, allowed 1 to {2**BITS - 1}. Seed it with seed_of().")
    words = np.empty(count, np.uint32)
    window = state  # of 57 bits: the word, and the new bits above it
    for start in range(0, count, AT_ONCE):
        new = 0
        for tap in TAPS:
            new ^= window >> tap
        window |= (new & ((1 << AT_ONCE) - 1)) << BITS
        size = min(AT_ONCE, count - start)
        shifts = np.arange(1, size + 1, dtype=np.uint64)
        words[start : start + size] = (np.uint64(window) >> shifts).astype(np.uint32)
        window = window >> AT_ONCE
    return words, int(words[-1]) if count else state


def mixed(*numbers: int) -> int:
    """Numbers (seed, population, sample) as one of 64 bits, well mixed (SplitMix64)."""
    key = 0
    for number in numbers:
        key = (key + number + 1) * GOLDEN % 2**64
        key = (key ^ key >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        key = (key ^ key >> 27) * 0x94D049BB133111EB % 2**64
        key ^= key >> 31
    return key


def seed_of(*numbers: int) -> int:
    """A state of the register, 1 .. 2^32 - 1, from numbers, well mixed."""
    return mixed(*numbers) % (2**BITS - 1) + 1


def random_thresholds(seed: int, shape: tuple[int, int], mask: int) -> npt.NDArray[np.int64]:
    """What is added to the thresholds of a presentation: word & mask, (T, neurons), one draw a neuron and step.

    mask : 0 .. 2^32 - 1; 2^n - 1 gives 0 .. 2^n - 1, each about as often. The draws of one step follow the neurons'
    order, those of the next follow on.
    """
    words, _ = lfsr32(seed, shape[0] * shape[1])
    return (words & np.uint32(mask)).astype(np.int64).reshape(shape)
