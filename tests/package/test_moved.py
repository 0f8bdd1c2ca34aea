# SPDX-License-Identifier: BSD-3-Clause
"""Import paths of 0.1: they work in 0.2, and a DeprecationWarning says where a name is now."""

import importlib
import importlib.util
import subprocess
import sys
import warnings

import h5py
import numpy as np
import pytest

import synergic as sy
from synergic._core.moved import MOVED, public
from synergic.experiments import Classification
from synergic.learning import HybridLinear, RuleLinear
from synergic.learning.tasks._families import read_config
from synergic.network import load, save
from synergic.network._storage import seal
from synergic.processes import HybridConv, HybridDense, HybridSparse

SHOWN = {
    "synergic": ("plots",),
    "synergic.data": ("digits", "rate_encode"),
    "synergic.encoding": ("Latency", "Rank", "Rate", "Value"),
    "synergic.errors": ("CapacityError", "FormatError", "ParameterError", "SynergicError"),
    "synergic.experiments": ("Continual",),
    "synergic.hw_targets": (
        "Probes", "Simulator", "check_mapping", "cost", "estimate", "load_chip", "load_mapping", "map_network",
        "run_in_jobs", "save_mapping", "simulate_on_chip",
    ),
    "synergic.hw_targets.costs": ("ASSUMPTIONS", "cost", "side_by_side"),
    "synergic.hw_targets.faults": ("BrokenChip", "accuracy_under"),
    "synergic.hw_targets.history": ("history_bound",),
    "synergic.hw_targets.jobs": ("in_jobs",),
    "synergic.hw_targets.lava_bridge": ("ChipSimCfg",),
    "synergic.hw_targets.mapping": ("map_network",),
    "synergic.hw_targets.simulator": ("simulate_on_chip",),
    "synergic.interchange": ("from_lava_dl", "from_nir", "to_lava_dl", "to_nir"),
    "synergic.interchange.slayer": ("HybridBlock",),
    "synergic.lava_graph": ("Graph", "run_in_lava"),
    "synergic.learning": ("HybridLinear", "HybridNet", "RuleLinear", "evaluate", "to_description", "train"),
    "synergic.learning.datasets": ("Images",),
    "synergic.learning.faults": ("add_events", "crop", "drop_events", "mask_region", "salt_and_pepper"),
    "synergic.learning.recordings": ("SENSOR", "frames"),
    "synergic.learning.tasks.continual": ("ContinualTask",),
    "synergic.learning.tasks.few_shot": ("ALPHA", "Direction", "ETA", "SHARPNESS", "TEACHER"),
    "synergic.metrics": ("metrics",),
    "synergic.neurons": ("Neuron", "after_reset", "potential"),
    "synergic.numerics.fixed": ("rshift",),
    "synergic.plots": ("robustness",),
    "synergic.processes": (
        "EventSource", "HybridDense", "HybridLIF", "HybridNetwork", "RankReadout", "RateReadout",
    ),
    "synergic.rules": ("Rule", "outer", "plain", "rate", "share"),
    "synergic.run_config": ("HybridSimCfg",),
    "synergic.runtime": ("running",),
    "synergic.spiking_split": ("split_by_spikes",),
    "synergic.storage": ("load", "save"),
}  # fmt: skip
"""What README, documentation and tutorials of 0.1 imported or named, by module."""


@pytest.mark.parametrize("module", SHOWN)
def test_what_the_pages_of_0_1_imported_still_imports(module):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name in SHOWN[module]:
            assert getattr(__import__(module, fromlist=[name]), name) is not None
    old = {str(w.message).split()[0] for w in caught if issubclass(w.category, DeprecationWarning)}
    expected = {f"{module}.{name}" for name in SHOWN[module]} if module in MOVED else set()
    assert {name for name in old if name.startswith("synergic.")} == expected


@pytest.mark.parametrize("old", MOVED)
def test_an_old_path_warns_and_names_the_public_place(old):
    assert importlib.util.find_spec(MOVED[old]) is not None
    new = importlib.import_module(MOVED[old])
    front = importlib.import_module(public(MOVED[old]))
    own = [n for n, v in vars(new).items() if getattr(v, "__module__", None) == new.__name__ and not n.startswith("_")]
    exported = [name for name in own if name in getattr(front, "__all__", ())]
    for name in (exported or own)[:1]:
        with pytest.warns(DeprecationWarning, match=rf"{old}\.{name} has moved.*[Ss]ince 0\.2") as caught:
            assert getattr(importlib.import_module(old), name) is getattr(new, name)
        place = f"import it from {front.__name__}." if exported else "a private module"
        assert place in str(caught[0].message)
        assert caught[0].filename == __file__  # the line of the user, not one of ours
    assert own


def test_a_name_that_is_not_there_is_an_attribute_error_of_the_new_place():
    with pytest.raises(AttributeError, match="no_such_name"):
        importlib.import_module("synergic.storage").no_such_name  # noqa: B018


def test_modules_do_not_take_the_place_of_functions():
    for name in ("quantise", "simulate"):
        importlib.import_module(f"synergic.{name}")
        assert callable(getattr(sy, name))
        assert getattr(sy, name).__name__ == name


@pytest.mark.parametrize(
    "make",
    [
        lambda **given: sy.Projection("c", "in", "out", np.ones((2, 3)), sy.Hebbian(0.1, 0.1), **given),
        lambda **given: HybridDense(weights=np.ones((2, 3)), rule=sy.Hebbian(0.1, 0.1), **given).proc_params,
        lambda **given: HybridSparse(weights=np.ones((2, 3)), rule=sy.Hebbian(0.1, 0.1), **given).proc_params,
        lambda **given: (
            HybridConv(
                weight=np.ones((1, 1, 1, 1)), input_shape=(1, 1, 1), rule=sy.Hebbian(0.1, 0.1), **given
            ).proc_params
        ),
        lambda **given: HybridLinear(3, 2, **given),
        lambda **given: RuleLinear(3, 2, rule=sy.Oja(), **given),
        lambda **given: Classification(**given),
    ],
)
def test_the_argument_trace_of_0_1_is_plasticity_scope(make):
    with pytest.warns(DeprecationWarning, match="is called plasticity_scope now") as found:
        old = make(trace="frozen")
    assert found[0].filename == __file__
    new = make(plasticity_scope="frozen")
    scopes = [p["plasticity_scope"] if hasattr(p, "get") else p.plasticity_scope for p in (old, new)]
    assert scopes == ["frozen", "frozen"]
    with pytest.raises(TypeError):
        make(trace="frozen", plasticity_scope="frozen")


def test_settings_and_metadata_of_0_1_keep_their_scope(tmp_path):
    assert read_config("classification", {"trace": "shared"}) == Classification(plasticity_scope="shared")
    projection = sy.Projection("c", "in", "out", np.ones((2, 3)), sy.Hebbian(0.1, 0.1), plasticity_scope="frozen")
    population = sy.Population("out", 2, 1.0, 0.5)
    net = sy.Network(sy.Source("in", 3), (population,), (projection,), "out", 4)
    save(net, tmp_path / "new.h5")
    with h5py.File(tmp_path / "new.h5", "r+") as file:
        attributes = file["network/projections/0"].attrs
        attributes["trace"] = attributes["plasticity_scope"]
        del attributes["plasticity_scope"], attributes["memory"]
    seal(tmp_path / "new.h5")
    assert load(tmp_path / "new.h5").projections[0].plasticity_scope == "frozen"


PROGRAM = """
import warnings, synergic.learning.faults, synergic.quantise, synergic as sy
warnings.simplefilter("error")
assert callable(sy.quantise)
try:
    synergic.learning.faults.crop
except DeprecationWarning as warning:
    assert "from synergic.data" in str(warning), warning
else:
    raise SystemExit("no warning")
"""


def test_an_old_path_below_a_package_can_be_imported_whole():
    """In a fresh interpreter, in which nothing has imported the package before."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=900)
