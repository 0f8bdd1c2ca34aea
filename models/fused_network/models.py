# SPDX-License-Identifier: BSD-3-Clause
"""CPU models of FusedNetwork."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from synergic.numerics._compiled import only_spikes
from synergic.processes._shared_memory import MEMORY, SharedModel
from synergic.processes.fused_network.process import FusedNetwork
from synergic.reference._layerwise import layerwise, present_layers
from synergic.reference._presentation import by_input, present, split, split_biases, write
from synergic.reference._simulate import biased, written_biases


class AbstractFusedNetwork(SharedModel, PyLoihiProcessModel):
    """Runs one presentation in each Lava step. Subclasses define the type of numbers."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.network: Any = by_input(proc_params["network"])
        # Not the Var's memory: what is left of a presentation that nobody records is not brought up to date.
        self.working: np.ndarray = np.zeros_like(proc_params[MEMORY]["local_weights"])
        self.local: dict[str, Any] = split(self.working, self.network)
        self.shown: dict[str, Any] = split(proc_params[MEMORY]["local_weights"], self.network)
        # A stream is the Var itself: it can be read and set between two runs.
        self.local |= {q.name: self.shown[q.name] for q in self.network.streams}
        self.biases: dict[str, Any] = split_biases(proc_params[MEMORY]["homeostatic_bias"], self.network)
        self.layers: list[Any] | None = layerwise(self.network)

    def run_spk(self) -> None:
        """One presentation."""
        source = self.s_in.recv()
        if self.network.source.num_message_bits or not only_spikes(source):
            source = self.network.check_input(source)[0]
        recorded = self.time_step <= self.proc_params["record"]
        if self.layers:
            record = present_layers(self.network, self.layers, source, self.local, recorded)
        else:
            record = present(biased(self.network, self.biases), source, self.local, recorded)
            self.write(record)
        self.s_out.send(record.spikes[self.network.output].astype(self.s_out._d_type))
        self.u_out.send(record.u[self.network.output][-1])
        self.u_all_out.send(record.u[self.network.output])
        if any(events := list(record.saturated.values())):
            self.saturated += events
        if recorded:
            now, names = self.time_step - 1, [p.name for p in self.network.populations]
            self.s_record[now] = np.concatenate([record.spikes[n] for n in names], axis=-1)
            self.u_record[now] = np.concatenate([record.u[n] for n in names], axis=-1)
            for name, values in self.local.items():
                self.shown[name][...] = values
            self.local_record[now] = self.local_weights
            self.homeostatic_record[now] = self.homeostatic_bias

    def write(self, record: Any) -> None:
        """Write what lives on at the end of a presentation."""
        write(self.network, record, self.local, self.network.presented + self.time_step - 1)
        for name, values in written_biases(self.network, record, self.biases).items():
            self.biases[name][...] = values


@implements(proc=FusedNetwork, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyFusedNetworkModelFloat(AbstractFusedNetwork):
    """numerics.floating, compiled."""

    integer = False
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    u_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    u_all_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    local_weights: np.ndarray = LavaPyType(np.ndarray, float)
    homeostatic_bias: np.ndarray = LavaPyType(np.ndarray, float)
    homeostatic_record: np.ndarray = LavaPyType(np.ndarray, float)
    saturated: np.ndarray = LavaPyType(np.ndarray, np.int64)
    s_record: np.ndarray = LavaPyType(np.ndarray, float)
    u_record: np.ndarray = LavaPyType(np.ndarray, float)
    local_record: np.ndarray = LavaPyType(np.ndarray, float)


@implements(proc=FusedNetwork, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_tianjic")
class PyFusedNetworkModelFixed(AbstractFusedNetwork):
    """numerics.fixed, compiled: exact integers."""

    integer = True
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=8)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)
    u_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int64, precision=24)
    u_all_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int64, precision=24)
    local_weights: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=16)
    homeostatic_bias: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=32)
    homeostatic_record: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=32)
    saturated: np.ndarray = LavaPyType(np.ndarray, np.int64)
    s_record: np.ndarray = LavaPyType(np.ndarray, np.int64)
    u_record: np.ndarray = LavaPyType(np.ndarray, np.int64)
    local_record: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=16)
