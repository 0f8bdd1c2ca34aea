# SPDX-License-Identifier: BSD-3-Clause
"""Every example that ships, by its name, in every command that takes a network."""

import io
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import synergic as sy
from synergic._examples import EXAMPLES
from synergic.cli._c_code import export_c
from synergic.cli._check_report import check_file
from synergic.cli._chip_run import run_on_chip
from synergic.cli._map import map_to_chip
from synergic.cli._overview import overview
from synergic.data import frames, load_recordings
from synergic.errors import DataError, ParameterError

FOLDER = files("synergic") / "examples"
LARGEST = 1_000_000


def console():
    """One that prints nowhere."""
    return Console(file=io.StringIO(), width=200)


LONG = pytest.param("omniglot-classes", marks=pytest.mark.slow)
"""Its 9,246 neurons as C and in a report take ten seconds; tests/package/test_reproduce.py maps and simulates it."""


@pytest.mark.parametrize("name", [LONG if name == "omniglot-classes" else name for name in EXAMPLES])
def test_all_commands_take_an_example(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = run_on_chip(name, samples=4, console=console())
    example = sy.load_example(name)
    network = sy.quantise(example.network)
    inputs = network.encode(example.inputs[:4]) if network.source.num_message_bits else example.inputs[:4]
    assert out["classes"] == sy.simulate(network, inputs).classes(network).tolist()
    assert map_to_chip(name, console=console())["answer"].startswith("It fits")
    shown = overview(Path(name))
    assert (shown.name, shown.kind) == (f"{name}.h5", "network")
    assert check_file(Path(name), ("chip", "c"), console=console()).runs("chip")
    export_c(name, tmp_path / "c", console=console())
    assert (tmp_path / "c" / "src" / "net.c").exists()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_small_and_its_record_says_what_made_it(name):
    sizes = {end: (FOLDER / f"{name}.{end}").stat().st_size for end in ("h5", "npz", "json")}
    assert sum(sizes.values()) < LARGEST, sizes
    record = json.loads((FOLDER / f"{name}.json").read_text())
    assert "benchmarks/examples.py" in record["command"]
    assert any(licence in record["data"] for licence in ("CC BY 4.0", "CC BY-SA 4.0", "MIT"))
    example = sy.load_example(name)
    assert len(example.inputs) == len(example.labels) == record["samples"]
    assert min(record["accuracy"].values()) > 2 / example.network.population(example.network.output).size


def test_the_recordings_of_an_example_are_those_of_the_data_set():
    try:
        test = load_recordings().test
    except DataError as error:
        pytest.skip(str(error))
    example = sy.load_example("nmnist-hp")
    assert np.array_equal(frames(test[:5], example.network.steps).numpy(), example.inputs[:5])


def test_a_name_that_is_nearly_one_is_suggested():
    for given, meant in (("digits-HP", "digits-hp"), ("nmnist", "nmnist-hp"), ("omniglot-clases", "omniglot-classes")):
        with pytest.raises(ParameterError, match=f"Did you mean '{meant}'"):
            sy.load_example(given)
    with pytest.raises(ParameterError, match=r"got 3, allowed .*Choose one of these"):
        sy.load_example(3)
