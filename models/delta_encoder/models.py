# SPDX-License-Identifier: BSD-3-Clause
"""CPU models of DeltaEncoder."""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from synergic.numerics import _spike_codes as encoding
from synergic.processes._shared_memory import SharedModel
from synergic.processes.delta_encoder.process import DeltaEncoder


class AbstractDeltaEncoder(SharedModel, PyLoihiProcessModel):
    """numerics.encoding.delta, the same for floats and integers."""

    def run_spk(self) -> None:
        """One time step."""
        params, timing = self.proc_params, self.proc_params["timing"]
        x = self.a_in.recv().reshape(params["steps"], -1)  # of one step, or of a presentation at once
        m, sent = timing.step(self.time_step), np.zeros_like(x)
        if m:
            if params["given"]:
                x = self.signal[timing.presentation(self.time_step), m - 1 :][: params["steps"]].reshape(x.shape)
            level = self.level.reshape(-1)
            if m == 1:
                level[:] = x[0] if params["start"] is None else params["start"]
            for i, now in enumerate(x):
                sent[i], level[:] = encoding.delta(now, level, self.threshold[0], params["form"] == "graded")
        if params["form"] == "channels":
            sent = encoding.polarities(sent)
        self.s_out.send(sent.reshape(self.s_out._shape).astype(self.s_out._d_type))


@implements(proc=DeltaEncoder, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyDeltaEncoderModelFloat(AbstractDeltaEncoder):
    """Signals of floats."""

    integer = False
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    signal: np.ndarray = LavaPyType(np.ndarray, float)
    level: np.ndarray = LavaPyType(np.ndarray, float)
    threshold: np.ndarray = LavaPyType(np.ndarray, float)


@implements(proc=DeltaEncoder, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_tianjic")
class PyDeltaEncoderModelFixed(AbstractDeltaEncoder):
    """Signals of integers."""

    integer = True
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int64, precision=24)
    signal: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    level: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    threshold: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
