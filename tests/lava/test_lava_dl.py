# SPDX-License-Identifier: BSD-3-Clause
"""lava-dl's networks: written by its own blocks and run by SLAYER, written by us and run by its netx in Lava."""

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from lava.lib.dl import slayer
from lava.lib.dl.netx import hdf5
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer
from networks import plastic_network

import synergic as sy
from synergic.errors import FormatError, ParameterError, SynergicError, UnsupportedError
from synergic.hw_targets import map_network, simulate_on_chip
from synergic.interchange import from_lava_dl, lava_dl_export_issues, to_lava_dl
from synergic.network import IntPopulation, IntProjection
from synergic.processes import running

STEPS = 30


def blocks(voltage_decay, seed=0, sizes=(10, 8, 4), current_decay=1.0, delay=False, **more):
    """SLAYER's own blocks with a current that does not outlive its step."""
    torch.manual_seed(seed)
    neuron = {"threshold": 0.5, "current_decay": current_decay, "voltage_decay": voltage_decay, "requires_grad": False}
    hook = slayer.utils.quantize_hook_fx
    net = [
        slayer.block.cuba.Dense({**neuron, **more}, a, b, weight_scale=4, pre_hook_fx=hook, delay=delay)
        for a, b in itertools.pairwise(sizes)
    ]
    with torch.no_grad():
        for block in net:
            block.synapse.weight += 0.1  # so that the last one fires
    return net


def export(net, path):
    with h5py.File(path, "w") as file:
        layer = file.create_group("layer")
        for i, block in enumerate(net):
            block.export_hdf5(layer.create_group(str(i)))
    return path


def run_slayer(net, spikes):
    """The spikes of every block, (T, n) each; SLAYER's blocks delay by a step, as Lava's Dense does."""
    x, out = torch.tensor(spikes.T[None], dtype=torch.float32), []
    with torch.no_grad():
        for block in net:
            x = block(x)
            out.append(x[0].numpy().T.astype(int))
    return out


def run_netx(path, spikes, depth):
    """The output spikes of netx in Lava's fixed point, on the clock of the presentation."""
    net = hdf5.Network(net_config=str(path))
    total = len(spikes) + depth
    data = np.zeros((spikes.shape[1], total), int)
    data[:, : len(spikes)] = spikes.T
    source, sink = RingBuffer(data=data), Sink(shape=net.out.shape, buffer=total)
    source.s_out.connect(net.inp)
    net.out.connect(sink.a_in)
    with running(sink):
        sink.run(condition=RunSteps(num_steps=total), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        return sink.data.get().T[depth:].astype(int)


def spikes_in(channels, rate=0.3, seed=3):
    return (np.random.default_rng(seed).random((STEPS, channels)) < rate).astype(int)


INTELS = Path(hdf5.__file__).parents[4] / "tests/lava/lib/dl/netx/gts/ntidigits"


# The wheel of lava-dl contains its tests; an installation from another place may not.
@pytest.mark.skipif(not INTELS.exists(), reason="this lava-dl came without the networks of its own tests")
@pytest.mark.parametrize("steps", [300, pytest.param(3000, marks=pytest.mark.slow)])
def test_intels_network_gives_the_spikes_that_intel_has_recorded(tmp_path, steps):
    """N-TIDIGITS, three layers with axonal delays, as lava-dl's test of it: without the last block, an average."""
    path = tmp_path / "ntidigits.net"
    shutil.copy(INTELS / "ntidigits.net", path)
    with h5py.File(path, "r+") as file:
        del file["layer/5"]
    spikes, want = (np.load(INTELS / f"{name}.npy").T[:steps].astype(int) for name in ("input", "output"))
    exact = from_lava_dl(path, steps, rounding="lava")
    later = 4  # steps on the clock of Lava: the source, and three layers
    got = sy.simulate(exact, spikes).spikes["layer3"][0]
    np.testing.assert_array_equal(got[: steps - later], want[later:])
    assert want.sum() > 500
    if steps == 300:
        plain = sy.simulate(from_lava_dl(path, steps), spikes).spikes["layer3"][0]
        assert not np.array_equal(plain, got)
        with h5py.File(path, "r+") as file:
            file["layer/3/neuron/theta"][...] = 5121
        with pytest.raises(FormatError, match=r"layer 3.neuron: got theta 5121 beside vThMant 80, allowed 5120"):
            from_lava_dl(path, steps)


@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_slayers_blocks_spike_for_spike(tmp_path, decay):
    net = blocks(decay)
    spikes = spikes_in(10)
    want = run_slayer(net, spikes)
    ours = from_lava_dl(export(net, tmp_path / "net.h5"), STEPS)
    got = sy.simulate(ours, spikes)
    for late, name in enumerate(("layer1", "layer2"), 1):  # SLAYER's clock is the input's, ours the population's own
        np.testing.assert_array_equal(got.spikes[name][0][: STEPS - late], want[late - 1][late:])
        assert want[late - 1].any()


def faded(value, decay):
    """What Lava leaves of a value, rounded towards 0."""
    left = value * (4096 - decay)
    return np.sign(left) * (np.abs(left) >> 12)


def loihi(weights, bias, vth, decay, spikes, current_decay=4096):
    """Lava's neuron, one layer, in units of 2^-6 weights: potentials before reset, and spikes."""
    v, i, us, out = np.zeros(len(weights), np.int64), np.zeros(len(weights), np.int64), [], []
    for x in spikes:
        i = faded(i, current_decay) + 64 * (weights @ x)
        v = faded(v, decay) + i + 64 * bias
        us.append(v.copy())
        out.append(v > 64 * vth)
        v[out[-1]] = 0
    return np.array(us), np.array(out).astype(int)


def write(path, weights, vth=40, **neuron):
    """One dense layer as lava-dl writes it."""
    always = {"type": b"CUBA", "iDecay": 4096, "vDecay": 0, "refDelay": 1, "gradedSpike": False}
    with h5py.File(path, "w") as file:
        layer = file.create_group("layer/0")
        layer.create_dataset("type", data=np.array([b"dense"], "S10"))
        layer.create_dataset("shape", data=[len(weights)])
        layer.create_dataset("weight", data=np.asarray(weights, np.float32))
        for key, value in {**always, "vThMant": vth, **neuron}.items():
            layer.create_dataset(f"neuron/{key}", data=value)
    return path


@pytest.mark.parametrize("top", [60, 250])  # as they are, and halved into 8 bits
def test_the_leak_differs_by_less_than_stated(tmp_path, top):
    rng = np.random.default_rng(top)
    differing = 0
    for decay in (1, 60, 500, 2048, 4000):
        weights = 2 * rng.integers(-top // 4, top // 2, (6, 9))
        vth = 2 * top
        spikes = spikes_in(9, seed=decay)
        net = from_lava_dl(write(tmp_path / "net.h5", weights, vth, vDecay=decay), STEPS)
        assert net.projections[0].weight_bits == (7 if top == 60 else 8)
        got = sy.simulate(net, spikes)
        unit = net.populations[0].scale / 64
        us, out = loihi(weights, 0, vth, decay, spikes)
        same = np.logical_and.accumulate(got.spikes["layer1"][0] == out, axis=0)
        same = np.concatenate([np.ones_like(same[:1]), same[:-1]])  # a neuron until its first other spike, included
        gap = np.abs(got.u["layer1"][0] / unit - us)
        assert (gap[same] < (1.5 if unit == 1 else 2) * 4096 / decay).all()
        differing += int((gap > 0).sum())
        assert out.any()
    assert differing > 0  # so it is a difference, and the bound says something


@pytest.mark.parametrize("top", [60, 250])
def test_a_current_differs_by_less_than_stated(tmp_path, top):
    rng = np.random.default_rng(top)
    for decay, current in itertools.product((500, 2048, 4096), (0, 300, 2048)):
        weights = 2 * rng.integers(-top // 4, top // 2, (6, 9))
        spikes = spikes_in(9, seed=decay)
        net = from_lava_dl(write(tmp_path / "net.h5", weights, top, vDecay=decay, iDecay=current), STEPS)
        got = sy.simulate(net, spikes)
        unit = net.populations[0].scale / 64
        us, out = loihi(weights, 0, top, decay, spikes, current)
        same = np.logical_and.accumulate(got.spikes["layer1"][0] == out, axis=0)
        same = np.concatenate([np.ones_like(same[:1]), same[:-1]])
        gap = np.abs(got.u["layer1"][0] / unit - us)[same]
        slow = STEPS if current == 0 else 4096 / current  # without a decay nothing is rounded
        assert (gap < (1.5 if unit == 1 else 2) * (1 + slow) * 4096 / decay).all()
        assert not gap.any() or (decay, current) != (4096, 0)
        assert out.any()


@pytest.mark.parametrize("current", [pytest.param(1.0, marks=pytest.mark.slow), 0.3])
def test_netx_bit_for_bit_with_lavas_rounding(tmp_path, current):
    """A network of the kind of lava-dl's Oxford network: weights of 9 bits, even; two layers that leak by a tenth."""
    steps = 400
    net = blocks(415 / 4096, sizes=(40, 30, 20), current_decay=current)
    with torch.no_grad():
        net[0].synapse.weight[0, 0] = 3  # beyond 8 bits in steps of 1
    spikes = (np.random.default_rng(3).random((steps, 40)) < 0.1).astype(int)
    run_slayer(net, spikes)  # which tells the blocks their shape
    path = export(net, tmp_path / "net.h5")
    want = run_netx(path, spikes, 2)
    exact, plain = from_lava_dl(path, steps, rounding="lava"), from_lava_dl(path, steps)
    record = sy.simulate(exact, spikes)
    assert np.array_equal(record.spikes["layer2"][0], want)
    assert not any(record.saturated.values())
    assert 0.05 < want.mean() < 0.95
    assert exact.projections[0].weight_bits == 9
    assert plain.projections[0].weight_bits == 8
    assert not np.array_equal(sy.simulate(plain, spikes).spikes["layer2"][0], want)


@pytest.mark.one_in(2)
@pytest.mark.parametrize(("iDecay", "vDecay"), [(300, 60), (0, 0), (4096, 415), (2048, 4096), (1, 1)])
def test_potentials_bit_for_bit_with_lavas_rounding(tmp_path, iDecay, vDecay):
    """Against Lava's equation, written out."""
    rng = np.random.default_rng(iDecay)
    weights, spikes = 2 * rng.integers(-60, 120, (6, 9)), spikes_in(9, seed=vDecay)
    net = from_lava_dl(write(tmp_path / "net.h5", weights, 600, vDecay=vDecay, iDecay=iDecay), STEPS, rounding="lava")
    got, (us, out) = sy.simulate(net, spikes), loihi(weights, 0, 600, vDecay, spikes, iDecay)
    assert np.array_equal(got.u["layer1"][0], us)
    assert np.array_equal(got.spikes["layer1"][0], out)
    assert out.any()


def images(strides=(1, 1), pool=True):
    """SLAYER's blocks of a convolution, a pooling and a dense layer, for images of 2 x 7 x 6."""
    torch.manual_seed(0)
    neuron = {"threshold": 0.5, "current_decay": 1.0, "voltage_decay": 0.0, "requires_grad": False}
    hook, block = slayer.utils.quantize_hook_fx, slayer.block.cuba
    net = [block.Conv(neuron, 2, 4, 3, stride=strides, padding=1, groups=2, weight_scale=2, pre_hook_fx=hook)]
    if pool:
        net.append(block.Pool({**neuron, "threshold": 1.5}, 2, pre_hook_fx=hook))
    height, width = ((size - 1) // stride + 1 for size, stride in zip((7, 6), strides, strict=True))
    sizes = 4 * (-(-height // 2) * -(-width // 2) if pool else height * width)
    net += [block.Flatten(), block.Dense(neuron, sizes, 3, weight_scale=2, pre_hook_fx=hook)]
    return net


@pytest.mark.parametrize(("strides", "pool"), [((2, 2), False), ((2, 1), True), ((2, 1), False)])
def test_images_spike_for_spike(tmp_path, strides, pool):
    net = images(strides, pool)
    spikes = (np.random.default_rng(0).random((STEPS, 2, 7, 6)) < 0.4).astype(int)
    x, want = torch.tensor(spikes.transpose(1, 2, 3, 0)[None], dtype=torch.float32), []
    with torch.no_grad():
        net[-1].synapse.weight += 0.1  # so that it fires
        for block in net:
            x = block(x)
            if not isinstance(block, slayer.block.cuba.Flatten):
                want.append(x[0].flatten(0, -2).numpy().T.astype(int))
    path = export(net, tmp_path / "net.h5")
    with pytest.raises(UnsupportedError, match=r"layer 0.shape: got None before a conv block.*input_shape="):
        from_lava_dl(path, STEPS)
    ours = from_lava_dl(path, STEPS, input_shape=(2, 7, 6))
    assert (ours.projections[0].convolution is not None) == (strides == (2, 2))
    got = sy.simulate(ours, spikes.reshape(STEPS, -1))
    for late, population in enumerate(ours.populations, 1):
        np.testing.assert_array_equal(got.spikes[population.name][0][: STEPS - late], want[late - 1][late:])
        assert want[late - 1].any()
    chip, _ = simulate_on_chip(map_network(ours), spikes.reshape(STEPS, -1))
    np.testing.assert_array_equal(chip.u[ours.output], got.u[ours.output])


@pytest.mark.parametrize(
    ("input_shape", "how", "claim"),
    [
        ((3, 6, 8), {"kernel_size": 2}, True),
        ((1, 6, 6), {"kernel_size": 2, "padding": 1}, True),
        ((3, 6, 6), {"kernel_size": 2, "padding": (0, 1)}, False),  # beside each row
        ((2, 6, 6), {"kernel_size": 2, "stride": 4, "padding": 1}, False),  # channel 0 begins above, channel 1 below
        ((2, 6, 6), {"kernel_size": 2, "stride": (10, 2)}, False),  # row 0 of channel 0, row 4 of channel 1
        ((2, 6, 5), {"kernel_size": 3, "stride": 6}, True),
        ((4, 7, 5), {"kernel_size": 2}, False),  # filled up to 8 x 6
        ((1, 7, 8), {"kernel_size": 3, "stride": 2, "padding": 1}, False),
        ((1, 6, 6), {"kernel_size": 3, "stride": 2, "padding": 1}, True),
        ((2, 5, 5), {"kernel_size": (5, 3), "stride": (5, 2), "padding": (0, 2)}, False),
    ],
)
def test_poolings_spike_for_spike(tmp_path, input_shape, how, claim):
    """SLAYER's own, with what it appends, where it pads, and over which channels its rectangles lie."""
    hook, neuron = slayer.utils.quantize_hook_fx, {"threshold": 1.5, "current_decay": 1.0, "voltage_decay": 0.0}
    net = [slayer.block.cuba.Pool({**neuron, "requires_grad": False}, **how, pre_hook_fx=hook)]
    spikes = (np.random.default_rng(0).random((STEPS, *input_shape)) < 0.4).astype(int)
    with torch.no_grad():
        want = net[0](torch.tensor(spikes.transpose(1, 2, 3, 0)[None], dtype=torch.float32))[0]
    ours = from_lava_dl(export(net, tmp_path / "net.h5"), STEPS, input_shape=input_shape)
    got = sy.simulate(ours, spikes.reshape(STEPS, -1)).spikes["layer1"][0]
    np.testing.assert_array_equal(got[: STEPS - 1], want.flatten(0, -2).numpy().T[1:])
    assert got.any()
    assert (ours.projections[0].convolution is not None) == claim


def test_images_of_another_size_are_refused(tmp_path):
    net = images()
    x = torch.zeros(1, 2, 7, 6, 3)
    for block in net[:2]:
        x = block(x)
    path = export(net[:2], tmp_path / "net.h5")
    with pytest.raises(FormatError, match=r"layer 0.shape: got \(4, 7, 6\) behind \(2, 7, 9\), allowed \(4, 7, 9\)"):
        from_lava_dl(path, 3, input_shape=(2, 7, 9))
    with h5py.File(path, "r+") as file:
        file["layer/1/shape"][...] = (4, 3, 3)  # what others make of 7 rows, where SLAYER fills them up to 8
    with pytest.raises(FormatError, match=r"layer 1\.shape: got \(4, 3, 3\) behind \(4, 7, 6\), allowed \(4, 4, 3\)"):
        from_lava_dl(path, 3, input_shape=(2, 7, 6))
    with pytest.raises(ParameterError, match=r"input_shape: got 0"):
        from_lava_dl(path, 3, input_shape=(2, 0, 6))


def exact(seed=0, decay=0):
    """A network that Loihi's integers hold: odd weights of 8 bits, a bias, thresholds in steps of 2^6."""
    rng = np.random.default_rng(seed)
    sizes, pops, cons = (10, 7, 4), [], []
    for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        bias = rng.integers(-5, 6, n_out) * 64 * (decay == 0)  # Lava's biases begin before the presentation arrives
        pops.append(IntPopulation(f"p{i}", n_out, 90 * 64, decay, "zero", bias, 64.0))
        weights = rng.integers(-90, 128, (n_out, n_in))
        before = "in" if i == 0 else "p0"
        cons.append(IntProjection(f"c{i}", before, f"p{i}", weights, None, np.int64(0), None, "frozen", 8))
    k = np.full(STEPS, 4096)
    return sy.IntNetwork(sy.Source("in", 10), tuple(pops), tuple(cons), "p1", STEPS, "rate", k)


@pytest.mark.parametrize("decay", [0, 4096])
def test_netx_runs_what_we_write(tmp_path, decay):
    net, spikes = exact(decay=decay), spikes_in(10)
    assert to_lava_dl(net, tmp_path / "net.h5") == ()
    want = sy.simulate(net, spikes).spikes["p1"][0]
    np.testing.assert_array_equal(run_netx(tmp_path / "net.h5", spikes, net.depth), want)
    assert 0 < want.mean() < 1
    again = sy.simulate(from_lava_dl(tmp_path / "net.h5", STEPS), spikes)
    np.testing.assert_array_equal(again.spikes["layer2"][0], want)


def test_export_issues_are_named_and_refused(tmp_path):
    net = sy.quantise(plastic_network())
    with pytest.raises(
        UnsupportedError, match=r"c0\.rule.*tau_w.*layer1\.reset.*layer1\.vth.*layer1\.bias.*lossy=True"
    ):
        to_lava_dl(net, tmp_path / "net.h5")
    assert not list(tmp_path.iterdir())
    assert to_lava_dl(net, tmp_path / "net.h5", lossy=True) == lava_dl_export_issues(net)
    again = from_lava_dl(tmp_path / "net.h5", net.steps)
    for a, b in zip(again.projections, net.projections, strict=True):
        np.testing.assert_array_equal(a.weights, b.weights)
    assert abs(again.populations[0].vth - net.populations[0].vth) <= 32
    with pytest.raises(UnsupportedError, match="feedback"):
        to_lava_dl(sy.quantise(plastic_network(recurrent=True)), tmp_path / "b.h5", lossy=True)
    with pytest.raises(ParameterError, match="quantise"):
        to_lava_dl(plastic_network(), tmp_path / "b.h5")


def test_on_the_chip(tmp_path):
    written, spikes = blocks(1.0), spikes_in(10)
    run_slayer(written, spikes)  # its blocks learn their shape, which export needs, at their first run
    net = from_lava_dl(export(written, tmp_path / "net.h5"), STEPS)
    want = sy.simulate(net, spikes)
    got, _ = simulate_on_chip(map_network(net), spikes)
    np.testing.assert_array_equal(got.spikes["layer2"], want.spikes["layer2"])
    assert want.spikes["layer2"].any()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"refDelay": 3}, "refDelay"),
        ({"gradedSpike": True}, "gradedSpike"),
        ({"type": b"RF"}, "type: got 'RF'"),
        ({"vDecay": [1, 2]}, "vDecay: got 2 values"),
        ({"weight_exp": 1}, "got fields .'weight_exp'"),
        ({"wgtExp": 2}, "wgtExp: got .2., allowed 0: our weights have no exponent"),
        ({"weights": np.full((2, 3), 0.5)}, "weight: got fractions"),
        ({"weights": np.full((2, 3), 40000)}, "layer1: got weights"),
    ],
)
def test_refused_by_name(tmp_path, changes, text):
    with pytest.raises(UnsupportedError, match=text):
        from_lava_dl(write(tmp_path / "net.h5", **{"weights": np.ones((2, 3)), **changes}), 3)


def test_fields_of_the_gradient_alone_are_no_reason_to_refuse(tmp_path):
    """As in the files of lava-dl's PilotNet."""
    plain = from_lava_dl(write(tmp_path / "net.h5", np.ones((2, 3))), 3)
    fields = {"scaleRho": 0.1, "tauRho": 0.02, "wgtExp": 0}
    assert from_lava_dl(write(tmp_path / "more.h5", np.ones((2, 3)), **fields), 3) == plain


def test_a_kernel_with_an_axis_of_depth(tmp_path):
    net = images((2, 2), False)
    x = torch.zeros(1, 2, 7, 6, STEPS)
    with torch.no_grad():
        for block in net:  # which tells them their shapes
            x = block(x)
    path = export(net, tmp_path / "net.h5")
    want = from_lava_dl(path, STEPS, input_shape=(2, 7, 6))
    with h5py.File(path, "r+") as file:
        kernel = file["layer/0/weight"][()]
        del file["layer/0/weight"]
        file["layer/0/weight"] = kernel[..., None]
    assert from_lava_dl(path, STEPS, input_shape=(2, 7, 6)) == want
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        file["layer/0/weight"] = np.stack([kernel, kernel], -1)
    with pytest.raises(UnsupportedError, match=r"layer 0.weight: got a kernel of shape .* a depth of 1"):
        from_lava_dl(path, STEPS, input_shape=(2, 7, 6))


def test_an_input_block_with_neurons_is_named_with_its_layer(tmp_path):
    path = write(tmp_path / "net.h5", np.ones((2, 3)))
    with h5py.File(path, "r+") as file:
        del file["layer/0/type"]
        file["layer/0"].create_dataset("type", data=np.array([b"input"], "S10"))
    with pytest.raises(UnsupportedError, match="layer 0: got block 'input with neurons'"):
        from_lava_dl(path, 3)


def test_other_blocks_and_files_are_refused(tmp_path):
    path = tmp_path / "net.h5"
    for name, data, text in (
        ("type", np.array([b"convT"], "S10"), "got block 'convT'"),
        ("delay", np.full(3, 70.0), "delay: got 70 to 70"),
    ):
        write(path, np.ones((2, 3)))
        with h5py.File(path, "r+") as file:
            if name in file["layer/0"]:
                del file["layer/0"][name]
            file["layer/0"].create_dataset(name, data=data)
        with pytest.raises(UnsupportedError, match=f"layer 0.*{text}"):
            from_lava_dl(path, 3)
    path.write_text("no")
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file.create_dataset("node", data=[1])
    for file, text in (
        (path, "not a network of lava-dl, which is HDF5, or damaged"),
        (tmp_path / "none.h5", r"none.h5: no such file, allowed a network that lava-dl exported\. Check the path"),
        (tmp_path, r"got a folder, allowed a network .*Add the name of the file"),
        (other, r"got HDF5 of another program, .*from_nir reads NIR"),
    ):
        with pytest.raises(FormatError, match=text):
            from_lava_dl(file, 3)
    with pytest.raises(ParameterError, match="steps"):
        from_lava_dl(write(tmp_path / "net.h5", np.ones((2, 3))), 0)


def with_delays(path, i, values):
    """Give a layer of a file delays."""
    with h5py.File(path, "r+") as file:
        file.create_dataset(f"layer/{i}/delay", data=np.asarray(values, float))
    return path


def test_slayers_axonal_delays_spike_for_spike(tmp_path):
    net = blocks(1.0, delay=True)
    delays = [np.random.default_rng(i).integers(0, 6, n) for i, n in enumerate((8, 4))]
    spikes = spikes_in(10)
    run_slayer(net, spikes)  # its delays learn their shape at the first run
    with torch.no_grad():
        for block, values in zip(net, delays, strict=True):
            block.delay.delay[:] = torch.tensor(values + 0.0).reshape(block.delay.delay.shape)
            block.delay_buffer = None
    want = run_slayer(net, spikes)
    ours = from_lava_dl(export(net, tmp_path / "net.h5"), STEPS)
    got = sy.simulate(ours, spikes)
    for late, name in enumerate(("layer1", "layer2")):
        begin = ours.onsets[name]
        np.testing.assert_array_equal(got.spikes[name][0][: STEPS - begin], want[late][begin:])
        assert want[late].any()
    assert sorted({q.delay for q in ours.projections}) == sorted(set(np.concatenate(delays).tolist()))


@pytest.mark.parametrize(("layer", "size"), [(0, 8), (0, 10), (1, 4)], ids=["outputs", "inputs", "last"])
def test_netx_runs_delays_as_we_read_them(tmp_path, layer, size):
    net = exact()
    sizes = [q.weights.shape for q in net.projections]
    delays = np.arange(sizes[layer][0] if size != 10 else sizes[layer][1]) % 4
    to_lava_dl(net, tmp_path / "net.h5")
    ours = from_lava_dl(with_delays(tmp_path / "net.h5", layer, delays), STEPS)
    spikes = spikes_in(net.source.size)
    want = sy.simulate(ours, spikes).spikes[ours.output][0]
    assert want.any()
    np.testing.assert_array_equal(run_netx(tmp_path / "net.h5", spikes, ours.depth), want)


def test_netx_runs_the_delays_that_we_write(tmp_path):
    net = exact()
    net = replace(net, projections=tuple(replace(q, delay=i + 2) for i, q in enumerate(net.projections)))
    to_lava_dl(net, tmp_path / "net.h5")
    back = from_lava_dl(tmp_path / "net.h5", STEPS)
    assert [q.delay for q in back.projections] == [q.delay for q in net.projections]
    spikes = spikes_in(net.source.size)
    want = sy.simulate(back, spikes).spikes[back.output][0]
    np.testing.assert_array_equal(run_netx(tmp_path / "net.h5", spikes, net.depth), want)


@pytest.mark.parametrize(
    ("values", "message"),
    [([63.0] * 8, "got 63 to 63, allowed whole steps from 0 to 62"), ([0.5] * 8, "whole"), ([1.0] * 3, "shape")],
)
def test_delays_that_netx_would_change_are_refused(tmp_path, values, message):
    net = blocks(1.0)
    run_slayer(net, spikes_in(10))
    path = with_delays(export(net, tmp_path / "net.h5"), 0, values)
    with pytest.raises(SynergicError, match=rf"layer 0\.delay: .*{message}"):
        from_lava_dl(path, STEPS)
