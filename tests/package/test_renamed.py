# SPDX-License-Identifier: BSD-3-Clause
"""Arguments and settings of 0.1 that have another name now: they work in 0.2, and a warning names the new one."""

import dataclasses
import importlib
import inspect
import json
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

import synergic as sy
from synergic import experiments, interchange, learning, network, processes, rules
from synergic._core.moved import NAMES, renamed
from synergic.cli._main import arguments, main
from synergic.errors import FormatError, ParameterError
from synergic.hw_targets import Simulator, estimate, load_mapping, map_network, save_mapping, simulate_on_chip
from synergic.hw_targets.faults import BrokenChip
from synergic.interchange import from_lava_dl
from synergic.interchange._nir import KEY
from synergic.learning.tasks import read_config
from synergic.learning.tasks._families import settings_now
from synergic.learning.tasks._runs import load_config, open_run, settings
from synergic.network import IntProjection
from synergic.numerics import fixed
from synergic.processes import HybridConv, HybridDense, HybridSparse

ONES = np.ones((2, 3))
RULE = sy.Hebbian(0.1, 0.1)
INT = sy.quantise(
    sy.Network(
        sy.Source("in", 3), (sy.Population("out", 2, 1.0, 0.5),), (sy.Projection("c", "in", "out", ONES),), "out", 4
    )
).projections[0]
INTEGERS = {f.name: getattr(INT, f.name) for f in dataclasses.fields(INT) if f.name != "plasticity_scope"}
SIZES = (3, 4, 2)
MAPPING = map_network(
    sy.quantise(
        sy.Network(
            sy.Source("in", 3), (sy.Population("out", 2, 1.0, 0.5),), (sy.Projection("c", "in", "out", ONES),), "out", 4
        )
    )
)
BROKEN = BrokenChip(MAPPING, dead_cores=(0,))
CALLS = {
    "Projection": lambda **name: sy.Projection("c", "in", "out", ONES, RULE, **name).plasticity_scope,
    "Projection.of_kernel": lambda **name: sy.Projection.of_kernel(
        "c", "in", "out", np.ones((1, 1, 2, 2)), sy.Convolution((2, 2), (3, 3)), **name
    ).plasticity_scope,
    "replace": lambda **name: dataclasses.replace(sy.Projection("c", "in", "out", ONES), **name).plasticity_scope,
    "IntProjection": lambda **name: IntProjection(**INTEGERS, **name).plasticity_scope,
    "HybridLinear": lambda **name: learning.HybridLinear(3, 2, **name).plasticity_scope,
    "RuleLinear": lambda **name: learning.RuleLinear(3, 2, rule=sy.Oja(), **name).plasticity_scope,
    "HybridNet": lambda **name: learning.HybridNet(SIZES, **name).layers[0].plasticity_scope,
    "ConvHybridNet": lambda **name: learning.ConvHybridNet((1, 8, 8), (2,), (4, 2), **name).layers[0].plasticity_scope,
    "HybridDense": lambda **name: HybridDense(weights=ONES, **name).proc_params["plasticity_scope"],
    "HybridSparse": lambda **name: HybridSparse(weights=ONES, **name).proc_params["plasticity_scope"],
    "HybridConv": lambda **name: HybridConv(
        weight=np.ones((1, 2, 2, 1)), input_shape=(3, 3, 1), **name
    ).proc_params["plasticity_scope"],
    "Classification": lambda **name: experiments.Classification(**name).plasticity_scope,
    "Convolution": lambda **name: experiments.Convolution(**name).plasticity_scope,
}  # fmt: skip
"""Every public callable that had the argument, as its users call it."""


@pytest.mark.parametrize("call", CALLS)
def test_the_old_argument_works_and_warns_at_the_line_of_the_user(call):
    with pytest.warns(DeprecationWarning, match=r"\(trace=.*\) is called plasticity_scope now") as caught:
        assert CALLS[call](trace="frozen") == "frozen"
    assert {w.filename for w in caught} == {__file__}  # HybridNet: one a layer
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert CALLS[call](plasticity_scope="frozen") == "frozen"


@pytest.mark.parametrize("call", [call for call in CALLS if call != "replace"])
def test_both_names_at_once_are_refused(call):
    with pytest.raises(TypeError, match="got trace= and plasticity_scope="):
        CALLS[call](trace="frozen", plasticity_scope="frozen")


def test_no_public_callable_with_the_argument_is_left_out():
    packages = [sy, experiments, learning, network, processes]
    public = {getattr(package, name) for package in packages for name in package.__all__}
    having = {
        item.__name__
        for item in public
        if inspect.isclass(item) and "plasticity_scope" in inspect.signature(item.__init__).parameters
    }
    assert len(having) == 9
    assert having <= CALLS.keys()


def test_a_masked_layer_takes_the_old_argument():
    with pytest.warns(DeprecationWarning, match="plasticity_scope"):
        assert learning.MaskedLinear(3, 2, trace="per_sample").plasticity_scope == "per_sample"


def test_a_changed_constructor_has_its_signature_and_a_function_may_be_changed():
    assert "plasticity_scope" in inspect.signature(sy.Projection).parameters
    assert "trace" not in inspect.signature(sy.Projection).parameters

    @renamed("old", "new")
    def function(new):
        """Return it."""
        return new

    assert function.__doc__ == "Return it."
    assert function(3) == function(new=3) == 3
    with pytest.warns(DeprecationWarning, match=r"function\(old=\.\.\.\) is called new now"):
        assert function(old=3) == 3
    with pytest.raises(TypeError):
        function(other=3)


def old_settings(config):
    """Settings as 0.1 wrote them."""
    return {{"plasticity_scope": "trace"}.get(name, name): value for name, value in settings(config).items()}


@pytest.mark.parametrize("kind", [experiments.Classification, experiments.Convolution])
def test_the_folder_of_a_run_of_0_1_is_the_folder_of_the_same_run(tmp_path, kind):
    config = kind(mode="hp", plasticity_scope="shared")
    assert "trace" in old_settings(config)
    (tmp_path / "config.json").write_text(json.dumps(old_settings(config)))
    assert settings(load_config(tmp_path)) == settings(config)
    open_run(config, tmp_path)
    with pytest.raises(ParameterError, match=r"other settings: plasticity_scope 'shared' there, 'frozen' given;"):
        open_run(kind(mode="hp", plasticity_scope="frozen"), tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**old_settings(config), "plasticity_scope": "frozen"}))
    with pytest.raises(FormatError, match=r"the settings \['trace'\]"):
        load_config(tmp_path)


def test_the_records_of_published_runs_are_settings_still():
    found = list((Path(__file__).parents[2] / "benchmarks" / "results").glob("fashion-hp-shared-*.json"))
    for path in found:
        values = json.loads(path.read_text())["config"]
        assert read_config(values.pop("family"), values).plasticity_scope == "shared"
    assert len(found) == 3


def test_settings_with_other_names_stay():
    assert settings_now({"lr": 1, "trace": "frozen"}) == {"lr": 1, "plasticity_scope": "frozen"}


def test_the_option_of_0_1_is_read_as_the_new_one(capsys):
    assert arguments(["train", "mnist-gp", "--trace", "frozen", "--trace=shared"]) == [
        "train", "mnist-gp", "--plasticity-scope", "frozen", "--plasticity-scope=shared",
    ]  # fmt: skip
    assert capsys.readouterr().err.count("--trace is --plasticity-scope now. Since 0.2.") == 1
    for given in (["map", "--trace"], ["train", "mnist-gp", "--traces"], []):
        assert arguments(given) == given
    assert not capsys.readouterr().err


def test_train_has_the_option_by_its_new_name(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["synergic", "train", "mnist-gp", "--trace", "never"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "--plasticity-scope" in capsys.readouterr().err


OTHERS = {
    "Convolution": (lambda **name: sy.Convolution((2, 2), **name).image, "picture", "image", (3, 4)),
    "image_after": (lambda **name: network.image_after(kernel=(2, 2), **name), "picture", "image", (3, 4)),
    "convolution_matrix": (
        lambda **name: network.convolution_matrix(np.ones((1, 1, 2, 2)), **name).shape, "picture", "image", (3, 4)
    ),
    "convolution_synapses": (
        lambda **name: len(network.convolution_synapses((1, 1, 2, 2), **name)[0]), "picture", "image", (3, 4)
    ),
    "ConvHybridNet": (
        lambda **name: learning.ConvHybridNet(channels=(2,), sizes=(4, 2), **name).input_shape,
        "picture", "input_shape", (1, 8, 8),
    ),
    "simulate_on_chip": (lambda **name: run_broken(simulate_on_chip, **name), "losses", "faults", BROKEN),
    "Simulator": (lambda **name: Simulator(MAPPING, **name).faults, "losses", "faults", BROKEN),
}  # fmt: skip
"""Other arguments: the call, the old name, the new one, a value."""


def run_broken(call, **name):
    """Spikes of the model of the chip, with the faults given."""
    return call(MAPPING, np.ones((1, 4, 3), int), **name)[0].spikes["out"].tolist()


@pytest.mark.parametrize("call", OTHERS)
def test_other_arguments_work_by_both_names(call):
    function, old, new, value = OTHERS[call]
    with pytest.warns(DeprecationWarning, match=rf"\({old}=.*\) is called {new} now\. Since 0\.2") as caught:
        by_old = function(**{old: value})
    assert {w.filename for w in caught} == {__file__}
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        assert function(**{new: value}) == by_old


def test_files_of_lava_dl_are_read_with_the_old_argument():
    with (
        pytest.warns(DeprecationWarning, match=r"from_lava_dl\(picture=.*\) is called input_shape now"),
        pytest.raises(ParameterError, match="input_shape: got 0"),
    ):
        from_lava_dl("net.h5", 3, picture=(2, 0, 6))


@pytest.mark.parametrize("name", NAMES)
def test_old_names_of_functions_are_found_where_they_were(name):
    package = next(p for p in (network, rules, interchange) if NAMES[name] in p.__all__)
    with pytest.warns(DeprecationWarning, match=rf"{package.__name__}\.{name} is called {NAMES[name]} now") as caught:
        assert getattr(package, name) is getattr(package, NAMES[name])
    assert caught[0].filename == __file__
    assert not hasattr(package, "no_such_name")


def test_an_old_path_knows_an_old_name():
    with pytest.warns(DeprecationWarning, match=r"base\.Heard has moved: import Received from synergic\.rules"):
        assert importlib.import_module("synergic.rules.base").Heard is rules.Received


def test_files_of_convolutions_have_the_name_of_0_1(tmp_path):
    kernel, geometry = np.ones((1, 1, 2, 2)), sy.Convolution((2, 2), (3, 3))
    projection = sy.Projection.of_kernel("c", "in", "out", kernel, geometry)
    given = sy.Network(sy.Source("in", 9), (sy.Population("out", 4, 1.0, 0.5),), (projection,), "out", 4)
    network.save(given, tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r") as file:
        assert file["network/projections/0/convolution/picture"][()].tolist() == [3, 3]
    assert network.load(tmp_path / "net.h5").projections[0].convolution == geometry
    graph = interchange.to_nir(given, lossy=True)
    own = [
        node.metadata[KEY]["convolution"]
        for node in graph.nodes.values()
        if "convolution" in node.metadata.get(KEY, {})
    ]
    assert [np.asarray(values["picture"]).tolist() for values in own] == [[3, 3]]
    assert interchange.from_nir(graph).projections[0].convolution == geometry


def test_time_multiplexing_works_by_both_names():
    needs, tile = estimate(MAPPING.network), MAPPING.tiles[0]
    for item, old, new in (
        (needs, "turns", "n_passes"),
        (MAPPING, "turns", "n_passes"),
        (MAPPING, "held", "stored"),
        (tile, "turn", "pass_index"),
    ):
        said = rf"{type(item).__name__}\.{old} is called {new} now\. Since 0\.3"
        with pytest.warns(DeprecationWarning, match=said) as caught:
            assert getattr(item, old) == getattr(item, new)
        assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"Tile\(turn=.*\) is called pass_index now\. Since 0\.3"):
        later = dataclasses.replace(tile, turn=2)
    assert later == dataclasses.replace(tile, pass_index=2)
    with pytest.warns(DeprecationWarning, match=r"Estimate\(turns=.*\) is called n_passes now\. Since 0\.3"):
        assert dataclasses.replace(needs, turns=5).n_passes == 5


def test_mapping_files_have_the_first_name_of_a_pass(tmp_path):
    save_mapping(MAPPING, tmp_path / "map.h5")
    with h5py.File(tmp_path / "map.h5", "r") as file:
        assert "turn" in file["tiles"]
        assert "pass_index" not in file["tiles"]
    assert load_mapping(tmp_path / "map.h5").tiles == MAPPING.tiles


def test_functions_and_variables_work_by_both_names():
    values = np.array([2**23, -5])
    with pytest.warns(DeprecationWarning, match=r"fixed\.held is called saturate now\. Since 0\.3") as caught:
        assert fixed.held(values)[1] == fixed.saturate(values)[1] == 1
    rule, neuron = sy.Oja(), sy.neurons.LIF()
    with pytest.warns(DeprecationWarning, match=r"Oja\.held is called values_at now") as more:
        assert rule.held(rule.values, ..., ...) == rule.values_at(rule.values, ..., ...)
    with pytest.warns(DeprecationWarning, match=r"LIF\.held is called values_at now"):
        assert neuron.held(neuron.values, ...) == neuron.values_at(neuron.values, ...)
    encoder = processes.DeltaEncoder(threshold=3, n=2)
    with pytest.warns(DeprecationWarning, match=r"DeltaEncoder\.held is called level now") as last:
        assert encoder.held is encoder.level
    assert {w.filename for w in (*caught, *more, *last)} == {__file__}
    assert not hasattr(fixed, "no_such_name")
    assert not hasattr(encoder, "no_such_name")
