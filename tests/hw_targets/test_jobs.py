# SPDX-License-Identifier: BSD-3-Clause
"""Samples and cases shared by workers, on backends of joblib: the same bits as without."""

import contextlib
import importlib.util

import joblib
import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import ParameterError
from synergic.hw_targets import Probes, Simulator, map_network, run_in_jobs, simulate_on_chip
from synergic.hw_targets.faults import accuracy_under, break_chip
from synergic.hw_targets.simulation._jobs import in_jobs


def assert_same(a, b):
    """The same spikes, potentials and local weights."""
    for part in ("spikes", "u", "local_weights"):
        for name, values in getattr(a, part).items():
            assert np.array_equal(values, getattr(b, part)[name]), f"{part} of {name}"


@contextlib.contextmanager
def ray_on_one_node():
    """A Ray of two processors that only this machine reaches, as small as it gets."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'synergic[cluster]'")
    import ray
    from ray.util.joblib import register_ray

    here = {"_node_ip_address": "127.0.0.1", "include_dashboard": False, "log_to_driver": False}
    ray.init(num_cpus=2, object_store_memory=100 * 2**20, **here)
    register_ray()
    try:
        yield
    finally:
        ray.shutdown()


@pytest.fixture(params=["threading", "loky", "ray"])
def backend(request):
    """A backend of joblib, active, two workers."""
    with contextlib.ExitStack() as stack:
        if request.param == "ray":
            stack.enter_context(ray_on_one_node())
        stack.enter_context(joblib.parallel_config(request.param, n_jobs=2))
        yield request.param


def test_every_backend_gives_the_same_bits(backend):
    net = sy.quantise(plastic_network(sizes=(12, 600, 4)))
    spikes, labels, mapping = random_spikes(net, samples=5), np.arange(5) % 4, map_network(net)
    # Random thresholds and lost packets depend on the number of a sample, which workers must not count anew.
    faults, probes = break_chip(mapping, "lost packets", 0.01), Probes(sums=("c0",))
    options = {"random_masks": {"layer1": 255}, "faults": faults, "probes": probes}
    want, did = simulate_on_chip(mapping, spikes, **options)
    got, also = run_in_jobs(Simulator(mapping, **options), spikes, batch=2)
    assert_same(want, got)
    assert np.array_equal(want.sums["c0"][1]["slow"], got.sums["c0"][1]["slow"])
    assert np.array_equal(did.integrated, also.integrated)
    assert np.array_equal(did.by_sample, also.by_sample)
    assert_same(sy.simulate(net, spikes), simulate_on_chip(mapping, spikes, across="processes", threads=2)[0])
    sweep = accuracy_under(net, spikes, labels, "bit flips", (0.0, 0.1), seeds=(0, 1), jobs=None)
    assert np.array_equal(sweep, accuracy_under(net, spikes, labels, "bit flips", (0.0, 0.1), seeds=(0, 1)))


def test_processes_inside_a_job_do_not_wait_for_ones_that_cannot_start():
    net = sy.quantise(plastic_network(sizes=(12, 600, 4)))
    spikes, mapping = random_spikes(net), map_network(net)
    simulator = Simulator(mapping, across="processes", threads=2)
    with joblib.parallel_config("threading", n_jobs=2):
        for record, _ in in_jobs(simulator.run, [(spikes,), (spikes,)]):
            assert_same(sy.simulate(net, spikes), record)


def test_refusals():
    net = sy.quantise(plastic_network())
    mapping, spikes = map_network(net), random_spikes(net)
    with pytest.raises(ParameterError, match=r"run_in_jobs.simulator.across: got 'cores', allowed 'samples'"):
        run_in_jobs(Simulator(mapping, across="cores"), spikes)
    with pytest.raises(ParameterError, match=r"run_in_jobs.simulator: got"):
        run_in_jobs(mapping, spikes)
    with pytest.raises(ParameterError, match=r"in_jobs.jobs: got 0"):
        in_jobs(abs, [(1,)], 0)
    with pytest.raises(ParameterError, match=r"simulate_on_chip.first: got -1"):
        Simulator(mapping).run(spikes, first=-1)
