# SPDX-License-Identifier: BSD-3-Clause
"""CPU models of EventSource."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from synergic.numerics._event_bins import spread
from synergic.processes._shared_memory import SharedModel
from synergic.processes.event_source.process import EventSource


class AbstractEventSource(SharedModel, PyLoihiProcessModel):
    """A recording is spread out in the first step of its presentation."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.sent: Any = np.zeros(0)

    def run_spk(self) -> None:
        """One time step."""
        params, timing, shape = self.proc_params, self.proc_params["timing"], self.s_out._shape
        m = timing.step(self.time_step)
        if m == 1:
            spikes = params["spikes"][timing.presentation(self.time_step)]
            self.sent = spread(spikes, params["steps"], shape[-1]).astype(self.s_out._d_type)
        now = self.sent if params["at_once"] else self.sent[m - 1 : m]
        self.s_out.send(now.reshape(shape) if m else np.zeros(shape, self.s_out._d_type))


@implements(proc=EventSource, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyEventSourceModelFloat(AbstractEventSource):
    """Spikes for graphs of floats."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    events: np.ndarray = LavaPyType(np.ndarray, np.int64)
    outside: np.ndarray = LavaPyType(np.ndarray, np.int64)
    merged: np.ndarray = LavaPyType(np.ndarray, np.int64)


@implements(proc=EventSource, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_tianjic")
class PyEventSourceModelFixed(AbstractEventSource):
    """Spikes for graphs of integers."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)
    events: np.ndarray = LavaPyType(np.ndarray, np.int64)
    outside: np.ndarray = LavaPyType(np.ndarray, np.int64)
    merged: np.ndarray = LavaPyType(np.ndarray, np.int64)
