# SPDX-License-Identifier: BSD-3-Clause
"""No file makes a reader do anything but read it, or refuse it with an error of ours: no other error, no crash of a C
library, no hang, nothing executed.

A minute here; for a night: pytest --hypothesis-profile=thousands tests/package/test_readers.py
"""

import os
import pickle
from pathlib import Path

import fuzzing
import h5py
import numpy as np
import pytest
import torch
import torchvision
from fuzzing import HDF5, ODD, READERS, ZIPPED, Reading, reseal, rezipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synergic.data import load_images
from synergic.errors import SynergicError

FEW, MANY = 25, settings.default.max_examples
CASES = FEW if MANY <= 100 else MANY
SLOW = {"deadline": None, "suppress_health_check": list(HealthCheck), "max_examples": CASES}
FINE = ("read", "refused")
pytestmark = pytest.mark.timeout(1800 if CASES == FEW else 36_000)  # a hang is found by fuzzing.SECONDS
WORDS = [b"[" * 3000, b"{" * 3000, b"9" * 5000, b"1e999", b"nan", b"-1", b"null", b'""', b"true", b"\xff\xfe",
         b"\0" * 9, b"\xff" * 8, b"\n", b"../", b"e", b"[[rows]]\n", b"\x7f\xff\xff\xff"]  # fmt: skip

PLACE = st.floats(0, 1, exclude_max=True)
CHANGE = st.one_of(
    st.tuples(st.just("flip"), PLACE, st.integers(1, 255)),
    st.tuples(st.just("cut"), PLACE, st.just(0)),
    st.tuples(st.just("insert"), PLACE, st.sampled_from(WORDS) | st.binary(max_size=20)),
    st.tuples(st.just("overwrite"), PLACE, st.sampled_from(WORDS) | st.binary(min_size=1, max_size=20)),
    st.tuples(st.just("remove"), PLACE, st.integers(1, 40)),
    st.tuples(st.just("exchange"), PLACE, PLACE),
)
CHANGES = st.lists(CHANGE, min_size=1, max_size=5)


def altered(raw, changes):
    """Bytes after some changes."""
    for what, place, how in changes:
        at = int(place * len(raw))
        if what == "flip" and raw:
            raw = raw[:at] + bytes([raw[at] ^ how]) + raw[at + 1 :]
        elif what == "cut":
            raw = raw[:at]
        elif what == "insert":
            raw = raw[:at] + how + raw[at:]
        elif what == "overwrite":
            raw = raw[:at] + how + raw[at + len(how) :]
        elif what == "remove":
            raw = raw[:at] + raw[at + how :]
        elif what == "exchange":
            a, b = sorted((at, int(how * len(raw))))
            raw = raw[b:] + raw[a:b] + raw[:a]
    return raw


@pytest.fixture(scope="module")
def reading():
    """A process that reads."""
    process = Reading()
    yield process
    process.end()


@pytest.fixture(scope="module", params=READERS)
def name(request):
    """What is read."""
    return request.param


@pytest.fixture(scope="module")
def path(name, tmp_path_factory):
    """A valid file."""
    path = tmp_path_factory.mktemp("valid") / READERS[name][0]
    READERS[name][1](path)
    return path


@pytest.fixture(scope="module")
def whole(path):
    """Its bytes."""
    return path.read_bytes()


def read(reading, name, path, raw=None, fine=FINE):
    """A file with these bytes is read or refused, and nothing else happens."""
    if raw is not None:
        path.write_bytes(raw)
    found = reading.read(name, path)
    assert found in fine, found
    return found


def test_a_valid_file_is_read(reading, name, path, whole):
    # Omniglot's is refused for its number of drawings alone, at the end of what can be read.
    assert read(reading, name, path, whole) == ("refused" if name == "Omniglot" else "read")


def test_altered_bytes(reading, name, path, whole):
    @settings(**SLOW)
    @given(CHANGES)
    def check(changes):
        read(reading, name, path, altered(whole, changes))

    check()


def test_altered_bytes_under_a_checksum_that_fits(reading, name, path, whole):
    if name not in fuzzing.SEALS and name not in ZIPPED:
        pytest.skip("has none")

    @settings(**SLOW)
    @given(CHANGES, st.integers(0, 50))
    def check(changes, member):
        if name in ZIPPED:
            count = iter(range(1000))
            raw = rezipped(whole, lambda _, part: altered(part, changes) if next(count) in (member, 1) else part)
            read(reading, name, path, raw)
        else:
            path.write_bytes(whole[:512] + altered(whole[512:], changes))
            reseal(name, path)
            read(reading, name, path, fine=(*FINE, fuzzing.IN_HDF5))  # seen once: whoever can make a seal can do this

    check()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "found"), [("waits", "hangs"), ("waits in h5py", fuzzing.IN_HDF5)])
def test_a_reader_that_hangs_is_named_by_where_it_is(name, found, reading, monkeypatch, tmp_path):
    monkeypatch.setattr(fuzzing, "SOME_SECONDS", 1)
    monkeypatch.setattr(fuzzing, "SECONDS", 2)
    os.mkfifo(tmp_path / "pipe")  # nobody ever writes into it
    assert reading.read(name, tmp_path / "pipe") == found


def test_any_bytes_and_files_of_other_kinds(reading, name, path, whole, tmp_path):
    @settings(**SLOW | {"max_examples": CASES // 4})
    @given(st.binary(max_size=600))
    def check(tail):
        read(reading, name, path, tail)
        read(reading, name, path, whole[:8] + tail)

    check()
    for other, (file, make, _) in READERS.items():
        if other != name:
            make(tmp_path / file)
            read(reading, name, path, (tmp_path / file).read_bytes())
    path.unlink()
    assert read(reading, name, path) == "refused"
    path.mkdir()
    assert read(reading, name, path) == "refused"
    path.rmdir()


def test_other_contents_in_sound_hdf5(reading, name, path, whole):
    if name not in HDF5:
        pytest.skip("is none")
    path.write_bytes(whole)
    with h5py.File(path) as file:
        entries = fuzzing.paths(file)
    entry = st.sampled_from(entries)
    change = st.one_of(
        st.tuples(st.sampled_from([fuzzing.put]), entry, st.sampled_from(ODD)),
        st.tuples(st.sampled_from([fuzzing.put_attribute]), entry, st.integers(0, 20), st.sampled_from(ODD)),
        st.tuples(st.sampled_from([fuzzing.swap]), entry, entry),
        st.tuples(st.sampled_from([fuzzing.huge, fuzzing.loop]), entry),
        st.tuples(st.sampled_from([h5py.File.__delitem__]), entry),
    )

    @settings(**SLOW)
    @given(st.lists(change, min_size=1, max_size=3))
    def check(changes):
        path.write_bytes(whole)
        with h5py.File(path, "r+") as file:
            for what, *how in changes:
                if all(h in file for h in how if isinstance(h, str) and h in entries):
                    what(file, *how)
        reseal(name, path)
        read(reading, name, path)

    check()


class Payload:
    """What a pickle can do to who loads it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["array", "arrays", "images", "Omniglot", "checkpoint"])
def test_nothing_in_a_file_is_executed(tmp_path, name):
    file, make, reader = READERS[name]
    path, mark = tmp_path / file, tmp_path / "executed"
    bomb = Payload(mark)
    pickle.loads(pickle.dumps(bomb))
    assert mark.exists(), "it would be noticed"
    mark.unlink()
    make(path)
    if name == "checkpoint":
        torch.save({"task": bomb}, path)
    elif name == "array":
        np.save(path, np.array([bomb], object), allow_pickle=True)
    else:
        with np.load(path) as old:
            arrays = dict.fromkeys(old.files, np.array([bomb], object))
        np.savez(path, **arrays)
    for raw in (path.read_bytes(), pickle.dumps(bomb)):  # numpy and torch take a bare pickle, too
        path.write_bytes(raw)
        with pytest.raises(SynergicError):
            reader(path)
        assert not mark.exists()


@pytest.mark.parametrize("file", ["data_batch_1", "batches.meta"])
def test_a_pickle_of_cifar_is_not_opened_before_its_checksum_fits(tmp_path, file):
    """The one set whose files are pickles: torchvision, which reads them, compares their checksums first."""
    mark, folder = tmp_path / "executed", tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name, _ in (*torchvision.datasets.CIFAR10.train_list, *torchvision.datasets.CIFAR10.test_list):
        (folder / name).write_bytes(b"")
    (folder / file).write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(SynergicError):
        load_images("cifar-10", tmp_path)
    assert not mark.exists()
