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

import h5py
import torch
from torch import Tensor, nn

from synergic._core.checks import option, require, whole
from synergic.errors import UnsupportedError
from synergic.interchange._lava_dl import check_written, write_layer
from synergic.learning._export import to_description
from synergic.learning._hybrid_net import HybridNet
from synergic.learning._layers import HybridLinear
from synergic.network._quantise import quantise

__all__ = ["HybridBlock"]


class HybridBlock(nn.Module):
    """Plastic dense connection and LIF neurons, with the axes and the clock of SLAYER.

    Slow weights do not decay (tau_w is infinite), because SLAYER has no presentation in which they could. The local
    weights of a sample start anew in each call.

    Parameters
    ----------
    in_neurons, out_neurons : int
        Sizes, 1 or more.
    delay_shift : bool, default True
        Whether spikes leave one step late, as those of SLAYER's blocks do.
    **settings
        Of synergic.learning.HybridLinear. Unless given, reset is "zero" and the bias 0, as of SLAYER.

    Attributes
    ----------
    net : HybridNet
        A chain of one layer, which is what is exported.
    delay_shift : bool
        As given.

    Raises
    ------
    ParameterError
        If an argument is out of its range.
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
        """Layer that computes, with the parameters W, b, alpha, eta and beta."""
        layer = self.net.layers[0]
        assert isinstance(layer, HybridLinear)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        """Run spikes through the block.

        Parameters
        ----------
        x : Tensor, shape (batch, in_neurons, T)
            Spikes 0/1.

        Returns
        -------
        Tensor, shape (batch, out_neurons, T)
            Spikes 0/1.

        Raises
        ------
        ParameterError
            If x has another shape.
        """
        wanted = f"(batch, {self.net.sizes[0]}, T)"
        fits = isinstance(x, Tensor) and x.ndim == 3 and x.shape[1] == self.net.sizes[0] and x.shape[2] > 0
        got = f"shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        require(fits, "HybridBlock input", got, wanted, "Axes are sample, neuron, step, as SLAYER's.")
        spikes, _ = self.layer(x.transpose(1, 2), x.new_ones(x.shape[2]))
        spikes = spikes.transpose(1, 2)
        return nn.functional.pad(spikes, (1, 0))[..., :-1] if self.delay_shift else spikes

    def export_hdf5(self, handle: h5py.Group, weight_bits: int = 8, local_bits: int = 16) -> None:
        """Write the block in integers into a group of an HDF5 file, as SLAYER's own blocks do.

        `from_lava_dl` reads the plastic layer whole. Other readers find a dense block without local weights.

        Parameters
        ----------
        handle : h5py.Group
            An empty group `layer/<i>`.
        weight_bits : int, default 8
            Bits of the slow weights, 2 to 8.
        local_bits : int, default 16
            Bits of the local weights, as of `quantise`.

        Raises
        ------
        ParameterError
            If an argument is out of its range.
        UnsupportedError
            If integers cannot represent the block, or the group is in use.
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
