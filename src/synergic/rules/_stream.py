# SPDX-License-Identifier: BSD-3-Clause
"""Local weights that live on from presentation to presentation: what all rules share about their one write.

During a presentation P stays as the last one left it. At the end of the presentation, everything that the rule would
have changed is added up and written at once, as 1/B of it: `memory` B is the number of presentations over which P
averages. docs/rules.md has the equations, docs/fixed-point.md the integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, whole
from synergic._core.integers import ONE
from synergic.numerics._compiler import cached_jit
from synergic.numerics._lfsr import TAPS, seed_of

MEMORY = 1000
"""Default of B, in presentations."""
MEMORY_MAX = 2**20
STEPS_MAX = 2**15
"""Longest presentation of a network with streams: all sums of integers then fit 64 bits."""
SHARE_BITS = 24
"""Fraction bits of the share of P that a write keeps, and of 1/B."""
RATE_EXP_MAX = 30
"""Largest exponent e of the scale S_P 2^e / B of a rate of `Hebbian` in a stream."""
ROUNDINGS = ("nearest", "stochastic")

Array = npt.NDArray[Any]


def check_memory(where: str, memory: Any) -> int:
    """B, or ParameterError."""
    return whole(f"{where}.memory", memory, 1, MEMORY_MAX, "It is a number of presentations; 1000 is the default.")


def check_rounding(where: str, rounding: Any, seed: Any) -> None:
    """Refuse another rounding than those of integer streams, and another seed than a state of the register."""
    choice(f"{where}.rounding", rounding, ROUNDINGS)
    whole(f"{where}.seed", seed, 1, 2**32 - 1, "It seeds stochastic rounding; quantise(seed=...) makes one.")


def retained_share(lambda_: float, steps: int, memory: int) -> float:
    """lambda^(T/B): the share of P that a write keeps, when a step of a presentation keeps lambda^(1/B)."""
    return float(lambda_) ** (steps / memory)


def whole_share(lambda_: int, steps: int, memory: int) -> int:
    """`retained_share` of a rule in integers, with SHARE_BITS fraction bits."""
    return round(2**SHARE_BITS * retained_share(lambda_ / ONE, steps, memory))


def outer_sum(post: Array, pre: Array) -> Array:
    """sum_m post_i(m) pre_j(m): (..., n_out, n_in) of (T, ..., n_out) and (T, ..., n_in)."""
    total: Array = np.moveaxis(post, 0, -1) @ np.moveaxis(pre, 0, -2)
    return total


@cached_jit(nogil=True)
def draw(state: Any, words: Any) -> None:  # pragma: no cover
    """Fill `words` with the register's next states, as numerics._lfsr.lfsr32."""
    for i in range(words.size):
        new = np.uint32(0)
        for tap in TAPS:
            new ^= state >> np.uint32(tap)
        state = (state >> np.uint32(1)) | ((new & np.uint32(1)) << np.uint32(31))
        words[i] = state


def random_words(seed: int, presentation: int, shape: tuple[int, int]) -> Array:
    """The random numbers of a write, 32 bits a synapse, (n_out, n_in) of int64.

    The register begins every presentation at seed_of(seed, presentation), and draws neuron by neuron, in a neuron input
    by input. So they depend on the synapse and on the presentation alone, and on no core.
    """
    words = np.empty(shape[0] * shape[1], np.uint32)
    draw(np.uint32(seed_of(seed, presentation)), words)
    return words.reshape(shape).astype(np.int64)


def words_of(p: Any, presentation: int) -> Array | None:
    """The random numbers for the write of a projection in integers, or None where it rounds to nearest."""
    stochastic = getattr(p, "rounding", "nearest") == "stochastic"
    return random_words(p.seed, presentation, p.weights.shape) if stochastic else None


def rounded(exact: Array, bits: int, words: Array | None) -> Array:
    """exact / 2^bits rounded: half up, or by random numbers of 32 bits, up with the probability of the fraction.

    bits : 1 .. 62. words : as of `random_words`; their upper `bits` bits count.
    """
    if words is None:
        return (exact + (1 << (bits - 1))) >> bits
    return (exact + (words >> (32 - bits) if bits <= 32 else words << (bits - 32))) >> bits


__all__ = [
    "MEMORY", "MEMORY_MAX", "RATE_EXP_MAX", "ROUNDINGS", "SHARE_BITS", "STEPS_MAX", "check_memory", "check_rounding",
    "outer_sum", "random_words", "retained_share", "rounded", "whole_share", "words_of",
]  # fmt: skip
