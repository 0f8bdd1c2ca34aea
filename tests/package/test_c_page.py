# SPDX-License-Identifier: BSD-3-Clause
"""The page about C, as a reader would type it: Python and shell, block after block."""

import contextlib
import dataclasses
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synergic.interchange import to_c

PAGE = Path(__file__).parents[2] / "docs" / "microcontroller.md"
WHY_NOT = "no C compiler (cc) on this machine"


@pytest.mark.skipif(shutil.which("cc") is None, reason=WHY_NOT)
@pytest.mark.slow
def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```(python|bash|c)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", "bash", "python", "c", "c"]
    known, printed = {}, io.StringIO()
    search = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for kind, text in blocks[:3]:
        if kind == "python":
            with contextlib.redirect_stdout(printed):
                exec(compile(text, PAGE.name, "exec"), known)
        else:
            done = subprocess.run(["bash", "-e", "-c", text], env=search, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            assert "the same classes" in done.stdout
    assert printed.getvalue().splitlines() == ["input_hidden1 True", "hidden1_output True"]
    assert len((tmp_path / "classes.txt").read_text().split()) == 360
    lines = blocks[3][1].splitlines()  # the C text, as the body of a function
    declared, body = "\n".join([*lines[:5], "static uint8_t bytes[DIGITS_LOCAL_BYTES];"]), "\n".join(lines[5:])
    run_c("digits", declared, f"{body}\nreturn class_ < DIGITS_OUTPUTS ? 0 : 1;")
    network = known["network"]
    ways = tuple(dataclasses.replace(q, plasticity_scope="stream") for q in network.projections)
    to_c(dataclasses.replace(network, projections=ways), "stream", "digits")
    own = blocks[4][1].replace("if (!", "digits_write_local(&net, bytes);\nif (!").replace("/*", "return 1; /*")
    run_c("stream", declared, f"{own}(void)in; (void)out; return 0;")


def run_c(folder, declared, body):
    """Compile and run a program of an export."""
    (Path(folder) / "page.c").write_text(f"{declared}\nint main(void) {{\n{body}\n}}\n")
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Isrc", "-o", "page", "page.c"]
    done = subprocess.run([*command, "src/digits.c"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert subprocess.run(["./page"], cwd=folder).returncode == 0


def test_own_rules_and_neurons_have_the_c_text_of_their_pages():
    root = PAGE.parents[1]
    for name in ("rule", "neuron"):
        (shown,) = re.findall(r"```text\n(.*?)```", (PAGE.parent / "extending" / f"{name}.md").read_text(), re.DOTALL)
        tested = (root / "tests" / f"user_{name}.py").read_text()
        assert shown in re.sub(" {2}# noqa.*", "", tested)
