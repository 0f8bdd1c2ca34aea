# SPDX-License-Identifier: BSD-3-Clause
"""CPU models of HybridDense."""

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
from synergic.processes.hybrid_dense.process import HybridDense
from synergic.processes.shared import MEMORY, SharedModel


class AbstractHybridDense(SharedModel, PyLoihiProcessModel):
    """The order of messages and presentations; subclasses compute current and rule.

    A step sends the current of the previous step's spikes, hears the potential that this very current drove,
    forms P(m) from the two, and only then receives new spikes: no graph can deadlock (Lava's Dense does the same).
    """

    integer: bool

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        n_out, n_in = proc_params[MEMORY]["weights"].shape
        dtype = np.int64 if self.integer else np.float64
        self.acc = np.zeros(n_out, dtype)
        self.s = np.zeros(n_in, dtype)
        self.local: Any = None if proc_params["rule"] is None else proc_params[MEMORY]["local_weights"]

    def scalar_or_vector(self, name: str) -> Any:
        """A shared parameter as the scalar or the array that the rule takes."""
        value = self.proc_params[MEMORY][name]
        return value[0] if value.shape == (1,) else value

    @abstractmethod
    def accumulate(self, s: Any, k: Any) -> Any:
        """The synaptic input of spikes s."""

    @abstractmethod
    def learn(self, s: Any, u: Any) -> int:
        """P(m) in place; returns the number of entries that the bound changed."""

    def run_spk(self) -> None:
        """One time step."""
        params, timing = self.proc_params, self.proc_params["timing"]
        m = timing.step(self.time_step)
        if m == 1 and params["learns"]:
            self.local[...] = params[MEMORY]["local_start"]
        k = self.k[min(m, self.k.size) - 1] if m else 0
        # Formed here and not when the spikes came, so that a variable set between two runs acts at once.
        self.acc = self.accumulate(self.s, k)
        self.a_out.send(self.acc)
        u = self.u_in.recv()
        if m and params["learns"]:
            self.saturated += self.learn(self.s, u)
        number = timing.presentation(self.time_step)
        if m and m == timing.period and self.local is not None and number < params["record"]:
            self.local_record[number] = self.local
        self.s = self.s_in.recv().astype(self.s.dtype)
        if timing.step(self.time_step + 1) <= timing.lag:
            self.s[:] = 0


@implements(proc=HybridDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyHybridDenseModelFloat(AbstractHybridDense):
    """numerics.floating."""

    integer = False
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    weights: np.ndarray = LavaPyType(np.ndarray, float)
    k: np.ndarray = LavaPyType(np.ndarray, float)
    alpha: np.ndarray = LavaPyType(np.ndarray, float)
    saturated: np.ndarray = LavaPyType(np.ndarray, np.int64)
    local_weights: np.ndarray = LavaPyType(np.ndarray, float)
    local_start: np.ndarray = LavaPyType(np.ndarray, float)
    local_record: np.ndarray = LavaPyType(np.ndarray, float)
    eta: np.ndarray = LavaPyType(np.ndarray, float)
    beta: np.ndarray = LavaPyType(np.ndarray, float)
    lambda_: np.ndarray = LavaPyType(np.ndarray, float)

    def accumulate(self, s: Any, k: Any) -> Any:
        return floating.synaptic_input(s, self.weights, float(k), self.local, self.scalar_or_vector("alpha"))

    def learn(self, s: Any, u: Any) -> int:
        r = self.proc_params["rule"]
        self.local[...], clipped = floating.hebbian(
            self.local,
            s,
            u,
            eta=self.scalar_or_vector("eta"),
            beta=self.scalar_or_vector("beta"),
            lambda_=float(self.lambda_[0]),
            rho=r.rho,
            sign=r.sign,
            p_max=r.p_max,
            vth=self.proc_params["vth"],
        )
        return clipped


@implements(proc=HybridDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_tianjic")
class PyHybridDenseModelFixed(AbstractHybridDense):
    """numerics.fixed: exact integers."""

    integer = True
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=1)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=24)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int64, precision=32)
    weights: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=8)
    k: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=13)
    alpha: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    saturated: np.ndarray = LavaPyType(np.ndarray, np.int64)
    local_weights: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=16)
    local_start: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=16)
    local_record: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=16)
    eta: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=16)
    beta: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=16)
    lambda_: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=13)

    def accumulate(self, s: Any, k: Any) -> Any:
        return fixed.accumulate(s, self.weights, int(k), self.local, self.scalar_or_vector("alpha"))

    def learn(self, s: Any, u: Any) -> int:
        r = self.proc_params["rule"]
        q = fixed.postsynaptic(u, r.table, r.table_scale, self.scalar_or_vector("beta"))
        self.local[...], clipped = fixed.hebbian(
            self.local,
            s,
            q,
            eta=self.scalar_or_vector("eta"),
            lambda_=int(self.lambda_[0]),
            sign=r.sign,
            p_top=r.p_top,
            eta_exp=r.eta_exp,
        )
        return clipped
