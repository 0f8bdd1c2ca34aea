# SPDX-License-Identifier: BSD-3-Clause
"""Common parts of the processes that encode data as spikes: given data, or what another process sends."""

from __future__ import annotations

from typing import Any

import numpy as np

from synergic._core.checks import require, whole
from synergic.processes._shared_memory import SharedProcess


def channels(where: str, n: Any, remedy: str) -> tuple[int, ...]:
    """The shape of n channels: a number, or the sides of a grid of them. Raises ParameterError."""
    sides = n if isinstance(n, tuple | list) and n else (n,)
    return tuple(whole(where, side, 1, np.inf, remedy) for side in sides)


class DataOrPort(SharedProcess):
    """A process with a port `a_in` that is connected where, and only where, it was given no data.

    Its proc_params have `given`: whether it was.
    """

    def check(self, model: type) -> None:
        """Also refuses a process with no input, or with two."""
        super().check(model)
        given, connected = self.proc_params["given"], bool(self.a_in.get_src_ports())
        got = "a connection beside data" if connected else "no connection and no data"
        require(given is not connected, f"{self.name}.a_in", got, "one of the two", "Give data, or connect a process.")
