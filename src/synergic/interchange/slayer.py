# SPDX-License-Identifier: BSD-3-Clause
"""A plastic layer as a block of lava-dl's SLAYER: trained among its other blocks, written into the same HDF5 file::

    net = torch.nn.Sequential(
        slayer.block.cuba.Dense(neuron, 34, 64, pre_hook_fx=slayer.utils.quantize_hook_fx),
        HybridBlock(64, 10),
    )

What is learned, and its equations, are those of synergic.learning.HybridLinear; only axes and clock are SLAYER's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from synergic._core.checks import option, require, whole
from synergic.errors import UnsupportedError
from synergic.interchange._lava_dl import check_written, write_layer
from synergic.learning._export import to_description
from synergic.learning._layers import HybridLinear, HybridNet
from synergic.network._quantise import quantise

__all__ = ["HybridBlock"]


class HybridBlock(nn.Module):
    """Plastic dense connection and LIF neurons on SLAYER's terms.

    in_neurons, out_neurons : sizes. delay_shift : whether spikes leave a step late, as those of SLAYER's blocks do.
    settings : of HybridLinear; reset is "zero" and bias 0 unless changed, as SLAYER's. Slow weights do not decay (tau_w
    infinite): SLAYER has no presentation that they could decay in. `layer` holds W, b, alpha, eta, beta; the local
    weights of a sample begin anew in each call. Raises ParameterError.
    """

    def __init__(self, in_neurons: int, out_neurons: int, *, delay_shift: bool = True, **settings: Any) -> None:
        super().__init__()
        require(isinstance(delay_shift, bool), "HybridBlock.delay_shift", delay_shift, "True or False", "Choose one.")
        for name, size in (("in_neurons", in_neurons), ("out_neurons", out_neurons)):
            whole(f"HybridBlock.{name}", size, 1, float("inf"), "It is a number of neurons.")
        # A chain of one layer, which is what is exported.
        net = HybridNet((in_neurons, out_neurons), tau_w=float("inf"), **{"reset": "zero", **settings})
        self.net: HybridNet = net
        self.delay_shift: bool = delay_shift
        with torch.no_grad():
            self.layer.bias.zero_()

    @property
    def layer(self) -> HybridLinear:
        """The layer that computes."""
        layer = self.net.layers[0]
        assert isinstance(layer, HybridLinear)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        """x : spikes (batch, in_neurons, T). Returns spikes (batch, out_neurons, T)."""
        wanted = f"(batch, {self.net.sizes[0]}, T)"
        fits = isinstance(x, Tensor) and x.ndim == 3 and x.shape[1] == self.net.sizes[0] and x.shape[2] > 0
        got = f"shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        require(fits, "HybridBlock input", got, wanted, "Axes are sample, neuron, step, as SLAYER's.")
        spikes, _ = self.layer(x.transpose(1, 2), x.new_ones(x.shape[2]))
        spikes = spikes.transpose(1, 2)
        return nn.functional.pad(spikes, (1, 0))[..., :-1] if self.delay_shift else spikes

    def export_hdf5(self, handle: Any, weight_bits: int = 8, local_bits: int = 16) -> None:
        """Write the block, in integers, into a group `layer/<i>` of an HDF5 file, as SLAYER's own blocks do.

        weight_bits, local_bits : of `quantise`, which rounds. `from_lava_dl` reads the plastic layer whole; other
        readers find a dense block without local weights. Raises UnsupportedError for what integers cannot hold.
        """
        option("HybridBlock.export_hdf5.weight_bits", weight_bits, tuple(range(2, 9)), "2 to 8")
        network = quantise(to_description(self.net), weight_bits, local_bits)
        projection, population = network.projections[0], network.population(network.output)
        check_written(projection, population)
        if "type" in handle:
            raise UnsupportedError(
                f"HybridBlock.export_hdf5: got the group {handle.name}, which is in use. Give another."
            )
        write_layer(handle, projection, population)
