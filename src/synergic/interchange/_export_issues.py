# SPDX-License-Identifier: BSD-3-Clause
"""Export issues: what the other format cannot store is refused, unless the caller allows its loss."""

from __future__ import annotations

from synergic._core.checks import kind
from synergic.errors import UnsupportedError
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork


def plastic_issues(network: Network | IntNetwork) -> list[str]:
    """List the local weights and rules of a network, by projection, and the homeostasis of its populations."""
    biases = [f"{p.name}.homeostasis: a bias that lives on" for p in network.homeostatic]
    return biases + [
        f"{q.name}.rule: local weights P ({q.plasticity_scope}) and their rule"
        for q in network.projections
        if q.rule is not None
    ]


def refuse_issues(where: str, issues: tuple[str, ...], lossy: bool) -> None:
    """Raise UnsupportedError with every issue, unless `lossy`."""
    kind(f"{where}.lossy", lossy, bool, "True writes the rest.")
    if issues and not lossy:
        raise UnsupportedError(
            f"{where}: got what the format has no place for: {'; '.join(issues)}. Allowed only with lossy=True, "
            f"after which other readers run the network without it."
        )
