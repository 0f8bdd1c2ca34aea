# SPDX-License-Identifier: BSD-3-Clause
"""Image sets are found where the documentation says, and damaged or mistaken ones are refused by name."""

import gzip
import hashlib
import pickle
import struct

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from synergic.data import load_images
from synergic.errors import DataError, FormatError, ParameterError

SIZES = {"train": 60_000, "t10k": 10_000}


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture(scope="module")
def files():
    """The four files by name, a different grey in each part."""
    out = {}
    for number, (stem, count) in enumerate(SIZES.items()):
        out[f"{stem}-images-idx3-ubyte"] = idx(np.full((count, 28, 28), 51 * (number + 1), np.uint8))
        out[f"{stem}-labels-idx1-ubyte"] = idx((np.arange(count) % 10).astype(np.uint8))
    return out


@pytest.mark.parametrize("place", ["fashion-mnist", "FashionMNIST/raw"])
@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_are_found_and_read(tmp_path, files, place, packed):
    folder = tmp_path / place
    folder.mkdir(parents=True)
    for name, raw in files.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(raw, 1) if packed else raw)
    data = load_images("fashion-mnist", tmp_path)
    assert data.train.shape == (60_000, 28, 28)
    assert data.train[0, 0, 0] == pytest.approx(0.2)
    assert data.test[0, 0, 0] == pytest.approx(0.4)
    assert data.test_labels[:12].tolist() == [*range(10), 0, 1]
    with pytest.raises(DataError, match=r"mnist: not in"):  # the files have the same names: their folder decides
        load_images("mnist", tmp_path)


def test_damaged_files_are_refused(tmp_path, files, monkeypatch):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    monkeypatch.setenv("SYNERGIC_DATA", str(tmp_path))
    load_images("mnist")
    images = folder / "train-images-idx3-ubyte"
    for raw in (files[images.name][:-1], files[images.name][:9], b"", b"text"):
        images.write_bytes(raw)
        with pytest.raises(FormatError, match="train-images"):
            load_images("mnist")
    images.write_bytes(files["t10k-images-idx3-ubyte"])
    with pytest.raises(FormatError, match=r"got images \(10000, 28, 28\)"):
        load_images("mnist")
    (folder / f"{images.name}.gz").write_bytes(gzip.compress(files[images.name], 1)[:-9])
    images.unlink()
    with pytest.raises(FormatError, match="damaged"):
        load_images("mnist")


def test_a_damaged_npz_is_refused(tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"PK\x03\x04 not a zip file")
    with pytest.raises(FormatError, match=r"mnist\.npz"):
        load_images("mnist", tmp_path)
    np.savez(tmp_path / "mnist.npz", train_images=np.zeros((3, 28, 28), np.uint8))
    with pytest.raises(FormatError, match="not the four arrays"):
        load_images("mnist", tmp_path)


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """A set in CIFAR-10's own layout, every image of one colour; its checksums in torchvision's place."""
    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    rng = np.random.default_rng(0)
    sums = {}
    for file, _ in CIFAR10.train_list + CIFAR10.test_list:
        colours = rng.integers(0, 256, (10_000, 3, 1), dtype=np.uint8)
        entry = {
            "data": np.repeat(colours, 1024, 2).reshape(10_000, -1),
            "labels": [int(c) % 10 for c in colours[:, 0, 0]],
        }
        (folder / file).write_bytes(pickle.dumps(entry))
        sums[file] = hashlib.md5((folder / file).read_bytes()).hexdigest()
    meta = CIFAR10.meta["filename"]
    (folder / meta).write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    monkeypatch.setattr(CIFAR10, "train_list", [[f, sums[f]] for f, _ in CIFAR10.train_list])
    monkeypatch.setattr(CIFAR10, "test_list", [[f, sums[f]] for f, _ in CIFAR10.test_list])
    digest = hashlib.md5((folder / meta).read_bytes()).hexdigest()
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": digest})
    return tmp_path


@pytest.mark.slow
def test_cifar_is_read_channels_first(cifar):
    data = load_images("cifar-10", cifar)
    assert data.train.shape == (50_000, 3, 32, 32)
    assert np.array_equal(np.round(255 * data.test[:, 0, 0, 0]).astype(int) % 10, data.test_labels)
    assert (data.train == data.train[:, :, :1, :1]).all()


def test_damaged_cifar_is_refused_before_it_is_unpickled(cifar):
    file = cifar / CIFAR10.base_folder / "data_batch_3"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(FormatError, match="cifar-10: damaged or not complete"):
        load_images("cifar-10", cifar)


def test_a_missing_set_names_the_ways_out(tmp_path):
    with pytest.raises(DataError, match="Leave the folder out"):
        load_images("mnist", tmp_path)
    with pytest.raises(DataError, match="cifar-10-batches-py"):
        load_images("cifar-10", tmp_path)
    with pytest.raises(ParameterError, match="'emnist'"):
        load_images("emnist")
