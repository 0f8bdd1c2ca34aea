# SPDX-License-Identifier: BSD-3-Clause
"""Decisions about presentations, on the machine: the read-outs of a description, as processes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from lava.magma.core.process.ports.ports import InPort, OutPort
from scipy.special import softmax

from synergic._core.checks import kind, number, require, whole
from synergic.errors import UnsupportedError
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.numerics.fixed import MEMBRANE_MAX
from synergic.processes._shared_memory import SENDS, SharedProcess, SharedVar
from synergic.processes._timing import Timing


class Readout(SharedProcess):
    """What both read-outs have. Choose RankReadout or RateReadout.

    n : number of output neurons, the classes. period : T, steps of a presentation. presentations : how many are
    decided; afterwards it rests. onset : as of the output neurons (synergic.processes._timing.Timing). at_once : True
    behind FusedNetwork, where a presentation is a Lava step.

    Ports: u_in (n,) potentials before their reset, `u_out` of HybridLIF or HybridNetwork; at once (T, n), `u_all_out`
    of FusedNetwork. c_out (n,) sends 1 for the class, in the step in which it is decided, else zeros. Vars, by
    presentation, readable also during a run: classes, -1 before the decision; decided_at, the step m of the decision, 0
    before it; scores (presentations, n), of which the class has the highest. Raises ParameterError.
    """

    heard: ClassVar[tuple[str, ...]] = ("u_in",)
    """Ports without which there is no decision."""

    def __init__(
        self, integer: bool | None, n: int, period: int, presentations: int, onset: int, at_once: bool, **kwargs: Any
    ) -> None:
        name = kwargs.get("name", type(self).__name__)
        whole(f"{name}.n", n, 1, np.inf, "It is the number of output neurons.")
        whole(f"{name}.period", period, 1, np.inf, "It is T, the steps of a presentation.")
        whole(f"{name}.presentations", presentations, 1, np.inf, "Each has its place in the Vars.")
        kind(f"{name}.at_once", at_once, bool, "True hears a presentation in each Lava step.")
        timing = Timing(onset, 1 if at_once else period, presentations).check(name)
        super().__init__(integer=integer, timing=timing, steps=period, heard=self.heard, **kwargs)
        shape = (period, n) if at_once else (n,)
        for port in self.heard:
            setattr(self, port, InPort(shape=shape))
        self.u_in: InPort
        self.c_out: OutPort = OutPort(shape=(n,))
        self.classes: SharedVar = SharedVar(np.full(presentations, -1))
        self.decided_at: SharedVar = SharedVar(np.zeros(presentations, np.int64))
        self.scores: SharedVar = SharedVar(np.zeros((presentations, n)))

    def check(self, model: Any) -> None:
        """Also refuses a read-out that hears nothing."""
        super().check(model)
        for port in self.heard:
            remedy = "Connect the output neurons' port to it."
            connected = bool(getattr(self, port).get_src_ports())
            require(connected, f"{self.name}.{port}", "no connection", "one", remedy)

    @staticmethod
    def place(network: Network | IntNetwork, at_once: bool) -> dict[str, Any]:
        """Size and clock behind the network's output."""
        kind("from_description.network", network, Network | IntNetwork, "Build one first.")
        kind("from_description.at_once", at_once, bool, "True hears a presentation in each Lava step.")
        onset, n = network.onsets[network.output], network.population(network.output).size
        return {"n": n, "period": network.steps, "onset": 0 if at_once else onset, "at_once": at_once}


class RankReadout(Readout):
    """The class is the neuron with the highest potential u(T), as `Record.classes` has it for readout="rank".

    vth : threshold of the output neurons; a float selects the floating-point models, an integer the fixed-point ones.
    early : False: decided in step T. True: in the first step in which a potential passes v_th, by the potentials of
    that step, or in step T if none does. All others as of Readout, whose Vars it has; scores are the potentials of the
    step of the decision. Var vth (1,) may be set between runs.
    """

    def __init__(
        self,
        *,
        vth: float,
        n: int,
        period: int,
        presentations: int,
        early: bool = False,
        onset: int = 0,
        at_once: bool = False,
        **kwargs: Any,
    ) -> None:
        name = kwargs.get("name", type(self).__name__)
        integer = isinstance(vth, int | np.integer)
        if integer:
            whole(f"{name}.vth", vth, 1, MEMBRANE_MAX, "It is that of the output neurons.")
        else:
            number(f"{name}.vth", vth, 0, 1e6, "It is that of the output neurons.", open_low=True)
        kind(f"{name}.early", early, bool, "True decides as soon as a neuron fires.")
        super().__init__(integer, n, period, presentations, onset, at_once, early=early, **kwargs)
        smallest = 1 if integer else float(np.finfo(float).tiny)
        self.vth: SharedVar = SharedVar(np.asarray(vth), smallest, MEMBRANE_MAX if integer else np.inf)
        self.share()

    def probabilities(self) -> npt.NDArray[np.float64]:
        """softmax(u / v_th) of the scores, (presentations, n): that sum to 1. Training does not calibrate them."""
        shares: npt.NDArray[np.float64] = softmax(self.scores.get() / self.vth.get(), axis=1)
        return shares

    @classmethod
    def from_description(
        cls, network: Network | IntNetwork, presentations: int, *, early: bool = False, at_once: bool = False
    ) -> RankReadout:
        """The read-out behind a network's output population; at_once : behind FusedNetwork."""
        place = cls.place(network, at_once)
        return cls(vth=network.population(network.output).vth, presentations=presentations, early=early, **place)


class RateReadout(Readout):
    """The class is the neuron with the most spikes, u(T) between equals, as `Record.classes` for readout="rate".

    Neurons that send values are refused: their lead says nothing about when a decision is safe.

    Decided as soon as the lead is larger than the number of steps left, hence never otherwise than in step T; where
    counts are equal, in step T. All arguments, u_in and Vars as of Readout; scores are those of `Record.scores`, there
    from step T on. s_in (n,), or (T, n) at once, hears the neurons' spikes.
    """

    heard: ClassVar[tuple[str, ...]] = ("s_in", "u_in")

    def __init__(
        self, *, n: int, period: int, presentations: int, onset: int = 0, at_once: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(None, n, period, presentations, onset, at_once, **kwargs)
        self.share()

    def check(self, model: Any) -> None:
        """Also refuses neurons that send values."""
        super().check(model)
        for port in self.s_in.get_src_ports():
            if port.process.proc_params.get(SENDS):
                raise UnsupportedError(
                    f"{self.name}.s_in: got values from {port.process.name}, allowed spikes. Use a RankReadout, or add "
                    "the values up yourself: Record.scores does."
                )

    @classmethod
    def from_description(
        cls, network: Network | IntNetwork, presentations: int, *, at_once: bool = False
    ) -> RateReadout:
        """The read-out behind a network's output population; at_once : behind FusedNetwork."""
        return cls(presentations=presentations, **cls.place(network, at_once))
