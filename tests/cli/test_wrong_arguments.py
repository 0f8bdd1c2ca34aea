# SPDX-License-Identifier: BSD-3-Clause
"""The functions behind the commands: a wrong argument is refused by name, before anything is written."""

from pathlib import Path

import numpy as np
import pytest
from public_functions import FIRST_FIT, INT, SPIKES, files
from rich.console import Console
from wrong_arguments import Case, not_refused

from synergic.cli import _bench as bench
from synergic.cli import _c_code as c_code
from synergic.cli import _chip_run as chip_run
from synergic.cli import _demo as demo
from synergic.cli import _inputs as cli_inputs
from synergic.cli import _map as chip_map
from synergic.cli import _overview as overview
from synergic.cli import _report as report
from synergic.hw_targets import _chip_report as chip_report
from synergic.interchange import c_footprint


def cases(folder: Path) -> dict[str, Case]:
    at = files(folder)
    out, quiet = folder / "out", Console(quiet=True)
    written = {"json_file": out, "html": folder / "out.html", "console": quiet}
    placed = {"network": at["int"], "options": FIRST_FIT, "console": quiet}
    ran_on = {"network": at["int"], "data": at["data"], "chip": None, "samples": 1, "local_memory": "matrix"}
    bits = {"weight_bits": None, "local_bits": None}
    return {
        "synergic.cli._bench.bench": Case(
            lambda **given: bench.bench(**given),
            {"which": ("chip",), "quick": True, "json_file": out, "folder": folder, "console": quiet},
            fine={"folder": "text"},
            signature=bench.bench,
        ),
        "synergic.cli._c_code.export_c": Case(
            c_code.export_c,
            {
                "network": at["net"],
                "folder": folder / "c",
                "name": "net",
                "flash": "512k",
                "ram": "1M",
                **bits,
                "json_file": out,
                "console": quiet,
            },
            fine={"folder": "text", "name": "text"},
        ),
        "synergic.cli._c_code.import_state": Case(
            c_code.import_state, {"network": at["int"], "state": at["c_state"], "output": out, **bits}
        ),
        "synergic.cli._c_code.size_table": Case(c_code.size_table, {"footprint": c_footprint(INT)}),
        "synergic.cli._report.report": Case(report.report, {"paths": [at["net"]], **written}),
        "synergic.cli._overview.overview": Case(overview.overview, {"path": at["net"], "draw": False}),
        "synergic.cli._map.map_to_chip": Case(
            chip_map.map_to_chip,
            {"network": at["int"], **placed},
        ),
        "synergic.cli._map.map_to_chip's files": Case(
            chip_map.map_to_chip,
            {"network": at["int"], **placed, "output": folder / "map", **written},
            wrong=("output", "json_file", "html"),
        ),
        "synergic.cli._inputs.read_data": Case(cli_inputs.read_data, {"path": at["data"]}),
        "synergic.hw_targets._chip_report.checked": Case(
            chip_report.checked,
            {"network": INT, "given": SPIKES, "labels": np.zeros(len(SPIKES), int), "samples": 1},
            fine={"labels": "none", "samples": "none"},
            also={"given": "input"},
        ),
        "synergic.cli._inputs.open_network": Case(cli_inputs.open_network, {"path": at["net"], **bits}),
        "synergic.cli._inputs.open_network_or_mapping": Case(
            cli_inputs.open_network_or_mapping, {"path": at["net"], **bits}
        ),
        "synergic.cli._chip_run.run_on_chip": Case(
            chip_run.run_on_chip,
            {**ran_on, "strict": False, "console": quiet},
        ),
        "synergic.cli._chip_run.run_on_chip's files": Case(
            chip_run.run_on_chip,
            {**ran_on, "strict": False, "figure": folder / "out.png", **written},
            wrong=("figure", "json_file", "html"),
        ),
        "synergic.cli._demo.run_demo": Case(
            demo.run_demo, {"seed": 0, "epochs": 1, "samples": 1, "progress": False}, runs=False
        ),
        "synergic.cli._bench.check_clone": Case(CHECK_CLONE, {"folder": bench.BENCHMARKS}),
        "synergic.cli._bench.compared": Case(bench.compared, {"measured": {"reach": {"fused_speedup": 10.0}}}),
    }


CHECK_CLONE = bench.check_clone  # the fixture replaces it for `bench`


@pytest.fixture
def without_measuring(monkeypatch, tmp_path):
    """A folder to write into; `bench` measures nothing and needs no clone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "measure", lambda *_: {"reach": {}})
    monkeypatch.setattr(bench, "check_clone", lambda _: None)
    return tmp_path


def test_wrong_arguments_are_refused_by_name(without_measuring):
    assert not_refused(cases(without_measuring)) == ""
