# SPDX-License-Identifier: BSD-3-Clause
"""A convolution as a matrix: the same as torch's, and on the chip only the cores that hold something."""

import numpy as np
import pytest
import torch
from chips import small_chip
from hypothesis import given, settings
from hypothesis import strategies as st

import synergic as sy
import synergic.interchange
import synergic.network._storage
from synergic.errors import ParameterError
from synergic.hw_targets import check_mapping, map_network, simulate_on_chip
from synergic.network import convolution_matrix, image_after


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.sampled_from([(1, 1, 1), (3, 2, 1), (4, 6, 2), (3, 3, 3)]),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3) | st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.integers(0, 2) | st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.integers(1, 2) | st.tuples(st.integers(1, 2), st.integers(1, 2)),
    more=st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
def test_the_matrix_is_torchs_convolution(seed, channels, kernel, stride, padding, dilation, more):
    rng = np.random.default_rng(seed)
    outs, ins, groups = (channels[1], channels[0], channels[2])
    apart, edge = (v if isinstance(v, tuple) else (v, v) for v in (dilation, padding))
    image = tuple(max(1, d * (k - 1) + 1 - 2 * p) + m for d, p, k, m in zip(apart, edge, kernel, more, strict=True))
    weights = rng.integers(-9, 9, (outs, ins // groups, *kernel))
    given = rng.integers(-9, 9, (ins, *image))
    how = {"stride": stride, "padding": padding, "dilation": dilation}
    matrix = convolution_matrix(weights, image, groups=groups, **how)
    want = torch.nn.functional.conv2d(
        torch.tensor(given, dtype=torch.float64)[None], torch.tensor(weights, dtype=torch.float64), groups=groups, **how
    )[0]
    assert tuple(want.shape[1:]) == image_after(image, kernel, **how)
    assert np.array_equal(matrix @ given.ravel(), want.numpy().ravel())
    assert matrix.dtype == weights.dtype


def test_a_convolution_maps_unfolded_and_runs():
    rng = np.random.default_rng(0)
    # 1 x 16 x 16 in, 2 x 14 x 14 out, then 10 dense neurons
    first = convolution_matrix(rng.normal(0, 0.5, (2, 1, 3, 3)), (16, 16))
    populations = (sy.Population("maps", 392, 0.5, 0.5), sy.Population("out", 10, 0.5, 0.5))
    projections = (
        sy.Projection("conv", "in", "maps", first),
        sy.Projection("dense", "maps", "out", rng.normal(0, 0.1, (10, 392))),
    )
    network = sy.quantise(sy.Network(sy.Source("in", 256), populations, projections, "out", 4))
    chip = small_chip(rows=12, columns=12, axons=32, neurons=28)
    mapping = map_network(network, chip)
    assert check_mapping(mapping) == ()
    conv = [t for t in mapping.tiles if t.projection == "conv"]
    # By hand: 28 neurons are two rows of a map and hear four rows of the image, 64 inputs: two tiles of 32, or three
    # where they begin in the middle of one. Rows 2 n and 2 n + 1 hear rows 2 n to 2 n + 3: exactly tiles n and n + 1.
    assert len(conv) == 2 * 7 * 2
    assert len({t.core for t in conv}) == 28 < 2 * 7 * 8
    spikes = (rng.random((2, 4, 256)) < 0.3).astype(int)
    want, (got, _) = sy.simulate(network, spikes), simulate_on_chip(mapping, spikes)
    assert np.array_equal(want.u["out"], got.u["out"])
    assert want.spikes["maps"].any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kernel": np.ones((3, 3))}, "kernel: got shape"),
        ({"kernel": "abc"}, "kernel"),
        ({"image": (4,)}, "image: got"),
        ({"image": (2, 5)}, r"image: got \(2, 5\), allowed at least \(3, 3\)"),
        ({"stride": 0}, "stride"),
        ({"padding": -1}, "padding"),
        ({"dilation": 1.5}, "dilation"),
        ({"stride": (1, 0)}, "stride: got 0"),
        ({"padding": (1, 1, 1)}, r"padding: got \(1, 1, 1\), allowed one number, or one for each axis"),
        ({"groups": 3}, "groups"),
    ],
)
def test_bad_input_is_refused(arguments, words):
    with pytest.raises(ParameterError, match=words):
        convolution_matrix(**({"kernel": np.ones((2, 1, 3, 3)), "image": (5, 5)} | arguments))


GEOMETRIES = st.fixed_dictionaries(
    {
        "kernel": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "more": st.tuples(st.integers(0, 3), st.integers(0, 3)),
        "stride": st.integers(1, 3),
        "padding": st.integers(0, 2),
        "dilation": st.integers(1, 2),
        "channels": st.sampled_from([(1, 2, 1), (2, 3, 1), (4, 6, 2)]),
        "seed": st.integers(0, 2**32 - 1),
    }
)


def convolutional(kernel, more, stride, padding, dilation, channels, seed, **fields):
    """A projection that is a convolution, and its kernel."""
    ins, outs, groups = channels
    smallest = (max(1, dilation * (k - 1) + 1 - 2 * padding) for k in kernel)
    image = tuple(n + m for n, m in zip(smallest, more, strict=True))
    geometry = sy.Convolution(kernel, image, stride, padding, dilation, groups)
    weights = np.random.default_rng(seed).normal(0, 0.5, (outs, ins // groups, *kernel))
    return sy.Projection.of_kernel("conv", "in", "maps", weights, geometry, **fields), weights


@settings(max_examples=60, deadline=None)
@given(given=GEOMETRIES, row=st.integers(0), column=st.integers(0))
def test_a_convolution_knows_its_kernel_and_refuses_other_weights(given, row, column):
    projection, kernel = convolutional(**given)
    geometry = projection.convolution
    # Lines of the kernel that lie on padding at every place have no synapse.
    inside = [[i in geometry.uses(0) and j in geometry.uses(1) for j in range(kernel.shape[3])]
               for i in range(kernel.shape[2])]  # fmt: skip
    assert np.array_equal(projection.kernel, kernel * inside)
    if np.count_nonzero(projection.weights) > np.count_nonzero(kernel * inside):  # it is used more than once
        changed = projection.weights.copy()
        used = np.argwhere(changed)
        sizes = [np.count_nonzero(projection.weights == projection.weights[tuple(at)]) for at in used]
        changed[tuple(used[int(np.argmax(sizes))])] += 1.0
        with pytest.raises(ParameterError, match=r"conv\.weights: got others than a kernel repeated"):
            sy.Projection("conv", "in", "maps", changed, convolution=geometry)


def test_quantise_files_and_nir_keep_a_convolution(tmp_path):
    given = {"kernel": (3, 2), "more": (3, 4), "stride": 2, "padding": 1, "dilation": 1, "channels": (2, 3, 1)}
    projection, kernel = convolutional(**given, seed=0)
    geometry = projection.convolution
    source = sy.Source("in", projection.n_in)
    network = sy.Network(source, (sy.Population("maps", projection.n_out, 0.5, 0.5),), (projection,), "maps", 4)
    for each in (network, sy.quantise(network)):
        sy.network.save(each, tmp_path / "net.h5")
        for again in (each, sy.network.load(tmp_path / "net.h5")):
            (found,) = again.projections
            assert found.convolution == geometry
            assert np.array_equal(convolution_matrix(found.kernel, geometry.image, 2, 1), found.weights)
    back = sy.interchange.from_nir(sy.interchange.to_nir(network, lossy=True)).projections[0]
    assert back.convolution == geometry
    assert np.array_equal(back.kernel, kernel)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kernel": 3}, "kernel: got 3"),
        ({"kernel": (3, 0)}, "kernel"),
        ({"image": (4.5, 4)}, "image"),
        ({"image": (2, 5)}, r"image: got \(2, 5\), allowed at least \(3, 3\)"),
        ({"stride": 0}, "stride"),
        ({"padding": "1"}, "padding"),
        ({"dilation": True}, "dilation"),
        ({"groups": 0}, "groups"),
    ],
)
def test_a_bad_geometry_is_refused(arguments, words):
    with pytest.raises(ParameterError, match="Convolution." + words):
        sy.Convolution(**({"kernel": (3, 3), "image": (5, 5)} | arguments))


def test_a_geometry_that_does_not_fit_the_weights_is_refused():
    geometry = sy.Convolution((3, 3), (5, 5))
    with pytest.raises(
        ParameterError, match=r"c\.convolution: got weights of \(9, 24\), allowed multiples of \(9, 25\)"
    ):
        sy.Projection("c", "in", "maps", np.zeros((9, 24)), convolution=geometry)
    with pytest.raises(ParameterError, match=r"c\.convolution: got 3 of type int, allowed Convolution or None"):
        sy.Projection("c", "in", "maps", np.zeros((9, 25)), convolution=3)
    with pytest.raises(ParameterError, match=r"of_kernel\.kernel: got shape \(1, 1, 2, 3\)"):
        sy.Projection.of_kernel("c", "in", "maps", np.ones((1, 1, 2, 3)), geometry)
