# SPDX-License-Identifier: BSD-3-Clause
"""Each command hands its options to the function that does the work, as they were typed and each to its own place."""

import inspect
from pathlib import Path

import pytest

from synergic.cli import main
from synergic.cli._c_code import export_c, import_state
from synergic.cli._chip_run import run_on_chip
from synergic.cli._map import map_to_chip
from synergic.cli._report import report


@pytest.mark.parametrize(
    ("command", "function", "want"),
    [
        (
            "map net.h5 --chip generic --json a.json --html a.html --output m.h5 --seed 3",
            map_to_chip,
            {"network": Path("net.h5"), "chip": "generic", "json_file": Path("a.json"), "html": Path("a.html"),
             "output": Path("m.h5")},
        ),
        (
            "simulate net.h5 data.npz --chip generic --samples 4 --local-memory history --strict --json a.json "
            "--figure a.png --html a.html --weight-bits 7 --local-bits 9",
            run_on_chip,
            {"network": Path("net.h5"), "data": Path("data.npz"), "chip": "generic", "samples": 4,
             "local_memory": "history", "strict": True, "json_file": Path("a.json"), "figure": Path("a.png"),
             "html": Path("a.html"), "weight_bits": 7, "local_bits": 9},
        ),
        (
            "export net.h5 --c folder --name ours --flash 32k --ram 2k --json a.json --weight-bits 7 --local-bits 9",
            export_c,
            {"network": Path("net.h5"), "folder": Path("folder"), "name": "ours", "flash": "32k", "ram": "2k",
             "json_file": Path("a.json"), "weight_bits": 7, "local_bits": 9},
        ),
        (
            "import-state net.h5 state.bin out.h5 --weight-bits 7 --local-bits 9",
            import_state,
            {"network": Path("net.h5"), "state": Path("state.bin"), "output": Path("out.h5"), "weight_bits": 7,
             "local_bits": 9},
        ),
        (
            "report a b --html a.html --json a.json",
            report,
            {"paths": (Path("a"), Path("b")), "html": Path("a.html"), "json_file": Path("a.json")},
        ),
    ],
)  # fmt: skip
def test_options_arrive(command, function, want, monkeypatch):
    found = []
    monkeypatch.setattr(f"{function.__module__}.{function.__name__}", lambda *a, **k: found.append((a, k)))
    monkeypatch.setattr("sys.argv", ["synergic", *command.split()])
    main()
    (given, named), *more = found
    assert not more
    arguments = inspect.signature(function).bind(*given, **named).arguments
    assert {name: arguments[name] for name in want} == want
    if function is map_to_chip:
        assert arguments["options"].seed == 3


def test_the_demo_does_its_work_once_and_says_what_it_wrote(monkeypatch, tmp_path, capsys):
    did = []
    for name in ("run_demo", "tables", "plot_figures", "write_json", "write_run"):
        monkeypatch.setattr(f"synergic.cli._demo.{name}", lambda *a, name=name, **k: did.append((name, a[:1], k)))
    monkeypatch.chdir(tmp_path)
    options = "--seed 4 --epochs 2 --json a.json --run-folder r --no-progress"
    monkeypatch.setattr("sys.argv", ["synergic", "demo", *options.split()])
    main()
    assert [name for name, *_ in did] == ["run_demo", "tables", "plot_figures", "write_run", "write_json"]
    assert did[0] == ("run_demo", (4,), {"progress": False})
    said = capsys.readouterr().out
    for words in ("HP: r, figures: a.json", "synergic map r", "synergic simulate r"):
        assert words in said


@pytest.mark.parametrize("reached", [True, False])
def test_a_target_that_is_missed_is_an_exit_code(reached, monkeypatch):
    asked = []
    monkeypatch.setattr("synergic.cli._bench.bench", lambda *a: asked.append(a))
    monkeypatch.setattr("synergic.cli._bench.all_reached", lambda _: reached)
    monkeypatch.setattr("sys.argv", ["synergic", "bench", "chip", "--full", "--json", "a.json"])
    if reached:
        main()
    else:
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 1
    assert asked == [(("chip",), False, Path("a.json"))]
