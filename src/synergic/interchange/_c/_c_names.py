# SPDX-License-Identifier: BSD-3-Clause
"""Names of the network as identifiers of C, and the names that a rule or a neuron cannot have there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from synergic.errors import UnsupportedError

KEYWORDS = frozenset(
    ("auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern", "float",
     "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed", "sizeof",
     "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while")
)  # fmt: skip
HELPERS = frozenset(["rshift", "ashift", "clip", "limited", "bounded", "after_reset", "net", "saturated"])
"""Functions and variables that the generated text has."""
IN_RULES = (
    frozenset(
        ["s", "x", "fired", "signal", "P", "row_", "column_", "at_", "potential", "sent", "gathered", "old_", "step_"]
    )
    | HELPERS
)
IN_NEURONS = (
    frozenset(["u", "input", "sent", "after", "vth", "decay", "bias", "own_bias", "unit", "subtract", "row_"]) | HELPERS
)


class Names:
    """Identifiers that are not given twice."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def of(self, kind: str, name: str) -> str:
        """Return an identifier for what a network calls `name`, with `kind` in front."""
        plain = f"{kind}_" + re.sub(r"\W", "_", name, flags=re.ASCII)
        found, number = plain, 2
        while found in self.taken:
            found, number = f"{plain}_{number}", number + 1
        self.taken.add(found)
        return found


def check_own_names(where: str, owner: str, names: Iterable[str], reserved: frozenset[str]) -> None:
    """Refuse parameters and arrays of a rule or neuron whose names mean something else in C. where : the projection or
    the population; owner : the class. Raises UnsupportedError."""
    bad = sorted(n for n in names if n in reserved | KEYWORDS or not re.fullmatch(r"[A-Za-z]\w*", n, re.ASCII))
    if bad:
        raise UnsupportedError(
            f"{where}: got {owner} with {bad}, allowed names that C and the generated text do not use. Rename them."
        )


def used(name: str, *texts: str) -> bool:
    """Whether any of the texts has the name as a word."""
    return any(re.search(rf"\b{name}\b", text) for text in texts)
