# SPDX-License-Identifier: BSD-3-Clause
"""Convolution with shared slow weights W, and fast, local weights P of which every synapse has its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from synergic._core.checks import finite_array, numbers, require, whole
from synergic.network._unfold import pairs, picture_after
from synergic.processes._shared_memory import SharedVar
from synergic.processes._sparse_synapses import Pattern, SynapseConnection, Synapses


class HybridConv(SynapseConnection):
    """A convolution as Lava's Conv, whose synapses also have local weights: a_i(m) = sum_e s_j(m) (k(m) W_e + alpha_i
    P_e(m-1)) over the synapses e = (i, j) of the unfolded kernel, W_e its weight in the kernel.

    The slow kernel is shared by all places. Local weights are not: a local rule knows one synapse's s_j and u_i, and
    one P for all places would have to bring together what happens at all of them. Memory and time go with the synapses.

    Parameters
    ----------
    weight : the kernel, (channels out, X, Y, channels in / groups), as Lava's Conv has it: torch, which correlates, has
        it flipped along X and Y. Floats select the floating-point models, integers the fixed-point ones.
    input_shape : (X, Y, channels in). padding, stride, dilation : one number, or (X, Y). groups : as Lava's.
    rule, alpha, local_weights, trace, record and all others as of HybridSparse, of the matrix (n_out, n_in) between the
        raveled output and the raveled input, x before y before channel. Parameters of a rule likewise.

    Ports: s_in of input_shape; u_in and a_out of `output_shape`, (X, Y, channels out); r_in (1,). HybridLIF's are flat:
    `conv.a_out.flatten().connect(lif.a_in)`, `lif.u_out.reshape(conv.u_in.shape).connect(conv.u_in)`. Vars as of
    HybridSparse, but `weights` (also `weight`) is the kernel. Raises ParameterError, and UnsupportedError for a rule
    that is not local to a synapse.
    """

    def __init__(
        self,
        *,
        weight: Any,
        input_shape: tuple[int, int, int],
        padding: Any = 0,
        stride: Any = 1,
        dilation: Any = 1,
        groups: int = 1,
        rule: Any = None,
        alpha: Any = None,
        local_weights: Any = None,
        trace: str = "per_sample",
        weight_bits: int = 8,
        num_message_bits: int = 0,
        **kwargs: Any,
    ) -> None:
        name = kwargs.get("name", "HybridConv")
        where = f"{name}.weight"
        kernel = numbers(where, weight)
        fits, layout = kernel.ndim == 4 and 0 not in kernel.shape, "(channels out, X, Y, channels in / groups)"
        require(fits, where, f"shape {kernel.shape}", layout, "Give it as Lava's Conv has it.")
        kernel = finite_array(where, kernel, (kernel.shape,), kernel.dtype.kind in "iu")
        shape = tuple(input_shape) if isinstance(input_shape, tuple | list) else ()
        require(len(shape) == 3, f"{name}.input_shape", repr(input_shape), "(X, Y, channels)", "Three whole numbers.")
        for n in shape:
            whole(f"{name}.input_shape", n, 1, float("inf"), "Three whole numbers.")
        whole(f"{name}.groups", groups, 1, len(kernel), "Groups share the channels evenly.")
        want, remedy = kernel.shape[3] * groups, "The kernel has the channels of one group."
        require(shape[2] == want, f"{name}.input_shape", f"{shape[2]} channels", f"{want} with this kernel", remedy)
        how = pairs(name, stride, padding, dilation)
        after = picture_after((shape[0], shape[1]), (kernel.shape[1], kernel.shape[2]), *how)
        remedy = "The kernel must fit into the padded input."
        require(min(after) > 0, f"{name}.input_shape", f"{shape}", f"what leaves an output, not {after}", remedy)
        self.input_shape: tuple[int, int, int] = (shape[0], shape[1], shape[2])
        self.output_shape: tuple[int, int, int] = (*after, len(kernel))
        pattern, place = Pattern.of_convolution(kernel.shape, shape, self.output_shape, how, groups, name)
        alpha = np.zeros((), kernel.dtype) if alpha is None else alpha
        bits = (weight_bits, num_message_bits)
        p = Synapses(name, pattern, kernel, rule, alpha, local_weights, trace, *bits, place)
        super().__init__(p, shape_in=shape, shape_out=self.output_shape, **kwargs)

    def slow_weights(self, p: Any, low: float, high: float) -> SharedVar:
        """The kernel."""
        return SharedVar(p.weights, low, high)

    @property
    def weight(self) -> SharedVar:
        """The kernel, by Lava's name."""
        return self.weights
