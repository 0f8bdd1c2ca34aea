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
from synergic.processes._shared_memory import MEMORY, SharedModel
from synergic.processes.hybrid_lif.process import HybridLIF


class AbstractHybridLIF(SharedModel, PyLoihiProcessModel):
    """The order of messages, presentations and recording; subclasses integrate."""

    integer: bool

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        # Neurons of any shape are a row here: a neuron's function, and soma cores, have one axis of neurons.
        arrays = proc_params[MEMORY]
        self.potential: np.ndarray = arrays["u"].reshape(-1)
        self.rows: dict[str, np.ndarray] = {
            name: arrays[name].reshape(len(arrays[name]), -1) for name in ("s_record", "u_record", "homeostatic_record")
        }

    @property
    def own_bias(self) -> np.ndarray:
        """c, the intrinsic bias, as a row."""
        return self.homeostatic_bias.reshape(-1)

    @abstractmethod
    def integrate(self, acc: Any) -> tuple[Any, Any, Any, int]:
        """u(m) before its reset, spikes, u after it, number of values saturated."""

    def begin(self) -> None:
        """A presentation begins."""
        self.potential[:] = 0
        self.total: Any = 0

    def biases(self) -> Any:
        """b + c, as they stand now."""
        rule = self.proc_params["homeostasis"]
        bias = self.bias.reshape(-1)
        return bias if rule is None else bias + rule.offset(self.own_bias)

    def adapt(self, m: int, u: Any) -> None:
        """Add up what homeostasis measures in step m; write c after the last step."""
        rule, timing = self.proc_params["homeostasis"], self.proc_params["timing"]
        if rule is None:
            return
        self.total = self.total + rule.term(u, self.vth[0].item())
        if m == timing.period:
            self.own_bias[:] = rule.write(self.own_bias, self.total, m)
            if self.time_step <= self.proc_params["record"]:
                self.rows["homeostatic_record"][timing.presentation(self.time_step)] = self.own_bias

    def run_spk(self) -> None:
        """One time step."""
        acc, shape = self.a_in.recv().reshape(-1), self.u.shape
        m = self.proc_params["timing"].step(self.time_step)
        if m == 0:
            u, s = self.potential, np.zeros(self.potential.shape, bool)
        else:
            if m == 1:
                self.begin()
            u, s, after, saturated = self.integrate(acc)
            self.potential[:] = after
            self.saturated += saturated
            self.adapt(m, u)
        self.u_before_reset[...] = u.reshape(shape)
        self.u_out.send(u.reshape(shape))
        self.s_out.send(s.astype(self.s_out._d_type).reshape(shape))
        if self.time_step <= self.proc_params["record"]:
            self.rows["u_record"][self.time_step - 1], self.rows["s_record"][self.time_step - 1] = u, s


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
        u = floating.membrane(self.potential, acc, float(self.decay[0]), self.biases())
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
        u, saturated = fixed.membrane(self.potential, acc, int(self.decay[0]), self.biases(), shift)
        s = fixed.spike(u, int(self.vth[0]))
        return u, s, fixed.reset(u, s, int(self.vth[0]), self.proc_params["reset"]), saturated
