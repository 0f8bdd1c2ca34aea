# SPDX-License-Identifier: BSD-3-Clause
"""A process that fails on demand. In a folder of its own: Lava executes every file beside a process."""

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

MESSAGE = "the model was told to fail"


class Failing(AbstractProcess):
    """Sends ones on s_out and hears a_in, both (n,); fails `where`: "constructor", "send" or "receive".

    step : time step of the failure. how : "raise", "unpicklable" (an exception that cannot be read by another
    process), "kill" (the operating system ends the process).
    """

    def __init__(self, *, n, where, step=3, how="raise"):
        super().__init__(n=n, where=where, step=step, how=how)
        self.a_in = InPort(shape=(n,))
        self.s_out = OutPort(shape=(n,))
