# SPDX-License-Identifier: BSD-3-Clause
"""CPU models of HybridNeuron: the neuron's own pure function, in either numerics."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from synergic.models.hybrid_lif.models import AbstractHybridLIF
from synergic.processes._shared_memory import STATE, THETA
from synergic.processes.hybrid_neuron.process import HybridNeuron


class AbstractHybridNeuron(AbstractHybridLIF):
    """The order of messages and presentations is that of HybridLIF. The step is the neuron's."""

    proc_params: Any

    def begin(self) -> None:
        """Set u and the neuron's other arrays to their start."""
        super().begin()
        for values in self.proc_params[STATE].values():
            values[...] = 0

    def population(self) -> Any:
        """Return the population as the neuron's function needs it, with the present values of the variables."""
        params = self.proc_params
        return SimpleNamespace(
            vth=self.vth[0].item(), decay=self.decay[0].item(), bias=self.biases(), reset=params["reset"],
            accumulator_shift=params["accumulator_shift"], neuron=params["neuron"],
        )  # fmt: skip

    def theta(self) -> dict[str, Any]:
        """The neuron's parameters, as they stand now."""
        return {name: value[0] if value.shape == (1,) else value for name, value in self.proc_params[THETA].items()}

    def state(self) -> dict[str, Any]:
        """The neuron's arrays beside u, each as a row."""
        return {name: values.reshape(-1) for name, values in self.proc_params[STATE].items()}

    def step(self, acc: Any) -> Any:
        """Neuron.update of all neurons."""
        p = self.population()
        return p.neuron.update(self.potential, self.state(), acc, p, self.theta())

    def integrate(self, acc: Any) -> tuple[Any, Any, Any, int]:
        """Return u(m) before its reset, output, u after it, and how many values were limited."""
        u, sent, after, new, saturated = self.step(acc)
        for name, values in new.items():
            self.state()[name][...] = values
        return u, sent, after, saturated


@implements(proc=HybridNeuron, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyHybridNeuronModelFloat(AbstractHybridNeuron):
    """Neuron.floating."""

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
    s_record: np.ndarray = LavaPyType(np.ndarray, float)
    u_record: np.ndarray = LavaPyType(np.ndarray, float)
    saturated: np.ndarray = LavaPyType(np.ndarray, np.int64)


@implements(proc=HybridNeuron, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_tianjic")
class PyHybridNeuronModelFixed(AbstractHybridNeuron):
    """Neuron.fixed: exact integers."""

    integer = True
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=8)
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
