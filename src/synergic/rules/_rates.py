# SPDX-License-Identifier: BSD-3-Clause
"""The parameters of a local rule: what kinds there are, their ranges, and what rules of both numerics share."""

from __future__ import annotations

from dataclasses import MISSING
from typing import Any, ClassVar

import numpy as np

from synergic._core.checks import matrix, numbers, require
from synergic._core.moved import OldName
from synergic._core.parameters import CLAMP, Parameter, Parameterised, declared, piece, plain, share

TRACE_MAX = 64.0
"""Bound of a rule's traces."""
PER = {"pre": "presynaptic", "post": "postsynaptic"}


def rate(default: Any = MISSING, per: str = "") -> Any:
    """A parameter by which increments of P are multiplied; one value, or one a neuron: per "pre" or "post".

    Integers: at the scale S_P 2^e, e = eta_exp the largest of 0 .. 15 at which all rates of the rule fit 16 bits.
    """
    return declared("rate", per, default)


def check_mask(where: str, mask: Any) -> Any:
    """A mask as a read-only (n_out, n_in) array of 0 and 1, int64; None stays. Raises ParameterError."""
    if mask is None:
        return None
    given = matrix(where, numbers(where, mask, "iufb") * 1)
    bad = given[(given != 0) & (given != 1)]
    require(bad.size == 0, where, f"{bad[:3]}", "0 and 1", "A synapse has a local weight, or it has none.")
    checked = given.astype(np.int64)
    checked.setflags(write=False)
    return checked


def check_masked(where: str, rule: Any, local_weights: Any) -> None:
    """Refuse a mask of another shape than the local weights', and local weights off the mask."""
    if rule.mask is None:
        return
    shape = local_weights.shape
    remedy = "It says of every synapse whether it has a local weight."
    require(rule.mask.shape == shape, f"{where}.rule.mask", f"shape {rule.mask.shape}", f"{shape}", remedy)
    off = int(np.count_nonzero(local_weights * (1 - rule.mask)))
    remedy = "Multiply the local weights by the mask."
    require(off == 0, f"{where}.local_weights", f"{off} other than 0 off the mask", "0 there", remedy)


class Parameters(Parameterised):
    """What the rules of both numerics share.

    state : extra arrays that the rule carries through a presentation, zero at its start: by name "pre" (one value a
    presynaptic neuron), "post" or "synapse". signalled : whether it needs the global signal. integer : the numerics.
    """

    state: ClassVar[dict[str, str]] = {}
    signalled: ClassVar[bool] = False
    integer: ClassVar[bool] = False
    mask: Any = None

    def check_shapes(self, where: str, n_out: int, n_in: int) -> None:
        """Refuse parameters that do not fit a connection of that size. where : its name."""
        for name, (_, per) in self.parameters().items():
            shape, want = np.shape(getattr(self, name)), {"pre": (n_in,), "post": (n_out,), "": ()}[per]
            remedy = f"{name} is one value{f' a {PER[per]} neuron' if per else ''}."
            allowed = f"() or {want}" if per else "()"
            require(shape in ((), want), f"{where}.rule.{name}", f"shape {shape}", allowed, remedy)

    held: ClassVar[OldName] = OldName("values_at", "0.3")

    def values_at(self, values: dict[str, Any], rows: slice, columns: slice) -> dict[str, Any]:
        """The parts of `values` that a core with these rows and columns of the synapses holds."""
        at = {"pre": columns, "post": rows, "": slice(None)}
        return {name: piece(values[name], at[per]) for name, (_, per) in self.parameters().items()}

    def place(self, name: str, rows: slice, columns: slice) -> Any:
        """Return the slices of an extra array that a core with these rows and columns stores."""
        return {"pre": columns, "post": rows, "synapse": (rows, columns)}[self.state[name]]

    def fresh(self, n_out: int, n_in: int, batch: tuple[int, ...] = ()) -> dict[str, Any]:
        """The extra arrays at the start of a presentation, each (*batch, ...) of zeros."""
        shapes = {"pre": (n_in,), "post": (n_out,), "synapse": (n_out, n_in)}
        dtype = np.int64 if self.integer else np.float64
        return {name: np.zeros((*batch, *shapes[per]), dtype) for name, per in self.state.items()}

    def check_vectors(self) -> None:
        """Every parameter as a read-only array within its limits. Raises ParameterError."""
        self.check_parameters(self.integer)


__all__ = [
    "CLAMP", "PER", "TRACE_MAX", "Parameter", "Parameters", "check_mask", "check_masked", "declared", "piece", "plain",
    "rate", "share",
]  # fmt: skip
