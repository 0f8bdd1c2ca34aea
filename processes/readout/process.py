# SPDX-License-Identifier: BSD-3-Clause
"""Decisions about presentations, on the machine: the read-outs of a description, as processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

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

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synergic.processes._arguments import ProcessArguments


class Readout(SharedProcess):
    """Base of both read-outs; choose RankReadout or RateReadout.

    Its Vars have one value per presentation and can be read also during a run.
    """

    inputs: ClassVar[tuple[str, ...]] = ("u_in",)
    """Ports without which there is no decision."""

    def __init__(
        self, integer: bool | None, n: int, period: int, presentations: int, onset: int, at_once: bool, **kwargs: Any
    ) -> None:
        name = kwargs.get("name", type(self).__name__)
        whole(f"{name}.n", n, 1, np.inf, "It is the number of output neurons.")
        whole(f"{name}.period", period, 1, np.inf, "It is T, the steps of a presentation.")
        whole(f"{name}.presentations", presentations, 1, np.inf, "Each has its place in the Vars.")
        kind(f"{name}.at_once", at_once, bool, "True receives a presentation in each Lava step.")
        timing = Timing(onset, 1 if at_once else period, presentations).check(name)
        super().__init__(integer=integer, timing=timing, steps=period, inputs=self.inputs, **kwargs)
        shape = (period, n) if at_once else (n,)
        for port in self.inputs:
            setattr(self, port, InPort(shape=shape))
        self.u_in: InPort
        self.c_out: OutPort = OutPort(shape=(n,))
        self.classes: SharedVar = SharedVar(np.full(presentations, -1))
        self.decided_at: SharedVar = SharedVar(np.zeros(presentations, np.int64))
        self.scores: SharedVar = SharedVar(np.zeros((presentations, n)))

    def check(self, model: type) -> None:
        """Also refuse a read-out without the connections that its decision needs."""
        super().check(model)
        for port in self.inputs:
            remedy = "Connect the output neurons' port to it."
            connected = bool(getattr(self, port).get_src_ports())
            require(connected, f"{self.name}.{port}", "no connection", "one", remedy)

    @staticmethod
    def place(network: Network | IntNetwork, at_once: bool) -> dict[str, Any]:
        """Return the arguments of size and clock behind the output population of a network."""
        kind("from_description.network", network, Network | IntNetwork, "Build one first.")
        kind("from_description.at_once", at_once, bool, "True receives a presentation in each Lava step.")
        onset, n = network.onsets[network.output], network.population(network.output).size
        return {"n": n, "period": network.steps, "onset": 0 if at_once else onset, "at_once": at_once}


class RankReadout(Readout):
    """Read-out Process: the class is the neuron with the highest potential u(T).

    The decision is that of `Record.classes` for readout="rank".

    Parameters
    ----------
    vth : float or int
        Threshold of the output neurons, greater than 0. A float selects the floating-point models, an integer the
        fixed-point models.
    n : int
        Number of output neurons, which are the classes.
    period : int
        Steps T of a presentation.
    presentations : int
        Number of presentations that are decided, after which the process rests.
    early : bool, default False
        False: the decision is made in step T. True: it is made in the first step in which a potential is above v_th, by
        the potentials of that step, or in step T if none is.
    onset : int, default 0
        Lava steps before the first presentation, as of the output neurons.
    at_once : bool, default False
        True behind FusedNetwork, where a presentation is one Lava step.
    name, log_config
        As of every Lava process.

    Attributes
    ----------
    u_in : InPort, shape (n,), or (T, n) at once
        Potentials before their reset: `u_out` of the neurons or of HybridNetwork, `u_all_out` of FusedNetwork.
    c_out : OutPort, shape (n,)
        1 for the class in the step in which it is decided, else zeros.
    classes : Var, shape (presentations,)
        The class, -1 before the decision.
    decided_at : Var, shape (presentations,)
        The step m of the decision, 0 before it.
    scores : Var, shape (presentations, n)
        The potentials in the step of the decision.
    vth : Var, shape (1,)
        As given; it may be set between two runs.

    Raises
    ------
    ParameterError
        If an argument is out of its range.

    Examples
    --------
    >>> readout = RankReadout(vth=0.35, n=10, period=10, presentations=100)
    >>> lif.u_out.connect(readout.u_in)
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
        **kwargs: Unpack[ProcessArguments],
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
        """Return softmax(u / v_th) of the scores.

        Returns
        -------
        ndarray of float, shape (presentations, n)
            Shares of 0 .. 1 that sum to 1 over the classes. Training does not calibrate them.
        """
        shares: npt.NDArray[np.float64] = softmax(self.scores.get() / self.vth.get(), axis=1)
        return shares

    @classmethod
    def from_description(
        cls, network: Network | IntNetwork, presentations: int, *, early: bool = False, at_once: bool = False
    ) -> RankReadout:
        """Build the read-out behind the output population of a network.

        Parameters
        ----------
        network : Network or IntNetwork
            The description, which gives the size, the clock and the numbers.
        presentations : int
            Number of presentations that are decided.
        early : bool, default False
            Whether the decision is made as soon as a potential is above the threshold.
        at_once : bool, default False
            True behind FusedNetwork.

        Raises
        ------
        ParameterError
            If an argument is out of its range.
        """
        place = cls.place(network, at_once)
        return cls(vth=network.population(network.output).vth, presentations=presentations, early=early, **place)


class RateReadout(Readout):
    """Read-out Process: the class is the neuron with the most spikes, and between equals the one with the highest u(T).

    The decision is that of `Record.classes` for readout="rate". It is made as soon as the lead is larger than the
    number of steps left; where counts are equal, in step T. Neurons that send values are refused: their lead does not
    show when a decision is safe.

    Parameters
    ----------
    n : int
        Number of output neurons, which are the classes.
    period : int
        Steps T of a presentation.
    presentations : int
        Number of presentations that are decided, after which the process rests.
    onset : int, default 0
        Lava steps before the first presentation, as of the output neurons.
    at_once : bool, default False
        True behind FusedNetwork, where a presentation is one Lava step.
    name, log_config
        As of every Lava process.

    Attributes
    ----------
    s_in : InPort, shape (n,), or (T, n) at once
        Spikes of the output neurons.
    u_in : InPort, shape (n,), or (T, n) at once
        Potentials before their reset, as of RankReadout.
    c_out : OutPort, shape (n,)
        1 for the class in the step in which it is decided, else zeros.
    classes : Var, shape (presentations,)
        The class, -1 before the decision.
    decided_at : Var, shape (presentations,)
        The step m of the decision, 0 before it.
    scores : Var, shape (presentations, n)
        Those of `Record.scores`, from step T on.

    Raises
    ------
    ParameterError
        If an argument is out of its range.
    UnsupportedError
        Before the run, if the neurons in front send values.

    Examples
    --------
    >>> readout = RateReadout(n=10, period=10, presentations=100)
    """

    inputs: ClassVar[tuple[str, ...]] = ("s_in", "u_in")

    def __init__(
        self,
        *,
        n: int,
        period: int,
        presentations: int,
        onset: int = 0,
        at_once: bool = False,
        **kwargs: Unpack[ProcessArguments],
    ) -> None:
        super().__init__(None, n, period, presentations, onset, at_once, **kwargs)
        self.share()

    def check(self, model: type) -> None:
        """Also refuse neurons that send values."""
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
        """Build the read-out behind the output population of a network.

        Parameters
        ----------
        network : Network or IntNetwork
            The description, which gives the size, the clock and the numbers.
        presentations : int
            Number of presentations that are decided.
        at_once : bool, default False
            True behind FusedNetwork.

        Raises
        ------
        ParameterError
            If an argument is out of its range.
        """
        return cls(presentations=presentations, **cls.place(network, at_once))
