# SPDX-License-Identifier: BSD-3-Clause
"""A saved network comes back equal, field by field; any other file is refused by name, never half read."""

from dataclasses import fields, is_dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.errors import FormatError, ParameterError
from synergic.network import load, save
from synergic.network._storage import HEADER, seal, write

ONE_FOLDER = {"suppress_health_check": [HealthCheck.function_scoped_fixture], "deadline": None}


def assert_equal(a, b):
    """Same types, same fields, same bits."""
    assert type(a) is type(b)
    if is_dataclass(a):
        for f in fields(a):
            assert_equal(getattr(a, f.name), getattr(b, f.name))
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_equal(a[key], b[key])
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_equal(x, y)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()
    else:
        assert a == b


@settings(max_examples=30, **ONE_FOLDER)
@given(
    seed=st.integers(0, 99),
    integer=st.booleans(),
    recurrent=st.booleans(),
    plasticity_scope=st.sampled_from(["frozen", "per_sample"]),
    rho=st.sampled_from(["tanh", "identity"]),
    masked=st.booleans(),
)
def test_round_trip(tmp_path, seed, integer, recurrent, plasticity_scope, rho, masked):
    some = {"masked": 0.5} if masked else {}
    network = plastic_network(seed, recurrent=recurrent, plasticity_scope=plasticity_scope, rho=rho, **some)
    network = sy.quantise(network) if integer else network
    save(network, tmp_path / "net.h5")
    again = load(tmp_path / "net.h5")
    assert_equal(network, again)
    spikes = random_spikes(network)
    assert_equal(sy.simulate(network, spikes), sy.simulate(again, spikes))


def test_values_sources_and_infinite_time_constants_round_trip(tmp_path):
    population = sy.Population("out", 2, 1.0, 0.5)
    projection = sy.Projection("c", "in", "out", np.ones((2, 3)))
    network = sy.Network(sy.Source("in", 3, 8), (population,), (projection,), "out", 4)
    for net in (network, sy.quantise(network)):
        save(net, tmp_path / "net.h5")
        assert_equal(net, load(tmp_path / "net.h5"))


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "net.h5"
    save(plastic_network(), path)
    before = path.read_bytes()

    written = []

    def fail_halfway(group, item):
        written.append(write(group, item))  # the network's own fields, part by part, then no more
        if len(written) == 3:
            assert len(list(tmp_path.iterdir())) == 2, "the draft lies beside the file"
            raise OSError("disk full")

    monkeypatch.setattr("synergic.network._storage.write", fail_halfway)
    with pytest.raises(ParameterError, match="disk full, allowed a place that can be written"):
        save(plastic_network(1), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_saved_file_is_readable_like_any_other(tmp_path):
    (tmp_path / "plain").touch()
    save(plastic_network(), tmp_path / "net.h5")
    assert (tmp_path / "net.h5").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_path_that_cannot_be_written_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(ParameterError, match=r"missing does not exist, allowed .*\. Create it\."):
        save(plastic_network(), tmp_path / "missing" / "net.h5")
    with pytest.raises(ParameterError, match=r"got a folder, allowed a file\. Add"):
        save(plastic_network(), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "net.h5"
    save(plastic_network(), path)
    return path.read_bytes()


@settings(max_examples=60, **ONE_FOLDER)
@given(share=st.floats(0, 0.999))
def test_truncated_files_are_refused(tmp_path, whole, share):
    path = tmp_path / "cut.h5"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(FormatError, match=r"cut\.h5"):
        load(path)


@settings(max_examples=300, **ONE_FOLDER)
@given(changes=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(1, 255)), min_size=1, max_size=8))
def test_altered_bytes_are_refused(tmp_path, whole, changes):
    raw = bytearray(whole)
    for place, flips in changes:
        raw[int(place * len(raw))] ^= flips
    path = tmp_path / "altered.h5"
    path.write_bytes(bytes(raw))
    if bytes(raw) == whole:  # two changes of the same byte
        load(path)
        return
    with pytest.raises(FormatError, match=r"altered\.h5"):
        load(path)


def test_damage_is_refused_before_hdf5_sees_it(tmp_path, whole, monkeypatch):
    path = tmp_path / "altered.h5"
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    # On bytes like these the HDF5 library itself crashes or never returns, which no `except` can catch.
    monkeypatch.setattr("synergic.network._storage.h5py.File", lambda *_: pytest.fail("parsed"))
    with pytest.raises(FormatError, match=r"altered since it was saved\. Restore"):
        load(path)


@pytest.mark.parametrize(
    ("line", "match"),
    [
        (b"other-network 1 sha256", "not a synergic-network file"),
        (b"synergic-network 99 sha256", r"version 99, this synergic reads 1\. Save it again"),
        (b"synergic-network", "version none, this synergic reads 1"),
        (b"synergic-network \xff", "version"),
        (b"", "not a synergic-network file"),
        (b"\x89HDF\r\n\x1a\n", "not a synergic-network file"),
    ],
)
def test_other_formats_and_versions_are_refused(tmp_path, whole, line, match):
    path = tmp_path / "net.h5"
    path.write_bytes(line.ljust(HEADER) + whole[HEADER:])
    with pytest.raises(FormatError, match=match) as refused:
        load(path)
    assert str(path) in str(refused.value)


def alter(path, change):
    save(plastic_network(), path)
    with h5py.File(path, "r+") as file:
        change(file)
    seal(path)  # as another program would that writes the format, but not these contents


def remove(name):
    def change(file):
        del file[name]

    return change


def replace(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


def huge(name):
    """A dataset of 8 TiB that occupies nothing: HDF5 stores no chunk that nobody has written."""

    def change(file):
        del file[name]
        file.create_dataset(name, (2**40,), float, chunks=(2**10,))

    return change


def loop(file):
    """A group that contains itself."""
    del file["network/populations/0"]
    file["network/populations/0"] = file["network/populations"]


def attribute(group, name, value):
    def change(file):
        file[group].attrs[name] = value

    return change


BIAS = "network/populations/0/bias"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (attribute("network/source", "colour", "red"), "unknown fields"),
        (attribute("network/source", "type", "Sink"), "unknown type 'Sink'"),
        (attribute("network", "readout", "guess"), "Network.readout"),
        (attribute("network/populations", "length", 2**40), "damaged"),
        (attribute("network/populations", "length", float("inf")), "damaged"),
        (attribute("network/populations/0", "size", [9, 9]), "layer1.size"),
        (attribute("network/populations/0", "vth", "high"), "layer1.vth"),
        (attribute("network/populations/0", "type", "Source"), "'num_message_bits' is missing"),
        (remove(BIAS), "'bias' is missing"),
        (remove("network"), "damaged"),
        (replace(BIAS, "text"), "populations/0/bias: got .* allowed numbers"),
        (replace(BIAS, np.array(["a", "b"], dtype=h5py.string_dtype())), "populations/0/bias: got .* allowed numbers"),
        (huge(BIAS), "populations/0/bias: got .* not more than the file is long"),
        (loop, "damaged"),
        (replace(BIAS, np.full(9, np.nan)), "layer1.bias"),
        (replace(BIAS, np.zeros((3, 3))), "layer1.bias"),
    ],
)
def test_other_contents_are_refused(tmp_path, change, match):
    path = tmp_path / "net.h5"
    alter(path, change)
    with pytest.raises(FormatError, match=match) as refused:
        load(path)
    assert str(path) in str(refused.value)


def test_files_that_are_none(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        load(tmp_path / "missing.h5")
    with pytest.raises(FormatError, match="got a folder"):
        load(tmp_path)
    with pytest.raises(FormatError, match="int"):
        save(3, tmp_path / "net.h5")


@pytest.mark.parametrize("kind", ["float", "integer"])
def test_files_of_before_there_were_other_rules_are_read(kind):
    # Written by the commit before synergic.rules, with plastic_network(sizes=(3, 2), steps=3, masked=0.5).
    got = load(Path(__file__).parent / "files" / f"before_rules_{kind}.h5")
    want = plastic_network(sizes=(3, 2), steps=3, masked=0.5)
    want = sy.quantise(want) if kind == "integer" else want
    spikes = random_spikes(want)
    old, new = (sy.simulate(net, spikes) for net in (got, want))
    assert np.array_equal(old.u["layer1"], new.u["layer1"])
    assert np.array_equal(old.local_weights["c0"], new.local_weights["c0"])


def convolution(path, change=None):
    """A saved network of one convolution, perhaps changed."""
    kernel = np.random.default_rng(0).normal(size=(2, 1, 3, 3))
    ways = sy.Projection.of_kernel("c", "in", "out", kernel, sy.Convolution((3, 3), (20, 20), padding=1))
    network = sy.Network(sy.Source("in", 400), (sy.Population("out", 800, 1.0, 0.5),), (ways,), "out", 2)
    save(network, path)
    if change is not None:
        with h5py.File(path, "r+") as file:
            change(file)
        seal(path)
    return network


def test_a_convolution_is_saved_as_its_kernel(tmp_path):
    path = tmp_path / "net.h5"
    assert_equal(convolution(path), load(path))
    assert path.stat().st_size < 2**16  # its matrix has 2.5 MB
    both = convolution(path, lambda file: file.create_dataset("network/projections/0/weights", data=np.ones((2, 2))))
    with pytest.raises(FormatError, match=r"unknown fields \['weights'\]"):
        load(path)
    whole = sy.quantise(both)
    save(whole, path)
    assert_equal(whole, load(path))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (replace("network/projections/0/weights_kernel", np.ones((2, 1, 3))), r"got a kernel \(2, 1, 3\)"),
        (replace("network/projections/0/weights_kernel", np.ones((2, 1, 5, 5))), r"got a kernel \(2, 1, 5, 5\)"),
        (replace("network/projections/0/convolution/picture", [10**5, 10**5]), "unfolds to 2"),
        (remove("network/projections/0/convolution"), "for None"),
        (remove("network/projections/0/weights_kernel"), "'weights' is missing"),
    ],
)
def test_other_kernels_are_refused(tmp_path, change, match):
    convolution(tmp_path / "net.h5", change)
    with pytest.raises(FormatError, match=match):
        load(tmp_path / "net.h5")
