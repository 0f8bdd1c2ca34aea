# SPDX-License-Identifier: BSD-3-Clause
"""CPU models of Encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from synergic.processes._shared_memory import MEMORY, SharedModel
from synergic.processes.encoder.process import Encoder


class AbstractEncoder(SharedModel, PyLoihiProcessModel):
    """A presentation is encoded in its first step; subclasses define the types of input and output numbers."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.sent: Any = np.zeros((proc_params["steps"], proc_params[MEMORY]["values"][0].size))

    def run_spk(self) -> None:
        """One time step."""
        params, timing, received = self.proc_params, self.proc_params["timing"], self.a_in.recv()
        m = timing.step(self.time_step)
        if m == 1:
            number = timing.presentation(self.time_step)
            if not params["given"]:
                self.values[0] = received
            values = self.values[number] if params["given"] else received
            self.sent = params["code"].encode(values.reshape(1, -1), params["steps"], number)[0]
        now = self.sent if params["at_once"] else self.sent[m - 1]
        self.s_out.send((now if m else 0 * now).astype(self.s_out._d_type).reshape(self.s_out._shape))


@implements(proc=Encoder, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyEncoderModelFloat(AbstractEncoder):
    """Values of 0 .. 1."""

    integer = False
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    values: np.ndarray = LavaPyType(np.ndarray, float)


@implements(proc=Encoder, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_tianjic")
class PyEncoderModelFixed(AbstractEncoder):
    """Values of 0 .. 255."""

    integer = True
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=8)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=8)
    values: np.ndarray = LavaPyType(np.ndarray, float)
