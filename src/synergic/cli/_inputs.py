# SPDX-License-Identifier: BSD-3-Clause
"""What the commands take as NETWORK and DATA: a file, the folder of a run, or the name of an example that ships."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core import parts
from synergic._core.checks import require, whole
from synergic._core.files import check_path, read_arrays
from synergic._core.integers import VALUE_MAX
from synergic._examples import EXAMPLES, load_example
from synergic.errors import FormatError
from synergic.experiments import CONFIG, NETWORK, SAMPLES, TEST
from synergic.hw_targets._chip_report import chosen, refuse_bits
from synergic.hw_targets.mapping import Mapping, load_mapping
from synergic.hw_targets.mapping._mapping_file import FORMAT as MAPPING
from synergic.network._description import Network
from synergic.network._quantise import IntNetwork, quantise
from synergic.network._storage import load, says

Array = npt.NDArray[Any]
INPUT, LABELS = "input", "labels"
"""Names of the arrays in an .npz file."""
NETWORKS = f"the folder of a run, a network file, or an example ({', '.join(EXAMPLES)})"
DATA_SETS = f"the folder of a run, an .npy or .npz file, or an example ({', '.join(EXAMPLES)})"


@dataclass(frozen=True)
class Samples:
    """What a network is run on. inputs : (samples, T, channels). labels : (samples,) or None. what : in words."""

    inputs: Array
    labels: Array | None
    what: str


def is_example(given: Path) -> bool:
    """Whether a name is that of an example. A file or a folder of that name goes first."""
    return str(given) in EXAMPLES and not given.exists()


def file_of(where: str, given: Path, name: str, allowed: str) -> Path:
    """The file that is given, or the one of that name in the folder of a run that is given. Raises FormatError."""
    if not given.exists():
        near = get_close_matches(given.name, EXAMPLES, 1, 0.7)
        remedy = f"Did you mean {near[0]}?" if near else "Check the path."
        raise FormatError(f"{given}: no such file, allowed {allowed}. {remedy}")
    if not given.is_dir() or (given / name).exists():
        return given / name if given.is_dir() else given
    if not (given / CONFIG).exists():
        what, remedy = f"a folder without {name}", "Name a file in it, or give the folder of a run."
    elif not (given / NETWORK).exists() and (given / "record.json").exists():
        what, remedy = "a run whose network only torch can run", "Train another experiment."
    else:
        what, remedy = "a run that has not ended", "Start the same `synergic train` again: it resumes."
    raise FormatError(f"{where} {given}: got {what}, allowed {allowed}. {remedy}")


def network_of(path: str | Path) -> Network | IntNetwork:
    """The network of a file, of a run's folder, or of an example. Raises FormatError, ParameterError."""
    given = check_path("network_of.path", path)
    if is_example(given):
        return load_example(str(given)).network
    return load(file_of("NETWORK", given, NETWORK, NETWORKS))


def open_network(path: str | Path, weight_bits: int | None = None, local_bits: int | None = None) -> IntNetwork:
    """A saved network in integers; one of floating point is quantised.

    path : as `network_of`. weight_bits, local_bits : as of `quantise`, None for its defaults. Raises FormatError,
    ParameterError for bits of a network that has its own, and as `quantise`.
    """
    path = check_path("open_network.path", path)
    if says(path, MAPPING):
        raise FormatError(f"{path}: got a mapping, allowed a network. `synergic simulate` runs mappings.")
    network = network_of(path)
    if not isinstance(network, IntNetwork):
        return quantise(network, **chosen(weight_bits, local_bits))
    refuse_bits(weight_bits, local_bits, "a network in integers")
    return network


def open_network_or_mapping(
    path: str | Path, weight_bits: int | None = None, local_bits: int | None = None
) -> IntNetwork | Mapping:
    """A saved mapping, or a saved network in integers. Raises as `load_mapping` and `open_network`, and ParameterError
    for bits beside a mapping, which has them."""
    path = check_path("open_network_or_mapping.path", path)
    if not says(path, MAPPING):
        return open_network(path, weight_bits, local_bits)
    refuse_bits(weight_bits, local_bits, "a mapping")
    return load_mapping(path)


def read_data(path: str | Path) -> tuple[Array, Array | None]:
    """Input (samples, T, channels) and labels (samples,) or None, of an .npy file (input alone) or an .npz file with
    `input` and perhaps `labels`. Raises FormatError, ParameterError."""
    path = check_path("read_data.path", path)
    allowed = f"an .npy file with an array, or an .npz file with {INPUT!r} and perhaps {LABELS!r}"
    data = read_arrays(path, f"Give {allowed}; save it with numpy.")
    if isinstance(data, np.ndarray):
        return data, None
    if INPUT not in data or data.keys() - {INPUT, LABELS}:
        raise FormatError(f"{path}: got the arrays {sorted(data)}, allowed {allowed}. Rename them.")
    return data[INPUT], data.get(LABELS)


def own_data(network: Path) -> Path | None:
    """The samples that belong to what was given as NETWORK: of an example, or of the run whose folder it is in."""
    if is_example(network) or network.is_dir():
        return network
    beside = network.name == NETWORK and (network.parent / TEST).is_file()
    return network.parent if beside else None


def samples_of(data: str | Path | None, network: str | Path, count: int | None = None) -> Samples:
    """The samples that a command runs.

    Parameters
    ----------
    data : str, Path or None
        An .npy or .npz file, a run's folder (its own test set) or an example. None: what belongs to `network`.
    network : str or Path
        What was given as NETWORK.
    count : int, optional
        Samples that are wanted. A run's folder holds a few; more are read from its data set.

    Returns
    -------
    Samples
        At least `count` of them, if there are so many; else all that are stored.

    Raises
    ------
    FormatError, ParameterError, DataError
        For what is no data, damaged, or nowhere to be had.
    """
    network = check_path("network", network)
    if data is None:
        data = own_data(network)
        nothing = "A network or mapping file has no samples of its own: add DATA."
        require(data is not None, "data", "none", DATA_SETS, nothing)
    given = check_path("data", data)
    if count is not None:
        whole("samples", count, 1, float("inf"), "It is a number of samples, from the start.")
    if is_example(given):
        example = load_example(str(given))
        inputs = example.inputs
        if example.network.source.num_message_bits:
            inputs = np.rint(VALUE_MAX * inputs).astype(np.int64)
        return Samples(inputs, example.labels, f"test samples of {given}")
    if not (given / CONFIG).exists():  # a file, or what `synergic demo` left
        return Samples(*read_data(file_of("DATA", given, TEST, DATA_SETS)), f"samples of {given}")
    stored = given / TEST
    if stored.exists():
        inputs, labels = read_data(stored)
        if count is None or count <= len(inputs):
            return Samples(inputs, labels, f"test samples of the run {given}")
    parts.require("the data set of a run", "torch", "torchvision")
    from synergic.learning.tasks._runs import restore

    inputs, labels = restore(given).test_inputs(SAMPLES if count is None else count)
    return Samples(inputs, labels, f"test samples of the run {given}")
