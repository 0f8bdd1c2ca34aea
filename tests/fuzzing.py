# SPDX-License-Identifier: BSD-3-Clause
"""Every reader of files, a valid file for each, and a process of its own in which damaged ones are read.

A C library that crashes or never returns takes the process with it, not the tests.
"""

import faulthandler
import gzip
import io
import itertools
import json
import os
import signal
import struct
import sys
import tempfile
import zipfile
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import h5py
import nir
import numpy as np
import torch
from networks import plastic_network
from rich.console import Console

import synergic as sy
from synergic.cli._chip_run import run_on_chip
from synergic.cli._inputs import read_data
from synergic.cli._overview import overview
from synergic.data._images import parse_idx, read_npz
from synergic.data._recordings import events_of, from_folder, gathered, read
from synergic.errors import DataError, SynergicError
from synergic.experiments import Classification
from synergic.hw_targets import load_chip, load_mapping, map_network, save_mapping
from synergic.hw_targets.mapping._mapping_file import FORMAT as MAPPING
from synergic.interchange import from_lava_dl, from_nir, to_lava_dl, to_nir
from synergic.learning import HybridNet
from synergic.learning._omniglot import read_packed
from synergic.learning.tasks._runs import load_config, read_checkpoint, read_json, write_checkpoint
from synergic.learning.tasks._supervised import SupervisedTask
from synergic.network import load, save
from synergic.network._storage import FORMAT, seal

SECONDS = 300
"""A reader that takes longer hangs: it takes milliseconds, on a busy machine a thousand times more."""
IN_HDF5, SOME_SECONDS = "hangs in HDF5", 60
"""What HDF5 does for ever with some bytes whose checksum fits; and after how long we look where a reader is."""
NETWORK = plastic_network(sizes=(5, 4, 3), steps=3)
CONFIG = Classification(hidden=4, epochs=1, batch=2, steps=3)


def task():
    """A small task with a checkpoint."""
    torch.manual_seed(0)
    return SupervisedTask(CONFIG, HybridNet((6, 4, 3), steps=3), torch.rand(4, 3, 6), torch.tensor([0, 1, 2, 0]))


def nmnist(path):
    """N-MNIST from an archive in a folder of its own."""
    return there(read(path.parent))


def there(found):
    """What was found, or the error that the caller of the reader raises."""
    if found is None:
        raise DataError("not there")
    return found


SPARSE = sy.Population("layer1", 4, 1.0, 0.5, "zero")
CHAIN = sy.Network(
    sy.Source("in", 5), (SPARSE,), (sy.Projection("c", "in", "layer1", NETWORK.projections[0].weights),), "layer1", 3
)


def recording(count=3):
    """One digit in N-MNIST's bytes."""
    return b"".join(bytes([i, i + 1]) + struct.pack(">I", 1000 * i)[1:] for i in range(count))


def recordings(path):
    """One to train with, and one for the test."""
    for part in ("Train", "Test"):
        folder = path.parents[2] / part / "1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / path.name).write_bytes(recording())


def archive(path):
    """A small N-MNIST."""
    with zipfile.ZipFile(path, "w") as file:
        for part in ("Train", "Test"):
            file.writestr(f"NMNIST/{part}/3/00001.bin", recording())


def omniglot(path):
    """The arrays of a packed Omniglot with few drawings."""
    arrays = {}
    for part in ("background", "evaluation"):
        arrays |= {f"{part}_{name}": np.arange(3) for name in ("drawer", "character", "alphabet")}
        arrays[f"{part}_packed"] = np.zeros((3, 1379), np.uint8)
    np.savez(path, **arrays)


def images(path):
    """The arrays of an image set with few images."""
    parts = {"train": 3, "test": 2}
    images = {f"{part}_images": np.zeros((n, 28, 28), np.uint8) for part, n in parts.items()}
    np.savez(path, **images, **{f"{part}_labels": np.zeros(n, np.uint8) for part, n in parts.items()})


def idx(path):
    """Three images in the layout of IDX."""
    raw = b"\0\0\x08\x03" + struct.pack(">3I", 3, 2, 2) + bytes(range(12))
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


def lava_dl(path):
    """A network that lava-dl can hold."""
    to_lava_dl(sy.quantise(CHAIN), path, lossy=True)


def pooling(path):
    """SLAYER's pooling of 2 x 4 x 3 pixels, as its `export_hdf5` writes it."""
    fields = {"shape": [2, 2, 2], "kernelSize": [2, 2], "stride": [2, 2], "padding": [0, 0], "dilation": [1, 1],
              "weight": np.ones((1, 1, 2, 2)), "neuron/iDecay": 4096, "neuron/vDecay": 0, "neuron/vThMant": 1,
              "neuron/refDelay": 1, "neuron/gradedSpike": False}  # fmt: skip
    with h5py.File(path, "w") as file:
        layer = file.create_group("layer/0")
        for name, text in (("type", b"pool"), ("neuron/type", b"CUBA")):
            layer.create_dataset(name, data=np.array([text], "S10"))
        for name, value in fields.items():
            layer.create_dataset(name, data=value)


def poolings(path):
    """A graph with a pooling between neurons and one before a convolution."""
    full = [np.ones((1, 3, 2)) * v for v in (4e-3, 2.0, 0.0, 1.0)]
    kernel = np.ones((1, 2, 1, 1))
    nodes = {
        "input": nir.Input(np.array([2, 6, 4])), "mean": nir.AvgPool2d(*(np.array([2, 2]),) * 2, np.array([0, 0])),
        "conv": nir.Conv2d((3, 2), kernel, stride=1, padding=0, dilation=1, groups=1, bias=np.zeros(1)),
        "maps": nir.LIF(*full), "sum": nir.SumPool2d(np.array([3, 2]), np.array([1, 1]), np.array([0, 0])),
        "out": nir.LIF(*(v[:, :1, :1] for v in full)), "output": nir.Output(np.array([1, 1, 1])),
    }  # fmt: skip
    nir.write(str(path), nir.NIRGraph(nodes, list(itertools.pairwise(nodes)), type_check=False))


def data(path):
    """Input and labels."""
    values = np.zeros((2, 3, 5))
    np.save(path, values) if path.suffix == ".npy" else np.savez(path, input=values, labels=np.zeros(2, int))


def simulated(path):
    """What `synergic simulate --json` writes."""
    if not FIGURES:
        network, where, inputs = (path.with_name(name) for name in ("figures.h5", "figures.json", "in.npy"))
        save(sy.quantise(NETWORK), network)
        np.save(inputs, np.zeros((2, 3, 5), int))
        run_on_chip(network, inputs, "generic", json_file=where, console=Console(quiet=True))
        FIGURES.append(where.read_text())
    path.write_text(FIGURES[0])


FIGURES: list[str] = []
"""Of `simulated`, made once."""


def ended(path):
    """The record of a run, in its folder."""
    figures = {"accuracy": 0.5, "curves": {"salt": [0.5, 0.25]}, "levels": {"salt": [0, 4]}}
    record = {"figures": figures, "config": {"family": "events"}, "history": [{"loss": 0.5, "seconds": 1.0}]}
    path.write_text(json.dumps(record | {"evaluated_on": "test set", "versions": {"torch": "2"}, "date": "today"}))


CHIP = (Path(sy.__file__).parent / "hw_targets" / "chips" / "generic.toml").read_text()
READERS = {
    "network": ("net.h5", lambda p: save(NETWORK, p), load),
    "integer network": ("net.h5", lambda p: save(sy.quantise(NETWORK), p), load),
    "mapping": ("map.h5", lambda p: save_mapping(map_network(sy.quantise(NETWORK), "generic"), p), load_mapping),
    "chip": ("chip.toml", lambda p: p.write_text(CHIP), load_chip),
    "array": ("data.npy", data, read_data),
    "arrays": ("data.npz", data, read_data),
    "settings": ("config.json", lambda p: p.write_text(json.dumps({"family": "classification", **asdict(CONFIG)})),
                 lambda p: load_config(p.parent)),
    "record": ("record.json", lambda p: p.write_text(json.dumps({"figures": {"accuracy": 0.5}})), read_json),
    "report of a run": ("record.json", ended, lambda p: overview(p.parent, draw=True)),
    "report of figures": ("simulated.json", simulated, lambda p: overview(p, draw=True)),
    "checkpoint": ("checkpoint.pt", lambda p: write_checkpoint(task(), p), lambda p: read_checkpoint(task(), p)),
    "NIR": ("net.nir", lambda p: nir.write(str(p), to_nir(NETWORK, lossy=True)), from_nir),
    "NIR, poolings": ("net.nir", poolings, lambda p: from_nir(p, 1e-3, 3)),
    "lava-dl": ("net.net", lava_dl, lambda p: from_lava_dl(p, 3)),
    "lava-dl, pooling": ("net.net", pooling, lambda p: from_lava_dl(p, 3, input_shape=(2, 4, 3))),
    "images": ("mnist.npz", images, lambda p: there(read_npz(p))),
    "IDX": ("train-images-idx3-ubyte", idx, parse_idx),
    "IDX, packed": ("train-images-idx3-ubyte.gz", idx, parse_idx),
    "Omniglot": ("omniglot_packed105.npz", omniglot, read_packed),
    "N-MNIST": ("nmnist.zip", archive, nmnist),
    "recording": ("Train/1/00001.bin", recordings, lambda p: gathered(from_folder(p.parents[2]))),
}  # fmt: skip
"""By what is read: a file's name, what writes a valid one, what reads it."""
WAITING = {"waits": Path.read_bytes, "waits in h5py": lambda p: h5py.File(p, "r")}
"""Two that never return from a pipe into which nobody writes."""
SEALS = {"network": FORMAT, "integer network": FORMAT, "mapping": MAPPING}
HDF5 = ("network", "integer network", "mapping", "NIR", "NIR, poolings", "lava-dl", "lava-dl, pooling")
ZIPPED = ("arrays", "images", "Omniglot", "N-MNIST", "checkpoint")


def outcome(name, path):
    """What became of reading: "read", "refused", or what else was raised."""
    reader = WAITING[name] if name in WAITING else READERS[name][2]
    try:
        reader(path)
    except SynergicError as error:
        return "refused" if str(error) else "refused without a word"
    except BaseException as error:  # also what is meant for the end of a process
        return f"{type(error).__name__}: {error}"
    return "read"


def serve(connection, stack):
    """Read what is sent until nothing more comes. stack : file that has the calls behind SIGUSR1."""
    faulthandler.register(signal.SIGUSR1, os.open(stack, os.O_WRONLY))
    assert events_of(recording()) is not None
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # libraries complain about every file
    torch.set_num_threads(1)
    connection.send("ready")
    while (asked := connection.recv()) is not None:
        connection.send(outcome(*asked))


class Reading:
    """A process that reads files, started anew after each crash."""

    def __init__(self):
        self.process = None

    def start(self):
        """A process, and a connection to it."""
        context = get_context("spawn")
        self.connection, other = context.Pipe()
        with tempfile.NamedTemporaryFile(delete=False) as file:
            self.stack = Path(file.name)
        self.process = context.Process(target=serve, args=(other, self.stack), daemon=True)
        self.process.start()
        other.close()
        assert self.connection.poll(200), "a process that imports for so long"
        self.connection.recv()

    def read(self, name, path):
        """As `outcome`; also "crashed", "hangs" and IN_HDF5."""
        if self.process is None:
            self.start()
        self.connection.send((name, path))
        try:
            if self.connection.poll(SOME_SECONDS):
                return self.connection.recv()
            found = IN_HDF5 if any("/h5py/" in call for call in self.calls()[:1]) else "hangs"
            if found == "hangs" and self.connection.poll(SECONDS - SOME_SECONDS):
                return self.connection.recv()
        except (EOFError, ConnectionError):
            found = "crashed"
        self.end()
        return found

    def calls(self):
        """Where the process is now, the innermost call first, as faulthandler writes it."""
        os.kill(self.process.pid, signal.SIGUSR1)
        self.connection.poll(1)  # time for it to write
        return [line.strip() for line in self.stack.read_text().splitlines() if line.lstrip().startswith("File")]

    def end(self):
        """No process, no connection."""
        if self.process is not None:
            self.stack.unlink()
            self.process.kill()
            self.process.join()
            self.connection.close()
            self.process = None


def rezipped(raw, change):
    """An archive whose members are changed, with checksums that fit."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def reseal(name, path):
    """A checksum that fits, where the format has one."""
    if name in SEALS:
        seal(path, SEALS[name])


def paths(file):
    """All groups and datasets of an HDF5 file but its root."""
    found = []
    file.visit(found.append)
    return found


def swap(file, one, other):
    """Two of its entries, each in the other's place."""
    if one.startswith(other) or other.startswith(one):
        return
    file.move(one, "held")
    file.move(other, one)
    file.move("held", other)


def huge(file, name):
    """A dataset of 8 TiB that occupies nothing: HDF5 stores no chunk that nobody has written."""
    del file[name]
    file.create_dataset(name, (2**40,), float, chunks=(2**10,))


ODD = [
    0, -1, 2**62, np.nan, np.inf, "text", "", b"\xff", True, [], [1, 2, 3], np.zeros((2, 0)), np.full((5, 4), 1e300),
    np.array(["a", "b"], dtype=h5py.string_dtype()), np.zeros(3, [("x", int), ("y", float)]), 1j, h5py.Empty("f"),
    np.zeros((1,) * 20), np.uint64(2**64 - 1), np.float16(1), np.zeros((5, 4), np.int8), np.int8([1, 0, 1]),
]  # fmt: skip
"""What is written where something else is expected."""


def put(file, name, value):
    """A dataset of another kind."""
    del file[name]
    file[name] = value


def put_attribute(file, name, at, value):
    """An attribute of another kind, in the place of one that is there if there are some."""
    names = sorted(file[name].attrs)
    file[name].attrs[names[at % len(names)] if names else "type"] = value


def loop(file, name):
    """A group that holds itself, in the place of an entry."""
    del file[name]
    file[name] = file
