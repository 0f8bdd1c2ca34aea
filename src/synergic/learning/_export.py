# SPDX-License-Identifier: BSD-3-Clause
"""From a trained torch model to the network description."""

from __future__ import annotations

import math
from typing import Any

from synergic._core.checks import kind
from synergic.errors import UnsupportedError
from synergic.learning._conv_layers import ConvHybridNet
from synergic.learning._export_convolution import Front, as_array
from synergic.learning._hybrid_net import HybridNet
from synergic.learning._layers import HybridLinear
from synergic.network._description import PLASTICITY_SCOPES, Network, Population, Projection, Source
from synergic.rules._stream import check_memory


def to_description(
    net: HybridNet, num_message_bits: int | None = None, readout: str = "rank", memory: int | None = None
) -> Network:
    """Describe a trained net: source "input", populations "hidden1" ... "output".

    Of a `ConvHybridNet` the populations "conv1" ... come first, and "pooled" if a pooling leads into a plastic layer.
    All spikes and potentials are those of the net in eval mode, within rounding. A stream has no counterpart in
    torch: its P begins as training has left it, and lives on.

    Parameters
    ----------
    net : HybridNet
        The trained net.
    num_message_bits : int or None, default None
        0 if the net receives spikes, 8 if it receives values of 0 to 1 (`synergic.Source`). None: what `train` has
        shown it; spikes, if it was trained by a loop of your own.
    readout : {"rank", "rate"}
        What decides the class (`synergic.Network`).
    memory : int or None, default None
        If given, the plastic layers become streams (plasticity_scope "stream") with this B, 1 .. 2^20 presentations.
        None keeps the scope of the layers.

    Returns
    -------
    synergic.Network
        The description that the executors run.

    Raises
    ------
    ParameterError
        For what is no HybridNet.
    UnsupportedError
        For plasticity_scope "shared" without `memory`, because a machine receives one sample at a time, and for
        convolutions of more synapses than a matrix can hold. For a net that `train` has shown values outside 0 to 1,
        without `num_message_bits`.
    """
    kind("to_description.net", net, HybridNet, "Make one with HybridNet(sizes).")
    if num_message_bits is None:
        num_message_bits = bits_of(net)
    for i, layer in enumerate(net.layers):
        if layer.plastic and memory is None and layer.plasticity_scope not in PLASTICITY_SCOPES:
            raise UnsupportedError(
                f"HybridNet.layers[{i}].plasticity_scope: got {layer.plasticity_scope!r}, allowed 'per_sample' or "
                "'frozen'. On a machine there is no batch to share P. Give memory=1000: P then lives on from sample to "
                "sample, as a stream."
            )
    if memory is not None:
        check_memory("to_description", memory)
    last, source = len(net.layers) - 1, net.sizes[0]
    populations, projections, front = [], [], None
    if isinstance(net, ConvHybridNet):
        front, source = Front(net), math.prod(net.input_shape)
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
            scope = {"plasticity_scope": layer.plasticity_scope}
            local = {
                "rule": layer.described(),
                "alpha": as_array(layer.alpha),
                "local_weights": as_array(layer.local_weights),
                **(scope if memory is None else {"plasticity_scope": "stream", "memory": memory}),
            }
        projections.append(
            Projection(
                f"{names[i]}_{names[i + 1]}",
                names[i],
                names[i + 1],
                weight,
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


def bits_of(net: HybridNet) -> int:
    """Bits of the messages of the source that a net was trained on. Raises UnsupportedError."""
    if net.seen is None or net.seen[0]:
        return 0
    _, low, high = net.seen
    if low < 0 or high > 1:
        raise UnsupportedError(
            f"to_description.net: got one that was trained on values from {low:.3g} to {high:.3g}, allowed spikes or "
            "values of 0 to 1, which a machine receives. Scale the samples to 0 .. 1 (no Normalize), and train again."
        )
    return 8
