# SPDX-License-Identifier: BSD-3-Clause
"""Processes that Lava saves and loads, or that are copied, share their variables again; where Lava cannot start, and
which names are Lava's, is said before anything runs."""

import copy
import multiprocessing
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.utils.serialization import load, save

import synergic as sy
from synergic import processes as pr
from synergic.errors import ExecutionError, ParameterError, UnsupportedError
from synergic.processes import HybridDense, HybridLIF, HybridNeuron, HybridSimCfg, running
from synergic.processes import _runtime as runtime

pytestmark = pytest.mark.alone


def chain():
    """Neurons with a current, which drive a plastic connection, and neurons that count up."""
    first = HybridNeuron(shape=(3,), vth=1.0, decay=0.5, bias=0.6, neuron=sy.CurrentLIF(0.5))
    dense = HybridDense(weights=np.full((2, 3), 0.1), rule=sy.Hebbian(0.1, 0.1), alpha=0.1)
    last = HybridLIF(shape=(2,), vth=100.0, decay=1.0, bias=1.0)
    first.s_out.connect(dense.s_in)
    dense.a_out.connect(last.a_in)
    last.u_out.connect(dense.u_in)
    return first, dense, last


def outcome(first, dense, last, executable=None):
    """What a run leaves in the variables; a bias is set before, and one while it is paused."""
    if executable is not None:
        last.create_runtime(executable=executable)
    last.bias.set(np.array([1.0, 2.0]))
    with running(last):
        for _ in range(2):
            last.run(condition=RunSteps(num_steps=5), run_cfg=HybridSimCfg())
            first.bias.set(np.full(3, 0.9))
        state = {name: value.get() for name, value in first.state.items()}
        return {"u": last.u.get(), "local": dense.local_weights.get(), "first": first.u.get(), **state}


def saved(graph, path):
    """A graph and its executable through a file of Lava's."""
    last = graph[-1]
    save(list(graph), str(path), executable=last.compile(run_cfg=HybridSimCfg()))
    found, executable = load(str(path))
    return (*found, executable)


@pytest.mark.parametrize("how", ["save", "pickle"])
def test_a_copy_runs_as_the_original_and_shares_its_variables(how, tmp_path):
    want = outcome(*chain())
    assert want["u"][1] > want["u"][0] > 10
    copies = {
        "save": lambda g: saved(g, tmp_path / "graph.pickle"),
        "pickle": lambda g: pickle.loads(pickle.dumps(g)),
    }
    got = outcome(*copies[how](chain()))
    assert want.keys() == got.keys()
    for name, value in want.items():
        assert np.array_equal(got[name], value), name


def test_a_copy_is_apart_from_the_original():
    lif = HybridLIF(shape=(3,), bias=1.0)
    with pytest.raises(UnsupportedError, match=r"got deepcopy, allowed pickle, which copies a graph whole"):
        copy.deepcopy(lif)
    with pytest.raises(UnsupportedError, match=r"got copy, allowed pickle"):
        copy.copy(lif)
    other = pickle.loads(pickle.dumps(lif))
    other.bias.set(np.full(3, 0.5))
    assert np.array_equal(lif.bias.get(), np.ones(3))
    assert other.proc_params["shared_memory"]["bias"] is other.bias.shared
    matrix = HybridDense(weights=np.arange(6.0).reshape(2, 3))
    assert pickle.loads(pickle.dumps(matrix)).weights.shared.flags.f_contiguous, (
        "input by input, as compiled loops read it"
    )


def test_a_runtime_of_an_executable_ends_with_the_script():
    code = """
import numpy as np
import synergic
from lava.magma.core.run_conditions import RunSteps
from synergic.processes import HybridLIF, HybridSimCfg
lif = HybridLIF(shape=(2,), bias=1.0)
lif.create_runtime(executable=lif.compile(run_cfg=HybridSimCfg()))
lif.run(condition=RunSteps(num_steps=5))
print("ran")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "ran\n")


def test_a_failing_clean_up_does_not_hide_the_first_error(monkeypatch, caplog):
    def fail(*_, **__):
        raise OSError("the clean-up fails")

    lif = HybridLIF(shape=(2,), bias=1.0)
    monkeypatch.setattr(runtime, "end", fail)
    with pytest.raises(ZeroDivisionError), running(lif):
        raise ZeroDivisionError
    assert "could not be ended cleanly after its error" in caplog.text
    with pytest.raises(ExecutionError, match="the first"), runtime.guarded(lif):
        raise RuntimeError("the first")


def run_once(_):
    """A short run, for workers; the error that a worker gets, as text."""
    lif = HybridLIF(shape=(2,), vth=10.0, decay=1.0, bias=1.0)
    try:
        with running(lif):
            lif.run(condition=RunSteps(num_steps=3), run_cfg=HybridSimCfg())
            return lif.u.get().tolist()
    except UnsupportedError as error:
        return str(error)


def test_a_daemonic_worker_is_refused_before_the_start_and_another_one_runs():
    fork = multiprocessing.get_context("fork")
    with fork.Pool(1) as pool:
        (said,) = pool.map(run_once, [0])
    assert "got a daemonic process, such as a worker of multiprocessing.Pool" in said
    assert "ProcessPoolExecutor" in said
    with ProcessPoolExecutor(1, mp_context=fork) as pool:
        assert list(pool.map(run_once, [0])) == [[3.0, 3.0]]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_another_start_method_is_refused_before_the_start(method, monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none=False: method)
    said = run_once(0)
    assert f"got the start method '{method}'" in said
    assert "set_start_method('fork', force=True)" in said


@pytest.mark.parametrize(
    ("process", "given", "said"),
    [
        (HybridLIF, {"shape": (3,), "bias_mant": 1}, "bias is the whole bias"),
        (HybridLIF, {"shape": (3,), "du": 1}, "CurrentLIF"),
        (HybridLIF, {"shape": (3,), "dv": 1}, "decay is the factor that is left"),
        (HybridLIF, {"shape": (3,), "v_th": 1.0}, "Did you mean 'vth'?"),
        (HybridDense, {"weights": np.ones((2, 2)), "weight_exp": 1}, "multiply the weights"),
        (HybridDense, {"weights": np.ones((2, 2)), "learning_rule": None}, "rule is a local rule"),
        (HybridDense, {"weights": np.ones((2, 2)), "alfa": 0.1}, "Did you mean 'alpha'?"),
    ],
)
def test_arguments_of_lavas_processes_are_refused_with_what_ours_are_called(process, given, said):
    with pytest.raises(ParameterError) as error:
        process(**given)
    assert said in str(error.value)


@pytest.mark.parametrize("name", sorted(n for n in pr.__all__ if isinstance(getattr(pr, n), type)))
def test_every_process_refuses_what_it_does_not_have(name):
    process = getattr(pr, name)
    if not issubclass(process, pr.HybridLIF.__mro__[-2]) or not hasattr(process, "run"):
        pytest.skip("no process")
    with pytest.raises(ParameterError, match=rf"{name}: got an argument 'nonsense'"):
        process(nonsense=1)
