# SPDX-License-Identifier: BSD-3-Clause
"""The model of the process that fails."""

import os
import signal

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from failing.process import MESSAGE, Failing


class AwkwardError(Exception):
    """Is pickled, and cannot be unpickled."""

    def __init__(self, first, second):
        super().__init__(f"{first} {second}")


@implements(proc=Failing, protocol=LoihiProtocol)
@requires(CPU)
class PyFailingModel(PyLoihiProcessModel):
    """Fails where and when its process says."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        if proc_params["where"] == "constructor":
            raise ValueError(MESSAGE)

    def fail(self, where):
        """Fail if the time and the place have come."""
        if self.proc_params["where"] != where or self.time_step != self.proc_params["step"]:
            return
        if self.proc_params["how"] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.proc_params["how"] == "unpicklable":
            raise AwkwardError(MESSAGE, "awkwardly")
        raise ValueError(MESSAGE)

    def run_spk(self):
        """One time step."""
        self.fail("send")
        self.s_out.send(np.ones(self.proc_params["n"]))
        self.a_in.recv()
        self.fail("receive")
