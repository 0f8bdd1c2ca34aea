# SPDX-License-Identifier: BSD-3-Clause
"""What processes of neurons share: ports, variables, recording."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort

from synergic._core.checks import grid, numbers, require, whole
from synergic._core.integers import ONE
from synergic.numerics.fixed import ACCUMULATOR_SHIFT, MEMBRANE_MAX, MEMBRANE_MIN, VALUE_BITS
from synergic.processes._shared_memory import SENDS, SharedProcess, SharedVar
from synergic.rules._stream import STEPS_MAX

SHIFTS = (ACCUMULATOR_SHIFT, ACCUMULATOR_SHIFT + VALUE_BITS)
"""Of the accumulator: behind spikes, and behind values."""


class Neurons(SharedProcess):
    """Base of HybridLIF and HybridNeuron: a_in, s_out, u_out, and the variables that all neurons have."""

    @staticmethod
    def flat(name: str, shape: Any, bias: Any) -> tuple[tuple[int, ...], Any]:
        """The shape as a tuple, and a bias of that shape as the row (n,) that a description takes; one number stays.

        Raises ParameterError.
        """
        axes = max(len(shape), 1) if isinstance(shape, tuple | list) else 1
        shape, given = (
            grid(f"{name}.shape", shape, axes, "(n,), or sides such as (4, 5)"),
            numbers(f"{name}.bias", bias),
        )
        remedy = "Give one value, or one a neuron."
        require(given.shape in ((), shape), f"{name}.bias", f"shape {given.shape}", f"() or {shape}", remedy)
        return shape, given.ravel() if given.ndim else bias

    def declare(self, p: Any, integer: bool, record: int, shape: tuple[int, ...]) -> None:
        """Declare ports and variables of a population's description. record : Lava steps to record."""
        whole(f"{p.name}.record", record, 0, float("inf"), "It is a number of Lava steps.")
        dtype, rule = np.int64 if integer else np.float64, p.homeostasis
        period = self.proc_params["timing"].period
        if rule is not None:
            remedy = "It is the number of steps of a presentation; homeostasis writes at its end."
            whole(f"{p.name}.period", 0 if period is None else period, 1, STEPS_MAX, remedy)
        self.a_in: InPort = InPort(shape=shape)
        self.s_out: OutPort = OutPort(shape=shape)
        self.u_out: OutPort = OutPort(shape=shape)
        low, high = (MEMBRANE_MIN, MEMBRANE_MAX) if integer else (-np.inf, np.inf)
        self.u: SharedVar = SharedVar(np.zeros(shape, dtype), low, high)
        self.u_before_reset: SharedVar = SharedVar(np.zeros(shape, dtype), low, high)
        self.vth: SharedVar = SharedVar(np.asarray(p.vth, dtype), 1 if integer else float(np.finfo(float).tiny), high)
        self.decay: SharedVar = SharedVar(np.asarray(p.decay, dtype), 0, ONE if integer else 1)
        self.bias: SharedVar = SharedVar(p.bias.reshape(shape), low, high)
        recorded = (max(record, 1), *shape)
        self.s_record: SharedVar = SharedVar(np.zeros(recorded, dtype if p.num_message_bits else np.int64))
        self.u_record: SharedVar = SharedVar(np.zeros(recorded, dtype))
        self.saturated: SharedVar = SharedVar(np.zeros(1, np.int64))
        # Lava wants every Var of the model to exist: without homeostasis they are a single zero.
        c, bound = (np.zeros(1, dtype), 0) if rule is None else (np.full(p.size, rule.start, dtype), rule.limit)
        c = c if rule is None else c.reshape(shape)
        self.homeostatic_bias: SharedVar = SharedVar(c, -bound, bound)
        written = 0 if rule is None else record // period
        self.homeostatic_record: SharedVar = SharedVar(np.zeros((max(written, 1), *c.shape), dtype))
        self.proc_params["homeostasis"] = rule
        self.proc_params["record"] = record
        self.proc_params[SENDS] = p.num_message_bits
