# SPDX-License-Identifier: BSD-3-Clause
"""The public API, found by walking the package: the tests and the pages of docs/api.md take their lists from here."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import synergic

WITHOUT_API = ("synergic.models", "synergic.hw_targets.simulation.kernels")
"""Packages that Lava looks for by name, and compiled loops: nothing in them is for users."""


def public_modules(package: ModuleType = synergic) -> Iterator[ModuleType]:
    """Yield `package` and what lies in it, without private names and without the folders that Lava's layout asks for.

    Every process has a folder of its own (process.py, models.py); `synergic.processes` exports the classes.
    """
    yield package
    for found in pkgutil.iter_modules(getattr(package, "__path__", ()), f"{package.__name__}."):
        folder_of_a_process = found.ispkg and package.__name__ == "synergic.processes"
        private = found.name.rpartition(".")[2].startswith("_")
        if not (private or folder_of_a_process or found.name in WITHOUT_API):
            yield from public_modules(importlib.import_module(found.name))


@cache
def public_api() -> dict[str, Any]:
    """Return what `__all__` of every public module names, by full name. Re-exported things stand under each name."""
    return {f"{m.__name__}.{name}": getattr(m, name) for m in public_modules() for name in m.__all__}


@cache
def imported_names(module: str) -> dict[str, tuple[str, str]]:
    """Return, by the name it has in `module`, the module that it is imported from and its name there."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {a.asname or a.name: (node.module, a.name) for node in found for a in node.names}


def defined_at(full_name: str) -> str:
    """Return the full name of a public thing where it is written: re-exports are followed to their module."""
    module, _, name = full_name.rpartition(".")
    if name in (names := imported_names(module)):
        return defined_at(".".join(names[name]))
    return full_name


def home(full_name: str) -> str:
    """Return the one public name under which a thing is documented: that in the package it is written in."""
    written = defined_at(full_name)
    same = [other for other in public_api() if defined_at(other) == written]
    # The package nearest to the module it is written in; of a facade, only what stands nowhere else.
    return max(same, key=lambda other: (written.startswith(other.rpartition(".")[0] + "."), other.count("."), other))


def documentation(full_name: str) -> str | None:
    """Return the docstring of a public thing; of a constant, the string literal below its assignment."""
    thing = public_api()[full_name]
    if inspect.ismodule(thing) or callable(thing):
        return inspect.getdoc(thing)
    module, _, name = defined_at(full_name).rpartition(".")
    body = ast.parse(inspect.getsource(importlib.import_module(module))).body
    for statement, after in zip(body, [*body[1:], None], strict=True):
        targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
        names = {part.id for target in targets if target for part in ast.walk(target) if isinstance(part, ast.Name)}
        if name in names and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            return inspect.cleandoc(str(after.value.value))
    return None


def exported(module: str) -> tuple[list[str], list[str]]:
    """Return what a public module names: what is documented there, and where the rest of it is."""
    names = [name for name in public_api() if name.rpartition(".")[0] == module]
    homes = {name: home(name) for name in names}
    return [name for name in names if homes[name] == name], [homes[name] for name in names if homes[name] != name]


def kind_of(full_name: str) -> str:
    """Return the word of Sphinx for a public thing: "class", "exception", "function", "data" or "module"."""
    thing = public_api()[full_name]
    if inspect.isclass(thing):
        return "exception" if issubclass(thing, BaseException) else "class"
    return "module" if inspect.ismodule(thing) else "function" if callable(thing) else "data"
