# SPDX-License-Identifier: BSD-3-Clause
"""The experiments: a task class a family, and what trains, resumes and restores one in a folder.

`open_task` makes the untrained task of settings of `synergic.experiments`; `run` trains it in a folder, or goes on
where an interrupted run stopped; `restore` opens what was trained. A new family is one module with a task class, and
one line in `_families.families`.
"""

from synergic.learning._omniglot import load_omniglot
from synergic.learning.tasks._class_incremental import ClassIncrementalTask
from synergic.learning.tasks._class_incremental_net import ClassIncrementalNet
from synergic.learning.tasks._classification import ClassificationTask
from synergic.learning.tasks._continual import ContinualTask
from synergic.learning.tasks._events import EventsTask
from synergic.learning.tasks._families import Task, families, family_of, open_task, read_config
from synergic.learning.tasks._few_shot import ALPHA, ETA, SHARPNESS, TEACHER, Direction, FewShotNet, FewShotTask
from synergic.learning.tasks._runs import circumstances, restore, run
from synergic.learning.tasks._seeds import run_seeds
from synergic.learning.tasks._stream_evaluation import evaluate_stream, stream_network
from synergic.learning.tasks._supervised import SupervisedTask

__all__ = [
    "ALPHA",
    "ETA",
    "SHARPNESS",
    "TEACHER",
    "ClassIncrementalNet",
    "ClassIncrementalTask",
    "ClassificationTask",
    "ContinualTask",
    "Direction",
    "EventsTask",
    "FewShotNet",
    "FewShotTask",
    "SupervisedTask",
    "Task",
    "circumstances",
    "evaluate_stream",
    "families",
    "family_of",
    "load_omniglot",
    "open_task",
    "read_config",
    "restore",
    "run",
    "run_seeds",
    "stream_network",
]
