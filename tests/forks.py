# SPDX-License-Identifier: BSD-3-Clause
"""Coverage in the processes that Lava forks: each writes what it ran when it ends, and pytest-cov combines the files.

Only for tests of tests/lava, where each process and tag runs. Thousands of forks elsewhere would take a minute more,
and run the same lines. Coverage's own way for multiprocessing starts anew in each fork, which takes four times as long.
"""

import contextlib
import multiprocessing.util
import os

LAVA = "tests/lava/"


class Mark:
    """What multiprocessing knows the call below by."""


MARK = Mark()


def measure():
    """From now on, have the forks of multiprocessing write what they ran."""
    multiprocessing.util.register_after_fork(MARK, at_the_end)


def at_the_end(_):
    """In a fork: write when it ends, after everything else."""
    if os.environ.get("PYTEST_CURRENT_TEST", "").startswith(LAVA):
        multiprocessing.util.Finalize(None, write, exitpriority=-1000)


def write():
    """Write what this process ran to a file of its own, of which coverage makes the name after a fork."""
    with contextlib.suppress(ImportError):
        import coverage

        running = coverage.Coverage.current()
        if running is not None:
            running.save()
