# SPDX-License-Identifier: BSD-3-Clause
"""`synergic report` shows what runs and files hold, side by side, and refuses everything else by name."""

import contextlib
import copy
import io
import json
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from networks import plastic_network, random_spikes
from PIL import Image
from rich.console import Console

import synergic as sy
from synergic.cli._chip_run import run_on_chip
from synergic.cli._learning_commands import Evaluate
from synergic.cli._map import map_to_chip
from synergic.cli._report import draw, panels, report
from synergic.errors import CapacityError, FormatError, ParameterError, SynergicError
from synergic.experiments import HP, Events
from synergic.hw_targets import map_network, save_mapping
from synergic.learning.tasks._runs import settings, write_json
from synergic.network import save

NET = sy.quantise(plastic_network(sizes=(20, 12, 4)))


def record(accuracy, config=HP, **changes):
    """What a run leaves, with two losses and one curve."""
    return {
        "figures": {"accuracy": accuracy, "early_exit": {"steps": 2.5}, "matrix": [[0.1], [0.2, 0.3]],
                    "curves": {"salt": [accuracy, 0.25]}, "levels": {"salt": [0, 4]}},
        "evaluated_on": "test set", "history": [{"loss": 0.5, "seconds": 1.0}, {"loss": 0.25, "seconds": 1.0}],
        "config": settings(config), "versions": {"synergic": "0.1.0"}, "machine": "a machine", "date": "2026-01-01",
    } | changes  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One of each kind."""
    place = tmp_path_factory.mktemp("files")
    for name, accuracy in (("gp", 0.875), ("hp", 0.9375)):
        (place / name).mkdir()
        write_json(place / name / "config.json", settings(HP))
        write_json(place / name / "record.json", record(accuracy))
    save(NET, place / "net.h5")
    save_mapping(map_network(NET, "generic"), place / "map.h5")
    np.savez(place / "data.npz", input=random_spikes(NET, samples=2), labels=[1, 2])
    quiet = {"console": Console(file=io.StringIO())}
    run_on_chip(place / "map.h5", place / "data.npz", json_file=place / "simulated.json", **quiet)
    map_to_chip(place / "net.h5", "generic", json_file=place / "mapped.json", **quiet)
    save(sy.quantise(plastic_network(sizes=(1000, 4000, 10), steps=1, alpha=0.01)), place / "wide.h5")
    with pytest.raises(CapacityError):
        map_to_chip(place / "wide.h5", json_file=place / "refused.json", **quiet)
    return place


def shown(*paths, **asked):
    """What is printed, and what JSON holds."""
    console = Console(record=True, width=200, file=io.StringIO())
    result = report(paths, console=console, **asked)
    return console.export_text(), result


def row(text, name):
    """The cells of the table's row that begins with a name."""
    found = re.search(rf"^│ {re.escape(name)} +│(.*)│$", text, re.MULTILINE)
    assert found, f"no row {name!r} in\n{text}"
    return [cell.strip() for cell in found[1].split("│")]


def test_two_runs_stand_side_by_side(files, tmp_path):
    text, result = shown(files / "gp", files / "hp" / "record.json", html=tmp_path / "page.html")
    assert row(text, "accuracy") == ["87.50 %", "93.75 %"]
    assert row(text, "early_exit.steps") == ["2.5", "2.5"]
    assert row(text, "seed") == ["0", "0"]
    assert row(text, "hidden") == ["512", "512"]
    assert row(text, "machine") == ["a machine", "a machine"]
    assert "accuracy: salt" in text
    assert row(text, "4") == ["25.00 %", "25.00 %"]
    assert [o["name"] for o in result["inputs"]] == ["gp", "hp"]
    assert result["inputs"][1]["losses"] == [0.5, 0.25]
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/png;base64,") == 2, "losses, and one curve of damage with two lines"
    assert page.count("93.75 %") == 3, "the first sentence, the figure, and the curve without damage"
    said, accuracy, curve, loss, settings = map(
        page.index,
        ("gp: 87.50 % right; hp: 93.75 % right.", ">accuracy<", ">accuracy: salt<", ">training loss<", ">settings<"),
    )
    assert said < curve < loss < accuracy < settings, "accuracy and curves before rows of settings"


def test_what_only_one_has_leaves_the_others_cell_empty(files, tmp_path):
    write_json(tmp_path / "record.json", record(0.5, Events()) | {"figures": {"accuracy": 0.5}})
    text, _ = shown(files / "gp", tmp_path)
    assert row(text, "early_exit.steps") == ["2.5", ""]
    assert row(text, "dataset") == ["fashion-mnist", ""]


def test_equal_names_are_told_apart(files):
    text, _ = shown(files / "gp", files / "gp")
    assert "gp (1)" in text
    assert "gp (2)" in text


def test_a_network_and_its_mapping(files, tmp_path):
    text, _ = shown(files / "net.h5", html=tmp_path / "net.html")
    assert row(text, "numbers") == ["integers"]
    assert row(text, "neurons") == ["16"]
    assert row(text, "c0") == ["in", "layer1", "12 x 20", "127", "IntHebbian, per_sample"]
    assert (tmp_path / "net.html").read_text().count("data:image/png") == 2, "each matrix of weights"
    text, result = shown(files / "map.h5", html=tmp_path / "map.html")
    assert row(text, "chip") == ["model of generic"]
    assert row(text, "layer2")[0] == "4"
    assert result["inputs"][0]["sections"]["chip"]["seed"] == 0
    page = (tmp_path / "map.html").read_text()
    assert page.count("data:image/png") == 2, "occupancy and routes"
    assert page.count("<p>Each square is a core of the chip. W: it stores slow weights.") == 1
    assert page.count("<p>Lines are links between neighbouring cores") == 1


def test_each_curve_of_a_run_has_axes_that_can_be_read(tmp_path):
    many = record(0.5)
    kinds = [f"damage {i}" for i in range(6)]
    many["figures"] |= {"curves": {k: [0.5, 0.25] for k in kinds}, "levels": {k: [0, 4] for k in kinds}}
    draw(many, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        width, height = image.size
    assert 0.5 < width / height < 2, "seven panels in rows, no strip"
    axes = panels(7).axes
    assert {round(a.get_position().width, 3) for a in axes} == {round(axes[0].get_position().width, 3)}
    assert len(axes) == 7


def test_figures_of_simulate_and_map(files):
    want = json.loads((files / "simulated.json").read_text())
    text, _ = shown(files / "simulated.json", files / "mapped.json")
    assert row(text, "accuracy") == [f"{100 * want['accuracy']:.2f} %"]
    assert "nothing here is measured on silicon" in text
    assert row(text, "fits") == ["yes"]
    text, _ = shown(files / "refused.json")
    assert row(text, "fits") == ["no"]
    assert "240" in text
    assert "limits that are broken" in text


def put(name, text):
    """A file with this text."""

    def make(place):
        (place / name).write_text(text)
        return place / name

    return make


def without_record(place):
    """A run that was interrupted."""
    write_json(place / "config.json", settings(HP))
    return place


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda place: place / "none.json", r"none\.json: no such file or folder, allowed the folder of a run"),
        (lambda place: place, r"got a folder without config\.json and record\.json, allowed"),
        (without_record, "got a run that has not ended.* it resumes"),
        (put("data.csv", "1,2"), r"data\.csv: got a file of another kind, allowed the folder of a run, an example"),
        (put("a.json", "[1]"), r"a\.json: holds no JSON object"),
        (put("a.json", "{"), r"a\.json: damaged"),
        (put("a.json", '{"b": 1}'), r"a\.json: got JSON with \['b'\], allowed"),
        (put("a.json", '{"figures": 1, "config": {}, "history": [], "evaluated_on": "", "versions": {}}'),
         r"a\.json: damaged, or not what it says"),
        (put("a.json", '{"figures": 1, "config": {}, "history": [], "evaluated_on": ""}'),
         r"a\.json: got a record without \['versions'\], allowed"),
        (put("net.h5", "synergic-network 1 sha256 0"), r"net\.h5: damaged, or altered"),
        (put("map.h5", "synergic-mapping 9 sha256 0"), r"map\.h5: format version 9"),
    ],
)  # fmt: skip
def test_wrong_files_are_refused_by_name(tmp_path, make, text):
    with pytest.raises(FormatError, match=text):
        report([make(tmp_path)])


ODD = st.sampled_from(
    [None, True, -1, 1.5, 10**30, "text", "", [], {}, [1], ["a"], [[1], [1, 2]], {"a": 1}, [{"a": 1}]]
)


def places(value, path=()):
    """Every place in nested JSON but its root."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from places(item, (*path, key))


@pytest.mark.parametrize("part", [0.3, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
@pytest.mark.parametrize("name", ["simulated.json", "mapped.json", "refused.json", "hp/record.json"])
def test_other_contents_in_sound_json_are_shown_or_refused(files, name, part, tmp_path):
    sound = (files / name).read_text()
    everywhere = list(places(json.loads(sound)))
    drawn = tmp_path / "page.html" if name.startswith("hp") else None  # the others have no curves to draw

    @settings_of(
        deadline=None, max_examples=int(part * (40 if drawn else 100)), suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(st.tuples(st.sampled_from(everywhere), ODD | st.just("nothing")), min_size=1, max_size=2))
    def check(changes):
        value = json.loads(sound)
        for path, new in changes:
            inside = value
            try:
                for key in path[:-1]:
                    inside = inside[key]
                if new == "nothing":
                    del inside[path[-1]]
                else:
                    inside[path[-1]] = copy.deepcopy(new)  # the next change may be inside of it
            except (LookupError, TypeError):
                continue  # the change before took the place away
        write_json(tmp_path / "record.json", value)
        with contextlib.suppress(SynergicError):
            shown(tmp_path / "record.json", html=drawn)

    check()


def test_nothing_to_show_and_nowhere_to_write_are_refused(files, tmp_path):
    with pytest.raises(ParameterError, match=r"report\.paths: got none"):
        report([])
    with pytest.raises(ParameterError, match="missing does not exist"):
        report([files / "gp"], html=tmp_path / "missing" / "page.html")


def test_the_command(files, tmp_path, commands):
    done = commands.run("report", *(str(p) for p in (files / "gp", files / "hp", "--json", tmp_path / "both.json")))
    assert done.returncode == 0, done.stderr
    assert "93.75 %" in done.stdout
    assert len(json.loads((tmp_path / "both.json").read_text())["inputs"]) == 2
    done = commands.run("report", str(tmp_path))
    assert (done.returncode, done.stderr[:10]) == (2, "synergic: ")


@pytest.mark.parametrize("repeated", [0.9375, 0.93])
def test_evaluate_says_where_the_figures_that_it_does_not_repeat_come_from(repeated, files, monkeypatch, capsys):
    class Task:
        def figures(self):
            return record(0.9375)["figures"] | {"accuracy": repeated}

    monkeypatch.setattr("synergic.learning.tasks._runs.restore", lambda *_: Task())
    command = Evaluate(files / "hp", json=files / "evaluated.json")
    if repeated == 0.9375:
        command.run()
        out = capsys.readouterr().out
        assert "93.75 %" in out
        assert "largest difference 0.00 %, allowed 0.20 %" in out
        assert not re.search(r"[^.\d]0\.\d", out.replace("0.00 %", "").replace("0.20 %", "")), "a share as a fraction"
    else:
        with pytest.raises(SystemExit) as end:
            command.run()
        assert end.value.code == 1
        assert "made on a machine, this is cpu" in capsys.readouterr().err
    found = json.loads((files / "evaluated.json").read_text())
    assert found["equal"] == (repeated == 0.9375)
    assert found["repeated"]["accuracy"] == repeated
