# SPDX-License-Identifier: BSD-3-Clause
"""A process that judges spikes. In a folder of its own: Lava executes every file beside a process."""

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess


class Critic(AbstractProcess):
    """r_out(t) = 1 - 2 mean(s_in(t)), in the same step. s_in : (n,); r_out : (1,)."""

    def __init__(self, *, n):
        super().__init__(n=n)
        self.s_in = InPort(shape=(n,))
        self.r_out = OutPort(shape=(1,))
