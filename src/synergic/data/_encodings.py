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
    """Base of all codes: how a value becomes spikes over a presentation.

    A code of your own is a frozen dataclass with one method, `sent`.

    Attributes
    ----------
    num_message_bits : int
        Of the class: 0 for a code that sends spikes, 8 for one that sends values.
    """

    num_message_bits: ClassVar[int] = 0

    def encode(self, values: npt.ArrayLike, steps: int, first: int = 0) -> Array:
        """Encode values, a presentation each.

        Parameters
        ----------
        values : array_like, shape (samples, n)
            Floats of 0 .. 1, or integers of 0 .. 255, which count 255ths.
        steps : int
            Steps T of a presentation, 1 or more.
        first : int, default 0
            Number of the first sample, for codes that draw random numbers.

        Returns
        -------
        ndarray, shape (samples, T, n)
            Spikes 0/1 in int64. A code with num_message_bits = 8 returns values instead: floats of floats, 0 .. 255 in
            int64 of integers.

        Raises
        ------
        ParameterError
            If an argument has the wrong kind, shape or range.
        """
        where = type(self).__name__
        whole(f"{where}.steps", steps, 1, np.inf, "It is T, the steps of a presentation.")
        whole(f"{where}.first", first, 0, np.inf, "It is the number of a sample.")
        sent = self.sent(shares(f"{where}.values", values), steps, first)
        if self.num_message_bits == 0:
            return sent.astype(np.int64)
        return np.rint(sent * VALUE_MAX).astype(np.int64) if np.asarray(values).dtype.kind in "iu" else sent

    def sent(self, values: Array, steps: int, first: int) -> Array:
        """Encode values that are checked; this is what a code of your own writes.

        Parameters
        ----------
        values : ndarray of float, shape (samples, n)
            Values of 0 .. 1.
        steps : int
            Steps T of a presentation.
        first : int
            Number of the first sample.

        Returns
        -------
        ndarray, shape (samples, T, n)
            Spikes 0/1, or values of 0 .. 1.
        """
        raise NotImplementedError


def shares(where: str, values: npt.ArrayLike) -> Array:
    """Return values (samples, n) as floats of 0 .. 1, integers as 255ths, or raise ParameterError."""
    given = numbers(where, values)
    fits = given.ndim == 2 and given.size > 0
    require(fits, where, f"shape {given.shape}", "(samples, channels), none of them 0", "Flatten the images.")
    top = VALUE_MAX if given.dtype.kind in "iu" else 1
    bad = given[~((given >= 0) & (given <= top))]  # NaN is neither
    require(bad.size == 0, where, f"{bad[:3]}", "floats in 0 to 1, or integers in 0 to 255", "Scale the data first.")
    return given / top


@dataclass(frozen=True)
class Rate(Code):
    """Rate code: as many spikes as the value is large.

    Without randomness, s(m) = floor(v m + 1/2) - floor(v (m-1) + 1/2): round(v T) spikes, evenly spread. With
    randomness, s(m) is 1 with probability v, independently in each step.

    Parameters
    ----------
    random : bool, default False
        Whether spikes are drawn at random.
    seed : int, default 0
        Seed, 0 or more. Each sample has random numbers of its own, which do not depend on the batch, the length of the
        run or the executor.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind or range.

    References
    ----------
    Adrian and Zotterman, Journal of Physiology 61 (1926).
    """

    random: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse arguments that are out of range."""
        kind("Rate.random", self.random, bool, "True draws spikes, False spreads them evenly.")
        whole("Rate.seed", self.seed, 0, 2**63 - 1, "Give a whole number.")

    def sent(self, values: Array, steps: int, first: int) -> Array:
        """Return round(v T) spikes a channel, or spikes with probability v."""
        if self.random:
            return encoding.random_rate(values, steps, self.seed, first)
        return encoding.even_rate(values, steps)


@dataclass(frozen=True)
class Rank(Code):
    """Rank-order code: one spike a channel, the strongest channel first, spread over the presentation.

    Of N channels above 0, the one of rank r = 0 .. N-1 spikes in step 1 + floor(r T / N). Of equal values, the first
    channel is the stronger. Channels at 0 do not spike.

    References
    ----------
    Thorpe and Gautrais, Computational Neuroscience: Trends in Research (1998).
    """

    def sent(self, values: Array, steps: int, first: int) -> Array:
        """Return one spike for each channel above 0, in order of strength."""
        return encoding.at_steps(encoding.rank_steps(values, steps), steps)


@dataclass(frozen=True)
class Latency(Code):
    """Latency code: one spike a channel, the earlier the larger the value.

        linear:       m = 1 + floor((1 - v)(T - 1) + 1/2), no spike for v = 0
        logarithmic:  m = 1 + floor((T - 1) ln v / ln smallest + 1/2), no spike for v < smallest

    Parameters
    ----------
    form : {"linear", "logarithmic"}, default "linear"
        Which of the two.
    smallest : float, default 1/255
        Value that spikes in step T of the logarithmic form, greater than 0 and less than 1.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind or range.
    """

    form: str = "linear"
    smallest: float = 1 / VALUE_MAX

    def __post_init__(self) -> None:
        """Refuse arguments that are out of range."""
        choice("Latency.form", self.form, LATENCIES)
        number("Latency.smallest", self.smallest, 0, 1 - 1e-9, "It is the value that waits longest.", open_low=True)

    @property
    def bottom(self) -> float | None:
        """`smallest` of the logarithmic form, None of the linear one."""
        return self.smallest if self.form == "logarithmic" else None

    def sent(self, values: Array, steps: int, first: int) -> Array:
        """Return one spike for each channel that has one, the earlier the larger its value."""
        return encoding.at_steps(encoding.latency_steps(values, steps, self.bottom), steps)

    def decode(self, spikes: npt.ArrayLike) -> Array:
        """Return the values for which spikes stand; they differ from the encoded ones by at most half a step.

        Parameters
        ----------
        spikes : array_like, shape (samples, T, n)
            Spikes; of each channel the first counts.

        Returns
        -------
        ndarray of float, shape (samples, n)
            Values of 0 .. 1; 0 for a channel without a spike.

        Raises
        ------
        ParameterError
            If the spikes have the wrong kind or shape.
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
    """No code: the value itself in every step, for a network whose source has num_message_bits = 8."""

    num_message_bits: ClassVar[int] = 8

    def sent(self, values: Array, steps: int, first: int) -> Array:
        """Return the value in every step."""
        return np.repeat(values[:, None], steps, axis=1)
