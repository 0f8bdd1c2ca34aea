# SPDX-License-Identifier: BSD-3-Clause
"""What the README shows runs as it stands there."""

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
RESULTS = README.parent / "benchmarks" / "results"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_readme_has_its_two_examples():
    assert len(BLOCKS) == 2


@pytest.mark.parametrize(
    ("number", "pattern"), [(0, r"on the chip: ([89]\d\.\d\d) %"), (1, r"([1-9]\d*) spikes; largest")]
)
def test_an_example_runs_in_a_fresh_interpreter(number, pattern, tmp_path):
    script = tmp_path / "example.py"
    script.write_text(BLOCKS[number])
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=900, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(pattern, done.stdout), done.stdout


def test_how_long_and_how_good_training_is_comes_from_the_records():
    if not RESULTS.exists():
        pytest.skip("records are not in the sdist")
    per_cent, minutes = re.search(
        r"`synergic train fashion-hp` \| ([\d.]+) % .* in about (\d+) minutes", README.read_text()
    ).groups()
    runs = [json.loads(path.read_text()) for path in RESULTS.glob("fashion-hp-[0-9].json")]
    assert len(runs) == 3
    assert float(per_cent) == pytest.approx(100 * statistics.mean(r["figures"]["accuracy"] for r in runs), abs=0.005)
    took = statistics.mean(sum(epoch["seconds"] for epoch in r["history"]) for r in runs) / 60
    assert int(minutes) == round(took)


def test_the_readme_says_where_it_runs_and_where_it_comes_from():
    text = README.read_text()
    assert all(word in text for word in ("Linux", "macOS", "Windows", "on no package index yet", "uv build --wheel"))
    promise = text.index("## What to install")
    assert promise < 5000, "a screen of promise, then links"
