# SPDX-License-Identifier: BSD-3-Clause
"""What runs are made of: a wrong argument is refused by name."""

from public_functions import TINY, small_task
from wrong_arguments import Case, not_refused

from synergic.learning.tasks import _runs as runs


def test_wrong_arguments_of_runs_are_refused_by_name(tmp_path):
    at, task = tmp_path / "run", small_task()
    runs.open_run(TINY, at)
    runs.write_checkpoint(task, at / runs.CHECKPOINT)
    folder = tmp_path
    cases = {
        "synergic.learning.tasks._runs.settings": Case(runs.settings, {"config": TINY}),
        "synergic.learning.tasks._runs.open_run": Case(
            runs.open_run, {"config": TINY, "folder": at}, fine={"folder": "text"}
        ),
        "synergic.learning.tasks._runs.read_json": Case(runs.read_json, {"path": at / runs.CONFIG}),
        "synergic.learning.tasks._runs.load_config": Case(runs.load_config, {"folder": at}),
        "synergic.learning.tasks._runs.write_checkpoint": Case(
            runs.write_checkpoint, {"task": task, "path": folder / "checkpoint.pt"}
        ),
        "synergic.learning.tasks._runs.read_checkpoint": Case(
            runs.read_checkpoint, {"task": task, "path": at / runs.CHECKPOINT}
        ),
    }
    assert not_refused(cases) == ""
