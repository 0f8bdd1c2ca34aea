# SPDX-License-Identifier: BSD-3-Clause
"""Convolution with shared slow weights W, and fast, local weights P of which every synapse has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import finite_array, numbers, require, whole
from synergic._core.moved import renamed
from synergic.network._unfold import image_after, pairs
from synergic.processes._shared_memory import SharedVar
from synergic.processes._sparse_synapses import Matrix, Pattern, SynapseConnection, Synapses
from synergic.rules import IntRule, Rule
from synergic.rules._stream import MEMORY

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synergic.processes._arguments import ConnectionArguments


@renamed("trace", "plasticity_scope")
class HybridConv(SynapseConnection):
    """Convolution Process, as Lava's Conv, whose synapses also have local weights.

    The synaptic input of output i at step m of a presentation is

        a_i(m) = sum_e s_j(m) (k(m) W_e + alpha_i P_e(m-1)) over the synapses e = (i, j)

    of the unfolded kernel, with W_e the weight of synapse e in the kernel. All output positions share the kernel. Each
    synapse has its own local weight, because a local rule knows only the s_j and u_i of one synapse. Memory and time
    grow with the number of synapses.

    Parameters
    ----------
    weight : array_like, shape (channels out, X, Y, channels in / groups)
        The kernel, as of Lava's Conv. The kernel of torch, which correlates, is flipped along X and Y. Floats select
        the floating-point models, integers the fixed-point models.
    input_shape : tuple of int, (X, Y, channels in)
        Shape of the input.
    padding, stride, dilation : int or tuple of int, (X, Y), defaults 0, 1, 1
        As of Lava's Conv.
    groups : int, default 1
        Number of groups of channels, as of Lava's Conv.
    rule, alpha, local_weights, plasticity_scope, weight_bits, num_message_bits, memory, rounding, seed, **kwargs
        As of HybridSparse, for the matrix (n_out, n_in) between the flattened output and the flattened input (x before
        y before channel). So are arrays of parameters of a rule.

    Attributes
    ----------
    s_in : InPort, shape `input_shape`
        Spikes 0/1, or values.
    u_in : InPort, shape `output_shape`
        Potentials of the neurons behind, before their reset.
    r_in : InPort, shape (1,)
        Global signal, for rules that use one.
    a_out : OutPort, shape `output_shape`
        Synaptic input of the neurons behind.
    input_shape, output_shape : tuple of int, (X, Y, channels)
        Shapes of input and output.
    weights : Var, shape of `weight`
        The kernel; also `weight`. The other Vars are those of HybridSparse.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or the kernel does not fit into the padded input.
    UnsupportedError
        If the rule looks at other neurons or inputs than those of a synapse.

    Examples
    --------
    >>> conv = HybridConv(weight=np.zeros((8, 3, 3, 1)), input_shape=(28, 28, 1))
    >>> lif = HybridLIF(shape=conv.output_shape)
    >>> conv.a_out.connect(lif.a_in)
    >>> lif.u_out.connect(conv.u_in)
    """

    def __init__(
        self,
        *,
        weight: npt.ArrayLike,
        input_shape: tuple[int, int, int],
        padding: int | tuple[int, int] = 0,
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        rule: Rule | IntRule | None = None,
        alpha: Matrix | None = None,
        local_weights: Matrix | None = None,
        plasticity_scope: str = "per_sample",
        weight_bits: int = 8,
        num_message_bits: int = 0,
        memory: int = MEMORY,
        rounding: str = "nearest",
        seed: int = 1,
        **kwargs: Unpack[ConnectionArguments],
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
        self.geometry: dict[str, Any] = {"stride": how[0], "padding": how[1], "dilation": how[2], "groups": groups}
        after = image_after((shape[0], shape[1]), (kernel.shape[1], kernel.shape[2]), *how)
        remedy = "The kernel must fit into the padded input."
        require(min(after) > 0, f"{name}.input_shape", f"{shape}", f"what leaves an output, not {after}", remedy)
        self.input_shape: tuple[int, int, int] = (shape[0], shape[1], shape[2])
        self.output_shape: tuple[int, int, int] = (*after, len(kernel))
        pattern, place = Pattern.of_convolution(kernel.shape, shape, self.output_shape, how, groups, name)
        alpha = np.zeros((), kernel.dtype) if alpha is None else alpha
        own: dict[str, Any] = {"memory": memory, "rounding": rounding, "seed": seed, "place": place}
        bits = (weight_bits, num_message_bits)
        p = Synapses(name, pattern, kernel, rule, alpha, local_weights, plasticity_scope, *bits, **own)
        super().__init__(p, shape_in=shape, shape_out=self.output_shape, **kwargs)

    def slow_weights(self, p: Any, low: float, high: float) -> SharedVar:
        """Return the Var of the kernel."""
        return SharedVar(p.weights, low, high)

    @property
    def weight(self) -> SharedVar:
        """Var of the kernel, by the name that Lava gives it."""
        return self.weights
