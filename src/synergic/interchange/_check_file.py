# SPDX-License-Identifier: BSD-3-Clause
"""What each target can and cannot run of a file, part by part, without converting it for any of them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py

from synergic._core.checks import choice, grid, kind, number, require, whole
from synergic._core.files import check_hdf5, check_path
from synergic._core.refusals import Refusals
from synergic.errors import CapacityError, FormatError, ParameterError, UnsupportedError
from synergic.experiments import NETWORK as NETWORK_OF_RUN
from synergic.hw_targets._chip import Chip, load_chip
from synergic.hw_targets.mapping import estimate, load_mapping
from synergic.hw_targets.mapping._mapping_file import FORMAT as MAPPING
from synergic.interchange._c._c_check import check_texts
from synergic.interchange._lava_dl import lava_dl_export_issues, layers_of, read_lava_dl
from synergic.interchange._nir import check_parts, nir_export_issues, read_nir
from synergic.interchange._nir_file import read as read_graph
from synergic.interchange._nir_neurons import KEY
from synergic.network._description import Network
from synergic.network._partial_sums import widest_local_bits
from synergic.network._quantise import IntNetwork, quantised
from synergic.network._storage import FORMAT as NETWORK
from synergic.network._storage import load, says

TARGETS = ("lava", "chip", "c", "nir", "lava-dl")
STEP = 1e-3
"""Seconds of a step that are assumed of a NIR graph that does not say it: the default of `to_nir`."""
T = 10
"""Steps of a presentation that are assumed of a file that does not say it. No target's answer depends on it."""
LOSSY = "Allowed with lossy=True: other readers then run the network without it."
Reasons = list[tuple[str, bool]]
"""Messages, and whether lossy=True makes the target write the rest."""


@dataclass(frozen=True)
class Issue:
    """One reason why a target cannot run a network.

    Attributes
    ----------
    target : str
        One of "lava", "chip", "c", "nir" and "lava-dl"; "" for all of them, as the file cannot be read.
    part : str
        Name of the population, projection, node or layer; "" for the network as a whole.
    text : str
        What was found, what is allowed, and the remedy.
    lossy : bool, default False
        Whether a writer leaves it out with `lossy=True`.
    """

    target: str
    part: str
    text: str
    lossy: bool = False


@dataclass(frozen=True)
class Checked:
    """What `check` has found.

    Attributes
    ----------
    form : str
        What the file holds, in words.
    parts : tuple of str
        Names of all nodes or layers, or of the source, the populations and the projections of a network.
    issues : tuple of Issue
        Everything that a target cannot run, in the order of the parts.
    notes : tuple of str
        What was assumed, and what to know of targets that can run it.
    """

    form: str
    parts: tuple[str, ...]
    issues: tuple[Issue, ...]
    notes: tuple[str, ...] = ()

    def of(self, target: str, part: str | None = None) -> tuple[Issue, ...]:
        """Return the issues of a target, or those of one of its parts.

        Parameters
        ----------
        target : str
            One of "lava", "chip", "c", "nir" and "lava-dl".
        part : str or None, default None
            Name of a part; "" for the network as a whole. None gives all.

        Returns
        -------
        tuple of Issue
            The issues; empty if the target can run it.

        Raises
        ------
        ParameterError
            If there is no such target or part.
        """
        choice("Checked.of.target", target, TARGETS)
        if part is not None:
            choice("Checked.of.part", part, ("", *self.parts))
        return tuple(i for i in self.issues if i.target in ("", target) and part in (None, i.part))

    def runs(self, target: str) -> bool:
        """Return whether a target can run it. Raises ParameterError if there is no such target."""
        return not self.of(target)


def check(
    file: str | Path,
    targets: str | Sequence[str] = TARGETS,
    *,
    chip: Chip | str | Path = "tianjic",
    weight_bits: int | None = None,
    local_bits: int | None = None,
    dt: float | None = None,
    input_shape: tuple[int, int, int] | None = None,
) -> Checked:
    """List what each target can and cannot run of a file, without converting it.

    Parameters
    ----------
    file : str or Path
        A NIR graph, a file of lava-dl's netx, a network or mapping that synergic saved, or the folder of a run.
    targets : str or sequence of str, default all
        Some of "lava", "chip", "c", "nir" and "lava-dl".
    chip : Chip, str or Path, default "tianjic"
        The chip of the target "chip": one of `load_chip`, the name of a shipped one, or the path of a chip file.
    weight_bits, local_bits : int or None, default None
        As of `quantise`, for a file in floating point. None means its defaults.
    dt : float or None, default None
        Seconds of a step, for a NIR graph. None means what the graph says, else 1 ms.
    input_shape : tuple of int, (channels, height, width), or None, default None
        Shape of the input, for a lava-dl file that begins with a convolution.

    Returns
    -------
    Checked
        The parts of the file, and for each target everything that it cannot run, with the remedy.

    Raises
    ------
    FormatError
        If the file is damaged, of another kind, or not there.
    ParameterError
        If an argument is out of its range.

    Notes
    -----
    A target without an issue runs the network: `run_in_lava`, `map_network`, `to_c`, `to_nir` or `to_lava_dl` accept
    it, behind `quantise` where the target takes integers. "nir" and "lava-dl" refuse what they would lose; with
    `lossy=True` they write the rest.

    All refusals of one stage are collected: those of reading the file, else those of quantising it, else those of the
    target itself.
    """
    path = check_path("check.file", file)
    kind("check.targets", targets, str | tuple | list, f"Give some of {list(TARGETS)}.")
    asked = (targets,) if isinstance(targets, str) else tuple(targets)
    require(bool(asked), "check.targets", "none", f"some of {list(TARGETS)}", "Leave it out for all.")
    for target in asked:
        choice("check.targets", target, TARGETS)
    for name, bits, low in (("weight_bits", weight_bits, 2), ("local_bits", local_bits, 8)):
        if bits is not None:
            whole(f"check.{name}", bits, low, 16, "It is a width, as of quantise().")
    if dt is not None:
        number("check.dt", dt, 0, 1e6, "It is the length of a step in seconds.", open_low=True)
    if input_shape is not None:
        for size in grid("check.input_shape", input_shape, 3, "(channels, height, width)"):
            whole("check.input_shape", size, 1, 2**20, "Give (channels, height, width).")
    kind("check.chip", chip, Chip | str | Path, "Give the name of a shipped chip, or a chip file.")
    machine = chip if isinstance(chip, Chip) else load_chip(chip)
    given = Opened(path, dt, input_shape)
    notes: list[str] = []
    if given.network is None:
        found = [Issue("", part_of(str(e), given.parts), str(e)) for e in given.refusals.found]
        return Checked(given.form, given.parts, tuple(found), tuple(given.notes))
    network = given.network
    integer = network if isinstance(network, IntNetwork) else None
    issues: list[tuple[str, str, bool]] = []
    if isinstance(network, Network) and {"chip", "c", "lava-dl"} & set(asked):
        integer, refused, notes = in_integers(network, weight_bits or 8, local_bits or widest_local_bits(network))
        if integer is None:
            wanting = [t for t in asked if t in ("chip", "c", "lava-dl")]
            issues = [(t, text, False) for t in wanting for text in refused]
            notes += ["Lava runs it in floating point only."] if "lava" in asked else []
    for target in asked:
        issues += [(target, *reason) for reason in REASONS[target](network, integer, machine)]
    order = {part: i for i, part in enumerate(("", *given.parts))}
    found = [Issue(target, part_of(text, given.parts), text, lossy) for target, text, lossy in issues]
    found.sort(key=lambda i: (asked.index(i.target), order[i.part]))
    return Checked(given.form, given.parts, tuple(found), (*given.notes, *notes))


class Opened:
    """A file, read as far as it can be. network : None if something in it has no counterpart; `refusals` say what."""

    def __init__(self, path: Path, dt: float | None, input_shape: tuple[int, int, int] | None) -> None:
        self.notes: list[str] = []
        self.refusals = Refusals(collect=True)
        self.network: Network | IntNetwork | None = None
        self.parts: tuple[str, ...] = ()
        path = path / NETWORK_OF_RUN if path.is_dir() else path
        form = format_of(path)
        if form in ("a network", "a mapping"):
            network = load(path) if form == "a network" else load_mapping(path).network
            require(isinstance(network, Network | IntNetwork), "check.file", "a graph", "a network", "Map a network.")
            self.network = network  # type: ignore[assignment]
        elif form == "a NIR graph":
            self.read_nir(path, dt)
        else:
            self.read_lava_dl(path, input_shape)
        numbers = "in integers" if isinstance(self.network, IntNetwork) else "in floating point"
        self.form = f"{form}, {numbers}" if self.network is not None else form
        if self.network is not None:
            n = self.network
            self.parts = (n.source.name, *(p.name for p in (*n.populations, *n.projections)))

    def read_nir(self, path: Path, dt: float | None) -> None:
        """A graph; its nodes are the parts if it has no counterpart."""
        graph = read_graph(path)
        self.parts = tuple(graph.nodes)
        ours = bool((graph.metadata or {}).get(KEY))
        if not ours and dt is None:
            self.notes.append(f"The graph does not say the length of a step; {1e3 * STEP:g} ms is assumed (dt).")
        step, steps = (dt, None) if ours else (dt or STEP, T)
        self.attempt(lambda: read_nir(graph, step, steps, None, "euler", self.refusals))

    def read_lava_dl(self, path: Path, input_shape: tuple[int, int, int] | None) -> None:
        """A chain of layers; these are the parts if they have no counterpart."""
        with h5py.File(path, "r") as file:
            self.parts = tuple(f"layer {i}" for i in range(len(file["layer"])))
        self.attempt(lambda: read_lava_dl(path, T, "rate", input_shape, self.refusals))

    def attempt(self, read: Callable[[], Network | IntNetwork]) -> None:
        """Read; what has no counterpart is collected, what is damaged is raised."""
        try:
            self.network = read()
        except (UnsupportedError, ParameterError) as error:
            self.refusals.add(error)


def format_of(path: Path) -> str:
    """What a file is. Raises FormatError for any other, and for one that is not there."""
    allowed = "a NIR graph, a file of lava-dl, a network or mapping that synergic saved, or the folder of a run"
    for form, name in ((NETWORK, "a network"), (MAPPING, "a mapping")):
        if says(path, form):
            return name
    check_hdf5(path, "HDF5", f"allowed {allowed}")
    try:
        with h5py.File(path, "r") as file:
            found = "a NIR graph" if "node" in file else "a file of lava-dl" if "layer" in file else ""
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error}), allowed {allowed}. Give one of these.") from None
    if not found:
        raise FormatError(f"{path}: got another HDF5 file, allowed {allowed}. Give one of these.")
    return found


def in_integers(network: Network, weight_bits: int, local_bits: int) -> tuple[IntNetwork | None, list[str], list[str]]:
    """The integers of a network, or None; everything that `quantise` refuses; what it warns of."""
    refusals = Refusals(collect=True)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        integer = None
        with refusals.part():
            integer = quantised(network, weight_bits, local_bits, "nearest", 0, refusals)
    return integer, [str(e) for e in refusals.found], [str(w.message) for w in warned]


def of_lava(network: Network | IntNetwork, integer: IntNetwork | None, chip: Chip) -> Reasons:
    """Lava has a process for every part of a description."""
    return []


def of_chip(network: Network | IntNetwork, integer: IntNetwork | None, chip: Chip) -> Reasons:
    """What `map_network` refuses."""
    if integer is None:
        return []
    try:
        return [(str(v), False) for v in estimate(integer, chip).violations]
    except (CapacityError, UnsupportedError) as error:
        return [(line, False) for line in str(error).splitlines()]


def of_c(network: Network | IntNetwork, integer: IntNetwork | None, chip: Chip) -> Reasons:
    """What `to_c` refuses."""
    if integer is None:
        return []
    refusals = Refusals(collect=True)
    check_texts(integer, refusals)
    return outright(refusals)


def of_nir(network: Network | IntNetwork, integer: IntNetwork | None, chip: Chip) -> Reasons:
    """What `to_nir` refuses."""
    if isinstance(network, IntNetwork):
        text = "network: got integers, allowed floating point: NIR has real parameters. Give it before quantise()."
        return [(text, False)]
    refusals = Refusals(collect=True)
    check_parts(network, refusals)
    return with_loss(nir_export_issues(network)) + outright(refusals)


def of_lava_dl(network: Network | IntNetwork, integer: IntNetwork | None, chip: Chip) -> Reasons:
    """What `to_lava_dl` refuses."""
    if integer is None:
        return []
    refusals = Refusals(collect=True)
    layers_of(integer, refusals)
    return with_loss(lava_dl_export_issues(integer)) + outright(refusals)


def with_loss(issues: tuple[str, ...]) -> Reasons:
    """What a writer leaves out if it is allowed to."""
    return [(f"{text}. {LOSSY}", True) for text in issues]


def outright(refusals: Refusals) -> Reasons:
    """What a writer refuses in any case."""
    return [(str(error), False) for error in refusals.found]


REASONS = {"lava": of_lava, "chip": of_chip, "c": of_c, "nir": of_nir, "lava-dl": of_lava_dl}
"""By target, what it refuses of a network: as read, and in integers, None if it has none."""


def part_of(text: str, parts: tuple[str, ...]) -> str:
    """The part that a message names first; "" for none. The longest name counts, as one may begin with another."""
    named = [p for p in parts if re.match(re.escape(p) + r"[.:, ]", text)]
    return max(named, key=len, default="")
