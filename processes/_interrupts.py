# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C comes between two things that belong together: after a process has been forked and before anyone knows of it.

Python raises KeyboardInterrupt wherever the main thread is. Within its hooks around a fork that is worse than a leak:
logging's lock stays taken for ever, and the exception is printed and lost.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from lava.magma.runtime.message_infrastructure.multiprocessing import MultiProcessing
from lava.magma.runtime.runtime import Runtime


class Uninterrupted:
    """A block that Ctrl-C does not break off: it is raised at the end of the block. A second Ctrl-C is raised at once.

    In another thread than the main one it does nothing, because Python raises KeyboardInterrupt in the main one alone.
    """

    def __enter__(self) -> Uninterrupted:
        self.came: FrameType | None = None
        self.process = os.getpid()
        handler = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        self.handler: Callable[[int, FrameType | None], Any] | None = handler if main and callable(handler) else None
        if self.handler is not None:
            signal.signal(signal.SIGINT, self.note)
        return self

    def note(self, number: int, frame: FrameType | None) -> None:
        """Note a first Ctrl-C; hand a second one on, and every one that a forked process receives."""
        assert self.handler is not None
        if self.came is not None or os.getpid() != self.process:
            self.handler(number, frame)
        self.came = frame

    def raise_now(self) -> None:
        """Let the handler that was there before have its Ctrl-C, if there was one."""
        if self.handler is not None and self.came is not None:
            frame, self.came = self.came, None
            self.handler(signal.SIGINT, frame)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Make a block within this one that Ctrl-C does break off."""
        if self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)
        try:
            self.raise_now()
            yield
        finally:
            if self.handler is not None:
                signal.signal(signal.SIGINT, self.note)

    def __exit__(self, *error: object) -> None:
        if self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)
        self.raise_now()


initialize, stop = Runtime.initialize, MultiProcessing.stop


def initialize_whole(runtime: Any, *args: Any, **kwargs: Any) -> None:
    """Make what a run needs, all or (before) nothing: a process that is not in Lava's list would never be ended."""
    with Uninterrupted():
        initialize(runtime, *args, **kwargs)


def stop_whole(messaging: Any) -> None:
    """Wait for the end of all processes, and free the shared memory.

    Lava's Runtime.stop() calls this also where it was broken off itself. Then nobody has told the processes to end, and
    who waits for them waits for ever.
    """
    broken_off = sys.exc_info()[1] is not None
    with Uninterrupted():
        for actor in messaging.actors:
            if broken_off and not actor._is_done:
                actor.kill()
        stop(messaging)


# In Lava's place, because a graph's first process may be one of Lava's own.
Runtime.initialize, MultiProcessing.stop = initialize_whole, stop_whole
