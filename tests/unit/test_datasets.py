# SPDX-License-Identifier: BSD-3-Clause
"""Image sets are found where the documentation says, and damaged or mistaken ones are refused by name."""

import gzip
import struct

import numpy as np
import pytest

from synergic.errors import DataError, FormatError, ParameterError
from synergic.learning.datasets import load_images

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


def test_a_missing_set_names_the_ways_out(tmp_path):
    with pytest.raises(DataError, match="Leave the folder out"):
        load_images("mnist", tmp_path)
    with pytest.raises(ParameterError, match="'emnist'"):
        load_images("emnist")
