# SPDX-License-Identifier: BSD-3-Clause
"""Connections with few synapses: which synapses exist, and their values, checked as those of a description."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_matrix, issparse, sparray, spmatrix

from synergic._core.checks import choice, finite_array, kind, matrix, number, numbers, option, require, whole
from synergic._core.integers import AGAIN, check_range
from synergic.network._description import MESSAGE_BITS, PLASTICITY_SCOPES
from synergic.network._unfold import convolution_synapses
from synergic.numerics._sparse import OWN
from synergic.processes._connection import PlasticConnection
from synergic.processes._shared_memory import SharedVar
from synergic.rules import IntRule, Rule
from synergic.rules._kernels import kernel_of
from synergic.rules._stream import MEMORY, check_memory, check_rounding
from synergic.rules._synapses import Places, check_local

Array = npt.NDArray[Any]
Matrix: TypeAlias = "npt.ArrayLike | spmatrix | sparray"
"""A full matrix, or a sparse one of scipy's."""
OFF = "Store a synapse there, with weight 0 if need be."


@dataclass(frozen=True, eq=False)
class Pattern:
    """Which synapses exist, input by input, in the format of scipy's csc_matrix.

    The synapses of input j are starts_j <= e < starts_{j+1}. Synapse e ends in neuron rows_e. Rows rise within
    an input.

    shape : (n_out, n_in). starts : (n_in + 1,). rows : (synapses,).
    """

    shape: tuple[int, int]
    starts: Array
    rows: Array

    @classmethod
    def of(cls, m: csc_matrix) -> Pattern:
        """The stored entries of a canonical matrix."""
        return cls((int(m.shape[0]), int(m.shape[1])), m.indptr.astype(np.int64), m.indices.astype(np.int32))

    @classmethod
    def of_convolution(
        cls, kernel: tuple[int, ...], before: tuple[int, ...], after: tuple[int, ...], how: Any, groups: int, where: str
    ) -> tuple[Pattern, Array]:
        """Return the synapses of a convolution in Lava's order of axes, and each one's index into the kernel.

        kernel : shape (channels out, X, Y, channels in / groups). before, after : (X, Y, channels) of input and output,
        raveled as they are. how : stride, padding, dilation, a pair each. Raises ParameterError.
        """
        outs, width, height, each = kernel
        stride, padding, dilation = how
        shape, image = (outs, each, width, height), (before[0], before[1])
        neurons, inputs, weights = convolution_synapses(shape, image, stride, padding, dilation, groups, where)
        # The unfolding counts channels first and correlates, as torch; Lava counts them last and convolves.
        rows, columns = (
            np.arange(np.prod(axes)).reshape(axes).transpose(2, 0, 1).ravel()[part]
            for axes, part in ((after, neurons), (before, inputs))
        )
        flipped = np.arange(np.prod(kernel)).reshape(kernel)[:, ::-1, ::-1]
        place = flipped.transpose(0, 3, 1, 2).ravel()[weights]
        order, n_in = np.lexsort((rows, columns)), int(np.prod(before))
        starts = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=n_in))])
        return cls((int(np.prod(after)), n_in), starts, rows[order].astype(np.int32)), place[order].astype(np.int32)

    @cached_property
    def columns(self) -> Array:
        """(synapses,), the input in which each begins."""
        return np.repeat(np.arange(self.shape[1], dtype=np.int32), np.diff(self.starts))

    @property
    def size(self) -> int:
        """Number of synapses."""
        return len(self.rows)

    def matrix(self, values: Array) -> csc_matrix:
        """A row of values, one a synapse, as a matrix (n_out, n_in) that stores them all, zeros too."""
        matrix = csc_matrix((np.array(values), self.rows, self.starts), shape=self.shape, copy=True)
        matrix.has_canonical_format = True
        return matrix

    def read(self, where: str, given: Any, integer: bool) -> Array:
        """One value a synapse, of a sparse or full matrix (n_out, n_in), or of a row in the order of `matrix`.data.

        What is not stored counts as 0. Raises ParameterError for values other than 0 where there is no synapse.
        """
        if issparse(given):
            require(given.shape == self.shape, where, f"shape {given.shape}", f"{self.shape}", "One a synapse.")
            m = canonical(where, given, integer)
            key, own = (rows + columns.astype(np.int64) * self.shape[0] for rows, columns in (entries(m), self.ends))
            at = np.searchsorted(own, key).clip(0, self.size - 1)
            there = own[at] == key
            values = np.zeros(self.size, m.data.dtype)
            values[at[there]] = m.data[there]
            off = int(np.count_nonzero(m.data[~there]))
        else:
            array = finite_array(where, given, ((self.size,), self.shape), integer)
            values = array if array.ndim == 1 else array[self.rows, self.columns]
            off = int(np.count_nonzero(array)) - int(np.count_nonzero(values))
        require(off == 0, where, f"{off} values other than 0 off the stored synapses", "0 there", OFF)
        return values

    @property
    def ends(self) -> tuple[Array, Array]:
        """Neuron and input of every synapse."""
        return self.rows, self.columns


def entries(m: csc_matrix) -> tuple[Array, Array]:
    """Row and column of every stored entry of a matrix."""
    return m.indices, np.repeat(np.arange(m.shape[1]), np.diff(m.indptr))


def canonical(where: str, weights: Any, integer: bool | None = None) -> csc_matrix:
    """A matrix of scipy's, or a full one of which entries other than 0 are synapses, with checked values.

    Entries are sorted, those stored twice are added up, and stored zeros stay. integer : whether the values must be
    integers, or None for either.
    Raises ParameterError.
    """
    if not issparse(weights):
        whole_numbers = numbers(where, weights).dtype.kind in "iu" if integer is None else integer
        return csc_matrix(matrix(where, weights, whole_numbers))
    fits = len(weights.shape) == 2 and 0 not in weights.shape
    require(fits, where, f"shape {weights.shape}", "(n_out, n_in)", "Give a matrix with a row a neuron.")
    m = csc_matrix(weights, copy=True)
    m.sum_duplicates()
    whole_numbers = m.dtype.kind in "iu" if integer is None else integer
    return csc_matrix((finite_array(where, m.data, (m.data.shape,), whole_numbers), m.indices, m.indptr), m.shape)


@dataclass(frozen=True, eq=False)
class Synapses:
    """The values at a connection's synapses, checked as those of a Projection or, for integers, an IntProjection.

    weights : (synapses,), or shared ones, of which synapse e has the place_e-th, flat. alpha : scalar, (n_out,) or,
    floats only, a matrix, one a synapse.
    mask : (synapses,) of the rule's mask, or None. The other fields as there. Raises ParameterError.
    """

    name: str
    pattern: Pattern
    weights: Array
    rule: Any
    alpha: Any
    local_weights: Any
    plasticity_scope: str
    weight_bits: int = 8
    num_message_bits: int = 0
    place: Array = field(default_factory=lambda: OWN)
    mask: Any = None
    memory: int = MEMORY
    rounding: str = "nearest"
    seed: int = 1

    @property
    def integer(self) -> bool:
        """Whether its values are integers."""
        return bool(self.weights.dtype.kind == "i")

    @property
    def n_out(self) -> int:
        """Number of postsynaptic neurons."""
        return self.pattern.shape[0]

    @property
    def n_in(self) -> int:
        """Number of presynaptic channels."""
        return self.pattern.shape[1]

    def slow(self, weights: Array) -> Array:
        """One slow weight a synapse, of the values of a connection's Var."""
        return weights.ravel()[self.place] if self.place.size else weights

    @property
    def learns(self) -> bool:
        """Whether P changes during a presentation."""
        return self.rule is not None and self.plasticity_scope == "per_sample"

    @property
    def streams(self) -> bool:
        """Whether P lives on from presentation to presentation."""
        return self.rule is not None and self.plasticity_scope == "stream"

    def __post_init__(self) -> None:
        """Refuse values out of range; complete alpha, P and the mask."""
        name, integer = self.name, self.integer
        require(self.pattern.size > 0, f"{name}.weights", "no stored synapse", "one or more", OFF)
        choice(f"{name}.plasticity_scope", self.plasticity_scope, PLASTICITY_SCOPES)
        check_memory(name, self.memory)
        check_rounding(name, self.rounding, self.seed)
        kind(f"{name}.rule", self.rule, IntRule | None if integer else Rule | None, "Floats and integers do not mix.")
        if integer:
            option(f"{name}.num_message_bits", self.num_message_bits, MESSAGE_BITS, "0 (spikes) or 8 (values)")
            whole(f"{name}.weight_bits", self.weight_bits, 2, 16, AGAIN)
            top = 2 ** (self.weight_bits - 1)
            check_range(f"{name}.weights", self.weights, -top, top - 1)
        object.__setattr__(self, "alpha", self.read_alpha(integer))
        if self.rule is None:
            remedy = "Give a rule (plasticity_scope='frozen' keeps P as it is)."
            require(self.local_weights is None, f"{name}.local_weights", "an array", "None without a rule", remedy)
            return
        self.rule.check_shapes(name, self.n_out, self.n_in)
        if kernel_of(self.rule, sparse=True) is None:
            check_local(name, self.rule)
        p = np.zeros(self.pattern.size, np.int64 if integer else float)
        if self.local_weights is not None:
            p = self.pattern.read(f"{name}.local_weights", self.local_weights, integer)
        if integer:
            check_range(f"{name}.local_weights", p, -self.rule.p_top, self.rule.p_top)
        else:
            number(f"{name}.local_weights: largest |P|", np.abs(p).max(), 0, self.rule.p_max, "Raise p_max or clip P.")
        object.__setattr__(self, "local_weights", p)
        if self.rule.mask is not None:
            object.__setattr__(self, "mask", self.pattern.read(f"{name}.rule.mask", self.rule.mask, True))
            off, remedy = int(np.count_nonzero(p * (1 - self.mask))), "Multiply the local weights by the mask."
            require(off == 0, f"{name}.local_weights", f"{off} other than 0 off the mask", "0 there", remedy)

    def read_alpha(self, integer: bool) -> Array:
        """alpha as (), (n_out,), or (synapses, 1) of a matrix."""
        where = f"{self.name}.alpha"
        if not integer and (issparse(self.alpha) or numbers(where, self.alpha).ndim == 2):
            return self.pattern.read(where, self.alpha, False)[:, None]
        alpha = finite_array(where, self.alpha, ((), (self.n_out,)), integer)
        if integer:
            check_range(where, alpha, -(2**23), 2**23 - 1)
        return alpha

    def rules_own(self) -> tuple[Places | None, dict[str, Any]]:
        """Where the rule finds what each synapse receives, and its extra arrays; nothing where P does not change."""
        if not self.learns:
            return None, {}
        places = Places(*self.pattern.ends, self.pattern.shape)
        fresh, own = places.fresh(self.rule), self.rule.state
        return places, {
            name: SynapseVar(v, -np.inf, np.inf, self.pattern) if own[name] == "synapse" else v
            for name, v in fresh.items()
        }


class SynapseVar(SharedVar):
    """A SharedVar of one value a synapse: reads as a sparse matrix, whose order of `data` is that of the Var.

    pattern : which synapses exist.
    """

    def __init__(self, value: Array, low: float, high: float, pattern: Pattern) -> None:
        super().__init__(value, low, high)
        self.pattern: Pattern = pattern

    def get(self, idx: Any = None) -> Any:
        """A csc_matrix (n_out, n_in), or the values at the indices `idx` of its `data`."""
        return self.pattern.matrix(self.shared) if idx is None else super().get(idx)

    def set(self, value: Any, idx: Any = None) -> None:
        """Write all values, of a sparse or full matrix without others, or of a row as `get().data`; or those at `idx`.

        Raises ParameterError for a wrong shape, type or range.
        """
        if idx is None:
            value = self.pattern.read(f"{self.process.name}.{self.name}", value, self.shared.dtype == np.int64)
        super().set(value, idx)


class SynapseConnection(PlasticConnection):
    """Base of the connections with one value a synapse. Arguments as of PlasticConnection."""

    def __init__(self, p: Synapses, **kwargs: Any) -> None:
        places, fresh = p.rules_own()
        super().__init__(
            p,
            integer=p.integer,
            fresh=fresh,
            weight_bits=p.weight_bits,
            num_message_bits=p.num_message_bits,
            synapses=p,
            places=places,
            **kwargs,
        )

    def synaptic(self, p: Any, values: npt.NDArray[Any], low: float, high: float) -> SharedVar:
        """One value a synapse."""
        return SynapseVar(values, low, high, p.pattern)
