# SPDX-License-Identifier: BSD-3-Clause
"""A chain of hybrid layers: the network that is trained."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import torch
from torch import Tensor, nn
from torch.nn import functional

from synergic._core.checks import choice, number, require, whole
from synergic.learning._tensors import check_input

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

from synergic.learning._layers import MODES, HybridLinear

L_co = TypeVar("L_co", bound=nn.Module, covariant=True)

if TYPE_CHECKING:

    class Layers(nn.ModuleList, Generic[L_co]):
        """A ModuleList that knows the class of its layers, for mypy alone; at run time it is torch's own."""

        def __init__(self, modules: Iterable[L_co]) -> None: ...
        @overload
        def __getitem__(self, idx: slice) -> Layers[L_co]: ...
        @overload
        def __getitem__(self, idx: int) -> L_co: ...
        def __getitem__(self, idx: int | slice) -> L_co | Layers[L_co]: ...
        def __iter__(self) -> Iterator[L_co]: ...
else:
    Layers = nn.ModuleList


class HybridNet(nn.Module):
    """A chain of hybrid layers in one of the three learning modes.

    Parameters
    ----------
    sizes : tuple of int
        Input channels, neurons of the hidden layers, classes.
    mode : {"hp", "gp", "lp"}
        "gp": no local weights. "lp": local weights; the hidden W and theta stay random, only the last layer is trained.
        "hp": everything is trained.
    steps : int, default 10
        T, steps of a presentation.
    tau_w : float, default 40.0
        Time constant of the decay of W, in steps; infinity for none.
    dropout : float, default 0.0
        Share of the hidden neurons that is left out for a whole presentation, in training only, 0 to 0.99.
    layer : type, default HybridLinear
        Class of the layers: `HybridLinear`, `RuleLinear`, `MaskedLinear` or one of your own.
    **settings
        Further arguments of `layer`, the same for all layers.

    Attributes
    ----------
    layers : torch.nn.ModuleList
        The layers, in the order in which spikes pass through them.
    k : torch.Tensor
        Buffer (T,), float64: exp(-m / tau_w) for m = 1 .. T, the decay of W within a presentation.
    seen : tuple or None
        What `train` has shown the net: whether all inputs were spikes (0 and 1), their lowest and their highest value.
        `to_description` describes a source of spikes or of values by it.

    Raises
    ------
    ParameterError
        For an argument outside its range.
    """

    mode: str
    steps: int
    tau_w: float
    sizes: tuple[int, ...]
    dropout: float
    layers: Layers[HybridLinear]
    k: Tensor
    seen: tuple[bool, float, float] | None

    def __init__(
        self,
        sizes: tuple[int, ...],
        *,
        mode: str = "hp",
        steps: int = 10,
        tau_w: float = 40.0,
        dropout: float = 0.0,
        layer: type[HybridLinear] = HybridLinear,
        **settings: Any,
    ) -> None:
        super().__init__()
        choice("HybridNet.mode", mode, MODES)
        fits = isinstance(sizes, tuple | list) and len(sizes) >= 2
        require(fits, "HybridNet.sizes", repr(sizes), "(channels, ..., classes)", "Give two sizes or more.")
        for size in sizes:
            whole("HybridNet.sizes", size, 1, float("inf"), "They are numbers of neurons.")
        fits, remedy = isinstance(layer, type) and issubclass(layer, nn.Module), "Give the class itself."
        require(fits, "HybridNet.layer", repr(layer), "HybridLinear, RuleLinear or MaskedLinear", remedy)
        number("HybridNet.tau_w", tau_w, 0, float("inf"), "inf keeps the slow weights as they are.", open_low=True)
        number("HybridNet.dropout", dropout, 0, 0.99, "It is the share left out.")
        whole("HybridNet.steps", steps, 1, float("inf"), "It is T, the steps of a presentation.")
        self.dropout, self.seen = dropout, None
        self.mode, self.steps, self.tau_w, self.sizes = mode, steps, tau_w, tuple(sizes)
        self.layers = Layers(layer(a, b, plastic=mode != "gp", **settings) for a, b in itertools.pairwise(sizes))
        if mode == "lp":
            for hidden in self.layers[:-1]:
                hidden.requires_grad_(False)
        m = torch.arange(1, steps + 1, dtype=torch.float64)
        self.register_buffer("k", torch.exp(-m / float(tau_w)))

    def extra_repr(self) -> str:
        """Return mode and steps, as torch shows them of a net."""
        return f"mode={self.mode!r}, steps={self.steps}"

    def forward(self, s: Tensor, signal: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run presentations.

        Parameters
        ----------
        s : torch.Tensor
            Spikes or real values: (batch, T, channels), or (batch, channels) for an input that is the same in all
            steps.
        signal : torch.Tensor, optional
            The global signal, (batch, T), for rules that need one.

        Returns
        -------
        spikes, u : torch.Tensor
            Spikes of the last layer, and its potentials before reset, each (batch, T, classes).

        Raises
        ------
        ParameterError
            For tensors of another shape or precision, and for a signal that no layer needs.
        """
        want = (self.steps, self.sizes[0])
        check_input("HybridNet.forward.s", s, self.layers[0].bias)
        require(
            (s.ndim == 3 and tuple(s.shape[1:]) == want) or (s.ndim == 2 and s.shape[1] == want[1]),
            "HybridNet.forward.s",
            f"shape {tuple(s.shape)}",
            f"(batch, {want[0]}, {want[1]}) or (batch, {want[1]})",
            "Axes are sample, step, channel.",
        )
        needs = [layer.needs_signal for layer in self.layers]
        if signal is not None:
            check_input("HybridNet.signal", signal)
        fits, remedy = any(needs) == (signal is not None), "A rule such as ThreeFactor needs one, others none."
        require(fits, "HybridNet.signal", type(signal).__name__, "a signal exactly if a layer receives it", remedy)
        u = s
        for i, layer in enumerate(self.layers):
            if i and self.dropout and self.training:
                s = s * functional.dropout(s.new_ones(len(s), 1, s.shape[2]), self.dropout)
            told = {"signal": signal} if needs[i] else {}
            s, u = layer(s, self.k.to(s.dtype), **told)
        return s, u

    def theta(self) -> list[nn.Parameter]:
        """Return the meta-parameters that are trained: alpha, eta and beta, or those of another rule."""
        named = ((n.split("."), p) for n, p in self.named_parameters() if p.requires_grad)
        return [p for n, p in named if n[-1] in ("alpha", "eta", "beta") or "rule_theta" in n]

    def slow(self) -> list[nn.Parameter]:
        """Return the slow weights and biases that are trained."""
        return [p for n, p in self.named_parameters() if n.split(".")[-1] in ("weight", "bias") and p.requires_grad]
