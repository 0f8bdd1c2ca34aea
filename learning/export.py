# SPDX-License-Identifier: BSD-3-Clause
"""From a trained torch model to the network description."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from synergic.errors import UnsupportedError
from synergic.learning.layers import HybridLinear, HybridNet
from synergic.network import TRACES, Network, Population, Projection, Source


def array(tensor: Tensor) -> np.ndarray:
    """A tensor as float64."""
    return tensor.detach().cpu().numpy().astype(float)


def to_description(net: HybridNet, num_message_bits: int = 0, readout: str = "rank") -> Network:
    """The description of a trained net: source "input", populations "hidden1" ... "output".

    num_message_bits : 0 if the net hears spikes, 8 if it hears values of 0 .. 1 (synergic.Source).
    readout : "rank" or "rate" (synergic.Network).
    Raises UnsupportedError for trace "shared": a machine hears one sample at a time.
    """
    for i, layer in enumerate(net.layers):
        if layer.plastic and layer.trace not in TRACES:
            raise UnsupportedError(
                f"HybridNet.layers[{i}].trace: got {layer.trace!r}, allowed {' or '.join(map(repr, TRACES))}. On a "
                "machine there is no batch to share P; train in the mode that will be used."
            )
    last = len(net.layers) - 1
    names = ["input", *("output" if i == last else f"hidden{i + 1}" for i in range(last + 1))]
    populations, projections = [], []
    for i, layer in enumerate(net.layers):
        assert isinstance(layer, HybridLinear)
        n_out, (weight, _) = layer.weight.shape[0], layer.used()
        populations.append(Population(names[i + 1], n_out, layer.vth, layer.decay, layer.reset, array(layer.bias)))
        local: dict[str, Any] = {}
        if layer.plastic:
            local = {
                "rule": layer.described(),
                "alpha": array(layer.alpha),
                "local_weights": array(layer.local_weights),
            }
        projections.append(
            Projection(
                f"{names[i]}_{names[i + 1]}",
                names[i],
                names[i + 1],
                array(weight),
                trace=layer.trace if layer.trace in TRACES else "per_sample",
                **local,
            )
        )
    return Network(
        Source("input", net.sizes[0], num_message_bits),
        tuple(populations),
        tuple(projections),
        "output",
        net.steps,
        readout,
        tau_w=net.tau_w,
    )
