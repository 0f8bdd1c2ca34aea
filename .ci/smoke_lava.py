"""Tries an installed wheel with Lava: the shipped example as HybridDense and HybridLIF processes, in both numerics."""

import importlib.metadata
import importlib.util
import platform

import numpy as np

import synergic as sy
from synergic.processes import run_in_lava

assert "site-packages" in sy.__file__, f"{sy.__file__} is not the installed wheel"
assert importlib.util.find_spec("torch") is None, "Lava brought torch"

example = sy.load_example("digits-hp")
inputs = example.inputs[:20]
integers = sy.quantise(example.network)
for network, tolerance in ((example.network, 1e-9), (integers, 0)):
    got, expected = run_in_lava(network, inputs), sy.simulate(network, inputs)
    for part in ("spikes", "u", "local_weights"):
        for name, values in getattr(expected, part).items():
            other = getattr(got, part)[name]
            assert np.allclose(other, values, rtol=0, atol=tolerance), f"{type(network).__name__}: {part} of {name}"
assert expected.spikes["output"].any()

# Ports that are flattened: numpy 2.4 and later need a remedy there, and Lava would wait for ever without.
from lava.magma.core.run_conditions import RunSteps
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source

from synergic.processes import HybridSimCfg, running

source, sink = Source(data=np.arange(24).reshape(2, 3, 4)), Sink(shape=(6,), buffer=4)
source.s_out.flatten().connect(sink.a_in)
with running(sink):
    sink.run(condition=RunSteps(num_steps=4), run_cfg=HybridSimCfg())
    assert np.array_equal(sink.data.get(), np.arange(24).reshape(6, 4))

release = importlib.metadata.version("lava-nc")
print(f"Python {platform.python_version()}, numpy {np.__version__}, lava-nc {release}: Lava equals the reference")
