# SPDX-License-Identifier: BSD-3-Clause
"""Layers of which a task uses a sparse part M of the slow weights, and the local weights of the rest (Wu et al. 2022).

    I_i(m) = sum_j s_j(m) ( W_ij M_ij k(m) + alpha_i P_ij(m-1) (1 - M_ij) )

M is stored and computed sparsely. P is never formed: with M_i the inputs that M connects to neuron i, what its entries
would have added is taken from the overlap of all inputs (`_layers`, form gram),

    K_i(m, q) = sum_j eta_j s_j(m) s_j(q) - sum_{j in M_i} eta_j s_j(m) s_j(q)

of which the second sum is one sparse product for each pair of steps, or one in all if the input stays.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from synergic._core.checks import kinds, number, require, whole
from synergic.learning._hybrid_net import HybridNet, Layers
from synergic.learning._layers import HybridLinear, top_of
from synergic.learning._scan import RHO
from synergic.learning._tensors import check_input, clip


class Pattern:
    """Where a sparse matrix (n_out, n_in) has entries, by rows and by columns.

    A matrix with this pattern is a vector of its values, ordered by row, then by column.

    Parameters
    ----------
    rows, cols : torch.Tensor
        Integers, (entries,): row and column of each entry, no pair twice.
    shape : tuple of int
        (n_out, n_in).

    Attributes
    ----------
    shape : tuple of int
        (n_out, n_in).
    rows, cols : torch.Tensor
        Row and column of each value, in the order of the values.

    Raises
    ------
    ParameterError
        For rows and columns of different lengths, an entry outside the matrix, or a pair that occurs twice.
    """

    shape: tuple[int, int]
    rows: Tensor
    cols: Tensor
    to_columns: Tensor
    by_row: tuple[Tensor, Tensor]
    by_column: tuple[Tensor, Tensor]

    def __init__(self, rows: Tensor, cols: Tensor, shape: tuple[int, int]) -> None:
        kinds("Pattern", rows=(rows, Tensor), cols=(cols, Tensor), shape=(shape, tuple))
        require(len(shape) == 2, "Pattern.shape", shape, "(n_out, n_in)", "It is the shape of a matrix.")
        for size in shape:
            whole("Pattern.shape", size, 1, 2**31 - 1, "It is the shape of a matrix.")
        for name, places in (("rows", rows), ("cols", cols)):
            integers = not (places.is_floating_point() or places.is_complex())
            require(integers, f"Pattern.{name}", places.dtype, "integers", "They are numbers of rows and columns.")
        fits = rows.shape == cols.shape and rows.ndim == 1
        require(
            fits,
            "Pattern.rows, cols",
            f"{tuple(rows.shape)} for columns {tuple(cols.shape)}",
            "one each",
            "See Pattern.",
        )
        if len(rows):
            inside = int(rows.min()) >= 0 and int(rows.max()) < shape[0]
            inside = inside and int(cols.min()) >= 0 and int(cols.max()) < shape[1]
            require(inside, "Pattern.rows, cols", "entries outside", f"0 .. {shape[0] - 1}, 0 .. {shape[1] - 1}", "")
        place = rows * shape[1] + cols
        order = torch.argsort(place)
        require(bool((place[order].diff() > 0).all()), "Pattern.rows, cols", "a pair twice", "each once", "Drop it.")
        self.shape, self.rows, self.cols = shape, rows[order], cols[order]
        self.to_columns = torch.argsort(self.cols * shape[0] + self.rows)
        # MKL is faster with 32 bits.
        self.by_row = (starts(self.rows, shape[0]), self.cols.int())
        self.by_column = (starts(self.cols, shape[1]), self.rows[self.to_columns].int())

    @classmethod
    def draw(cls, shape: tuple[int, int], density: float, generator: torch.Generator) -> Pattern:
        """Draw round(density n_out n_in) entries, all equally likely.

        Parameters
        ----------
        shape : tuple of int
            (n_out, n_in).
        density : float
            Share of the entries, 0 to 1.
        generator : torch.Generator
            Source of the randomness.

        Raises
        ------
        ParameterError
            For a density outside 0 to 1.
        """
        number("Pattern.density", density, 0, 1, "It is the share of the weights.")
        size = shape[0] * shape[1]
        place = torch.randperm(size, generator=generator)[: round(density * size)]
        return cls(place // shape[1], place % shape[1], shape)

    def matrix(self, values: Tensor) -> Tensor:
        """Return the sparse matrix (n_out, n_in) with these values."""
        return torch.sparse_csr_tensor(*self.by_row, values, self.shape, check_invariants=False)

    def transposed(self, values: Tensor) -> Tensor:
        """Return its transpose, (n_in, n_out)."""
        size = self.shape[::-1]
        return torch.sparse_csr_tensor(*self.by_column, values[self.to_columns], size, check_invariants=False)


def starts(sorted_indices: Tensor, count: int) -> Tensor:
    """Return where each of `count` rows starts in a compressed matrix, and where the last one ends."""
    ends = torch.bincount(sorted_indices, minlength=count).cumsum(0)
    return torch.cat([ends.new_zeros(1), ends]).int()


class SparseProduct(torch.autograd.Function):
    """A x for a sparse A, whose entries `values` are at the positions of `pattern`; x : (n_in, columns)."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, x: Tensor, pattern: Pattern) -> Tensor:
        """Return A x, (n_out, columns)."""
        ctx.save_for_backward(values, x)
        ctx.pattern = pattern
        return pattern.matrix(values) @ x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of values and x."""
        (values, x), pattern = ctx.saved_tensors, ctx.pattern
        g, g_values, g_x = grads[0].contiguous(), None, None
        if ctx.needs_input_grad[0]:
            g_values = torch.sparse.sampled_addmm(pattern.matrix(values), g, x.T, beta=0).values()
        if ctx.needs_input_grad[1]:
            g_x = pattern.transposed(values) @ g
        return g_values, g_x, None


def sparse_product(s: Tensor, values: Tensor, pattern: Pattern) -> Tensor:
    """Return s A^T. s : (..., n_in); the result is (..., n_out)."""
    rows = s.reshape(-1, s.shape[-1]).T.contiguous()
    out: Tensor = SparseProduct.apply(values, rows, pattern).T
    return out.reshape(*s.shape[:-1], pattern.shape[0])


class MaskedLinear(HybridLinear):
    """A `HybridLinear` of which the present task uses W on a sparse part M only, and P on the rest.

    Parameters
    ----------
    n_in, n_out : int
        Number of inputs and of neurons.
    **settings
        Further arguments of `HybridLinear`. plasticity_scope must be "per_sample", alpha_shape "neuron" or "scalar".

    Attributes
    ----------
    weight : torch.nn.Parameter
        The slow weights of all tasks, (n_out, n_in). They are not trained themselves.
    values : torch.nn.Parameter
        The slow weights of the present task, (entries of M,). They are trained, and `use` puts them back into `weight`.
    pattern : Pattern or None
        M of the present task.

    Raises
    ------
    ParameterError
        For settings that a masked layer does not support.

    Notes
    -----
    The current of neuron i at step m is::

        I_i(m) = sum_j s_j(m) (W_ij M_ij k(m) + alpha_i P_ij(m-1) (1 - M_ij)) + b_i
    """

    pattern: Pattern | None
    values: nn.Parameter

    def __init__(self, n_in: int, n_out: int, **settings: Any) -> None:
        super().__init__(n_in, n_out, **settings)
        fits = self.plasticity_scope == "per_sample" and self.alpha.ndim < 2
        given = f"plasticity_scope {self.plasticity_scope!r}, alpha_shape of {self.alpha.ndim} axes"
        require(
            fits,
            "MaskedLinear",
            given,
            "plasticity_scope 'per_sample', alpha_shape 'scalar' or 'neuron'",
            "See MaskedLinear.",
        )
        self.weight.requires_grad_(False)
        self.pattern = None
        self.values = nn.Parameter(torch.zeros(0))

    @torch.no_grad()
    def use(self, pattern: Pattern | None) -> None:
        """Put the values of the present task back, and take up those of another one.

        Parameters
        ----------
        pattern : Pattern or None
            M of the other task, of the shape of W; None for a task without any slow weight.
        """
        if self.pattern is not None:
            self.weight[self.pattern.rows, self.pattern.cols] = self.values
        if pattern is None:
            pattern = Pattern(torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long), self.size)
        require(pattern.shape == self.size, "MaskedLinear.use", f"shape {pattern.shape}", f"{self.size}", "As W's.")
        self.pattern = pattern
        self.values = nn.Parameter(self.weight[pattern.rows, pattern.cols])

    def used(self) -> tuple[Tensor, Tensor | None]:
        """Return W on M, and the rest as the mask of the local weights."""
        slow, rest = torch.zeros_like(self.weight), torch.ones_like(self.weight)
        if self.pattern is not None:
            at = self.pattern.rows, self.pattern.cols
            slow[at], rest[at] = self.values.detach(), 0
        return slow, rest

    @property
    def size(self) -> tuple[int, int]:
        """(n_out, n_in)."""
        return self.weight.shape[0], self.weight.shape[1]

    def forward(self, s: Tensor, k: Tensor, form: str | None = None) -> tuple[Tensor, Tensor]:
        """Run a presentation, as `HybridLinear.forward`.

        Parameters
        ----------
        s : torch.Tensor
            (batch, T, n_in), or (batch, n_in) for an input that is the same in all steps.
        k : torch.Tensor
            Decay of W, (T,).
        form : {"matrix"}, optional
            "matrix" carries P and its bound. Default: the fastest form that is exact.

        Returns
        -------
        spikes, u : torch.Tensor
            Spikes, and potentials before reset, each (batch, T, n_out).

        Raises
        ------
        ParameterError
            Before the first `use`, and for tensors of another shape or precision.
        """
        require(self.pattern is not None, "MaskedLinear", "no mask", "a mask of the task", "Call use(pattern) before.")
        assert self.pattern is not None
        check_input("MaskedLinear.forward.s", s, self.values)
        s = s[:, None] if s.ndim == 2 else s
        slow = sparse_product(s, self.values, self.pattern)
        if not self.plastic:
            return steps_of(self, slow, k, None)
        if form == "matrix":
            return self.run_masked_matrix(s, slow, k)
        spikes, u = steps_of(self, slow, k, self.overlaps(s, len(k)))
        if not self.may_clip(len(k), top_of(s)) or not bool(self.clipped(s, u).any()):
            return spikes, u
        return self.run_masked_matrix(s, slow, k)

    def overlaps(self, s: Tensor, steps: int) -> dict[tuple[int, int], Tensor]:
        """Return sign lambda^(t-1-q) K_i(t, q), (batch, n_out), for each pair q < t < steps."""
        assert self.pattern is not None
        ones = torch.ones_like(self.values)
        pairs = [(t, q) for t in range(steps) for q in range(t)]
        if s.shape[1] == 1:
            product = s[:, 0] * s[:, 0]
            whole = (product @ self.eta)[:, None] - sparse_product(product * self.eta, ones, self.pattern)
            return {(t, q): self.sign * self.lambda_ ** (t - 1 - q) * whole for t, q in pairs}
        if not pairs:
            return {}
        now = s.unbind(1)
        product = torch.stack([now[t] * now[q] for t, q in pairs])
        whole = (product @ self.eta)[..., None] - sparse_product(product * self.eta, ones, self.pattern)
        factors = [self.sign * self.lambda_ ** (t - 1 - q) for t, q in pairs]
        return {p: f * x for p, f, x in zip(pairs, factors, whole.unbind(0), strict=True)}

    def run_masked_matrix(self, s: Tensor, slow: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the local term from P, a matrix a sample, with its bound. Exact, and slow."""
        rest = self.used()[1]
        assert rest is not None
        s, p = s.expand(-1, len(k), -1), self.local_weights.expand(len(s), -1, -1)
        slow = slow * k[:, None] + self.bias
        u, potentials, spikes = torch.zeros_like(slow[:, 0]), [], []
        for t in range(len(k)):
            local = self.alpha * torch.einsum("bij,bj->bi", rest * p, s[:, t])
            before, fired, u = self.neuron.step(u, slow[:, t] + local)
            post = RHO[self.rho](before / self.vth) + self.beta
            pre = self.sign * self.eta * s[:, t]
            p = clip(self.lambda_ * p + post[:, :, None] * pre[:, None, :], self.p_max)
            potentials.append(before)
            spikes.append(fired)
        return torch.stack(spikes, 1), torch.stack(potentials, 1)


def steps_of(
    layer: HybridLinear, slow: Tensor, k: Tensor, overlap: dict[tuple[int, int], Tensor] | None
) -> tuple[Tensor, Tensor]:
    """Run the steps of a presentation with one overlap a neuron. slow : (batch, T or 1, n_out)."""
    currents = (slow * k[:, None] + layer.bias).unbind(1)
    u, potentials, spikes = torch.zeros_like(currents[0]), [], []
    posts: list[Tensor] = []
    for t, current in enumerate(currents):
        if overlap:
            terms = [overlap[t, q] * posts[q] for q in range(t)]
            current = current + layer.alpha * sum(terms) if terms else current
        before, fired, u = layer.neuron.step(u, current)
        if overlap is not None and t < len(k) - 1:
            posts.append(RHO[layer.rho](before / layer.vth) + layer.beta)
        potentials.append(before)
        spikes.append(fired)
    return torch.stack(spikes, 1), torch.stack(potentials, 1)


class MaskedNet(HybridNet):
    """A chain of `MaskedLinear` layers without biases.

    Parameters
    ----------
    sizes : tuple of int
        Input channels, neurons of the hidden layers, classes.
    **settings
        Further arguments of `HybridNet`: mode ("gp" or "hp"), steps, tau_w and those of the layers.
    """

    layers: Layers[MaskedLinear]

    def __init__(self, sizes: tuple[int, ...], **settings: Any) -> None:
        super().__init__(sizes, layer=MaskedLinear, **settings)
        for layer in self.layers:
            layer.bias.requires_grad_(False).zero_()

    def use(self, patterns: list[Pattern] | None) -> None:
        """Take up the masks of a task.

        Parameters
        ----------
        patterns : list of Pattern or None
            One mask for each layer; None puts all values back.
        """
        for i, layer in enumerate(self.layers):
            layer.use(None if patterns is None else patterns[i])

    def slow(self) -> list[nn.Parameter]:
        """Return the slow weights of the present task, a vector for each layer."""
        return [layer.values for layer in self.layers]
