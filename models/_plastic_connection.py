# SPDX-License-Identifier: BSD-3-Clause
"""What the CPU models of all plastic connections share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType

from synergic.numerics import _compiled as compiled
from synergic.numerics import fixed, floating
from synergic.processes._shared_memory import MEMORY, STATE, THETA, SharedModel
from synergic.rules._kernels import kernel_of, write_in_place
from synergic.rules._stream import random_words


class AbstractConnection(SharedModel, PyLoihiProcessModel):
    """The order of messages and presentations. Subclasses define the synapses and the type of numbers.

    A step sends the current of the previous step's spikes, receives the potential that this very current drove,
    forms P(m) from the two, and only then receives new spikes: no graph can deadlock (Lava's Dense does the same).
    """

    integer: ClassVar[bool]
    loops: ClassVar[Any] = compiled
    """The module of compiled loops."""
    where: tuple[Any, ...] = ()
    """Arguments of the loops that define which synapses exist; none if all do."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        n_out, n_in = proc_params["size"]
        dtype = np.int64 if self.integer else np.float64
        self.acc: np.ndarray = np.zeros(n_out, dtype)
        self.s: np.ndarray = np.zeros(n_in, dtype)
        # What has come in and does not act yet, a row a step; the one at `time_step % delay` is the oldest.
        self.waiting: np.ndarray = np.zeros((proc_params["delay"], n_in), dtype)
        rule = proc_params["rule"]
        self.local: Any = None if rule is None else proc_params[MEMORY]["local_weights"]
        self.mask: Any = None if rule is None else rule.mask
        if proc_params["streams"]:
            steps = proc_params["timing"].period
            self.received: tuple[np.ndarray, ...] = tuple(np.zeros((steps, n), dtype) for n in (n_in, n_out, 1))

    def scalar_or_vector(self, name: str) -> Any:
        """A shared parameter as the scalar or the array that the rule takes."""
        value = self.proc_params[MEMORY][name]
        return value[0] if value.shape == (1,) else value

    @abstractmethod
    def accumulate(self, s: Any, k: Any) -> Any:
        """The synaptic input of spikes s."""

    def begin(self) -> None:
        """A presentation begins: P at its start, the rule's extra arrays at 0."""
        self.local[...] = self.proc_params[MEMORY]["local_start"]
        for values in self.proc_params[STATE].values():
            values[...] = 0

    def update(self, *given: Any) -> Any:
        """rule.update; given : its arguments from `state` to `vth`."""
        return self.proc_params["rule"].update(fixed if self.integer else floating, self.local, *given, self.mask)

    def learn(self, s: Any, u: Any, signal: Any) -> int:
        """P(m) in place; returns the number of entries that the bound changed."""
        params, state, rule = self.proc_params, self.proc_params[STATE], self.proc_params["rule"]
        theta = self.theta()
        kernel = kernel_of(rule, sparse=bool(self.where))
        if kernel is not None:
            function = kernel.fixed if self.integer else kernel.floating
            return function(rule, theta, self.local, s, u, params["vth"], self.mask, self.loops, self.where)
        self.local[...], new, clipped = self.update(state, s, u, signal, theta, params["vth"])
        for name, values in new.items():
            state[name][...] = values
        return int(clipped)

    def theta(self) -> dict[str, Any]:
        """The parameters of the rule by name, as they stand now."""
        return {name: v[0] if v.shape == (1,) else v for name, v in self.proc_params[THETA].items()}

    def write(self, words: Any) -> int:
        """Write the P of a stream in place; returns the number of entries that the bound changed.

        words : random numbers of stochastic rounding, (n_out, n_in), or None.
        """
        params = self.proc_params
        given = (self.theta(), params["vth"], self.mask, params["memory"], words)
        s, u, signal = self.received
        return write_in_place(params["rule"], self.local, s, u, signal, *given)

    def gather(self, m: int, number: int, u: Any, signal: Any) -> None:
        """Keep step m of a stream's presentation; after the last one, write."""
        for log, values in zip(self.received, (self.s, u, signal), strict=True):
            log[m - 1] = values
        params = self.proc_params
        if m == params["timing"].period:
            stochastic, presentation = params["rounding"] == "stochastic", params["presented"] + number
            words = random_words(params["seed"], presentation, params["size"]) if stochastic else None
            self.saturated += self.write(words)

    def delayed(self, received: np.ndarray) -> np.ndarray:
        """What came in `delay` steps ago, in exchange for what came in now."""
        if not len(self.waiting):
            return received
        at = self.time_step % len(self.waiting)
        oldest = self.waiting[at].copy()
        self.waiting[at] = received
        return oldest

    def run_spk(self) -> None:
        """One time step."""
        params, timing = self.proc_params, self.proc_params["timing"]
        m = timing.step(self.time_step)
        if m == 1 and params["learns"]:
            self.begin()
        k = self.k[min(m, self.k.size) - 1] if m else 0
        # Formed here and not when the spikes came, so that a variable set between two runs acts at once.
        self.acc = self.accumulate(self.s, k)
        self.a_out.send(self.acc.reshape(params["shape_out"]))
        u = self.u_in.recv().ravel()
        signal = self.r_in.recv()
        if m and params["learns"]:
            self.saturated += self.learn(self.s, u, signal)
        number = timing.presentation(self.time_step)
        if m and params["streams"]:
            self.gather(m, number, u, signal)
        if m and m == timing.period and self.local is not None and number < params["record"]:
            self.local_record[0 if params["streams"] else number] = self.local
        self.s = self.delayed(self.s_in.recv().ravel().astype(self.s.dtype))
        if timing.step(self.time_step + 1) <= timing.lag:
            self.s[:] = 0


class FloatingConnection(AbstractConnection):
    """numerics.floating, compiled."""

    integer = False
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    r_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
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


class FixedConnection(AbstractConnection):
    """numerics.fixed, compiled: exact integers."""

    integer = True
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=1)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=24)
    r_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64, precision=16)
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
