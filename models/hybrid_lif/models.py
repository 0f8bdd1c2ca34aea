# SPDX-License-Identifier: BSD-3-Clause
"""CPU models of HybridLIF."""

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

from synergic.numerics import fixed, floating
from synergic.processes._shared_memory import SharedModel
from synergic.processes.hybrid_lif.process import HybridLIF


class AbstractHybridLIF(SharedModel, PyLoihiProcessModel):
    """The order of messages, presentations and recording; subclasses integrate."""

    integer: bool

    @abstractmethod
    def integrate(self, acc: Any) -> tuple[Any, Any, Any, int]:
        """u(m) before its reset, spikes, u after it, number of values saturated."""

    def begin(self) -> None:
        """A presentation begins."""
        self.u[:] = 0
        self.total: Any = 0

    def biases(self) -> Any:
        """b + c, as they stand now."""
        rule = self.proc_params["homeostasis"]
        return self.bias if rule is None else self.bias + rule.offset(self.homeostatic_bias)

    def adapt(self, m: int, u: Any) -> None:
        """Add up what homeostasis measures in step m; write c after the last step."""
        rule, timing = self.proc_params["homeostasis"], self.proc_params["timing"]
        if rule is None:
            return
        self.total = self.total + rule.term(u, self.vth[0].item())
        if m == timing.period:
            self.homeostatic_bias[:] = rule.write(self.homeostatic_bias, self.total, m)
            if self.time_step <= self.proc_params["record"]:
                self.homeostatic_record[timing.presentation(self.time_step)] = self.homeostatic_bias

    def run_spk(self) -> None:
        """One time step."""
        acc = self.a_in.recv()
        m = self.proc_params["timing"].step(self.time_step)
        if m == 0:
            u, s = self.u, np.zeros(self.u.shape, bool)
        else:
            if m == 1:
                self.begin()
            u, s, after, saturated = self.integrate(acc)
            self.u[:] = after
            self.saturated += saturated
            self.adapt(m, u)
        self.u_before_reset[:] = u
        self.u_out.send(u)
        self.s_out.send(s.astype(self.s_out._d_type))
        if self.time_step <= self.proc_params["record"]:
            self.u_record[self.time_step - 1], self.s_record[self.time_step - 1] = u, s


@implements(proc=HybridLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyHybridLIFModelFloat(AbstractHybridLIF):
    """numerics.floating."""

    integer = False
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    u_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    u: np.ndarray = LavaPyType(np.ndarray, float)
    u_before_reset: np.ndarray = LavaPyType(np.ndarray, float)
    vth: np.ndarray = LavaPyType(np.ndarray, float)
    decay: np.ndarray = LavaPyType(np.ndarray, float)
    bias: np.ndarray = LavaPyType(np.ndarray, float)
    homeostatic_bias: np.ndarray = LavaPyType(np.ndarray, float)
    homeostatic_record: np.ndarray = LavaPyType(np.ndarray, float)
    s_record: np.ndarray = LavaPyType(np.ndarray, np.int64)
    u_record: np.ndarray = LavaPyType(np.ndarray, float)
    saturated: np.ndarray = LavaPyType(np.ndarray, np.int64)

    def integrate(self, acc: Any) -> tuple[Any, Any, Any, int]:
        """Return u(m) before its reset, spikes, u after it, and how many potentials were limited."""
        u = floating.membrane(self.u, acc, float(self.decay[0]), self.biases())
        s = floating.spike(u, float(self.vth[0]))
        return u, s, floating.reset(u, s, float(self.vth[0]), self.proc_params["reset"]), 0


@implements(proc=HybridLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_tianjic")
class PyHybridLIFModelFixed(AbstractHybridLIF):
    """numerics.fixed: exact integers."""

    integer = True
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)
    u_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int64, precision=24)
    u: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    u_before_reset: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    vth: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    decay: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=13)
    bias: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    homeostatic_bias: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=32)
    homeostatic_record: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=32)
    s_record: np.ndarray = LavaPyType(np.ndarray, np.int64)
    u_record: np.ndarray = LavaPyType(np.ndarray, np.int64)
    saturated: np.ndarray = LavaPyType(np.ndarray, np.int64)

    def integrate(self, acc: Any) -> tuple[Any, Any, Any, int]:
        """Return u(m) before its reset, spikes, u after it, and how many potentials were limited."""
        shift = self.proc_params["accumulator_shift"]
        u, saturated = fixed.membrane(self.u, acc, int(self.decay[0]), self.biases(), shift)
        s = fixed.spike(u, int(self.vth[0]))
        return u, s, fixed.reset(u, s, int(self.vth[0]), self.proc_params["reset"]), saturated
