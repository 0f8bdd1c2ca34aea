# SPDX-License-Identifier: BSD-3-Clause
"""On how many cores the tests run; and profiles of hypothesis, for a night: `pytest -m ""
--hypothesis-profile=thousands tests/hw_targets/test_refinement.py`, or `tests/package/test_readers.py`."""

import gc
import os
from pathlib import Path
from types import SimpleNamespace

import alone
import forks
import pytest
from commands import Commands
from hypothesis import settings

import synergic  # noqa: F401  before any test imports Lava

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does, before torch is loaded
if "PYTEST_XDIST_WORKER" in os.environ:  # a core each: more threads would only wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

SMALL = alone.Small()

settings.register_profile("thousands", max_examples=5000, print_blob=True)


def pytest_xdist_auto_num_workers(config):
    """One worker a core, at most four, because each needs a gigabyte; none where only files are asked for."""
    cores = min(4, len(os.sched_getaffinity(0)))
    files = all(Path(argument.split("::")[0]).is_file() for argument in config.args)
    return 0 if files or cores == 1 else cores


LONG = (
    "test_conformance", "test_c", "test_lifecycle", "test_the_suite_itself", "test_readers", "test_streams", "test_cli",
    "test_networks_as_processes", "test_few_shot", "test_every_member", "test_read_only", "test_specification",
    "test_refinement", "test_homeostasis",
)  # fmt: skip
"""Modules that begin first, so that none is left alone at the end."""


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
        if alone.is_elsewhere(item):
            # There it has its limit; here the first one waits for all.
            item.add_marker(pytest.mark.timeout(0), append=False)
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Hand the reports of a test on that another process has run."""
    if not alone.is_elsewhere(item):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in SMALL.reports_of(item):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    item.session._setupstate.teardown_exact(nextitem)
    return True


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    """Keep the reports of this process, if another one waits for them; measure forks too, if coverage is measured."""
    if config.getoption("cov_source", None):
        forks.measure()
    config.pluginmanager.register(SimpleNamespace(pytest_runtest_logreport=lambda report: alone.write(config, report)))


def pytest_collection_finish():
    """What the imports left lives to the end: every collection after a Lava run would look through it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure():
    """Let the end of the process free what was frozen: some libraries complain about objects that outlive it."""
    gc.unfreeze()
    SMALL.end()


@pytest.fixture(scope="session")
def commands():
    """Runs commands of `synergic`, each in a fork of one process that has loaded torch."""
    with Commands() as started:
        yield started
