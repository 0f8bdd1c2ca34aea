# SPDX-License-Identifier: BSD-3-Clause
"""Damage to images and to recordings of events.

Pure functions; their only randomness is that of the generator given.

References
----------
Wu et al., Nature Communications 13:65 (2022), section "Fault tolerance".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, kind, number, numbers, require, whole
from synergic.data._event_checks import check_events, check_sensor

Array = npt.NDArray[np.float32]
Events = npt.NDArray[Any]


NOBODY = object()
"""In the place of a generator: none is needed."""
ANY = {"x": 2**31, "y": 2**31, "p": 2**31}
"""Width, height and polarities of a sensor that holds every event."""


def check_images(where: str, images: npt.ArrayLike, rng: Any = NOBODY) -> Array:
    """Return images as an array, or raise ParameterError; a generator is checked too, if there is one."""
    array = numbers(f"{where}.images", images)
    fits = array.ndim >= 2 and array.size > 0 and bool(np.isfinite(array).all())
    got = f"shape {array.shape}" if array.ndim < 2 or not array.size else "NaN or infinite"
    require(fits, f"{where}.images", got, "(..., height, width) of finite numbers", "Give one image, or a set.")
    if rng is not NOBODY:
        check_generator(where, rng)
    return array


def check_generator(where: str, rng: Any) -> None:
    """Refuse what is no numpy.random.Generator, with ParameterError."""
    kind(f"{where}.rng", rng, np.random.Generator, "Make one with numpy.random.default_rng(seed).")


def crop(images: Array, half_width: int, rng: np.random.Generator | None = None) -> Array:
    """Erase a centred square of the images, so that a part of each is missing.

    Parameters
    ----------
    images : ndarray of float32, shape (..., height, width)
        Images of 0 .. 1.
    half_width : int
        Half a side of the square in pixels, 0 to half the smaller side of the images.
    rng : numpy.random.Generator or None, default None
        Not used; all kinds of damage take the same arguments.

    Returns
    -------
    ndarray of float32, the shape of `images`
        The damaged images; the input stays as it is.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
    images = check_images("crop", images)
    whole("crop.half_width", half_width, 0, min(images.shape[-2:]) // 2, "It is half a side of the square.")
    out = images.copy()
    y, x = images.shape[-2] // 2, images.shape[-1] // 2
    out[..., y - half_width : y + half_width, x - half_width : x + half_width] = 0
    return out


def gaussian(images: Array, variance: float, rng: np.random.Generator) -> Array:
    """Add noise N(0, variance) to each pixel, then clip to 0 .. 1.

    Parameters
    ----------
    images : ndarray of float32, shape (..., height, width)
        Images of 0 .. 1.
    variance : float
        Variance of the noise, 0 to 100.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    ndarray of float32, the shape of `images`
        The damaged images; the input stays as it is.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
    images = check_images("gaussian", images, rng)
    number("gaussian.variance", variance, 0, 100, "Variance of the noise, on images of 0 .. 1.")
    noise = rng.standard_normal(images.shape, dtype=np.float32) * np.float32(np.sqrt(variance))
    return np.clip(images + noise, 0, 1)


def speckle(images: Array, variance: float, rng: np.random.Generator) -> Array:
    """Multiply each pixel by 1 + N(0, variance), then clip to 0 .. 1.

    Parameters
    ----------
    images : ndarray of float32, shape (..., height, width)
        Images of 0 .. 1.
    variance : float
        Variance of the noise, 0 to 100.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    ndarray of float32, the shape of `images`
        The damaged images; the input stays as it is.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
    images = check_images("speckle", images, rng)
    number("speckle.variance", variance, 0, 100, "Variance of the noise.")
    noise = rng.standard_normal(images.shape, dtype=np.float32) * np.float32(np.sqrt(variance))
    return np.clip(images * (1 + noise), 0, 1)


def salt_and_pepper(images: Array, amount: float, rng: np.random.Generator, salt_share: float = 0.5) -> Array:
    """Set a share of the pixels to 1 or to 0.

    Parameters
    ----------
    images : ndarray of float32, shape (..., height, width)
        Images of 0 .. 1.
    amount : float
        Share of the pixels that are set, 0 to 1.
    rng : numpy.random.Generator
        Source of the random numbers.
    salt_share : float, default 0.5
        Share of these that are set to 1, 0 to 1; the others are set to 0.

    Returns
    -------
    ndarray of float32, the shape of `images`
        The damaged images; the input stays as it is.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
    images = check_images("salt_and_pepper", images, rng)
    number("salt_and_pepper.amount", amount, 0, 1, "Share of the pixels.")
    number("salt_and_pepper.salt_share", salt_share, 0, 1, "Share of them that turn white.")
    draw = rng.random(images.shape, dtype=np.float32)
    return np.where(draw < amount * salt_share, 1, np.where(draw < amount, 0, images)).astype(np.float32)


def salt(images: Array, amount: float, rng: np.random.Generator) -> Array:
    """Set a share of the pixels to 1.

    Parameters
    ----------
    images : ndarray of float32, shape (..., height, width)
        Images of 0 .. 1.
    amount : float
        Share of the pixels, 0 to 1.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    ndarray of float32, the shape of `images`
        The damaged images; the input stays as it is.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
    return salt_and_pepper(images, amount, rng, 1.0)


def pepper(images: Array, amount: float, rng: np.random.Generator) -> Array:
    """Set a share of the pixels to 0.

    Parameters
    ----------
    images : ndarray of float32, shape (..., height, width)
        Images of 0 .. 1.
    amount : float
        Share of the pixels, 0 to 1.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    ndarray of float32, the shape of `images`
        The damaged images; the input stays as it is.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
    return salt_and_pepper(images, amount, rng, 0.0)


DAMAGE: dict[str, tuple[Callable[..., Array], float]] = {
    "crop": (crop, 1),
    "gaussian": (gaussian, 0.01),
    "salt": (salt, 0.01),
    "pepper": (pepper, 0.06),
    "salt-and-pepper": (salt_and_pepper, 0.02),
    "speckle": (speckle, 0.01),
}
"""By name: the function, and its strength at each unit of the level i of Wu et al. = 0 .. 14. They give no unit for
speckle; a hundredth, as for Gaussian noise, is this library's choice."""


def damage(images: Array, kind: str, level: int, seed: int = 0) -> Array:
    """Damage a set of images by one of the levels of Wu et al. (2022).

    Parameters
    ----------
    images : ndarray of float32, shape (..., height, width)
        Images of 0 .. 1.
    kind : str
        "crop", "gaussian", "salt", "pepper", "salt-and-pepper" or "speckle".
    level : int
        0 to 14; 0 is the undamaged set.
    seed : int, default 0
        Seed of the random numbers, 0 or more.

    Returns
    -------
    ndarray of float32, the shape of `images`
        The damaged images; the input stays as it is.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range.
    """
    images = check_images("damage", images)
    choice("damage.kind", kind, tuple(DAMAGE))
    whole("damage.level", level, 0, 14, "Levels are whole.")
    whole("damage.seed", seed, 0, 2**63 - 1, "It seeds the damage.")
    function, unit = DAMAGE[kind]
    return function(images, level * unit, np.random.default_rng(seed)) if level else images


def drop_events(events: Events, share: float, rng: np.random.Generator) -> Events:
    """Lose a share of the events of a recording.

    Parameters
    ----------
    events : structured ndarray, shape (events,)
        A recording with the fields x, y, t, p, as of tonic, in order of time. Without y it is of a sensor of one row.
    share : float
        Probability that an event is lost, 0 to 1.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    structured ndarray
        The events that are left, in order of time.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range, or the events do not fit the sensor.
    """
    names = getattr(getattr(events, "dtype", None), "names", None) or ANY
    width, height, signs = (top if field in names else 1 for field, top in ANY.items())
    check_events("drop_events.events", events, (width, height, signs))
    check_generator("drop_events", rng)
    number("drop_events.share", share, 0, 1, "Share of the events.")
    return events[rng.random(len(events)) >= share]


def add_events(events: Events, share: float, sensor: tuple[int, int, int], rng: np.random.Generator) -> Events:
    """Add noise events, uniform over the sensor and over the time of the recording.

    Parameters
    ----------
    events : structured ndarray, shape (events,)
        A recording with the fields x, y, t, p, as of tonic, in order of time; y is not needed of a sensor of one row,
        p not of one polarity.
    share : float
        Number of added events over the number of events, 0 to 100.
    sensor : tuple of int, (width, height, polarities)
        Size of the sensor, as tonic's sensor_size.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    structured ndarray
        All events, in order of time.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range, or the events do not fit the sensor.
    """
    sensor = check_sensor("add_events.sensor", sensor)
    checked = check_events("add_events.events", events, sensor)
    check_generator("add_events", rng)
    number("add_events.share", share, 0, 100, "Share of the number of events.")
    names = events.dtype.names or ()
    extra = np.zeros(round(len(events) * share), events.dtype)
    if len(extra):
        x, y = rng.integers(0, sensor[0], len(extra)), rng.integers(0, sensor[1], len(extra))
        p, (first, last) = rng.integers(0, sensor[2], len(extra)), checked["t"][[0, -1]]
        real = checked["t"].dtype.kind == "f"
        t = rng.uniform(first, last, len(extra)) if real else rng.integers(first, last + 1, len(extra))
        if "p" in names and (events["p"] != checked["p"]).any():  # as this recording writes them
            p = np.full(len(extra), events["p"][0]) if sensor[2] == 1 else 2 * p - 1
        for name, values in (("x", x), ("y", y), ("t", t), ("p", p)):
            if name in names:
                extra[name] = values
    both = np.concatenate([events, extra])
    return both[np.argsort(both["t"], kind="stable")]


def mask_region(events: Events, half_width: int, sensor: tuple[int, int, int]) -> Events:
    """Lose all events of a centred square of the sensor, or of the middle of a sensor of one row.

    Parameters
    ----------
    events : structured ndarray, shape (events,)
        A recording with the fields x, y, t, p, as of tonic, in order of time; y is not needed of a sensor of one row,
        p not of one polarity.
    half_width : int
        Half a side of the square in pixels, 0 to half the smaller side of the sensor, or half the width of one row.
    sensor : tuple of int, (width, height, polarities)
        Size of the sensor, as tonic's sensor_size.

    Returns
    -------
    structured ndarray
        The events that are left, in order of time.

    Raises
    ------
    ParameterError
        If an argument has the wrong kind, shape or range, or the events do not fit the sensor.
    """
    sensor = check_sensor("mask_region.sensor", sensor)
    checked = check_events("mask_region.events", events, sensor)
    side = sensor[0] if sensor[1] == 1 else min(sensor[:2])
    whole("mask_region.half_width", half_width, 0, side // 2, "It is half a side of the square.")
    x, y = sensor[0] // 2, sensor[1] // 2
    inside = (np.abs(checked["x"] - x + 0.5) < half_width) & (np.abs(checked["y"] - y + 0.5) < half_width)
    return events[~inside]
