# SPDX-License-Identifier: BSD-3-Clause
"""Hand a function wrong arguments, one at a time: it must refuse each with an error of ours that names it."""

from __future__ import annotations

import dataclasses
import inspect
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import joblib
import numpy as np
import torch

from synergic.errors import SynergicError


@dataclasses.dataclass
class Case:
    """A function, or a class, with arguments that it takes.

    fine : by argument, the wrong values that are none for it, by name. also : by argument, what an error may call it.
    signature : of another callable, where this one hides it. wrong : arguments that get wrong values; default all.
    runs : whether the right arguments can be tried.
    """

    call: Any
    args: dict[str, Any]
    fine: dict[str, str] = dataclasses.field(default_factory=dict)
    also: dict[str, str] = dataclasses.field(default_factory=dict)
    signature: Any = None
    wrong: tuple[str, ...] = ()
    runs: bool = True

    def takes_none(self, name: str) -> bool:
        """Whether None is the default of an argument, in the function or, of a class, in one that it hands it on to."""
        asked = self.signature or self.call
        for call in [c.__init__ for c in asked.__mro__] if inspect.isclass(asked) else [asked]:
            parameter = inspect.signature(call).parameters.get(name)
            if parameter is not None:
                return parameter.default is None
        return False

    def allows(self, name: str) -> set[str]:
        """Names of the wrong values that are right for an argument."""
        found = {*FINE.get(name, "").split(", "), *self.fine.get(name, "").split(", ")}
        return found | {"none"} if self.takes_none(name) else found


SIGNED = "negative, huge float"
ANY_SHAPE = "empty, shape, empty array"
NANS = "tensor nan"  # training shows it
FINE = {
    **dict.fromkeys(("name", "title", "xlabel", "where"), "text"),
    **dict.fromkeys(("path", "output", "json_file", "html", "figure"), "text"),
    **dict.fromkeys(("bias", "alpha", "eta", "eta_plus", "eta_minus", "jump"), SIGNED),
    "sign": "negative",  # -1 is anti-Hebbian
    "tau_w": "huge, huge float",  # inf keeps the slow weights
    "dead_cores": "empty",
    "dead_links": "empty",
    "jobs": "negative",  # -1 takes all processors
}
"""By argument, wherever it occurs: wrong values that are none."""
ALSO = {"spikes": "input"}
"""What errors call an argument, wherever it occurs."""


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
        found |= {
            "shape": right[..., None],
            "nan array": right * np.nan,
            "empty array": right[..., :0] if right.ndim else np.zeros(0),
        }
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
        names = {name, case.also.get(name, name), ALSO.get(name, name)}
        known = any(re.search(rf"\b{re.escape(n)}\b", text) for n in names)
        return None if known or (isinstance(value, str) and value in text) else f"not named: {text[:200]}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:100]}"
    finally:
        signal.alarm(0)


@contextmanager
def in_time() -> Iterator[None]:
    """Workers that are threads, and a clock for calls that do not come back."""
    before = signal.signal(signal.SIGALRM, late)
    try:
        with joblib.parallel_config("threading"):
            yield
    finally:
        signal.signal(signal.SIGALRM, before)


def not_refused(cases: Mapping[str, Case]) -> str:
    """Return what is accepted, or refused without its name, a line each. The right arguments must be accepted."""
    found = []
    with in_time():
        for where, case in cases.items():
            if case.runs:
                case.call(**case.args)
            for name in case.wrong or case.args:
                for label, value in wrong(case.args[name]).items():
                    if label not in case.allows(name) and (what := fault(case, name, value)):
                        found.append(f"{where}({name}={label}): {what}")
    return "\n".join(found)
