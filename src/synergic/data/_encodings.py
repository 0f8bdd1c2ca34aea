# SPDX-License-Identifier: BSD-3-Clause
"""Codes: how a value becomes spikes over a presentation. The process Encoder and training call the same.

A code is one class with one function, `sent`; your own is another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, kind, number, numbers, require, whole
from synergic._core.integers import VALUE_MAX
from synergic.numerics import _spike_codes as encoding

Array = npt.NDArray[Any]
LATENCIES = ("linear", "logarithmic")


@dataclass(frozen=True)
class Code:
    """What all codes do. num_message_bits : 0 for one that sends spikes, 8 for values, as a source's."""

    num_message_bits: ClassVar[int] = 0

    def encode(self, values: Any, steps: int, first: int = 0) -> Array:
        """What is sent of values (samples, n) in steps 1 .. T of their presentations: (samples, T, n).

        values : floats 0 .. 1, or integers 0 .. 255, which mean as many 255ths. first : number of the first sample,
        for codes that draw at random. Spikes are 0 and 1; a code with num_message_bits = 8 sends what `check_input`
        takes: floats of floats, 0 .. 255 of integers. Raises ParameterError.
        """
        where = type(self).__name__
        whole(f"{where}.steps", steps, 1, np.inf, "It is T, the steps of a presentation.")
        whole(f"{where}.first", first, 0, np.inf, "It is the number of a sample.")
        sent = self.sent(shares(f"{where}.values", values), steps, first)
        if self.num_message_bits == 0:
            return sent.astype(np.int64)
        return np.rint(sent * VALUE_MAX).astype(np.int64) if np.asarray(values).dtype.kind in "iu" else sent

    def sent(self, values: Array, steps: int, first: int) -> Array:
        """The code itself, for values (samples, n) that are floats in 0 .. 1: (samples, T, n)."""
        raise NotImplementedError


def shares(where: str, values: Any) -> Array:
    """Values (samples, n) as floats in 0 .. 1; integers are 255ths. Raises ParameterError."""
    given = numbers(where, values)
    fits = given.ndim == 2 and given.size > 0
    require(fits, where, f"shape {given.shape}", "(samples, channels), none of them 0", "Flatten the images.")
    top = VALUE_MAX if given.dtype.kind in "iu" else 1
    bad = given[~((given >= 0) & (given <= top))]  # NaN is neither
    require(bad.size == 0, where, f"{bad[:3]}", "floats in 0 to 1, or integers in 0 to 255", "Scale the data first.")
    return given / top


@dataclass(frozen=True)
class Rate(Code):
    """As many spikes as the value is large: round(v T), evenly spread; or one with probability v in each step.

    random : whether spikes are drawn (numerics.encoding.random_rate) or not (even_rate). seed : of the draws, each
    sample has its own: they are the same whatever the run's length, the batch and the executor.
    """

    random: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        kind("Rate.random", self.random, bool, "True draws spikes, False spreads them evenly.")
        whole("Rate.seed", self.seed, 0, 2**63 - 1, "Give a whole number.")

    def sent(self, values: Array, steps: int, first: int) -> Array:
        if self.random:
            return encoding.random_rate(values, steps, self.seed, first)
        return encoding.even_rate(values, steps)


@dataclass(frozen=True)
class Rank(Code):
    """One spike a channel, in order of strength, spread over the presentation (numerics.encoding.rank_steps)."""

    def sent(self, values: Array, steps: int, first: int) -> Array:
        return encoding.at_steps(encoding.rank_steps(values, steps), steps)


@dataclass(frozen=True)
class Latency(Code):
    """One spike a channel, the earlier the larger the value (numerics.encoding.latency_steps).

    form : "linear", from v = 1 in step 1 to next to nothing in step T; or "logarithmic", from v = 1 in step 1 to
    `smallest` in step T, equal ratios equally far apart. smallest : in (0, 1), default 1/255.
    """

    form: str = "linear"
    smallest: float = 1 / VALUE_MAX

    def __post_init__(self) -> None:
        choice("Latency.form", self.form, LATENCIES)
        number("Latency.smallest", self.smallest, 0, 1 - 1e-9, "It is the value that waits longest.", open_low=True)

    @property
    def bottom(self) -> float | None:
        """What the numerics take: None for linear."""
        return self.smallest if self.form == "logarithmic" else None

    def sent(self, values: Array, steps: int, first: int) -> Array:
        return encoding.at_steps(encoding.latency_steps(values, steps, self.bottom), steps)

    def decode(self, spikes: Any) -> Array:
        """The values (samples, n) that these spikes (samples, T, n) stand for; 0 for none. The first spike counts.

        Of what `encode` made, they are at most half a step away (numerics.encoding.latency_values).
        """
        given = numbers("Latency.spikes", spikes, "iufb")
        fits = given.ndim == 3 and given.size > 0
        require(fits, "Latency.spikes", f"shape {given.shape}", "(samples, T, n)", "Give those of encode().")
        fits, remedy = not np.isnan(given).any(), "Give those of encode()."
        require(fits, "Latency.spikes", "NaN", "0, and numbers above for a spike", remedy)
        array = given > 0
        first = np.where(array.any(axis=1), 1 + array.argmax(axis=1), 0)
        return encoding.latency_values(first, array.shape[1], self.bottom)


@dataclass(frozen=True)
class Value(Code):
    """No spikes: the value itself in every step, for a network whose source has num_message_bits=8."""

    num_message_bits: ClassVar[int] = 8

    def sent(self, values: Array, steps: int, first: int) -> Array:
        return np.repeat(values[:, None], steps, axis=1)
