# SPDX-License-Identifier: BSD-3-Clause
"""What `synergic simulate` does: `report` of a saved network, or a mapping, on data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from synergic._core.checks import kind
from synergic._core.files import check_path, write_json, write_whole
from synergic._core.outputs import check_outputs, image_format
from synergic.cli._inputs import open_network_or_mapping, samples_of
from synergic.cli._wording import quoted
from synergic.hw_targets._chip import Chip
from synergic.hw_targets._chip_report import report


def run_on_chip(
    network: str | Path,
    data: str | Path | None = None,
    chip: Chip | str | None = None,
    samples: int | None = None,
    local_memory: str = "matrix",
    strict: bool = False,
    json_file: Path | None = None,
    figure: Path | None = None,
    html: Path | None = None,
    console: Console | None = None,
    weight_bits: int | None = None,
    local_bits: int | None = None,
) -> dict[str, Any]:
    """Run a saved network or mapping on data, print accuracy and costs with their assumptions.

    network : as of `open_network_or_mapping`. data : as of `samples_of`. weight_bits, local_bits : of a network in
    floating point, as of `quantise`. Returns what json_file gets.

    Raises FormatError, ParameterError, CapacityError, UnsupportedError, before anything runs but for `strict`.
    """
    kind("run_on_chip.console", console, Console | None, "Make one of rich.")
    network = check_path("run_on_chip.network", network)
    data = None if data is None else check_path("run_on_chip.data", data)
    check_outputs("run_on_chip", json_file=json_file, figure=figure, html=html)
    if figure is not None:
        image_format("run_on_chip.figure", figure)
    opened = open_network_or_mapping(network, weight_bits, local_bits)
    given = samples_of(data, network, samples)
    found = report(
        opened, given.inputs, given.labels, chip=chip, samples=samples, local_memory=local_memory, strict=strict,
        what=given.what,
    )  # fmt: skip
    console, result = console or Console(), found.figures()
    found.show(console)
    if figure is not None:
        found.draw(figure)
    if html is not None:
        text = found.html(f"{network.name} on the {found.costs.chip}")
        write_whole(html, lambda draft: draft.write_text(text, encoding="utf-8", errors="backslashreplace"))
    if json_file is not None:
        write_json(json_file, result)
    if html is not None:
        console.print(f"page: {html}", soft_wrap=True, highlight=False, markup=False)
    else:
        told = [str(network), *([] if data is None else [str(data)])]
        console.print(
            f"Next: synergic simulate {' '.join(map(quoted, told))} --html report.html", soft_wrap=True, highlight=False
        )
    return result
