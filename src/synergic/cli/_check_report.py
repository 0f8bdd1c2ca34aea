# SPDX-License-Identifier: BSD-3-Clause
"""What `synergic check` prints: parts beside targets, and for each target what it cannot run, with the remedy."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from synergic._core.checks import kind
from synergic._core.files import check_folder, check_path, write_json
from synergic._examples import example_file
from synergic.interchange import Checked, Issue, check

WHOLE = "(the whole)"
VERDICTS = {"yes": "can run it", "lossy": "cannot run all of it", "no": "cannot run it"}


def target_table(found: Checked, targets: tuple[str, ...]) -> Table:
    """Parts in rows, targets in columns. Raises ParameterError."""
    kind("target_table.found", found, Checked, "check() gives one.")
    table = Table("part", *targets)
    rows = [part for part in ("", *found.parts) if part or any(found.of(target, "") for target in targets)]
    for part in rows:
        table.add_row(part or WHOLE, *(word(found.of(target, part)) for target in targets))
    return table


def word(issues: tuple[Issue, ...]) -> str:
    """The entry of a part: "lossy" where a writer leaves out all that it cannot hold, if asked to."""
    return ("lossy" if all(issue.lossy for issue in issues) else "no") if issues else "yes"


def check_file(
    file: Path,
    targets: tuple[str, ...],
    json_file: Path | None = None,
    console: Console | None = None,
    **how: Any,
) -> Checked:
    """Check a file and print what is found. how : further arguments of `check`. Raises as `check`, and ParameterError
    for a JSON file in a folder that is not there."""
    given = example_file(check_path("check.file", file))
    kind("check.console", console, Console | None, "None prints to the terminal.")
    if json_file is not None:
        check_folder(json_file, "check.json_file")
    found = check(given, targets, **how)
    shown = console or Console()
    shown.print(f"{file}: {found.form}", soft_wrap=True, markup=False, highlight=False)
    shown.print(target_table(found, targets))
    for target in ("", *targets):
        own = [issue for issue in found.issues if issue.target == target]
        if own:
            shown.print(f"{target or 'The file cannot be read'}:", markup=False, highlight=False)
        for issue in own:
            shown.print(f"  {issue.text}", soft_wrap=True, markup=False, highlight=False)
    for note in found.notes:
        shown.print(f"Note: {note}", soft_wrap=True, markup=False, highlight=False)
    for target in targets:
        shown.print(f"{target}: {VERDICTS[word(found.of(target))]}", highlight=False)
    if json_file is not None:
        verdicts = {target: found.runs(target) for target in targets}
        write_json(json_file, {"runs": verdicts, **asdict(found)})
    return found
