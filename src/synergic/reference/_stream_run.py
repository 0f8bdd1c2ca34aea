# SPDX-License-Identifier: BSD-3-Clause
"""Samples presented one after another, by the compiled functions: long streams, of which the answers are returned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import kind, require
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork
from synergic.reference._presentation import by_input, present, split, write
from synergic.reference._simulate import Record, biased, start_biases, written_biases

Array = npt.NDArray[Any]


def stream(
    network: Network | IntNetwork, inputs: Iterable[npt.ArrayLike]
) -> tuple[npt.NDArray[np.int64], Network | IntNetwork]:
    """Present samples one after another, and return the class of each and the network as the last one has left it.

    The same as `simulate`, faster and without a record: for streams of many thousand samples. Local weights of streams
    and homeostatic biases live on. A later call with the network that is returned goes on from there.

    Parameters
    ----------
    network : Network or IntNetwork
        The network.
    inputs : iterable of array_like, shape (T, channels)
        What each sample gives the source; an array (samples, T, channels) is one such iterable.

    Returns
    -------
    classes : ndarray of int64, shape (samples,)
        Predicted classes.
    network : Network or IntNetwork
        The network with what lives on as it is now.

    Raises
    ------
    ParameterError
        If a sample does not fit the network, or a rule needs a global signal, for which there is no argument.

    Examples
    --------
    >>> classes, network = stream(network, spikes)
    """
    kind("stream.network", network, Network | IntNetwork, "Build one, or export it with to_description().")
    kind("stream.inputs", inputs, Iterable, "Give an array (samples, T, channels), or yield arrays (T, channels).")
    signalled = [q.name for q in network.projections if q.plastic and q.rule.signalled]
    remedy = "Use simulate(signal=...)."
    require(not signalled, "stream.network", f"a rule with a global signal in {signalled}", "rules without", remedy)
    number: Any = np.int64 if network.integer else np.float64
    laid_out = by_input(network)
    flat = np.zeros(sum(q.weights.size for q in network.projections if q.rule is not None), number)
    local, biases = split(flat, laid_out), start_biases(network)
    for q in laid_out.projections:
        if q.rule is not None:
            local[q.name][...] = q.local_weights
    classes = []
    for n, given in enumerate(inputs):
        source = network.check_input(given)
        require(len(source) == 1, "stream.inputs", f"shape {np.shape(given)}", "(T, channels) each", "Yield samples.")
        record = present(biased(laid_out, biases), source[0], local, False)
        write(laid_out, record, local, network.presented + n)
        biases = written_biases(network, record, biases)
        out = network.output
        last = Record({out: record.spikes[out][None]}, {out: record.u[out][None]})
        classes.append(int(last.classes(network)[0]))
    require(bool(classes), "stream.inputs", "no samples", "one or more", "Give an array (samples, T, channels).")
    names = {q.name for q in network.streams}
    changes: dict[str, Any] = {
        "projections": tuple(
            replace(q, local_weights=np.array(local[q.name])) if q.name in names else q for q in network.projections
        ),
        "populations": tuple(
            replace(p, homeostasis=replace(p.homeostasis, start=biases[p.name])) if p.name in biases else p
            for p in network.populations
        ),
    }
    if network.integer:
        changes["presented"] = network.presented + len(classes)
    return np.array(classes, np.int64), replace(network, **changes)
