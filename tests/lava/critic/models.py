# SPDX-License-Identifier: BSD-3-Clause
"""The model of the process that judges spikes."""

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from critic.process import Critic


@implements(proc=Critic, protocol=LoihiProtocol)
@requires(CPU)
class PyCriticModel(PyLoihiProcessModel):
    """In floating point."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    r_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)

    def run_spk(self):
        self.r_out.send(np.array([1 - 2 * self.s_in.recv().mean()]))
