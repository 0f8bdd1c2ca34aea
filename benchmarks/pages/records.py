# SPDX-License-Identifier: BSD-3-Clause
"""Records in benchmarks/results, and how a page writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"


def one(name: str) -> dict[str, Any]:
    """The record of that name."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def records(experiment: str) -> list[dict[str, Any]]:
    """The records of an experiment, by seed."""
    return [json.loads(path.read_text()) for path in sorted(RESULTS.glob(f"{experiment}-[0-9]*.json"))]


def spread(values: Any, digits: int = 2) -> str:
    """Mean and range over seeds, in per cent; of one seed the value alone."""
    values = 100 * np.asarray(values)
    low, high = (f"{v:.{digits}f}" for v in (values.min(), values.max()))
    return f"{values.mean():.{digits}f}" + (f" ({low} to {high})" if values.size > 1 else "")


def table(heads: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """A table in Markdown."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def where(record: dict[str, Any]) -> str:
    """Machine and date of a record."""
    return f"{record['machine']}, {record['date']}"


def seeds(count: int) -> str:
    """So many seeds."""
    return f"{count} seed{'s' * (count > 1)}"
