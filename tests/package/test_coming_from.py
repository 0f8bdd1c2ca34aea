# SPDX-License-Identifier: BSD-3-Clause
"""docs/coming-from.md: its code runs, and the same layer sends the same spikes in every library."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

import synergic as sy
from synergic import learning

PAGE = Path(__file__).parents[2] / "docs" / "coming-from.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
SETUP, *THEIRS, OURS = BLOCKS
LIBRARIES = {"in_lava": "lava.proc.lif.process", "in_snntorch": "snntorch", "in_slayer": "lava.lib.dl.slayer"}
"""By the name of the result: the module without which its column is skipped."""
LATER = {"in_lava": 1, "in_snntorch": 0, "in_slayer": 1}
"""Steps that the page says."""


def after(*blocks):
    known = {}
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), known)
    return known


def test_the_page_has_a_column_a_library():
    assert len(THEIRS) == len(LIBRARIES)
    assert all(name in block for name, block in zip(LIBRARIES, THEIRS, strict=True))


@pytest.mark.parametrize("number", range(3), ids=LIBRARIES)
def test_the_same_layer_sends_the_same_spikes(number):
    name, module = list(LIBRARIES.items())[number]
    try:
        importlib.import_module(module)
    except ImportError as error:
        pytest.skip(
            f"{error}: the column of {name.removeprefix('in_')} needs it (pyproject.toml, groups dev and bench)"
        )
    known = after(SETUP, THEIRS[number], OURS)
    ours, theirs, later = known["in_synergic"], np.asarray(known[name]), LATER[name]
    assert 20 < ours.sum() < 230
    count = len(ours) - later
    assert theirs[later : later + count].shape == ours[:count].shape
    assert np.array_equal(theirs[later : later + count], ours[:count])
    # And not for another delay, which would make the comparison worthless.
    assert not np.array_equal(theirs[1 - later : 1 - later + 40], ours[:40])


def test_the_layer_is_the_equation():
    known = after(SETUP, OURS)
    u = np.zeros(5)
    for now, sent in zip(known["spikes"], known["in_synergic"], strict=True):
        u = 0.5 * u + known["weights"] @ now
        assert np.array_equal(sent, u > 0.76)
        u[u > 0.76] = 0


def test_the_words_of_the_last_column_are_ours():
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    names = {name for row in rows for name in re.findall(r"`([A-Z]\w+)`", row[-2])}
    assert {"CurrentLIF", "HybridNet"} <= names
    assert all(hasattr(sy, name) or hasattr(learning, name) for name in names)
    (threshold,) = (row for row in rows if row[1].strip() == "threshold")
    assert threshold[-2].strip() == "`vth`, spike above it"
    population, projection = sy.Population("out", 2, 0.5, 0.0), sy.Projection("c", "in", "out", [[0.5], [0.75]])
    network = sy.Network(sy.Source("in", 1), (population,), (projection,), "out", 1)
    assert sy.simulate(network, np.ones((1, 1, 1), int)).spikes["out"].ravel().tolist() == [0, 1]
