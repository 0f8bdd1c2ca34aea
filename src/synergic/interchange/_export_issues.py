# SPDX-License-Identifier: BSD-3-Clause
"""Refusing to write what the other format has no place for, unless the caller says that it may be lost."""

from __future__ import annotations

from typing import Any

from synergic._core.checks import kind
from synergic.errors import UnsupportedError


def plastic_losses(network: Any) -> list[str]:
    """Local weights and rules, by projection; `network` is a Network or an IntNetwork."""
    return [
        f"{q.name}.rule: local weights P ({q.trace}) and their rule" for q in network.projections if q.rule is not None
    ]


def refuse_losses(where: str, losses: tuple[str, ...], lossy: bool) -> None:
    """Raise UnsupportedError with every loss, unless `lossy`."""
    kind(f"{where}.lossy", lossy, bool, "True writes the rest.")
    if losses and not lossy:
        raise UnsupportedError(
            f"{where}: got what the format has no place for: {'; '.join(losses)}. Allowed only with lossy=True, "
            f"after which other readers run the network without it."
        )
