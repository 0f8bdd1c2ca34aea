# SPDX-License-Identifier: BSD-3-Clause
"""Test modules marked `alone` run in a small process, because forking is what a run in Lava mostly does.

A process that has loaded torch and every test takes twice as long for each fork. So the modules that need no torch are
run by another process: one that has loaded Lava and little more is started once and forks a process for each module.
Their reports are handed on as if the tests had run here. What such a process leaves behind or counts is its own.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

REPORTS = "SYNERGIC_TEST_REPORTS"
"""In the environment of a process that runs a module: the file for its reports."""


def is_elsewhere(item):
    """Whether another process is to run a test: where this one has loaded torch."""
    return "torch" in sys.modules and REPORTS not in os.environ and item.get_closest_marker("alone") is not None


class Small:
    """The small process of this one."""

    def __init__(self):
        self.process, self.reports, self.said = None, {}, ""

    def run(self, config, tests):
        """Run tests, by node id, in one process, and keep their reports. Returns what was printed."""
        if self.process is None:
            command = [sys.executable, str(Path(__file__)), str(config.rootpath)]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with tempfile.TemporaryDirectory() as folder:
            reports, said = Path(folder) / "reports", Path(folder) / "said"
            reports.touch()
            coverage = ["--cov", "--cov-report="] if config.getoption("cov_source", None) else []
            arguments = ["-n", "0", "-m", "", "-q", "-p", "no:cacheprovider", *coverage, *tests]
            request = {"arguments": arguments, "reports": str(reports), "said": str(said), "coverage": str(
                config.rootpath / f".coverage.alone-{os.getpid()}-{len(self.reports)}")}  # fmt: skip
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            if not self.process.stdout.readline():
                self.process = None
                return "the process that runs the modules marked `alone` has ended"
            for line in reports.read_text().splitlines():
                report = config.hook.pytest_report_from_serializable(config=config, data=json.loads(line))
                if isinstance(report.longrepr, list):  # where a test was skipped; JSON knows no tuples
                    report.longrepr = tuple(report.longrepr)
                self.reports.setdefault(report.nodeid, []).append(report)
            return said.read_text(errors="replace")

    def reports_of(self, item):
        """The reports of a test. The first one of a module runs the module, and so does one after a crash."""
        if item.nodeid not in self.reports:
            wanted = [other.nodeid for other in item.session.items if other.path == item.path]
            self.said = self.run(item.config, wanted[wanted.index(item.nodeid) :])
        reports = self.reports.setdefault(item.nodeid, [])
        if not any(report.when == "teardown" for report in reports):  # the process has ended within this test
            said = f"crashed or hung\n{self.said}"
            reports.append(pytest.TestReport(item.nodeid, item.location, {}, "failed", said, "call"))
        return reports

    def end(self):
        """No process is left."""
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()


def write(config, report):
    """Add a report to the file of this process, if it runs for another one."""
    if REPORTS in os.environ:
        data = config.hook.pytest_report_to_serializable(config=config, report=report)
        with open(os.environ[REPORTS], "a") as file:
            file.write(json.dumps(data) + "\n")


def load_compiled_functions():
    """Call what Lava's models call: what numba has not loaded before a fork, each of its thousands reads from files."""
    import numpy as np

    from synergic.numerics import _compiled

    for kind in (float, int):
        spikes, weights = np.ones(2, kind), np.ones((3, 2), kind, order="F")
        _compiled.synaptic_input(spikes, weights, 1, None, 0)
        _compiled.synaptic_input(spikes, weights, 1, weights.copy(order="F"), np.ones(1, kind))


def serve():
    """Load what is needed, and fork a process that runs pytest for each request."""
    import hypothesis  # noqa: F401

    import synergic.hw_targets
    import synergic.processes  # noqa: F401

    load_compiled_functions()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                said = os.open(request["said"], os.O_WRONLY | os.O_CREAT)
                for stream, to in ((0, os.open(os.devnull, os.O_RDONLY)), (1, said), (2, said)):
                    os.dup2(to, stream)
                os.environ |= {REPORTS: request["reports"], "COVERAGE_FILE": request["coverage"]}
                code = pytest.main(request["arguments"])
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        os.waitpid(child, 0)
        print("done", flush=True)


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    serve()
