# SPDX-License-Identifier: BSD-3-Clause
"""Recordings of an event camera as spikes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from lava.magma.core.process.ports.ports import OutPort

from synergic._core.checks import kind, number, require, whole
from synergic.data._event_checks import check_duration, check_events, check_sensor
from synergic.numerics._event_bins import bin_events, pooled
from synergic.processes._shared_memory import SharedProcess, SharedVar
from synergic.processes._timing import Timing

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synergic.processes._arguments import ProcessArguments


class EventSource(SharedProcess):
    """Source Process that sends the recordings of an event camera as spikes.

    A channel spikes in a step in which it has at least one event. The order of the channels is that of tonic's frames:
    polarity, row, column.

    Parameters
    ----------
    recordings : iterable of (events, label)
        A presentation each, one after the other, such as a data set of tonic. `events` is a structured array with the
        fields x, y, t, p, in order of time; y is not needed of a sensor of one row, p not of one polarity. Polarities
        are 0 and 1, or -1 and 1. The recordings are read when the process is made.
    sensor : tuple of int, (width, height, polarities)
        Size of the sensor, as tonic's sensor_size.
    period : int
        Steps T of a presentation, 1 or more.
    duration : float
        Duration of a step, greater than 0, in the unit of t; tonic's is the microsecond. All steps together are at most
        1,000 times shorter or longer than the longest recording.
    start : float or None, default None
        Time at which step 1 begins. None: the time of the first event of each recording.
    pool : int, default 1
        Side of the square of pixels that share a channel.
    merge : bool, default False
        Whether the polarities share a channel.
    onset : int, default 0
        Lava steps before the first presentation.
    presentations : int or None, default None
        Number of recordings that are taken, None for all.
    at_once : bool, default False
        False: one step of the presentation in each Lava step. True: all T of it in each Lava step, for FusedNetwork.
    name, log_config
        As of every Lava process.

    Attributes
    ----------
    s_out : OutPort, shape (channels,), or (T, channels) at once
        Spikes 0/1, in graphs of floats and of integers.
    labels : list
        The labels, as given.
    shape : tuple of int, (polarities, rows, columns)
        Shape of the channels.
    events : Var, shape (samples,)
        Number of events of each recording.
    outside : Var, shape (samples,)
        Number of events before or after the T steps, which are lost.
    merged : Var, shape (samples,)
        Number of events that share the spike of another event.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or a recording does not fit the sensor.

    Examples
    --------
    >>> source = EventSource(recordings=zip(events, labels), sensor=(34, 34, 2), period=10, duration=30_000)
    """

    def __init__(
        self,
        *,
        recordings: Iterable[tuple[npt.NDArray[np.void], Any]],
        sensor: tuple[int, int, int],
        period: int,
        duration: float,
        start: float | None = None,
        pool: int = 1,
        merge: bool = False,
        onset: int = 0,
        presentations: int | None = None,
        at_once: bool = False,
        **kwargs: Unpack[ProcessArguments],
    ) -> None:
        name = kwargs.get("name", type(self).__name__)
        sensor = check_sensor(f"{name}.sensor", sensor)
        whole(f"{name}.period", period, 1, np.inf, "It is T, the steps of a presentation.")
        number(f"{name}.duration", duration, 0, 1e15, "It is that of a step, in the unit of t.", open_low=True)
        if start is not None:
            number(f"{name}.start", start, 0, 1e15, "It is a time; None is that of the first event.")
        whole(f"{name}.pool", pool, 1, 2**15, "It is the side of a square of pixels.")
        for field, value in (("merge", merge), ("at_once", at_once)):
            kind(f"{name}.{field}", value, bool, "Choose True or False.")
        if presentations is not None:
            whole(f"{name}.presentations", presentations, 1, np.inf, "It is a number of recordings.")
        kind(f"{name}.recordings", recordings, Iterable, "Give pairs of events and label.")
        spikes, counts, taken_events = [], [], []
        labels: list[Any] = []
        for i, pair in enumerate(islice(recordings, presentations)):
            where = f"{name}.recordings[{i}]"
            fits = isinstance(pair, tuple | list) and len(pair) == 2
            require(fits, where, type(pair).__name__, "(events, label)", "Pair them: zip(events, labels).")
            events = check_events(where, pair[0], sensor)
            begin = (events["t"][0] if len(events) else 0) if start is None else start
            found, outside, merged = bin_events(events, sensor, period, duration, begin, pool, merge)
            spikes.append(found)
            taken_events.append(events)
            counts.append((len(events), outside, merged))
            labels.append(pair[1])
        check_duration(f"{name}.duration", taken_events, period * float(duration))
        taken = len(spikes)
        needed = presentations or 1
        require(taken >= needed, f"{name}.recordings", f"{taken}", f"{needed} or more", "Give more.")
        timing = Timing(onset, 1 if at_once else period, taken).check(name)
        super().__init__(integer=None, spikes=spikes, timing=timing, steps=period, at_once=at_once, **kwargs)
        self.labels: list[Any] = labels
        self.shape: tuple[int, int, int] = pooled(sensor, pool, merge)
        channels = int(np.prod(self.shape))
        self.s_out: OutPort = OutPort(shape=(period, channels) if at_once else (channels,))
        self.events: SharedVar
        self.outside: SharedVar
        self.merged: SharedVar
        self.events, self.outside, self.merged = (SharedVar(np.array(column)) for column in zip(*counts, strict=True))
        self.share()

    def report(self) -> str:
        """Return a sentence: how many events became spikes, and what became of the others."""
        events, outside, merged = (int(var.get().sum()) for var in (self.events, self.outside, self.merged))
        return (
            f"{len(self.labels)} recordings, {events} events: {events - outside - merged} spikes, "
            f"{outside} outside the steps, {merged} merged into another's spike"
        )
