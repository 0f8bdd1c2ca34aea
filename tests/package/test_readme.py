# SPDX-License-Identifier: BSD-3-Clause
"""What the README shows runs as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_readme_has_its_two_examples():
    assert len(BLOCKS) == 2


@pytest.mark.parametrize(("number", "pattern"), [(0, r"on the chip: (0\.[89]\d*)"), (1, r"([1-9]\d*) spikes; largest")])
def test_an_example_runs_in_a_fresh_interpreter(number, pattern, tmp_path):
    script = tmp_path / "example.py"
    script.write_text(BLOCKS[number])
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=900, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(pattern, done.stdout), done.stdout
