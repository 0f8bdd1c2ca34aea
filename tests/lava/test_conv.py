# SPDX-License-Identifier: BSD-3-Clause
"""HybridConv beside Lava's Conv, and beside a HybridDense with torch's convolution as its matrix."""

import dataclasses

import numpy as np
import pytest
import torch
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.conv.process import Conv
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source

import synergic as sy
from synergic.errors import ParameterError
from synergic.network._quantise import ONE
from synergic.processes import HybridConv, HybridDense, HybridLIF, running

KINDS = pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
STEPS, VTH, INT_VTH = 10, 0.6, 3840
CASES = {
    "plain": ((3, 3, 2, 1), (5, 4, 1), {}),
    "strided, padded": ((2, 3, 3, 2), (6, 5, 2), {"stride": 2, "padding": 1}),
    "an axis each": ((2, 2, 3, 2), (6, 8, 2), {"stride": (1, 2), "padding": (0, 2), "dilation": (2, 1)}),
    "groups": ((4, 2, 2, 1), (4, 4, 2), {"groups": 2}),
}


def config(integer):
    return Loihi2SimCfg(select_tag="fixed_pt" if integer else "floating_pt")


def kernel_of(shape, integer):
    rng = np.random.default_rng(1)
    return rng.integers(-60, 60, shape) if integer else rng.normal(0, 0.4, shape)


def spikes(shape):
    return (np.random.default_rng(2).random((*shape, STEPS)) < 0.4).astype(int)


@KINDS
def test_the_sums_are_lavas(integer):
    for shape, before, how in (CASES["an axis each"], CASES["groups"]):
        source, weight = Source(data=spikes(before)), kernel_of(shape, integer)
        lavas = Conv(weight=weight, input_shape=before, **how)
        ours = HybridConv(weight=weight, input_shape=before, **how, **({"k": [1]} if integer else {}))
        assert ours.a_out.shape == lavas.a_out.shape
        sinks = [Sink(shape=lavas.a_out.shape, buffer=STEPS) for _ in range(2)]
        for connection, sink in zip((lavas, ours), sinks, strict=True):
            source.s_out.connect(connection.s_in)
            connection.a_out.connect(sink.a_in)
        with running(ours):
            ours.run(condition=RunSteps(num_steps=STEPS), run_cfg=config(integer))
            want, got = (sink.data.get() for sink in sinks)
        assert np.abs(want - got).max() <= (0 if integer else 1e-12)
        assert got.any()


def torchs_matrix(kernel, before, how):
    """The matrix (n_out, n_in) between raveled inputs and outputs, axes in Lava's order: torch, one spike at a time."""
    n_in = int(np.prod(before))
    images = torch.tensor(np.eye(n_in).reshape(n_in, *before).transpose(0, 3, 1, 2))
    flipped = kernel[:, ::-1, ::-1].transpose(0, 3, 1, 2).astype(float)  # torch correlates, Lava convolves
    out = torch.nn.functional.conv2d(images, torch.tensor(flipped), **how)
    return out.numpy().transpose(0, 2, 3, 1).reshape(n_in, -1).T


@KINDS
@pytest.mark.one_in(3)
@pytest.mark.parametrize(("kind", "case"), [*((sy.Hebbian, case) for case in CASES), (sy.PairSTDP, "strided, padded")])
def test_it_learns_as_a_dense_connection_of_its_synapses(kind, case, integer):
    shape, before, how = CASES[case]
    kernel = kernel_of(shape, integer)
    matrix = torchs_matrix(kernel, before, how)
    mask = torchs_matrix(np.ones(shape), before, how) != 0
    n_out, n_in = matrix.shape
    rng = np.random.default_rng(3)
    rule = (
        sy.Hebbian(rng.uniform(0.1, 0.3, n_in), 0.1) if kind is sy.Hebbian else kind(0.2, rng.uniform(0.1, 0.3, n_in))
    )
    rule = rule.quantise("c", 16, INT_VTH, False) if integer else rule
    alpha = rng.integers(50, 200, n_out) if integer else rng.uniform(0.1, 0.5, n_out)
    local = rng.uniform(-0.3, 0.3, mask.shape) * mask
    local = np.rint(local * rule.scale).astype(int) if integer else local
    more = {"alpha": alpha, "vth": VTH, "local_weights": local}
    dense = HybridDense(
        weights=matrix.astype(kernel.dtype), rule=dataclasses.replace(rule, mask=mask), name="dense", **more
    )
    conv = HybridConv(weight=kernel, input_shape=before, rule=rule, name="conv", **how, **more)
    flat, shaped = Source(data=spikes(before).reshape(-1, STEPS)), Source(data=spikes(before))
    neuron = {"vth": INT_VTH, "decay": ONE // 2} if integer else {"vth": VTH, "decay": 0.5}
    lifs = [HybridLIF(shape=(n_out,), **neuron, record=STEPS, name=n) for n in ("a", "b")]
    flat.s_out.connect(dense.s_in)
    dense.a_out.connect(lifs[0].a_in)
    lifs[0].u_out.connect(dense.u_in)
    shaped.s_out.connect(conv.s_in)
    conv.a_out.flatten().connect(lifs[1].a_in)
    lifs[1].u_out.reshape(conv.u_in.shape).connect(conv.u_in)
    for lif, changed in zip(lifs, (dense, conv), strict=True):
        with running(lif):
            lif.run(condition=RunSteps(num_steps=STEPS - 4), run_cfg=config(integer))
            if changed is conv:
                assert np.array_equal(conv.weight.get(), kernel)
                conv.weight.set(kernel // 2 if integer else kernel / 2)
            else:
                half = torchs_matrix(kernel // 2 if integer else kernel / 2, before, how)
                dense.weights.set(half.astype(kernel.dtype))
            lif.run(condition=RunSteps(num_steps=4))
            lif.seen = lif.u_record.get(), changed.local_weights.get()
    (u, full), (potentials, own) = (lif.seen for lif in lifs)
    assert np.abs(u - potentials).max() <= (0 if integer else 1e-12)
    assert own.nnz == mask.sum()
    assert np.array_equal(own.toarray(), full)
    assert not np.array_equal(full, local)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"weight": np.ones((2, 3, 3))}, r"c\.weight: got shape \(2, 3, 3\), allowed \(channels out, X, Y"),
        ({"weight": "kernel"}, r"c\.weight: got 'kernel'"),
        ({"weight": np.full((2, 3, 3, 1), np.nan)}, r"c\.weight: got 18 values that are NaN"),
        ({"weight": np.full((2, 3, 3, 1), 200)}, r"c\.weights: got values from 200 to 200, allowed -128 to 127"),
        ({"input_shape": (5, 5)}, r"c\.input_shape: got \(5, 5\), allowed \(X, Y, channels\)"),
        ({"input_shape": (5, 5, 0)}, r"c\.input_shape: got 0"),
        ({"input_shape": (5, 5, 2)}, r"c\.input_shape: got 2 channels, allowed 1 with this kernel"),
        ({"input_shape": (2, 5, 1)}, r"c\.input_shape: got \(2, 5, 1\), allowed what leaves an output, not \(0, 3\)"),
        ({"stride": 0}, r"c\.stride: got 0, allowed 1, 2"),
        ({"stride": (1, 2, 3)}, r"c\.stride: got \(1, 2, 3\), allowed one number, or one for each axis"),
        ({"padding": -1}, r"c\.padding: got -1"),
        ({"dilation": 1.5}, r"c\.dilation: got 1.5"),
        ({"groups": 3}, r"c\.groups: got 3"),
        ({"groups": None}, r"c\.groups: got None"),
        ({"alpha": np.ones(3)}, r"c\.alpha: got shape \(3,\), allowed \(\) or \(18,\)"),
    ],
)
def test_bad_input_is_refused(changes, text):
    with pytest.raises(ParameterError, match=text):
        HybridConv(**{"weight": np.ones((2, 3, 3, 1)), "input_shape": (5, 5, 1), "name": "c", **changes})
