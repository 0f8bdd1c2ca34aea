# SPDX-License-Identifier: BSD-3-Clause
"""Eight bytes that tell one network from another, for local weights that come back from a device."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from synergic.network._quantise import IntNetwork


def fingerprint(network: IntNetwork) -> bytes:
    """The first eight bytes of a hash of all numbers of a network."""
    found = hashlib.sha256()
    for piece in pieces(network):
        found.update(piece)
    return found.digest()[:8]


def pieces(item: Any) -> Iterator[bytes]:
    """The content of a description as bytes, one field after another."""
    if isinstance(item, np.ndarray):
        yield repr((item.shape, item.dtype.kind)).encode()
        yield np.ascontiguousarray(item.astype("<f8" if item.dtype.kind == "f" else "<i8")).tobytes()
    elif isinstance(item, tuple):
        for part in item:
            yield from pieces(part)
    elif is_dataclass(item):
        yield type(item).__name__.encode()
        for f in fields(item):
            yield f.name.encode()
            yield from pieces(getattr(item, f.name))
    else:
        yield repr(item.item() if isinstance(item, np.generic) else item).encode()
