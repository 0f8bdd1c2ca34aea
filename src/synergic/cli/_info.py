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
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from synergic._core.parts import how_to_install

PACKAGES = (
    "synergic", "lava-nc", "lava-dl", "torch", "numpy", "scipy", "numba", "tonic", "scikit-learn", "matplotlib", "nir",
    "ray",
)  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Part:
    """A part of synergic. check : why it does not work here, empty where it does. needs : what then helps."""

    name: str
    what: str
    check: Callable[[], str]
    needs: str


def imports(*modules: str) -> Callable[[], str]:
    """A check that modules can be imported; it does import them, an installed package may be broken."""

    def check() -> str:
        for name in modules:
            try:
                # Some print advice for other uses of theirs, which would stand above ours.
                with contextlib.redirect_stdout(io.StringIO()):
                    importlib.import_module(name)
            except Exception as error:  # whatever a broken package does
                return f"{name}: {type(error).__name__}: {error}"
        return ""

    return check


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
    from synergic.cli._bench import FOLDER

    return "" if FOLDER.is_dir() else f"no folder {FOLDER}: an installation, not a clone"


def program(*names: str) -> Callable[[], str]:
    """A check that one of some programs can be found."""
    return lambda: "" if any(map(shutil.which, names)) else f"no program {' or '.join(names)}"


def first(*checks: Callable[[], str]) -> Callable[[], str]:
    """A check of several: the first answer that is not empty."""
    return lambda: next(filter(None, (check() for check in checks)), "")


def gpu() -> str:
    """Why training could not use a GPU here."""
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
        imports("torch", "synergic.learning"),
        how_to_install("train"),
    ),
    Part("lava-dl", "exchange networks with lava-dl", imports("lava.lib.dl.slayer"), how_to_install("lava-dl")),
    Part("nir", "exchange networks with NIR", imports("nir"), BASE),
    Part(
        "gpu",
        "train on a GPU: --device cuda",
        gpu,
        how_to_install("train") + ", on a machine with an NVIDIA GPU and its driver; everything works without one",
    ),
    Part("cluster", "share work by Ray", imports("ray"), how_to_install("cluster")),
    Part("digits", "the demo's 8x8 digits", imports("sklearn.datasets"), BASE),
    Part("events", "recordings of event cameras", imports("tonic"), how_to_install("events")),
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
    Part("notebooks", "run the tutorials", imports("jupytext", "ipykernel"), "uv sync --group dev"),
    Part("documentation", "build the site", imports("sphinx", "myst_nb", "furo"), "uv sync --group docs"),
    Part(
        "browser",
        "read the site in tests/site",
        first(imports("playwright"), program(*BROWSERS)),
        "uv sync --group docs, and a Chromium of the system: apt-get install chromium",
    ),
    Part(
        "neurobench",
        "compare synergic.reference with NeuroBench itself",
        imports("neurobench.benchmarks"),
        "pip install neurobench",
    ),
    Part(
        "training peers", "benchmarks/training.py", first(clone, imports("snntorch", "norse")), "uv sync --group bench"
    ),
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


def info() -> dict[str, Any]:
    """Ready for JSON: `versions` (null: not installed); `parts`, each with `works`, `why_not` and `needs`."""
    versions = {"python": platform.python_version()} | {package: installed(package) for package in PACKAGES}
    parts = []
    for part in PARTS:
        why = part.check()
        parts.append({"name": part.name, "what": part.what, "works": not why, "why_not": why,
                      "needs": part.needs if why else ""})  # fmt: skip
    return {"versions": versions, "system": platform.platform(), "cpus": os.cpu_count(), "parts": parts}
