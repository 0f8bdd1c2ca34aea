# SPDX-License-Identifier: BSD-3-Clause
"""From a trained torch model to the network description."""

from __future__ import annotations

import math
from typing import Any

from synergic._core.checks import kind
from synergic.errors import UnsupportedError
from synergic.learning._conv_layers import ConvHybridNet
from synergic.learning._export_convolution import Front, as_array
from synergic.learning._layers import HybridLinear, HybridNet
from synergic.network._description import TRACES, Network, Population, Projection, Source


def to_description(net: HybridNet, num_message_bits: int = 0, readout: str = "rank") -> Network:
    """Describe a trained net: source "input", populations "hidden1" ... "output".

    Of a `ConvHybridNet` the populations "conv1" ... come first, and "pooled" if a pooling leads into a plastic layer.
    All spikes and potentials are those of the net in eval mode, within rounding.

    Parameters
    ----------
    net : HybridNet
        The trained net.
    num_message_bits : int, default 0
        0 if the net receives spikes, 8 if it receives values of 0 to 1 (`synergic.Source`).
    readout : {"rank", "rate"}
        What decides the class (`synergic.Network`).

    Returns
    -------
    synergic.Network
        The description that the executors run.

    Raises
    ------
    ParameterError
        For what is no HybridNet.
    UnsupportedError
        For trace "shared", because a machine receives one sample at a time, and for convolutions of more synapses
        than a matrix can hold.
    """
    kind("to_description.net", net, HybridNet, "Make one with HybridNet(sizes).")
    for i, layer in enumerate(net.layers):
        if layer.plastic and layer.trace not in TRACES:
            raise UnsupportedError(
                f"HybridNet.layers[{i}].trace: got {layer.trace!r}, allowed {' or '.join(map(repr, TRACES))}. On a "
                "machine there is no batch to share P; train in the mode that will be used."
            )
    last, source = len(net.layers) - 1, net.sizes[0]
    populations, projections, front = [], [], None
    if isinstance(net, ConvHybridNet):
        front, source = Front(net), math.prod(net.picture)
        if net.layers[0].plastic:
            front.average()
        populations, projections = front.populations, front.projections
    names = ["input" if front is None else front.last]
    names += ["output" if i == last else f"hidden{i + 1}" for i in range(last + 1)]
    for i, layer in enumerate(net.layers):
        assert isinstance(layer, HybridLinear)
        n_out, weight = layer.weight.shape[0], as_array(layer.used()[0])
        if front is not None and i == 0:
            weight = front.before(weight)
        populations.append(Population(names[i + 1], n_out, layer.vth, layer.decay, layer.reset, as_array(layer.bias)))
        local: dict[str, Any] = {}
        if layer.plastic:
            local = {
                "rule": layer.described(),
                "alpha": as_array(layer.alpha),
                "local_weights": as_array(layer.local_weights),
            }
        projections.append(
            Projection(
                f"{names[i]}_{names[i + 1]}",
                names[i],
                names[i + 1],
                weight,
                trace=layer.trace if layer.trace in TRACES else "per_sample",
                **local,
            )
        )
    return Network(
        Source("input", source, num_message_bits),
        tuple(populations),
        tuple(projections),
        "output",
        net.steps,
        readout,
        tau_w=net.tau_w,
    )
