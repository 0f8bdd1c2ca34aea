"""Tries an installed wheel without extras: the shipped example is mapped, simulated bit for bit and costed."""

import importlib.util
import sys
from pathlib import Path

import numpy as np

import synergic as sy
from synergic.errors import MissingPartError
from synergic.hw_targets import check_mapping, cost, map_network, simulate_on_chip

assert "site-packages" in sy.__file__, f"{sy.__file__} is not the installed wheel"
for absent in ("torch", "lava", "tonic", "tqdm"):
    assert importlib.util.find_spec(absent) is None, f"the base brought {absent}"

example = sy.load_example("digits-hp")
integers = sy.quantise(example.network)
mapping = map_network(integers, "tianjic")
check_mapping(mapping)
record, activity = simulate_on_chip(mapping, example.inputs)
reference = sy.simulate(integers, example.inputs)
for part in ("spikes", "u", "local_weights"):
    for name, values in getattr(reference, part).items():
        assert np.array_equal(values, getattr(record, part)[name]), f"the chip differs in {part} of {name}"
accuracy = (record.classes(integers) == example.labels).mean()
assert accuracy == example.record["accuracy"]["integers"], f"{accuracy} on the chip, record: {example.record}"
costs = cost(mapping, activity)
assert costs.cores == mapping.cores > 0
assert costs.energy_j > 0

for part, command in (("learning", "synergic[train]"), ("processes", "synergic[lava]")):
    try:
        importlib.import_module(f"synergic.{part}")
    except MissingPartError as error:
        assert command in str(error), error
    else:
        raise AssertionError(f"synergic.{part} was imported without its extra")
assert not {"torch", "lava"} & set(sys.modules)
print(f"{Path(sys.prefix).name}: numpy {np.__version__}, {accuracy:.4f} right, {1e6 * costs.energy_j:.2f} uJ a sample")
