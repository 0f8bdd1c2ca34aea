# SPDX-License-Identifier: BSD-3-Clause
"""A run in chunks that shows how far it is, and the plot of a graph of processes."""

import matplotlib
import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.proc.io.source import RingBuffer as Source
from lava.proc.monitor.process import Monitor
from matplotlib.figure import Figure
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import ExecutionError, ParameterError
from synergic.plots import process_graph
from synergic.processes import HybridDense, HybridLIF, HybridSimCfg, run_in_lava, run_steps, running

pytestmark = pytest.mark.alone
matplotlib.use("agg")
SPIKES = (np.random.default_rng(0).random((3, 25)) < 0.5).astype(int)


def graph():
    source = Source(data=SPIKES)
    dense = HybridDense(weights=np.full((2, 3), 0.4), rule=sy.Hebbian(0.1, 0.1), alpha=0.2, name="dense")
    lif = HybridLIF(shape=(2,), vth=0.8, decay=0.5, record=25, name="lif")
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    lif.u_out.connect(dense.u_in)
    return source, dense, lif


def run_whole():
    _, dense, lif = graph()
    with running(lif):
        lif.run(condition=RunSteps(num_steps=25), run_cfg=HybridSimCfg())
        return lif.u_record.get(), dense.local_weights.get()


@pytest.mark.one_in(2)
@pytest.mark.parametrize("chunk", [7, 1, 100, 25])
def test_chunks_compute_what_one_run_does_and_say_how_many_steps(chunk):
    _, dense, lif = graph()
    said = []
    with running(lif):
        run_steps(lif, 25, HybridSimCfg(), progress=said.append, chunk=chunk)
        found = lif.u_record.get(), dense.local_weights.get()
    assert sum(said) == 25
    assert len(said) == -(-25 // chunk)
    assert all(np.array_equal(a, b) for a, b in zip(found, run_whole(), strict=True))


def test_a_bar_on_standard_error(capfd):
    lif = graph()[2]
    with running(lif):
        run_steps(lif, 25, HybridSimCfg(), chunk=10)
    out, err = capfd.readouterr()
    assert "25/25 Lava steps" in err
    assert out == ""
    network = plastic_network()
    record = run_in_lava(network, random_spikes(network), progress=True)
    steps = 3 * network.steps + network.depth
    assert f"{steps}/{steps} Lava steps" in capfd.readouterr().err
    assert np.allclose(record.u[network.output], sy.simulate(network, random_spikes(network)).u[network.output])
    run_in_lava(network, random_spikes(network), progress=False)
    assert "Lava steps" not in capfd.readouterr().err


def test_a_function_that_fails_ends_the_run():
    lif = graph()[2]

    def fail(steps):
        raise KeyError(steps)

    with pytest.raises(KeyError), running(lif):
        run_steps(lif, 25, HybridSimCfg(), progress=fail, chunk=10)
    with pytest.raises(ExecutionError, match="a run that is over"):
        run_steps(lif, 25, HybridSimCfg(), progress=False)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [({"steps": 0}, "steps"), ({"chunk": 0}, "chunk"), ({"progress": 3}, "progress"), ({"run_cfg": None}, "run_cfg")],
)
def test_wrong_arguments_are_refused_before_the_start(wrong, match):
    given = {"process": graph()[2], "steps": 5, "run_cfg": HybridSimCfg(), **wrong}
    with pytest.raises(ParameterError, match=rf"run_steps\.{match}"):
        run_steps(**given)


def test_the_plot_has_every_process_and_connection_once():
    """From any process of the graph, a Monitor and a loop included."""
    source, dense, lif = graph()
    monitor = Monitor()
    monitor.probe(lif.u, 25)
    back = HybridDense(weights=np.eye(2), name="again")
    lif.s_out.connect(back.s_in)
    back.a_out.connect(lif.a_in)
    other = HybridLIF(shape=(4, 5), name="elsewhere")
    for start in (source, dense, lif, monitor, back):
        axes = process_graph(Figure().add_subplot(), start, "my graph")
        texts = [text.get_text() for text in axes.texts]
        names = [text.split("\n")[0] for text in texts]
        assert sorted(n for n in names if " to " not in n and not n.startswith("reads")) == sorted(
            [source.name, "dense", "lif", monitor.name, "again"]
        )
        lines = sorted(line for text in texts for line in text.split("\n") if " to " in line or "reads" in line)
        assert lines == ["a_out to a_in"] * 2 + ["reads u"] + ["s_out to s_in"] * 2 + ["u_out to u_in"]
        assert "lif\nHybridLIF 2" in texts
        assert axes.get_title() == "my graph"
        at = {text.get_text().split("\n")[0]: text.get_position()[0] for text in axes.texts}
        assert at[source.name] < at["dense"] < at["lif"] < at["again"]
    axes = process_graph(Figure().add_subplot(), other)
    assert [text.get_text() for text in axes.texts] == ["elsewhere\nHybridLIF 4x5"]
    for process in (None, plastic_network(), "lif"):
        with pytest.raises(ParameterError, match=r"process_graph\.process"):
            process_graph(Figure().add_subplot(), process)
    with pytest.raises(ParameterError, match=r"process_graph\.axes"):
        process_graph(Figure(), lif)
