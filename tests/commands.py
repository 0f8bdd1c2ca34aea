# SPDX-License-Identifier: BSD-3-Clause
"""Commands of `synergic`, each in a process forked from one that has loaded what most of them load, torch above all."""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path


class Commands:
    """Runs commands, one after the other. A block at whose end the process that has loaded everything ends."""

    def __enter__(self):
        command = [sys.executable, __file__]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def run(self, *arguments, cwd=".", **environment):
        """What subprocess.run returns, of `synergic` in a folder."""
        with tempfile.TemporaryDirectory() as folder:
            files = [str(Path(folder) / name) for name in ("out", "error")]
            request = [list(arguments), str(cwd), environment, files]
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            code = int(self.process.stdout.readline())
            return subprocess.CompletedProcess(arguments, code, *(Path(file).read_text() for file in files))


def call(arguments, cwd, environment, files):
    """The exit code of a command in this process."""
    for stream, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
    os.chdir(cwd)
    os.environ |= environment
    sys.argv = ["synergic", *arguments]
    from synergic.cli import main

    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def serve():
    """Load, and fork a process for each request."""
    import synergic.cli
    import synergic.hw_targets
    import synergic.learning.tasks  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = call(*json.loads(line))
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
