# SPDX-License-Identifier: BSD-3-Clause
"""What `--help` says of an option: its docstring as running text, and a default only where there is one.

tyro keeps the line breaks of docstrings, which stand in the middle of its own lines then, and prints "(default: None)"
behind texts that say what is done without the option.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import re
import textwrap
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import tyro


def running(text: str) -> str:
    """A docstring without line breaks, except between paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))


def types_in(annotation: Any) -> list[type]:
    """The dataclasses in a union of commands, or of settings; an Annotated type is what it annotates."""
    if get_origin(annotation) is Annotated:
        return types_in(get_args(annotation)[0])
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return [annotation, *(found for hint in get_type_hints(annotation).values() for found in types_in(hint))]
    return [found for part in get_args(annotation) for found in types_in(part)]


def texts_of(kind: type) -> dict[str, str]:
    """The docstrings of a dataclass's own fields, by name; none where the source is not installed."""
    try:
        source = inspect.getsource(kind)
    except OSError:
        return {}
    (definition,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: running(text.value.value)
        for field, text in itertools.pairwise(definition.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def tidy(command: Any) -> None:
    """Give the fields of all dataclasses in a union of commands their help. It changes the annotations of these."""
    for kind in dict.fromkeys(types_in(command)):
        bases: list[type] = [base for base in reversed(kind.__mro__) if dataclasses.is_dataclass(base)]
        texts = {name: text for base in bases for name, text in texts_of(base).items()}
        hints = get_type_hints(kind, include_extras=True)
        for field in dataclasses.fields(kind):
            nothing = field.default is None or field.default == ()
            hint: dict[str, Any] = {"help_behavior_hint": ""} if nothing else {}
            arg = tyro.conf.arg(help=texts.get(field.name), **hint)
            kind.__annotations__[field.name] = Annotated[hints[field.name], arg]
