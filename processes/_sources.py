# SPDX-License-Identifier: BSD-3-Clause
"""Common parts of the processes that encode data as spikes: given data, or what another process sends."""

from __future__ import annotations

from synergic._core.checks import require
from synergic.processes._shared_memory import SharedProcess


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
