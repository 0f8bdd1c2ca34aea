# SPDX-License-Identifier: BSD-3-Clause
"""The GP network in four other libraries: 784-512-10, leaky neurons, the same input at each of T steps.

The same sizes and data, not the same equations: reset order and surrogate are each library's own. Each function
returns a module from (batch, channels) to mean spike counts, (batch, classes); ImportError where it is not
installed (`uv sync --group bench`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

DECAY, VTH = 0.4, 0.35


class Stepwise(nn.Module):
    """Layers and stateful cells, step by step. call : (cell, current, state) to (spikes, state)."""

    def __init__(self, sizes: tuple[int, ...], steps: int, cells: list[Any], call: Callable[..., Any]) -> None:
        super().__init__()
        self.linear = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.cells, self.steps, self.call = nn.ModuleList(cells), steps, call

    def forward(self, x: Tensor) -> Tensor:
        """Mean spike counts."""
        states: list[Any] = [None] * len(self.linear)
        total: Any = 0
        for _ in range(self.steps):
            s = x
            for i, (linear, cell) in enumerate(zip(self.linear, self.cells, strict=True)):
                s, states[i] = self.call(cell, linear(s), states[i])
            total = total + s
        return total / self.steps


def snntorch(sizes: tuple[int, ...], steps: int) -> nn.Module:
    """snnTorch, Leaky."""
    import snntorch as snn

    cells = [snn.Leaky(beta=DECAY, threshold=VTH) for _ in sizes[1:]]
    return Stepwise(sizes, steps, cells, lambda c, i, u: c(i, torch.zeros_like(i) if u is None else u))


def norse(sizes: tuple[int, ...], steps: int) -> nn.Module:
    """Norse, LIFBoxCell: the one with a single state."""
    from norse.torch import LIFBoxCell, LIFBoxParameters

    parameters = LIFBoxParameters(tau_mem_inv=torch.tensor(1000 * (1 - DECAY)), v_th=torch.tensor(VTH))
    cells = [LIFBoxCell(p=parameters) for _ in sizes[1:]]
    return Stepwise(sizes, steps, cells, lambda c, i, u: c(i, u))


def spikingjelly(sizes: tuple[int, ...], steps: int) -> nn.Module:
    """SpikingJelly, LIFNode in multi-step mode, torch backend: all steps of a layer in one product."""
    from spikingjelly.activation_based import functional, neuron
    from spikingjelly.activation_based import layer as sj

    parts: list[nn.Module] = []
    for a, b in itertools.pairwise(sizes):
        node = neuron.LIFNode(tau=1 / (1 - DECAY), v_threshold=VTH, v_reset=None, step_mode="m")
        parts += [sj.Linear(a, b, step_mode="m"), node]
    net = nn.Sequential(*parts)

    class Net(nn.Module):
        """With the state cleared before each presentation."""

        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor) -> Tensor:
            functional.reset_net(self.net)
            return self.net(x.expand(steps, *x.shape)).mean(0)

    return Net()


def slayer(sizes: tuple[int, ...], steps: int) -> nn.Module:
    """lava-dl SLAYER, cuba.Dense: time is its last axis."""
    from lava.lib.dl.slayer.block import cuba

    neuron = {"threshold": VTH, "current_decay": 1.0, "voltage_decay": 1 - DECAY}
    net = nn.Sequential(*(cuba.Dense(neuron, a, b) for a, b in itertools.pairwise(sizes)))

    class Net(nn.Module):
        """Input repeated over time."""

        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x[:, :, None].expand(-1, -1, steps)).mean(2)

    return Net()


PEERS: dict[str, Callable[[tuple[int, ...], int], nn.Module]] = {
    "snntorch": snntorch,
    "norse": norse,
    "spikingjelly": spikingjelly,
    "slayer": slayer,
}
