# SPDX-License-Identifier: BSD-3-Clause
"""What is installed here, what of synergic works, and what each missing part needs."""

from __future__ import annotations

import contextlib
import importlib
import io
import multiprocessing
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import synergic
from synergic._core.parts import how_to_install

PACKAGES = (
    "synergic", "lava-nc", "lava-dl", "torch", "numpy", "scipy", "numba", "tonic", "scikit-learn", "matplotlib", "nir",
    "ray",
)  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHARED_MEMORY = Path("/dev/shm")
BENCHMARKS = Path(synergic.__file__).resolve().parents[2] / "benchmarks"
"""Folder of the scripts of `synergic bench` in a clone."""


GPU_DEVICES = ("nvidia*", "nvhost*", "nvmap", "dxg", "kfd")
"""Files in /dev of the drivers whose GPUs torch uses as "cuda": NVIDIA's, also on Jetson and in WSL, and AMD's."""
DEVICES = Path("/dev")


@dataclass(frozen=True)
class Part:
    """A part of synergic. check : why it does not work here, empty where it does. needs : what then helps.

    modules : packages so large that importing them takes seconds; they are looked for, and imported only if asked.
    """

    name: str
    what: str
    check: Callable[[], str]
    needs: str
    modules: tuple[str, ...] = ()

    def state(self, thorough: bool) -> tuple[bool | None, str]:
        """Whether the part works, None if that was not tried, and why not."""
        why = first(self.check, imports(*self.modules) if thorough else finds(*self.modules))()
        return (False if why else True if thorough or not self.modules else None), why


def no_check() -> str:
    """The check of a part that is its packages."""
    return ""


def failure(name: str, error: Exception) -> str:
    """What an import, or the search for a module, ended with."""
    return f"{name}: {type(error).__name__}: {error}"


def imports(*modules: str) -> Callable[[], str]:
    """A check that modules can be imported; it does import them, an installed package may be broken."""

    def check() -> str:
        for name in modules:
            try:
                # Some print advice for other uses of theirs, which would stand above ours.
                with contextlib.redirect_stdout(io.StringIO()):
                    importlib.import_module(name)
            except Exception as error:  # whatever a broken package does
                return failure(name, error)
        return ""

    return check


def finds(*modules: str) -> Callable[[], str]:
    """A check that modules are installed, which imports nothing."""

    def check() -> str:
        for name in modules:
            try:
                if not is_there(name):
                    return f"{name} is not installed"
            except Exception as error:  # whatever a broken installation does
                return failure(name, error)
        return ""

    return check


def is_there(module: str) -> bool:
    """Whether a module can be found. importlib's own search would import the packages that it is in."""
    root, *inner = module.split(".")
    if module in sys.modules:
        return sys.modules[module] is not None  # None is Python's word for one that may not be imported
    found = find_spec(root)
    places = list(found.submodule_search_locations or ()) if found else []
    for part in inner:
        found = PathFinder.find_spec(part, places)
        if found is None:
            return False
        if found.loader is None:  # a folder without __init__, whose places are known once it is imported
            places = [str(folder) for folder in (Path(place) / part for place in places) if folder.is_dir()]
        else:
            places = list(found.submodule_search_locations or ())
    return found is not None


def lava_runs() -> str:
    """Why Lava could not start processes here."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return f"{platform.system()} does not fork processes"
    if not os.access(SHARED_MEMORY, os.W_OK):
        return f"{SHARED_MEMORY} cannot be written"
    return imports("lava.magma.core.process.process", "synergic.processes")()


IDX = tuple(f"{part}-{what}*" for part in ("train", "t10k") for what in ("images-idx3-ubyte", "labels-idx1-ubyte"))
"""Files of MNIST and Fashion-MNIST."""


def holds(*forms: tuple[str, ...]) -> Callable[[], str]:
    """A check that the folder of the data sets, $SYNERGIC_DATA or the home folder's cache, holds a data set.

    forms : in which it may be there, each some patterns of files. One file of each must be there, and not be empty:
    a download that failed leaves folders, and files of 0 bytes.
    """

    def check() -> str:
        from synergic.data._cache import FOLDER_VARIABLE, cache

        place = Path(os.environ.get(FOLDER_VARIABLE) or cache())
        try:
            missing = [[p for p in form if not any(filled(f) for f in place.glob(p))] for form in forms]
            started = any(len(gone) < len(form) for gone, form in zip(missing, forms, strict=True))
            traces = [path for form in forms for p in form for path in place.glob(p.split("/")[0])]
        except OSError as error:
            return f"{place}: {error.strerror}"
        if not all(missing):
            return ""
        return f"not complete in {place}" if started or traces else f"not in {place}"

    return check


def filled(path: Path) -> bool:
    """Whether a file is there, with something in it."""
    return path.is_file() and path.stat().st_size > 0


def idx(*folders: str) -> list[tuple[str, ...]]:
    """The forms of a set of four IDX files in one of some folders."""
    return [tuple(f"{folder}/{name}" for name in IDX) for folder in folders]


def clone() -> str:
    """Why the scripts of benchmarks/ could not run here."""
    return "" if BENCHMARKS.is_dir() else f"no folder {BENCHMARKS}: an installation, not a clone"


def program(*names: str) -> Callable[[], str]:
    """A check that one of some programs can be found."""
    return lambda: "" if any(map(shutil.which, names)) else f"no program {' or '.join(names)}"


def first(*checks: Callable[[], str]) -> Callable[[], str]:
    """A check of several: the first answer that is not empty."""
    return lambda: next(filter(None, (check() for check in checks)), "")


def gpu() -> str:
    """Why training could not use a GPU here. torch is imported only where there is a driver."""
    if not any(found for pattern in GPU_DEVICES for found in DEVICES.glob(pattern)):
        return f"no driver of a GPU in {DEVICES}"
    if why := imports("torch")():
        return why
    torch = importlib.import_module("torch")
    return "" if torch.cuda.is_available() else "torch finds no GPU"


BASE = "pip install synergic"
FETCH = "Downloaded at its first use, if SYNERGIC_DATA is not set; or put it into that folder."
PARTS = (
    Part(
        "lava",
        "run networks in Lava, floating point and integers",
        lava_runs,
        how_to_install("lava") + " (on Linux, with shared memory)",
    ),
    Part(
        "training",
        "train in torch: synergic train, demo",
        no_check,
        how_to_install("train"),
        ("torch", "torchvision", "tqdm", "synergic.learning"),
    ),
    Part(
        "lava-dl",
        "SLAYER's blocks beside ours, netx; its files are read and written without it",
        no_check,
        how_to_install("lava-dl"),
        ("torch", "cv2", "lava.lib.dl.slayer"),
    ),
    Part("nir", "exchange networks with NIR", imports("nir"), BASE),
    Part(
        "gpu",
        "train on a GPU: --device cuda",
        gpu,
        how_to_install("train") + ", on a machine with an NVIDIA GPU and its driver; everything works without one",
    ),
    Part("cluster", "share work by Ray", no_check, how_to_install("cluster"), ("ray",)),
    Part("digits", "the demo's 8x8 digits", no_check, BASE, ("sklearn.datasets",)),
    Part("events", "recordings of event cameras", no_check, how_to_install("events"), ("tonic",)),
    Part("plots", "images", imports("matplotlib.backends.backend_agg"), BASE),
    Part("mnist", "data set MNIST", holds(("mnist.npz",), *idx("mnist", "MNIST/raw")), FETCH),
    Part(
        "fashion",
        "data set Fashion-MNIST",
        holds(("fashion-mnist.npz",), *idx("fashion-mnist", "FashionMNIST/raw")),
        FETCH,
    ),
    Part(
        "n-mnist",
        "data set N-MNIST",
        holds(*((f"{top}/Train/*/*.bin", f"{top}/Test/*/*.bin") for top in ("NMNIST", "nmnist")), ("nmnist*.zip",)),
        FETCH,
    ),
    Part(
        "omniglot",
        "data set Omniglot",
        holds(
            ("omniglot_packed105.npz",),
            tuple(f"omniglot-py/images_{part}/*/*/*.png" for part in ("background", "evaluation")),
        ),
        FETCH,
    ),
    Part("notebooks", "run the tutorials", no_check, "uv sync --group dev", ("jupytext", "ipykernel")),
    Part("documentation", "build the site", no_check, "uv sync --group docs", ("sphinx", "myst_nb", "furo")),
    Part(
        "browser",
        "read the site in tests/site",
        first(imports("playwright"), program(*BROWSERS)),
        "uv sync --group docs, and a Chromium of the system: apt-get install chromium",
    ),
    Part(
        "neurobench",
        "compare synergic.reference with NeuroBench itself",
        no_check,
        "pip install neurobench",
        ("neurobench",),
    ),
    Part("training peers", "benchmarks/training.py", clone, "uv sync --group bench", ("snntorch", "norse")),
    Part(
        "chip peers",
        "benchmarks/chip.py with SANA-FE and PAIBox, which uv fetches at their first use",
        first(program("uv"), clone),
        "pip install uv, in a clone of the repository",
    ),
)


def installed(package: str) -> str | None:
    """A package's version; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def info(thorough: bool = False) -> dict[str, Any]:
    """Ready for JSON: `versions` (null: not installed); `parts`, each with `works` (null: installed, and not tried),
    `why_not` and `needs`.

    thorough : whether large packages are imported, in about ten seconds, and not only looked for.
    """
    versions = {"python": platform.python_version()} | {package: installed(package) for package in PACKAGES}
    parts = []
    for part in PARTS:
        works, why = part.state(thorough)
        parts.append({"name": part.name, "what": part.what, "works": works, "why_not": why,
                      "needs": part.needs if why else ""})  # fmt: skip
    return {"versions": versions, "system": platform.platform(), "cpus": os.cpu_count(), "parts": parts}
