# SPDX-License-Identifier: BSD-3-Clause
"""Tests that run in an interpreter of their own (marker `alone`).

A long loop of forks is fast there, where little is loaded. It counts what it has left behind itself, and nothing of
what other tests have.
"""

import os
import subprocess
import sys
import tempfile

ALONE = "SYNERGIC_TEST_ALONE"
"""In the environment of the process that runs one test."""


def is_elsewhere(item):
    """Whether a test runs in another process than this one; its fixtures have nothing to do here."""
    return item.get_closest_marker("alone") is not None and ALONE not in os.environ


def run(item):
    """Run one test in a process; AssertionError, with all that was printed, if it fails."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-m", "", "-q", "-p", "no:cacheprovider", item.nodeid]
    with tempfile.TemporaryFile("w+") as out:  # a process that the test leaves behind would keep a pipe open
        environment = {**os.environ, ALONE: "1"}
        done = subprocess.run(command, cwd=item.config.rootpath, env=environment, stdout=out, stderr=out)
        out.seek(0)
        said = out.read()
    assert done.returncode == 0, said
    print(said)
