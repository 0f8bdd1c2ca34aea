# SPDX-License-Identifier: BSD-3-Clause
"""CPU models of RankReadout and RateReadout."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from synergic._core.checks import require
from synergic.numerics._readout_values import rate_scores, settled
from synergic.processes._shared_memory import SharedModel
from synergic.processes.readout.process import RankReadout, RateReadout


class AbstractReadout(SharedModel, PyLoihiProcessModel):
    """Receives a step of the presentation, or all of it at once; subclasses decide."""

    def run_spk(self) -> None:
        """One time step."""
        params, timing = self.proc_params, self.proc_params["timing"]
        # The presentation's steps come first: (1, n) or, at once, (T, n).
        received = [getattr(self, port).recv().reshape(-1, self.c_out._shape[0]) for port in params["inputs"]]
        m, chosen = timing.step(self.time_step), np.zeros(self.c_out._shape, self.c_out._d_type)
        if m:
            number = timing.presentation(self.time_step)
            before = self.decided_at[number]
            for step, row in enumerate(zip(*received, strict=True), m):
                self.receive(number, step, *row)
            if before != self.decided_at[number]:
                chosen[self.classes[number]] = 1
        self.c_out.send(chosen)

    @abstractmethod
    def receive(self, number: int, m: int, *rows: np.ndarray) -> None:
        """Step m of a presentation, with a row of each port."""

    def decide(self, number: int, m: int, scores: Any) -> None:
        """The class has the highest score."""
        self.classes[number], self.decided_at[number] = scores.argmax(), m


class AbstractRankReadout(AbstractReadout):
    """The highest potential in step T, or in the first in which one passes the threshold."""

    def receive(self, number: int, m: int, *rows: np.ndarray) -> None:
        """Decide in step T, or in the first step in which a potential passes the threshold."""
        (u,) = rows
        early = self.proc_params["early"] and bool((u > self.vth[0]).any())
        if self.decided_at[number] == 0 and (early or m == self.proc_params["steps"]):
            self.decide(number, m, u)
            self.scores[number] = u


class AbstractRateReadout(AbstractReadout):
    """The most spikes, the higher potential of equals."""

    def receive(self, number: int, m: int, *rows: np.ndarray) -> None:
        """Count spikes, and decide as soon as the lead is larger than what is left."""
        s, u = rows
        steps = self.proc_params["steps"]
        require(bool(s.max() <= 1), "RateReadout.s_in", f"{s.max()}", "0 or 1", "It counts spikes, not values.")
        # Until step T, which leaves the scores there, they are the counts.
        self.scores[number] += s
        if m == steps:
            self.scores[number] = rate_scores(self.scores[number], u)
        if self.decided_at[number] == 0 and (m == steps or settled(self.scores[number], steps - m)):
            self.decide(number, m, self.scores[number])


@implements(proc=RankReadout, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyRankReadoutModelFloat(AbstractRankReadout):
    """Potentials of floats."""

    integer = False
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    c_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    classes: np.ndarray = LavaPyType(np.ndarray, np.int64)
    decided_at: np.ndarray = LavaPyType(np.ndarray, np.int64)
    scores: np.ndarray = LavaPyType(np.ndarray, float)
    vth: np.ndarray = LavaPyType(np.ndarray, float)


@implements(proc=RankReadout, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_tianjic")
class PyRankReadoutModelFixed(AbstractRankReadout):
    """Potentials of integers; scores represent 24 bits of them exactly."""

    integer = True
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=24)
    c_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)
    classes: np.ndarray = LavaPyType(np.ndarray, np.int64)
    decided_at: np.ndarray = LavaPyType(np.ndarray, np.int64)
    scores: np.ndarray = LavaPyType(np.ndarray, float)
    vth: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)


@implements(proc=RateReadout, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyRateReadoutModelFloat(AbstractRateReadout):
    """Potentials of floats."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    c_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    classes: np.ndarray = LavaPyType(np.ndarray, np.int64)
    decided_at: np.ndarray = LavaPyType(np.ndarray, np.int64)
    scores: np.ndarray = LavaPyType(np.ndarray, float)


@implements(proc=RateReadout, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_tianjic")
class PyRateReadoutModelFixed(AbstractRateReadout):
    """Potentials of integers."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=1)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=24)
    c_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)
    classes: np.ndarray = LavaPyType(np.ndarray, np.int64)
    decided_at: np.ndarray = LavaPyType(np.ndarray, np.int64)
    scores: np.ndarray = LavaPyType(np.ndarray, float)
