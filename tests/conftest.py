# SPDX-License-Identifier: BSD-3-Clause
"""On how many cores the tests run; and profiles of hypothesis, for a night: `pytest --hypothesis-profile=thousands
tests/hw_targets/test_refinement.py`, or `tests/package/test_readers.py`."""

import gc
import os
from pathlib import Path

import alone
import pytest
from hypothesis import settings

import synergic  # noqa: F401  before any test imports Lava

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does, before torch is loaded

settings.register_profile("thousands", max_examples=5000, print_blob=True)


def pytest_xdist_auto_num_workers(config):
    """One worker a core, at most four, because each needs a gigabyte; none where only files are asked for."""
    cores = min(4, len(os.sched_getaffinity(0)))
    files = all(Path(argument.split("::")[0]).is_file() for argument in config.args)
    return 0 if files or cores == 1 else cores


@pytest.hookimpl(tryfirst=True)  # before slow ones are deselected
def pytest_collection_modifyitems(items):
    """Of the cases of a test that is marked `one_in(n)`, let the 1st, (n+1)th, ... stay and mark the others slow."""
    seen = {}
    for item in items:
        mark = item.get_closest_marker("one_in")
        if mark is not None:
            number = seen[item.parent, item.originalname] = seen.get((item.parent, item.originalname), -1) + 1
            if number % mark.args[0]:
                item.add_marker(pytest.mark.slow)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a test that is marked `alone` in an interpreter of its own."""
    if alone.is_elsewhere(pyfuncitem):
        alone.run(pyfuncitem)
        return True
    return None


def pytest_collection_finish():
    """What the imports left lives to the end: every collection after a Lava run would look through it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure():
    """Let the end of the process free what was frozen: some libraries complain about objects that outlive it."""
    gc.unfreeze()
