# SPDX-License-Identifier: BSD-3-Clause
"""The command line: it reads the arguments, runs the command, and says what went wrong in one line."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console

from synergic._core.files import stream_of
from synergic.cli._commands import Command
from synergic.cli._help import tidy
from synergic.cli._wording import as_options
from synergic.errors import SynergicError

WITHOUT_NONE = (tyro.conf.DisallowNone,) if hasattr(tyro.conf, "DisallowNone") else ()
"""Of a tyro that has it: options show the type that they take, and not "{None}|PATH"."""


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is not enough: Python's, or torch's, which has no type of its own for it."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def arguments(given: list[str]) -> list[str]:
    """The arguments of a command; those of `train` by their present names. Warns of the name of 0.1."""
    if given[:1] != ["train"] or not any(a.split("=")[0] == "--trace" for a in given):
        return given
    sys.stderr.write("synergic: --trace is --plasticity-scope now. Since 0.2.\n")
    return [a.replace("--trace", "--plasticity-scope", 1) if a.split("=")[0] == "--trace" else a for a in given]


def show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    """Show a warning as the command line does: without the line of our source that it is about."""
    del filename, lineno, file, line
    if issubclass(category, UserWarning):
        sys.stderr.write(f"synergic: warning: {as_options(str(message))}\n")


@contextlib.contextmanager
def tables_beside(json: Path | None) -> Iterator[None]:
    """Print to the error stream while the standard output is for JSON, which another program reads."""
    if json is None or stream_of(json) != 1:
        yield
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield


def raise_again(_: Console) -> None:
    """Let the error of a reader that went away reach `main`."""
    raise BrokenPipeError


def nothing_more_to_write() -> None:
    """Leave nothing in the standard output that Python would try to write again when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parsed() -> Any:
    """Return the command of the command line. Ends the program for --help and for what is no command."""
    if {"-h", "--help"} & set(sys.argv):
        tidy(Command)
    try:
        return tyro.cli(
            Command,
            args=arguments(sys.argv[1:]),
            prog="synergic",
            description=(
                "Global-local learning on spiking hardware. Start with `synergic demo`. Train with `synergic train`, "
                "and look into a run, a network or a mapping with `synergic report`. Every command explains its "
                "options with --help. Exit codes: 0 done, 1 figures differ or miss their targets, or no target can run "
                "what is checked, 2 refused, 130 interrupted."
            ),
            # Options may stand anywhere, also behind the name of an experiment.
            # Left out is None: nobody types it.
            config=(tyro.conf.CascadeSubcommandArgs, *WITHOUT_NONE),
        )
    except SystemExit:
        sys.stdout.flush()  # of --help, as below
        raise


def main() -> None:
    """Entry point of `synergic`."""
    # torch's threads wait for each other in a busy loop. If another program has one of the cores, every small
    # operation lasts as long as that program keeps it: training is ten times slower. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name of a file need not be text
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = show_warning
    Console.on_broken_pipe = raise_again  # type: ignore[assignment]  # rich ends the program without a word
    try:
        command = parsed()
        with tables_beside(getattr(command, "json", None)):
            command.run()
        sys.stdout.flush()  # what cannot be written is said here, not when Python ends
    except SynergicError as error:
        sys.stderr.write(f"synergic: {as_options(str(error))}\n")
        raise SystemExit(2) from None
    except OSError as error:
        # The standard output, above all: what goes to files has errors of its own.
        nothing_more_to_write()
        place = f"{error.filename}: " if error.filename else ""
        what = "nobody reads the output any more" if isinstance(error, BrokenPipeError) else error.strerror or error
        sys.stderr.write(f"synergic: {place}{what}\n")
        raise SystemExit(2) from None
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        remedy = "Allowed is what fits this machine: fewer neurons, samples or steps, or a smaller batch."
        sys.stderr.write(f"synergic: not enough memory: {error}. {remedy}\n")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        sys.stderr.write("synergic: interrupted\n")
        raise SystemExit(130) from None
