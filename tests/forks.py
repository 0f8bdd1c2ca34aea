# SPDX-License-Identifier: BSD-3-Clause
"""Coverage in the processes that Lava forks: each writes what it ran when it ends, and pytest-cov combines the files.

Only for some tests, in which each process runs with each tag, and the chip: thousands of forks elsewhere would take
minutes more, and run the same lines. Coverage's own way for multiprocessing starts anew in each fork, which takes four
times as long.
"""

import contextlib
import multiprocessing.util
import os

MEASURED = (
    *(f"tests/lava/test_{name}.py"
      for name in ("selection", "neurons", "sparse", "encoders", "event_source", "readouts", "chip_inside_lava")),
    "tests/conformance/test_streams.py::test_chosen_synapses",
)  # fmt: skip
"""How the names of these tests begin."""


class Mark:
    """What multiprocessing knows the call below by."""


MARK = Mark()


def measure():
    """From now on, have the forks of multiprocessing write what they ran."""
    multiprocessing.util.register_after_fork(MARK, at_the_end)


def at_the_end(_):
    """In a fork: write when it ends, after everything else."""
    if os.environ.get("PYTEST_CURRENT_TEST", "").startswith(MEASURED):
        multiprocessing.util.Finalize(None, write, exitpriority=-1000)


def write():
    """Write what this process ran to a file of its own, of which coverage makes the name after a fork."""
    with contextlib.suppress(ImportError):
        import coverage

        running = coverage.Coverage.current()
        if running is not None:
            running.save()
