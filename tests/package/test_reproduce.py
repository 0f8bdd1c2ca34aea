# SPDX-License-Identifier: BSD-3-Clause
"""docs/reproduce.md is what its command makes, and the rows that it calls short give their figures."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import synergic as sy
from synergic.hw_targets import map_network, simulate_on_chip

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reproduce.md"
ROWS = re.findall(r"\| `synergic simulate ([\w-]+)` \| ([\d.]+) % of (\d+) right", PAGE.read_text())


def test_the_page_is_made_from_the_records(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    import reproduce_page

    assert reproduce_page.page() == PAGE.read_text()
    assert {name for name, *_ in ROWS} == set(reproduce_page.SHORT)


@pytest.mark.parametrize(("name", "per_cent", "samples"), ROWS, ids=[name for name, *_ in ROWS])
def test_short_rows_give_their_figures(name, per_cent, samples):
    example = sy.load_example(name)
    network = sy.quantise(example.network)
    values = network.source.num_message_bits > 0
    inputs = network.encode(example.inputs) if values else example.inputs
    record, _ = simulate_on_chip(map_network(network, fold="auto"), inputs)
    right = record.classes(network) == example.labels
    assert len(right) == int(samples)
    assert np.isclose(100 * right.mean(), float(per_cent), atol=0.005)
