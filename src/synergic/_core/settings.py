# SPDX-License-Identifier: BSD-3-Clause
"""What the settings of experiments may be, by name: the same in all families, refused before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from synergic._core.checks import choice, kind, number, option, require, whole

SMALLEST = {
    "theta_every": 0, "validation": 0, "seed": 0, "theta_tasks": 0, "held_characters": 0,
}  # fmt: skip
"""Of whole numbers that may be less than 1."""
RANGES = {
    **dict.fromkeys(("decay", "lambda_"), (0.0, 1.0)),
    **dict.fromkeys(("lr", "lr_theta", "look_ahead"), (0.0, 1e3)),  # rates, as learning.train takes them
    "dropout": (0.0, 0.99),
    "distortion": (0.0, 0.5),  # a larger one inverts the images
}
"""Of numbers, both ends allowed. Others are at least 0 and finite."""
ABOVE_ZERO = {"vth": 1e6, "p_max": 1e6, "gain": 1e6, "density": 1.0, "tau_w": float("inf")}
"""The largest of numbers that are more than 0."""
MAY_BE_EMPTY = ("pools", "dense")
HELP = "`synergic train EXPERIMENT --help` says what it is for."


@dataclass(frozen=True)
class Settings:
    """A dataclass of settings, whose values are checked when it is made. Raises ParameterError, naming the setting."""

    def __post_init__(self) -> None:
        """Refuse values that a setting does not allow."""
        kinds = get_type_hints(type(self))
        for field in fields(self):
            check(field.name, getattr(self, field.name), kinds[field.name])


def check(name: str, value: Any, wanted: Any) -> None:
    """Refuse what a setting does not allow. name : of the setting. wanted : its type, as the dataclass has it."""
    where, options = f"config.{name}", get_args(wanted)
    if get_origin(wanted) is Literal:
        if all(isinstance(o, str) for o in options):
            choice(where, value, options)
        else:
            option(where, value, options, " or ".join(map(str, options)))
    elif get_origin(wanted) in (Union, UnionType):
        if value is not None:
            check(name, value, options[0])
    elif get_origin(wanted) is tuple:
        require(isinstance(value, list | tuple), where, repr(value), "a row of whole numbers", HELP)
        require(bool(value) or name in MAY_BE_EMPTY, where, "none", "one number or more", HELP)
        for each in value:
            check(name, each, int)
    elif wanted is bool:
        kind(where, value, bool, HELP)
    elif wanted is int:
        whole(where, value, SMALLEST.get(name, 1), float("inf"), HELP)
    elif name in ABOVE_ZERO:
        number(where, value, 0, ABOVE_ZERO[name], HELP, open_low=True)
    else:
        number(where, value, *RANGES.get(name, (0.0, 1e12)), HELP)
