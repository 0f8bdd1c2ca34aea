# SPDX-License-Identifier: BSD-3-Clause
"""Every public function, each of its arguments in turn replaced by wrong ones: an error of ours that names it.

tests/public_functions.py says for each function which arguments it takes, and which of the wrong ones are none for it.
"""

import importlib
import inspect
import re
import signal

import joblib
import numpy as np
import public_functions
import pytest
import torch

from synergic.errors import SynergicError

GROUPS = ("described", "in_lava", "on_chip", "trained", "with_files", "shown", "in_folders")
PACKAGES = ("", ".processes", ".hw_targets", ".learning", ".rules", ".neurons", ".interchange")
MADE_BY_US = {"Record", "Activity", "Chip", "Costs", "Mapping", "IntHebbian", "IntRule"}
"""Classes of results: what they hold was checked before it got there."""
ABSTRACT = {"Rule", "Neuron"}
IN_EVERY_STEP = {"after_reset", "outer", "Heard", "quantise_rule"}
"""Parts of equations, called by rules and neurons in each step of a run, with what was checked when it began."""
INNER = {
    "encoding": {"shares", "Code", "Rank", "Value"},
    "metrics": {"Operations", "check", "check_record"},
    "plots": {"whole_steps", "table", "of_simulation", "grid_of_cores"},
    "spiking_split": {"split_population", "collecting"},
    "storage": {
        "types",
        "unfolded",
        "header",
        "seal",
        "check_seal",
        "says",
        "write",
        "check_sizes",
        "read",
        "read_array",
    },
    "unfold": {"pairs"},
    "data": set(),
    "lava_graph": set(),
    "run_config": set(),
    "interchange.slayer": set(),
    "learning.training": {"outputs", "samples"},
    "learning.meta": {"gradients", "moved"},
    "learning.faults": {"check_images", "check_generator"},
    "hw_targets.jobs": {"check_jobs"},
    "hw_targets.faults": {"silence", "living", "all_links"},
    "hw_targets.chip": {"Fact", "Chip", "read_fact", "load_chip"},
    "page": {"shown"},
    "chip_map": {"folding_section"},
    "chip_run": {"chosen", "refuse_bits", "show", "summary", "write_html"},
    "report": {"numbers", "beside", "unique", "curves", "draw_losses", "draw_curves"},
    "bench": {"Script", "measure", "shown"},
    "overview": {
        "Overview", "of_run_folder", "of_run", "named", "made_by", "flat", "of_network", "neurons", "connections",
        "of_mapping", "of_demo", "of_simulation", "of_map_report", "of_figures",
    },
    "experiments": set(),
    "hw_targets.history": {"HistoryPlan"},
    "demo": {"identical", "tables", "picture", "write_json"},
    "info": {"Part", "imports", "lava_runs", "holds", "program", "first", "gpu", "installed", "info"},
    "settings": {"check", "Settings"},
    "learning.runs": set(),
    "learning.tasks": {"Task", "check_task"},
}  # fmt: skip
"""Modules of functions for users, and what in them is for other modules of ours, which hand on what they checked."""


def wrong(right):
    """Wrong values by name: of any argument, and some that are nearly like the right one."""
    found = {
        "text": "text", "none": None, "object": object(), "nan": float("nan"), "complex": 1j,
        "ragged": [[1.0], [1.0, 2.0]], "empty": [], "negative": -1, "bool": True, "huge": 10**30,
        "huge float": 1e300, "huge array": np.broadcast_to(np.int8(1), (2**24, 2**24)), "dict": {"a": 1},
    }  # fmt: skip
    if isinstance(right, bool):
        del found["bool"]
    if isinstance(right, np.ndarray) and right.dtype.names is None:
        found |= {"shape": right[..., None], "nan array": right * np.nan, "empty array": right[..., :0]}
        found |= {"texts": np.full(right.shape, "a"), "objects": np.full(right.shape, None)}
    if isinstance(right, torch.Tensor):
        found |= {"shape": right[..., None], "tensor nan": right * np.nan, "empty tensor": right[..., :0]}
        found |= {"tensor complex": right * 1j}
    return found


class Late(Exception):
    """A call that did not come back."""


def late(*_):
    raise Late


def fault(case, name, value):
    """What is wrong with the answer to a wrong value; None if nothing is."""
    signal.alarm(10)
    try:
        case.call(**{**case.args, name: value})
        return "accepted"
    except SynergicError as error:
        text = str(error)
        names = {name, case.also.get(name, name), public_functions.ALSO.get(name, name)}
        known = any(re.search(rf"\b{re.escape(n)}\b", text) for n in names)
        return None if known or (isinstance(value, str) and value in text) else f"not named: {text[:200]}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:100]}"
    finally:
        signal.alarm(0)


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """A folder to write into, workers that are threads, a data set that is not looked for, and a clock."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("synergic.data._images.SETS", {"mnist": lambda *_, **__: None})
    monkeypatch.setattr(public_functions.bench, "measure", lambda *_: {"reach": {}})
    monkeypatch.setattr(public_functions.bench, "check_clone", lambda _: None)
    before = signal.signal(signal.SIGALRM, late)
    with joblib.parallel_config("threading"):
        yield tmp_path
    signal.signal(signal.SIGALRM, before)


def cases(group, folder):
    """The cases of a group, by name."""
    make = getattr(public_functions, group)
    return make(folder) if inspect.signature(make).parameters else make()


@pytest.mark.parametrize("group", GROUPS)
def test_wrong_arguments_are_refused_by_name(group, quick):
    found = []
    for where, case in cases(group, quick).items():
        if case.runs:
            case.call(**case.args)
        for name in case.wrong or case.args:
            for label, value in wrong(case.args[name]).items():
                if label in case.allows(name):
                    continue
                if what := fault(case, name, value):
                    found.append(f"{where}({name}={label}): {what}")
    assert not found, "\n".join(found)


def public():
    """Every public function and class, with its place: what packages name, and what modules hold."""
    for place in PACKAGES:
        package = importlib.import_module(f"synergic{place}")
        for name in package.__all__:
            item = getattr(package, name)
            if callable(item) and name not in MADE_BY_US | ABSTRACT | IN_EVERY_STEP:
                yield f"synergic{place}.{name}", item
    for place, inner in INNER.items():
        module = importlib.import_module(f"synergic.{place}")
        for name, item in vars(module).items():
            ours = getattr(item, "__module__", None) == module.__name__ and callable(item)
            if ours and not name.startswith("_") and name not in inner:
                yield f"synergic.{place}.{name}", item


def place_of(call):
    """Where a function was written, and its name there: modules share names."""
    return call.__module__, getattr(call, "__qualname__", repr(call))


def test_no_public_function_is_forgotten(quick):
    given = [case.signature or case.call for group in GROUPS for case in cases(group, quick).values()]
    known = {place_of(call) for call in given}
    left = ((where, item) for where, item in public() if place_of(item) not in known)
    # What takes no argument cannot be given a wrong one.
    assert sorted(where for where, item in left if inspect.signature(item).parameters) == []


def test_what_is_left_out_exists():
    names = {name for place in PACKAGES for name in importlib.import_module(f"synergic{place}").__all__}
    assert names >= MADE_BY_US | ABSTRACT | IN_EVERY_STEP
    for place, inner in INNER.items():
        assert set(vars(importlib.import_module(f"synergic.{place}"))) >= inner
